"""Several runs to one value that is shown: means, letters, pairs, Pareto front, slices, choice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.candidates.choice import gates_of, make_choice, requirement_text, requirements_of
from harness.candidates.differences import differences_of, letters_of, slice_differences
from harness.candidates.entrants import (
    COST,
    LATENCY,
    Entrant,
    cost_per_1000,
    latency_change,
    latency_p95,
    mean_of,
)
from harness.candidates.front import dominated_by
from harness.numbers import share
from harness.slices import select, slices_of
from harness.types import (
    Candidate,
    Candidates,
    Choice,
    Choose,
    Difference,
    Race,
    Run,
    Spending,
    Standing,
    Suite,
    metric_of,
)

PLAIN = "plain system"
"""What the system without changes is called."""
UNCORRECTED = "a judge's scores decide only where labels correct them, and between candidates none do"
"""Why a judge's scores are no quality to choose by."""
APPLIES_APART = 0.05
"""Share of cases by which the reach of a metric may differ between candidates without a word."""


class Asked(NamedTuple):
    """What candidates are compared by: the suite's slices, the metrics shown, and how to choose.

    ``choose.quality`` is the first of ``metrics``.
    """

    suite: Suite
    metrics: tuple[str, ...]
    choose: Choose


def assemble(
    entrants: Iterable[Entrant], asked: Asked, notices: Sequence[str] = (), race: Race | None = None
) -> Candidates:
    """Put everything together; the order in which the runs are given changes nothing.

    Args:
        entrants: two or more, with different run ids.
        asked: suite, metrics and how to choose.
        notices: what the reader must know.
        race: how they came to be asked, if by a race.
    """
    entrants = sorted(entrants, key=lambda entrant: entrant.id)
    quality = asked.choose.quality
    by_metric = {name: differences_of(name, entrants) for name in (*asked.metrics, COST, LATENCY)}
    ordered = _best_first(entrants, quality)
    candidates = _candidates(ordered, asked, by_metric)
    choice = make_choice(quality, candidates, by_metric)
    if any(metric_of(quality) in one.scores.run.judges for one in ordered):
        blocked = tuple(f"{one.name}: {quality} may not decide" for one in candidates)
        choice = Choice(f"Ship none on this: {quality} is advisory: {UNCORRECTED}.", blocked=blocked)
    reference = choice.pick or candidates[0].run.id
    one = next(entrant for entrant in ordered if entrant.id == reference)
    candidates = tuple(
        replace(candidate, latency_change=latency_change(one, entrant))
        for candidate, entrant in zip(candidates, ordered, strict=True)
    )
    gates = gates_of(asked.choose)
    return Candidates(
        title=asked.suite.description or asked.suite.suite,
        suite_name=asked.suite.suite,
        quality=quality,
        metrics={name: entrants[0].metric(name) for name in by_metric},
        candidates=candidates,
        differences=tuple(found for name in by_metric for found in by_metric[name]),
        slices=_slices(one, ordered, asked),
        reference=reference,
        objectives=_objectives(candidates),
        rules=tuple(requirement_text(gate) for gate in gates),
        choice=choice,
        n_cases=max(len(entrant.cases) for entrant in entrants),
        notices=(*notices, *_notices(ordered, candidates, asked)),
        race=race,
    )


def _best_first(entrants: Sequence[Entrant], name: str) -> list[Entrant]:
    return sorted(entrants, key=lambda one: (bool(one.dropped), _badness(one, name), one.id))


def _badness(entrant: Entrant, name: str) -> float:
    """The mean turned so that lower is better; infinite where there is none, or it leaves cases out."""
    mean, metric = mean_of(entrant, name), entrant.metric(name)
    if mean.value is None or (metric.high is None and mean.n_unscored):
        return math.inf
    return -mean.value if metric.higher_is_better else mean.value


def _candidates(
    ordered: Sequence[Entrant], asked: Asked, by_metric: Mapping[str, Sequence[Difference]]
) -> tuple[Candidate, ...]:
    names = names_of([entrant.scores.run for entrant in ordered])
    gates = gates_of(asked.choose)
    standings = {name: _standings(name, ordered, by_metric[name]) for name in asked.metrics}
    costs = {entrant.id: cost_per_1000(entrant) for entrant in ordered}
    latencies = {entrant.id: latency_p95(entrant) for entrant in ordered}
    running = [entrant for entrant in ordered if not entrant.dropped]
    cheap, fast = _comparable(costs, running, COST), _comparable(latencies, running, LATENCY)
    above = dominated_by(
        {
            one.id: (_badness(one, asked.choose.quality), cheap.get(one.id), fast.get(one.id))
            for one in running
        }
    )
    return tuple(
        Candidate(
            number=number,
            name=names[entrant.id],
            run=entrant.scores.run,
            standings={name: standings[name][entrant.id] for name in asked.metrics},
            cost_per_1000=_marked(costs, cheap, entrant.id),
            latency_p95=_marked(latencies, fast, entrant.id),
            requirements=requirements_of(entrant, asked.suite, gates),
            dominated_by=above.get(entrant.id, ()),
            dropped=entrant.dropped,
        )
        for number, entrant in enumerate(ordered, 1)
    )


def names_of(runs: Iterable[Run]) -> dict[str, str]:
    """Name each run by its candidate, and by its id too where several have the same."""
    names = {run.id: run.candidate or PLAIN for run in runs}
    counts = Counter(names.values())
    return {run: name if counts[name] == 1 else f"{name} {run}" for run, name in names.items()}


def _standings(name: str, entrants: Sequence[Entrant], found: Sequence[Difference]) -> dict[str, Standing]:
    ordered = _best_first(entrants, name)
    letters = letters_of([entrant.id for entrant in ordered], found)
    badness = {one.id: math.inf if one.dropped else _badness(one, name) for one in ordered}
    least = min(badness.values())
    return {
        entrant.id: Standing(
            mean_of(entrant, name), letters[entrant.id], best=badness[entrant.id] == least < math.inf
        )
        for entrant in ordered
    }


def _comparable(found: Mapping[str, Spending], running: Sequence[Entrant], name: str) -> dict[str, float]:
    """The figures of those who were spared no case, by a cache, that anybody else was asked.

    A mean or a quantile over other cases may be lower for that alone.
    """
    spared = {one.id: one.spared(name) for one in running}
    by_all = frozenset.intersection(*spared.values()) if spared else frozenset()
    values = {one.id: found[one.id].value for one in running if spared[one.id] == by_all}
    return {run: value for run, value in values.items() if value is not None}


def _marked(found: Mapping[str, Spending], comparable: Mapping[str, float], run: str) -> Spending:
    least = min(comparable.values(), default=None)
    return replace(found[run], best=run in comparable and comparable[run] == least)


def _objectives(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    known = {
        "cost": any(c.cost_per_1000.value is not None for c in candidates),
        "latency": any(c.latency_p95.value is not None for c in candidates),
    }
    return ("quality", *(name for name, is_known in known.items() if is_known))


def _slices(reference: Entrant, entrants: Sequence[Entrant], asked: Asked) -> tuple[Difference, ...]:
    rules = asked.suite.slices
    cases = {case.id: case for entrant in entrants for case in entrant.cases}
    everyone = [cases[case_id] for case_id in sorted(cases)]
    slices = [(one, select(everyone, one, rules)) for one in slices_of(everyone, rules, asked.suite.crosses)]
    others = [entrant for entrant in entrants if entrant is not reference]
    return slice_differences(asked.choose.quality, reference, others, slices)


def _notices(ordered: Sequence[Entrant], candidates: Sequence[Candidate], asked: Asked) -> list[str]:
    """What is missing, and what the means of candidates are not about."""
    quality = asked.choose.quality
    said = [text for one in candidates for text in _missing(one, quality)]
    if not any(one.cost_per_1000.value is not None for one in candidates):
        said.append("no candidate's cost is known: cost decides nothing")
    if not any(one.latency_p95.value is not None for one in candidates):
        said.append("no candidate's latency is known: latency decides nothing")
    means = [one.standings[quality].mean for one in candidates]
    reach = [(mean.n + mean.n_unscored) / len(one.cases) for mean, one in zip(means, ordered, strict=True)]
    if max(reach) - min(reach) > APPLIES_APART:
        least, most = share(min(reach)), share(max(reach))
        said.append(
            f"{quality} applies to between {least} and {most} of the cases, by candidate: the means are over "
            "different cases, the differences over those in common"
        )
    return said


def _missing(one: Candidate, quality: str) -> Iterator[str]:
    mean = one.standings[quality].mean
    if mean.n_unscored:
        total = mean.n + mean.n_unscored
        yield f"{one.name}: {mean.n_unscored:,} of {total:,} cases were not scored and count at their worst"
    for what, found in (("cost", one.cost_per_1000), ("p95 latency", one.latency_p95)):
        if found.value is None and found.n:
            total = found.n + found.n_unknown
            yield f"{one.name}: its {what} is not known: {found.n_unknown:,} of {total:,} answers lack it"
    yield from _spared(one)


def _spared(one: Candidate) -> Iterator[str]:
    """What answers from a cache leave open of a cost and a latency."""
    left_out: dict[tuple[int, bool], list[str]] = {}
    for what, found in (("cost", one.cost_per_1000), ("latency", one.latency_p95)):
        if found.n_cached:
            left_out.setdefault((found.n_cached, found.n > 0), []).append(what)
    for (n, is_known), whats in left_out.items():
        kept = f"{one.name}: {n:,} answers came from a cache and are no part of its {' and '.join(whats)}"
        yield kept if is_known else f"{kept}, which {'are' if len(whats) > 1 else 'is'} not known"
