"""Recorded responses scored again: the same in one process and in several, faults and stops included."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engine import stored
from harness.errors import MetricFault
from harness.registry import find_metric
from harness.types import Case, Corpus, Document, Query, Response, ResponseError, Result, Score

METRIC = """
import os
from harness import Score, metric

@metric("slow", version=1, needs=("corpus",))
def slow(case, response, *, corpus):
    if response.output == "torn":
        raise ValueError("torn")
    if response.output == "killed":
        os.kill(os.getpid(), 9)
    return Score(1.0 if response.output in corpus.documents else 0.0, details={"said": response.output})
"""


def results(n: int, **outputs: str) -> list[stored.Stored]:
    made = []
    for number in range(n):
        case = Case(query=Query(f"c{number}", "?"))
        error = ResponseError("timeout", "60 s") if number % 7 == 3 else None
        said = None if error else outputs.get(case.id, f"d{number % 5}")
        response = Response(output=said, error=error)
        made.append((case, Result(case.id, 0, response, {"old": Score(0.25)})))
    return made


def rescoring(folder: Path, processes: int, record: Callable[[Result], None]) -> stored.Rescoring:
    corpus = Corpus({f"d{n}": Document(f"d{n}", "text") for n in range(3)}, "digest")
    names = ("error_rate", "slow_metric:slow")
    return stored.Rescoring(
        metrics={name: find_metric(name) for name in names},
        resources={"corpus": corpus, "judge": {}, "rubrics": {}},
        folder=folder,
        max_concurrency=2,
        processes=processes,
        record=record,
        end_judging=lambda: None,
    )


def score_again(
    todo: list[stored.Stored], folder: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> list[Result]:
    (folder / "slow_metric.py").write_text(METRIC)
    monkeypatch.syspath_prepend(folder)
    found: list[Result] = []
    how = rescoring(folder, processes, found.append)
    asyncio.run(stored.score_again(iter(todo), len(todo), how, stored.Stop()))
    order = [case.id for case, _ in todo]
    return sorted(found, key=lambda result: order.index(result.case_id))


def test_more_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is scored in other processes comes back with its details and its statuses."""
    todo = results(4 * stored.BATCH + 3)
    alone = score_again(todo, tmp_path, monkeypatch, 1)
    monkeypatch.setattr(stored, "PAYS_S", 0.0)
    began = []
    monkeypatch.setattr(stored, "_workers", lambda how, make=stored._workers: began.append(1) or make(how))
    assert score_again(todo, tmp_path, monkeypatch, 2) == alone
    assert began == [1]
    assert [result.case_id for result in alone] == [case.id for case, _ in todo]
    assert [result.response for result in alone] == [result.response for _, result in todo]
    assert {score.status for result in alone for score in result.scores.values()} == {"scored", "timeout"}
    assert list(alone[0].scores) == ["error_rate", "slow_metric:slow"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_metric_that_raises_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """Also from another process: which metric, which case, where."""
    monkeypatch.setattr(stored, "PAYS_S", 0.0)
    todo = results(4 * stored.BATCH, c172="torn")
    with pytest.raises(MetricFault, match=r"slow_metric.py:8.*'slow_metric:slow' raised .*'c172': torn"):
        score_again(todo, tmp_path, monkeypatch, processes)


def test_a_process_that_is_ended_from_outside_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where memory runs out: a fault that says how to go on, and none of this program."""
    monkeypatch.setattr(stored, "PAYS_S", 0.0)
    todo = results(4 * stored.BATCH, c172="killed")
    with pytest.raises(MetricFault, match="was ended from outside: give it more memory"):
        score_again(todo, tmp_path, monkeypatch, 2)


def test_few_answers_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where computing takes less time than a start, nothing is started."""
    monkeypatch.setattr(stored, "_workers", lambda how: pytest.fail("started"))
    assert len(score_again(results(3 * stored.BATCH), tmp_path, monkeypatch, 8)) == 3 * stored.BATCH


PROGRAM = """
import asyncio, multiprocessing, pathlib, sys
from test_stored import results, rescoring
from harness.engine import stored
from harness.engine.signals import Signals

class Told:
    def stopping(self): print("stopping", flush=True)

async def go(folder):
    found, stop = [], stored.Stop()
    todo = results(40 * stored.BATCH)
    with Signals(Told(), stop) as signals:
        how = rescoring(folder, 2, found.append)
        scoring = asyncio.create_task(stored.score_again(iter(todo), len(todo), how, stop))
        with signals.ending([scoring]):
            while not scoring.done():
                if children := multiprocessing.active_children():
                    print(*(child.pid for child in children), flush=True)
                await asyncio.wait([scoring], timeout=0.1)
    print("scored", len(found), scoring.cancelled(), flush=True)

if __name__ == "__main__":
    stored.PAYS_S = 0.0
    sys.path.insert(0, sys.argv[1])
    asyncio.run(go(pathlib.Path(sys.argv[1])))
"""


def are_gone(pids: list[int]) -> bool:
    """Whether these processes have ended, or do within some seconds."""
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_f14_no_process_is_left_and_what_is_begun_is_recorded(tmp_path: Path, number: int) -> None:
    """A signal to every process: what was begun is recorded whole; a kill of the first ends all."""
    (tmp_path / "slow_metric.py").write_text(METRIC.replace("    if", "    time.sleep(0.01)\n    if", 1))
    (tmp_path / "slow_metric.py").write_text("import time\n" + (tmp_path / "slow_metric.py").read_text())
    (tmp_path / "program.py").write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, tmp_path / "program.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pids: list[int] = []
        while len(pids) < 2:
            line = process.stdout.readline()
            assert line, process.communicate()
            pids = [int(pid) for pid in line.split()]
        time.sleep(0.5)
        if number == signal.SIGKILL:
            process.kill()
        else:
            os.killpg(process.pid, number)
        out, err = process.communicate(timeout=30)
    assert are_gone(pids)
    if number != signal.SIGKILL:
        assert process.returncode == 0, err
        assert "Traceback" not in err
        words = out.split()
        n = int(words[words.index("scored") + 1])
        assert "stopping" in words
        assert 0 < n < 40 * stored.BATCH
        assert n % stored.BATCH == 0
