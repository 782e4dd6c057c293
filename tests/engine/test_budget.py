"""A budget of money and of minutes: what is begun under it, and what it says when it is used up."""

import asyncio

import pytest
from fake_clock import run_leaping

from harness.engine.budget import Budget
from harness.engine.limits import RunLimits
from harness.engine.progress import Counts, Silent
from harness.engine.runner import Asked, Todo, run_cases
from harness.engine.scorer import Work
from harness.engine.signals import STOP_GRACE_S, Signals
from harness.errors import UsageError
from harness.types import Case, Query, Response, ResponseError, RunSettings, Usage

CASES = [Case(query=Query(id=f"q{number:03}", input="?")) for number in range(200)]


def costs(usd):
    return Response(output="a", usage=Usage(cost_usd=usd))


def run(system, budget, in_flight=8):
    """Ask all cases under a budget, scored by nothing; the results, and what ended it."""
    kept = []
    limits = RunLimits(RunSettings(max_concurrency=in_flight), 0, budget)
    work = Work({}, {}, limits.settings, lambda response: response, limits=limits.of_system("h"))

    class Kept:
        def answered(self, *_):
            pass

        def scored(self, result):
            kept.append(result)

    async def go():
        progress = Silent(len(CASES), 0)
        with Signals(progress, limits.end) as signals:
            budget.begin(signals)
            todo = ((Asked(system, work, Kept()), Todo(case, 0)) for case in CASES)
            await run_cases(todo, in_flight, progress, signals)
        return signals

    return kept, asyncio.run(go())


@pytest.mark.parametrize("in_flight", [1, 8, 64])
def test_no_case_is_begun_that_would_go_over(in_flight):
    """At $0.01 a case $0.25 are 25 cases, however many are in flight; one goes first, to tell its cost."""
    begun, most_at_first = [], []

    async def system(query):
        begun.append(query.id)
        if len(begun) == 1:
            await asyncio.sleep(0.02)
            most_at_first.append(len(begun))
        await asyncio.sleep(0.001)
        return costs(0.01)

    budget = Budget(max_cost_usd=0.25)
    kept, signals = run(system, budget, in_flight)
    assert most_at_first == [1]
    assert len(kept) == len(begun) == 25
    assert budget.spent_usd == pytest.approx(0.25)
    assert signals.ended
    assert signals.spent == "its budget of $0.25 has no room for another case"


def test_costs_that_scatter_go_over_by_no_more_than_those_in_flight_can():
    """What is begun fits by the mean; eight in flight may each cost the dearest price instead."""
    prices = [0.001, 0.02, 0.004, 0.01, 0.013]

    async def system(query):
        await asyncio.sleep(0)
        return costs(prices[int(query.id[1:]) % 5])

    budget = Budget(max_cost_usd=0.5)
    kept, _ = run(system, budget)
    assert 0.5 - 0.02 <= budget.spent_usd <= 0.5 + 8 * (0.02 - 0.0096)
    assert sum(result.response.usage.cost_usd for result in kept) == pytest.approx(budget.spent_usd)


def test_a_dear_first_case_does_not_end_the_run():
    """Half of the budget for the first, next to nothing for the others: all are asked."""

    async def system(query):
        await asyncio.sleep(0.0005)
        return costs(0.5 if query.id == "q000" else 0.0001)

    kept, signals = run(system, Budget(max_cost_usd=1.0))
    assert (len(kept), signals.ended) == (200, False)


def test_what_a_judge_costs_counts():
    """Paid as soon as it came, and part of what a case costs on average."""
    budget = Budget(max_cost_usd=1.0)

    async def system(query):
        budget.paid(0.03)
        return costs(0.01)

    kept, _ = run(system, budget, in_flight=1)
    assert len(kept) == 25


def test_an_earlier_part_of_the_run_counts():
    """$0.20 of $0.25 were spent on twenty cases before: five more."""
    budget = Budget(max_cost_usd=0.25)
    budget.count_before(20, 0.2)

    async def system(query):
        return costs(0.01)

    kept, _ = run(system, budget)
    assert len(kept) == 5


def test_a_system_that_tells_no_cost_is_refused_after_its_first_answer():
    """One call, not all of them: a limit that cannot be kept is an error, and says how to mend it."""
    begun = []

    async def system(query):
        begun.append(query.id)
        return Response(output="a")

    with pytest.raises(UsageError, match=r"does not tell what an answer costs.*usage\.cost_usd"):
        run(system, Budget(max_cost_usd=1.0))
    assert len(begun) == 1


def test_without_a_limit_costs_need_not_be_known():
    """Nothing is refused, nothing waits."""

    async def system(query):
        return Response(output="a")

    kept, signals = run(system, Budget())
    assert (len(kept), signals.ended) == (200, False)


@pytest.mark.parametrize(
    ("response", "spent"),
    [
        (Response(output="a"), 0.02),
        (Response(error=ResponseError("timeout", "late")), 0.02),
        (Response(error=ResponseError("connection", "reset")), 0.01),
        (Response(output="a", usage=Usage(cost_usd=0.05), cached=True), 0.01),
    ],
)
def test_what_is_not_known_counts_as_the_mean(response, spent):
    """An answer without a cost, and one that came too late; not what failed at once, nor what was cached."""
    budget = Budget(max_cost_usd=1.0)
    budget.finished(costs(0.01))
    budget.finished(response)
    assert budget.spent_usd == pytest.approx(spent)


def test_minutes_end_a_run_as_the_first_signal_does():
    """No further case; those in flight finish within the grace, or are cancelled after it."""
    budget = Budget(max_minutes=10)
    ended = []

    async def call(seconds, signals):
        with signals.ending([asyncio.current_task()]):
            try:
                await asyncio.sleep(seconds)
                ended.append(("whole", asyncio.get_running_loop().time()))
            except asyncio.CancelledError:
                ended.append(("cut", asyncio.get_running_loop().time()))

    async def go():
        with Signals(Silent(9, 0)) as signals:
            budget.begin(signals)
            await asyncio.gather(call(603, signals), call(700, signals))
            return signals.spent, signals.number, signals.ended

    assert run_leaping(go()) == ("its 10 minutes are over", None, True)
    assert ended == [("whole", 603), ("cut", 600 + STOP_GRACE_S)]


def test_a_run_that_ends_before_its_minutes_has_not_used_them_up():
    """The timer goes with the run."""

    async def go():
        budget = Budget(max_minutes=1)
        with Signals(Silent(1, 0)) as signals:
            budget.begin(signals)
        await asyncio.sleep(120)
        return signals.ended

    assert run_leaping(go()) is False


@pytest.mark.parametrize(
    ("spent", "most", "said"), [(1.83, 5.0, "$1.83/$5.00"), (0.0312, 0.05, "$0.0312/$0.0500")]
)
def test_the_progress_line_shows_what_is_spent_of_how_much(spent, most, said):
    """With what limits the run, where something does."""
    counts = Counts(10, 0)
    counts.limits = RunLimits(RunSettings(max_concurrency=32), 0, Budget(most))
    counts.limits.budget.paid(spent)
    counts.limits.of_system("h").host.concurrency.refused(0.0, 1.0, 24)
    counts.limits.retries.waiting = 4
    assert counts.line() == f"0/10 · 4 retrying · limit 12/32 · {said}"
