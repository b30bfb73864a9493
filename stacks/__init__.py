"""The app's own stacks: environments and how they compose the constructs."""
