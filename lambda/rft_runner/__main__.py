"""`python -m rft_runner`: an environment of the runner function on this machine, one JSON event and response a line."""

import json
import os
import sys

from rft_runner.handler import close, handler


def main() -> None:
    """Answer events until the input ends."""
    responses = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for line in sys.stdin:
        responses.write(json.dumps(handler(json.loads(line), None)) + "\n")
        responses.flush()
    close()


if __name__ == "__main__":
    main()
