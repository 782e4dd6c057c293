"""Two runs and their verdicts to one Report: what is said first, and everything that backs it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, get_args

import msgspec

from harness.accounting import account
from harness.attribution import attribute, cause_of, refusal_matrix
from harness.comparison import SAME, RunScores, differing_metrics, estimates, hardest_first
from harness.gates.decide import overall
from harness.gates.evidence import Evidence
from harness.gates.gap import find_gap
from harness.headline import headline_of, worst_verdict
from harness.judged import judged_figures
from harness.measurement import compare
from harness.numbers import number
from harness.robustness import robustness
from harness.slices import labels_of, select, slices_of
from harness.tails import with_tails
from harness.types import (
    Case,
    CaseChange,
    CasePair,
    Change,
    Comparison,
    Gap,
    Recorded,
    Reference,
    Report,
    Result,
    Run,
    Scalar,
    Slice,
    Suite,
    Verdict,
    metric_of,
)

MOST_REGRESSIONS = 200
ALL = Slice()


class Runs(NamedTuple):
    """The candidate and, where there are any, the baseline and the anchor, as recorded and folded."""

    candidate: Recorded
    baseline: Recorded | None
    evidence: Evidence
    anchor: Recorded | None = None


def make_report(
    runs: Runs, verdicts: tuple[Verdict, ...], notices: tuple[str, ...], reproduce: str
) -> Report:
    """Assemble the report; nothing in it depends on the clock or the machine.

    Args:
        runs: what was recorded, and the evidence the gates were decided on.
        verdicts: one per gate, in suite order.
        notices: what the reader must know beside the numbers.
        reproduce: the command that asks one case again, with ``{case}`` in place of its id.
    """
    evidence, suite = runs.evidence, runs.evidence.suite
    outcome, code = overall(verdicts)
    comparisons = _compare(evidence, ALL)
    slices = _compare_slices(evidence)
    regressions = find_regressions(runs, verdicts)
    after = _first_repeats(runs.candidate)
    same = {case.id for case in evidence.comparable(runs.candidate.cases)}
    before = {case_id: result for case_id, result in _first_repeats(runs.baseline).items() if case_id in same}
    changes = config_changes(runs.baseline.run, runs.candidate.run) if runs.baseline else ()
    report = Report(
        title=suite.description or suite.suite,
        outcome=outcome,
        exit_code=int(code),
        headline=(),
        run=runs.candidate.run,
        baseline=runs.baseline.run if runs.baseline else None,
        verdicts=with_tails(verdicts, evidence),
        estimates=estimates(evidence.candidate, suite, ALL),
        comparisons=comparisons,
        slices=slices,
        slice_estimates={
            slice_.label: estimates(evidence.candidate, suite, slice_)
            for slice_ in slices_of(runs.candidate.cases, suite.slices, suite.crosses)
        },
        gaps=_gaps(evidence, verdicts),
        attribution=attribute(before, after, suite.metrics) if runs.baseline else None,
        refusals=refusal_matrix(after.values()),
        refusals_before=refusal_matrix(before.values()),
        accounting=account(runs.candidate),
        changes=changes,
        regressions=regressions,
        cases=_case_pairs(runs, before, after),
        notices=(*notices, *ungated_harms(comparisons, suite, runs.candidate.run.judges)),
        reproduce=reproduce,
        robustness=robustness(evidence.candidate),
        judged=judged_figures(evidence, comparisons, verdicts),
    )
    return msgspec.structs.replace(report, headline=headline_of(report))


def _compare_slices(evidence: Evidence) -> tuple[Comparison, ...]:
    """Every metric in every slice with a pair in it, the largest harm in standard errors first."""
    suite = evidence.suite
    found = [
        comparison
        for slice_ in slices_of(evidence.candidate.cases, suite.slices, suite.crosses)
        for comparison in _compare(evidence, slice_)
        if comparison.n_pairs
    ]
    return tuple(sorted(found, key=hardest_first))


def _compare(evidence: Evidence, slice_: Slice) -> tuple[Comparison, ...]:
    """Every metric that both runs have in the same version, over the cases of one slice."""
    baseline, candidate = evidence.baseline, evidence.candidate
    if baseline is None:
        return ()
    cases = evidence.comparable(select(candidate.cases, slice_, evidence.suite.slices))
    differing = differing_metrics(baseline.run, candidate.run)
    alpha = evidence.suite.alpha
    return tuple(
        compare(name, (baseline.tables[name], candidate.tables[name]), cases, slice_, identity, alpha)
        for name, identity in candidate.run.metrics.items()
        if name in baseline.tables and name not in differing
    )


def ungated_harms(
    comparisons: Sequence[Comparison], suite: Suite, judged: Collection[str] = ()
) -> tuple[str, ...]:
    """Say which metrics got worse beyond doubt although no gate on a drop is about them.

    Held against ``alpha`` over the number of such metrics (Bonferroni); a notice, never a verdict.
    """
    gated = {gate.metric for gate in suite.gates if gate.kind == "drop"}
    open_ = [item for item in comparisons if item.metric not in gated and item.p_worse is not None]
    return tuple(
        f"{item.metric} got worse ({' → '.join(map(number, item.means))}"
        f"{', by the own scores of its judge' if metric_of(item.metric) in judged else ''})"
        " and no gate on a drop is about it"
        for item in open_
        if item.p_worse is not None and item.p_worse <= suite.alpha / len(open_)
    )


def _gaps(evidence: Evidence, verdicts: Sequence[Verdict]) -> tuple[Gap, ...]:
    """Gaps of gated attributes, then of every audited attribute on every bounded metric."""
    gated = [verdict.gap for verdict in verdicts if verdict.gap is not None]
    seen = {(gap.metric, gap.attribute) for gap in gated}
    audited = [
        find_gap(name, attribute_name, evidence, evidence.candidate.cases)
        for attribute_name, rule in evidence.suite.slices.items()
        if rule.audit
        for name, identity in evidence.candidate.run.metrics.items()
        if identity.high is not None and (name, attribute_name) not in seen
    ]
    return (*gated, *audited)


# -- cases -------------------------------------------------------------------------------------------------


def find_regressions(runs: Runs, verdicts: Sequence[Verdict]) -> tuple[CaseChange, ...]:
    """List the cases that got worse, metrics of failed gates first, then by size of the harm.

    Each case is listed once, under the first metric of that order on which it got worse: than the anchor,
    where the gate that failed is against the anchor, else than the baseline.
    """
    rules, tables = runs.evidence.suite.slices, runs.evidence.candidate.tables
    metrics = runs.evidence.candidate.run.metrics
    after = _first_repeats(runs.candidate)
    earlier = {against: _earlier(runs, against) for against in get_args(Reference)}
    order = _references_by_metric(metrics, verdicts)
    found: dict[str, CaseChange] = {}
    for name, against in order.items():
        old, before, cases = earlier[against]
        identity = metrics[name]
        if old is None or name not in old.tables or identity.high is None:
            continue
        if name in differing_metrics(old.run, runs.candidate.run):
            continue
        for case in cases:
            was, now = old.tables[name].get(case.id), tables[name].get(case.id)
            if case.id in found or was is None or now is None or was.value is None or now.value is None:
                continue
            harm = was.value - now.value if identity.higher_is_better else now.value - was.value
            if harm > SAME:
                found[case.id] = CaseChange(
                    case_id=case.id,
                    metric=name,
                    before=was.value,
                    after=now.value,
                    harm=harm,
                    cause=cause_of(before.get(case.id), after.get(case.id), list(metrics)),
                    slices=labels_of(case, rules),
                    against=against,
                )
    places = list(order)
    ranked = sorted(found.values(), key=lambda item: (places.index(item.metric), -item.harm, item.case_id))
    return tuple(ranked[:MOST_REGRESSIONS])


def _references_by_metric(metrics: Iterable[str], verdicts: Sequence[Verdict]) -> dict[str, Reference]:
    """What cases are held against on each metric, metrics of the worst and of failed gates first."""
    worst = worst_verdict(verdicts)
    pressing = [*([worst] if worst is not None else []), *(v for v in verdicts if v.outcome == "fail")]
    against: dict[str, Reference] = {}
    for verdict in pressing:
        if verdict.metric is not None and verdict.against is not None:
            against.setdefault(verdict.metric, verdict.against)
    known = list(metrics)
    named = [verdict.metric for verdict in pressing if verdict.metric in known]
    return {name: against.get(name, "baseline") for name in dict.fromkeys([*named, *known]) if name}


def _earlier(
    runs: Runs, against: Reference
) -> tuple[RunScores | None, Mapping[str, Result], tuple[Case, ...]]:
    """Scores and first repeats of what the candidate is compared with, and the cases that may be."""
    scores = runs.evidence.anchor if against == "anchor" else runs.evidence.baseline
    recorded = runs.anchor if against == "anchor" else runs.baseline
    return scores, _first_repeats(recorded), runs.evidence.comparable(runs.candidate.cases, against)


def _case_pairs(
    runs: Runs, before: Mapping[str, Result], after: Mapping[str, Result]
) -> tuple[CasePair, ...]:
    metrics = list(runs.candidate.run.metrics)
    return tuple(
        CasePair(
            case=case,
            candidate=after.get(case.id),
            baseline=before.get(case.id),
            slices=labels_of(case, runs.evidence.suite.slices),
            cause=cause_of(before.get(case.id), after.get(case.id), metrics) if runs.baseline else "",
        )
        for case in runs.candidate.cases
    )


def _first_repeats(recorded: Recorded | None) -> dict[str, Result]:
    if recorded is None:
        return {}
    found: dict[str, Result] = {}
    for result in recorded.results:
        found.setdefault(result.case_id, result)
    return found


# -- configuration -----------------------------------------------------------------------------------------


def config_changes(before: Run, after: Run) -> tuple[Change, ...]:
    """List the configuration keys that differ, and goldens, corpus or versions of metrics that did."""
    shared = before.metrics.keys() & after.metrics.keys()
    old, new = _facts(before, shared), _facts(after, shared)
    return tuple(
        Change(key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _facts(run: Run, metrics: Collection[str]) -> dict[str, Scalar]:
    facts: dict[str, Scalar] = dict(run.config)
    facts["goldens"] = run.dataset_digest
    facts["corpus"] = run.corpus_digest
    facts["repeats"] = run.repeats
    for name in metrics:
        facts[f"metrics.{name}.version"] = run.metrics[name].version
    for name, judge in run.judges.items():
        facts[f"judges.{name}"] = judge
    return facts
