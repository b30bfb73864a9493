"""Whether a release's evidence agrees with what lies in its environment."""

from collections.abc import Callable, Iterator
from functools import partial

from botocore.exceptions import ClientError

from rft_cli.environment import Environment
from rft_cli.release_checks import Check, failed, passed, same
from rft_cli.releases import release_store
from rft_contract.layout import RunKeys, release_key
from rft_contract.services import REWARD_HASH
from rft_runtime.failures import explain
from rft_runtime.hashed_stream import HashedStream
from rft_runtime.releases.evidence import Evidence
from rft_runtime.releases.release import Metrics, Release, RewardUse
from rft_runtime.releases.statement import Statement, metrics_sha256, sha256
from rft_runtime.report import decode_report

_CHANGED = "it was changed after the release; find out who may write there, and believe the evidence alone"


def check_releases(environment: Environment, statement: Statement, evidence: Evidence) -> Iterator[Check]:
    """Yield whether `releases/*` says the same: that the release went live, its manifest, and the one before it.

    Args:
        environment: Where it was released.
        statement: What was signed.
        evidence: The file.
    """
    store = release_store(environment)
    history = [turn.release for turn in store.current(statement.line).history]
    if statement.number in history:
        live = "is live" if history[-1] == statement.number else f"was live; release {history[-1]} is"
        yield passed("history", f"release {statement.number} {live}")
    else:
        says = f"release {statement.number} never went live"
        yield failed("history", says, "its promotion came to nothing; take one that `rft release list` shows")
    stored = environment.bucket.find(release_key(statement.line, statement.number))
    got = "none" if stored is None else sha256(stored[0])
    yield same("manifest in the bucket", got, sha256(evidence.manifest.encode()), _CHANGED)
    if statement.previous is not None:
        before = environment.bucket.find(release_key(statement.line, statement.previous.number))
        got = "none" if before is None else sha256(before[0])
        name = f"previous release, {statement.previous.number}"
        yield same(name, got, statement.previous.sha256, _CHANGED)


def check_sources(environment: Environment, statement: Statement, release: Release) -> Iterator[Check]:
    """Yield whether what the hashes stand for is still there, unchanged: datasets, report, and the reward's version.

    Args:
        environment: Where it was released.
        statement: What was signed.
        release: What the manifest says.
    """
    for split, use in release.datasets.items():
        got = _or_why(partial(_dataset, environment, use.address))
        yield same(f"data in the bucket: {split}", got, use.sha256, _CHANGED)
    got = _or_why(partial(_measured, environment, statement.run_id))
    yield same("report", got, statement.metrics_sha256, _CHANGED)
    if statement.reward_sha256 is not None:
        got = _or_why(partial(_reward, environment, release.reward))
        yield same("deployed reward", got, statement.reward_sha256, _CHANGED)


def _or_why(read: Callable[[], str]) -> str:
    """Return a hash, or why there is none."""
    try:
        return read()
    except (ClientError, KeyError, ValueError) as error:
        return explain(error)


def _dataset(environment: Environment, address: str) -> str:
    return HashedStream(environment.bucket.open(environment.bucket.key_of(address))).sha256()


def _measured(environment: Environment, run_id: str) -> str:
    report = decode_report(environment.bucket.read(RunKeys(run_id).report_json))
    if report.gain is None:
        return "no measurements"
    arms = {"base": report.base, "candidate": report.candidate, "live": report.live}
    measured = {name: arm for name, arm in arms.items() if arm is not None}
    return metrics_sha256(Metrics(arms=measured, gain=report.gain))


def _reward(environment: Environment, reward: RewardUse) -> str:
    function = environment.outputs.rewards[reward.name]
    answer = environment.aws.functions.get_function_configuration(
        FunctionName=function, Qualifier=reward.version or "$LATEST"
    )
    return answer["Environment"]["Variables"][REWARD_HASH]
