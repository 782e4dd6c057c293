"""The store holds what the recordings hold, once, and lets it go without a trace."""

import hashlib
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from store_sample import ANSWERED, CASES, SHARED, ask, load, recorded, report

from harness.errors import StoreError
from harness.store import Store, StoredRun
from harness.types import Case, Passage, Query, Response, Result, Score


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "harness.duckdb"


def test_a_recording_becomes_rows(path: Path) -> None:
    """Every part of a result has its row, absence is null, and a text stands once."""
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
    columns = "case_id, position, rank, doc_id, score, start, text"
    texts = f"from retrieved join passages using (text_sha256) select {columns} order by all"
    assert ask(path, texts) == [
        ("c1", 1, 1, "d1", 0.5, 7, SHARED.text),
        ("c1", 2, 2, "d2", None, None, "another"),
        ("c2", 1, 1, "d1", 0.5, 7, SHARED.text),
    ]
    digest = hashlib.sha256(b"another").hexdigest()
    assert ask(path, "select text_sha256 from passages where text = 'another'") == [(digest,)]
    assert ask(path, "select * exclude (run_id) from citations") == [("c1", 0, 1, "d1", 0, 4)]


def test_a_case_becomes_a_row(path: Path) -> None:
    """Slices can be taken from the attributes of a case; what a recording leaves out has its default."""
    load(path, recorded())
    columns = "case_id, digest, expected_behavior, expected_output, evidence, groups['language'], tags"
    columns += ", metadata->>'length', document_id"
    first, second = ask(path, f"from cases select {columns} order by case_id")
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
            StoredRun("run-1", "support", "base", "2026-11-22T08:00:00Z", None, 2, 2, 1, False, None),
            StoredRun("run-2", "support", "base", "2026-11-22T08:00:00Z", None, 2, 2, 2, True, None),
        ]
    counts = ask(path, "select run_id, count(*) from scores group by all order by all")
    assert counts == [("run-1", 2), ("run-2", 3)]
    assert ask(path, "select count(*) from cases") == [(2,)]
    assert ask(path, "select count(*) from passages") == [(2,)]
    assert load(path, recorded("run-2", results=()), recorded(results=())) == [True, True]
    assert ask(path, "from passages") == []


TEXT = st.text(st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def shared_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text") / "harness.duckdb"


@settings(max_examples=15, deadline=None)
@given(output=TEXT, passage=TEXT, key=TEXT, value=TEXT)
def test_f5_any_text_is_kept(shared_path: Path, output: str, passage: str, key: str, value: str) -> None:
    """Text of any kind, NUL and line feeds included, comes out of the store as it went in."""
    response = Response(output=output, retrieved=(Passage(doc_id=key, text=passage, rank=1),))
    result = Result("c1", 0, response, {"m": Score(1.0, reason=value, details={key: value})})
    case = Case(query=Query(id="c1", input=value), groups={key: value}, metadata={key: value})
    load(shared_path, recorded(cases=(case, CASES[1]), results=(result,)))
    sql = """
        select output, doc_id, text, reason
        from responses
        join retrieved using (run_id) join passages using (text_sha256) join scores using (run_id)"""
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
    """Comparisons, verdicts, changes and renderings are stored and replaced as a whole."""
    run = recorded()
    with Store(path) as store:
        store.load(run)
        store.save_report(report(run.run), {"html": "<p>old</p>"})
        store.save_report(report(run.run), {"html": "<p>ü\ud800\0</p>", "json": "{}"})
        assert store.runs()[0].outcome == "fail"
    columns = "slice, baseline_value, candidate_value, candidate_n_unscored, change, change_low, p_worse"
    assert ask(path, f"from comparisons select {columns}, harm, baseline_run_id order by all") == [
        ("all", 0.9, None, 2, -0.04, -0.06, 0.01, None, "run-0"),
        ("language=de & register=plain", 0.9, None, 2, -0.04, -0.06, 0.01, None, "run-0"),
    ]
    columns = 'position, gate, outcome, interval_high, "limit", cases, line'
    assert ask(path, f"from verdicts select {columns} order by all") == [
        (1, "first", "fail", -0.02, 0.02, [], None),
        (2, "second", "pass", None, None, ["c1"], 41),
    ]
    assert ask(path, "select key, before, after from changes order by key") == [
        ("system.model", None, '"small"'),
        ("system.top_k", "8", "5"),
    ]
    shown = "<p>ü\\ud800\0</p>"
    assert ask(path, "select content, sha256 from reports where format = 'html'") == [
        (shown, hashlib.sha256(shown.encode()).hexdigest())
    ]


def test_a_report_goes_with_the_results_it_tells_of(path: Path) -> None:
    """When a run is loaded with other results, its saved report no longer holds and is removed."""
    with Store(path) as store:
        store.load(recorded())
        store.save_report(report(recorded().run), {"json": "{}"})
        store.load(recorded())
        assert store.runs()[0].outcome == "fail"
        store.load(recorded(results=(ANSWERED,)))
        assert store.runs()[0].outcome is None
    tables = ("comparisons", "verdicts", "changes", "reports")
    assert [len(ask(path, f"from {table}")) for table in tables] == [0, 0, 0, 0]


def test_a_report_needs_its_run(path: Path) -> None:
    """A report of a run that was not loaded is refused."""
    with Store(path) as store, pytest.raises(StoreError, match="run-1 is not in"):
        store.save_report(report(recorded().run), {})
