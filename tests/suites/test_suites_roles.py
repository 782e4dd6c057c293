"""Roles and ratios of drops: what a suite cannot mean by them is told with its place."""

from pathlib import Path

import pytest
from suite_files import changed, faults, load

GATES = """gates:
  - id: recall
    metric: recall@5
    min: 0.5
"""


def with_gates(*gates: str) -> str:
    """The whole suite with these gates, the first in line 13."""
    return changed((GATES, "gates:\n" + "".join(f"  - {gate}\n" for gate in gates)))


@pytest.mark.parametrize(
    ("gate", "told_as"),
    [
        (
            "{ id: a, metric: recall@5, slice: language, max_drop: 0.1, primary: true }",
            "13:73 gate 'a': a gate by slice cannot be primary | it is a guard beside them",
        ),
        (
            "{ id: a, metric: recall@5, against: anchor, max_drop: 0.1, primary: true }",
            "13:73 gate 'a': a gate against the anchor cannot be primary | it is a guard beside them",
        ),
        (
            "{ id: a, metric: recall@5, min: 0.1, primary: true }",
            "13:51 gate 'a': primary says nothing here | it goes with max_drop or max_ratio",
        ),
        (
            "{ id: a, metric: recall@5, max_ratio: 1.1 }",
            "13:43 gate 'a': max_ratio is for times, costs and tokens, and recall@5 is none |",
        ),
        ("{ id: a, metric: latency_s, max_ratio: 0.9 }", "13:44 max_ratio is 0.9 | 1 or more"),
        (
            "{ id: a, metric: latency_s, max_ratio: 1.1, max_drop: 0.1 }",
            "13:5 gate 'a': max_drop and max_ratio | give one of them",
        ),
        (
            "{ id: a, metric: recall@5, max_drop: 0.1, primry: true }",
            "13:47 unknown key 'primry' in gates[0] | did you mean 'primary'",
        ),
    ],
)
def test_f33_a_role_or_ratio_that_cannot_be_is_told(tmp_path: Path, gate: str, told_as: str) -> None:
    """Only drops over all cases against the baseline decide; ratios are for what has no upper end."""
    told = [fault for fault in faults(tmp_path, with_gates(gate)) if fault.place]
    found = [f"{at.line}:{at.column} {what} | {mend}" for what, at, mend in told if at]
    assert any(one.startswith(told_as) for one in found), found


def test_three_gates_may_be_primary(tmp_path: Path) -> None:
    """A fourth is refused by name: what everything depends on is few."""
    gates = [f"{{ id: g{i}, metric: recall@5, max_drop: 0.{i + 1}, primary: true }}" for i in range(4)]
    assert [gate.primary for gate in load(tmp_path, with_gates(*gates[:3])).suite.gates] == [True] * 3
    (fault,) = faults(tmp_path, with_gates(*gates))
    assert (fault.what, fault.mend) == (
        "gate 'g3' is the 4th primary gate",
        "at most 3: what is guarded needs no mark",
    )
