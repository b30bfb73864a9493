"""Lines of a dataset in bounded memory."""

import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_dataset.reading import LONGEST_LINE, DamagedGzip, OverlongLine, open_lines, rows


class Trickle(io.BytesIO):
    """A body that gives one byte a read and cannot seek, like a slow connection."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1)

    def seekable(self) -> bool:
        return False


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), min_size=1, max_size=6))
def test_lines_are_what_stands_between_line_feeds(lines: list[bytes]) -> None:
    data = b"#" + b"\n".join(lines)
    expected = data.split(b"\n")[: None if lines[-1] or len(lines) == 1 else -1]
    for stream in (io.BytesIO(data), Trickle(data), io.BytesIO(gzip.compress(data)), Trickle(gzip.compress(data))):
        found, compressed = open_lines(stream)
        assert list(found) == expected
        assert compressed == (stream.getvalue()[:2] == b"\x1f\x8b")


def test_nothing_has_no_lines() -> None:
    assert list(open_lines(io.BytesIO())[0]) == []


def test_an_overlong_line_is_cut_and_the_next_one_is_whole() -> None:
    exact = b"x" * LONGEST_LINE
    found = list(open_lines(io.BytesIO(exact + b"\n" + exact + b"y" * 3_000_000 + b"\nnext\n" + exact + b"z"))[0])
    assert [isinstance(line, OverlongLine) for line in found] == [False, True, False, True]
    assert found[0] == exact
    assert len(found[1]) == LONGEST_LINE + 1
    assert found[2] == b"next"


def test_damaged_gzip_raises_its_own_error() -> None:
    with pytest.raises(DamagedGzip):
        list(open_lines(io.BytesIO(gzip.compress(b"a\n" * 1000)[:-5]))[0])


def test_rows_have_their_number_their_bytes_and_their_object() -> None:
    first, second = b'{"a": 1.50, "b": "\xc3\xa4"}', b'{"messages": []}'
    assert list(rows(io.BytesIO(first + b"\r\n" + second))) == [
        (1, first, {"a": 1.5, "b": "ä"}),
        (2, second, {"messages": []}),
    ]


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b"\xff", b'{"a": "\xff"}', b'{"a":' * 100_000])
def test_a_line_that_is_no_row_is_named(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"^line 2: not a row"):
        list(rows(io.BytesIO(json.dumps({"a": 1}).encode() + b"\n" + line + b"\n")))
