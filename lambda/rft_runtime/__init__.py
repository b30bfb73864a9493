"""What the workflow's handlers do, with AWS clients as arguments; one noun a module."""
