"""Another attempt after one that failed: waits, the budget of the run, what is recorded."""

import asyncio

import pytest
from fake_clock import run_leaping
from hosts import ANSWER, QUERY, refusal

from harness.engine.asking import ask
from harness.engine.limits import RunLimits
from harness.engine.retries import MOST_WAIT_S, Retries
from harness.errors import SystemFailure
from harness.types import FailedAttempt, RunSettings


class Scripted:
    """Fails or answers by a script, and notes when it was asked; the last step is repeated."""

    def __init__(self, *script, takes_s=0.0):
        self.script = list(script)
        self.takes_s = takes_s
        self.begun_at = []

    async def __call__(self, query):
        self.begun_at.append(asyncio.get_running_loop().time())
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        await asyncio.sleep(self.takes_s)
        if isinstance(step, Exception):
            raise step
        return step


def asked(system, n=1, seed=0, limits=None, **settings):
    """Ask ``n`` times, one after the other, held back as a run is."""
    settings = RunSettings(**settings)
    limits = limits or RunLimits(settings, seed).of_system("h")

    async def go():
        found = []
        for _ in range(n):
            await limits.admit(QUERY)
            found.append(await ask(system, QUERY, settings, limits))
        return found

    return run_leaping(go())


def test_f2_the_script_of_the_table_ends_in_an_answer():
    """429 with Retry-After 2, then 503, then 200: three attempts, each failed one recorded."""
    system = Scripted(refusal(2.0), refusal(status=503), ANSWER, takes_s=0.25)
    (response,) = asked(system)
    assert (response.output, response.attempts, len(system.begun_at)) == ("There.", 3, 3)
    first, second = response.failures
    assert (first.kind, first.http_status, second.http_status) == ("http_status", 429, 503)
    assert first.wait_s == pytest.approx(2.0)
    assert system.begun_at[1] - system.begun_at[0] == pytest.approx(2.25)
    assert second.wait_s == pytest.approx(system.begun_at[2] - system.begun_at[1] - 0.25)


def test_f2_all_503_ends_after_the_retries():
    """The last failure is the error, those before it are recorded; no more requests than retries + 1."""
    system = Scripted(refusal(status=503))
    (response,) = asked(system, retries=3)
    assert (response.error.kind, response.attempts, len(system.begun_at)) == ("http_status", 4, 4)
    assert [failure.http_status for failure in response.failures] == [503, 503, 503]


def test_f2_an_outage_costs_little_more_than_the_calls_of_the_run():
    """A thousand cases, all refused: retries are a fifth of the calls and two for each in flight."""
    system = Scripted(SystemFailure("connection", "reset", retry=True))
    found = asked(system, 1000, max_concurrency=8)
    assert len(system.begun_at) <= 1000 * 1.2 + 2 * 8
    assert len(system.begun_at) >= 1200
    kinds = [response.error.kind for response in found]
    assert kinds[0] == "connection"
    assert kinds.count("retry_budget") > 700
    last = next(one.error for one in reversed(found) if one.error.kind == "retry_budget")
    assert last.message.startswith("reset; not tried again, the run has spent its ")


def test_f2_now_and_then_a_failure_is_always_tried_again():
    """One call in ten fails once: within the share, every case has its answer."""
    flaky = [ANSWER] * 10_000
    flaky[::10] = [SystemFailure("connection", "reset", retry=True)] * 1000
    found = asked(Scripted(*flaky), 5000)
    assert all(response.error is None for response in found)


def test_no_share_leaves_the_few():
    """`retry_share: 0` still lets two per call in flight be tried again, no more."""
    system = Scripted(refusal(status=500))
    asked(system, 100, retry_share=0.0, max_concurrency=1, retries=1)
    assert len(system.begun_at) == 102


def test_f2_what_cannot_get_better_takes_nothing_from_the_budget():
    """A 404 is not tried again."""
    system = Scripted(SystemFailure("http_status", "404", http_status=404))
    (response,) = asked(system)
    assert (response.error.kind, response.attempts, response.failures) == ("http_status", 1, ())


def test_f2_waits_grow_are_drawn_and_have_an_end():
    """Full jitter: anywhere from 0 to half a second, doubled each time, up to twenty seconds."""
    retries, failure = Retries(0.2, 8, seed=3), refusal()
    for number in range(1, 12):
        waits = [retries.wait_s(number, failure.retry_after_s) for _ in range(400)]
        most = min(MOST_WAIT_S, 0.5 * 2 ** (number - 1))
        assert max(waits) <= most
        assert max(waits) > 0.95 * most
        assert min(waits) < 0.05 * most


def test_f2_the_seed_of_the_run_draws_the_waits():
    """The same seed waits the same, another one does not."""
    one, same, other = (Retries(0.2, 8, seed) for seed in (1, 1, 2))
    waits = [[each.wait_s(n, None) for n in range(1, 6)] for each in (one, same, other)]
    assert waits[0] == waits[1] != waits[2]


def test_f2_the_deadline_ends_a_wait_and_what_failed_is_told():
    """A Retry-After beyond the deadline: a timeout that was one attempt, with what it failed of."""
    system = Scripted(refusal(50.0))
    (response,) = asked(system, deadline_s=10.0)
    assert (response.error.kind, response.attempts, len(system.begun_at)) == ("timeout", 1, 1)
    assert response.failures == (FailedAttempt("http_status", 10.0, 429),)


def test_waiting_for_a_turn_is_no_part_of_the_deadline():
    """At one request in ten seconds a deadline of five is kept by every case."""
    limits = RunLimits(RunSettings(requests_per_minute=6), 0).of_system("h")
    found = asked(Scripted(ANSWER, takes_s=1.0), 5, limits=limits, deadline_s=5.0)
    assert [response.error for response in found] == [None] * 5


def test_f1_calls_that_hang_do_not_cost_another_case_its_answer():
    """They hold all places that are left after a refusal; who is to be asked again waits for one, in time."""
    settings = RunSettings(max_concurrency=4, deadline_s=5.0)
    limits = RunLimits(settings, 0).of_system("h")
    refused_once = Scripted(refusal(status=503), ANSWER, takes_s=0.1)

    async def hanging(query):
        await asyncio.sleep(3600)

    async def case(system):
        await limits.admit(QUERY)
        return await ask(system, QUERY, settings, limits)

    async def go():
        return await asyncio.gather(case(hanging), case(hanging), case(refused_once))

    *hung, answered = run_leaping(go())
    assert [response.error.kind for response in hung] == ["timeout"] * 2
    assert answered.output == "There."
    assert refused_once.begun_at[1] >= 5.0
    assert answered.failures[0].wait_s == pytest.approx(refused_once.begun_at[1] - 0.1)
    assert answered.timings.total_s < 1.0


def test_f1_the_time_that_was_left_is_left_after_a_wait():
    """Half of the time was used before the wait for a turn: a try that needs more than the rest is late."""
    for takes_s, kind in ((4.0, None), (6.0, "timeout")):
        limits = RunLimits(RunSettings(requests_per_minute=1), 0).of_system("h")
        system = Scripted(refusal(), ANSWER, takes_s=takes_s)
        (response,) = asked(system, limits=limits, deadline_s=10.0)
        assert (response.error and response.error.kind) == kind
        assert system.begun_at[1] - system.begun_at[0] > 50


def test_f14_an_end_of_the_run_ends_the_wait_of_a_retry():
    """Whoever waits for its turn again when the run is told to end, is not asked any more."""

    async def go():
        run = RunLimits(RunSettings(requests_per_minute=1), 0)
        limits, settings = run.of_system("h"), RunSettings()
        system = Scripted(refusal(), ANSWER)
        await limits.admit(QUERY)
        asking = asyncio.create_task(ask(system, QUERY, settings, limits))
        await asyncio.sleep(5)
        run.end()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (len(system.begun_at), limits.host.in_flight, run.retries.waiting) == (1, 0, 0)

    run_leaping(go())
