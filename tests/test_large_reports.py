"""The report of a large run: it decides on every case, shows those that matter and a sample, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace
from test_findings import CASES, METRICS, german, recorded, report_of, worse
from world import Cell, cases_of, recorded_of, suite_of

from harness import regressions
from harness.accounting import account
from harness.report import html, json, junit, markdown, text
from harness.types import Gate


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let a report show so many bytes of cases."""
    return lambda size: monkeypatch.setattr(regressions, "SHOWN_BYTES", size)


def test_f38_a_report_that_shows_a_part_decides_on_everything(little: Callable[[int], None]) -> None:
    """Figures, verdicts and regressions are those of all cases, and it says how many it shows."""
    candidate = recorded(cells={"required_facts": worse(*german(20), 7), "recall@5": worse(*german(3))})
    whole = report_of(candidate, recorded("base"))
    little(20_000)
    found = report_of(candidate, recorded("base"))
    assert 0 < len(found.cases) < len(whole.cases) == 120
    assert found.not_shown == 120 - len(found.cases)
    assert replace(found, cases=whole.cases, notices=whole.notices, not_shown=0) == whole
    said = (
        f"{len(found.cases)} of 120 cases are shown: first what got worse most, then what has no score, then"
    )
    assert found.notices[0].startswith(said)
    assert set(found.notices[1:]) == set(whole.notices)
    everything = {pair.case.id: pair for pair in whole.cases}
    assert [everything[pair.case.id] for pair in found.cases] == list(found.cases)
    assert [pair.case.id for pair in found.cases] == sorted(pair.case.id for pair in found.cases)


def test_f38_what_got_worse_is_shown_before_what_has_no_score_and_the_rest(
    little: Callable[[int], None],
) -> None:
    """With room for one case it is the worst; with more, the others that need a look come next."""
    facts: list[Cell] = [0.5 if i == 99 else 0.25 if i == 70 else 1.0 for i in range(120)]
    recall: list[Cell] = ["judge_error" if i in (30, 110) else 1.0 for i in range(120)]
    candidate = recorded(cells={"required_facts": facts, "recall@5": recall})
    one = len(msgspec.json.encode(report_of(candidate, recorded("base")).cases[5]))
    shown = {}
    for room in (1, 1.9, 2.9, 4.9, 40):
        little(int(room * one))
        shown[room] = [pair.case.id for pair in report_of(candidate, recorded("base")).cases]
    assert shown[1] == ["c070"]
    assert shown[1.9] == ["c070"]
    assert shown[2.9] == ["c070", "c099"]
    assert shown[4.9] == ["c030", "c070", "c099", "c110"]
    assert {"c030", "c070", "c099", "c110"} < set(shown[40])


def test_f38_a_named_case_that_breaks_its_gate_is_shown(little: Callable[[int], None]) -> None:
    """It got no worse, so it is among no regressions, and its gate names it."""
    suite = suite_of(
        Gate(id="must", metric="required_facts", cases=("c110",), min=1.0), metrics=METRICS, slices={}
    )
    facts: list[Cell] = [0.0 if i in (110, 111) else 1.0 for i in range(120)]
    little(1)
    run = recorded(cells={"required_facts": facts})
    found = report_of(run, replace(run, run=replace(run.run, id="base")), suite)
    assert [pair.case.id for pair in found.cases] == ["c110"]


def test_f38_refusals_that_came_and_went_are_shown(little: Callable[[int], None]) -> None:
    """Up to a number of each kind, before cases without a score: the Verdict page names the first of them."""
    behaviours = ["answer" if i % 2 else "refuse" for i in range(400)]
    flipped = {"answer": "refuse", "refuse": "answer"}
    cases = cases_of(400)
    suite = suite_of(metrics=("recall@5", "refusal_correctness"))
    runs = []
    for name, observed in (("base", behaviours), ("new", [flipped[one] for one in behaviours])):
        details = [{"observed": one, "expected": "answer"} for one in observed]
        cells: dict[str, list[Cell]] = {"recall@5": [1.0] * 399 + ["judge_error"]}
        cells["refusal_correctness"] = [1.0] * 400
        runs.append(recorded_of(cases, cells, name, details={"refusal_correctness": details}))
    little(1)
    found = report_of(runs[1], runs[0], suite)
    assert len(found.attribution.now_refuses) == len(found.attribution.now_answers) == 200
    little(50 * len(msgspec.json.encode(found.cases[0])))
    shown = {pair.case.id for pair in report_of(runs[1], runs[0], suite).cases}
    assert set(found.attribution.now_refuses[:45]) < shown
    little(110 * len(msgspec.json.encode(found.cases[0])))
    shown = {pair.case.id for pair in report_of(runs[1], runs[0], suite).cases}
    assert {*found.attribution.now_refuses[:50], *found.attribution.now_answers[:50], "c399"} < shown


def test_f38_the_sample_is_spread_over_the_run_whatever_its_order(little: Callable[[int], None]) -> None:
    """Each tenth of a run of a thousand cases has about its share, and the reversed run the same cases."""
    cases = cases_of(1000)
    runs = [recorded_of(some, {"quality": [1.0] * 1000}) for some in (cases, cases[::-1])]
    one = len(msgspec.json.encode(report_of(runs[0], None, suite_of()).cases[0]))
    little(300 * one)
    forward, backward = ([pair.case.id for pair in report_of(run, None, suite_of()).cases] for run in runs)
    assert sorted(forward) == sorted(backward)
    assert forward == sorted(forward)
    counts = Counter(int(case_id[1:]) // 100 for case_id in forward)
    assert all(12 <= counts[tenth] <= 50 for tenth in range(10)), counts  # 30 each, 4 standard errors of 4.4


def test_the_pages_say_how_many_cases_they_leave_out(little: Callable[[int], None]) -> None:
    """Console, Markdown, HTML, JSON and JUnit."""
    little(1)
    report = report_of(recorded(cells={"required_facts": worse(3)}), recorded("base"))
    for page in (
        text.render(report, 80, color=False, ascii_only=False),
        markdown.render(report),
        html.render(report),
    ):
        assert "1 of 120 cases" in " ".join(page.split())
    assert '"not_shown":119' in json.render(report)
    assert "all that are shown</option>" in html.render(report)
    assert '<property name="left_out" value="119 cases"' in junit.render(report)
    little(10**9)
    whole = report_of(recorded(cells={"required_facts": worse(3)}), recorded("base"))
    assert "left_out" not in junit.render(whole)


def test_what_failed_most_often_is_told_of_all_cases(little: Callable[[int], None]) -> None:
    """However few are shown."""
    little(1)
    run = recorded(cells={"required_facts": ["system_error"] * 90 + ["timeout"] * 30})
    shown = {pair.case.id for pair in report_of(run, None).cases}
    last = [i for i, case in enumerate(CASES) if case.id in shown]
    run = recorded(cells={"required_facts": ["timeout" if i in last else "system_error" for i in range(120)]})
    found = report_of(run, None)
    assert [pair.candidate.response.error.kind for pair in found.cases] == ["timeout"]
    assert found.accounting.failure == "exception: no"
    assert f"120 of 120 calls failed, most often: {found.accounting.failure}." in found.headline[0]
    assert account(recorded()).failure == ""
