"""`python3 -m bedrock_rft [WORD ...]`: fetch third-party packages ahead of synth.

A word is a platform (`arm64`, `x86_64`, `host`), the name of a grader that needs packages, or the path of a reward: its
YAML file or its folder.
"""

import sys
from pathlib import Path

from bedrock_rft._assets import AssetError
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.reward_content import reward_content
from bedrock_rft.third_party import Lock, grader_lock, handlers_lock, third_party
from rft_contract.graders import GRADERS

_PLATFORMS = {platform.value: platform for platform in HandlerPlatform}
_GRADERS = sorted({entry.lock for entry in GRADERS.values() if entry.lock})


def main(words: list[str]) -> str | None:
    """Fill the cache: with the packages of the workflow's handlers, and what else is named.

    Args:
        words: Platforms, graders, rewards. Default platforms: - all that an app usually needs, `arm64` and `host`.

    Returns:
        An error for the shell, or None.
    """
    platforms = [_PLATFORMS[word] for word in words if word in _PLATFORMS]
    try:
        named = [lock for word in words if word not in _PLATFORMS for lock in _locks(word)]
        for lock in {lock.path: lock for lock in [handlers_lock(), *named]}.values():
            for platform in platforms or [HandlerPlatform.ARM64, HandlerPlatform.HOST]:
                print(f"{lock.owner}, {platform.value}: {third_party(lock, platform)}")
    except (AssetError, ValueError) as error:
        return str(error)
    return None


def _locks(word: str) -> tuple[Lock, ...]:
    """Return the locks that a word stands for."""
    if word in _GRADERS:
        return (grader_lock(word),)
    if not Path(word).exists():
        raise ValueError(f"got {word!r}, wanted one of {', '.join([*_PLATFORMS, *_GRADERS])}, or the path of a reward")
    return reward_content(Path(word)).locks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
