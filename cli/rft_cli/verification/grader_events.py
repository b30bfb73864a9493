"""What the events of a reward function say about how Bedrock delivers rollouts."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from rft_cli.verification.observation import Observation, holds, unseen

_NO_EVENT = "no event of the job arrived"


class SampleSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One sample, as the observing function wrote it down.

    Args:
        row: The row's number; None: it did not arrive.
        split: `train` or `validation`; None: it did not arrive.
        nested: Where the nested field was found, and `same` or what it was instead.
        reference: Where the reference answer was found, and its form.
        role: Role of the last turn.
    """

    row: int | None
    split: str | None
    nested: tuple[str, str]
    reference: tuple[str, str]
    role: str | None


class EventSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One event.

    Args:
        arn: The ARN that was called.
        version: The version that ran.
        bytes: Size of the event.
        samples: What it held.
    """

    arn: str
    version: str
    bytes: int
    samples: tuple[SampleSeen, ...]


def observe_events(
    events: Sequence[EventSeen], *, asked: str, version: str, rows: int, group: int, refusal: str
) -> list[Observation]:
    """Return what the events of one job show.

    Args:
        events: All that arrived.
        asked: The qualified ARN that the job names.
        version: The version that its alias points to.
        rows: How many different training rows there are.
        group: Rollouts of one prompt, as the job asks for them.
        refusal: What the service said to a job with the qualified ARN; empty: it took it.
    """
    samples = [sample for event in events for sample in event.samples]
    return [
        _qualifier(events, asked, version, refusal),
        _common("metadata-nested", [" ".join(sample.nested) for sample in samples], "metadata same"),
        _common("reference-place", [sample.reference[0] for sample in samples], "metadata"),
        _form(samples),
        _common("assistant-role", [sample.role or "none" for sample in samples], "assistant"),
        _groups(events, group),
        _batches(events, rows),
    ]


def observe_validation(events: Sequence[EventSeen], refusal: str) -> Observation:
    """Return whether validation rows were graded.

    Args:
        events: Of a job that was given a validation set and trained to its end.
        refusal: What the service said to a job with one; empty: it took it.
    """
    if refusal:
        return holds("validation-data", False, f"the job was refused: {refusal}")
    splits = Counter(str(sample.split) for event in events for sample in event.samples)
    if not splits:
        return unseen("validation-data", _NO_EVENT)
    if "validation" not in splits and "None" in splits:
        return unseen("validation-data", "samples did not say of which set they are")
    return holds("validation-data", "validation" in splits, f"samples graded: {_counts(splits)}")


def _qualifier(events: Sequence[EventSeen], asked: str, version: str, refusal: str) -> Observation:
    name = "grader-qualifier"
    if refusal:
        return holds(name, False, f"a job with the qualified ARN was refused: {refusal}")
    if not events:
        return unseen(name, _NO_EVENT)
    called = Counter(
        f"version {event.version}, called {'with' if event.arn == asked else 'without'} the alias" for event in events
    )
    return holds(name, set(called) == {f"version {version}, called with the alias"}, f"events: {_counts(called)}")


def _common(name: str, found: Sequence[str], wanted: str) -> Observation:
    """Return whether every sample has what is wanted."""
    if not found:
        return unseen(name, _NO_EVENT)
    return holds(name, set(found) == {wanted}, f"samples: {_counts(Counter(found))}")


def _form(samples: Sequence[SampleSeen]) -> Observation:
    """Every other row's reference answer is a string, the others are mappings that no string could be wrapped in."""
    found = Counter(sample.reference[1] for sample in samples)
    if not {"string", "text in a mapping"} & set(found):
        return unseen("reference-form", f"no sample with a string arrived; samples: {_counts(found) or 'none'}")
    return holds("reference-form", "text in a mapping" not in found, f"samples: {_counts(found)}")


def _groups(events: Sequence[EventSeen], group: int) -> Observation:
    name = "group-delivery"
    known = [Counter(sample.row for sample in event.samples if sample.split == "train") for event in events]
    counts = Counter(count for event in known for row, count in event.items() if row is not None)
    if not counts:
        return unseen(name, "no event had rollouts of known training rows")
    whole = all(count % group == 0 for count in counts)
    return holds(name, whole, f"rollouts of one prompt in one event, of {group}: {_range(list(counts))}")


def _batches(events: Sequence[EventSeen], rows: int) -> Observation:
    if not events:
        return unseen("batched-events", _NO_EVENT)
    sizes, most = [len(event.samples) for event in events], max(event.bytes for event in events)
    seen = f"{len(events)} events of {_range(sizes)} samples, at most {most:,} bytes, of {rows} rows"
    return holds("batched-events", max(sizes) > 1, seen)


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(found.items()))
