"""The store holds what the recordings hold, once, and says so when it does not."""

import hashlib
import multiprocessing
import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import ExitCode, StoreError
from harness.store import Store, StoredRun
from harness.types import (
    Accounting,
    Case,
    Change,
    Citation,
    Comparison,
    Estimate,
    Evidence,
    Interval,
    Passage,
    Query,
    Recorded,
    Report,
    Response,
    ResponseError,
    Result,
    Run,
    Score,
    Slice,
    Timings,
    Usage,
    Verdict,
)

CASES = (
    Case(
        query=Query(id="c1", input="What now?"),
        expected_output=("This.", "That."),
        evidence=(Evidence(doc_id="d1", quote="this", start=3, end=7),),
        groups={"language": "de"},
        tags=("billing",),
        metadata={"length": 3},
        document_id="d1",
    ),
    Case(query=Query(id="c2", input="Who?"), expected_behavior="refuse"),
)
SHARED = Passage(doc_id="d1", text="a text that is retrieved again and again", rank=1, score=0.5, start=7)
ANSWERED = Result(
    case_id="c1",
    repeat=0,
    response=Response(
        output="This, says d1.",
        retrieved=(SHARED, Passage(doc_id="d2", text="another", rank=2)),
        refused=False,
        citations=(Citation(doc_id="d1", start=0, end=4),),
        usage=Usage(input_tokens=10, output_tokens=3, cost_usd=0.5),
        timings=Timings(total_s=1.5, retrieve_s=0.5),
        attempts=2,
    ),
    scores={
        "recall@5": Score(1.0, details={"found": ["d1"]}),
        "faithfulness": Score(status="not_applicable", reason="no claims"),
    },
)
FAILED = Result(
    case_id="c2",
    repeat=0,
    response=Response(error=ResponseError("timeout", "60 s"), retrieved=(SHARED,)),
    scores={"recall@5": Score(status="timeout")},
)


def recorded(run_id: str = "run-1", **changes: Any) -> Recorded:
    run = Run(
        id=run_id,
        suite_name="support",
        started_at="2026-11-22T08:00:00Z",
        candidate="base",
        system_fingerprint="f",
        dataset_digest="d",
        dataset_name="support",
        corpus_digest=None,
        metrics={},
        config={"system.top_k": 5},
        suite={"version": 1},
        suite_path="suites/support.yaml",
        harness_version="0.1.0",
        seed=7,
        repeats=1,
        n_cases=len(CASES),
    )
    whole = Recorded(run, CASES, {"c1": "one", "c2": "two"}, (ANSWERED, FAILED), complete=True)
    return replace(whole, **changes)


def report(run: Run, **changes: Any) -> Report:
    interval = Interval(-0.06, -0.02, 0.95, "bca")
    estimate = Estimate(0.9, n=2, n_unscored=1)
    comparison = Comparison(
        metric="recall@5",
        slice=Slice(),
        baseline=estimate,
        candidate=Estimate(None, n=0, n_unscored=2),
        change=-0.04,
        interval=interval,
        p_worse=0.01,
        n_pairs=2,
    )
    whole = Report(
        title="support",
        outcome="fail",
        exit_code=1,
        headline=("recall@5 fell",),
        run=run,
        baseline=replace(run, id="run-0"),
        verdicts=(
            Verdict(
                "first", "drop ≤ 0.02", "fail", "it fell", metric="recall@5", interval=interval, limit=0.02
            ),
            Verdict("second", "never", "pass", "none did", cases=("c1",), line=41),
        ),
        estimates={},
        comparisons=(comparison,),
        slices=(replace(comparison, slice=Slice((("language", "de"), ("register", "plain")))),),
        slice_estimates={},
        gaps=(),
        attribution=None,
        refusals=(),
        refusals_before=(),
        accounting=Accounting(selected=2, answered=1, system_error=0, timeout=1, missing=0),
        changes=(Change("system.top_k", 8, 5), Change("system.model", None, "small")),
        regressions=(),
        cases=(),
    )
    return replace(whole, **changes)


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "harness.duckdb"


def load(path: Path, *recordings: Recorded) -> list[bool]:
    with Store(path) as store:
        return [store.load(each) for each in recordings]


def test_a_recording_becomes_rows(path: Path) -> None:
    """Every part of a recording has its row, absence is null, and a text stands once."""
    assert load(path, recorded()) == [True]
    assert ask(path, "select * exclude (run_id) from responses order by case_id") == [
        ("c1", 0, "This, says d1.", False, 10, 3, 0.5, 1.5, 0.5, None, 2, None, None, False, False),
        ("c2", 0, None, None, None, None, None, None, None, None, 1, "timeout", "60 s", False, False),
    ]
    assert ask(path, "select * exclude (run_id) from scores order by all") == [
        ("c1", 0, "faithfulness", None, "not_applicable", "no claims", None),
        ("c1", 0, "recall@5", 1.0, "scored", "", '{"found":["d1"]}'),
        ("c2", 0, "recall@5", None, "timeout", "", None),
    ]
    assert ask(path, "select case_id, position, rank, doc_id, score, start, text"
                     " from retrieved join passages using (text_sha256) order by all") == [
        ("c1", 1, 1, "d1", 0.5, 7, SHARED.text),
        ("c1", 2, 2, "d2", None, None, "another"),
        ("c2", 1, 1, "d1", 0.5, 7, SHARED.text),
    ]  # fmt: skip
    assert ask(path, "select text_sha256 from passages where text = 'another'") == [
        (hashlib.sha256(b"another").hexdigest(),)
    ]
    assert ask(path, 'select case_id, position, doc_id, "start", "end" from citations') == [
        ("c1", 1, "d1", 0, 4)
    ]
    first, second = ask(path, "select case_id, digest, expected_behavior, expected_output, evidence, groups['language'],"
                              " tags, metadata->>'length', document_id from cases order by case_id")  # fmt: skip
    evidence = {"doc_id": "d1", "quote": "this", "start": 3, "end": 7, "grade": 1}
    assert first == ("c1", "one", "answer", ["This.", "That."], [evidence], "de", ["billing"], "3", "d1")
    assert second == ("c2", "two", "refuse", [], [], None, [], None, None)


def test_f11_loading_again_replaces(path: Path) -> None:
    """The same content is not loaded twice; changed content takes the place of the run, in its old order."""
    other = recorded("run-2")
    longer = recorded(results=(ANSWERED,), complete=False, notices=("torn",))
    assert load(path, recorded(), other, recorded(), other) == [True, True, False, False]
    assert load(path, longer) == [True]
    assert load(path, longer) == [False]
    with Store(path) as store:
        assert store.runs() == [
            StoredRun("run-1", "support", "base", "2026-11-22T08:00:00Z", None, 2, 1, False, None),
            StoredRun("run-2", "support", "base", "2026-11-22T08:00:00Z", None, 2, 2, True, None),
        ]
    assert ask(path, "select run_id, count(*) from scores group by all order by all") == [
        ("run-1", 2),
        ("run-2", 3),
    ]
    assert ask(path, "select count(*) from cases") == [(2,)]
    assert ask(path, "select count(*) from passages") == [(2,)]


TEXT = st.text(st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def shared_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text") / "harness.duckdb"


@settings(max_examples=25, deadline=None)
@given(output=TEXT, passage=TEXT, key=TEXT, value=TEXT)
def test_f5_any_text_is_kept(shared_path: Path, output: str, passage: str, key: str, value: str) -> None:
    """Text of any kind, NUL and line feeds included, comes out of the store as it went in."""
    response = Response(output=output, retrieved=(Passage(doc_id=key, text=passage, rank=1),))
    result = Result("c1", 0, response, {"m": Score(1.0, reason=value, details={key: value})})
    case = Case(query=Query(id="c1", input=value), groups={key: value}, metadata={key: value})
    load(shared_path, recorded(cases=(case, CASES[1]), results=(result,)))
    sql = "select output, doc_id, text, reason from responses join retrieved using (run_id) join passages" \
          " using (text_sha256) join scores using (run_id)"  # fmt: skip
    assert ask(shared_path, sql) == [(output, key, passage, value)]


def test_a_text_that_only_a_slim_recording_lacks_comes_with_the_full_one(path: Path) -> None:
    """Cases of a slim recording give way to the same cases with their text, never the other way round."""
    slim = recorded("slim", cases=tuple(replace(case, query=Query(id=case.id, input="")) for case in CASES))
    load(path, slim)
    assert ask(path, "select distinct input from cases") == [("",)]
    load(path, recorded("full"))
    load(path, recorded("slim", cases=slim.cases, complete=False))
    assert ask(path, "select input from cases order by case_id") == [("What now?",), ("Who?",)]


@pytest.mark.parametrize(
    "row",
    [
        "'nan'::double, 'scored'",
        "'inf'::double, 'scored'",
        "null, 'scored'",
        "1.0, 'timeout'",
        "null, 'skipped'",
    ],
)
def test_f7_a_score_is_finite_or_says_why_not(path: Path, row: str) -> None:
    """NaN, infinity, a value without the status, a status without the value, an unknown status: refused."""
    load(path, recorded())
    with pytest.raises(duckdb.ConstraintException):
        ask(path, f"insert into scores select 'run-1', 'c1', 1, 'm', {row}, '', null")


def test_a_report_is_kept_with_its_run(path: Path) -> None:
    """Comparisons, verdicts, changes and renderings are stored, replaced as a whole, and gone with new results."""
    run = recorded()
    with Store(path) as store:
        store.load(run)
        store.save_report(report(run.run), {"html": "<p>old</p>"})
        store.save_report(report(run.run), {"html": "<p>ü\ud800\0</p>", "json": "{}"})
        assert store.runs()[0].outcome == "fail"
    assert ask(path, "select slice, baseline_value, baseline_n, candidate_value, candidate_n_unscored, change,"
                     " change_low, p_worse, harm, baseline_run_id from comparisons order by all") == [
        ("all", 0.9, 2, None, 2, -0.04, -0.06, 0.01, None, "run-0"),
        ("language=de & register=plain", 0.9, 2, None, 2, -0.04, -0.06, 0.01, None, "run-0"),
    ]  # fmt: skip
    assert ask(path, 'select position, gate, outcome, interval_high, "limit", cases, line from verdicts order by all') == [
        (1, "first", "fail", -0.02, 0.02, [], None),
        (2, "second", "pass", None, None, ["c1"], 41),
    ]  # fmt: skip
    assert ask(path, "select key, before, after from changes order by key") == [
        ("system.model", None, '"small"'),
        ("system.top_k", "8", "5"),
    ]
    shown = "<p>ü\\ud800\0</p>"
    assert ask(path, "select content, sha256 from reports where format = 'html'") == [
        (shown, hashlib.sha256(shown.encode()).hexdigest())
    ]
    load(path, recorded(results=(ANSWERED,)))
    for table in ("comparisons", "verdicts", "changes", "reports"):
        assert ask(path, f"select count(*) from {table}") == [(0,)]


def test_a_report_needs_its_run(path: Path) -> None:
    """A report of a run that was not loaded is refused."""
    with Store(path) as store, pytest.raises(StoreError, match="run-1 is not in"):
        store.save_report(report(recorded().run), {})


def test_f25_a_removed_run_is_gone_from_the_disk(path: Path) -> None:
    """Removing a run leaves other runs whole, and none of its own text in the file."""
    private = "Müller-4711-" + hashlib.sha256(b"x").hexdigest()
    response = Response(output=private, retrieved=(SHARED, Passage(doc_id="d", text=private + "!", rank=2)))
    load(path, recorded("mine", results=(Result("c1", 0, response),)), recorded("other"))
    assert private.encode() in path.read_bytes()
    with Store(path) as store:
        store.remove("mine")
        assert [run.run_id for run in store.runs()] == ["other"]
        store.load(recorded("third"))
    assert private.encode() not in path.read_bytes()
    assert ask(path, "select count(*) from cases") == [(2,)]
    assert ask(path, "select text from passages order by text") == [(SHARED.text,), ("another",)]
    with pytest.raises(duckdb.ConstraintException):
        ask(path, "insert into meta values (null)")
    with Store(path) as store:
        for run_id in ("other", "third", "never loaded"):
            store.remove(run_id)
    assert ask(path, "select count(*) from cases") == ask(path, "select count(*) from passages") == [(0,)]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_file_is_whole_without_its_log(path: Path) -> None:
    """F12: after every method returns no log is left, because DuckDB drops a damaged one without a word."""
    log = path.with_name(path.name + ".wal")
    with Store(path) as store:
        store.load(recorded())
        assert not log.exists() or not log.stat().st_size
        store.save_report(report(recorded().run), {})
        assert not log.exists() or not log.stat().st_size


def test_f12_the_file_can_be_read_by_older_versions(path: Path) -> None:
    """The storage format is pinned, so that DuckDB 1.5 reads what DuckDB 2 writes, after rewriting too."""
    with Store(path) as store:
        store.load(recorded())
        store.remove("run-1")
    [(tags,)] = ask(path, "select tags from duckdb_databases() where path is not null")
    assert tags["storage_version"].startswith("v1.5.0")


def test_f12_rows_that_are_missing_are_noticed(path: Path) -> None:
    """A run that lost or won rows is not opened; the error says how to rebuild."""
    for sql in (
        "delete from scores where case_id = 'c2'",
        "delete from runs",
        "insert into citations from citations",
    ):
        path.unlink(missing_ok=True)
        load(path, recorded())
        ask(path, sql)
        with (
            pytest.raises(
                StoreError, match=r"run-1 does not have the rows .* `harness runs import`"
            ) as caught,
            Store(path),
        ):
            pass
        assert caught.value.exit_code == ExitCode.FAULT


def test_f12_damage_is_the_same_data_or_an_error(path: Path) -> None:
    """Bytes changed or cut anywhere: the store gives the same rows or a StoreError, never a crash or fewer."""
    load(path, recorded())
    sound = path.read_bytes()
    outcomes = set()
    for step in range(40):
        place = len(sound) * step // 40 + 13
        for damaged in (sound[:place], sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :]):
            path.write_bytes(damaged)
            try:
                with Store(path) as store:
                    outcomes.add((len(store.runs()), store.load(recorded())))
            except StoreError:
                outcomes.add("refused")
    assert outcomes == {(1, False), "refused"}


def test_what_is_not_a_store_is_refused(path: Path) -> None:
    """A file of another kind, an empty one, a folder, another database, a place below a file."""
    path.write_bytes(b"something else" * 100)
    empty, folder, other = (path.with_name(name) for name in ("empty.duckdb", "folder", "other.duckdb"))
    empty.touch()
    folder.mkdir()
    ask(other, "create table theirs (a integer)")
    for wrong in (path, empty, folder, other, path / "below"):
        with pytest.raises(StoreError), Store(wrong):
            pass
    assert path.read_bytes() == b"something else" * 100
    assert ask(other, "from theirs") == []


# -- other processes ---------------------------------------------------------------------------------------


def _load_many(path: Path, say: Connection, names: list[str]) -> None:
    for name in names:
        load(path, recorded(name))
    say.send("done")


def _hold(path: Path, say: Connection, stop: Connection) -> None:
    with Store(path):
        say.send("held")
        stop.recv()


def _fill(path: Path, say: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    text = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(256))
    try:
        for n in range(1000):
            response = Response(output=f"{n}{text * 20}")
            load(path, recorded(f"run-{n}", results=(Result("c1", 0, response),)))
            say.send(n)
    except StoreError as error:
        say.send(str(error))


def start(job: Callable[..., None], *args: Any) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("spawn")
    listen, say = context.Pipe(duplex=False)
    path, *rest = args
    process = context.Process(target=job, args=(path, say, *rest))
    process.start()
    say.close()
    return process, listen


def test_f11_two_processes_load_at_once(path: Path) -> None:
    """Two processes that load different runs at the same time both succeed, and every row is there once."""
    names = [[f"{side}-{n}" for n in range(5)] for side in ("left", "right")]
    jobs = [start(_load_many, path, each) for each in names]
    for process, listen in jobs:
        assert listen.recv() == "done"
        process.join()
        assert process.exitcode == 0
    with Store(path) as store:
        assert sorted(run.run_id for run in store.runs()) == sorted(names[0] + names[1])
    assert ask(path, "select count(*) from scores") == [(30,)]


def test_f11_a_store_in_use_is_waited_for_and_its_holder_named(path: Path) -> None:
    """While another process holds the store, opening waits; then it fails with the number of that process."""
    stop, end = multiprocessing.get_context("spawn").Pipe()
    process, listen = start(_hold, path, end)
    assert listen.recv() == "held"
    with pytest.raises(StoreError, match=f"in use by process {process.pid} "), Store(path, wait_s=0.2):
        pass
    stop.send("stop")
    with Store(path, wait_s=10):
        pass
    process.join()


def test_f10_a_full_disk_keeps_what_was_loaded(path: Path) -> None:
    """When no more can be written the error says how much room is left, and every earlier run is there."""
    process, listen = start(_fill, path)
    said: list[Any] = []
    while not said or isinstance(said[-1], int):
        said.append(listen.recv())
    process.join()
    assert process.exitcode == 0
    assert "MB are free there" in said[-1]
    with Store(path) as store:
        assert len(store.runs()) >= len(said) - 1 > 0


def test_the_door_opens_fast() -> None:
    """Importing the store does not import DuckDB."""
    import subprocess

    code = "import sys, harness.store; sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
