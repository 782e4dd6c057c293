"""The test-set generator of ragas is held back as a judge is in a run: in flight, by rates, by money."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judge_stub import Reply, stub_judge
from judged_project import harness, write_project
from project import write_lines
from ragas_stub import answer_ragas

pytestmark = pytest.mark.filterwarnings("ignore")  # of ragas and what it brings
N_DOCUMENTS = 6
PRICES = {"input": 100.0, "output": 100.0}
PER_CHAT, PER_EMBEDDING = 110 * 100e-6, 5 * 100e-6


class Counted:
    """Answers as ``answer_ragas``, and notes when it was asked, how many asked at a time, what it refused."""

    def __init__(
        self, refuses: Callable[[int], Reply | None] = lambda _: None, delay_s: float = 0.01
    ) -> None:
        self.refuses, self.delay_s = refuses, delay_s
        self.now = self.most = 0
        self.began_at: list[float] = []
        self.paid_usd = 0.0
        self.lock = threading.Lock()

    def __call__(self, request: dict[str, Any]) -> Reply:
        with self.lock:
            self.began_at.append(time.monotonic())
            refused = self.refuses(len(self.began_at))
            self.paid_usd += 0.0 if refused else PER_EMBEDDING if "input" in request else PER_CHAT
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.delay_s)
        with self.lock:
            self.now -= 1
        return refused or answer_ragas(request)


GATE = {"id": "all", "min_scored": 0.9}
GENERATE = ("dataset", "generate", "suite.yaml", "--size", "3", "-o", "made.jsonl")


def write_corpus(folder: Path, url: str, judge: dict[str, Any] | None = None, **changes: Any) -> None:
    """Write a suite with six documents, from which cases are to be made."""
    given = {"timeout_s": 30.0, "embeddings": "e", **(judge or {})}
    write_project(folder, url, metrics=["error_rate"], gates=[GATE], judge=given, **changes)
    text = "is sent within a few days by the Lindow mail. " * 12
    documents = ({"doc_id": f"d{n}", "text": f"Order {n} {text}"} for n in range(N_DOCUMENTS))
    write_lines(folder / "corpus.jsonl", documents)


def generate(folder: Path, service: Counted, judge: dict[str, Any] | None = None, **changes: Any) -> int:
    """Have cases written; gives the exit code."""
    with stub_judge(service) as stub:
        write_corpus(folder, stub.url, judge, **changes)
        return harness(folder, *GENERATE)


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """What is asked where hardly anything holds it back."""
    service = Counted(delay_s=0.05)
    assert generate(tmp_path_factory.mktemp("free"), service, run={"max_concurrency": 16}) == 0
    return service


def test_no_more_requests_are_in_flight_than_the_judge_may_have(free: Counted, tmp_path: Path) -> None:
    """Whichever event loop of ragas they come from."""
    assert free.most > 2
    service = Counted(delay_s=0.05)
    assert generate(tmp_path, service, {"max_concurrency": 2}) == 0
    assert service.most == 2
    assert len(service.began_at) == len(free.began_at)


def test_requests_keep_to_the_rate(free: Counted, tmp_path: Path) -> None:
    """Ten a second, of which those of the first second may go at once."""
    service = Counted(delay_s=0.0)
    assert generate(tmp_path, service, {"requests_per_minute": 600}) == 0
    at = service.began_at
    assert len(at) == len(free.began_at)
    assert max(sum(one <= other < one + 1.0 for other in at) for one in at) <= 10 + 10 + 1
    assert at[-1] - at[0] >= (len(at) - 10 - 3) / 10


def test_tokens_keep_to_the_rate(tmp_path: Path) -> None:
    """What replies say of them is learnt: some 3,000 at 1,000 a second, those of one second at once."""
    service = Counted(delay_s=0.0)
    assert generate(tmp_path, service, {"tokens_per_minute": 60_000}) == 0
    assert service.began_at[-1] - service.began_at[0] >= 1.0


def test_f2_a_refusal_makes_all_wait_as_long_as_the_service_wants(free: Counted, tmp_path: Path) -> None:
    """The fifth request is refused for a second: none comes before that is over, and it is asked again."""
    busy = Reply(status=429, body=b"{}", headers=(("Retry-After", "1"),))
    service = Counted(lambda n: busy if n == 5 else None, delay_s=0.0)
    assert generate(tmp_path, service, {"retries": 2, "max_concurrency": 1}) == 0
    at = service.began_at
    assert at[5] - at[4] >= 1.0
    assert len(at) == len(free.began_at) + 1


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_budget_of_money_is_kept(
    in_flight: int, free: Counted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A third of what is needed: it ends within that, says so, and leaves no file; enough is enough."""
    judge = {"usd_per_million_tokens": PRICES, "max_concurrency": in_flight}
    run = {"max_concurrency": in_flight}
    budget = free.paid_usd / 3
    service = Counted()
    assert generate(tmp_path, service, judge, run=run, budget={"max_cost_usd": budget}) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "the test-set generator was ended: its budget of $" in said
    assert "--size" in said
    assert budget / 2 < service.paid_usd <= budget
    assert not (tmp_path / "made.jsonl").exists()
    assert generate(tmp_path, Counted(), judge, run=run, budget={"max_cost_usd": 1.5 * free.paid_usd}) == 0


def test_a_budget_that_cannot_be_kept_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No prices: before any request; a service that tells no tokens: after the first."""
    service = Counted()
    assert generate(tmp_path, service, budget={"max_cost_usd": 1}) == 2
    assert "judge 'default' has no prices" in capsys.readouterr().err
    assert service.began_at == []

    class Silent(Counted):
        def __call__(self, request: dict[str, Any]) -> Reply:
            super().__call__(request)
            return Reply(body=b'{"choices": [{"message": {"content": "{}"}}]}')

    silent = Silent()
    judge = {"usd_per_million_tokens": PRICES}
    assert generate(tmp_path, silent, judge, budget={"max_cost_usd": 1}) == 2
    assert "does not tell its tokens" in " ".join(capsys.readouterr().err.split())
    assert len(silent.began_at) == 1


def test_minutes_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A service that takes half a second each, and a second and a half: it ends soon after."""
    service = Counted(delay_s=0.5)
    began = time.monotonic()
    assert generate(tmp_path, service, {"max_concurrency": 1}, budget={"max_minutes": 0.025}) == 2
    assert "its 0.025 minutes are over" in " ".join(capsys.readouterr().err.split())
    assert len(service.began_at) <= 4
    assert time.monotonic() - began < 20


def test_f1_a_service_that_hangs_ends_in_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each request has the judge's ``timeout_s``."""
    service = Counted(delay_s=3.0)
    assert generate(tmp_path, service, {"timeout_s": 0.5}) == 2
    assert "the test-set generator of ragas failed" in " ".join(capsys.readouterr().err.split())


def test_f14_an_interrupt_ends_it_at_once_with_no_further_request(tmp_path: Path) -> None:
    """Also while requests are answered slowly; nothing is written, and no traceback is shown."""
    service = Counted(delay_s=8.0)
    with stub_judge(service) as stub:
        write_corpus(tmp_path, stub.url)
        command = [sys.executable, "-m", "harness", *GENERATE]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 60
        while not service.began_at:
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - began < 6
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert len(service.began_at) <= 2
    assert not (tmp_path / "made.jsonl").exists()
