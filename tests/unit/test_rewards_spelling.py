"""How texts are spelled alike, and cut into words."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.spelling import compatible, folded
from rft_rewards.words import count_characters, count_row, count_words, word_row, words

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        (" Two\n\twords ", "two words"),
        ("“so” ‘so’ «so» 「so」", '"so" \'so\' "so" "so"'),
        ("1–2 − 3", "1-2 - 3"),
        ("ﬁve Ｆｕｌｌ", "five full"),
        ("Straße", "strasse"),
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen"),
        ("wait…", "wait..."),
    ],
)
def test_texts_that_differ_only_in_form_are_spelled_alike(written: str, spelled: str) -> None:
    assert folded(written) == spelled


def test_case_stays_where_it_matters() -> None:
    assert folded(" Two  Words", case_sensitive=True) == "Two Words"


@QUICK
@given(st.text(max_size=100))
def test_real_text_is_normalised_as_unicode_says(text: str) -> None:
    assert compatible(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("unit", ["\u0301\u0327", "\uff9e" + "\u0301" * 30, "\u0f73\u0301", "\u0344\u0327"])
def test_a_megabyte_of_marks_is_cut_to_what_a_letter_can_carry(unit: str) -> None:
    assert len(compatible("a" + unit * (1_000_000 // len(unit)))) <= 100


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't stop: it’s 3.14!", ["Don't", "stop", "it’s", "3", "14"]),
        ("state-of-the-art under_score", ["state", "of", "the", "art", "under", "score"]),
        ("a'b'c'd", ["a'b'c", "d"]),
        ("你好, world", ["你", "好", "world"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("cafe\u0301 \u0301 ...", ["cafe\u0301"]),
        ("", []),
    ],
)
def test_words_are_counted_as_the_docstring_says(text: str, found: list[str]) -> None:
    assert words(text) == found
    assert count_words(text) == len(found)
    assert count_row(word_row(text)) == len(found)


def test_a_row_counts_every_word_of_another() -> None:
    assert word_row("so so so").count(word_row("so")) == 3
    assert word_row("so soso").count(word_row("so")) == 1


def test_space_and_invisible_characters_count_once() -> None:
    assert count_characters("\u200b a \n\u200b\n b\ufeff") == 3
