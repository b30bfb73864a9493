"""Lines that repeat an earlier one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rft_dataset.repeats import Repeats


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 300).map(str) | st.none(), max_size=200), st.integers(0, 20))
def test_repeats_are_those_of_a_dictionary(said: list[str | None], most: int) -> None:
    repeats = Repeats()
    first: dict[str, int] = {}
    expected = []
    for line, each in enumerate(said, 1):
        if each is not None:
            repeats.add(line, each)
            if first.setdefault(each, line) != line:
                expected.append((line, first[each]))
    assert repeats.found(most) == (len(expected), expected[:most])


def test_many_lines_that_say_the_same_repeat_the_first() -> None:
    repeats = Repeats()
    for line in range(1, 10_001):
        repeats.add(2 * line, "same")
    assert repeats.found(2) == (9_999, [(4, 2), (6, 2)])
