"""Where a reward function's code comes from."""

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

from bedrock_rft._assets import AssetError, assemble, folder_files, package_files
from rft_contract.graders import GRADERS
from rft_contract.json_value import canonical
from rft_contract.reward_spec import FILE_NAME, RewardSpec

_RUNTIME_MODULES = ("grading", "reward_events", "telemetry")
"""The modules of `rft_runtime` that grade an event; the others need third-party packages."""


@dataclass(frozen=True)
class RewardCode:
    """A reward's name and its code. Made by `builtin` or `from_directory`.

    Args:
        name: What recipes call the reward.
        code: The function's asset.
        handler: The function's entry point.
    """

    name: str
    code: lambda_.Code
    handler: str

    @classmethod
    def builtin(cls, spec: RewardSpec) -> "RewardCode":
        """Return a reward made of a built-in grader.

        Its asset holds standard-library code and `reward.json` alone, so it needs no network to make, and an edit
        anywhere else leaves the function untouched.

        Args:
            spec: Which grader, with which options.

        Raises:
            ValueError: When the spec names no grader of `rft_rewards`.
        """
        rewards = package_files("rft_rewards")
        if spec.grader not in GRADERS:
            raise ValueError(f"reward {spec.name}: got the grader {spec.grader!r}, wanted one of {', '.join(GRADERS)}")
        files = {
            **package_files("rft_contract"),
            **rewards,
            **package_files("rft_runtime", _RUNTIME_MODULES),
            **package_files("rft_handlers", ("reward",)),
            FILE_NAME: canonical(spec.to_json()).encode(),
        }
        return cls(spec.name, lambda_.Code.from_asset(str(assemble(files))), "rft_handlers.reward.handler")

    @classmethod
    def from_directory(cls, name: str, directory: Path | str, *, handler: str = "reward.handler") -> "RewardCode":
        """Return a reward of your own: a folder with everything that the function needs.

        The function gets Bedrock's event, a JSON array of rollouts, and returns an array with one result for each.

        Args:
            name: What recipes shall call it.
            directory: The folder.
            handler: `module.function` in it. Default: `reward.handler`.

        Raises:
            AssetError: When the folder has no such module.
        """
        folder = Path(directory).resolve()
        module = folder / (handler.rpartition(".")[0].replace(".", "/") + ".py")
        if not module.is_file():
            raise AssetError(f"reward {name}: handler {handler!r} needs the file {module}, which does not exist")
        return cls(name, lambda_.Code.from_asset(str(assemble(folder_files(folder)))), handler)
