"""Whether a look on the way is enough: a drop is proven, or everything is shown and nothing looks bad."""

from __future__ import annotations

from harness.gates.decide import decide_each, overall
from harness.gates.evidence import Evidence
from harness.gates.family import find_drops

LOOKS_BAD, SLICE_LOOKS_BAD = 0.01, 0.002
"""P-values of single tests, over all cases and in a slice, up to which no early pass is given.

They prove nothing: they say that more cases are worth asking before the gate passes.
"""
MOST_NAMED = 3


def why_stop(evidence: Evidence) -> str:
    """Say why no more cases need to be asked; empty: go on.

    A look stops a run that fails on a drop: drops are held against what all looks may spend together. Other
    gates that fail wait for all cases. It stops a run that passes, unless a single drop looks bad.

    Args:
        evidence: what has been asked by this look, with the looks so far; every gate holds its levels.
    """
    drops = find_drops(evidence)
    verdicts = decide_each(evidence, drops)
    failed = [found.gate for found in verdicts if found.outcome == "fail" and found.comparison is not None]
    if failed:
        more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
        return f"{'gate' if len(failed) == 1 else 'gates'} {', '.join(failed[:MOST_NAMED])}{more} failed"
    if overall(verdicts)[0] != "pass":
        return ""
    bad = any(p <= (SLICE_LOOKS_BAD if in_slice else LOOKS_BAD) for p, in_slice in drops.p_values)
    return "" if bad else "every gate passes, and no drop looks bad"
