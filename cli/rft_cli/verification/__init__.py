"""First contact with an AWS: what the platform relies on without AWS saying so, looked at where it runs."""
