"""Two runs and their verdicts to one Report: what is said first, and everything that backs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from harness.accounting import account
from harness.attribution import attribute, refusal_matrix
from harness.comparison import differing_metrics, estimates, hardest_first
from harness.gates.decide import overall
from harness.gates.evidence import Evidence
from harness.gates.gap import find_gap
from harness.headline import headline_of
from harness.judged import judged_figures
from harness.measurement import compare
from harness.numbers import number
from harness.regressions import MOST_FLIPS, Runs, choose_cases, find_regressions
from harness.robustness import robustness
from harness.slices import select, slices_of
from harness.tails import with_tails
from harness.types import (
    Change,
    Comparison,
    Gap,
    Recorded,
    Report,
    Run,
    Scalar,
    Slice,
    Suite,
    Verdict,
    metric_of,
)

ALL = Slice()


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
    regressions, not_listed = find_regressions(runs, verdicts)
    same = {case.id for case in evidence.comparable(evidence.candidate.cases)}
    after = runs.candidate.first_repeats()
    before = runs.baseline.first_repeats(same) if runs.baseline else {}
    pressing = [change.case_id for change in regressions]
    pressing += [case_id for verdict in verdicts if verdict.outcome != "pass" for case_id in verdict.cases]
    attribution = attribute(before, after, suite.metrics) if runs.baseline else None
    if attribution is not None:
        pressing += [*attribution.now_refuses[:MOST_FLIPS], *attribution.now_answers[:MOST_FLIPS]]
    shown = choose_cases(evidence, runs.candidate.cases, pressing, (before, after))
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
            for slice_ in slices_of(evidence.candidate.cases, suite.slices, suite.crosses)
        },
        gaps=_gaps(evidence, verdicts),
        attribution=attribution,
        refusals=refusal_matrix(after.values()),
        refusals_before=refusal_matrix(before.values()),
        accounting=account(runs.candidate),
        changes=changes,
        regressions=regressions,
        cases=shown,
        notices=(
            *notices,
            *_not_shown(len(shown), runs.candidate),
            *ungated_harms(comparisons, suite, runs.candidate.run.judges),
        ),
        reproduce=reproduce,
        robustness=robustness(evidence.candidate),
        judged=judged_figures(evidence, comparisons, verdicts),
        not_shown=len(runs.candidate.cases) - len(shown),
        not_listed=not_listed,
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


def _not_shown(n_shown: int, candidate: Recorded) -> tuple[str, ...]:
    """Say so where the report does not show every case."""
    n_all = len(candidate.cases)
    if n_shown == n_all:
        return ()
    what = (
        f"{n_shown:,} of {n_all:,} cases are shown: first what got worse most, then what has no score, then"
    )
    return (f"{what} a sample; `harness show {candidate.run.id} CASE` and the database have every one",)


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
