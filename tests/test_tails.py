"""The slow end of times and costs: over the same cases, what is missing at its worst, deciding nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace
from world import DOLLARS, HIGHER, SECONDS, Cell, cases_of, evidence_of, suite_of, table_of

from harness.comparison import CaseValue
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.stats.quantiles import quantile_change
from harness.tails import tail_change, tail_interval, with_tails
from harness.types import Case, Gate, TailChange, Verdict

CASES = cases_of(200, 2, lambda i: ("en", "de")[i // 2 % 2])
CLUSTERS = [case.cluster for case in CASES]


def seconds(seed: int) -> list[float]:
    return np.random.default_rng(seed).lognormal(0, 0.5, len(CASES)).tolist()


def changed(
    before: Sequence[Cell], after: Sequence[Cell], cases: Sequence[Case] = CASES, quantile: float = 0.95
) -> TailChange | None:
    tables = table_of(CASES, before), table_of(CASES, after)
    return tail_change("latency_s", [tables[0]], tables[1], cases, SECONDS, quantile)


def test_it_is_the_bootstrap_of_whole_documents() -> None:
    """Quantiles and both intervals are those of ``quantile_change``; a quantile of a gate's own is heeded."""
    before, after = seconds(1), [1.3 * value for value in seconds(1)]
    for quantile in (0.95, 0.9):
        known = quantile_change(before, after, CLUSTERS, quantile)
        found = changed(before, after, quantile=quantile)
        assert found is not None
        assert found.interval is not None
        assert found.relative is not None
        assert (found.before, found.after) == (known.before, known.after)
        assert (found.interval.low, found.interval.high) == known.difference_limits
        assert found.relative.low == pytest.approx(0.3)
        assert (found.n, found.n_lost, found.n_clusters) == (200, 0, 100)


def test_a_case_that_was_lost_is_the_slowest() -> None:
    """Errors never make the tail look shorter: they move it up, and with enough of them it is not known."""
    before = seconds(2)
    all_there = changed(before, before)
    two = changed(before, ["timeout" if i in (3, 7) else value for i, value in enumerate(before)])
    many = changed(before, ["timeout" if i < 12 else value for i, value in enumerate(before)])
    missing = changed(before, [None if i < 12 else value for i, value in enumerate(before)])
    assert all_there is not None
    assert two is not None
    assert many is not None
    assert all_there.after is not None
    assert two.after is not None
    assert two.after > all_there.after
    assert (two.n, two.n_lost, many.n_lost) == (200, 2, 12)
    assert (many.after, many.interval, many.relative) == (None, None, None)
    assert missing == many


def test_a_case_that_the_baseline_lost_cost_it_nothing() -> None:
    """It must not let the baseline look slower, and with it the candidate better."""
    after = seconds(3)
    whole, lost = changed(after, after), changed(["timeout"] * 8 + after[8:], after)
    assert whole is not None
    assert lost is not None
    assert lost.before <= whole.before
    assert lost.relative is None
    assert lost.n_lost == 8


def test_what_the_metric_says_nothing_of_is_left_out() -> None:
    """Replies from a cache have no time, in either run."""
    before = seconds(4)
    tables = [table_of(CASES, before) for _ in range(2)]
    for table, case in zip(tables, CASES, strict=False):
        table[case.id] = CaseValue(None, "not_applicable")
    found = tail_change("latency_s", [tables[0]], tables[1], CASES, SECONDS)
    assert found is not None
    assert (found.n, found.n_lost) == (198, 0)


@pytest.mark.parametrize("count", [59, 60])
def test_too_few_cases_or_documents_say_nothing(count: int) -> None:
    """Three cases are to be expected beyond the percentile, from ten documents."""
    values = seconds(5)
    found = changed(values, values, CASES[:count])
    assert (found is None) == (count < 60)
    few = cases_of(200, 25)
    table = table_of(few, values)
    assert tail_change("latency_s", [table], table, few, SECONDS) is None


def test_only_times_and_costs_have_a_slow_end() -> None:
    """Not a rate, and not what should be high."""
    table = table_of(CASES, seconds(6))
    assert tail_change("quality", [table], table, CASES, HIGHER) is None
    assert tail_change("speed", [table], table, CASES, replace(SECONDS, higher_is_better=True)) is None
    assert tail_change("cost_usd", [table], table, CASES, DOLLARS) is not None


def test_runs_of_a_baseline_are_not_averaged() -> None:
    """The mean by case of five noisy runs of one system has a short tail; a sixth run is not slower."""
    rng = np.random.default_rng(8)
    rose, averaged = [], []
    for _ in range(20):
        base = rng.lognormal(0, 0.3, len(CASES))
        runs = [table_of(CASES, (base * rng.lognormal(0, 0.6, len(CASES))).tolist()) for _ in range(6)]
        mean = table_of(
            CASES, [sum(float(run[case.id].value or 0) for run in runs[:5]) / 5 for case in CASES]
        )
        for before, found in ((runs[:5], rose), ([mean], averaged)):
            tail = tail_change("latency_s", before, runs[5], CASES, SECONDS)
            assert tail is not None
            assert tail.interval is not None
            found.append(tail.interval.low > 0)
    assert sum(rose) <= 2
    assert sum(averaged) >= 18


def test_the_interval_of_one_run() -> None:
    """It holds what is shown, grows to no end where the slowest may be missing, and is not made up then."""
    values = seconds(9)
    shown = sorted(values)[189]
    found = tail_interval(values, CLUSTERS)
    assert found is not None
    assert found.low < shown < found.high
    lost = tail_interval([None, None, *values[2:]], CLUSTERS)
    assert lost is not None
    assert lost.high > found.high
    assert tail_interval([None] * 9 + list(values[9:]), CLUSTERS) is None
    assert tail_interval(values[:70], CLUSTERS[:70]) is None
    assert tail_interval(values, [f"d{i // 25}" for i in range(200)]) is None


# -- beside a gate -----------------------------------------------------------------------------------------

RATIO = Gate(id="slower", metric="latency_s", max_ratio=1.1)
BOUND = Gate(id="slow", metric="latency_s", quantile=0.9, max=9)
TOTAL = Gate(id="total", metric="cost_usd", total=True, max=9e9)
DEAR = Gate(id="dear", metric="cost_usd", max_drop=0.5, slice="language")
RATE = Gate(id="rate", metric="quality", max_drop=0.1)


def judged(evidence: Evidence) -> tuple[tuple[Verdict, ...], dict[str, TailChange | None]]:
    verdicts = decide_all(evidence, {})
    return verdicts, {verdict.gate: verdict.tail for verdict in with_tails(verdicts, evidence)}


def evidence() -> Evidence:
    before, after = seconds(10), [1.2 * value for value in seconds(10)]
    good: list[Cell] = [1.0] * len(CASES)
    suite = suite_of(RATIO, BOUND, TOTAL, DEAR, RATE, metrics=("quality", "latency_s", "cost_usd"))
    return evidence_of(
        suite,
        CASES,
        {"quality": good, "latency_s": after, "cost_usd": after},
        {"quality": good, "latency_s": before, "cost_usd": before},
    )


def test_it_stands_beside_gates_on_times_and_costs_and_decides_nothing() -> None:
    """Drops and bounds of them, over the cases of each; nothing else of a verdict changes."""
    about = evidence()
    verdicts, tails = judged(about)
    assert {name for name, tail in tails.items() if tail is not None} == {"slower", "slow", "dear"}
    slower, slow, dear = tails["slower"], tails["slow"], tails["dear"]
    assert slower is not None
    assert slow is not None
    assert dear is not None
    assert (slower.quantile, slow.quantile, slower.n, dear.n) == (0.95, 0.9, 200, 100)
    assert slower.relative is not None
    assert math.isclose(slower.relative.low, 0.2)
    assert [replace(verdict, tail=None) for verdict in with_tails(verdicts, about)] == list(verdicts)


def test_it_is_of_what_may_be_compared_only() -> None:
    """Neither without a baseline, nor of other repeats, nor of a metric of another version; of the anchor."""
    about = evidence()
    base = about.baseline
    assert base is not None
    assert not any(judged(about._replace(baseline=None))[1].values())
    other = base._replace(run=replace(base.run, repeats=3))
    assert not any(judged(about._replace(baseline=other))[1].values())
    metrics = {**base.run.metrics, "latency_s": replace(SECONDS, version=2)}
    other = base._replace(run=replace(base.run, metrics=metrics))
    assert judged(about._replace(baseline=other))[1]["slow"] is None
    suite = replace(about.suite, gates=(replace(RATIO, against="anchor"),))
    assert judged(about._replace(suite=suite))[1]["slower"] is None
    assert judged(about._replace(suite=suite, anchor=base))[1]["slower"] is not None


def test_several_runs_of_the_baseline_are_all_used() -> None:
    """Their tables, and not the pooled one."""
    about = evidence()
    base = about.baseline
    assert base is not None
    slow = {**base.tables, "latency_s": table_of(CASES, [9.0 * value for value in seconds(10)])}
    tails = judged(about._replace(baseline=base._replace(runs=(base.tables, slow))))[1]
    alone = judged(about)[1]
    assert tails["slower"] is not None
    assert alone["slower"] is not None
    assert tails["slower"].before > 2 * alone["slower"].before
    assert tails["slower"].after == pytest.approx(alone["slower"].after, rel=0.05)
