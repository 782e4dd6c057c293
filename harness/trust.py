"""Whether the judges of a run may decide a gate: who they are, and what is known of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.comparison import served_by
from harness.numbers import number
from harness.types import CanaryResult, JudgeTrust, Judging, Recorded

MOST_NAMED = 5
"""Cases that a notice names."""


def panel_identity(fingerprints: Sequence[str], judging: Judging) -> str:
    """What a run keeps of who judges a metric: ``a1b2...`` or ``mean:a1b2...+c3d4...``."""
    joined = "+".join(fingerprints)
    return joined if len(fingerprints) == 1 else f"{judging.combine}:{joined}"


def members_of(identity: str) -> tuple[str, ...]:
    """Give the fingerprints of those who judge, from ``panel_identity``."""
    return tuple(identity.rpartition(":")[2].split("+"))


def trust_in(recorded: Recorded, known: Sequence[JudgeTrust], corpus: str) -> dict[str, str]:
    """Say of each judged metric of a run why its judges may not decide a gate; empty where they may.

    They may where each of them withstood the whole attack corpus as it is now, on this metric and in this
    configuration, and the service used no other model since.

    Args:
        recorded: the run.
        known: what is known of judges.
        corpus: the digest of the attack corpus.
    """
    models = served_by(recorded.results) if recorded.run.judges else {}
    return {
        metric: _doubt_about(metric, identity, known, corpus, models.get(metric, frozenset()))
        for metric, identity in recorded.run.judges.items()
    }


def _doubt_about(
    metric: str,
    identity: str,
    known: Sequence[JudgeTrust],
    corpus: str,
    served: frozenset[str] = frozenset(),
) -> str:
    """Say why those who judge one metric may not decide a gate; empty where they may.

    ``served`` are the models that they were, as far as scores tell; the rest is as in ``trust_in``.
    """
    by_key = {(one.metric, one.fingerprint): one for one in known}
    tested: set[str] = set()
    for fingerprint in members_of(identity):
        found = by_key.get((metric, fingerprint))
        if found is None or found.canaries is None:
            tried = any(one.metric == metric and one.canaries is not None for one in known)
            changed = ", only on another (model, service, parameters, prompt or rubric)" if tried else ""
            return f"the canaries of its judge were not run{changed}: `harness judge canaries SUITE`"
        if why := doubt_of(found.canaries, corpus):
            return f"its judge {found.judge!r} {why}"
        tested |= set(found.canaries.served)
    if other := sorted(served - tested):
        return f"it was judged by {other[0]!r}, whose canaries were not run: `harness judge canaries SUITE`"
    return ""


def judging_notices(recorded: Recorded) -> list[str]:
    """Say what a reader must know of a run's judges: text that speaks to them, and what they cost."""
    if not recorded.run.judges:
        return []
    directed = {
        result.case_id: score.reason
        for result in recorded.results
        for score in result.scores.values()
        if score.details.get("directed")
    }
    said = []
    if directed:
        ids = ", ".join(sorted(directed)[:MOST_NAMED])
        more = f" and {len(directed) - MOST_NAMED:,} more" if len(directed) > MOST_NAMED else ""
        what = "case holds" if len(directed) == 1 else "cases hold"
        said.append(f"{len(directed):,} {what} text that speaks to a judge; look at them: {ids}{more}")
    if spent := _spent(recorded):
        said.append(spent)
    return said


def _spent(recorded: Recorded) -> str:
    """Tokens and dollars of all verdicts, also of those that came from the cache."""
    scores = (score for result in recorded.results for score in result.scores.values())
    n, tokens, known = 0, 0, list[float]()
    for row in (judge for score in scores for judge in score.details.get("judges", [])):
        counts = row.get("input_tokens", 0), row.get("output_tokens", 0)
        if not all(isinstance(count, int) for count in counts):
            return ""
        n, tokens = n + 1, tokens + sum(counts)
        if isinstance(cost := row.get("cost_usd"), (int, float)):
            known.append(cost)
    if not n:
        return ""
    price = f", {number(math.fsum(known), 'USD')}" if len(known) == n else ""
    return f"judging took {tokens:,} tokens{price}, what came from the cache included"


def doubt_of(found: CanaryResult, corpus: str) -> str:
    """Say why a judge with this result may not decide a gate; empty where it may."""
    again = "run `harness judge canaries SUITE` again"
    if found.corpus != corpus:
        return f"was tried with other canaries than there are now: {again}"
    if found.gave_in:
        return f"gave in to {len(found.gave_in)} of {found.tried} canaries"
    if found.unsound:
        return f"judged {len(found.unsound)} of the cases without an attack wrong"
    if found.unanswered:
        return f"gave no verdict on {found.unanswered} of its canaries: {again}"
    return "" if found.tried else "was tried with no canary: there are none for this metric"
