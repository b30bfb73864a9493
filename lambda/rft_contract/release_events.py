"""The events about model lines, as rules match them on the account's default bus."""

SOURCE = "rft"
"""Source of every event."""

PROMOTED = "RFT Model Promoted"
"""Detail type: a candidate became the live release of its line."""

ROLLED_BACK = "RFT Model Rolled Back"
"""Detail type: an earlier release is live again."""
