"""The `rft` command line: local, run, watch, report and their kin."""
