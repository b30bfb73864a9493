"""What goes wrong with the embedded AWS, said in one line."""


class LocalError(Exception):
    """The embedded AWS cannot start, deploy or stop; the message says what to do."""
