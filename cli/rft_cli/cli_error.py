"""What the command line tells a person who cannot go on."""


class CliError(Exception):
    """One line: what, where, the value got, the value wanted, what to do."""
