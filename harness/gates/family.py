"""All drops that a suite's gates ask about, tested together: one false-alarm rate for the whole gate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from harness.comparison import Looks
from harness.gates.drop_tests import (
    DropTest,
    Groups,
    groups_of,
    margin_of,
    reference_of,
    scale_of,
    shift_of,
    tests_of,
)
from harness.gates.evidence import Evidence
from harness.gates.hierarchy import weights_of
from harness.gates.looks import PASS_ERROR, least_bound, level_of, spent_by
from harness.limits import Shift, could_be_sure, known_limit, shifted
from harness.measurement import measure
from harness.types import Case

if TYPE_CHECKING:
    from harness.stats.family import Family

AT_MOST = 4.0
"""A drop is sure only where its own t test is, at up to so many times its share of alpha.

The family's test hardly ever says more; with this bound what missing scores can hide is computable.
"""
SEED = 0
"""Of the sign flips: fixed, so that nobody can draw again."""


class DropTests(NamedTuple):
    """The tests of every drop gate by its id: what was tested, what is too small, or why there is none."""

    tests: Mapping[str, tuple[DropTest, ...]]
    small: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, str]


def find_drops(evidence: Evidence) -> DropTests:
    """Test all drops of the suite's gates as one family.

    Neither the order of cases, gates or slices nor what is missing elsewhere moves a number but the
    adjusted p-values; these depend on every test of the family, by intent.
    """
    tests: dict[str, tuple[DropTest, ...]] = {}
    small: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    groups: dict[tuple[object, ...], Groups] = {}
    shifts: dict[tuple[object, ...], Shift] = {}
    n_tests: dict[str, int] = {}
    drops = sorted((gate for gate in evidence.suite.gates if gate.kind == "drop"), key=lambda gate: gate.id)
    for gate in drops:
        reference, reason = reference_of(gate, evidence)
        if reference is None:
            reasons[gate.id] = reason
            continue
        key = *gate.where.items(), gate.slice, gate.against
        if key not in groups:  # gates on many metrics are about the same slices
            groups[key] = groups_of(gate, evidence)
        found, small[gate.id] = tests_of(gate, reference, evidence, groups[key])
        of = gate.metric, gate.against, scale_of(gate)
        if of not in shifts:
            shifts[of] = shift_of(gate, reference)
        tests[gate.id] = tuple(test._replace(shift=shifts[of]) for test in found)
        # By cases, not scores: an error where a metric did not apply would else change the others' shares.
        n_tests[gate.id] = len(groups[key].members)
    weights = weights_of(evidence.suite.gates, n_tests)
    return DropTests(_test_together(tests, weights, evidence), small, reasons)


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
