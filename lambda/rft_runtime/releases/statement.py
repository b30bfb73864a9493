"""What a release's signature is about: everything that it rests on, by hash."""

import hashlib
from datetime import datetime

import msgspec

from rft_contract.json_value import canonical
from rft_contract.naming import live_deployment_name
from rft_contract.recipe import Recipe
from rft_runtime.releases.exact_json import decode_exact, encode_exact
from rft_runtime.releases.release import Metrics, Previous, Release


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One release in one environment. It holds no text of prompts, answers or data.

    Args:
        line: The model line.
        number: The release, from 1.
        environment: Where it was trained, judged and promoted.
        account: Its AWS account.
        region: Its Region.
        run_id: The run.
        signed: When its promotion began, UTC.
        model_arn: The custom model.
        job_arn: The customization job.
        deployment: Name of the line's deployment, one in an account and Region.
        recipe_sha256: Of the recipe, see `recipe_sha256`.
        datasets: Split -> hex digest of the bytes that the run read.
        reward_sha256: Of the reward's sources, lock file and options; None: Certify did not note it.
        certificates: Split -> hex digest of the reward's certificate.
        metrics_sha256: Of what was measured, see `metrics_sha256`.
        manifest_sha256: Of the manifest.
        previous: The release that it replaced; None: it was the line's first.
        schema: Version of this format.
    """

    line: str
    number: int
    environment: str
    account: str
    region: str
    run_id: str
    signed: datetime
    model_arn: str
    job_arn: str | None
    deployment: str
    recipe_sha256: str
    datasets: dict[str, str]
    reward_sha256: str | None
    certificates: dict[str, str]
    metrics_sha256: str
    manifest_sha256: str
    previous: Previous | None
    schema: int = 1


def state(release: Release, manifest: bytes, certificates: dict[str, bytes], *, key_arn: str) -> Statement:
    """Return the statement about a release.

    Args:
        release: The release.
        manifest: Its manifest, the bytes of the file.
        certificates: Split -> the certificate that the run relied on, the bytes of the file.
        key_arn: The key that will sign; it names account and Region.
    """
    _, _, _, region, account, _ = key_arn.split(":", 5)
    return Statement(
        line=release.line,
        number=release.number,
        environment=release.environment,
        account=account,
        region=region,
        run_id=release.run_id,
        signed=release.promoted,
        model_arn=release.model_arn,
        job_arn=release.job_arn,
        deployment=live_deployment_name(release.environment, release.line),
        recipe_sha256=recipe_sha256(Recipe.from_json(release.recipe)),
        datasets={split: use.sha256 for split, use in release.datasets.items()},
        reward_sha256=release.reward.sha256,
        certificates={split: sha256(body) for split, body in certificates.items()},
        metrics_sha256=metrics_sha256(release.metrics),
        manifest_sha256=sha256(manifest),
        previous=release.previous,
    )


def encode_statement(statement: Statement) -> bytes:
    """Return what is signed: a statement as canonical JSON."""
    return encode_exact(statement)


def decode_statement(payload: bytes) -> Statement:
    """Read a statement; whether it can be trusted is up to its signature.

    Raises:
        ValueError: When it is not the canonical JSON of a statement of this format.
    """
    return decode_exact(payload, Statement, "statement")


def recipe_sha256(recipe: Recipe) -> str:
    """Return the hash of what a recipe decides: the canonical JSON of line, reward, base model and `Recipe.decided`.

    Where its datasets lie differs from checkout to environment; what is in them has hashes of its own.
    """
    named = {"line": recipe.line, "reward": recipe.reward, "base_model": recipe.base_model}
    return sha256(canonical({**recipe.decided(), **named}).encode())


def metrics_sha256(metrics: Metrics) -> str:
    """Return the hash of what was measured: of its canonical JSON."""
    return sha256(encode_exact(metrics))


def sha256(body: bytes) -> str:
    """Return the hex digest of bytes."""
    return hashlib.sha256(body).hexdigest()
