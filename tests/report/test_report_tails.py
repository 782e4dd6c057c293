"""The slow end of times and costs in words: advisory in every rendering, with what leaves it open."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sample_candidates import raced
from sample_candidates import sample as candidates
from world import Cell, cases_of, evidence_of_runs, recorded_of, suite_of

from harness.findings import make_report
from harness.gates.decide import decide_all
from harness.regressions import Runs
from harness.report import candidates as candidates_page
from harness.report import candidates_text, html, junit, markdown, text
from harness.report import json as report_json
from harness.report.tail_words import tail_advice
from harness.types import Gate, Interval, Report, TailChange

CASES = cases_of(200, 2)
GATES = (
    Gate(id="slower", metric="latency_s", max_ratio=1.05),
    Gate(id="slow", metric="latency_s", quantile=0.9, max=99),
)


@pytest.fixture(scope="module")
def report() -> Report:
    """Every answer takes 30 % longer; one gate on that fails, one passes."""
    before = np.random.default_rng(1).lognormal(0, 0.4, 200)
    runs = [
        recorded_of(CASES, {"latency_s": [float(value) for value in values]}, name)
        for name, values in (("run", 1.3 * before), ("base", before))
    ]
    evidence = evidence_of_runs(suite_of(*GATES, metrics=("latency_s",)), runs[0], runs[1])
    return make_report(Runs(runs[0], runs[1], evidence), decide_all(evidence, {}), (), "")


def tail(after: float | None, interval: Interval | None, lost: int = 0) -> TailChange:
    relative = None if interval is None else Interval(-0.02, 0.17, 0.95, "")
    return TailChange("latency_s", 0.95, 2.0, after, interval, relative, 497, lost, 120)


@pytest.mark.parametrize(
    ("found", "relative", "told"),
    [
        (
            tail(2.2, Interval(-0.05, 0.4, 0.95, "")),
            False,
            "p95 2.00 s → 2.20 s (+0.20 s, 95 % CI [−0.05 s, +0.40 s], n = 497)",
        ),
        (
            tail(2.2, Interval(-0.05, 0.4, 0.95, "")),
            True,
            "p95 2.00 s → 2.20 s (+10.0 %, 95 % CI [−2.0 %, +17.0 %], n = 497)",
        ),
        (
            tail(2.2, Interval(-0.05, 0.4, 0.95, ""), 3),
            False,
            (
                "p95 2.00 s → 2.20 s (+0.20 s, 95 % CI [−0.05 s, +0.40 s], n = 497,"
                " 3 without a value at their worst)"
            ),
        ),
        (tail(2.2, None, 20), True, "p95 2.00 s → 2.20 s (no limit: 20 without a value, n = 497)"),
        (tail(None, None, 31), False, "p95 2.00 s → not known (no limit: 31 without a value, n = 497)"),
    ],
)
def test_words(found: TailChange, relative: bool, told: str) -> None:
    """The unit or percent, as the gate is; what lacks a value leaves the limits, or the figure, open."""
    assert tail_advice(found, "s", relative=relative) == f"advisory, decides nothing: {told}"


def test_it_stands_in_every_rendering_of_a_report(report: Report) -> None:
    """Beside the gate that failed, and where there is room beside the one that passed."""
    assert [verdict.outcome for verdict in report.verdicts[:2]] == ["fail", "pass"]
    page, console = html.render(report), text.render(report, 400, False, False)
    for found in (page, console):
        assert "advisory, decides nothing: p95 " in found
        assert "advisory, decides nothing: p90 " in found
    assert "(+30.0 %, 95 % CI [+30.0 %, +30.0 %], n = 200)" in console
    assert "advisory, decides nothing: p95 " in junit.render(report)
    assert "advisory, decides nothing: p95 " in markdown.render(report)
    verdicts = json.loads(report_json.render(report))["verdicts"]
    assert verdicts[0]["tail"]["relative"]["low"] == pytest.approx(0.3)
    assert verdicts[-1]["tail"] is None


def test_candidates_show_the_interval_of_each_percentile() -> None:
    """Each by itself, and how far it is from the one that all are compared with; not with answers missing."""
    found = candidates(raced())
    page, console = candidates_page.render(found), candidates_text.render(found, 400, False)
    by_name = {one.name: one for one in found.candidates}
    assert by_name["small-model"].latency_change is None
    plain = by_name["plain"]
    assert plain.latency_p95.interval is not None
    assert plain.latency_p95.interval.low <= (plain.latency_p95.value or 0) <= plain.latency_p95.interval.high
    assert plain.latency_change is not None
    assert "plain 2.40 s [2.40 s, 2.40 s], +1.40 s, 95 % CI [+1.37 s, +1.40 s] against small-model" in console
    assert '<span class="ci">[2.40 s, 2.40 s]</span>' in page
    assert "+1.40 s, 95 % CI [+1.37 s, +1.40 s] against small-model" in page
    failing = by_name["no-rerank"]
    assert (failing.latency_p95.n_unknown, failing.latency_p95.interval) == (4, None)


def test_without_a_baseline_there_is_nothing_to_say() -> None:
    """No line, and no word of a tail."""
    cells: list[Cell] = [1.0] * 200
    run = recorded_of(CASES, {"latency_s": cells})
    evidence = evidence_of_runs(suite_of(*GATES, metrics=("latency_s",)), run, None)
    alone = make_report(Runs(run, None, evidence), decide_all(evidence, {}), (), "")
    assert "advisory" not in text.render(alone, 120, False, False)
