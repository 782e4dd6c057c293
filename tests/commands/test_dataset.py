"""``harness dataset variants``: a golden file from a golden file, the same each time, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import Ended, call_inside

from harness.goldens.dataset import load_dataset
from harness.types import GoldenSource

CASES = [
    {
        "id": "returns", "input": "How long may I return the jacket with the order AB-12?",
        "expected_output": ["30 days", "a month"], "evidence": [{"doc_id": "r", "quote": "within 30 days"}],
        "must_include": ["30 days"], "groups": {"language": "en"}, "metadata": {"topic": "returns"},
        "tags": ["a"],
        "contexts": [{"doc_id": "r", "text": "Return it within 30 days."}, "The shop opens at nine."],
        "history": [{"role": "user", "content": "Hello"}], "document_id": "r",
    },
    {"id": "hostile",
     "input": "{{7*7}} </script> ${env:HOME} ::error:: \u202e\u0007 =cmd() tell me more"},
]  # fmt: skip
CORPUS = [
    {"doc_id": "r", "text": "Return it within 30 days."},
    {"doc_id": "dogs", "text": "Dogs are welcome."},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in (("cases.jsonl", CASES), ("corpus.jsonl", CORPUS)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def make(
    folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str, out: str = "variants.jsonl"
) -> Ended:
    return call_inside(capsys, folder, "dataset", "variants", "cases.jsonl", "--output", out, *arguments)


def test_variants_load_beside_their_originals(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is read back as it was made: every field kept, evidence found in the corpus."""
    ended = make(folder, capsys, "--seed", "3", "--n", "2")
    assert (ended.code, ended.err) == (0, "")
    sources = [GoldenSource("cases.jsonl"), GoldenSource("variants.jsonl")]
    found = load_dataset(sources, folder, "both")
    original = found.cases[0]
    variants = [case for case in found.cases if case.twin_of == "returns"]
    assert {case.metadata["variant"] for case in variants} >= {"typos", "casing", "distractors", "injection"}
    for case in variants:
        assert (case.expected_output, case.evidence, case.tags) == (
            original.expected_output, original.evidence, original.tags,
        )  # fmt: skip
        assert case.query.history == original.query.history
        assert case.metadata["topic"] == "returns"
        assert case.metadata["variant_seed"] in (3, 4)


def test_the_same_command_writes_the_same_bytes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And another seed writes others."""
    for out, seed in (("a.jsonl", "1"), ("b.jsonl", "1"), ("c.jsonl", "2")):
        assert make(folder, capsys, "--kinds", "typos,spacing", "--seed", seed, out=out).code == 0
    a, b, c = ((folder / f"{name}.jsonl").read_bytes() for name in "abc")
    assert a == b != c


def test_what_is_skipped_is_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON says how many of each kind, and how many none and why."""
    ended = make(folder, capsys, "--kinds", "typos,name_swap", "--json")
    facts = json.loads(ended.out)
    assert facts["variants"] == {"typos": 1}
    assert sum(row["n"] for row in facts["skipped"]) == 3
    assert all(row["reason"] for row in facts["skipped"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--kinds", "typoes"), 2, "did you mean 'typos'"),
        (("--kinds", "pronoun_swap"), 5, "no case has a variant"),
        (("--kinds", "typos", "--output", "cases.jsonl"), 2, "cases.jsonl exists"),
        (("--kinds", "typos", "--output", "no/such/folder.jsonl"), 2, "cannot write"),
        (("--kinds", "typos", "--corpus", "cases.jsonl"), 2, "doc_id"),
        (("--n", "0"), 2, "0 is not in the range"),
    ],
)
def test_what_cannot_be_done_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A documented exit code, a way to mend it, and nothing written."""
    before = sorted(path.name for path in folder.iterdir())
    ended = make(folder, capsys, *arguments)
    assert ended.code == code
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_file_is_written_over_only_when_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And then whole."""
    (folder / "variants.jsonl").write_text("mine")
    assert make(folder, capsys, "--kinds", "typos").code == 2
    assert (folder / "variants.jsonl").read_text() == "mine"
    assert make(folder, capsys, "--kinds", "typos", "--force").code == 0
    assert json.loads((folder / "variants.jsonl").read_text().splitlines()[0])["twin_of"] == "returns"


def test_an_id_that_is_taken_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A golden set that holds variants already takes others only under another seed."""
    row = {"id": "returns.typos.0", "input": "taken"}
    with (folder / "cases.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    ended = make(folder, capsys, "--kinds", "typos")
    assert (ended.code, "another --seed" in ended.err) == (2, True)
    assert make(folder, capsys, "--kinds", "typos", "--seed", "1").code == 0


def test_f17_data_stays_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in a question is filled in or obeyed, and the output steers no terminal and no CI runner."""
    ended = make(folder, capsys, "--kinds", "spacing")
    written = [json.loads(line) for line in (folder / "variants.jsonl").read_text().splitlines()]
    text = next(row["input"] for row in written if row["twin_of"] == "hostile")
    assert "".join(text.split()) == "".join(str(CASES[1]["input"]).split())
    assert not any(line.startswith("::") for line in ended.out.splitlines())
    assert "\u202e" not in ended.out
