"""All cases of a run: bounded concurrency, recording order, a clean stop."""

import asyncio
import os
import signal
import statistics
import time
from dataclasses import dataclass, field

import pytest

from harness.engine.progress import Counts, Silent
from harness.engine.runner import Asked, Todo, run_cases
from harness.engine.scorer import Work
from harness.engine.signals import Signals
from harness.errors import MetricFault, SystemFailure
from harness.types import Case, Metric, Query, Response, RunSettings, Score

CASES = [Case(query=Query(id=f"q{number:02}", input=f"question {number}")) for number in range(20)]
TODO = [Todo(case, 0) for case in CASES]


def work(**settings):
    return Work({}, {}, RunSettings(**settings), lambda response: response)


@dataclass
class Gauge:
    """A system that counts how many calls are in flight."""

    now: int = 0
    most: int = 0
    seen: list = field(default_factory=list)

    async def __call__(self, query):
        self.now += 1
        self.most = max(self.most, self.now)
        self.seen.append(query)
        await asyncio.sleep(0.005)
        self.now -= 1
        return Response(output=query.id)


class Kept:
    """A journal that keeps results in a list, and answers beside it."""

    def __init__(self, results):
        self.results, self.answers = results, []

    def answered(self, case_id, repeat, response):
        self.answers.append((case_id, repeat, response))

    def scored(self, result):
        assert (result.case_id, result.repeat, result.response) in self.answers
        self.results.append(result)


def run(system, *stages, given=None, keep=None, **settings):
    """Ask stage after stage, all of it by default; what was kept, and the signal that came."""
    kept = []
    journal = Kept(kept) if keep is None else keep
    given = given or work(**settings)
    limit = given.settings.max_concurrency

    async def go():
        progress = Silent(len(CASES), 0)
        with Signals(progress) as signals:
            for todo in stages or (TODO,):
                asked = Asked(system, given, journal)
                await run_cases(((asked, item) for item in todo), limit, progress, signals)
        return signals.number

    return kept, asyncio.run(go())


@pytest.mark.parametrize("limit", [1, 4, 50])
def test_calls_in_flight_are_bounded_and_the_bound_is_used(limit):
    """At most max_concurrency calls at once, and as many as there is work for."""
    gauge = Gauge()
    kept, stopped = run(gauge, max_concurrency=limit)
    assert gauge.most == min(limit, len(CASES))
    assert sorted(result.case_id for result in kept) == [case.id for case in CASES]
    assert stopped is None


def test_the_system_sees_a_query_and_nothing_of_the_golden():
    """The reference cannot leak, by type."""
    gauge = Gauge()
    run(gauge)
    assert all(type(query) is Query for query in gauge.seen)


def test_f1_one_failing_case_does_not_stop_the_others():
    """Errors are results like any other."""

    async def fails_on_every_third(query):
        if int(query.id[1:]) % 3 == 0:
            raise SystemFailure("exception", "no")
        return Response(output="yes")

    kept, _ = run(fails_on_every_third)
    assert len(kept) == 20
    assert sum(result.response.error is not None for result in kept) == 7


def test_a_fault_of_ours_ends_the_run_and_comes_out():
    """What was recorded before stays recorded."""

    async def broken(query):
        if query.id == "q05":
            raise ZeroDivisionError
        return Response(output="yes")

    kept = Kept([])
    with pytest.raises(ZeroDivisionError):
        run(broken, max_concurrency=1, keep=kept)
    assert [case_id for case_id, *_ in kept.answers] == [f"q{number:02}" for number in range(5)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_f14_the_first_signal_lets_calls_in_flight_finish(number):
    """No further case is begun; what is in flight is still recorded; the signal is given back."""

    async def stops_itself(query):
        if query.id == "q03":
            os.kill(os.getpid(), number)
        await asyncio.sleep(0.01)
        return Response(output="yes")

    kept, stopped = run(stops_itself, max_concurrency=2)
    assert stopped == number
    assert 4 <= len(kept) <= 6


def test_f14_a_second_signal_ends_calls_in_flight():
    """A hanging call does not keep the program when the user insists."""

    async def hangs(query):
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    kept, stopped = run(hangs, max_concurrency=1)
    assert (kept, stopped) == ([], signal.SIGINT)


def test_no_call_of_a_stage_begins_before_the_one_before_has_ended():
    """Stages never mix, however many calls may be in flight."""
    gauge, most = Gauge(), []

    async def noted(query):
        most.append((query.id, gauge.now))
        return await gauge(query)

    kept, stopped = run(noted, TODO[:7], TODO[7:], max_concurrency=50)
    assert stopped is None
    assert len(kept) == 20
    assert [case_id for case_id, _ in most] == [case.id for case in CASES]
    assert [now for _, now in most] == [*range(7), *range(13)]


def test_no_stage_begins_after_a_signal():
    """A signal between two stages, or in one, ends what follows."""

    async def stops_itself(query):
        if query.id == "q03":
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.01)
        return Response(output="yes")

    kept, stopped = run(stops_itself, TODO[:4], TODO[4:], max_concurrency=1)
    assert stopped == signal.SIGINT
    assert [result.case_id for result in kept] == ["q00", "q01", "q02", "q03"]


def test_work_is_pulled_lazily():
    """A long list of cases is not held: the next one is taken when a worker is free."""
    pulled = []

    def todo():
        for item in TODO:
            pulled.append(item[0].id)
            yield item

    async def checks(query):
        assert len(pulled) <= int(query.id[1:]) + 2
        return Response(output="yes")

    kept, _ = run(checks, todo(), max_concurrency=2)
    assert len(kept) == 20


def test_the_progress_line_counts():
    """done/total, in flight, errors and cost are those of the results."""
    counts = Counts(10, 4)
    counts.started("q")
    assert counts.line() == "4/10 · 1 in flight"


def test_slow_metrics_do_not_lengthen_the_latencies_of_calls_in_flight():
    """Scoring runs beside the event loop: 20 ms calls stay 20 ms calls while metrics take 30 ms each."""

    def slow(case, response):
        time.sleep(0.03)
        return Score(1.0)

    async def answers(query):
        await asyncio.sleep(0.02)
        return Response(output="yes")

    metrics = {"slow": Metric("slow", slow, 1, "")}
    beside = Work(metrics, {}, RunSettings(max_concurrency=8), lambda response: response)
    kept, _ = run(answers, given=beside)
    assert len(kept) == 20
    assert statistics.median(result.response.timings.total_s for result in kept) < 0.04


def test_a_metric_that_raises_ends_the_run():
    """The fault of a metric comes out of its thread."""

    def torn(case, response):
        raise KeyError("x")

    async def answers(query):
        return Response(output="yes")

    beside = Work({"own": Metric("own", torn, 1, "")}, {}, RunSettings(), lambda response: response)
    with pytest.raises(MetricFault, match="'own' raised KeyError"):
        run(answers, given=beside)
