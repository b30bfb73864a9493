"""Tables of what was measured about datasets."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks.table_parts import number, part, percent, table
from rft_contract.json_value import JsonObject


def _checks(figures: JsonObject) -> Iterator[str]:
    rows_read = part(figures, "rows")
    yield (
        f"All checks of `rft validate`, near duplicates and leaks among them: {number(rows_read, 'train'):,.0f} "
        f"training rows of GSM8K's size, {number(rows_read, 'validation'):,.0f} validation and "
        f"{number(rows_read, 'held_out'):,.0f} held-out rows, {number(figures, 'megabytes'):.0f} MB. "
        "The peak is the whole process's."
    )
    yield ""
    rows = [
        [name, f"{number(side, 'seconds'):.1f}", f"{number(side, 'peak_memory_mb'):.0f}"]
        for name, side in (
            ("three datasets", part(figures, "all_datasets")),
            ("the training rows alone", part(figures, "training_rows_alone")),
        )
    ]
    yield from table(("checked", "seconds", "peak MB"), rows)


def _rows(figures: JsonObject) -> Iterator[str]:
    yield (
        f"One file of {number(figures, 'rows'):,.0f} rows, {number(figures, 'megabytes'):,.0f} MB, one process a side, "
        f"one after the other. Memory may be 100 MB and 32 bytes a row: {number(figures, 'memory_limit_mb'):.0f} MB."
    )
    yield ""
    names = {
        "rft": "`rft validate`, row by row, with ids and exact copies",
        "json_and_plain_checks": "`json` and plain checks",
        "pydantic_strict": "pydantic v2, strict, and the same checks",
        "bare_msgspec": "msgspec, decoding alone: the limit",
    }
    sides = part(figures, "sides")
    rows = []
    for key, name in names.items():
        if key in sides:
            side = part(sides, key)
            whole = ("megabytes_per_cpu_second", "megabytes_per_second", "peak_memory_mb")
            cells = [f"{number(side, item):,.0f}" for item in whole]
            rows.append([name, *cells, f"{number(side, 'times_our_cpu_seconds'):.2f}"])
    yield from table(("side", "MB a CPU second", "MB a second", "peak MB", "our CPU time x"), rows)


def _leaks(figures: JsonObject) -> Iterator[str]:
    gsm8k = part(figures, "gsm8k_train_against_test")
    yield (
        "Rows copied from training into a held-out set with one change each; false alarms are other held-out rows "
        f"that are reported. GSM8K's own test set against its training set: {number(gsm8k, 'leaks'):.0f} leaks."
    )
    yield ""
    planted, tickets = part(figures, "planted"), part(figures, "planted_among_short_tickets")
    rows = []
    for change in part(planted, "by_change"):
        shares = [part(part(side, "by_change"), change) for side in (planted, tickets)]
        rows.append([change.replace("_", " "), *(f"{100 * number(share, 'share_found'):.2f} %" for share in shares)])
    rows.append(
        ["**all**", *(f"**{100 * number(side, 'share_found'):.2f} %**" for side in (planted, tickets))],
    )
    alarms = [
        f"{percent(number(side, 'share_of_false_alarms'))} of {number(side, 'other_rows'):,.0f}"
        for side in (planted, tickets)
    ]
    rows.append(["false alarms", *alarms])
    heads = [
        f"{name}, {number(side, 'copies'):,.0f} copies"
        for name, side in (("GSM8K", planted), ("short tickets", tickets))
    ]
    yield from table(("change", *heads), rows)


def _fuzz(figures: JsonObject) -> Iterator[str]:
    yield (
        f"{number(figures, 'files'):,.0f} mutated files, {number(figures, 'rows'):,.0f} rows: no traceback, the same "
        "report by block and by line, no text of the data in a finding; "
        f"{number(figures, 'cpu_seconds'):.0f} CPU seconds, peak {number(figures, 'peak_memory_mb'):.0f} MB, "
        f"the slowest file {number(figures, 'slowest_file_seconds'):.2f} s."
    )


def _match(figures: JsonObject) -> Iterator[str]:
    alarms, reading = part(figures, "false_alarms"), part(figures, "reading")
    yield (
        f"{number(figures, 'training_prompts'):.0f} training prompts against {number(figures, 'requests'):,.0f} "
        f"requests of one source, {number(alarms, 'seeds'):.0f} seeds: any measure differs in "
        f"{percent(number(part(alarms, 'share_by_measure'), 'any'))}. Logs are read at "
        f"{number(reading, 'ours_mb_per_s'):.0f} MB a second, gzip at {number(reading, 'ours_gzip_mb_per_s'):.0f}, "
        f"beside `json.loads` alone at {number(reading, 'json_loads_alone_mb_per_s'):.0f}."
    )
    yield ""
    found = part(figures, "found_from_share_on")
    yield from table(
        ("requests changed", "found from this share on"), [[name, percent(number(found, name))] for name in found]
    )


def _alignment(figures: JsonObject) -> Iterator[str]:
    seconds, shares, planted = (
        part(figures, name) for name in ("seconds_for_20000_rows", "unclear_or_conflicting_share", "planted")
    )
    yield (
        f"Forms taken out of {number(planted, 'planted'):,.0f} of {number(planted, 'prompts'):,.0f} GSM8K prompts: "
        f"{number(planted, 'found'):,.0f} found."
    )
    yield ""
    yield from table(
        ("prompts and reward", "unclear or conflicting"),
        [[f"`{name}`", percent(number(shares, name))] for name in shares],
    )
    yield ""
    graders = [name for name in seconds if name not in ("validation_alone", "bytes_a_row")]
    cells = [f"{number(seconds, name):.2f}" for name in graders]
    yield from table(
        ("CPU seconds, 20,000 rows", *(f"`{name}`" for name in graders)), [["prompts that tell nothing", *cells]]
    )


DATASET_SECTIONS: Mapping[str, tuple[str, Callable[[JsonObject], Iterator[str]]]] = {
    "dataset_checks": ("Datasets: everything at once", _checks),
    "dataset_rows": ("Datasets: row by row, beside others", _rows),
    "leaks": ("Datasets: planted leaks", _leaks),
    "dataset_fuzz": ("Datasets: fuzzed files", _fuzz),
    "prompt_alignment": ("Datasets: do prompts ask for what the reward reads?", _alignment),
    "production_match": ("Datasets: beside production", _match),
}
"""Result -> its heading and what writes its table."""
