"""The tier of a real language model: where its server is, when it is skipped, what is asked of it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from counting_server import Call, Server, counting
from llm_project import GOLDENS, Answered, Done, Project, name_of, part_of, write_answers, write_project
from project import Ended

from harness.goldens.dataset import load_dataset
from harness.recordings import read
from harness.types import Dataset, GoldenSource

if TYPE_CHECKING:
    from local_model import Labelled

CUT_AFTER, FOR_RAGAS = 3, 5
URL, MODEL, REQUIRED = "HARNESS_LLM_URL", "HARNESS_LLM_MODEL", "REQUIRE_LOCAL_LLM"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--figures", metavar="PAGE", help="write what was measured to this page and its .json")
    parser.addoption(
        "--machine", metavar="WORDS", default="not told", help="what the server runs on, for the page"
    )


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of ``HARNESS_LLM_URL``, behind one that counts; without it everything here is skipped."""
    url = os.environ.get(URL, "").rstrip("/")
    if not url:
        _do_without(f"{URL} is not set: no OpenAI-compatible server to talk to (see docs/judges.md)")
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=30) as reply:  # noqa: S310 -- the user's own
            served = [str(one["id"]) for one in json.load(reply)["data"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        _do_without(f"{URL} is {url}, and no list of models is had from there: {error}")
    with counting(url, os.environ.get(MODEL) or served[0]) as running:
        yield running


def _do_without(why: str) -> None:
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{REQUIRED}=1, but {why}", pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def bench(server: Server) -> Iterator[ModuleType]:
    """The benchmark that has the labels and writes the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(GOLDENS.parents[1] / "benchmarks"))
        yield importlib.import_module("local_model")
    sys.modules.pop("local_model", None)


@pytest.fixture(scope="session")
def record(
    request: pytest.FixtureRequest, bench: ModuleType, server: Server, goldens: Dataset
) -> Callable[..., None]:
    """Write a part of the figures: its name, its calls, and by name counts, means and rows."""
    option = request.config.getoption
    page = (
        option("--figures", None) or request.getfixturevalue("tmp_path_factory").mktemp("figures") / "page.md"
    )
    digest = goldens.digest.removeprefix("sha256:")[:12]
    about = bench.About(server.model, option("--machine", "not told"), digest)

    def write(name: str, calls: Sequence[Call], **found: Any) -> None:
        rows = found.pop("rows", ())
        bench.record(Path(page), about, name, part_of(bench, calls, **found), rows)

    return write


@pytest.fixture(scope="session")
def goldens() -> Dataset:
    return load_dataset((GoldenSource(str(GOLDENS / "cases.jsonl")),), GOLDENS, "brambleway")


@pytest.fixture(scope="session")
def project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("llm"), server)


@pytest.fixture(scope="session")
def answered(bench: ModuleType, project: Project) -> Answered:
    """Ask a sample of the shipped cases, with an interruption after some of them."""
    start, path = len(project.server.calls), project.recording("answers")
    limit = ("--limit", str(bench.N_CASES))
    process = project.start("run", "answering.yaml", "-q", "--run-id", "answers", *limit)
    while not path.is_file() or path.read_bytes().count(b'"kind":"scores"') < CUT_AFTER:
        assert process.poll() is None, process.communicate()
        time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    cut = Ended(process.returncode, out.decode(), err.decode())
    before = read(path).results
    resumed = project.call("run", "answering.yaml", "-q", "--resume", "answers")
    return Answered(cut, before, resumed, project.done("answers", start))


@pytest.fixture(scope="session")
def labelled(bench: ModuleType, goldens: Dataset, project: Project) -> list[Labelled]:
    """Answers of which it is known what is wrong with them, written for replay."""
    found: list[Labelled] = bench.labelled_answers(goldens)
    write_answers(project.folder, "labelled", [(name_of(one), one.case, one.response) for one in found])
    return found


@pytest.fixture(scope="session")
def by_probability(project: Project, labelled: list[Labelled]) -> Done:
    """The labelled answers, judged by log-probabilities; the offline scorer beside the judge."""
    _judging(project, "by-probability", "logprob")
    return project.run("by-probability", "by-probability")


@pytest.fixture(scope="session")
def in_text(project: Project, labelled: list[Labelled]) -> Done:
    """The labelled answers, judged in lines of text."""
    _judging(project, "in-text", "text")
    return project.run("in-text", "in-text")


def _judging(project: Project, name: str, output: str) -> None:
    project.suite(
        name,
        goldens=[{"path": "labelled-cases.jsonl"}],
        system={"adapter": "replay", "path": "labelled.jsonl"},
        metrics=["faithfulness", "judged_faithfulness"],
        judges=project.judge(output),
        gates=[{"id": "faithful", "metric": "judged_faithfulness", "min": 0.1, "bound": "point"}],
    )


@pytest.fixture(scope="session")
def canaries(project: Project, labelled: list[Labelled]) -> tuple[Ended, list[Call]]:
    """The attacks on a judge, and the calls for them; a run that it judges stands beside, to be gated."""
    _judging(project, "attacked", "logprob")
    project.run("attacked", "attacked", "--limit", "2")
    start = len(project.server.calls)
    ended = project.call("judge", "canaries", "attacked.yaml", "-q")
    return ended, project.server.since(start)


@pytest.fixture(scope="session")
def by_ragas(bench: ModuleType, project: Project, labelled: list[Labelled]) -> Done:
    """Some golden answers in English, each scored by ragas' own faithfulness through a suite."""
    english = [one for one in labelled if one.case.groups["language"] == "en" and one.fault == bench.CLEAN]
    write_answers(
        project.folder, "ragas", [(one.case.id, one.case, one.response) for one in english[:FOR_RAGAS]]
    )
    project.suite(
        "ragas",
        goldens=[{"path": "ragas-cases.jsonl"}],
        system={"adapter": "replay", "path": "ragas.jsonl"},
        metrics=["faithfulness", "ragas:faithfulness"],
        judges=project.judge("json_schema", max_tokens=700),
    )
    return project.run("ragas", "ragas")
