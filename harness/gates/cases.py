"""The gates on the share of scored cases and on named cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from harness.comparison import Table
from harness.gates.evidence import Evidence, case_limits, limits_text
from harness.types import UNSCORED, Case, Gate, Verdict


def decide_scored(gate: Gate, evidence: Evidence, cases: Sequence[Case], empty: Verdict) -> Verdict:
    """Too many unscored cases make a run inconclusive, never failed: they say nothing about quality."""
    tables = evidence.candidate.tables
    names = [gate.metric] if gate.metric is not None else list(tables)
    lost = [case for case in cases if any(_is_lost(tables[name], case) for name in names)]
    done = len(cases) - len(lost)
    reached = done / len(cases)
    ok = reached >= (gate.min_scored or 0.0)
    return msgspec.structs.replace(
        empty,
        outcome="pass" if ok else "inconclusive",
        reason=f"{done:,} of {len(cases):,} cases were scored",
        candidate=reached,
        limit=gate.min_scored,
        n=done,
        n_total=len(cases),
        cases=tuple(sorted(case.id for case in lost)[:20]),
    )


def decide_cases(gate: Gate, evidence: Evidence, empty: Verdict) -> Verdict:
    """Every named case must be within the limits; one without a value leaves the gate undecided."""
    table = evidence.candidate.tables[gate.metric or ""]
    limits = case_limits(gate)
    broken = [case_id for case_id in gate.cases if case_id in table and _outside(table, case_id, limits)]
    unknown = [case_id for case_id in gate.cases if case_id not in table or table[case_id].value is None]
    base = msgspec.structs.replace(
        empty,
        n=len(gate.cases) - len(unknown),
        n_total=len(gate.cases),
        limit=next((end for end in limits if math.isfinite(end)), None),
    )
    if broken:
        reason = f"{len(broken)} of {len(gate.cases)} are not {limits_text(gate)}: {', '.join(broken[:5])}"
        return msgspec.structs.replace(base, outcome="fail", reason=reason, cases=tuple(broken))
    if unknown:
        reason = f"no value for {', '.join(unknown[:5])}"
        return msgspec.structs.replace(base, reason=reason, cases=tuple(unknown))
    return msgspec.structs.replace(
        base, outcome="pass", reason=f"all {len(gate.cases)} are {limits_text(gate)}"
    )


def _outside(table: Table, case_id: str, limits: tuple[float, float]) -> bool:
    value = table[case_id].value
    return value is not None and not limits[0] <= value <= limits[1]


def _is_lost(table: Table, case: Case) -> bool:
    return case.id not in table or table[case.id].status in UNSCORED
