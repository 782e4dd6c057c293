"""Every gate of a suite to its verdict, and all verdicts to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.errors import ExitCode
from harness.gates.bound import decide_bound
from harness.gates.cases import decide_cases, decide_scored
from harness.gates.drop import decide_drop
from harness.gates.evidence import Evidence, rule_text
from harness.gates.family import DropTests, find_drops
from harness.gates.gap import decide_gap
from harness.gates.hierarchy import roles_of
from harness.gates.judged import decide_judged_bound, why_advisory
from harness.slices import select
from harness.types import Gate, Outcome, Slice, Suite, Verdict

SCORED = Gate(id="scored", min_scored=0.99)
"""The gate on the share of scored cases that every suite has unless it has its own."""


def all_gates(suite: Suite) -> tuple[Gate, ...]:
    """The suite's gates, and the gate on the share of scored cases if it has none of its own."""
    if any(gate.kind == "scored" for gate in suite.gates):
        return suite.gates
    return (*suite.gates, SCORED)


def decide_all(evidence: Evidence, lines: Mapping[str, int]) -> tuple[Verdict, ...]:
    """Decide every gate, in suite order; ``lines`` gives each gate's line in the suite file."""
    verdicts = decide_each(evidence, find_drops(evidence))
    return tuple(msgspec.structs.replace(found, line=lines.get(found.gate)) for found in verdicts)


def decide_each(evidence: Evidence, drops: DropTests) -> tuple[Verdict, ...]:
    """Decide every gate, in suite order; ``drops`` are the tests of all gates on a drop."""
    return tuple(decide(gate, evidence, drops) for gate in all_gates(evidence.suite))


def decide(gate: Gate, evidence: Evidence, drops: DropTests) -> Verdict:
    """Decide one gate on the cases that it is about; ``drops`` are the tests of all gates on a drop.

    What rests on a judge that may not decide is inconclusive and holds the others back, whatever it says.
    """
    found = _decide(gate, evidence, drops)
    why = why_advisory(gate, evidence)
    if not why:
        return found
    return msgspec.structs.replace(found, outcome="inconclusive", reason=f"advisory: {why}", holds=True)


def _decide(gate: Gate, evidence: Evidence, drops: DropTests) -> Verdict:
    where = Slice(tuple(gate.where.items()))
    cases = select(evidence.candidate.cases, where, evidence.suite.slices)
    empty = Verdict(gate.id, rule_text(gate), "inconclusive", "no case is selected", gate.metric, where.label)
    if not cases:
        return empty
    if gate.metric is not None and gate.metric not in evidence.candidate.tables:
        return msgspec.structs.replace(empty, reason=f"the run did not score {gate.metric}")
    if gate.kind == "drop":
        role = roles_of(evidence.suite.gates)[gate.id]
        return decide_drop(gate, evidence, drops, role, cases, empty)
    if gate.kind == "gap":
        return decide_gap(gate, evidence, cases, empty)
    if gate.kind == "scored":
        return decide_scored(gate, evidence, cases, empty)
    if gate.kind == "cases":
        return decide_cases(gate, evidence, empty)
    correction = evidence.correction_of(gate)
    if correction is not None and gate.quantile is None and not gate.total:
        return decide_judged_bound(gate, correction, evidence, cases, empty)
    return decide_bound(gate, evidence, cases, empty)


def none_passed(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Leave every gate undecided that a run passes which has not asked all that was planned."""
    held = {"outcome": "inconclusive", "reason": "the run is incomplete", "holds": True}
    return tuple(msgspec.structs.replace(one, **held) if one.outcome == "pass" else one for one in verdicts)


def overall(verdicts: Sequence[Verdict]) -> tuple[Outcome, ExitCode]:
    """Fail if any gate fails, else inconclusive if one is that holds the others back, else pass."""
    outcomes = {verdict.outcome for verdict in verdicts if verdict.holds}
    if "fail" in outcomes:
        return "fail", ExitCode.FAILED
    if "inconclusive" in outcomes:
        return "inconclusive", ExitCode.INCONCLUSIVE
    return "pass", ExitCode.PASSED
