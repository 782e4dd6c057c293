"""The suites that ship: valid, with a schema beside them that is not stale."""

import json
from pathlib import Path

import pytest

from harness.api.validating import validate
from harness.suites.schema import golden_schema, suite_schema
from harness.suites.suite import choose_system, load_suite

ROOT = Path(__file__).resolve().parents[2]
SUITES = sorted((ROOT / "suites").glob("*.yaml"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.name)
def test_a_shipped_suite_is_valid_and_names_its_schema(path: Path) -> None:
    """Suite, goldens and every candidate's options are accepted; editors find the schema."""
    checked = validate(path)
    for candidate in ("", *checked.file.suite.candidates):
        assert choose_system(checked.file, candidate).options
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./suite.schema.json"


@pytest.mark.parametrize(
    ("path", "made"),
    [("suites/suite.schema.json", suite_schema), ("goldens/golden.schema.json", golden_schema)],
)
def test_the_schemas_that_ship_are_fresh(path: str, made) -> None:
    """`make schema` writes them from the types."""
    assert json.loads((ROOT / path).read_text(encoding="utf-8")) == made()


def test_a_candidate_with_another_adapter_stands_alone(tmp_path: Path) -> None:
    """It does not inherit options that mean nothing to its adapter."""
    path = tmp_path / "suite.yaml"
    path.write_text(
        "version: 1\nsuite: s\ngoldens: [{path: c.jsonl}]\n"
        "system: {adapter: http, url: 'http://localhost/'}\n"
        "candidates: {mine: {adapter: python, target: 'rag:answer'}}\n"
        "metrics: [recall@5]\ngates: [{id: g, metric: recall@5, min: 0.5}]\n",
        encoding="utf-8",
    )
    choice = choose_system(load_suite(path), "mine")
    assert (choice.adapter, choice.options) == (
        "python",
        {"target": "rag:answer", "workers": None, "isolation": "process"},
    )
