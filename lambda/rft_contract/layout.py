"""Where things lie in the environment's one data bucket.

Bedrock's S3 address pattern knows neither `=` nor `:`, so no key here has one.
"""

import re
from dataclasses import dataclass

from rft_contract.naming import check_run_id

DATASETS = "datasets/"
RUNS = "runs/"
OPEN_RUNS = "open-runs/"
PLACES = "places.json"
CERTIFICATES = "certificates/"
RELEASES = "releases/"
LOG_SAMPLES = "log-samples/"

HELD_OUT_USES = "uses.json"
"""What lies beside a held-out set: the runs that looked at it."""

RELEASES_DENIAL = "ReleasesAreWrittenByPromotion"
USES_DENIAL = "UsesAreWrittenByDecide"
"""Ids of the bucket policy's statements that keep everybody else from writing releases, and uses of held-out sets."""

DATASET_SUFFIXES = (".jsonl", ".jsonl.gz")
"""How the keys of datasets end that are checked when they are put into the bucket."""

REPORT_SUFFIX = ".report.json"
"""How the keys of reports on uploaded datasets end; none of the endings of datasets."""

_HASHED = re.compile(re.escape(DATASETS) + r"([0-9a-f]{64})/")

HOLDS_TAG = "rft:holds"
ROLLOUTS = "rollouts"
"""Value of that tag on objects that hold completions of models. Lifecycle rules know no pattern but a prefix of keys,
and these lie among a run's other objects, so a tag tells the bucket which of them expire."""

SPLIT_METADATA = "rft-split"
"""Metadata of a dataset's object: what it is for, `train`, `validation`, `held_out` or `guard-<name>`."""


def dataset_key(sha256: str, name: str) -> str:
    """Return the key of an uploaded dataset: its content's hash names the folder.

    Args:
        sha256: Hex digest of the object's bytes.
        name: File name, such as `train.jsonl`.
    """
    return f"{DATASETS}{sha256}/{name}"


def promised_sha256(key: str) -> str | None:
    """Return the hash that a dataset's key says its content has; None for a key that says none.

    Args:
        key: Of any object.
    """
    found = _HASHED.match(key)
    return found[1] if found else None


def report_key(key: str) -> str:
    """Return the key of the report on an uploaded dataset: it lies beside the dataset.

    Args:
        key: The dataset's.
    """
    return f"{key}{REPORT_SUFFIX}"


def certificate_key(reward_hash: str, dataset_sha256: str) -> str:
    """Return the key of the certificate of a reward on a dataset.

    Args:
        reward_hash: Of the reward.
        dataset_sha256: Of the dataset.
    """
    return f"{CERTIFICATES}{reward_hash}/{dataset_sha256}.json"


def cases_key(reward_hash: str) -> str:
    """Return the key of the author's cases for a reward: completions that it must call good and bad.

    Args:
        reward_hash: Of the reward.
    """
    return f"{CERTIFICATES}{reward_hash}/cases.json"


def log_shards(name: str) -> str:
    """Return the prefix of the shards of a sample of production's logs.

    Args:
        name: The sample's.
    """
    return f"{LOG_SAMPLES}{name}/shards/"


def calibrations_key(reward_hash: str) -> str:
    """Return the key of the calibrations of a reward's judges.

    Args:
        reward_hash: Of the reward.
    """
    return f"{CERTIFICATES}{reward_hash}/calibrations.json"


def release_key(line: str, number: int) -> str:
    """Return the key of a release's manifest, which is written once.

    Args:
        line: The model line.
        number: The release, from 1.
    """
    return f"{RELEASES}{line}/{number}.json"


def evidence_key(line: str, number: int) -> str:
    """Return the key of a release's signed evidence, which is written once.

    Args:
        line: The model line.
        number: The release, from 1.
    """
    return f"{RELEASES}{line}/{number}/evidence.json"


def current_release_key(line: str) -> str:
    """Return the key of what is live on a model line.

    Args:
        line: The model line.
    """
    return f"{RELEASES}{line}/current.json"


@dataclass(frozen=True)
class RunKeys:
    """The keys of one run.

    Args:
        run_id: A legal run id.
    """

    run_id: str

    def __post_init__(self) -> None:
        check_run_id(self.run_id)

    @property
    def prefix(self) -> str:
        """Everything the run reads or writes."""
        return f"{RUNS}{self.run_id}/"

    @property
    def record(self) -> str:
        """`run.json`, the run's record."""
        return f"{self.prefix}run.json"

    @property
    def open(self) -> str:
        """The mark of a run that is not closed yet; away from the others, so that a listing finds open runs alone."""
        return f"{OPEN_RUNS}{self.run_id}"

    @property
    def findings(self) -> str:
        """What Validate found."""
        return f"{self.prefix}findings.json"

    def data(self, split: str) -> str:
        """Return the key of a dataset of the run's own.

        Args:
            split: `train`, `validation`, `held_out`, `guard-<name>`, `probe` or `train.probed`.
        """
        return f"{self.prefix}data/{split}.jsonl"

    @property
    def shards(self) -> str:
        """The manifest of pointers that Evaluate's Distributed Map reads, one JSON line a shard."""
        return f"{self.prefix}evaluation/shards.jsonl"

    @property
    def evaluation(self) -> str:
        """Prefix of the graded completions."""
        return f"{self.prefix}evaluation/graded/"

    def graded(self, data: str, subject: str, mode: str, shard: int) -> str:
        """Return the key of one shard's graded completions; a retry overwrites it."""
        return f"{self.evaluation}{data}/{subject}/{mode}/{shard:05d}.jsonl.gz"

    @property
    def map_results(self) -> str:
        """Prefix of the Distributed Map's own result files."""
        return f"{self.prefix}evaluation/map/"

    @property
    def probe_shards(self) -> str:
        """The manifest of pointers that Probe's Distributed Map reads, one JSON line a shard."""
        return f"{self.prefix}probe/shards.jsonl"

    @property
    def probe_sample(self) -> str:
        """Which training prompts Probe tries, and how much each of them counts."""
        return f"{self.prefix}probe/sample.json"

    @property
    def probe_map_results(self) -> str:
        """Prefix of the own result files of Probe's Distributed Map."""
        return f"{self.prefix}probe/map/"

    @property
    def probe(self) -> str:
        """What Probe found."""
        return f"{self.prefix}probe.json"

    @property
    def job_output(self) -> str:
        """Prefix of what the customization job writes, without a trailing slash."""
        return f"{self.prefix}job"

    @property
    def decision(self) -> str:
        """The gate's decision."""
        return f"{self.prefix}decision.json"

    @property
    def report_json(self) -> str:
        """The public report."""
        return f"{self.prefix}report.json"

    @property
    def report_markdown(self) -> str:
        """The report for people."""
        return f"{self.prefix}report.md"
