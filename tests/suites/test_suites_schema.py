"""The JSON Schemas: valid, and of one mind with what reads suites and goldens."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from suite_files import BASE, NEEDED, changed, load, with_system

from harness.errors import SuiteError
from harness.goldens.fields import FIELDS
from harness.registry import METRICS, SYSTEMS
from harness.suites.schema import golden_schema, suite_schema
from harness.suites.yaml import load_yaml
from harness.types import Suite


@cache
def validator(what: str) -> Draft202012Validator:
    """The validator of a schema, made once."""
    return Draft202012Validator(suite_schema() if what == "suite" else golden_schema())


@pytest.mark.parametrize("schema", [suite_schema, golden_schema])
def test_a_schema_is_a_schema(schema: Any) -> None:
    """Valid under Draft 2020-12, JSON through and through, with descriptions that read well."""
    made = schema()
    Draft202012Validator.check_schema(made)
    assert json.loads(json.dumps(made)) == made
    described = [part["description"] for part in made["$defs"].values() if "description" in part]
    assert described
    assert not any("\n    " in text for text in described)


def test_a_schema_has_every_key() -> None:
    """Each key of a suite, each adapter and each field of a golden is in it."""
    suite = suite_schema()["$defs"]["Suite"]["properties"]
    assert set(suite) == set(Suite.__struct_fields__)
    adapters = [branch["properties"]["adapter"].get("const") for branch in suite["system"]["anyOf"]]
    assert adapters == [*SYSTEMS, None]
    assert set(golden_schema()["$defs"]["RawCase"]["properties"]) == set(FIELDS)


URL = "  url: http://localhost/ask"
GATE = "    metric: recall@5\n    min: 0.5"
GOOD = [
    *(with_system(spec) for spec in NEEDED.values()),
    with_system('{ adapter: "my.app:connect", anything: [1, 2] }'),
    *(
        changed(change)
        for change in (
            ("", "description: x"),
            ("latency_s]", "latency_s, recall@100, error_rate, my.app:tone]"),
            ("  - path: cases.jsonl", "  - { path: x, format: datasets, split: a, fields: { input: q } }"),
            ("groups.language }", "groups.language, min_n: 1, audit: true }"),
            ("groups.language }", "tags }"),
            ("", "crosses: [[language, topic]]"),
            ("", "run: { max_concurrency: 1, deadline_s: 0.5, retries: 0, repeats: 2 }"),
            (
                "",
                "run: { requests_per_minute: 0.5, tokens_per_minute: null, retry_share: 0, adaptive: false }",
            ),
            ("", "budget: { max_cost_usd: 0.01, max_minutes: null }"),
            ("", "run: { looks: [0.4, 0.55, 1] }"),
            ("", "run: { looks: [1.0] }"),
            ("", "baseline: { stale_after_days: 0.5, runs: 1 }"),
            ("", "baseline: { stale_after_days: null }"),
            ("", "calibration: { min_kappa: 0.7, expires_after_days: null }"),
            ("", "candidates: { a: { method: GET }, b: {} }"),
            ("", "alpha: 0.2\nseed: 7"),
            ("", "choose: { quality: recall@5 }"),
            ("", "choose: { quality: recall@5, require: [{ metric: latency_s, quantile: 0.95, max: 2 }] }"),
            (
                "",
                "choose: { quality: recall@5, require: [{ metric: recall@5, max_gap: 0.1, slice: topic }] }",
            ),
            (URL, URL + "\n  headers: { A: b }\n  request: { q: $.input, k: 5, x: null, z: true }"),
            (GATE, "    metric: recall@5\n    max_drop: 0\n    against: baseline\n    slice: language"),
            (GATE, "    metric: recall@5\n    max_drop: 0\n    against: anchor"),
            (GATE, "    metric: recall@5\n    min: 0\n    max: 1\n    bound: point\n    where: { topic: a }"),
            (GATE, "    metric: latency_s\n    max: 2.5\n    quantile: 0.95"),
            (GATE, "    metric: latency_s\n    max: 2\n    total: true\n    max_drop: null"),
            (GATE, "    metric: recall@5\n    max_gap: 0.1\n    slice: topic\n    insufficient: fail"),
            (GATE, "    min_scored: 0.99"),
            (GATE, "    metric: recall@5\n    cases: [a]\n    min: 0.5"),
        )
    ),
]
BAD = [
    with_system("{ adapter: http }"),
    with_system("{ url: x }"),
    with_system("{ adapter: htp, url: x }"),
    with_system("{ adapter: http, url: x, zzzz: 1 }"),
    with_system("{ adapter: http, url: 5 }"),
    with_system("{ adapter: reference, corpus: c, top_k: many }"),
    with_system("5"),
    *(
        changed(change)
        for change in (
            ("version: 1", "version: 2"),
            ("version: 1", 'version: "1"'),
            ("suite: demo\n", ""),
            ("suite: demo", "suite: My Suite"),
            ("suite: demo", "suite: 5"),
            ("", "asert: 1"),
            ("  - path: cases.jsonl", "  []"),
            ("  - path: cases.jsonl", "  - { path: a, fromat: csv }"),
            ("  - path: cases.jsonl", "  - { path: a, format: xml }"),
            ("[recall@5, latency_s]", "[]"),
            ("latency_s]", "latencys]"),
            ("latency_s]", "recall]"),
            ("latency_s]", "recall@0]"),
            ("latency_s]", "recall@05]"),
            ("latency_s]", "latency_s@5]"),
            ("latency_s]", "latency_s, recall@5]"),
            ("groups.language }", "language }"),
            ("groups.language }", "groups. }"),
            ("groups.language }", "groups.language, min_n: 0 }"),
            ("", "crosses: [[language]]"),
            ("", "crosses: [[language, language]]"),
            ("", "run: { max_concurrency: 0 }"),
            ("", "run: { deadline_s: 0 }"),
            ("", "run: { requests_per_minute: 0 }"),
            ("", "run: { retry_share: -0.1 }"),
            ("", "run: { cache_mb: 0 }"),
            ("", "budget: { max_cost_usd: 0 }"),
            ("", "budget: { max_minutes: -1 }"),
            ("", "run: { looks: [] }"),
            ("", "run: { looks: [0.39, 1] }"),
            ("", "run: { looks: [0.5, 0.9] }"),
            ("", "run: { looks: [0.5, 0.5, 1] }"),
            ("", "run: { looks: [0.5, 1.1] }"),
            ("", "run: { looks: 0.5 }"),
            ("", "baseline: { stale_after_days: 0 }"),
            ("", "baseline: { stale_after: 3 }"),
            ("", "baseline: { runs: 0 }"),
            ("", "calibration: { min_kappa: 1 }"),
            ("", "calibration: { expires_after_days: 0 }"),
            ("", "calibration: { min_kapa: 0.5 }"),
            ("", "run: { retries: 1.5 }"),
            ("", "run: { tries: 1 }"),
            ("", 'candidates: { "": { method: GET } }'),
            ("", "candidates: { a: 5 }"),
            ("", "alpha: 0.5"),
            ("", "choose: {}"),
            ("", "choose: { quality: recall@5, require: [{ metric: recall@5 }] }"),
            ("", "choose: { quality: recall@5, require: [{ metric: recall@5, max_gap: 0.1 }] }"),
            ("", "choose: { quality: recall@5, require: [{ metric: recall@5, min: 0, slice: topic }] }"),
            ("", "choose: { quality: recall@5, require: [{ metric: recall@5, min: 0, quantile: 2 }] }"),
            ("", "seed: x"),
            ("  - id: recall", "  - id: Recall"),
            (GATE, "    metric: recall@5"),
            (GATE, "    min: 0.5"),
            (GATE, "    metric: recall@5\n    min: high"),
            (GATE, "    metric: recall@5\n    mim: 0.5"),
            (GATE, "    metric: recall@5\n    min: 0.5\n    max_drop: 0.1"),
            (GATE, "    metric: recall@5\n    cases: []"),
            (GATE, "    metric: recall@5\n    cases: [a]\n    max_gap: 0.1\n    slice: topic"),
            (GATE, "    metric: recall@5\n    max_drop: -0.1"),
            (GATE, "    metric: recall@5\n    max_gap: 0.1"),
            (GATE, "    metric: recall@5\n    min: 0.5\n    slice: topic"),
            (GATE, "    metric: recall@5\n    min: 0.5\n    against: baseline"),
            (GATE, "    metric: recall@5\n    max_drop: 0.5\n    bound: point"),
            (GATE, "    metric: latency_s\n    max: 1\n    quantile: 95"),
            (GATE, "    min_scored: 1.5"),
            (GATE, "    min_scored: 0.5\n    total: true"),
        )
    ),
]


@pytest.mark.parametrize("text", [BASE, *GOOD])
def test_what_is_read_is_valid(tmp_path: Path, text: str) -> None:
    """An editor marks nothing in a suite that is read."""
    load(tmp_path, text)
    found = [
        error.message for error in validator("suite").iter_errors(load_yaml(tmp_path / "suite.yaml").value)
    ]
    assert found == []


@pytest.mark.parametrize("text", BAD)
def test_what_is_refused_is_not_valid(tmp_path: Path, text: str) -> None:
    """What one place of a file can say wrongly, an editor marks as well."""
    with pytest.raises(SuiteError):
        load(tmp_path, text)
    assert not validator("suite").is_valid(load_yaml(tmp_path / "suite.yaml").value)


WHOLE: dict[str, Any] = {
    "version": 1,
    "suite": "demo",
    "description": "all that a suite can say",
    "goldens": [{"path": "a.jsonl", "format": "csv", "corpus": "c.jsonl", "fields": {"input": "q"}}],
    "system": {"adapter": "http", "url": "http://localhost", "headers": {"A": "b"}, "request": {"k": 1}},
    "candidates": {"fast": {"method": "GET"}},
    "slices": {"language": {"from": "groups.language", "min_n": 3, "audit": True}, "topic": {"from": "tags"}},
    "crosses": [["language", "topic"]],
    "metrics": ["recall@5", "latency_s", "my.app:tone"],
    "gates": [
        {"id": "drop", "metric": "recall@5", "max_drop": 0.1, "against": "baseline", "slice": "topic"},
        {"id": "bound", "metric": "latency_s", "max": 2, "quantile": 0.9, "where": {"tags": "a"}},
        {"id": "gap", "metric": "recall@5", "max_gap": 0.1, "slice": "language", "insufficient": "fail"},
        {"id": "cases", "metric": "recall@5", "cases": ["a"], "min": 0.5},
        {"id": "scored", "min_scored": 0.9},
    ],
    "run": {"max_concurrency": 2, "deadline_s": 5, "retries": 0, "repeats": 2, "looks": [0.5, 1.0]},
    "alpha": 0.05,
    "seed": 7,
}
SCALARS = st.none() | st.booleans() | st.integers(-2, 99) | st.sampled_from([0.5, -0.5, 1.5])
WORDS = st.sampled_from(["", "a", "recall@5", "latency_s", "http", "csv", "language", "fail", "a:b", "tags"])
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=3,
)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a value, from the outside in."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, part in inside for found in paths_in(part, (*path, key)))]


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(paths_in(WHOLE)[1:]), key=st.none() | WORDS, value=VALUES)
def test_a_changed_suite_is_refused_or_valid(
    tmp_path_factory: pytest.TempPathFactory, path: tuple[Any, ...], key: str | None, value: Any
) -> None:
    """Put anything anywhere, or a key beside it: it is told with its place, or read and then valid."""
    suite = json.loads(json.dumps(WHOLE))
    holder = suite
    for part in path[:-1]:
        holder = holder[part]
    holder[key if key is not None and isinstance(holder, dict) else path[-1]] = value
    try:
        load(tmp_path_factory.mktemp("s"), json.dumps(suite, indent=1))
    except SuiteError as error:
        placed = [fault.place is not None and fault.place.line is not None for fault in error.faults]
    else:
        placed = [validator("suite").is_valid(suite)]
    assert placed
    assert all(placed)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_can_be_completed(name: str) -> None:
    """Each built-in metric is valid in exactly one of its two forms: plain, or with a cut-off."""
    metrics = suite_schema()["$defs"]["Suite"]["properties"]["metrics"]
    forms = [Draft202012Validator(metrics).is_valid([form]) for form in (name, f"{name}@5")]
    assert sorted(forms) == [False, True]


@pytest.mark.parametrize(
    ("row", "valid"),
    [
        ({"input": "x"}, True),
        ({"input": "x", "id": "a.b:c-d_1", "evidence": [{"doc_id": "d", "quote": "q"}]}, True),
        ({"input": "x", "expected_output": ["a", "b"], "expected_behavior": "clarify"}, True),
        ({"input": "x", "evidence": {"d1": 2}, "metadata": {"a": 1, "b": None, "c": True}}, True),
        ({"input": "x", "history": [{"role": "user", "content": "y"}], "contexts": ["a"]}, True),
        ({}, False),
        ({"input": ""}, False),
        ({"input": " "}, False),
        ({"input": 5}, False),
        ({"input": "x", "id": "a b"}, False),
        ({"input": "x", "id": ""}, False),
        ({"input": "x", "inptu": "y"}, False),
        ({"input": "x", "groups": {"a": 1}}, False),
        ({"input": "x", "metadata": {"a": []}}, False),
        ({"input": "x", "expected_behavior": "refuze"}, False),
        ({"input": "x", "history": [{"role": "bot", "content": "y"}]}, False),
        ({"input": "x", "evidence": {"d1": "high"}}, False),
    ],
)
def test_the_schema_of_goldens_agrees_with_what_reads_them(
    tmp_path: Path, row: dict[str, Any], valid: bool
) -> None:
    """A canonical golden line is valid just if it is read."""
    from harness.errors import Fault
    from harness.goldens.fields import CaseReader
    from harness.goldens.lines import read_json_lines

    found: list[Fault] = []
    (tmp_path / "cases.jsonl").write_text(json.dumps(row))
    for read in read_json_lines(tmp_path / "cases.jsonl", found):
        CaseReader(found, {}).read(read)
    assert (not found) is valid
    assert validator("golden").is_valid(row) is valid


def test_the_goldens_that_ship_are_valid() -> None:
    """Every golden line of the project is valid under the schema."""
    folder = Path(__file__).parents[2] / "goldens"
    lines = [line for path in folder.glob("*/cases.jsonl") for line in path.read_text("utf-8").splitlines()]
    assert lines
    assert all(validator("golden").is_valid(json.loads(line)) for line in lines)
