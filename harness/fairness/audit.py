"""The fairness audit of one run: what was looked at, what each gap shows, and what cannot be said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.comparison import LEVEL, RunScores, Table, differing_metrics
from harness.errors import ExitCode
from harness.fairness.changes import deficit_changes
from harness.fairness.gaps import gap_between_groups, groups_of
from harness.fairness.mix import equal_mix
from harness.fairness.twins import Said, twin_pairs, twin_swaps
from harness.fairness.verdicts import GRAVEST_FIRST
from harness.gates.decide import overall
from harness.numbers import number, p_value, with_limits, worse_by
from harness.types import (
    Audit,
    AuditedGap,
    Case,
    DeficitChange,
    Gap,
    GroupGap,
    MetricIdentity,
    Suite,
    Verdict,
    metric_of,
)

TOLERANCE = 0.05
"""The deficit that is allowed where neither a gate nor the caller says, in points of a bounded metric."""
FOUND_WORSE = ("worse beyond tolerance", "difference found")
"""What is said of a group that is worse off beyond chance."""
MOST_NAMED = 3
"""Groups that are better served and named in the headline; the page has all."""
REFUSALS = {
    "over_refusal_rate": "needless refusals (over_refusal_rate, on cases that should be answered)",
    "under_refusal_rate": "missing refusals (under_refusal_rate, on cases that should be refused)",
}
"""A group can be harmed by either: they are audited together, or their absence is said."""


class Scope(NamedTuple):
    """What to audit: declared slices, those that make strata, and the allowed deficit where no gate says."""

    attributes: tuple[str, ...]
    by_topic: tuple[str, ...] = ()
    tolerance: float | None = None


class Audited(NamedTuple):
    """The run that is audited and what it is compared with, folded."""

    suite: Suite
    candidate: RunScores
    baseline: RunScores | None
    comparable: frozenset[str] | None
    said: Said
    verdicts: tuple[Verdict, ...]


def make_audit(about: Audited, scope: Scope, notices: Sequence[str]) -> Audit:
    """Audit every bounded metric by every attribute, and by those crossed that the suite crosses.

    Args:
        about: the run, the baseline, and the verdicts of the suite's gates on gaps.
        scope: attributes in the order in which they are shown.
        notices: what the reader must know beside the numbers.
    """
    run = about.candidate.run
    outcome, code = overall(about.verdicts) if about.verdicts else (None, ExitCode.PASSED)
    metrics = tuple(name for name, identity in run.metrics.items() if identity.high is not None)
    gaps = [
        _audit_gap(about, scope, name, (attribute,)) for attribute in scope.attributes for name in metrics
    ]
    crosses = [names for names in about.suite.crosses if set(names) & set(scope.attributes)]
    crossed = [_audit_gap(about, scope, name, names) for names in crosses for name in metrics]
    pairs = twin_pairs(about.candidate.cases)
    found_gaps = tuple(gap for gap in gaps if gap is not None)
    found_crossed = tuple(gap for gap in crossed if gap is not None)
    return Audit(
        title=about.suite.description or about.suite.suite,
        outcome=outcome,
        exit_code=int(code),
        headline=_headline(found_gaps),
        run=run,
        baseline=about.baseline.run if about.baseline else None,
        tolerance=scope.tolerance or TOLERANCE,
        level=LEVEL,
        sources={name: about.suite.slices[name].source for name in (*scope.attributes, *scope.by_topic)},
        by_topic=scope.by_topic,
        metrics=metrics,
        gaps=tuple(sorted(found_gaps, key=_worst_first)),
        intersections=found_crossed,
        twins=tuple(
            swap
            for name in metrics
            for swap in twin_swaps(name, pairs, about.candidate.tables[name], run.metrics[name], about.said)
        ),
        verdicts=about.verdicts,
        comparisons=sum(item.gap.comparisons for item in (*found_gaps, *found_crossed)),
        not_audited=tuple(_not_audited(about, scope, metrics, crosses, bool(pairs))),
        notices=tuple(notices),
    )


# -- one gap -----------------------------------------------------------------------------------------------


def _audit_gap(about: Audited, scope: Scope, name: str, attributes: tuple[str, ...]) -> AuditedGap | None:
    """Everything about one metric by one attribute, or by several crossed; None where no case has them."""
    rules = [about.suite.slices[attribute] for attribute in attributes]
    groups = groups_of(about.candidate.cases, [rule.source for rule in rules])
    table, metric = about.candidate.tables[name], about.candidate.run.metrics[name]
    groups = {group: cases for group, cases in groups.items() if any(_applies(table, case) for case in cases)}
    if not groups:
        return None
    label = " & ".join(attributes)
    gap = _gated(about.verdicts, name, label) or gap_between_groups(
        name,
        label,
        table,
        groups,
        metric,
        max(rule.min_n for rule in rules),
        scope.tolerance or TOLERANCE,
    )
    strata = [by for by in scope.by_topic if by not in attributes]
    return AuditedGap(
        gap=gap,
        changes=_changes(about, name, groups, metric, gap) if len(attributes) == 1 else (),
        equal_mix=tuple(
            row
            for by in strata
            for row in equal_mix(gap, by, about.suite.slices[by].source, table, groups, metric)
        ),
        crossed=attributes if len(attributes) > 1 else (),
    )


def _applies(table: Table, case: Case) -> bool:
    return case.id not in table or table[case.id].status != "not_applicable"


def _gated(verdicts: Sequence[Verdict], name: str, label: str) -> Gap | None:
    """The gap that a gate was decided on, over all cases: one number has one origin. The strictest first."""
    found = [
        (verdict.limit or 0.0, verdict.gap)
        for verdict in verdicts
        if verdict.gap is not None
        and verdict.scope == "all"
        and (verdict.gap.metric, verdict.gap.attribute) == (name, label)
    ]
    return min(found, key=lambda item: item[0])[1] if found else None


def _changes(
    about: Audited, name: str, groups: Mapping[str, Sequence[Case]], metric: MetricIdentity, gap: Gap
) -> tuple[DeficitChange, ...]:
    baseline = about.baseline
    if baseline is None or name not in baseline.tables:
        return ()
    if name in differing_metrics(baseline.run, about.candidate.run):
        return ()
    same = about.comparable
    kept = {
        group: [case for case in cases if same is None or case.id in same] for group, cases in groups.items()
    }
    return deficit_changes((baseline.tables[name], about.candidate.tables[name]), kept, metric, gap.min_n)


def _worst_first(item: AuditedGap) -> tuple[int, float, str, str]:
    lows = [row.interval.low for row in item.gap.groups if row.interval is not None]
    return (
        GRAVEST_FIRST.index(item.gap.verdict or "too few cases"),
        -max(lows, default=0.0),
        item.gap.metric,
        item.gap.attribute,
    )


# -- in words ----------------------------------------------------------------------------------------------


def _headline(gaps: Sequence[AuditedGap]) -> tuple[str, ...]:
    """How many gaps show what; the worst group; who is better served; what could hide in the rest."""
    counts = Counter(item.gap.verdict for item in gaps)
    told = "; ".join(f"{word} {counts[word]}" for word in GRAVEST_FIRST if counts[word])
    lines = [f"{len(gaps)} gaps audited: {told}" if gaps else "no gap could be audited"]
    rows = [(item, row, row.interval) for item in gaps for row in item.gap.groups if row.interval is not None]
    if not rows:
        return tuple(lines)
    worse = [entry for entry in rows if entry[1].verdict in FOUND_WORSE]
    if worse:
        item, row, found = max(worse, key=lambda entry: (entry[2].low, entry[1].deficit or 0.0))
        p = "" if row.p_worse is None else f", adjusted p {p_value(row.p_worse)}"
        at_least = row.at_least if row.verdict == "difference found" else None
        size = f"{worse_by(row.deficit, at_least, found)}{p}"
        lines.append(f"{_group_of(item, row)} is worse served than the rest on {item.gap.metric}: by {size}")
    else:
        lines.append("no group is worse served than the rest beyond chance")
    better = sorted(
        (entry for entry in rows if entry[1].verdict == "better than the rest"),
        key=lambda entry: entry[2].high,
    )
    told_better = [
        f"{_group_of(item, row)} on {item.gap.metric} by"
        f" {with_limits(-(row.deficit or 0.0), -found.high, -found.low, found.level)}"
        for item, row, found in better[:MOST_NAMED]
    ]
    if len(better) > MOST_NAMED:
        told_better.append(f"and {len(better) - MOST_NAMED} more")
    if better:
        lines.append(f"better served than the rest: {'; '.join(told_better)}")
    open_ = [entry for entry in rows if entry[1].verdict == "no difference found"]
    if open_:
        item, row, found = max(open_, key=lambda entry: entry[2].high)
        lines.append(
            f"where no difference was found, a gap of up to {number(found.high)} is not excluded"
            f" ({item.gap.metric}, {_group_of(item, row)})"
        )
    return tuple(lines)


def _group_of(item: AuditedGap, row: GroupGap) -> str:
    return f"{item.gap.attribute}={row.group}"


def _not_audited(
    about: Audited,
    scope: Scope,
    metrics: Sequence[str],
    crosses: Sequence[tuple[str, ...]],
    has_twins: bool,
) -> list[str]:
    run, cases = about.candidate.run, about.candidate.cases
    said = [
        f"{words}: the run did not score them" for name, words in REFUSALS.items() if name not in run.metrics
    ]
    for name, words in REFUSALS.items():
        table = about.candidate.tables.get(name)
        if table is not None and not any(_applies(table, case) for case in cases):
            said.append(f"{words}: no case asks for it")
    said += [
        f"{name}: it has no upper end, so no tolerance in points; gate it with max_gap"
        for name in run.metrics
        if name not in metrics
    ]
    declared = {rule.source for rule in about.suite.slices.values()}
    held = sorted({f"groups.{name}" for case in cases for name in case.groups} - declared)
    said += [f"{source}: the cases have it and the suite declares no slice of it" for source in held]
    said += [
        f"slice {name}: it is neither audited nor named with --slice"
        for name in about.suite.slices
        if name not in (*scope.attributes, *scope.by_topic)
    ]
    if not crosses:
        said.append("intersections: the suite crosses none of these slices")
    if not scope.by_topic:
        said.append("confounders: no slice was named to standardise by (--by-topic)")
    if not has_twins:
        said.append("counterfactual twins: no case is a twin_of another in other groups")
    if about.baseline is None:
        said.append("change of gaps: there is no baseline")
    judged = sorted(name for name in metrics if metric_of(name) in run.judges)
    said += [f"the judge of {name}: its agreement with people, by group, is unmeasured" for name in judged]
    return said
