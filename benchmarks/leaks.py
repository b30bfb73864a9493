"""Leaks: copies of training prompts that are planted in a held-out set, one change each; and sets that share nothing.

The prompts are GSM8K's problems, as they are and with an instruction behind each, and the short tickets of the example
`routing`. A planted copy is a training prompt with other whitespace, case, punctuation or form of its numbers, or with
one word replaced, removed or added. The held-out prompts beside the copies count false alarms. Rows of templates, whose
names, cities and goods are drawn by chance, show what is said of prompts that look alike by design; crowds of rows that
are all alike show what they cost.
"""

import io
import json
import random
import re
import string
import time
from collections.abc import Callable, Mapping
from itertools import islice, product

import msgspec

from benchmarks.public_data import public_file
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject
from rft_dataset.checking import Source, check
from rft_dataset.records import Message, Row
from rft_dataset.similar_prompts import Prompts
from rft_dataset.validation import Split

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks leaks"

COPIES = 2_000
"""Planted copies of each change."""

_SEED = 4
_INSTRUCTION = ' Let\'s think step by step and output the final answer after "####".'
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_LARGER = (
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty"),
    *("fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million"),
)
_NUMBER = re.compile(r"(?<![\w.,/-])\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\w/-]|[,.]\d)")
_SPELLED_NUMBER = re.compile(rf"(?<![\w-])(?:{'|'.join(_SMALL)})(?![\w-])", re.IGNORECASE)
_LETTERS = re.compile(r"\b[A-Za-z]{2,}\b")
_MARK = r"[.,;:!?\"'\u2019]"


def measure() -> JsonObject:
    """Measure on one core; only the templates and the examples where GSM8K is not here."""
    figures: JsonObject = {
        "examples": _examples(),
        "templates": _against(*_templates()),
        "planted_among_short_tickets": _planted(*_tickets()),
        "crowds": {name: _cost(rows) for name, rows in _crowds().items()},
    }
    train, test = (_questions(split) for split in ("train", "test"))
    if train and test:
        instructed = [[(text + _INSTRUCTION, answer) for text, answer in rows] for rows in (train, test)]
        figures |= {
            "gsm8k_train_against_test": _against(train, test),
            "planted": _planted(train, test),
            "planted_with_an_instruction_in_every_prompt": _planted(*instructed),
        }
    return figures


_Rows = list[tuple[str, str]]
"""Prompts and their answers."""


def _questions(split: str) -> _Rows:
    """Return GSM8K's problems and final answers; none where they are not here."""
    path = public_file(f"gsm8k/{split}.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path else []
    return [(row["question"], row["answer"].rsplit("####", 1)[-1].strip()) for row in rows]


def _prompts(rows: _Rows, name: str) -> Prompts:
    """Return the prompts of a dataset with these rows, one a line."""
    prompts = Prompts(name)
    for line, (text, answer) in enumerate(rows, 1):
        reference = msgspec.Raw(msgspec.json.encode(answer))
        prompts.see(line, Row(messages=[Message(role="user", content=text)], reference_answer=reference))
    return prompts


def _against(train: _Rows, held_out: _Rows) -> JsonObject:
    """Return how many rows there are, and how many are reported within each dataset and across."""
    datasets = _prompts(train, "train"), _prompts(held_out, "held_out")
    similar = [len(list(prompts.findings())) for prompts in datasets]
    leaks = len(list(datasets[0].leaks_into(datasets[1], prefix="leak-")))
    return {"rows": [len(train), len(held_out)], "similar_within": [*similar], "leaks": leaks}


def _planted(train: _Rows, test: _Rows) -> JsonObject:
    """Return the share of planted copies that is found, and the share of the other rows that is reported."""
    chance = random.Random(_SEED)
    vocabulary = sorted({word.lower() for text, _ in train for word in _LETTERS.findall(text)} - {*_SMALL, *_LARGER})
    trained = _prompts(train, "train")
    by_change: JsonObject = {}
    copies = hits = alarms = others = 0
    for name, change in _changes(vocabulary).items():
        drawn = chance.sample(train, len(train))
        changed = ((other, answer) for text, answer in drawn if (other := change(text, chance)) != text)
        planted = list(islice(changed, COPIES))
        lines = [finding.line for finding in trained.leaks_into(_prompts(planted + test, "held_out"), prefix="leak-")]
        found = sum(line <= len(planted) for line in lines)
        by_change[name] = {"copies": len(planted), "share_found": round(found / len(planted), 5)}
        copies, hits = copies + len(planted), hits + found
        alarms, others = alarms + len(lines) - found, others + len(test)
    return {
        "by_change": by_change,
        "copies": copies,
        "share_found": round(hits / copies, 5),
        "other_rows": others,
        "share_of_false_alarms": round(alarms / others, 6),
    }


_Change = Callable[[str, random.Random], str]


def _changes(vocabulary: list[str]) -> Mapping[str, _Change]:
    """Return name -> what it makes of a prompt."""

    def replaced(text: str, chance: random.Random) -> str:
        at = _any_word(text, chance)
        return text[: at.start()] + chance.choice(vocabulary) + text[at.end() :]

    def added(text: str, chance: random.Random) -> str:
        at = _any_word(text, chance)
        return f"{text[: at.start()]}{chance.choice(vocabulary)} {text[at.start() :]}"

    def removed(text: str, chance: random.Random) -> str:
        at = _any_word(text, chance)
        return text[: at.start()] + text[at.end() :].lstrip()

    return {
        "whitespace": _other_whitespace,
        "case": _other_case,
        "punctuation": _other_punctuation,
        "number_format": _other_number_format,
        "word_replaced": replaced,
        "word_added": added,
        "word_removed": removed,
    }


def _any_word(text: str, chance: random.Random) -> re.Match[str]:
    """Return one of a text's words that is no number."""
    return chance.choice([word for word in _LETTERS.finditer(text) if word[0].lower() not in (*_SMALL, *_LARGER)])


def _other_whitespace(text: str, chance: random.Random) -> str:
    """Write some spaces as other whitespace, and add some at the ends."""
    spaces = [" ", "  ", "\n", "\t", "\u00a0", " \n "]
    inner = "".join(chance.choice(spaces) if char == " " and chance.random() < 0.3 else char for char in text)
    return chance.choice(["", " ", "\n"]) + inner + chance.choice([" ", "\n", "\n\n"])


def _other_case(text: str, chance: random.Random) -> str:
    """Write all in capitals, in small letters, in capitals at word starts, or each word by chance."""
    by_chance = " ".join(chance.choice([word.upper(), word.lower()]) for word in text.split(" "))
    return chance.choice([text.upper(), text.lower(), string.capwords(text), by_chance])


def _other_punctuation(text: str, chance: random.Random) -> str:
    """Remove or replace marks that are not part of a number, or add some."""
    way = chance.randrange(3)
    if way == 0:
        return re.sub(rf"{_MARK}(?!\d)", "", text)
    if way == 1:
        return re.sub(r"[.;:](?!\d)", lambda _: chance.choice(["!", ";", " -", "..."]), text)
    return re.sub(r"(?<=[a-z]) (?=[a-z])", lambda _: chance.choice([" ", " ", " ", ", ", " - ", "; "]), text)


def _other_number_format(text: str, chance: random.Random) -> str:
    """Write numbers in digits in another form or in words, and numbers in words in digits."""

    def digits(found: re.Match[str]) -> str:
        plain = found[0].lstrip("$").replace(",", "")
        forms = [found[0], plain, f"${plain}", plain if "." in plain else f"{plain}.00"]
        if "." not in plain:
            forms += [f"{int(plain):,}", *_SMALL[int(plain) : int(plain) + 1]]
        return chance.choice(forms)

    text = _NUMBER.sub(digits, text)
    return _SPELLED_NUMBER.sub(lambda found: chance.choice([found[0], str(_SMALL.index(found[0].lower()))]), text)


def _templates() -> tuple[_Rows, _Rows]:
    """Return training and held-out rows of forty templates whose slots are filled by chance, no text twice."""
    chance = random.Random(_SEED)
    words = json.loads((ROOT / "examples" / "orders" / "words.json").read_text(encoding="utf-8"))["splits"]["train"]
    rows: dict[str, str] = {}
    while len(rows) < 6_000:
        name, items, city = (chance.choice(words[key]) for key in ("names", "items", "cities"))
        quantity = str(chance.randrange(2, 100))
        text = chance.choice(words["forms"]).format(name=name, items=items, city=city, qty=quantity)
        rows[text] = f"{name}, {items}, {quantity}"
    made = list(rows.items())
    return made[:5_000], made[5_000:]


def _tickets() -> tuple[_Rows, _Rows]:
    """Return the training and the held-out tickets of the example `routing`, 5 to 25 words each, and their labels."""
    train, held_out = (
        [
            (row["messages"][-1]["content"], row["reference_answer"]["label"])
            for row in map(json.loads, (ROOT / "examples" / "routing" / f"{split}.jsonl").read_bytes().splitlines())
        ]
        for split in ("train", "held_out")
    )
    return train, held_out


def _crowds() -> Mapping[str, _Rows]:
    """Return datasets whose rows are all alike, which would cost the square of their number if all were compared."""
    chance = random.Random(_SEED)
    vocabulary = ["".join(letters) for letters in product("abcdefgh", repeat=4)]
    base = chance.sample(vocabulary, 46)

    def filled(*fillings: str) -> str:
        return " ".join([*base[:20], fillings[0], *base[20:40], *fillings[1:], *base[40:]])

    def one_word_changed() -> str:
        at = chance.randrange(len(base))
        return " ".join([*base[:at], chance.choice(vocabulary), *base[at + 1 :]])

    documents = [" ".join(chance.choices(vocabulary, k=10_000)) for _ in range(10)]
    return {
        "20,000 rows, a word of one prompt changed": [(one_word_changed(), "1") for _ in range(20_000)],
        "20,000 rows, a template with other numbers": [
            (filled(str(row), str(chance.randrange(100))), str(row)) for row in range(20_000)
        ],
        "20,000 rows, a template with other names": [
            (filled(chance.choice(vocabulary), chance.choice(vocabulary)), str(row)) for row in range(20_000)
        ],
        "500 rows, ten documents of 50 kB with a question each": [
            (f"{documents[row % 10]} {' '.join(chance.sample(vocabulary, 8))}?", str(row)) for row in range(500)
        ],
    }


def _cost(rows: _Rows) -> JsonObject:
    """Return the processor seconds that a dataset's prompts take, and how many are similar to an earlier one."""
    started = time.process_time()
    similar = len(list(_prompts(rows, "train").findings()))
    return {"seconds": round(time.process_time() - started, 2), "similar_within": similar}


def _examples() -> JsonObject:
    """Return what is reported of the examples, whose splits share nothing."""
    reported: JsonObject = {}
    splits: tuple[Split, ...] = ("train", "validation", "held_out")
    for folder in sorted(path.parent for path in (ROOT / "examples").glob("*/train.jsonl")):
        streams = {split: io.BytesIO((folder / f"{split}.jsonl").read_bytes()) for split in splits}
        found = check([Source(split, split, stream) for split, stream in streams.items()])
        similar = sum(report.findings.counts["similar-prompt"] for report in found.reports.values())
        reported[folder.name] = {"similar_within": similar, "leaks": found.across.counts.total()}
    return reported
