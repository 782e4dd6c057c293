"""Who gets how much of the gate's false-alarm rate: primary drops, other drops, and those by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from harness.types import Gate

Role = Literal["", "primary", "guard"]

MOST_PRIMARY = 3
SHARES = {"primary": 0.5, "other": 0.25, "slices": 0.25}
SHARES_OF_EQUALS = {"primary": 0.0, "other": 0.75, "slices": 0.25}
"""Where no gate is marked primary, all over all cases are alike."""


def roles_of(gates: Sequence[Gate]) -> dict[str, Role]:
    """Give each drop gate its role, by id; without a primary one all of them decide."""
    drops = [gate for gate in gates if gate.kind == "drop"]
    if not any(gate.primary for gate in drops):
        return {gate.id: "" for gate in drops}
    return {gate.id: "primary" if gate.primary else "guard" for gate in drops}


def weights_of(gates: Sequence[Gate], n_tests: Mapping[str, int]) -> dict[str, float]:
    """Split 1 over the tests of all drop gates: the share of each single test of a gate, by gate id.

    Half goes to the primary gates, a quarter to the other gates over all cases, a quarter to the tests by
    slice, evenly within each kind; what a kind without a test leaves is shared by the others in proportion.

    Args:
        gates: the suite's.
        n_tests: how many tests each drop gate makes, by id; gates that are not in it make none.
    """
    kinds = {gate.id: _kind(gate) for gate in gates if n_tests.get(gate.id)}
    shares = SHARES if "primary" in kinds.values() else SHARES_OF_EQUALS
    counts = {
        kind: sum(n_tests[gate_id] for gate_id, its in kinds.items() if its == kind)
        for kind in set(kinds.values())
    }
    whole = sum(shares[kind] for kind in counts)
    return {gate_id: shares[kind] / whole / counts[kind] for gate_id, kind in kinds.items()}


def _kind(gate: Gate) -> str:
    if gate.slice is not None:
        return "slices"
    return "primary" if gate.primary else "other"
