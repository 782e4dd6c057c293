"""Two runs to a Report: what it counts, in which order, and that the same runs give the same report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from world import HIGHER, Cell, cases_of, evidence_of_runs, recorded_of, suite_of

from harness.accounting import account
from harness.api.deciding import gate
from harness.baselines import Baseline
from harness.comparison import run_scores
from harness.findings import config_changes, make_report
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.regressions import MOST_REGRESSIONS, Runs, find_regressions
from harness.report import html, junit, markdown, text
from harness.types import Case, Change, Gate, Query, Recorded, Report, Result, SliceRule, Suite

METRICS = ("recall@5", "required_facts", "refusal_correctness", "latency_s")
SUITE = suite_of(
    Gate(id="facts", metric="required_facts", max_drop=0.05),
    Gate(id="recall", metric="recall@5", max_drop=0.05),
    Gate(id="by-language", metric="required_facts", slice="language", max_drop=0.2),
    Gate(id="gap", metric="required_facts", slice="language", max_gap=0.5),
    metrics=METRICS,
    slices={"language": SliceRule(source="groups.language", min_n=20, audit=True)},
)
CASES = cases_of(120, 2, lambda i: ("en", "de", "fr")[i // 2 % 3])
GOOD: list[Cell] = [1.0] * 120
PLAIN: dict[str, list[Cell]] = {"recall@5": GOOD, "required_facts": GOOD, "latency_s": [1.0] * 120}


def recorded(
    name: str = "run",
    behaviors: Sequence[str] = ("answer",) * 120,
    outputs: Sequence[str] | None = None,
    cases: Sequence[Case] = CASES,
    cells: Mapping[str, Sequence[Cell]] | None = None,
    **fields: Any,
) -> Recorded:
    columns = {**PLAIN, **(cells or {})}
    refused: list[Cell] = [
        status
        if (status := columns["recall@5"][i]) in ("timeout", "system_error")
        else float(seen == "answer")
        for i, seen in enumerate(behaviors)
    ]
    details = [{"expected": "answer", "observed": seen} for seen in behaviors]
    return recorded_of(
        cases,
        {
            "recall@5": columns["recall@5"],
            "required_facts": columns["required_facts"],
            "refusal_correctness": refused,
            "latency_s": columns["latency_s"],
        },
        name,
        outputs or [f"answer {i}" for i in range(len(cases))],
        {"refusal_correctness": details},
        suite=msgspec.to_builtins(SUITE),
        **fields,
    )


def report_of(candidate: Recorded, baseline: Recorded | None, suite: Suite = SUITE) -> Report:
    evidence = evidence_of_runs(suite, candidate, baseline)
    return make_report(Runs(candidate, baseline, evidence), decide_all(evidence, {}), (), "ask {case}")


def worse(*indices: int) -> list[Cell]:
    return [0.0 if i in indices else 1.0 for i in range(120)]


def german(count: int) -> list[int]:
    return [i for i, case in enumerate(CASES) if case.groups["language"] == "de"][:count]


# -- counts ------------------------------------------------------------------------------------------------


def test_accounting_adds_up() -> None:
    """Every selected case is answered, in error, timed out or missing; judge errors are answered."""
    cells: list[Cell] = ["timeout", "system_error", "system_error", None, "judge_error", *[1.0] * 115]
    run = recorded_of(CASES, {"required_facts": cells})
    found = account(run)
    assert (found.answered, found.system_error, found.timeout, found.missing) == (116, 2, 1, 1)
    assert found.answered + found.system_error + found.timeout + found.missing == found.selected == 120
    assert found.judge_error == 1


def test_accounting_counts_every_repeat() -> None:
    """With two repeats twice as many answers were asked for."""
    run = recorded()
    twice = replace(
        run,
        run=replace(run.run, repeats=2),
        results=(*run.results, *(replace(row, repeat=1) for row in run.results[:100])),
    )
    assert account(twice).selected == 240
    assert account(twice).missing == 20


def test_report_of_an_unchanged_run() -> None:
    """Nothing changed: pass, no regression, no change, one comparison per metric in suite order."""
    found = report_of(recorded(), recorded("base"))
    assert (found.outcome, found.exit_code) == ("pass", 0)
    assert [item.metric for item in found.comparisons] == list(METRICS)
    assert [item.change for item in found.comparisons] == [0.0] * 4
    assert (found.regressions, found.changes) == ((), ())
    assert set(found.slice_estimates) == {"language=de", "language=en", "language=fr"}
    assert len(found.slices) == 12
    assert [pair.cause for pair in found.cases] == [""] * 120
    assert found.refusals == found.refusals_before


def test_report_without_a_baseline() -> None:
    """One run alone: estimates and gaps, no comparisons, and drops undecided."""
    found = report_of(recorded(), None)
    assert (found.outcome, found.exit_code) == ("inconclusive", 3)
    assert (found.comparisons, found.slices, found.regressions, found.attribution) == ((), (), (), None)
    assert {pair.cause for pair in found.cases} == {""}
    assert found.estimates["required_facts"].value == 1.0
    assert [verdict.outcome for verdict in found.verdicts] == ["inconclusive"] * 3 + ["pass"] * 2


def test_audited_gaps_cover_every_bounded_metric_once() -> None:
    """The gated gap comes first; the audit adds the other metrics with a range."""
    found = report_of(recorded(), None)
    assert [gap.metric for gap in found.gaps] == ["required_facts", "recall@5", "refusal_correctness"]


# -- what got worse ----------------------------------------------------------------------------------------


def test_regressions_are_ordered() -> None:
    """Metrics of failed gates first, the worst of them before, then the largest harm; each case once."""
    lost = german(20)
    facts = [0.25 if i == 48 else cell for i, cell in enumerate(worse(*lost))]
    recall = [0.0 if i in (lost[0], 52) else 1.0 for i in range(120)]
    candidate = recorded(cells={"required_facts": facts, "recall@5": recall, "latency_s": [9.0] * 120})
    found = report_of(candidate, recorded("base"))
    assert [(item.case_id, item.metric) for item in found.regressions] == [
        *((f"c{i:03}", "required_facts") for i in lost),
        ("c048", "required_facts"),
        ("c052", "recall@5"),
    ]
    assert found.regressions[0].cause == "gold passage lost"
    assert found.regressions[0].slices == ("language=de",)
    assert (found.regressions[-2].before, found.regressions[-2].after) == (1.0, 0.25)
    causes = {pair.case.id: pair.cause for pair in found.cases}
    assert all(item.cause == causes[item.case_id] for item in found.regressions)


def test_regressions_of_a_metric_that_changed_are_not_listed() -> None:
    """Another version of a metric gives other numbers, which are no regressions; nor are they compared."""
    base = recorded("base")
    other = replace(
        base, run=replace(base.run, metrics={**base.run.metrics, "recall@5": replace(HIGHER, version=9)})
    )
    candidate = recorded(cells={"recall@5": [0.5] * 120})
    found = report_of(candidate, other)
    assert found.regressions == ()
    assert [item.metric for item in found.comparisons] == [
        "required_facts",
        "refusal_correctness",
        "latency_s",
    ]
    assert found.verdicts[1].reason == "recall@5 changed its version or judge: score the baseline again"
    assert Change("metrics.recall@5.version", 9, 1) in found.changes


def test_regressions_are_cut_at_the_mildest() -> None:
    """Of very many cases the worst are listed."""
    cases = cases_of(260)
    facts: list[Cell] = [i / 1000 for i in range(260)]
    candidate = recorded_of(cases, {"required_facts": facts})
    baseline = recorded_of(cases, {"required_facts": [1.0] * 260}, "base")
    suite = suite_of(Gate(id="facts", metric="required_facts", max_drop=0.05), metrics=("required_facts",))
    evidence = evidence_of_runs(suite, candidate, baseline)
    runs = Runs(candidate, baseline, evidence)
    found, not_listed = find_regressions(runs, decide_all(evidence, {}))
    assert [item.case_id for item in found] == [f"c{i:03}" for i in range(MOST_REGRESSIONS)]
    assert not_listed == 60
    report = make_report(runs, decide_all(evidence, {}), (), "ask {case}")
    pages = html.render(report), markdown.render(report), junit.render(report)
    assert "260 cases got worse, worst first" in pages[0]
    assert "The worst of 260 regressions" in pages[0]
    assert "More in the case list" in pages[0]
    assert "got worse: the worst of them</option>" in pages[0]
    assert "worst of 260 regressions" in pages[1]
    assert '<property name="left_out" value="60 regressions"' in pages[2]


def test_regressions_that_are_alike_are_cut_all_over_the_run() -> None:
    """Of cases that got worse by the same, not the first of the goldens are listed; the list is in order."""
    cases = cases_of(999)
    candidate = recorded_of(cases, {"required_facts": [0.0] * 999})
    baseline = recorded_of(cases, {"required_facts": [1.0] * 999}, "base")
    suite = suite_of(Gate(id="facts", metric="required_facts", max_drop=0.05), metrics=("required_facts",))
    runs = Runs(candidate, baseline, evidence_of_runs(suite, candidate, baseline))
    found, not_listed = find_regressions(runs, decide_all(runs.evidence, {}))
    listed = [item.case_id for item in found]
    assert (len(listed), not_listed) == (MOST_REGRESSIONS, 999 - MOST_REGRESSIONS)
    assert listed == sorted(listed)
    counts = Counter(int(case_id[1:]) // 100 for case_id in listed)
    assert all(5 <= counts[tenth] <= 36 for tenth in range(10)), counts  # 20 each, 4 standard errors of 3.8


def anchored(candidate: Recorded, baseline: Recorded | None, anchor: Recorded) -> Report:
    """Gated on facts against the release, and on recall against the baseline."""
    suite = replace(
        SUITE,
        gates=(
            Gate(id="recall", metric="recall@5", max_drop=0.05),
            Gate(id="release", metric="required_facts", max_drop=0.05, against="anchor"),
        ),
    )
    evidence = evidence_of_runs(suite, candidate, baseline)._replace(anchor=run_scores(anchor))
    runs = Runs(candidate, baseline, evidence, anchor)
    return make_report(runs, decide_all(evidence, {}), (), "")


def test_cases_of_a_gate_against_the_anchor_are_held_against_the_anchor() -> None:
    """Small steps down add up: the last of them is not what the gate is about, nor are its cases."""
    released, before = recorded("release"), recorded("base", cells={"required_facts": worse(*german(18))})
    recall = [0.5 if i == 52 else 1.0 for i in range(120)]
    candidate = recorded(cells={"required_facts": worse(*german(20)), "recall@5": recall})
    found = anchored(candidate, before, released)
    assert [verdict.outcome for verdict in found.verdicts[:2]] == ["pass", "fail"]
    assert [(item.case_id, item.metric, item.against) for item in found.regressions] == [
        *((f"c{i:03}", "required_facts", "anchor") for i in german(20)),
        ("c052", "recall@5", "baseline"),
    ]
    assert (found.regressions[0].before, found.regressions[0].after) == (1.0, 0.0)
    without = anchored(candidate, None, released)
    assert {item.against for item in without.regressions} == {"anchor"}
    assert len(without.regressions) == 20
    assert 'id="/regressions"' in html.render(without)


def test_renderings_say_what_a_case_got_worse_than() -> None:
    """Console, Markdown, JUnit and page name the anchor beside each case that is held against it."""
    candidate = recorded(cells={"required_facts": worse(*german(20))})
    found = anchored(candidate, recorded("base"), recorded("release"))
    for render, times in ((text_of, 5), (markdown.render, 10), (junit.render, 20)):
        assert render(found).count("since the anchor") >= times
    assert html.render(found).count('required_facts<span class="why">since the anchor</span>') == 30
    assert "since the anchor" not in text_of(report_of(candidate, recorded("base")))


def text_of(report: Report) -> str:
    return text.render(report, 120, False, False)


def test_lost_answers_are_not_regressions() -> None:
    """An error is counted and explained, but it is no score that fell."""
    cells: list[Cell] = ["timeout", *[1.0] * 119]
    found = report_of(
        recorded(cells={"required_facts": cells, "recall@5": cells, "latency_s": cells}), recorded("base")
    )
    assert found.regressions == ()
    assert found.cases[0].cause == "timeout"
    assert found.accounting.timeout == 1


def test_refusals_that_flipped() -> None:
    """The matrix before and after, and the cases that flipped."""
    behaviors = ["refuse" if i in (3, 4) else "answer" for i in range(120)]
    found = report_of(recorded(behaviors=behaviors), recorded("base"))
    assert [(cell.observed, cell.n) for cell in found.refusals] == [("answer", 118), ("refuse", 2)]
    assert [(cell.observed, cell.n) for cell in found.refusals_before] == [("answer", 120)]
    assert found.attribution is not None
    assert found.attribution.now_refuses == ("c003", "c004")
    assert {item.cause for item in found.regressions} == {"now refuses"}


# -- configuration -----------------------------------------------------------------------------------------


def test_configuration_changes() -> None:
    """Keys that differ, appear or vanish are listed by name, with goldens, corpus, versions and judges."""
    before = recorded("base", config={"system.top_k": 5, "system.old": "x"}, judges={"required_facts": "j1"})
    after = recorded(
        config={"system.top_k": 1, "system.new": True},
        judges={"required_facts": "j2"},
        dataset_digest="other",
        corpus_digest="new",
    )
    assert config_changes(before.run, after.run) == (
        Change("corpus", None, "new"),
        Change("goldens", "goldens", "other"),
        Change("judges.required_facts", "j1", "j2"),
        Change("system.new", None, True),
        Change("system.old", "x", None),
        Change("system.top_k", 5, 1),
    )
    assert config_changes(before.run, before.run) == ()


# -- other goldens -----------------------------------------------------------------------------------------


def changed(cases: Sequence[Case], *indices: int) -> tuple[Case, ...]:
    return tuple(
        replace(case, query=Query(case.id, "another question")) if i in indices else case
        for i, case in enumerate(cases)
    )


def test_changed_goldens_without_intersect() -> None:
    """Goldens that differ are not compared: inconclusive, with the reason."""
    candidate = recorded(cells={"required_facts": worse(*range(60))}, dataset_digest="other")
    found = gate(candidate, Baseline((recorded("base"),)))
    assert (found.outcome, found.baseline) == ("inconclusive", None)
    assert "goldens of baseline 'base' and run 'run' differ" in found.verdicts[0].reason
    assert found.comparisons == ()


def test_changed_goldens_with_intersect() -> None:
    """With --intersect only the unchanged cases are compared, listed and attributed, and the rest is said."""
    cases = (*changed(CASES, *range(10)), *cases_of(125, 2, lambda i: "en")[120:])
    facts: list[Cell] = [0.0 if i < 10 or i >= 120 else 1.0 for i in range(125)]
    behaviors = ["refuse" if i < 10 else "answer" for i in range(125)]
    cells: dict[str, list[Cell]] = {
        "required_facts": facts,
        "recall@5": [1.0] * 125,
        "latency_s": [1.0] * 125,
    }
    candidate = recorded(cases=cases, cells=cells, behaviors=behaviors, dataset_digest="other")
    found = gate(candidate, Baseline((recorded("base"),)), intersect=True)
    assert found.verdicts[0].outcome == "pass"
    assert {item.n_pairs for item in found.comparisons} == {110}
    assert found.regressions == ()
    assert found.attribution is not None
    assert found.attribution.now_refuses == ()
    assert sum(cell.n for cell in found.refusals_before) == 110
    assert all(pair.baseline is None for pair in found.cases[:10])
    assert [pair.cause for pair in found.cases[:10]] == [""] * 10
    said = "; ".join(found.notices)
    assert "only cases that are the same in both runs are compared" in said
    assert "10 cases are changed since the baseline" in said
    assert "5 cases are new since the baseline" in said


def test_partial_run() -> None:
    """A part of the goldens is compared with that part of the baseline, and said to be a part."""
    cells = {name: row[:60] for name, row in PLAIN.items()}
    behaviors = ("answer",) * 60
    part = recorded(cases=CASES[:60], cells=cells, behaviors=behaviors, selection={"limit": 60})
    found = gate(part, Baseline((recorded("base"),)))
    assert {item.n_pairs for item in found.comparisons} == {60}
    assert sum(cell.n for cell in found.refusals_before) == 60
    assert "only a part of the goldens was run" in found.notices


def test_suite_with_a_metric_that_was_not_scored() -> None:
    """Gating an old recording with a newer suite leaves the new gate undecided and the report whole."""
    suite = suite_of(
        *SUITE.gates, Gate(id="new", metric="faithfulness", max_drop=0.1), metrics=(*METRICS, "faithfulness")
    )
    found = report_of(recorded(), recorded("base"), suite)
    assert (found.outcome, found.verdicts[4].reason) == ("inconclusive", "the run did not score faithfulness")
    assert found.headline[0].endswith("new: the run did not score faithfulness.")


# -- the same again ----------------------------------------------------------------------------------------


def shuffled(run: Recorded) -> Recorded:
    """The same recording with every mapping in the other order."""
    fields = {name: dict(list(getattr(run.run, name).items())[::-1]) for name in ("config", "judges")}
    results = tuple(
        Result(row.case_id, row.repeat, row.response, dict(list(row.scores.items())[::-1]))
        for row in run.results
    )
    return replace(
        run,
        run=replace(run.run, **fields),
        digests=dict(list(run.digests.items())[::-1]),
        results=results,
    )


@pytest.mark.parametrize("failing", [False, True])
def test_same_runs_same_report(failing: bool) -> None:
    """The same runs give the same report, also with every mapping in another order."""
    cells = {"required_facts": worse(*german(20))} if failing else {}
    config = {"a": 1, "b": 2}
    candidate, baseline = recorded(cells=cells, config=config), recorded("base", config={"a": 0, "b": 0})
    found = gate(candidate, Baseline((baseline,)))
    assert (found.outcome == "fail") == failing
    assert msgspec.json.encode(found, order="sorted") == msgspec.json.encode(
        gate(shuffled(candidate), Baseline((shuffled(baseline),))), order="sorted"
    )


def test_evidence_is_not_touched() -> None:
    """Making a report changes neither the recordings nor the evidence."""
    candidate, baseline = recorded(cells={"required_facts": worse(1, 2)}), recorded("base")
    before = msgspec.json.encode((candidate, baseline))
    evidence: Evidence = evidence_of_runs(SUITE, candidate, baseline)
    tables = {name: dict(table) for name, table in evidence.candidate.tables.items()}
    make_report(Runs(candidate, baseline, evidence), decide_all(evidence, {}), (), "")
    assert msgspec.json.encode((candidate, baseline)) == before
    assert tables == evidence.candidate.tables
