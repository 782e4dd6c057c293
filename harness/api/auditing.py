"""Audit a recorded run for gaps between groups, and render the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.api.deciding import suite_of
from harness.api.trusting import with_trust
from harness.baselines import Baseline
from harness.cases import by_id
from harness.comparison import RunScores, check_comparable, run_scores
from harness.errors import NotComparable, UsageError, did_you_mean
from harness.fairness.audit import Audited, Scope, make_audit
from harness.fairness.twins import Said
from harness.gates.decide import decide_all
from harness.gates.evidence import Evidence
from harness.pooling import pool
from harness.registry import load_object
from harness.types import Audit, Recorded, Suite, Verdict

FORMATS = {
    "html": ("audit.html", "harness.report.audit:render"),
    "json": ("audit.json", "harness.report.json:render_audit"),
}
"""Format to file name and renderer; a renderer is imported when its format is wanted."""


class Asked(NamedTuple):
    """What the caller wants audited: slices (none: those that the suite audits), strata, allowed deficit."""

    slices: Sequence[str] = ()
    by_topic: Sequence[str] = ()
    tolerance: float | None = None
    intersect: bool = False


def audit(candidate: Recorded, baseline: Baseline | None, asked: Asked) -> Audit:
    """Audit a run, and how its gaps moved against a baseline where there is one that may be compared.

    Raises:
        UsageError: a slice that the suite does not declare, nothing to audit, or an impossible tolerance.
    """
    suite = suite_of(candidate.run)
    scope = _scope(suite, asked)
    candidate = _timeless(with_trust(candidate))
    said = [*candidate.notices]
    earlier, unchanged = None, None
    if baseline is not None:
        first = baseline.runs[0]
        try:
            said += check_comparable(first.run, candidate.run, intersect=asked.intersect)
        except NotComparable as refusal:
            said.append(f"gaps are not compared: {refusal.faults[0]}")
        else:
            earlier = pool([run_scores(_timeless(run)) for run in baseline.runs])
            unchanged = _unchanged(first, candidate)
    if not candidate.complete:
        said.append("the run is incomplete: cases without a result count as unscored")
    if candidate.stop is not None:
        stop = candidate.stop
        said.append(
            f"the run stopped early: the audit rests on {stop.asked:,} of {stop.planned:,} cases; ask all"
            " with `harness check SUITE --no-early-stop`"
        )
    if candidate.run.selection:
        said.append("only a part of the goldens was run")
    scores = run_scores(candidate)
    about = Audited(
        suite=suite,
        candidate=scores,
        baseline=earlier,
        comparable=unchanged,
        said=Said(by_id(candidate.cases), candidate.first_repeats()),
        verdicts=_gap_verdicts(suite, scores, candidate),
    )
    return make_audit(about, scope, said)


def _timeless(recorded: Recorded) -> Recorded:
    """Leave out when it was run: the same answers give the same audit."""
    return replace(recorded, run=replace(recorded.run, started_at=""))


def _scope(suite: Suite, asked: Asked) -> Scope:
    for name in (*asked.slices, *asked.by_topic):
        if name not in suite.slices:
            raise UsageError(f"no slice {name!r} in the suite", mend=did_you_mean(name, suite.slices))
    if asked.tolerance is not None and not 0 < asked.tolerance <= 1:
        raise UsageError(f"--margin {asked.tolerance:g}", mend="points of a metric, above 0 and at most 1")
    audited = tuple(name for name, rule in suite.slices.items() if rule.audit)
    attributes = tuple(dict.fromkeys(asked.slices)) or audited
    if not attributes:
        raise UsageError(
            "the suite audits no slice", mend="mark one with `audit: true`, or name one with --slice"
        )
    return Scope(attributes, tuple(dict.fromkeys(asked.by_topic)), asked.tolerance)


def _gap_verdicts(suite: Suite, scores: RunScores, candidate: Recorded) -> tuple[Verdict, ...]:
    """What the suite's gates on gaps say of the run."""
    gates = tuple(gate for gate in suite.gates if gate.kind == "gap")
    evidence = Evidence(replace(suite, gates=gates), scores, None)
    names = {gate.id for gate in gates}
    verdicts = decide_all(evidence, candidate.run.gate_lines) if gates else ()
    return tuple(verdict for verdict in verdicts if verdict.gate in names)


def _unchanged(baseline: Recorded, candidate: Recorded) -> frozenset[str]:
    """Ids of the cases that are the same in both runs."""
    theirs = baseline.digests
    return frozenset(name for name, digest in candidate.digests.items() if theirs.get(name) == digest)


def render(found: Audit, formats: Iterable[str]) -> dict[str, str]:
    """Render an audit; gives the text of every format."""
    return {name: load_object(FORMATS[name][1], "renderer")(found) for name in formats}
