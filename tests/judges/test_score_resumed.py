"""``harness score`` cut short: what judges were paid for is kept, and the same command goes on with it."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from judge_stub import Reply, Stub, judge_soundly, read_data, stub_judge
from judged_project import harness, scores_of, write_project
from msgspec.structs import replace
from project import Ended, call, clean_env

from harness.recordings import Recording, read
from harness.types import Recorded, Response

N_CASES = 16
IN_FLIGHT = 2
CODES = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}
SCORE = ("score", "asked", "--run-id", "again", "--no-cache", "-q")
LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, resource.RLIM_INFINITY))
runpy.run_module("harness", run_name="__main__", alter_sys=True)
"""


class Judged(NamedTuple):
    """A project with a run ``asked``, and the judge that is asked when it is scored again."""

    folder: Path
    stub: Stub

    def orders(self) -> Counter[str]:
        """How often the judge was asked about each case, by the number of its order."""
        said = [read_data(request).items[0] for request in self.stub.requests]
        return Counter(re.findall(r"Order (\d+)", " ".join(said)))

    def recorded(self, run: str = "again") -> Recorded:
        return read(self.folder / "reports/runs" / run / "recording.jsonl")


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Judged]:
    """The judge takes its time, so that it can be interrupted, once it is asked again."""
    with stub_judge() as stub:
        folder = write_project(tmp_path / "project", stub.url, n_cases=N_CASES)
        assert harness(folder, "run", "suite.yaml", "-q", "--run-id", "asked") == 0
        stub.requests.clear()
        stub.script = slowly
        yield Judged(folder, stub)


def slowly(request: dict[str, Any]) -> Reply:
    return judge_soundly(request)._replace(delay_s=0.15)


def cut(judged: Judged, how: Callable[[subprocess.Popen[bytes]], None]) -> Ended:
    """Score again, and end that when half of the cases are with the judge."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *SCORE],
        cwd=judged.folder,
        env=clean_env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 30
    while judged.stub.count < N_CASES // 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    how(process)
    out, err = process.communicate(timeout=30)
    return Ended(process.returncode, out.decode(), err.decode())


def told(ended: Ended) -> list[str]:
    """The command that goes on, as it was told."""
    found = re.search(r"go on with +harness (.*)", ended.err)
    assert found is not None, ended.err
    return shlex.split(found[1])


@pytest.mark.parametrize("number", CODES)
def test_f8_no_verdict_that_was_recorded_is_paid_again(judged: Judged, number: int) -> None:
    """Also without a cache: at most what was in flight is asked twice, and the scores are the same."""
    ended = cut(judged, lambda process: process.send_signal(number))
    assert ended.code == CODES[number], ended.err
    kept = judged.recorded()
    assert not kept.complete
    assert N_CASES // 2 - IN_FLIGHT <= len(kept.results) < N_CASES
    again = ["score", "asked", "--no-cache", "--resume", "again"]
    if number != signal.SIGKILL:
        assert f"interrupted: {len(kept.results)} of {N_CASES} answers are scored" in ended.err
        assert told(ended) == again
    assert "Traceback" not in ended.err
    judged.stub.script = judge_soundly
    resumed = call(*again, "-q", cwd=judged.folder)
    assert resumed.code == 0, resumed.err
    orders = judged.orders()
    assert len(orders) == N_CASES
    assert {orders[result.case_id[1:]] for result in kept.results} == {1}
    assert sum(orders.values()) <= N_CASES + (IN_FLIGHT if number == signal.SIGKILL else 0)
    assert judged.recorded().complete
    assert scores_of(judged.folder, "again") == scores_of(judged.folder, "asked")
    assert (judged.folder / "calls.txt").read_text().count("\n") == N_CASES


def test_f14_a_second_signal_ends_at_once(judged: Judged) -> None:
    """A judge that hangs holds nobody up; what was scored before is kept."""

    def twice(process: subprocess.Popen[bytes]) -> None:
        judged.stub.script = lambda request: judge_soundly(request)._replace(delay_s=40.0)
        time.sleep(0.4)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)

    began = time.monotonic()
    ended = cut(judged, twice)
    assert ended.code == 130, ended.err
    assert time.monotonic() - began < 30
    assert len(judged.recorded().results) >= N_CASES // 2 - IN_FLIGHT
    assert told(ended)[-2:] == ["--resume", "again"]


def test_f10_a_full_disk_keeps_what_was_scored(judged: Judged) -> None:
    """4: what was judged until then is kept, and the command that goes on with room again is told."""
    header = (judged.folder / "reports/runs/asked/recording.jsonl").read_bytes().find(b'{"kind":"answer"')
    judged.stub.script = judge_soundly
    ended = call(*SCORE, cwd=judged.folder, program=("-c", LIMITED.format(bytes=header + 6_000)))
    assert ended.code == 4, ended.err
    assert "reports/runs/again/recording.jsonl cannot be written" in ended.err
    kept = judged.recorded()
    assert 0 < len(kept.results) < N_CASES
    assert call(*told(ended), "-q", cwd=judged.folder).code == 0
    assert {judged.orders()[result.case_id[1:]] for result in kept.results} == {1}
    assert scores_of(judged.folder, "again") == scores_of(judged.folder, "asked")


def test_what_is_gone_on_with_is_what_was_begun(judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    """2: other goldens, metrics or answers would make two runs in one; a run that asks cannot go on here."""
    cut(judged, lambda process: process.send_signal(signal.SIGINT))
    suite = judged.folder / "suite.yaml"
    text = suite.read_text()
    for arguments, suite_text, said in (
        (("score", "asked", "--resume", "nothing"), text, "no run 'nothing'"),
        (("score", "asked", "--resume", "asked"), text, "'asked' was not begun by scoring run 'asked' again"),
        (("score", "asked", "--run-id", "again"), text, "or --resume it"),
        (
            ("score", "asked", "--run-id", "b", "--resume", "again"),
            text,
            "--run-id does not go with --resume",
        ),
        (
            ("score", "asked", "--resume", "again"),
            text.replace("- judged_faithfulness\n", "- judged_faithfulness\n- error_rate\n"),
            "the metrics changed since run 'again' was begun",
        ),
        (("run", "suite.yaml", "--resume", "again"), text, "harness score asked --resume again"),
        (("score", "again", "--run-id", "third"), text, "`harness score asked --resume again`"),
    ):
        suite.write_text(suite_text)
        before = len(judged.recorded().results)
        assert harness(judged.folder, *arguments, "-q") == 2
        assert said in " ".join(capsys.readouterr().err.split())
        assert len(judged.recorded().results) == before


def test_an_answer_that_came_since_is_scored_and_not_the_one_before(judged: Judged) -> None:
    """What was scored of an answer that the run has replaced meanwhile is scored anew, with the new one."""
    cut(judged, lambda process: process.send_signal(signal.SIGINT))
    first = judged.recorded().results[0]
    origin = judged.folder / "reports/runs/asked/recording.jsonl"
    with Recording.resume(origin)[0] as recording:
        recording.append(replace(first, response=Response(output="Order 7 is another matter.")))
        recording.finish()
    judged.stub.script = judge_soundly
    resumed = call("score", "asked", "--no-cache", "--resume", "again", "-q", cwd=judged.folder)
    assert resumed.code == 0, resumed.err
    answers = [[one.response for one in judged.recorded(run).results] for run in ("asked", "again")]
    assert answers[0] == answers[1]
