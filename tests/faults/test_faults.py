"""Every case of tests/cases/faults.json, on an AWS in memory."""

import os
from collections import Counter

import pytest

from tests.faults.bases import Bases
from tests.faults.case import Case, load_cases
from tests.faults.missing import missing
from tests.faults.page import PAGE, page
from tests.faults.runner import run_case

CASES = load_cases()
EVERY = int(os.environ.get("FAULTS_EVERY", "1"))
"""`make test` runs every fourth case, `make soak` all of them."""


@pytest.mark.parametrize("case", CASES[::EVERY], ids=lambda case: case.name)
def test_a_run_ends_as_it_must(bases: Bases, case: Case) -> None:
    run_case(bases, case)


def test_every_call_of_aws_fails_in_every_way_that_is_documented(bases: Bases) -> None:
    assert [f"{one.state}: {one.words}" for one in missing(bases, CASES)] == []


def test_every_case_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_the_page_is_what_the_cases_and_the_state_machine_give(bases: Bases) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(bases.machine, CASES), "run: python -m tests.faults.page"
