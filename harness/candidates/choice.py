"""Which candidate to ship: requirements first, then quality beyond noise, then cost, then latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from harness.candidates.entrants import COST, LATENCY, Entrant
from harness.gates.decide import decide
from harness.gates.evidence import Evidence, rule_text
from harness.gates.family import find_drops
from harness.numbers import number, with_interval
from harness.types import Candidate, Choice, Choose, Difference, Gate, Requirement, Spending, Suite, Verdict

TOLD = {"pass": "meets", "fail": "breaks", "inconclusive": "is not shown to meet"}
"""The outcome of a requirement in words."""
FIRST_OF = {COST: ("cheapest", "costs more"), LATENCY: ("fastest", "is slower")}
"""What decides between candidates of the same quality, in this order; in words."""
WORDS = {COST: "cost", LATENCY: "latency"}


def gates_of(choose: Choose | None) -> tuple[Gate, ...]:
    """The requirements as gates, so that they are decided as gates are."""
    required = choose.require if choose else ()
    return tuple(_gate(f"require-{at}", one) for at, one in enumerate(required, 1))


def _gate(gate_id: str, one: Requirement) -> Gate:
    return Gate(
        id=gate_id,
        metric=one.metric,
        min=one.min,
        max=one.max,
        quantile=one.quantile,
        slice=one.slice,
        max_gap=one.max_gap,
        where=one.where,
    )


def requirement_text(gate: Gate) -> str:
    """Write a requirement: ``latency_s p95 ≤ 2.5 (language=de)``."""
    where = " & ".join(f"{name}={value}" for name, value in gate.where.items())
    return f"{gate.metric} {rule_text(gate)}" + (f" ({where})" if where else "")


def requirements_of(entrant: Entrant, suite: Suite, gates: Sequence[Gate]) -> tuple[Verdict, ...]:
    """Decide every requirement for one candidate: met, broken, or not to be told."""
    evidence = Evidence(replace(suite, gates=tuple(gates)), entrant.scores, None)
    drops = find_drops(evidence)
    return tuple(replace(decide(gate, evidence, drops), rule=requirement_text(gate)) for gate in gates)


def make_choice(
    quality: str, candidates: Sequence[Candidate], differences: Mapping[str, Sequence[Difference]]
) -> Choice:
    """Choose among candidates, best quality first; ``differences`` are of the quality, cost and latency.

    Only who meets every requirement, and was not dropped by a race, can be chosen. Of these, all that
    nobody is told to be better than are tied; among the tied the one that nobody is told to be cheaper than,
    then faster than. A cost or a latency that is not known loses to one that is.
    """
    book = _Book(quality, differences)
    fit = [c for c in candidates if not c.dropped and all(v.outcome == "pass" for v in c.requirements)]
    if not fit:
        return _nobody(candidates)
    # Who is told better by turns leaves nobody unbeaten: then the means decide who is looked at.
    tied = book.unbeaten(fit, quality) or fit
    left, pool, metric = list(tied), list(tied), quality
    for further in FIRST_OF:
        if len(left) > 1:
            pool, metric, left = left, further, book.preferred(left, further)
    ids = tuple(c.run.id for c in tied)
    blocked = tuple(book.against(c, left, tied) for c in candidates if c not in left)
    if len(left) > 1:
        return Choice(book.open_sentence(left), None, ids, blocked)
    if len(tied) > 1:
        return Choice(book.tie_sentence(left[0], pool, metric), left[0].run.id, ids, blocked)
    return Choice(book.sentence(left[0], fit, candidates), left[0].run.id, ids, blocked)


def _nobody(candidates: Sequence[Candidate]) -> Choice:
    broken = all(any(v.outcome == "fail" for v in c.requirements) for c in candidates if not c.dropped)
    what = "each breaks a requirement" if broken else "none is shown to meet every requirement"
    return Choice(
        f"Ship none: {what}.", blocked=tuple(f"{c.name}: {c.dropped or _requirements(c)}" for c in candidates)
    )


def _requirements(candidate: Candidate) -> str:
    ordered = sorted(candidate.requirements, key=lambda verdict: verdict.outcome != "fail")
    return "; ".join(f"{TOLD[v.outcome]} {v.rule} ({v.reason})" for v in ordered if v.outcome != "pass")


class _Book:
    """The candidates and who is told to be better than whom, asked and put into words."""

    def __init__(self, quality: str, differences: Mapping[str, Sequence[Difference]]) -> None:
        self.quality = quality
        self.differences = {
            (metric, frozenset((d.first, d.second))): d
            for metric, found in differences.items()
            for d in found
        }

    def is_beaten(self, one: Candidate, other: Candidate, metric: str) -> bool:
        """Say whether the other is told to be better."""
        return one is not other and self.difference(one, other, metric).better == other.run.id

    def difference(self, one: Candidate, other: Candidate, metric: str) -> Difference:
        """The two, whichever stands first."""
        return self.differences[metric, frozenset((one.run.id, other.run.id))]

    def unbeaten(self, among: Sequence[Candidate], metric: str) -> list[Candidate]:
        """Those that none of the others is told to be better than."""
        return [c for c in among if not any(self.is_beaten(c, other, metric) for other in among)]

    def preferred(self, among: Sequence[Candidate], metric: str) -> list[Candidate]:
        """Those with a known figure that nobody is told to be below; all where none has one."""
        known = [c for c in among if _is_known(c, metric)]
        return (self.unbeaten(known, metric) or known) if known else list(among)

    def sentence(self, pick: Candidate, fit: Sequence[Candidate], everyone: Sequence[Candidate]) -> str:
        """Why the one that nobody is tied with."""
        own = self.level(pick)
        running = [c for c in everyone if not c.dropped]
        if len(running) == 1:
            return f"Ship {pick.name} because it alone is left of the race ({own})."
        if len(fit) == 1:
            among = "of those left of the race it" if len(running) < len(everyone) else "it"
            return f"Ship {pick.name} because {among} alone meets every requirement ({own})."
        among = "the candidates that meet every requirement" if pick.requirements else "all candidates"
        beaten = [c for c in fit if self.is_beaten(c, pick, self.quality)]
        nearest = min(
            beaten, key=lambda c: abs(self.difference(c, pick, self.quality).change or 0.0), default=None
        )
        by = f": the nearest, {nearest.name}, is {self.behind(nearest, pick)}" if nearest else ""
        return f"Ship {pick.name} because of {among} it alone is beaten by none on {own}{by}."

    def tie_sentence(self, pick: Candidate, pool: Sequence[Candidate], metric: str) -> str:
        """Why one of several that are not told apart before this metric."""
        rest = ", ".join(f"{c.name} {_spent(c, metric)}" for c in pool if c is not pick)
        has_cost = metric == LATENCY and any(c.cost_per_1000.value is not None for c in pool)
        what = f"{self.quality} or cost" if has_cost else self.quality
        unit = " per 1,000 queries" if metric == COST else " at p95"
        among = f"of {len(pool)} candidates that are not told apart on {what}"
        why = f"it is the {FIRST_OF[metric][0]} {among}"
        if not any(_is_known(c, metric) for c in pool if c is not pick):
            why = f"{among} its {WORDS[metric]} alone is known"
        figures = f"{_spent(pick, metric)}{unit}, against {rest}"
        return f"Ship {pick.name} because {why}: {figures} ({self.level(pick)})."

    def open_sentence(self, left: Sequence[Candidate]) -> str:
        """Nothing decides between several."""
        names = ", ".join(c.name for c in left[:-1]) + f" or {left[-1].name}"
        levels = ", ".join(self.level(c, bare=True) for c in left)
        known = [WORDS[metric] for metric in FIRST_OF if any(_is_known(c, metric) for c in left)]
        missing = [what for what in WORDS.values() if what not in known]
        on = " or ".join([", ".join([f"{self.quality} ({levels})", *known[:-1]]), *known[-1:]])
        if missing:
            on += f"; their {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not known"
        return f"Ship {names}: nothing tells them apart on {on}."

    def against(self, one: Candidate, left: Sequence[Candidate], tied: Sequence[Candidate]) -> str:
        """What stands against a candidate that is not chosen."""
        if one.dropped:
            return f"{one.name}: {one.dropped}"
        if any(verdict.outcome != "pass" for verdict in one.requirements):
            return f"{one.name}: {_requirements(one)}"
        for metric in (self.quality, *FIRST_OF):
            beating = next((c for c in (*left, *tied) if self.is_beaten(one, c, metric)), None)
            if beating is not None:
                return f"{one.name}: {self.words(one, beating, metric)}"
            decides = metric in FIRST_OF and any(_is_known(c, metric) for c in (*left, *tied))
            if decides and not _is_known(one, metric):
                spent = f"its {WORDS[metric]} is {_spent(one, metric)}"
                return f"{one.name}: not told apart on {self.quality}, and {spent}"
        return f"{one.name}: not told apart from every candidate that is better"

    def words(self, one: Candidate, other: Candidate, metric: str) -> str:
        """How one is told to be worse than another."""
        if metric == self.quality:
            return f"{self.quality} {self.behind(one, other)} against {other.name}"
        found = self.difference(one, other, metric)
        unit = "USD" if metric == COST else "s"
        by = number(abs(found.change or 0.0), unit)
        return (
            f"not told apart on {self.quality}, and {FIRST_OF[metric][1]} than {other.name} by {by} a query"
        )

    def level(self, one: Candidate, *, bare: bool = False) -> str:
        """``faithfulness 0.912 [0.881, 0.936]``."""
        mean = one.standings[self.quality].mean
        return number(mean.value) if bare else f"{self.quality} {with_interval(mean.value, mean.interval)}"

    def behind(self, one: Candidate, other: Candidate) -> str:
        """``worse by 0.041 [0.020, 0.062]``."""
        found = self.difference(one, other, self.quality)
        span = found.interval
        if found.change is None or span is None:
            return "not comparable"
        low, high = sorted((abs(span.low), abs(span.high)))
        return f"worse by {number(abs(found.change))} [{number(low)}, {number(high)}]"


def _spending(candidate: Candidate, metric: str) -> Spending:
    return candidate.cost_per_1000 if metric == COST else candidate.latency_p95


def _is_known(candidate: Candidate, metric: str) -> bool:
    return _spending(candidate, metric).value is not None


def _spent(candidate: Candidate, metric: str) -> str:
    found = _spending(candidate, metric)
    if found.value is not None:
        return number(found.value, "USD" if metric == COST else "s")
    is_kept = found.n_cached and not found.n and not found.n_unknown
    return "not known, as its answers came from a cache" if is_kept else "not known"
