"""One query to one Response: deadline, retries, errors as values."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from fake_clock import run_leaping
from hosts import ANSWER, refusal

from harness.engine.asking import ask
from harness.engine.limits import RunLimits
from harness.errors import SystemFailure
from harness.types import Query, Response, RunSettings, Timings

QUERY = Query(id="q", input="Where?")


class Scripted:
    """A system that plays a script: exceptions are raised, numbers slept, responses given."""

    def __init__(self, *script):
        self.script = list(script)
        self.calls = []

    async def __call__(self, query):
        self.calls.append(time.perf_counter())
        step = self.script.pop(0)
        if isinstance(step, float):
            await asyncio.sleep(step)
            return Response(output="late")
        if isinstance(step, Exception):
            raise step
        return step


def asked(system, **settings):
    return asyncio.run(ask(system, QUERY, RunSettings(**settings)))


def busy(after_s=0.0):
    return SystemFailure("http_status", "429 busy", retry=True, retry_after_s=after_s)


def test_an_answer_is_timed_where_the_system_does_not_say():
    """total_s is measured here, and kept where the system gave its own."""
    assert asked(Scripted(Response(output="x"))).timings.total_s >= 0
    told = Response(output="x", timings=Timings(total_s=7.0))
    assert asked(Scripted(told)).timings.total_s == 7.0


def test_f1_a_hanging_system_ends_in_a_timeout_at_the_deadline():
    """The deadline holds for the case in all, and the status says so."""
    started = time.perf_counter()
    response = asked(Scripted(30.0), deadline_s=0.1)
    assert time.perf_counter() - started < 1.0
    assert response.error.kind == "timeout"
    assert "0.1 s" in response.error.message


def test_f1_an_answer_after_the_deadline_is_a_timeout():
    """Also of a system that catches its cancellation, or that lets no timer run meanwhile."""

    async def heedless(query):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
        return Response(output="late")

    async def blocking(query):
        time.sleep(0.15)  # noqa: ASYNC251 -- that is the fault
        return Response(output="late")

    for system in (heedless, blocking):
        response = asked(system, deadline_s=0.1)
        assert (response.output, response.error.kind) == (None, "timeout")


def test_f2_a_retryable_failure_is_tried_again_and_counted():
    """Attempts are recorded; the time is that of the successful attempt only."""
    system = Scripted(busy(), busy(), Response(output="at last"))
    response = asked(system)
    assert (response.output, response.attempts, len(system.calls)) == ("at last", 3, 3)
    assert response.timings.total_s < 0.05


def test_f2_retry_after_is_honoured():
    """The wait is at least what the server asked for."""
    system = Scripted(busy(after_s=0.3), Response(output="x"))
    asked(system)
    assert system.calls[1] - system.calls[0] >= 0.3


def test_f2_retries_end():
    """retries=2 means three attempts in all; the last failure is the response's error."""
    system = Scripted(*[busy() for _ in range(5)])
    response = asked(system, retries=2)
    assert (response.error.kind, response.attempts, len(system.calls)) == ("http_status", 3, 3)


def test_f2_what_cannot_get_better_is_not_tried_again():
    """A failure that is not retryable costs one attempt."""
    system = Scripted(SystemFailure("bad_response", "no output"), Response(output="x"))
    response = asked(system)
    assert (response.error.kind, len(system.calls)) == ("bad_response", 1)


def test_f1_waiting_counts_against_the_deadline():
    """A long Retry-After ends in a timeout, not in a hang."""
    started = time.perf_counter()
    response = asked(Scripted(busy(after_s=50.0), Response(output="x")), deadline_s=0.2)
    assert response.error.kind == "timeout"
    assert time.perf_counter() - started < 1.0


def test_a_fault_of_ours_is_not_an_error_of_the_system():
    """Anything but a SystemFailure comes out: adapters turn the user's exceptions into failures."""
    with pytest.raises(ZeroDivisionError):
        asked(Scripted(ZeroDivisionError()))


class Places:
    """A system with a few places, and no word of how many; each call is answered in ``takes_s``."""

    def __init__(self, n=1, takes_s=1.0, refuses=()):
        self.free = asyncio.Semaphore(n)
        self.takes_s = takes_s
        self.refuses = list(refuses)
        self.held = self.asked = 0

    @asynccontextmanager
    async def place(self):
        async with self.free:
            self.held += 1
            try:
                yield self
            finally:
                self.held -= 1

    async def __call__(self, query):
        assert self.held
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        if self.refuses:
            raise self.refuses.pop(0)
        return ANSWER


def placed(system, n, **settings):
    """Ask ``n`` cases at a time, held back as a run is; a minute of the clock must do."""
    settings = RunSettings(max_concurrency=n, **settings)

    async def case(limits):
        await limits.admit(QUERY)
        return await ask(system, QUERY, settings, limits)

    async def go():
        limits = RunLimits(settings, 0).of_system("h")
        async with asyncio.timeout(60):
            found = await asyncio.gather(*(case(limits) for _ in range(n)))
        assert (limits.host.in_flight, system.held) == (0, 0)
        return found

    return run_leaping(go())


@pytest.mark.parametrize("n", [2, 8])
def test_who_waits_to_be_asked_again_holds_no_place(n):
    """Others that the host has admitted wait for that place, and the host admits nobody before they end."""
    system = Places(refuses=[refusal()])
    found = placed(system, n)
    assert [(response.output, response.error) for response in found] == [("There.", None)] * n
    assert sorted(response.attempts for response in found) == [1] * (n - 1) + [2]
    assert system.asked == n + 1


def test_waiting_for_a_place_is_no_part_of_the_deadline_also_of_a_retry():
    """Ten cases share one place for ten seconds and more; each needs little more than one of its own."""
    found = placed(Places(refuses=[refusal()]), 10, deadline_s=2.5)
    assert [response.error for response in found] == [None] * 10
    assert max(response.timings.total_s for response in found) < 1.5


def test_the_time_of_a_case_in_its_places_is_limited_in_all():
    """A first try and a wait leave too little for the second."""
    found = placed(Places(refuses=[refusal(1.0)]), 2, deadline_s=2.5)
    assert sorted(response.error.kind if response.error else "" for response in found) == ["", "timeout"]


def test_a_place_is_free_however_its_call_ends():
    """After a timeout, a failure or a cancellation the next case has it."""
    late = placed(Places(takes_s=5.0), 2, deadline_s=2.0)
    assert [response.error.kind for response in late] == ["timeout"] * 2
    first, second = placed(Places(refuses=[SystemFailure("bad_response", "no output")]), 2)
    assert (first.error.kind, second.output) == ("bad_response", "There.")

    async def cancelled():
        system = Places()
        asking = asyncio.create_task(ask(system, QUERY, RunSettings()))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert system.held == 0
        return await ask(system, QUERY, RunSettings())

    assert run_leaping(cancelled()).output == "There."
