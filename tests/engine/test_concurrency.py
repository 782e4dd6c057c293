"""The limit of calls in flight: cut where a host refuses or becomes slow by our calls, and no lower."""

import random

import pytest
from fake_clock import run_leaping
from hosts import Server, ask_all

from harness.engine.concurrency import Concurrency
from harness.engine.limits import Host


def answers(limit, n, took, now=0.0):
    """So many calls one after the other, each with all others in flight; gives the time after the last."""
    for _ in range(n):
        limit.answered(now, now + took, is_full=True)
        now += took
    return now


def test_one_round_trip_is_cut_once():
    """Ten refusals of calls that were in flight together halve the limit once; later ones again."""
    limit = Concurrency(32)
    for _ in range(10):
        limit.refused(began=0.0, now=1.0, in_flight=32)
    assert limit.allowed == 16
    limit.refused(began=0.5, now=1.5, in_flight=20)
    assert limit.allowed == 16
    limit.refused(began=1.1, now=2.0, in_flight=16)
    assert limit.allowed == 8


def test_it_is_never_below_one():
    """Whatever is refused, one call may be in flight, and the limit comes back from there."""
    limit = Concurrency(4)
    for now in range(20):
        limit.refused(now + 0.1, now + 0.5, 1)
    assert limit.allowed == 1
    answers(limit, 100, 0.1, 30.0)
    assert limit.allowed == 4


def test_it_rises_by_one_per_round_trip():
    """As many answers as the limit raise it by one, while it is far from what was refused."""
    limit = Concurrency(32)
    limit.refused(0.0, 1.0, 32)
    now = answers(limit, 17, 0.01, 1.0)
    assert limit.allowed == 17
    answers(limit, 18, 0.01, now)
    assert limit.allowed == 18


def test_it_does_not_rise_unused():
    """Where fewer calls are in flight than allowed, answers say nothing of more."""
    limit = Concurrency(32)
    limit.refused(0.0, 1.0, 32)
    for _ in range(1000):
        limit.answered(1.0, 1.1, is_full=False)
    assert limit.allowed == 16


def test_what_was_refused_is_tried_again_slowly():
    """Just below the last refusal the limit stays for ten round trips."""
    limit = Concurrency(32)
    limit.refused(0.0, 1.0, 8)
    rounds, now = [], 1.0
    for _ in range(20):
        now = answers(limit, limit.allowed, 0.01, now)
        rounds.append(limit.allowed)
    assert rounds[:4] == [4, 5, 6, 7]
    assert 9 <= rounds.count(7) <= 12
    assert rounds[-1] > 8


def test_a_limit_that_does_not_adapt_stays():
    """`adaptive: false` means as many as the suite says, always."""
    limit = Concurrency(8, adapts=False)
    limit.refused(0.0, 1.0, 8)
    answers(limit, 100, 0.1, 1.0)
    answers(limit, 100, 10.0, 100.0)
    assert limit.allowed == 8


NOISE = {
    "none": lambda draw: 0.05,
    "log-normal, sigma 0.5": lambda draw: draw.lognormvariate(0, 0.5),
    "log-normal, sigma 1": lambda draw: draw.lognormvariate(0, 1),
    "Pareto, alpha 1.5": lambda draw: 0.2 * draw.paretovariate(1.5),
    "one in four slow": lambda draw: 2.0 if draw.random() < 0.25 else 0.1,
}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("limit", [8, 32])
def test_a_healthy_host_is_asked_as_fast_as_without(noise, limit):
    """However its times scatter: at most 2 % longer than with a fixed limit, over 100 rounds of calls."""

    def seconds(seed, adaptive):
        draw = random.Random(seed)  # noqa: S311 -- a simulation
        server = Server(lambda: NOISE[noise](draw))
        return run_leaping(ask_all(Host(limit, adaptive=adaptive), server, 100 * limit, limit))

    ratios = [seconds(seed, adaptive=True) / seconds(seed, adaptive=False) for seed in range(4)]
    assert max(ratios) <= 1.02


@pytest.mark.parametrize("admits", [4, 8, 20])
def test_f2_a_host_that_admits_so_many_is_asked_so_many(admits):
    """Near what it admits, with few refusals; at the full limit again, soon after it admits more."""
    draw = random.Random(1)  # noqa: S311 -- a simulation
    server = Server(lambda: 0.05 * draw.uniform(0.8, 1.2), admits=admits)
    host = Host(32)

    async def go():
        seconds = await ask_all(host, server, 2000, 32)
        refused, limit = server.refused, host.concurrency.limit
        server.admits, server.begun_at = 32, []
        await ask_all(host, server, 1500, 32)
        return seconds, refused, limit, server.refused - refused

    seconds, refused, limit, refused_later = run_leaping(go())
    assert 0.5 * admits <= limit <= admits + 1
    assert refused <= 0.05 * 2000
    assert seconds <= 1.2 * 2000 * 0.05 / admits
    assert (host.concurrency.allowed, refused_later) == (32, 0)


def test_calls_that_queue_because_of_us_are_cut_and_nothing_is_lost_by_it():
    """Where eight are served and the others queue, fewer wait, and as many are answered as before."""
    draw = random.Random(2)  # noqa: S311 -- a simulation
    server = Server(lambda: 0.05 * draw.uniform(0.8, 1.2))
    host = Host(64)

    async def go():
        await ask_all(host, server, 2000, 64)
        assert host.concurrency.allowed == 64
        server.workers = 8
        seconds = await ask_all(host, server, 4000, 64)
        limit = host.concurrency.allowed
        server.workers = 64
        await ask_all(host, server, 6000, 64)
        return seconds, limit

    seconds, limit = run_leaping(go())
    assert 8 <= limit <= 32
    assert seconds <= 1.03 * 4000 * 0.05 / 8
    assert host.concurrency.allowed == 64


def test_a_host_that_becomes_slow_by_itself_keeps_its_limit():
    """Six times as slow however few ask: the cut is taken back within two rounds, and not tried again."""
    latency_s = [0.05]
    server = Server(lambda: latency_s[0])
    host = Host(32)
    limits = []

    async def watched(query):
        limits.append(host.concurrency.allowed)
        return await server(query)

    async def go():
        await ask_all(host, watched, 320, 32)
        latency_s[0] = 0.3
        del limits[:]
        await ask_all(host, watched, 3200, 32)

    run_leaping(go())
    assert 22 <= min(limits) < 25
    assert sum(limit < 32 for limit in limits) <= 3 * 32
    assert limits[-1] == 32
