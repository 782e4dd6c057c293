"""The database and what only looks: query, runs, schema, doctor, validate."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from project import SUITE, World, call_inside

Said = pytest.CaptureFixture[str]
VERDICTS = "select run_id, gate, outcome, reason from verdicts order by run_id, gate"
EVERYTHING = (
    VERDICTS,
    "select * exclude (load_order) from runs order by run_id",
    "select * from scores order by all",
    "select * from responses order by all",
    "select * from retrieved order by all",
    "select * from comparisons order by all",
    "select run_id, format, sha256 from reports order by all",
)


@pytest.fixture(scope="session")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that no other test has the database open."""
    return Path(shutil.copytree(world.folder, tmp_path_factory.mktemp("database") / "project"))


def rows_of(capsys: Said, folder: Path, sql: str) -> list[dict[str, object]]:
    ended = call_inside(capsys, folder, "query", sql, "--format", "json")
    assert ended.code == 0, ended.err
    found: list[dict[str, object]] = json.loads(ended.out)
    return found


def test_query_as_json(folder: Path, capsys: Said) -> None:
    """A list of objects, one a row."""
    rows = rows_of(capsys, folder, "select run_id, outcome from runs order by run_id")
    assert rows == [
        {"run_id": "failing", "outcome": "inconclusive"},
        {"run_id": "first", "outcome": "inconclusive"},
        {"run_id": "same", "outcome": "pass"},
        {"run_id": "worse", "outcome": "fail"},
    ]


def test_query_as_a_table(folder: Path, capsys: Said) -> None:
    """Aligned, numbers to the right, absent values empty, at most 80 columns, and how many rows."""
    sql = "select run_id, n_cases, null as nothing, repeat('x', 200) as long from runs order by run_id"
    head, rule, *lines, count = call_inside(capsys, folder, "query", sql).out.splitlines()
    assert head.split() == ["run_id", "n_cases", "nothing", "long"]
    assert set(rule) == {"-", " "}
    assert lines[0].split()[:2] == ["failing", "60"]
    assert lines[0].endswith("x…")
    assert count == "(4 rows)"
    assert max(map(len, lines)) <= 80


def test_a_row_that_does_not_fit_becomes_a_list(folder: Path, capsys: Said) -> None:
    """Thirty columns are read one below the other, and no number is ever cut."""
    out = call_inside(capsys, folder, "query", "select * from runs order by run_id").out
    assert max(map(len, out.splitlines())) <= 80
    first = dict(line.split(maxsplit=1) for line in out.partition("\n\n")[0].splitlines() if " " in line)
    assert (first["run_id"], first["n_cases"], first["complete"]) == ("failing", "60", "True")


def test_f21_query_as_csv_disarms_formulas(folder: Path, capsys: Said) -> None:
    """Text that a spreadsheet would run gets a quote sign; numbers stay numbers; --raw changes nothing."""
    sql = "select '=1+1' as a, ' @x' as b, -1 as c, 'plain' as d, e'\\x1b[31m::error::' as e, null as f"
    out = call_inside(capsys, folder, "query", sql, "--format", "csv").out
    assert list(csv.reader(io.StringIO(out))) == [
        ["a", "b", "c", "d", "e", "f"],
        ["'=1+1", "' @x", "-1", "plain", "\\x1b[31m::error::", ""],
    ]
    raw = call_inside(capsys, folder, "query", sql, "--format", "csv", "--raw").out
    assert next(csv.DictReader(io.StringIO(raw)))["a"] == "=1+1"
    cut = call_inside(capsys, folder, "query", "select 'a;=1+1' as a", "--format", "csv").out
    assert next(csv.DictReader(io.StringIO(cut)))["a"] == "a;'=1+1"  # also where semicolons separate cells
    assert "\x1b[31m" in raw


@pytest.mark.parametrize(
    "sql",
    [
        "drop table runs",
        "select 1; drop table runs",
        "insert into runs select * from runs",
        "copy runs to 'stolen.csv'",
        "select * from read_text('mysystems.py')",
        "select * from 'goldens/cases.jsonl'",
        "attach 'other.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "select getenv('HOME')",
        "selec 1",
        "",
    ],
)
def test_f28_hostile_sql_is_refused(folder: Path, capsys: Said, sql: str) -> None:
    """2: one SELECT over the results and nothing else; nothing is read, written or changed."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    ended = call_inside(capsys, folder, "query", sql)
    assert (ended.code, ended.out) == (2, ""), ended
    assert "Traceback" not in ended.err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_query_from_a_file(folder: Path, tmp_path: Path, capsys: Said) -> None:
    """SQL of several lines stands in a file."""
    (tmp_path / "q.sql").write_text("select count(*) as n\nfrom runs;\n")
    ended = call_inside(capsys, folder, "query", "-f", str(tmp_path / "q.sql"), "--format", "csv")
    assert ended.out == "n\n4\n"


def test_a_query_file_is_utf8(folder: Path, tmp_path: Path, capsys: Said) -> None:
    """2: another encoding is told with its file."""
    (tmp_path / "q.sql").write_bytes("select 'ä'".encode("latin-1"))
    ended = call_inside(capsys, folder, "query", "-f", str(tmp_path / "q.sql"))
    assert (ended.code, ended.out) == (2, "")
    assert "q.sql" in ended.err
    assert "UTF-8" in ended.err


def test_query_as_json_loses_no_column(folder: Path, capsys: Said) -> None:
    """2: of two columns of one name an object could hold only one."""
    ended = call_inside(capsys, folder, "query", "select 1 as a, 2 as a", "--format", "json")
    assert (ended.code, ended.out) == (2, "")
    assert "name them with AS" in ended.err


def test_query_as_json_is_json(folder: Path, capsys: Said) -> None:
    """What JSON has no number for is null, inside of values too."""
    sql = "select 'nan'::double as a, ['-inf'::double, 1.5] as b, {'x': 'inf'::double} as c"
    out = call_inside(capsys, folder, "query", sql, "--format", "json").out
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found == [{"a": None, "b": [None, 1.5], "c": {"x": None}}]


def test_a_damaged_recording_does_not_hide_the_others(world: World, tmp_path: Path, capsys: Said) -> None:
    """4 at the end: list and import name it and go on with the rest."""
    folder = Path(shutil.copytree(world.folder, tmp_path / "project"))
    (folder / "reports/harness.duckdb").unlink()
    (folder / "reports/runs/first/recording.jsonl").write_text("damaged\n")
    for arguments in (("list",), ("list", "--json"), ("import",)):
        ended = call_inside(capsys, folder, "runs", *arguments)
        assert ended.code == 4
        assert "runs/first/recording.jsonl:1: the line does not match its checksum" in ended.err
        assert all(run_id in ended.out for run_id in ("same", "worse", "failing"))
    assert len(rows_of(capsys, folder, "select run_id from runs")) == 3


def test_runs_list_has_the_latest_first(folder: Path, capsys: Said) -> None:
    """By the time they were begun, ids whole, the verdict last."""
    lines = call_inside(capsys, folder, "runs", "list").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].split()[0] == "first"
    assert {line.split()[0]: line.split()[-1] for line in lines[2:]} == {
        "first": "inconclusive", "same": "pass", "worse": "fail", "failing": "inconclusive"
    }  # fmt: skip
    listed = json.loads(call_inside(capsys, folder, "runs", "list", "--json").out)
    assert [item["run_id"] for item in listed] == [line.split()[0] for line in lines[2:]]


def test_runs_show(folder: Path, capsys: Said) -> None:
    """What was run, key by key; complete or not."""
    out = call_inside(capsys, folder, "runs", "show", "worse").out
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["state"] == "complete"
    assert facts["config.system.target"] == "mysystems:worse"
    assert facts["accounting.answered"] == "60"
    found = json.loads(call_inside(capsys, folder, "runs", "show", "worse", "--json").out)
    assert found["config"]["system.target"] == "mysystems:worse"


def test_f12_a_deleted_database_is_rebuilt_from_the_recordings(
    world: World, tmp_path: Path, capsys: Said
) -> None:
    """Every query gives the same afterwards, verdicts and reports too."""
    folder = Path(shutil.copytree(world.folder, tmp_path / "project"))
    before = [rows_of(capsys, folder, sql) for sql in EVERYTHING]
    assert all(before)
    (folder / "reports/harness.duckdb").unlink()
    gone = call_inside(capsys, folder, "query", VERDICTS)
    assert gone.code == 2
    assert "harness runs import" in gone.err
    assert "worse" in call_inside(capsys, folder, "runs", "list").out
    imported = call_inside(capsys, folder, "runs", "import")
    assert imported.code == 0
    assert "worse: 60 results loaded, verdict fail" in imported.out
    assert [rows_of(capsys, folder, sql) for sql in EVERYTHING] == before
    again = call_inside(capsys, folder, "runs", "import", "reports/runs/worse")
    assert "were there already" in again.out


def test_schema_is_one_that_the_suite_and_the_goldens_fit(folder: Path, capsys: Said) -> None:
    """Both print a JSON Schema that what is valid here is valid by."""
    golden = json.loads(call_inside(capsys, folder, "schema", "golden").out)
    for line in (folder / "goldens/cases.jsonl").read_text().splitlines():
        jsonschema.Draft202012Validator(golden).validate(json.loads(line))
    suite = json.loads(call_inside(capsys, folder, "schema", "suite").out)
    jsonschema.Draft202012Validator.check_schema(suite)


def test_doctor_finds_all_well(folder: Path, capsys: Said) -> None:
    """Versions, folder, database; as JSON facts and faults."""
    ended = call_inside(capsys, folder, "doctor")
    assert (ended.code, ended.err) == (0, "")
    assert "all is well" in ended.out
    found = json.loads(call_inside(capsys, folder, "doctor", "--json").out)
    assert found["faults"] == []
    assert found["facts"]["database"].startswith("4 runs")


def test_doctor_says_what_the_caches_hold(folder: Path, tmp_path: Path, capsys: Said) -> None:
    """Where each lies, how many entries, how much of the disk, and how much that may be."""
    arguments = ("run", SUITE, "-q", "--cache", "--limit", "3", "--reports", str(tmp_path / "r"))
    assert call_inside(capsys, folder, *arguments, "--cache-dir", str(tmp_path / "c")).code == 0
    found = [
        json.loads(call_inside(capsys, folder, "doctor", "--json", *where).out)["facts"]
        for where in (("--cache-dir", str(tmp_path / "c")), ("--reports", str(tmp_path / "r")))
    ]
    place = (tmp_path / "c/response-cache").as_posix()
    assert found[0]["cache of answers"] == f"{place}: 3 entries, 0.0 of 1,000 MB (default)"
    assert found[0]["cache of verdicts"] == found[1]["cache of answers"] == "none yet"


def test_doctor_finds_a_damaged_database(world: World, tmp_path: Path, capsys: Said) -> None:
    """4: what is wrong, and that it can be rebuilt."""
    (tmp_path / "harness.duckdb").write_bytes(b"damaged" * 1000)
    ended = call_inside(capsys, world.folder, "doctor", "--reports", str(tmp_path))
    assert ended.code == 4
    assert "harness runs import" in ended.err
    assert "all is well" not in ended.out


def test_validate_counts_what_is_there(folder: Path, capsys: Said) -> None:
    """Cases, documents, metrics and gates, without importing the system."""
    ended = call_inside(capsys, folder, "validate", SUITE)
    assert (ended.code, ended.err) == (0, "")
    assert "60 cases (60 answer), 20 documents" in ended.out
    found = json.loads(call_inside(capsys, folder, "validate", SUITE, "--json").out)
    assert (found["suite"], found["cases"], found["gates"]) == ("tiny", 60, 4)
