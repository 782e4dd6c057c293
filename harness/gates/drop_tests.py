"""What each gate on a drop tests: which run it compares with, in which slices, on which pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.calibration.correction import Correction, pair_corrected
from harness.comparison import RunScores, differing_metrics, estimate
from harness.gates.evidence import Evidence
from harness.limits import NO_SHIFT, Shift
from harness.pairing import Pairs, Scale, pair
from harness.pooling import complete_values, possible_values
from harness.slices import TOO_SMALL_TO_TEST, select, slices_of, values_of
from harness.types import Case, Comparison, Gate, MetricIdentity, Slice, Suite, metric_of

MIN_PAIRS, MIN_CLUSTERS = 50, 15
"""Below these a comparison over all cases neither passes nor fails."""
MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS = TOO_SMALL_TO_TEST, 10


class Corrected(NamedTuple):
    """How many pairs of a test have labels, what corrects them, and how many are worse, better and the same.

    The counts are as the judge has them: corrected values of single cases mean nothing.
    """

    by: Correction
    labels: int
    counts: tuple[int, int, int]


class DropTest(NamedTuple):
    """One drop on one slice: its numbers, and what they may hide.

    ``shift`` is what runs as a whole move by. ``possible``: its own test is sure of a drop, or could be if
    what is missing were known. ``may_exceed``: what is known does not keep it within the margin.
    ``others_lack``: scores are missing in the family, which may have kept it from being sure. ``correction``:
    its pairs are of a judge's scores, corrected by labels.
    """

    gate: Gate
    pairs: Pairs
    comparison: Comparison
    shift: Shift = NO_SHIFT
    possible: bool = False
    may_exceed: bool = False
    others_lack: bool = False
    correction: Corrected | None = None

    @property
    def least(self) -> tuple[int, int]:
        """Pairs and documents below which it is not judged."""
        sliced = self.gate.slice is not None
        return (MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS) if sliced else (MIN_PAIRS, MIN_CLUSTERS)

    @property
    def is_judged(self) -> bool:
        """Whether there are enough pairs and documents."""
        pairs, clusters = self.least
        labelled = self.correction is None or self.correction.labels >= pairs
        return labelled and len(self.pairs.harms) >= pairs and len(set(self.pairs.clusters)) >= clusters

    @property
    def lacks(self) -> bool:
        """Whether scores are missing in its pairs, or in the runs that its shift rests on."""
        return bool(self.pairs.worst) or self.shift.most > self.shift.least

    @property
    def is_sure(self) -> bool:
        """Whether the drop is beyond doubt, among all drops that are asked about."""
        found = self.comparison
        return (
            self.possible
            and found.p_adjusted is not None
            and found.level is not None
            and found.p_adjusted <= found.level
        )


def scale_of(gate: Gate) -> Scale:
    """Whether a gate on a drop is about differences or ratios."""
    return "ratio" if gate.max_ratio is not None else "difference"


def margin_of(gate: Gate) -> float:
    """Give the harm that a gate on a drop allows, on the scale of its pairs."""
    return math.log(gate.max_ratio) if gate.max_ratio is not None else gate.max_drop or 0.0


class Groups(NamedTuple):
    """The cases that a gate is about, by slice where it has one; and the slices that are too small."""

    members: tuple[tuple[Slice, tuple[Case, ...]], ...]
    small: tuple[str, ...]


def groups_of(gate: Gate, evidence: Evidence) -> Groups:
    """Give the cases that a gate is about, in each slice that is large enough."""
    rules, where = evidence.suite.slices, Slice(tuple(gate.where.items()))
    cases = select(evidence.candidate.cases, where, rules)
    if gate.slice is None:
        return Groups(((where, evidence.comparable(cases, gate.against)),), ())
    tested = tested_slices(gate, evidence.suite, cases)
    every = slices_of(cases, {gate.slice: rules[gate.slice]}, ())
    members = tuple(
        (
            Slice((*where.where, *slice_.where)),
            evidence.comparable(select(cases, slice_, rules), gate.against),
        )
        for slice_ in tested
    )
    return Groups(members, tuple(slice_.label for slice_ in every if slice_ not in tested))


def reference_of(gate: Gate, evidence: Evidence) -> tuple[RunScores | None, str]:
    """Give the run that a gate compares with, or why it cannot."""
    name = gate.metric or ""
    is_anchor = gate.against == "anchor"
    found = evidence.anchor if is_anchor else evidence.baseline
    if found is None:
        return None, evidence.no_anchor if is_anchor else evidence.no_baseline
    if name not in found.tables:
        return None, f"the {gate.against or 'baseline'} has no {name}"
    if name in evidence.candidate.advisory:
        return None, f"advisory: {evidence.candidate.advisory[name]}"
    of = metric_of(name)
    ours, theirs = (scores.served.get(of, frozenset()) for scores in (evidence.candidate, found))
    if ours and theirs and ours != theirs:
        was, now = (", ".join(sorted(models)) for models in (theirs, ours))
        return None, f"{name} was judged by {was}, and now by {now}: run the baseline's system again"
    if name in differing_metrics(found.run, evidence.candidate.run):
        return None, f"{name} changed its version or judge: score the baseline again"
    return found, ""


def tests_of(
    gate: Gate, reference: RunScores, evidence: Evidence, groups: Groups
) -> tuple[tuple[DropTest, ...], tuple[str, ...]]:
    """Pair the cases of a gate, in each slice that it is about; and name the slices that are too small."""
    tests, small = [], list(groups.small)
    for slice_, cases in groups.members:
        test = _paired(gate, slice_, reference, evidence, cases)
        if gate.slice is not None and test.pairs.total + test.pairs.unpaired < MIN_SLICE_PAIRS:
            small.append(Slice(slice_.where[len(gate.where) :]).label)  # the metric says nothing of most
        else:
            tests.append(test)
    return tuple(tests), tuple(small)


def shift_of(gate: Gate, reference: RunScores) -> Shift:
    """How much runs as a whole move by chance on a metric, as the reference's own runs show.

    It adds to the candidate's one run and, divided by their number, to the mean of the reference's runs. It
    does not depend on the candidate, so nothing that the candidate lacks can make it smaller.
    """
    if len(reference.runs) < 2:
        return NO_SHIFT
    from harness.stats.shocks import RunShock, largest_shock, run_shock

    tables = [its[gate.metric or ""] for its in reference.runs]
    values, clusters = complete_values(tables, reference.cases)
    if gate.max_ratio is not None:
        kept = [i for i in range(len(clusters)) if all(row[i] > 0 for row in values)]
        values, clusters = [[math.log(row[i]) for i in kept] for row in values], [clusters[i] for i in kept]
    possible, of = possible_values(tables, reference.cases)
    most = None
    if any(value is None for row in possible for value in row):
        metric = reference.run.metrics[gate.metric or ""]
        bounded = metric.high is not None and gate.max_ratio is None
        most = largest_shock(possible, of, (metric.high or 0.0) - metric.low if bounded else math.inf)
    found = (
        run_shock(values, clusters) if clusters else RunShock(0.0, 0.0, None, None, len(tables), used=False)
    )
    return Shift.against(found, most)


def _paired(
    gate: Gate, slice_: Slice, reference: RunScores, evidence: Evidence, cases: Sequence[Case]
) -> DropTest:
    name = gate.metric or ""
    metric = evidence.candidate.run.metrics[name]
    tables = reference.tables[name], evidence.candidate.tables[name]
    before, after = (estimate(table, cases, metric) for table in tables)
    found = Comparison(name, slice_, before, after, higher_is_better=metric.higher_is_better)
    pairs = pair(*tables, cases, metric, scale_of(gate))
    correction = evidence.correction_of(gate)
    if correction is None or gate.max_ratio is not None:
        return DropTest(gate, pairs, found)
    return _corrected(DropTest(gate, pairs, found), correction, cases, metric)


def _corrected(
    test: DropTest, correction: Correction, cases: Sequence[Case], metric: MetricIdentity
) -> DropTest:
    """Give the test on the scores that labels correct; ``test`` is the one on the judge's own."""
    harms = test.pairs.harms
    counts = (
        sum(harm > 0 for harm in harms),
        sum(harm < 0 for harm in harms),
        sum(harm == 0 for harm in harms),
    )
    before, after = (estimate(table, cases, metric) for table in correction.tables)
    return test._replace(
        pairs=pair_corrected(correction, cases, metric),
        comparison=replace(test.comparison, baseline=before, candidate=after),
        correction=Corrected(correction, correction.labels_in(cases), counts),
    )


def tested_slices(gate: Gate, suite: Suite, cases: Sequence[Case]) -> tuple[Slice, ...]:
    """Give the slices a drop gate is tested in: large enough to say something."""
    if gate.slice is None:
        return ()
    rule = suite.slices[gate.slice]
    members: dict[str, list[Case]] = {}
    for case in cases:
        for value in set(values_of(case, rule.source)):
            members.setdefault(value, []).append(case)
    return tuple(
        Slice(((gate.slice, value),))
        for value, group in sorted(members.items())
        if len(group) >= max(rule.min_n, MIN_SLICE_PAIRS)
        and len({case.cluster for case in group}) >= MIN_SLICE_CLUSTERS
    )
