"""A rate is kept smoothly, whatever the amounts."""

import pytest

from harness.engine.rates import BURST_S, Rate


def gone_by(rate, seconds, amount=1.0):
    """How much goes in so many seconds to someone who always wants more."""
    now, gone = 0.0, 0.0
    while (wait := rate.wait_s(now)) + now <= seconds:
        now += wait
        rate.take(now, amount)
        gone += amount
    return gone


@pytest.mark.parametrize("per_minute", [6, 60, 600, 6000])
def test_no_second_brings_more_than_the_rate_and_a_small_burst(per_minute):
    """Over any time: what the rate brings, what one second more would, and one."""
    for seconds in (0.0, 1.0, 7.3, 60.0, 600.0):
        most = (seconds + BURST_S) * per_minute / 60 + 1
        assert gone_by(Rate(per_minute), seconds) <= most
        assert gone_by(Rate(per_minute), seconds) >= seconds * per_minute / 60 - 1


def test_a_pause_saves_nothing_up():
    """After an hour without a call no more go at once than at the start."""
    rate = Rate(60)
    rate.take(0.0)
    gone = 0
    while rate.wait_s(3600.0) == 0:
        rate.take(3600.0)
        gone += 1
    assert gone == 2


def test_who_begins_when_it_is_paid_off_keeps_to_the_rate():
    """One process after the other, each with a rate of its own: together as one that asked all the time."""
    now, gone = 0.0, 0
    for _ in range(20):
        rate, until = Rate(300), now + 1.7
        while (at := now + rate.wait_s(now)) <= until:
            now = at
            rate.take(now)
            gone += 1
        now += rate.paid_off_s(now)
        assert gone <= (now + BURST_S) * 5 + 1
    assert gone >= 0.95 * now * 5


def test_an_amount_beyond_a_minute_goes_and_is_paid_off():
    """What is larger than the whole rate does not wait for ever: the next does, for long."""
    rate = Rate(1000)
    assert rate.wait_s(0.0) == 0
    rate.take(0.0, 5000)
    assert rate.wait_s(0.0) == pytest.approx(300 - BURST_S)


def test_what_was_used_in_fact_is_corrected():
    """An estimate that was too low lengthens the wait, one that was too high shortens it."""
    rate = Rate(600)
    rate.take(0.0, 50)
    before = rate.wait_s(0.0)
    rate.correct(100)
    assert rate.wait_s(0.0) == pytest.approx(before + 10)
    rate.correct(-120)
    assert rate.wait_s(0.0) == pytest.approx(before - 2)


def test_without_a_rate_nothing_waits():
    """None lets everything go."""
    rate = Rate(None)
    rate.take(0.0, 1e9)
    rate.correct(1e9)
    assert rate.wait_s(0.0) == 0
