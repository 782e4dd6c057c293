"""CSV, Parquet and what ``datasets`` loads give the same cases as JSON Lines."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from golden_files import fault, faults, load, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import Fault, GoldenError
from harness.goldens.dataset import load_dataset
from harness.types import Dataset, Evidence, GoldenSource

ROW = {
    "id": "c1",
    "input": "What does it cost?",
    "groups": {"language": "en"},
    "metadata": {"topic": "rent"},
    "tags": ["a", "b"],
}


def csv_of(folder: Path, text: str | bytes, name: str = "cases.csv", **source: Any) -> Dataset:
    """Load a CSV file with this text."""
    data = text.encode() if isinstance(text, str) else text
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return load_dataset([GoldenSource(path=name, **source)], folder, "demo")


def csv_faults(folder: Path, text: str | bytes) -> tuple[Fault, ...]:
    """What is wrong with this CSV."""
    with pytest.raises(GoldenError) as caught:
        csv_of(folder, text)
    return caught.value.faults


SAME = "id,input,groups.language,metadata.topic,tags\r\nc1,What does it cost?,en,rent,a; b ;\r\n"


@pytest.mark.parametrize("name", ["cases.csv", "cases.csv.gz", "CASES.CSV"])
def test_csv_gives_the_same_case_as_json_lines(tmp_path: Path, name: str) -> None:
    """Dotted columns nest, lists are parted by semicolons, a byte order mark is no data."""
    expected = load(tmp_path, ROW)
    for text in (SAME, "\ufeff" + SAME, SAME.replace("\r\n", "\n"), SAME + "\r\n"):
        found = csv_of(tmp_path, text, name)
        assert (found.cases, found.digest) == (expected.cases, expected.digest)


def test_csv_cells_keep_quotes_commas_and_lines(tmp_path: Path) -> None:
    """Quoted cells hold commas, line ends and doubled quotes; empty cells are absent fields."""
    text = 'input,expected_output,policy\n"Say ""hi"", or\nwave","[""a"", ""b""]",\n'
    case = csv_of(tmp_path, text).cases[0]
    assert case.query.input == 'Say "hi", or\nwave'
    assert (case.expected_output, case.policy) == (("a", "b"), None)


def test_csv_cells_that_look_like_json_are_parsed(tmp_path: Path) -> None:
    """Structured fields are JSON in a cell; what only begins with a bracket is text."""
    rows = [["input", "evidence", "should_refuse"], ["[urgent] what now?", '[{"doc_id": "d1"}]', "TRUE"]]
    target = io.StringIO()
    csv.writer(target).writerows(rows)
    case = csv_of(tmp_path, target.getvalue()).cases[0]
    assert case.query.input == "[urgent] what now?"
    assert case.evidence == (Evidence("d1"),)
    assert case.expected_behavior == "refuse"


@pytest.mark.parametrize(
    ("text", "line", "what", "mend"),
    [
        ("input,policy\nx,y,z\n", 2, "more cells than columns", "quote cells that hold a comma"),
        ('input,policy\n"a\nb",y\n\nx,y,z\n', 5, "more cells than columns", "quote cells"),
        ('input,policy\n"a\nb",y\n"c\nd",y,z\n', 4, "more cells than columns", "quote cells"),
        ('input\nx\n"open', 3, "not CSV: unexpected end of data", "look at the quotes"),
        ('input\n"a"b\n', 2, "not CSV: ',' expected after '\"'", "look at the quotes"),
        ("input,input\nx,y\n", 1, "column 'input' stands twice", "keep one of them"),
        ("input,inptu\nx,y\n", 2, "unknown field 'inptu'", "did you mean 'input'?"),
        ("input,\nx,y\n", 2, "unknown field ''", "under 'metadata'"),
        ("input,should_refuse\nx,yes\n", 2, "field 'should_refuse' is 'yes'", "write true or false"),
        ('input,metadata,metadata.a\nx,"{}",1\n', 2, "columns 'metadata' and 'metadata.a'", "keep one"),
        ('input,metadata\nx,"{""a"": NaN}"\n', 2, "NaN is not JSON", "leave the field out"),
        ('input,metadata\nx,"{""a"": 1, ""a"": 2}"\n', 2, "field 'a' stands twice", "keep one"),
        ('input,metadata\nx,"{""a"": ""\\ud800""}"\n', 2, "half a surrogate pair", "replace"),
        ("input,metadata\nx," + "[" * 10_000 + "\n", 2, "nested too deeply", "write it flat"),
        ("policy\ny\n", 2, "field 'input' is missing", "every case needs it"),
        (b"input\nx\na\xffb\n", 3, "byte 0xff is not UTF-8", "save the file as UTF-8"),
        (b"\xef\xbb\xbf\xff\n", 1, "byte 0xff is not UTF-8", "save the file as UTF-8"),
    ],
)
def test_wrong_csv_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, what: str, mend: str
) -> None:
    """The line is where the record begins, however many lines its cells take."""
    (found,) = csv_faults(tmp_path, text)
    assert found.place is not None
    assert (Path(found.place.file).name, found.place.line) == ("cases.csv", line)
    assert what in found.what
    assert mend in found.mend


def test_a_broken_byte_of_a_csv_has_its_column(tmp_path: Path) -> None:
    """Line and byte column, as for JSON Lines."""
    (found,) = csv_faults(tmp_path, b"input\nx\nab\xff\n")
    assert found.place is not None
    assert (found.place.line, found.place.column) == (3, 3)


def test_columns_without_a_name_and_cells_are_nothing(tmp_path: Path) -> None:
    """Spreadsheets leave empty columns at the end; they hold nothing and are no fault."""
    assert csv_of(tmp_path, "input,,\nx,,\n").cases[0].query.input == "x"


def test_columns_can_be_mapped(tmp_path: Path) -> None:
    """``fields:`` names columns of a table; the others are not read."""
    fields = {"input": "Frage", "groups.language": "Sprache"}
    case = csv_of(tmp_path, "Frage,Sprache,Rest\nx,de,y\n", fields=fields).cases[0]
    assert (case.query.input, case.groups) == ("x", {"language": "de"})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and text[0] not in "[{" and "\0" not in text
)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4, unique=True))
def test_what_a_spreadsheet_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Any text in a cell comes back as it was."""
    target = io.StringIO(newline="")
    csv.writer(target).writerows([["input"], *([text] for text in texts)])
    found = csv_of(tmp_path_factory.mktemp("g"), target.getvalue())
    assert [case.query.input for case in found.cases] == texts


def parquet(folder: Path, query: str, name: str = "cases.parquet") -> GoldenSource:
    """Write what a query selects as Parquet."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute(f"copy ({query}) to '{folder / name}' (format parquet)")
    return GoldenSource(path=name)


NESTED = """select 'c1' as id, 'What does it cost?' as input, {'language': 'en', 'register': null} as groups,
    'rent' as "metadata.topic", ['a', 'b'] as tags, null as policy"""


def test_parquet_gives_the_same_case_as_json_lines(tmp_path: Path) -> None:
    """Structs and dotted columns nest, lists are lists, nulls are absent fields at any depth."""
    found = load_dataset([parquet(tmp_path, NESTED)], tmp_path, "demo")
    assert found.digest == load(tmp_path, ROW).digest


def test_a_name_with_pattern_signs_is_a_name(tmp_path: Path) -> None:
    """A file called ``cases[1].parquet`` is that file, and not whatever matches."""
    parquet(tmp_path, "select 'other' as input", "cases1.parquet")
    source = parquet(tmp_path, "select 'mine' as input", "cases[1].parquet")
    assert load_dataset([source], tmp_path, "demo").cases[0].query.input == "mine"


@pytest.mark.parametrize(
    ("query", "line", "what"),
    [
        ("select 'x' as input union all select ''", 2, "field 'input' is empty"),
        ("select 'x' as input, true as id", 1, "field 'id': expected `str`, got `bool`"),
        ("select 'x' as input, 'nan'::double as \"metadata.a\"", 1, "field 'metadata.a' is nan"),
        ("select 'x' as input, {'a': 'inf'::double} as metadata", 1, "field 'metadata.a' is inf"),
        ("select 'x' as input, 18446744073709551615::ubigint as \"metadata.a\"", 1, "does not fit 64 bits"),
        ("select 'x' as input, 'y' as inptu", 1, "unknown field 'inptu'"),
        ("select 'x' as input, {'b': 1} as metadata, 'y' as \"metadata.a\"", 1, "columns 'metadata' and"),
        ("select 'x' as input, '\\x00'::blob as policy", 1, "field 'policy': expected `str`"),
    ],
)
def test_a_wrong_row_of_a_table_is_told_with_its_number(
    tmp_path: Path, query: str, line: int, what: str
) -> None:
    """Rows of a table are counted from 1; NaN is never taken for a value."""
    with pytest.raises(GoldenError) as caught:
        load_dataset([parquet(tmp_path, query)], tmp_path, "demo")
    (found,) = caught.value.faults
    assert found.place is not None
    assert (Path(found.place.file).name, found.place.line) == ("cases.parquet", line)
    assert what in found.what


def test_dates_become_text(tmp_path: Path) -> None:
    """A date is a value that slices can name: ISO 8601."""
    source = parquet(tmp_path, "select 'x' as input, date '2026-11-22' as \"metadata.added\"")
    assert load_dataset([source], tmp_path, "demo").cases[0].metadata == {"added": "2026-11-22"}


def test_what_is_not_parquet_is_told(tmp_path: Path) -> None:
    """A file of another kind names itself, not a line of ours."""
    (tmp_path / "cases.parquet").write_text("no such thing")
    with pytest.raises(GoldenError, match="not a readable Parquet file"):
        load_dataset([GoldenSource(path="cases.parquet")], tmp_path, "demo")


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what ``datasets`` caches out of the home folder, and it off the network."""
    before = dict(os.environ)
    os.environ |= {"HF_HOME": str(tmp_path_factory.mktemp("hf")), "HF_HUB_OFFLINE": "1"}
    yield
    os.environ.clear()
    os.environ |= before


def datasets_of(folder: Path, path: str, **source: Any) -> Dataset:
    """Load what ``datasets`` finds in a folder."""
    return load_dataset([GoldenSource(path=path, format="datasets", **source)], folder, "demo")


def saved(folder: Path) -> Path:
    """Save a dataset with two splits and one without, as the library does."""
    import datasets

    train = datasets.Dataset.from_list([{"q": "one", "lang": "en"}, {"q": "two", "lang": None}])
    both = datasets.DatasetDict({"train": train, "test": train.select([1])})
    both.save_to_disk(folder / "both")
    train.save_to_disk(folder / "plain")
    return folder


MAPPED = {"input": "q", "groups.language": "lang"}


def test_a_saved_dataset_is_read_by_split(tmp_path: Path) -> None:
    """``save_to_disk`` and ``split``; a null is an absent field, and a mapping names the columns."""
    saved(tmp_path)
    train = datasets_of(tmp_path, "both", split="train", fields=MAPPED)
    assert [case.query.input for case in train.cases] == ["one", "two"]
    assert [case.groups for case in train.cases] == [{"language": "en"}, {}]
    assert len(datasets_of(tmp_path, "both", split="test", fields=MAPPED).cases) == 1
    assert len(datasets_of(tmp_path, "plain", fields=MAPPED).cases) == 2
    with pytest.raises(GoldenError, match="split None is not one of train, test: give `split:`"):
        datasets_of(tmp_path, "both", fields=MAPPED)
    with pytest.raises(GoldenError, match="split 'dev' is not one of train, test"):
        datasets_of(tmp_path, "both", split="dev", fields=MAPPED)
    with pytest.raises(GoldenError) as caught:
        datasets_of(tmp_path, "both", split="train")
    assert [entry.place.line for entry in caught.value.faults if entry.place][:1] == [1]
    assert "unknown field 'q'" in caught.value.faults[0].what


def test_a_folder_of_files_is_read_like_the_files(tmp_path: Path) -> None:
    """A plain folder with JSON Lines is one split, and gives the cases that the file gives."""
    (tmp_path / "folder").mkdir()
    write_lines(tmp_path / "folder" / "train.jsonl", [ROW])
    expected = load(tmp_path, ROW)
    assert datasets_of(tmp_path, "folder").digest == expected.digest
    assert datasets_of(tmp_path, "folder", split="train").digest == expected.digest


def test_what_datasets_cannot_load_is_told(tmp_path: Path) -> None:
    """Whatever the library says is told as a fault of this source."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(GoldenError, match="the datasets library cannot load it"):
        datasets_of(tmp_path, "empty")


def test_the_four_kinds_agree(tmp_path: Path) -> None:
    """One dataset, however it is stored, has one digest."""
    rows = [{"id": f"c{index}", "input": f"question {index}", "policy": "p"} for index in range(3)]
    expected = load(tmp_path, *rows).digest
    text = "id,input,policy\n" + "".join(f"{row['id']},{row['input']},p\n" for row in rows)
    assert csv_of(tmp_path, text).digest == expected
    values = ", ".join(f"('{row['id']}', '{row['input']}', 'p')" for row in rows)
    source = parquet(tmp_path, f"select * from (values {values}) as t(id, input, policy)")  # noqa: S608
    assert load_dataset([source], tmp_path, "demo").digest == expected
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert datasets_of(tmp_path, "folder").digest == expected


def test_faults_of_a_csv_are_told_together(tmp_path: Path) -> None:
    """What was wrong before the quotes broke is not forgotten."""
    found = csv_faults(tmp_path, 'input,policy\n"",y\nx,y,z\n"open')
    assert [entry.place.line for entry in found if entry.place] == [2, 3, 4]
    assert fault(tmp_path, {"input": ""}).what == "field 'input' is empty"
    assert len(faults(tmp_path, "{", "{")) == 2


def test_whole_numbers_in_id_columns_are_names(tmp_path: Path) -> None:
    """Tables often number their cases; a number elsewhere stays one."""
    path = tmp_path / "cases.parquet"
    with duckdb.connect() as connection:
        query = "select 7 as query_id, 'x' as input, {'n': 5} as metadata"
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    (case,) = load_dataset([GoldenSource(path=path.name)], tmp_path, "numbers").cases
    assert (case.id, case.metadata) == ("7", {"n": 5})
