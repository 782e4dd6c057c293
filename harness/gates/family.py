"""All drops that a suite's gates ask about, tested together: one false-alarm rate for the whole gate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from harness.calibration.correction import Correction, pair_corrected
from harness.comparison import Looks, RunScores, differing_metrics, estimate
from harness.gates.evidence import Evidence
from harness.gates.hierarchy import weights_of
from harness.gates.looks import PASS_ERROR, least_bound, level_of, spent_by
from harness.limits import NO_SHIFT, Shift, could_be_sure, known_limit, shifted
from harness.measurement import measure
from harness.pairing import Pairs, Scale, pair
from harness.pooling import complete_values, possible_values
from harness.slices import TOO_SMALL_TO_TEST, select, slices_of, values_of
from harness.types import Case, Comparison, Gate, MetricIdentity, Slice, Suite, metric_of

if TYPE_CHECKING:
    from harness.stats.family import Family

MIN_PAIRS, MIN_CLUSTERS = 50, 15
"""Below these a comparison over all cases neither passes nor fails."""
MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS = TOO_SMALL_TO_TEST, 10
AT_MOST = 4.0
"""A drop is sure only where its own t test is, at up to so many times its share of alpha.

The family's test hardly ever says more; with this bound what missing scores can hide is computable.
"""
SEED = 0
"""Of the sign flips: fixed, so that nobody can draw again."""


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


class DropTests(NamedTuple):
    """The tests of every drop gate by its id: what was tested, what is too small, or why there is none."""

    tests: Mapping[str, tuple[DropTest, ...]]
    small: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, str]


def scale_of(gate: Gate) -> Scale:
    """Whether a gate on a drop is about differences or ratios."""
    return "ratio" if gate.max_ratio is not None else "difference"


def margin_of(gate: Gate) -> float:
    """Give the harm that a gate on a drop allows, on the scale of its pairs."""
    return math.log(gate.max_ratio) if gate.max_ratio is not None else gate.max_drop or 0.0


def find_drops(evidence: Evidence) -> DropTests:
    """Test all drops of the suite's gates as one family.

    Neither the order of cases, gates or slices nor what is missing elsewhere moves a number but the
    adjusted p-values; these depend on every test of the family, by intent.
    """
    tests: dict[str, tuple[DropTest, ...]] = {}
    small: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    groups: dict[tuple[object, ...], _Groups] = {}
    shifts: dict[tuple[object, ...], Shift] = {}
    n_tests: dict[str, int] = {}
    drops = sorted((gate for gate in evidence.suite.gates if gate.kind == "drop"), key=lambda gate: gate.id)
    for gate in drops:
        reference, reason = _reference(gate, evidence)
        if reference is None:
            reasons[gate.id] = reason
            continue
        key = *gate.where.items(), gate.slice, gate.against
        if key not in groups:  # gates on many metrics are about the same slices
            groups[key] = _groups_of(gate, evidence)
        found, small[gate.id] = _tests_of(gate, reference, evidence, groups[key])
        of = gate.metric, gate.against, scale_of(gate)
        if of not in shifts:
            shifts[of] = shift_of(gate, reference)
        tests[gate.id] = tuple(test._replace(shift=shifts[of]) for test in found)
        # By cases, not scores: an error where a metric did not apply would else change the others' shares.
        n_tests[gate.id] = len(groups[key].members)
    weights = weights_of(evidence.suite.gates, n_tests)
    return DropTests(_test_together(tests, weights, evidence), small, reasons)


class _Groups(NamedTuple):
    """The cases that a gate is about, by slice where it has one; and the slices that are too small."""

    members: tuple[tuple[Slice, tuple[Case, ...]], ...]
    small: tuple[str, ...]


def _groups_of(gate: Gate, evidence: Evidence) -> _Groups:
    rules, where = evidence.suite.slices, Slice(tuple(gate.where.items()))
    cases = select(evidence.candidate.cases, where, rules)
    if gate.slice is None:
        return _Groups(((where, evidence.comparable(cases, gate.against)),), ())
    tested = tested_slices(gate, evidence.suite, cases)
    every = slices_of(cases, {gate.slice: rules[gate.slice]}, ())
    members = tuple(
        (
            Slice((*where.where, *slice_.where)),
            evidence.comparable(select(cases, slice_, rules), gate.against),
        )
        for slice_ in tested
    )
    return _Groups(members, tuple(slice_.label for slice_ in every if slice_ not in tested))


def _reference(gate: Gate, evidence: Evidence) -> tuple[RunScores | None, str]:
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


def _tests_of(
    gate: Gate, reference: RunScores, evidence: Evidence, groups: _Groups
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


def _test_together(
    tests: Mapping[str, tuple[DropTest, ...]], weights: Mapping[str, float], evidence: Evidence
) -> dict[str, tuple[DropTest, ...]]:
    """Test every drop within the family, and measure it at the share of alpha that it really gets."""
    from harness.stats.family import family_test, z_of_t

    looks, alpha = evidence.candidate.looks, evidence.suite.alpha
    judged = [test for its in tests.values() for test in its if test.is_judged]
    lacks = any(test.lacks for its in tests.values() for test in its)
    spent = spent_by(looks, alpha)
    adjusted: dict[int, float] = {}
    critical = least_bound(looks, alpha)
    if judged:
        t, df = _students(judged)
        stages = _document_stages(looks, evidence.candidate.cases)
        family = _family(judged, [weights[test.gate.id] for test in judged], stages)
        found = family_test(family, z_of_t(t, df), spent, seed=SEED)
        adjusted = {id(test): float(p) for test, p in zip(judged, found.adjusted, strict=True)}
        critical = max(found.critical, critical)  # flips that tie may leave less than that
    return {
        gate_id: tuple(
            _measured(
                test._replace(others_lack=lacks), weights[gate_id], critical, adjusted.get(id(test)), evidence
            )
            for test in its
        )
        for gate_id, its in tests.items()
    }


def _measured(
    test: DropTest, weight: float, critical: float, adjusted: float | None, evidence: Evidence
) -> DropTest:
    """Give a test its numbers: at the share of alpha that the family leaves it, its limit at its level."""
    alpha, looks, shift = evidence.suite.alpha, evidence.candidate.looks, test.shift
    if not test.pairs.harms:
        return test
    most = min(AT_MOST * weight, 1.0) * alpha
    possible = could_be_sure(test.pairs, most, shift)
    error = min(weight * alpha, PASS_ERROR) if possible else PASS_ERROR
    share = min(critical * weight, most)
    level = level_of(looks, error)
    comparison = measure(test.pairs, test.comparison, share, level, shift, scale_of(test.gate))
    comparison = replace(
        comparison, limit_level=1 - error, p_adjusted=adjusted, level=spent_by(looks, alpha)[-1]
    )
    if test.correction is not None:
        worse, better, same = test.correction.counts
        comparison = replace(comparison, worse=worse, better=better, same=same)
    may_exceed = known_limit(test.pairs, level, shift) > margin_of(test.gate)
    return test._replace(comparison=comparison, possible=possible, may_exceed=may_exceed)


def _students(judged: Sequence[DropTest]) -> tuple[Any, Any]:
    """Student's t and its degrees of freedom of every test; shape (H,) each."""
    import numpy as np

    from harness.stats.paired import clustered_mean

    found = [shifted(clustered_mean(test.pairs.harms, test.pairs.clusters), test.shift) for test in judged]
    t = [
        one.mean / one.se if one.se > 0 else math.copysign(math.inf, one.mean) if one.mean else 0.0
        for one in found
    ]
    return np.array(t), np.array([float(one.df) for one in found])


def _document_stages(looks: Looks, cases: Sequence[Case]) -> dict[str, int]:
    """Give the look with which each document was there in full."""
    found: dict[str, int] = {}
    for case in cases:
        found[case.cluster] = max(found.get(case.cluster, 0), looks.stages.get(case.id, 0))
    return found


def _family(judged: Sequence[DropTest], weights: Sequence[float], stages: Mapping[str, int]) -> Family:
    """Lay the tests out by document, in the order in which documents were asked, then by name."""
    import numpy as np

    from harness.stats.family import Family
    from harness.stats.paired import cluster_sums

    used = {name for test in judged for name in test.pairs.clusters}
    order = sorted((stages[name], name) for name in used)
    names = [name for _, name in order]
    columns = [cluster_sums(names, test.pairs.clusters, test.pairs.harms) for test in judged]
    return Family(
        sums=np.column_stack([sums for sums, _ in columns]),
        counts=np.column_stack([counts for _, counts in columns]),
        weights=np.array(weights),
        stages=np.array([stage for stage, _ in order]),
        least=np.array([test.least for test in judged]).T,
    )
