"""Where things lie in the environment's one data bucket.

Bedrock's S3 address pattern knows neither `=` nor `:`, so no key here has one.
"""

from dataclasses import dataclass

from rft_contract.naming import check_run_id

DATASETS = "datasets/"
RUNS = "runs/"
CERTIFICATES = "certificates/"

DATASET_SUFFIXES = (".jsonl", ".jsonl.gz")
"""How the keys of datasets end that are checked when they are put into the bucket."""

REPORT_SUFFIX = ".report.json"
"""How the keys of reports on uploaded datasets end; none of the endings of datasets."""

SPLIT_METADATA = "rft-split"
"""Metadata of a dataset's object: `train`, `validation` or `held_out`."""


def dataset_key(sha256: str, name: str) -> str:
    """Return the key of an uploaded dataset: its content's hash names the folder.

    Args:
        sha256: Hex digest of the object's bytes.
        name: File name, such as `train.jsonl`.
    """
    return f"{DATASETS}{sha256}/{name}"


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


def calibrations_key(reward_hash: str) -> str:
    """Return the key of the calibrations of a reward's judges.

    Args:
        reward_hash: Of the reward.
    """
    return f"{CERTIFICATES}{reward_hash}/calibrations.json"


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
    def findings(self) -> str:
        """What Validate found."""
        return f"{self.prefix}findings.json"

    def data(self, split: str) -> str:
        """Return the key of a frozen dataset: `train`, `validation`, `held_out`, `guard-<name>` or `probe`."""
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
