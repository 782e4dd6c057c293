"""ragas at arm's length: metrics through a suite, datasets in and out, the generator, no telemetry."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from judge_stub import Reply, Stub, stub_judge
from judged_project import CASE as ORDER
from judged_project import GOOD, PASSAGES, harness, run_and_read, scores_of, write_project
from project import write_lines
from ragas_stub import answer_ragas
from test_architecture import ROOT

from harness.errors import UsageError
from harness.goldens.dataset import load_dataset
from harness.judges.from_ragas import import_ragas
from harness.judges.ragas_sets import evaluation_dataset, golden_rows
from harness.judges.trust import read_trust
from harness.recordings import read
from harness.registry import find_metric
from harness.types import Case, Corpus, Document, GoldenSource, Query, Response

pytestmark = pytest.mark.filterwarnings("ignore")  # of ragas and what it brings
GATES = [{"id": "faithful", "metric": "ragas:faithfulness", "min": 0.5, "bound": "point"}]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_judge(answer_ragas) as running:
        yield running


def _project(
    folder: Path, stub: Stub, metrics: tuple[str, ...] = ("ragas:faithfulness",), **changes: Any
) -> Path:
    judge = {"timeout_s": 30.0, **changes.pop("judge", {})}
    gates = [{**GATES[0], "metric": metrics[0]}]
    return write_project(folder, stub.url, metrics=list(metrics), gates=gates, judge=judge, **changes)


def test_faithfulness_of_ragas_through_a_suite(stub: Stub, tmp_path: Path) -> None:
    """Its scores are stored like any other, with who judged and for how many tokens; the cache saves all."""
    folder = _project(tmp_path, stub)
    found = run_and_read(folder, "a")
    assert [found[f"c{n}", "ragas:faithfulness"].value for n in range(1, 7)] == [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    (judge,) = found["c1", "ragas:faithfulness"].details["judges"]
    assert (judge["served"], judge["input_tokens"], judge["output_tokens"]) == ("stub-model-1", 200, 20)
    assert stub.count == 12
    run = read(folder / "reports/runs/a/recording.jsonl").run
    assert run.judges == {"ragas:faithfulness": judge["fingerprint"]}
    assert run_and_read(folder, "b") == found
    assert stub.count == 12
    assert harness(folder, "gate", "a") == 3
    sql = "select count(*) as n from scores where metric = 'ragas:faithfulness' and value = 1"
    assert harness(folder, "query", sql) == 0


def test_waiting_for_a_turn_is_no_part_of_the_time_that_ragas_gets(stub: Stub, tmp_path: Path) -> None:
    """Two requests for each answer, three seconds apart, and two seconds of time: all are in time."""
    for module in ("ragas.metrics.collections", "ragas.llms"):
        import_ragas(module)  # which may take as long
    folder = _project(tmp_path, stub, n_cases=1, judge={"timeout_s": 2.0, "requests_per_minute": 20})
    found = run_and_read(folder, "a")
    assert [score.status for score in found.values()] == ["scored"]


def test_f23_ragas_has_to_withstand_the_canaries_too(stub: Stub, tmp_path: Path) -> None:
    """A model that is moved by its data is advisory behind ragas as well."""
    folder = _project(tmp_path, stub)
    assert harness(folder, "judge", "canaries", "suite.yaml", "-q") == 0

    def obedient(request: dict[str, Any]) -> Reply:
        reply = answer_ragas(request)
        asked = request["messages"][1]["content"].rpartition("input")[2]
        moved = "supported" in asked.casefold() and '"verdict": 0' in (reply.content or "")
        return (
            reply._replace(content=(reply.content or "").replace('"verdict": 0', '"verdict": 1'))
            if moved
            else reply
        )

    stub.script = obedient
    assert harness(folder, "judge", "canaries", "suite.yaml", "-q", "--no-cache") == 1
    (known,) = read_trust(folder / "judges/judged.trust.json")
    assert known.canaries is not None
    assert len(known.canaries.gave_in) > 20
    assert harness(folder, "check", "suite.yaml", "-q") == 3


def test_f7_what_ragas_cannot_say_is_a_judge_error(stub: Stub, tmp_path: Path) -> None:
    """NaN, a reply that does not fit, a service that fails: never a number."""
    folder = _project(tmp_path, stub, ("ragas:context_recall",))
    nan = run_and_read(folder, "nan")
    assert {score.status for score in nan.values()} == {"judge_error"}
    assert "gave nan" in nan["c1", "ragas:context_recall"].reason
    for name, reply in (("bad", Reply("{}")), ("down", Reply(status=500, body=b'{"error": "no"}'))):
        stub.script = lambda _, reply=reply: reply
        found = run_and_read(_project(tmp_path, stub), name)
        assert {score.status for score in found.values()} == {"judge_error"}
        assert "ragas:faithfulness failed" in found["c1", "ragas:faithfulness"].reason


def test_f2_an_outage_behind_ragas_is_not_multiplied(stub: Stub, tmp_path: Path) -> None:
    """Its requests share the retries of the judge: two for each in flight, whatever a request may have."""
    stub.script = lambda _: Reply(status=503, body=b"{}", headers=(("retry-after-ms", "1"),))
    run = {"max_concurrency": 2, "retry_share": 0}
    found = run_and_read(_project(tmp_path, stub, judge={"retries": 9}, run=run), "a")
    assert {score.status for score in found.values()} == {"judge_error"}
    assert stub.count == 6 + 2 * 2


def test_embeddings_are_asked_of_the_judge(stub: Stub, tmp_path: Path) -> None:
    """Where a metric needs them; without a model for them the suite is refused."""
    folder = _project(tmp_path, stub, ("ragas:semantic_similarity",), judge={"embeddings": "e"})
    assert {score.value for score in run_and_read(folder, "r").values()} == {1.0}
    folder = _project(tmp_path / "other", stub, ("ragas:semantic_similarity",))
    assert harness(folder, "validate", "suite.yaml") == 2


def test_where_there_is_nothing_to_judge_ragas_is_not_asked() -> None:
    """Refusals, no reference, nothing retrieved: a status or the worst, where ragas has NaN or raises."""

    class Asking:
        def only(self) -> None: ...

    def score(name: str, case: Case, response: Response) -> tuple[str, float | None]:
        found = find_metric(f"ragas:{name}").score(case, response, judge=Asking())
        return found.status, found.value

    plain = Case(query=Query("c", "How long?"))
    refusal = Response(output="I'm sorry, I can't help with that.", retrieved=PASSAGES)
    assert score("faithfulness", ORDER, refusal) == ("not_applicable", None)
    assert score("faithfulness", ORDER, Response(output="", retrieved=PASSAGES)) == ("not_applicable", None)
    assert score("faithfulness", ORDER, Response(output=GOOD.output)) == ("scored", 0.0)
    assert score("context_recall", plain, GOOD) == ("not_applicable", None)
    assert score("context_recall", ORDER, Response(output="x")) == ("scored", 0.0)
    assert score("noise_sensitivity", ORDER, Response(output="Order 1 is sent.")) == ("scored", 1.0)


def test_an_unknown_metric_of_ragas_is_told_with_its_neighbour() -> None:
    """By the table, without ragas being imported."""
    with pytest.raises(UsageError, match="did you mean 'faithfulness'"):
        find_metric("ragas:faithfulnes")


def test_answers_to_ragas_and_samples_from_it(stub: Stub, tmp_path: Path) -> None:
    """Recorded answers are read by ``EvaluationDataset``; its samples are golden cases with evidence."""
    folder = write_project(
        tmp_path, stub.url, metrics=["error_rate"], judges={}, gates=[{"id": "all", "min_scored": 0.9}]
    )
    assert harness(folder, "run", "suite.yaml", "-q", "--run-id", "r") == 0
    assert harness(folder, "dataset", "export", "r", "-o", "out.jsonl") == 0
    dataset = import_ragas("ragas").EvaluationDataset.from_jsonl(folder / "out.jsonl")
    assert len(dataset) == 6
    recorded = read(folder / "reports/runs/r/recording.jsonl")
    assert evaluation_dataset(recorded.cases, recorded.results).to_list() == dataset.to_list()
    first = dataset.to_list()[0]
    answer = recorded.results[0].response
    assert (first["response"], first["retrieved_contexts"]) == (answer.output, [answer.retrieved[0].text])
    samples = [
        {"user_input": "When?", "reference": "Soon.", "reference_contexts": ["<1-hop>\n\nIt comes soon."]}
    ]
    made = import_ragas("ragas").EvaluationDataset.from_list(samples)
    corpus = Corpus({"d": Document("d", "It comes soon."), "e": Document("e", "No.")}, "x")
    (row,) = golden_rows(made, corpus)
    assert row["evidence"] == [{"doc_id": "d"}]
    write_lines(tmp_path / "made.jsonl", [row])
    write_lines(tmp_path / "made-corpus.jsonl", [{"doc_id": "d", "text": "It comes soon."}])
    source = GoldenSource("made.jsonl", corpus="made-corpus.jsonl")
    (case,) = load_dataset((source,), tmp_path, "s").cases
    assert (case.query.input, case.expected_output, case.evidence[0].doc_id) == ("When?", ("Soon.",), "d")


def _with_corpus(folder: Path) -> Path:
    text = "is sent within a few days by the Lindow mail. " * 12
    write_lines(
        folder / "corpus.jsonl", ({"doc_id": f"d{n}", "text": f"Order {n} {text}"} for n in range(1, 7))
    )
    return folder


def test_cases_are_generated_from_the_corpus(stub: Stub, tmp_path: Path) -> None:
    """Drafts with evidence, tagged, that the goldens' reader takes; nothing is fetched elsewhere."""
    folder = _with_corpus(_project(tmp_path, stub, judge={"embeddings": "e"}))
    assert harness(folder, "dataset", "generate", "suite.yaml", "--size", "3", "-o", "made.jsonl") == 0
    assert stub.count > 20
    cases = load_dataset((GoldenSource("made.jsonl"),), folder, "s").cases
    assert cases
    for case in cases:
        assert case.tags == ("generated",)
        assert case.evidence
        assert str(case.metadata["generator"]).startswith("ragas 0.")


@pytest.mark.parametrize(
    ("judge", "options", "corpus", "message"),
    [
        ({}, (), True, "has no model for embeddings"),
        ({"embeddings": "e"}, ("--judge", "defualt"), True, "did you mean 'default'"),
        ({"embeddings": "e"}, (), False, "no corpus to make cases from"),
        ({"embeddings": "e", "base_url": "http://127.0.0.1:9/v1"}, (), True, "generator of ragas failed"),
    ],
)
def test_what_the_generator_lacks_is_told(
    judge: dict[str, Any],
    options: tuple[str, ...],
    corpus: bool,
    message: str,
    stub: Stub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 2, and no file."""
    folder = _project(tmp_path, stub, judge=judge)
    if corpus:
        _with_corpus(folder)
    assert harness(folder, "dataset", "generate", "suite.yaml", "-o", "made.jsonl", *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (folder / "made.jsonl").exists()


def _python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_f39_telemetry_is_off_before_ragas_is_imported() -> None:
    """Whatever the environment says; and ragas says so itself."""
    program = """
import os, sys
os.environ["RAGAS_DO_NOT_TRACK"] = "false"
os.environ["LANGCHAIN_TRACING_V2"] = "true"
from harness.judges import from_ragas
from harness.registry import find_metric
find_metric("ragas:faithfulness")
assert "ragas" not in sys.modules, "imported too early"
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "ragas":
            seen.append((os.environ["RAGAS_DO_NOT_TRACK"], os.environ["HF_HUB_DISABLE_TELEMETRY"]))
sys.meta_path.insert(0, Watch())
from_ragas.import_ragas("ragas")
from ragas._analytics import do_not_track
print(seen, do_not_track(), os.environ["LANGCHAIN_TRACING_V2"])
"""
    assert _python(program) == "[('true', '1')] True false"


def test_a_missing_ragas_is_named() -> None:
    """Where it is not installed the error names the command that installs it."""
    program = """
import sys
sys.modules["ragas"] = None
from harness.errors import MissingExtra
from harness.judges.from_ragas import import_ragas
try:
    import_ragas("ragas")
except MissingExtra as error:
    print(error)
"""
    assert "pip install 'rag-regression-harness[ragas]'" in _python(program)


def test_two_files_know_ragas() -> None:
    """Its metrics and its datasets: no other file of the package names a module of ragas."""

    def modules(path: Path) -> set[str]:
        nodes = ast.walk(ast.parse(path.read_bytes()))
        texts = {
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        return {text for text in texts if text.startswith("ragas.")}

    knowing = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if modules(path)}
    assert knowing == {"judges/from_ragas.py", "judges/ragas_sets.py"}


def test_scores_of_ragas_are_read_back(stub: Stub, tmp_path: Path) -> None:
    """From the recording, as any other."""
    folder = _project(tmp_path, stub, n_cases=2)
    assert run_and_read(folder, "r") == scores_of(folder, "r")
