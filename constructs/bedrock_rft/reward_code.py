"""Where a reward function's code comes from."""

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.reward_content import RewardContent, own_content, reward_content
from rft_contract.reward_spec import RewardSpec


@dataclass(frozen=True)
class RewardCode:
    """A reward's name and its code. Made by `of`, `builtin`, `composed` or `from_directory`.

    The asset holds the modules that the reward needs and no others, so an edit anywhere else leaves the function as it
    is. Rewards without third-party packages need no network to synthesize.

    Args:
        name: What recipes call the reward.
        code: The function's asset.
        handler: The function's entry point.
        reward_hash: Names the code on every platform: of its files, the reward's graders and options, and the text of
            the lock files. Certificates are bound to it.
        services: What its graders need besides: `runner` stands for a code runner, `judge` for a model.
        judge_models: Ids of the models that its judges are.
        platform: Where it runs.
        spec: What it is made of. None: it is its author's own handler.
    """

    name: str
    code: lambda_.Code
    handler: str
    reward_hash: str
    services: frozenset[str]
    judge_models: tuple[str, ...]
    platform: HandlerPlatform
    spec: RewardSpec | None = None

    @classmethod
    def of(cls, source: RewardSpec | Path, *, platform: HandlerPlatform = HandlerPlatform.ARM64) -> "RewardCode":
        """Return a reward, however it is written.

        Args:
            source: Its graders (`builtin`), its YAML file (`composed`), or its folder (`from_directory`).
            platform: Where it runs. Default: ARM64.

        Raises:
            ValueError: As the others do.
            AssetError: As the others do.
        """
        return cls._of(reward_content(source), platform)

    @classmethod
    def builtin(cls, spec: RewardSpec, *, platform: HandlerPlatform = HandlerPlatform.ARM64) -> "RewardCode":
        """Return a reward made of built-in graders.

        Args:
            spec: Which graders, with which options.
            platform: Where it runs. Default: ARM64.

        Raises:
            ValueError: When the spec names a grader that there is not.
            AssetError: When a grader's packages are not cached and cannot be fetched.
        """
        return cls._of(reward_content(spec), platform)

    @classmethod
    def composed(cls, path: Path | str, *, platform: HandlerPlatform = HandlerPlatform.ARM64) -> "RewardCode":
        """Return a reward that a YAML file describes: `name`, `range`, and `grader` or `graders` with weights.

        Args:
            path: The file; `rft_contract.reward_file` says what it may hold. The grader `own` is the function `score`
                of a `reward.py` beside it.
            platform: Where it runs. Default: ARM64.

        Raises:
            ValueError: When the file says something that cannot be.
            AssetError: When it cannot be read, or packages are not cached and cannot be fetched.
        """
        return cls._of(reward_content(Path(path)), platform)

    @classmethod
    def from_directory(
        cls,
        directory: Path | str,
        *,
        name: str | None = None,
        handler: str | None = None,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
    ) -> "RewardCode":
        """Return a reward of your own: a folder with Python.

        Its `reward.py` defines either `score(sample)`, which returns a `rft_rewards.grade.Score` from 0 to 1 for one
        sample and leaves everything else to the platform, or `handler(event, context)`, which gets Bedrock's event, a
        JSON array of rollouts, and returns an array with one result for each. Third-party packages stand in
        `requirements.txt`, each pinned by version and hash, all of which must have wheels. A `reward.yaml` beside it
        says what else the reward is made of, and its range.

        Args:
            directory: The folder.
            name: What recipes call it. Default: - the folder's name.
            handler: `module.function` in it that takes the event. Default: - see above.
            platform: Where it runs, which decides about the wheels. Default: ARM64.

        Raises:
            ValueError: When the name is illegal.
            AssetError: When the folder has no such module or function, or packages cannot be fetched.
        """
        folder = Path(directory).resolve()
        if name is None and handler is None and folder.is_dir():
            return cls._of(reward_content(folder), platform)
        return cls._of(own_content(folder, name=name, handler=handler), platform)

    @classmethod
    def _of(cls, content: RewardContent, platform: HandlerPlatform) -> "RewardCode":
        return cls(
            name=content.name,
            code=lambda_.Code.from_asset(str(content.folder(platform))),
            handler=content.handler,
            reward_hash=content.reward_hash,
            services=content.services,
            judge_models=content.judge_models,
            platform=platform,
            spec=content.spec,
        )
