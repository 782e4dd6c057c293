"""One query to one Response: deadline, retries, errors as values."""

import asyncio
import time

import pytest

from harness.engine.asking import ask
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


def test_waiting_counts_against_the_deadline():
    """A long Retry-After ends in a timeout, not in a hang."""
    started = time.perf_counter()
    response = asked(Scripted(busy(after_s=50.0), Response(output="x")), deadline_s=0.2)
    assert response.error.kind == "timeout"
    assert time.perf_counter() - started < 1.0


def test_a_fault_of_ours_is_not_an_error_of_the_system():
    """Anything but a SystemFailure comes out: adapters turn the user's exceptions into failures."""
    with pytest.raises(ZeroDivisionError):
        asked(Scripted(ZeroDivisionError()))
