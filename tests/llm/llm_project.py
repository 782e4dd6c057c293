"""The project of this tier: shipped cases, suites that ask one server as system and judge, and its runs."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from counting_server import Call, Server
from project import Ended, clean_env, write_lines

from harness.recordings import read
from harness.types import Case, Recorded, Response, Score

if TYPE_CHECKING:
    from local_model import Labelled, Part

GOLDENS = Path(__file__).resolve().parents[2] / "goldens" / "brambleway"
LONGEST_S = 3600
PROMPT = """\
## system
Answer the question from the context, in one short sentence, in the language of the question.
If the context does not contain the answer, say that you don't know.
## user
Context:
{contexts}

Question: {question}
"""
SHELF = """\
import msgspec

from harness.systems.bm25 import Index, cut, segmented
from harness.types import Document

with open("corpus.jsonl", encoding="utf-8") as lines:
    documents = [msgspec.json.decode(line, type=Document) for line in lines]
chunks = [chunk for document in documents for chunk in cut(document, 60, 0)]
index = Index([segmented(f"{chunk.document.title}\\n{chunk.text}") for chunk in chunks])


def retrieve(query):
    found = [(chunks[at], score) for at, score in index.rank(segmented(query.input), 2)]
    return [{"doc_id": one.document.doc_id, "text": one.text, "score": score} for one, score in found]
"""


class Done(NamedTuple):
    """A run that ended: what was recorded, and what the server was asked for it."""

    recorded: Recorded
    calls: list[Call]

    def values(self, metric: str) -> dict[str, float | None]:
        return {result.case_id: result.scores[metric].value for result in self.recorded.results}

    def mean(self, metric: str) -> tuple[float, int]:
        """The mean over the cases that have a value, and how many these are."""
        known = [value for value in self.values(metric).values() if value is not None]
        return statistics.mean(known), len(known)

    @property
    def answers(self) -> list[Call]:
        """The calls that asked for an answer, where verdicts are asked for by log-probability."""
        return [call for call in self.calls if not call.request.get("logprobs")]


class Answered(NamedTuple):
    """The run in which the model answers: cut short, what was recorded then, and gone on with."""

    cut: Ended
    before: tuple[Any, ...]
    resumed: Ended
    run: Done


class Project(NamedTuple):
    """A folder with suites, and the server that they ask."""

    folder: Path
    server: Server

    def suite(self, name: str, **keys: Any) -> None:
        """Write ``name.yaml``; one case at a time, as the server may have one slot."""
        run = {"max_concurrency": 1, "deadline_s": 600.0, "retries": 0}
        gates = [{"id": "complete", "min_scored": 0.9}]
        suite = {"version": 1, "suite": name, "run": run, "gates": gates, **keys}
        (self.folder / f"{name}.yaml").write_text(yaml.safe_dump(suite, allow_unicode=True))

    def judge(self, output: str, **keys: Any) -> dict[str, Any]:
        """A judge of a suite, with time for a server that others ask, too."""
        where = {"base_url": "${env:HARNESS_LLM_URL}", "model": self.server.model}
        return {"default": {**where, "output": output, "timeout_s": 600.0, "retries": 0, **keys}}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *arguments],
            cwd=self.folder,
            env=clean_env(HARNESS_LLM_URL=self.server.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, *arguments: str) -> Ended:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=LONGEST_S)
        return Ended(process.returncode, out.decode(), err.decode())

    def run(self, suite: str, run_id: str, *options: str) -> Done:
        """Run a suite to its end."""
        start = len(self.server.calls)
        ended = self.call("run", f"{suite}.yaml", "-q", "--run-id", run_id, *options)
        assert ended.code == 0, ended.words
        return self.done(run_id, start)

    def recording(self, run_id: str) -> Path:
        return self.folder / "reports" / "runs" / run_id / "recording.jsonl"

    def done(self, run_id: str, start: int) -> Done:
        return Done(read(self.recording(run_id)), self.server.since(start))


def write_project(folder: Path, server: Server) -> Project:
    """Write the suite in which the model answers the shipped cases, and what it needs."""
    project = Project(folder, server)
    shutil.copy(GOLDENS / "corpus.jsonl", folder)
    (folder / "answer.md").write_text(PROMPT)
    (folder / "shelf.py").write_text(SHELF)
    project.suite(
        "answering",
        goldens=[{"path": str(GOLDENS / "cases.jsonl")}],
        system={
            "adapter": "openai_chat",
            "base_url": "${env:HARNESS_LLM_URL}",
            "model": server.model,
            "prompt": "answer.md",
            "retriever": "shelf:retrieve",
            "max_tokens": 80,
            "usd_per_million_tokens": {"input": 1.0, "output": 2.0},
        },
        metrics=[
            *("recall@2", "faithfulness", "required_facts", "refusal_correctness", "answer_language"),
            *("input_tokens", "output_tokens", "cost_usd", "latency_s", "error_rate", "judged_faithfulness"),
        ],
        judges=project.judge("logprob"),
    )
    return project


def write_answers(folder: Path, name: str, answers: Iterable[tuple[str, Case, Response]]) -> None:
    """Write answers that are there already, as (id, case, answer), and the cases beside them."""
    lines = (GOLDENS / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    rows = {row["id"]: row for row in map(json.loads, lines)}
    cases, answered = [], []
    for case_id, case, response in answers:
        kept = {key: value for key, value in rows[case.id].items() if key != "twin_of"}
        cases.append({**kept, "id": case_id})
        passages = [{"doc_id": one.doc_id, "text": one.text, "rank": one.rank} for one in response.retrieved]
        answered.append({"id": case_id, "output": response.output, "retrieved": passages})
    write_lines(folder / f"{name}-cases.jsonl", cases)
    write_lines(folder / f"{name}.jsonl", answered)


def name_of(one: Labelled) -> str:
    """The id of a labelled answer as a case."""
    return f"{one.case.id}--{one.fault}"


def judge_of(score: Score) -> dict[str, Any] | None:
    """Who judged, as a score tells; None where nobody was asked."""
    judges: list[dict[str, Any]] = score.details.get("judges", [])
    return judges[0] if judges else None


def part_of(
    bench: ModuleType,
    calls: Sequence[Call],
    counts: Mapping[str, int] | None = None,
    means: Mapping[str, tuple[float, int]] | None = None,
) -> Part:
    """Put what was measured into a part of the figures."""
    seconds = [call.seconds for call in calls]
    found: Part = bench.Part(
        date=datetime.now(UTC).date().isoformat(),
        counts=dict(counts or {}),
        means=dict(means or {}),
        calls=len(calls),
        median_s=round(statistics.median(seconds), 2),
        longest_s=round(max(seconds), 2),
        input_tokens=sum(call.tokens[0] for call in calls),
        output_tokens=sum(call.tokens[1] for call in calls),
    )
    return found


def stored(project: Project, run_id: str, metric: str) -> dict[str, float | None]:
    """Read the scores of a run from the database."""
    sql = f"select case_id, value from scores where run_id = '{run_id}' and metric = '{metric}'"  # noqa: S608
    ended = project.call("query", sql, "--format", "json")
    assert ended.code == 0, ended.words
    return {row["case_id"]: row["value"] for row in json.loads(ended.out)}
