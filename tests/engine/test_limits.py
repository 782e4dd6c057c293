"""What holds calls to a host back: rates, pauses, turns; and what it costs where nothing does."""

import asyncio
import time

import pytest
from fake_clock import run_leaping
from hosts import ANSWER, QUERY, Server, ask_all, refusal

from harness.engine.limits import Host, RunLimits
from harness.errors import SystemFailure
from harness.types import JudgeSettings, Message, Passage, Query, Response, RunSettings, Usage


def test_f2_requests_keep_to_the_rate_without_a_burst():
    """120 a minute from 16 workers: two a second, never more than a second's worth and one at once."""
    server = Server(lambda: 0.01)
    seconds = run_leaping(ask_all(Host(16, requests_per_minute=120), server, 200, 16))
    assert seconds == pytest.approx(99, abs=2)
    at = server.begun_at
    assert all(sum(begun <= t < begun + 1 for t in at) <= 5 for begun in at)


def test_f2_tokens_keep_to_the_rate_although_they_are_known_afterwards():
    """4 characters that take 300 tokens each: the first estimates are corrected, the rate holds."""
    answer = Response(output="a", usage=Usage(input_tokens=200, output_tokens=100))
    begun = []

    async def system(query):
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.5)
        return answer

    host = Host(8, tokens_per_minute=18_000)

    async def work(todo):
        for _ in todo:
            await host.admit(4)
            await host.call(system, QUERY, 4)

    async def go():
        todo = iter(range(240))
        await asyncio.gather(*(work(todo) for _ in range(8)))

    run_leaping(go())
    assert begun[-1] == pytest.approx(240, rel=0.1)  # 300 tokens a call, 300 a second
    assert sum(t < 60 for t in begun) * 300 <= 18_000 * 61 / 60 + 300


def begun_by(tokens_of, n, workers, latency_s, **limits):
    """Ask ``n`` times, the k-th call taking ``tokens_of(k)``, or telling nothing; gives (time, tokens)."""
    begun = []

    async def system(query):
        tokens = tokens_of(len(begun))
        begun.append((asyncio.get_running_loop().time(), tokens or 0))
        await asyncio.sleep(latency_s)
        return Response(output="a", usage=Usage(input_tokens=tokens))

    host = Host(workers, **limits)

    async def work(todo):
        for _ in todo:
            await host.admit(4)
            await host.call(system, QUERY, 4)

    async def go():
        todo = iter(range(n))
        await asyncio.gather(*(work(todo) for _ in range(workers)))

    run_leaping(go())
    return begun


@pytest.mark.parametrize(
    ("tokens_of", "largest"),
    [
        (lambda number: 300, 300),
        (lambda number: 10 if number == 0 else 3000, 3000),  # the first tells nothing of the others
        (lambda number: (50, 500, 200, 1250)[number % 4], 1250),
    ],
    ids=["alike", "the first is small", "different"],
)
@pytest.mark.parametrize("latency_s", [0.2, 10.0, 90.0])
def test_f2_tokens_keep_to_the_rate_from_the_first_call_on(tokens_of, largest, latency_s):
    """32 workers, 6,000 a minute, and nobody knows what a call takes: no minute has two calls more."""
    begun = begun_by(tokens_of, 120, 32, latency_s, tokens_per_minute=6000)
    for start, _ in begun:
        spent = sum(tokens for at, tokens in begun if start <= at < start + 60)
        assert spent <= 6000 * 61 / 60 + 2 * largest, start


def test_in_all_no_more_goes_than_the_rate_however_calls_change():
    """60 small calls, 60 large ones, and so on: what each took is settled, not what the last ones teach."""
    begun = begun_by(
        lambda number: 10 if (number // 60) % 2 else 3000, 600, 32, 0.2, tokens_per_minute=300_000
    )
    took_s = begun[-1][0] - begun[0][0]
    assert sum(tokens for _, tokens in begun) <= 5000 * (took_s + 1) + 32 * 3000


def test_who_tells_no_tokens_is_asked_at_full_width():
    """Calls in flight double with every round of replies, whether they tell or not."""
    begun = begun_by(lambda number: None, 200, 16, 1.0, tokens_per_minute=1e6)
    assert [sum(start <= at < start + 1 for at, _ in begun) for start in range(6)] == [1, 2, 4, 8, 16, 16]


def test_tokens_are_those_of_everything_that_is_sent():
    """Question, history and passages count; nobody counts where there is no rate."""
    query = Query("q", "x" * 10, (Message("user", "y" * 20),), (Passage("d", "z" * 30, 1),))
    counted = RunLimits(RunSettings(tokens_per_minute=1000), 0).of_system("h")
    assert counted.size_of(query) == 60
    assert RunLimits(RunSettings(), 0).of_system("h").size_of(query) == 0


def test_f2_a_retry_after_pauses_every_call_to_the_host():
    """What one call is told, all keep to; then they go on within the limit, not all at once."""
    begun, refused = [], []

    async def system(query):
        now = asyncio.get_running_loop().time()
        begun.append(now)
        number = len(begun)
        await asyncio.sleep(0.1)
        if number == 3:
            refused.append(asyncio.get_running_loop().time())
            raise refusal(retry_after_s=20.0)
        return ANSWER

    run_leaping(ask_all(Host(4), system, 40, 4))
    in_pause = [t for t in begun if refused[0] < t < refused[0] + 20]
    assert in_pause == []
    again = [t for t in begun if t >= refused[0] + 20]
    assert len([t for t in again if t < again[0] + 0.05]) == 2


def test_f2_the_pause_that_a_server_wants_has_an_end():
    """A Retry-After of a day is honoured for a minute."""
    begun = []

    async def system(query):
        begun.append(asyncio.get_running_loop().time())
        if len(begun) == 1:
            raise refusal(retry_after_s=86_400.0)
        return ANSWER

    run_leaping(ask_all(Host(1), system, 2, 1))
    assert begun[1] == pytest.approx(60.0)


def test_turns_are_taken_in_order():
    """Who waits first begins first, whatever ends in between."""
    order = []

    async def one(host, number):
        await host.admit()
        order.append(number)
        await host.call(Server(lambda: 0.1), QUERY, 0)

    async def go():
        host = Host(2)
        await asyncio.gather(*(one(host, number) for number in range(12)))
        assert host.in_flight == 0

    run_leaping(go())
    assert order == list(range(12))


def test_who_gives_up_waiting_leaves_no_place_taken():
    """Cancelled in the queue, and just when its turn has come."""

    async def go():
        host = Host(1)
        await host.admit()
        waiting = [asyncio.create_task(host.admit()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        host.failed()  # the turn of the second has come ...
        waiting[1].cancel()  # ... and it is gone before it takes it
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [task.cancelled() for task in waiting] == [True, True, False]
        assert host.in_flight == 1

    run_leaping(go())


@pytest.mark.parametrize(
    ("failure", "in_flight"),
    [(SystemFailure("connection", "reset", retry=True), 32), (refusal(status=500), 32), (refusal(), 16)],
)
def test_f2_only_refusals_cut(failure, in_flight):
    """A broken connection or a 500 says nothing of how many calls a host bears."""

    async def system(query):
        raise failure

    async def go():
        host = Host(32)
        for _ in range(32):
            await host.admit()
        with pytest.raises(SystemFailure):
            await host.call(system, QUERY, 0)
        return host.concurrency.allowed

    assert run_leaping(go()) == in_flight


def test_one_host_has_one_limit_and_judges_have_their_own():
    """Systems at one address share; a judge shares with nobody, also not with another judge."""
    run = RunLimits(RunSettings(max_concurrency=6, requests_per_minute=60), 0)
    assert run.of_system("a:80").host is run.of_system("a:80").host
    assert run.of_system("a:80").host is not run.of_system("b:80").host
    judge = JudgeSettings("http://a/v1", "m", max_concurrency=3, requests_per_minute=10)
    assert run.of_judge("one", judge) is run.of_judge("one", judge)
    assert run.of_judge("one", judge) is not run.of_judge("two", judge)
    assert run.of_judge("one", judge).host.concurrency.most == 3
    assert run.of_judge("three", JudgeSettings("http://a/v1", "m")).host.concurrency.most == 6


def test_an_end_lets_nobody_begin_who_waits():
    """Those that wait are cancelled, later ones too; a judge still answers for what is in flight."""

    async def go():
        run = RunLimits(RunSettings(max_concurrency=1), 0)
        limits, judge = run.of_system("h"), run.of_judge("j", JudgeSettings("http://a/v1", "m")).host
        await limits.admit(QUERY)
        waiting = asyncio.create_task(limits.admit(QUERY))
        await asyncio.sleep(0)
        run.end()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(asyncio.CancelledError):
            await limits.admit(QUERY)
        await judge.admit()

    run_leaping(go())


def test_what_limits_is_told():
    """The least limit of systems and of judges, where it is below the most."""
    run = RunLimits(RunSettings(max_concurrency=32), 0)
    assert run.told() == []
    run.of_system("h").host.concurrency.refused(0.0, 1.0, 24)
    run.of_judge("j", JudgeSettings("http://a/v1", "m", max_concurrency=8)).host.concurrency.refused(
        0.0, 1.0, 8
    )
    run.retries.waiting = 4
    assert run.told() == ["4 retrying", "limit 12/32", "judge limit 4/8"]


def test_a_call_that_nothing_holds_back_costs_microseconds():
    """Less than 5 µs of processor time beside the call itself; the least of several readings."""

    async def system(query):
        return ANSWER

    async def bare():
        for _ in range(5000):
            await system(QUERY)

    async def held():
        limits = RunLimits(RunSettings(max_concurrency=32), 0).of_system("h")
        for _ in range(5000):
            await limits.admit(QUERY)
            await limits.call(system, QUERY)

    def seconds(work):
        began = time.process_time()
        asyncio.run(work())
        return time.process_time() - began

    assert min(seconds(held) - seconds(bare) for _ in range(7)) / 5000 < 5e-6
