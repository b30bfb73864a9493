"""The base model tried on training prompts before a job is paid for."""
