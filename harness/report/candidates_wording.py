"""How candidates are put into words, the same in every rendering."""

from __future__ import annotations

from harness import numbers
from harness.report.tail_words import tail_text
from harness.report.wording import GLYPHS, plural
from harness.types import Candidate, Candidates, MetricIdentity, Outcome, Race, Spending, Standing

BEST = "★"
SPENT = ("cost_usd", "latency_s")
"""What candidates are compared on besides the metrics shown."""
MARKS = {
    "ship": "ship this one",
    "tied": "tied with the best",
    "out": "does not keep every requirement",
    "dropped": "dropped by the race",
}
OUTCOMES: dict[Outcome, str] = {"pass": "met", "fail": "broken", "inconclusive": "cannot tell"}
"""A requirement's outcome in words."""


def subject(found: Candidates) -> str:
    """What is compared: ``support · 4 candidates · 497 cases · by faithfulness``."""
    parts = [found.title, plural(len(found.candidates), "candidate"), plural(found.n_cases, "case")]
    return " · ".join([*parts, f"by {found.quality}"])


def cell(standing: Standing, metric: MetricIdentity) -> str:
    """A mean with its interval, and a star where nobody's is better."""
    text = numbers.with_interval(standing.mean.value, standing.mean.interval, metric.unit)
    return f"{text} {BEST}" if standing.best else text


def spending(found: Spending, unit: str) -> str:
    """A cost or a latency, and a star where nobody's is lower."""
    if found.value is None:
        return numbers.NONE
    text = numbers.number(found.value, unit)
    return f"{text} {BEST}" if found.best else text


def latency_change(one: Candidate, found: Candidates) -> str:
    """``+0.21 s, 95 % CI [−0.05 s, +0.40 s] against plain``: the slow end beside the reference's."""
    if one.latency_change is None:
        return ""
    reference = next(other.name for other in found.candidates if other.run.id == found.reference)
    return f"{tail_text(one.latency_change, 's')} against {reference}"


def latency_lines(found: Candidates) -> list[str]:
    """Each candidate's 95th percentile of the latency that has an interval, and how far it is off."""
    return [
        f"{one.name} {numbers.with_interval(one.latency_p95.value, one.latency_p95.interval, 's')}"
        + (f", {change}" if (change := latency_change(one, found)) else "")
        for one in found.candidates
        if one.latency_p95.interval is not None
    ]


def limit_rows(found: Candidates) -> list[tuple[str, str]]:
    """Each requirement with who keeps to it: ``met by plain, eager; broken by shallow``."""
    rows = []
    for at, rule in enumerate(found.rules):
        told = []
        for outcome, word in OUTCOMES.items():
            names = [one.name for one in found.candidates if one.requirements[at].outcome == outcome]
            if names:
                link = "for" if outcome == "inconclusive" else "by"
                told.append(f"{GLYPHS[outcome]} {word} {link} {', '.join(names)}")
        rows.append((rule, "; ".join(told)))
    return rows


def race_lines(found: Candidates) -> list[str]:
    """How the race went, look by look."""
    race = found.race
    if race is None:
        return []
    names = {one.run.id: one.name for one in found.candidates}
    total = race.n_cases * race.repeats * len(found.candidates)
    saved = f"{numbers.count(race.calls_saved)} saved ({numbers.share(race.calls_saved / total)})"
    made = f"{numbers.count(race.calls)} of {numbers.count(total)} calls made"
    made += f", {numbers.count(race.cached)} answered from a cache" if race.cached else ""
    lines = [f"{made}, {saved}: {race.reason}"]
    for at, look in enumerate(race.looks, 1):
        dropped = [
            f"{names[run]} (at most {numbers.signed(look.limits[run])} to {names[look.leader]})"
            for run in look.dropped
        ]
        what = f"dropped {', '.join(dropped)}" if dropped else "nobody dropped"
        lines.append(f"look {at}, {plural(look.n_cases, 'case')}: {names[look.leader]} leads, {what}")
    return [*lines, f"left: {', '.join(names[run] for run in race.tied)}", race_and_compare(race)]


def race_and_compare(race: Race) -> str:
    """Why a race may drop whom `harness compare` does not tell apart from the best."""
    return (
        f"dropped is who cannot lead, wrongly with {numbers.share(race.alpha)} at most for each; letters and"
        " 'harness compare' tell apart with 95 % for all pairs together, and may call a dropped one tied"
    )


def mark(one: Candidate, found: Candidates) -> str:
    """What becomes of a candidate: ``ship``, ``tied``, ``out`` (a requirement), ``dropped``, or nothing."""
    if one.run.id == found.choice.pick:
        return "ship"
    if one.dropped:
        return "dropped"
    if any(verdict.outcome != "pass" for verdict in one.requirements):
        return "out"
    return "tied" if one.run.id in found.choice.tied else ""
