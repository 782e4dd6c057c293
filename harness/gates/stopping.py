"""Whether a look on the way is enough: a drop is proven, or everything is shown and nothing looks bad."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from harness.comparison import differing_metrics
from harness.gates.decide import decide_each, overall
from harness.gates.evidence import Evidence
from harness.gates.family import DropTests, find_drops
from harness.gates.hierarchy import Role, roles_of
from harness.measurement import compare
from harness.slices import TOO_SMALL_TO_TEST, select, slices_of
from harness.types import Comparison, Gate, Slice, Verdict

LOOKS_BAD, DECIDING_LOOKS_BAD, SLICE_LOOKS_BAD = 0.01, 0.02, 0.002
"""P-values of single tests up to which no early pass is given.

Over all cases, over all cases in a gate that is no guard, and in a slice. They prove nothing: they say that
more cases are worth asking before the gate passes.
"""
MOST_NAMED = 3


def why_stop(evidence: Evidence) -> str:
    """Say why no more cases need to be asked, as ``why_enough`` does; empty: go on."""
    drops = find_drops(evidence)
    return why_enough(evidence, drops, decide_each(evidence, drops))


def why_enough(evidence: Evidence, drops: DropTests, verdicts: Sequence[Verdict]) -> str:
    """Say why what was decided at a look is enough; empty: it is not.

    A look stops a run that fails on a drop: drops are held against what all looks may spend together. Other
    gates that fail wait for all cases. It stops a run that passes, unless any metric looks bad.

    Args:
        evidence: what has been asked by this look, with the looks so far; every gate holds its levels.
        drops: the tests of all gates on a drop.
        verdicts: of all gates.
    """
    failed = [found.gate for found in verdicts if found.outcome == "fail" and found.comparison is not None]
    if failed:
        more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
        return f"{'gate' if len(failed) == 1 else 'gates'} {', '.join(failed[:MOST_NAMED])}{more} failed"
    if overall(verdicts)[0] != "pass":
        return ""
    return "" if _looks_bad(drops, evidence) else "every gate passes, and no metric looks bad"


def looks_bad_at(gate: Gate, role: Role) -> float:
    """Give the p-value up to which a gate on a drop looks bad."""
    if gate.slice is not None or gate.where:
        return SLICE_LOOKS_BAD
    return LOOKS_BAD if role == "guard" else DECIDING_LOOKS_BAD


def _looks_bad(drops: DropTests, evidence: Evidence) -> bool:
    """Say whether any metric looks worse, gated or not, over all cases or in a slice that can be tested."""
    roles = roles_of(evidence.suite.gates)
    gated = [test for tests in drops.tests.values() for test in tests]
    known = {(test.comparison.metric, test.comparison.slice) for test in gated}
    return any(
        _is_bad(test.comparison, looks_bad_at(test.gate, roles[test.gate.id])) for test in gated
    ) or any(
        _is_bad(found, SLICE_LOOKS_BAD if found.slice.where else LOOKS_BAD)
        for found in _ungated(evidence, known)
    )


def _is_bad(found: Comparison, bar: float) -> bool:
    return found.p_worse is not None and found.n_pairs >= TOO_SMALL_TO_TEST and found.p_worse <= bar


def _ungated(evidence: Evidence, known: Collection[tuple[str, Slice]]) -> Iterator[Comparison]:
    candidate, baseline = evidence.candidate, evidence.baseline
    if baseline is None:
        return
    rules = evidence.suite.slices
    differing = differing_metrics(baseline.run, candidate.run)
    names = [name for name in candidate.tables if name in baseline.tables and name not in differing]
    for slice_ in (Slice(), *slices_of(candidate.cases, rules, ())):
        cases = evidence.comparable(select(candidate.cases, slice_, rules))
        for name in names:
            if (name, slice_) not in known:
                tables = baseline.tables[name], candidate.tables[name]
                yield compare(name, tables, cases, slice_, candidate.run.metrics[name], LOOKS_BAD)
