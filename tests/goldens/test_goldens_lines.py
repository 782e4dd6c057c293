"""JSON Lines to rows: whatever is wrong with a line is told with file, line, column and mend."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from golden_files import fault, faults, load, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import Fault, GoldenError, NothingSelected
from harness.goldens.lines import MAX_FAULTS, MAX_LINE_BYTES, read_json_lines
from harness.types import GoldenSource

GOOD = {"id": "c1", "input": "What does it cost?"}


@pytest.mark.parametrize(
    ("line", "column", "what", "mend"),
    [
        ('{"id": "c2" "input": "x"}', 13, "not JSON: Expecting ',' delimiter", "one JSON object per line"),
        ("[1, 2]", None, "a list, not a JSON object", "one JSON object per line"),
        ('"text"', None, "a str, not a JSON object", "one JSON object per line"),
        ("null", None, "a NoneType, not a JSON object", "one JSON object per line"),
        ('{"input": "x", "input": "y"}', None, "field 'input' stands twice", "keep one"),
        ('{"input": "x", "metadata": {"a": 1, "a": 2}}', None, "field 'a' stands twice", "keep one"),
        ('{"input": "x", "metadata": {"a": NaN}}', None, "NaN is not JSON", "leave the field out"),
        ('{"input": "x", "metadata": {"a": -Infinity}}', None, "-Infinity is not JSON", "leave"),
        ('{"input": "x", "metadata": {"a": 1e999}}', None, "field 'metadata.a' is inf", "leave it out"),
        ('{"input": "x", "metadata": {"a": 9223372036854775808}}', None, "does not fit 64 bits", "as text"),
        ('{"input": "x", "metadata": {"a": %s}}' % ("9" * 5000), None, "thousands of digits", "as text"),
        ('{"input": "x\\ud800"}', None, "field 'input' holds half a surrogate pair", "replace"),
        ('{"input": "x", "tags": ["a", "\\udfff"]}', None, "field 'tags[1]' holds half", "replace"),
        ('{"input": "x", "groups": {"\\ud800": "y"}}', None, "holds half a surrogate pair", "replace"),
        (b'{"input": "na\xefve"}', 14, "byte 0xef is not UTF-8", "save the file as UTF-8"),
        (b'{"input": "\xed\xa0\x80"}', 12, "byte 0xed is not UTF-8", "save the file as UTF-8"),
        ("[" * 10_000, None, "nested too deeply", "write it flat"),
        ('{"input": "x", "metadata": ' + '{"a": ' * 10_000 + "1" + "}" * 10_001, None, "nested too", "flat"),
    ],
)
def test_f5_a_line_that_is_no_clean_json_is_told_with_its_place(
    tmp_path: Path, line: str | bytes, column: int | None, what: str, mend: str
) -> None:
    """Every unreadable line is a fault with line, column where there is one, and how to mend it."""
    found = fault(tmp_path, GOOD, line)
    assert found.place is not None
    assert (found.place.file, found.place.line) == (str(tmp_path / "cases.jsonl"), 2)
    assert found.place.column == column
    assert what in found.what
    assert mend in found.mend


def test_the_column_of_a_broken_byte_counts_bytes(tmp_path: Path) -> None:
    """The column of broken UTF-8 is that of the byte: characters cannot be counted there."""
    found = fault(tmp_path, GOOD, '{"input": "äö'.encode() + b'\xff"}')
    assert found.place is not None
    assert found.place.column == 16


def test_half_pairs_are_refused_and_whole_pairs_read(tmp_path: Path) -> None:
    """An escaped pair of surrogates is one character; half of it is none."""
    dataset = load(tmp_path, '{"input": "\\ud83d\\ude00"}')
    assert dataset.cases[0].query.input == "\U0001f600"


def test_a_byte_order_mark_is_not_data(tmp_path: Path) -> None:
    """A file saved with a byte order mark reads like one without."""
    assert load(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode()).cases[0].id == "c1"


def test_line_ends_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    """Carriage returns and blank lines are no cases, and lines are still counted as an editor does."""
    found = fault(tmp_path, b'{"id": "c1", "input": "x"}\r\n\r\n   \r\n{"id": "c1", "input": "y"}\r\n')
    assert found.place is not None
    assert found.place.line == 4


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n  \n"])
def test_f33_a_file_without_cases_is_an_error(tmp_path: Path, data: bytes) -> None:
    """Nothing to run is never a pass: it has an exit code of its own."""
    with pytest.raises(NothingSelected, match="the goldens hold no case"):
        load(tmp_path, data)


def test_a_line_of_ten_megabytes_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    """A line above the limit is one fault; the lines after it keep their numbers."""
    long = b'{"input": "' + b"x" * MAX_LINE_BYTES + b'"}'
    first, second = faults(tmp_path, long, GOOD, "no json")
    assert (first.place and first.place.line, first.what) == (1, "line of more than 10,000,000 bytes")
    assert second.place is not None
    assert second.place.line == 3


def test_a_line_just_within_the_limit_is_read(tmp_path: Path) -> None:
    """The limit is a limit, not a slope."""
    frame = b'{"input": ""}'
    line = frame[:11] + b"x" * (MAX_LINE_BYTES - len(frame)) + frame[11:]
    assert len(load(tmp_path, line).cases[0].query.input) == MAX_LINE_BYTES - len(frame)


def test_compressed_goldens_read_like_plain_ones(tmp_path: Path) -> None:
    """``.jsonl.gz`` holds the same cases, digests and line numbers."""
    plain = load(tmp_path, GOOD, {"input": "y"})
    packed = load(tmp_path, GOOD, {"input": "y"}, name="cases.jsonl.gz")
    assert (packed.digest, packed.cases) == (plain.digest, plain.cases)
    found = fault(tmp_path, GOOD, "{", name="cases.jsonl.gz")
    assert found.place is not None
    assert found.place.line == 2


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    """A torn or scrambled archive is a fault of the goldens, not of the harness."""
    whole = gzip.compress(json.dumps(GOOD).encode() * 500)
    for data in (whole[: len(whole) // 2], b"no archive", whole[:20] + b"\xff\xff" + whole[22:]):
        (tmp_path / "cases.jsonl.gz").write_bytes(data)
        with pytest.raises(GoldenError, match="cannot read the file"):
            list(read_json_lines(tmp_path / "cases.jsonl.gz", []))


@pytest.mark.parametrize(
    ("source", "what", "mend"),
    [
        ({"path": "absent.jsonl"}, "no such file", "check `goldens: - path:`"),
        ({"path": "."}, "cannot tell the format", "give `format:`"),
        ({"path": "cases.txt"}, "cannot tell the format", "name them .jsonl"),
        ({"path": ".", "format": "jsonl"}, "no such file", "check"),
    ],
)
def test_a_source_that_is_no_file_is_told(
    tmp_path: Path, source: dict[str, Any], what: str, mend: str
) -> None:
    """A wrong path names the key of the suite to mend."""
    from harness.goldens.dataset import load_dataset

    with pytest.raises(GoldenError) as caught:
        load_dataset([GoldenSource(**source)], tmp_path, "demo")
    assert what in caught.value.faults[0].what
    assert mend in caught.value.faults[0].mend


def test_many_faults_are_told_at_once_but_at_most_fifty(tmp_path: Path) -> None:
    """All faults of a file come together; a file that is something else stops after fifty."""
    some = faults(tmp_path, *(f"bad {number}" for number in range(7)), {"input": ""}, {"inptu": "x"})
    assert [found.place and found.place.line for found in some] == list(range(1, 10))
    assert len(faults(tmp_path, *["{"] * 10_000)) == MAX_FAULTS
    assert len(faults(tmp_path, *[{"input": ""}] * 10_000)) == MAX_FAULTS


def test_a_wrong_file_is_given_up_early(tmp_path: Path) -> None:
    """Reading stops at fifty faults: no gigabytes of something else are read to the end."""
    path = write_lines(tmp_path / "x.jsonl", ["{"] * 1000)
    found: list[Fault] = []
    assert list(read_json_lines(path, found)) == []
    assert len(found) == MAX_FAULTS


def test_many_keys_with_one_twice_are_read_in_no_time(tmp_path: Path) -> None:
    """Looking for a doubled key takes one pass, however many there are."""
    keys = ", ".join(f'"k{number}": 1' for number in range(50_000))
    started = time.process_time()
    found = fault(tmp_path, f'{{"input": "x", "metadata": {{{keys}, "k49999": 2}}}}')
    assert "'k49999' stands twice" in found.what
    assert time.process_time() - started < 2


@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1).filter(str.strip), extra=st.dictionaries(st.text(max_size=5), st.text()))
def test_f5_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, text: str, extra: dict[str, str]
) -> None:
    """Whatever Unicode holds, NUL and control characters too, is read as it was written."""
    case = load(tmp_path_factory.mktemp("g"), {"input": text, "metadata": extra}).cases[0]
    assert (case.query.input, case.metadata) == (text, extra)


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """No bytes make anything but rows and faults that have a line."""
    path = tmp_path_factory.mktemp("g") / "x.jsonl"
    path.write_bytes(data)
    found: list[Fault] = []
    rows = list(read_json_lines(path, found))
    places = [row.place for row in rows] + [entry.place for entry in found]
    assert len(places) <= data.count(b"\n") + 1
    assert all(place is not None and place.line is not None for place in places)
