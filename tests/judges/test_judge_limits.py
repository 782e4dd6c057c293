"""Judges are held back as their keys say, and what they cost counts for the budget."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from asking_doubles import settings_of, with_judges
from fake_clock import run_leaping
from judge_stub import Reply, judge_soundly, stub_judge
from judged_project import CASE, GOOD, harness, write_project

from harness.engine.limits import Host, JudgeLimits
from harness.engine.retries import Retries
from harness.errors import JudgeFailure
from harness.judges import transport
from harness.judges.asking import Asking
from harness.judges.client import Client
from harness.recordings import read
from harness.registry import find_metric
from harness.types import JudgeSettings, Question, Score


class Crowd:
    """A judge that counts how many ask at a time, and refuses beyond so many."""

    def __init__(self, admits: int = 1000, delay_s: float = 0.02) -> None:
        self.admits, self.delay_s = admits, delay_s
        self.now = self.most = self.refused = 0
        self.began_at: list[float] = []
        self.lock = threading.Lock()

    def __call__(self, request: dict[str, Any]) -> Reply:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.began_at.append(time.monotonic())
            refuse = self.now > self.admits
            self.refused += refuse
        time.sleep(self.delay_s)
        with self.lock:
            self.now -= 1
        return Reply(status=429, headers=(("Retry-After", "0"),)) if refuse else judge_soundly(request)


def judged(asking: Asking) -> Score:
    return find_metric("judged_faithfulness").score(CASE, GOOD, judge=asking)


def judged_by(crowd: Crowd, work: Callable[[Asking], Any], **settings: Any) -> Any:
    with stub_judge(crowd) as stub:
        return with_judges({"default": settings_of(stub, **settings)}, work)


def test_no_more_requests_are_in_flight_than_a_judge_may_have() -> None:
    """Twelve repeats of one question, three at a time; without the key as many as the run has calls."""
    crowd = Crowd()
    judged_by(crowd, judged, repeats=12, max_concurrency=3)
    assert crowd.most == 3
    crowd = Crowd(delay_s=0.1)
    judged_by(crowd, judged, repeats=12)
    assert 3 < crowd.most <= 8


def test_requests_keep_to_the_rate_of_a_judge() -> None:
    """At twenty a second, of which the first second's may go at once, 34 take more than half a second."""
    crowd = Crowd(delay_s=0.0)
    score = judged_by(crowd, judged, repeats=34, requests_per_minute=1200)
    assert score.status == "scored", score.reason
    at = sorted(crowd.began_at)
    assert at[-1] - at[0] >= 0.5


def test_waiting_for_a_turn_is_no_part_of_the_time_of_a_question() -> None:
    """Five seconds for two requests, the second a minute later: two each are in time, three are not."""

    async def ask(seconds: float) -> None:
        async def reply(_: httpx.Request) -> httpx.Response:
            await asyncio.sleep(seconds)
            return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

        limits = JudgeLimits(Host(1, requests_per_minute=1), Retries(0.0, 1, seed=0))
        kind = transport.held(httpx.AsyncClient, limits, retries=0)
        service = kind(transport=httpx.MockTransport(reply))
        async with asyncio.timeout(5) as clock:
            transport.question_clock.set(clock)
            for _ in range(2):
                await service.send(httpx.Request("POST", "http://judge/"))
        assert asyncio.get_running_loop().time() > 59

    run_leaping(ask(2))
    with pytest.raises(TimeoutError):
        run_leaping(ask(3))


def test_f2_a_judge_that_refuses_is_asked_less_and_nothing_is_lost() -> None:
    """Two at a time are admitted of eight: the SDK's second tries are held back too, every verdict comes."""
    crowd = Crowd(admits=2)
    score = judged_by(crowd, judged, repeats=30, retries=10, timeout_s=30.0)
    assert score.status == "scored", score.reason
    assert crowd.refused < 30


def test_what_judges_cost_counts_for_the_budget_of_a_run(tmp_path: Path, capsys: Any) -> None:
    """3: the system costs nothing, the judge two thousandths a reply; the run stops and is kept."""
    del capsys
    with stub_judge() as stub:
        prices = {"usd_per_million_tokens": {"input": 10.0, "output": 100.0}}
        folder = write_project(tmp_path / "p", stub.url, n_cases=40, judge=prices)
        system = (folder / "judged_system.py").read_text()
        (folder / "judged_system.py").write_text(
            system.replace('" Returns are free."}]}', '" Returns are free."}], "usage": {"cost_usd": 0.0}}')
        )
        code = harness(folder, "run", "suite.yaml", "-q", "--run-id", "r", "--max-cost", "0.05")
        paid = 0.002 * len(stub.requests)
    recorded = read(folder / "reports/runs/r/recording.jsonl")
    assert (code, recorded.complete) == (3, False)
    assert 0.03 < paid <= 0.055
    assert 0 < len(recorded.results) < 40


def test_a_judge_without_prices_is_refused_under_a_limit_of_money(tmp_path: Path, capsys: Any) -> None:
    """2, before anything is asked: the system would not be charged for what the judge costs."""
    with stub_judge() as stub:
        folder = write_project(tmp_path / "p", stub.url)
        assert harness(folder, "run", "suite.yaml", "-q", "--run-id", "r", "--max-cost", "1") == 2
        assert stub.requests == []
    assert "judge 'default' has no prices" in capsys.readouterr().err
    assert not (folder / "calls.txt").exists()
    assert not (folder / "reports/runs/r").exists()


@pytest.mark.parametrize("key", ["requests_per_minute", "tokens_per_minute", "max_concurrency"])
def test_a_limit_of_nothing_is_refused(tmp_path: Path, capsys: Any, key: str) -> None:
    """2, with the place: at 0 a minute no judge would ever be asked."""
    folder = write_project(tmp_path / "p", "http://127.0.0.1:9/v1", judge={key: 0})
    assert harness(folder, "validate", "suite.yaml") == 2
    assert f"{key} is 0" in capsys.readouterr().err


def test_a_judge_that_tells_no_tokens_keeps_to_the_estimate() -> None:
    """What was taken for a request stays taken: nothing told is not nothing used."""

    class Silent:
        async def complete(self, _: bytes) -> httpx.Response:
            return httpx.Response(200, json={"model": "m", "choices": []})

    async def ask() -> None:
        host = Host(1, tokens_per_minute=60)
        await host.admit(4000)
        limits = JudgeLimits(host, Retries(0.0, 1, seed=0))
        settings = JudgeSettings(model="m", base_url="http://judge/v1")
        client = Client(settings, cast(Any, Silent()), str, limits, lambda _: None)
        taken_s = host.paid_off_s(asyncio.get_running_loop().time())
        with pytest.raises(JudgeFailure):
            await client.ask(Question("claims.v1", (), ("It is so.",), ("yes", "no")), "0" * 16)
        assert host.paid_off_s(asyncio.get_running_loop().time()) == pytest.approx(taken_s, abs=5)

    run_leaping(ask())
