"""`python3 -m bedrock_rft [arm64 | x86_64 | host ...]`: fetch the handlers' third-party packages ahead of synth."""

import sys

from bedrock_rft._assets import AssetError
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.third_party import third_party


def main(names: list[str]) -> str | None:
    """Fill the cache.

    Args:
        names: Platforms. Default: - all that an app usually needs, `arm64` and `host`.

    Returns:
        An error for the shell, or None.
    """
    try:
        for platform in [HandlerPlatform(name) for name in names] or [HandlerPlatform.ARM64, HandlerPlatform.HOST]:
            print(f"{platform.value}: {third_party(platform)}")
    except (AssetError, ValueError) as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
