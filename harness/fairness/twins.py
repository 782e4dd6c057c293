"""Counterfactual twins: the same question with another name, dialect or language, compared pair by pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from harness.comparison import LEVEL, SAME, Table, resolution
from harness.fairness.gaps import MIN_CLUSTERS
from harness.types import UNSCORED, VARIANT, Case, Interval, MetricIdentity, Result, TwinExample, TwinSwap

NO_VALUE = "(none)"
MOST_EXAMPLES = 3


class Said(NamedTuple):
    """What was asked and answered, by case: the case itself, and its first repeat."""

    cases: Mapping[str, Case]
    results: Mapping[str, Result]


class TwinPair(NamedTuple):
    """Two cases of one family that differ in ``attribute``: the one whose value is first by name is first."""

    attribute: str
    swap: tuple[str, str]
    first: Case
    second: Case


def twin_pairs(cases: Sequence[Case]) -> tuple[TwinPair, ...]:
    """Give every pair of an original and its twins, and of twins of one original, whose groups differ.

    A pair that differs in several attributes is one of all of them together (``dialect & language``): what
    made a difference there cannot be told apart. Variants that differ from their original in no group are
    left out: their wording differs, too.
    """
    groups = {case.id: case.groups for case in cases}
    families: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        reworded = VARIANT in case.metadata and groups.get(case.twin_of or "") == case.groups
        if not reworded:
            families[case.twin_of or case.id].append(case)
    found = []
    for family in families.values():
        for pair in combinations(sorted(family, key=lambda case: case.id), 2):
            names = sorted(pair[0].groups.keys() | pair[1].groups.keys())
            differing = [name for name in names if pair[0].groups.get(name) != pair[1].groups.get(name)]
            if not differing:
                continue
            values = [" & ".join(case.groups.get(name, NO_VALUE) for name in differing) for case in pair]
            first, second = sorted(zip(values, pair, strict=True), key=lambda item: item[0])
            found.append(TwinPair(" & ".join(differing), (first[0], second[0]), first[1], second[1]))
    return tuple(sorted(found, key=lambda pair: (pair.attribute, pair.swap, pair.first.id, pair.second.id)))


def twin_swaps(
    name: str,
    pairs: Sequence[TwinPair],
    table: Table,
    metric: MetricIdentity,
    said: Said,
) -> tuple[TwinSwap, ...]:
    """Test one metric on the pairs: all swaps of an attribute together, then each swap by itself.

    Args:
        name: the metric.
        pairs: as ``twin_pairs`` gives them.
        table: the metric's values by case.
        metric: direction and range.
        said: for the examples.
    """
    rows: list[TwinSwap] = []
    for attribute in sorted({pair.attribute for pair in pairs}):
        chosen = [pair for pair in pairs if pair.attribute == attribute]
        swaps = sorted({pair.swap for pair in chosen})
        every = _Compared.of(chosen, table, metric)
        if not every.pairs and not every.unscored:
            continue
        rows.append(every.as_swap(name, attribute, None, said))
        single = [
            _Compared.of([pair for pair in chosen if pair.swap == swap], table, metric) for swap in swaps
        ]
        kept = [
            (swap, found) for swap, found in zip(swaps, single, strict=True) if found.pairs or found.unscored
        ]
        rows += _adjusted(
            [(found, found.as_swap(name, attribute, swap, said)) for swap, found in kept if found.pairs],
            metric,
        )
        rows += [found.as_swap(name, attribute, swap, said) for swap, found in kept if not found.pairs]
    return tuple(rows)


class _Compared(NamedTuple):
    """Pairs with both scores, the harm of second against first, and how many pairs lack a score."""

    pairs: list[TwinPair]
    harms: list[float]
    values: list[tuple[float, float]]
    unscored: int

    @classmethod
    def of(cls, pairs: Sequence[TwinPair], table: Table, metric: MetricIdentity) -> _Compared:
        found = cls([], [], [], 0)
        unscored = 0
        sign = -1.0 if metric.higher_is_better else 1.0
        for pair in pairs:
            first, second = table.get(pair.first.id), table.get(pair.second.id)
            if first and second and first.value is not None and second.value is not None:
                found.pairs.append(pair)
                found.harms.append(sign * (second.value - first.value))
                found.values.append((first.value, second.value))
            elif any(side is None or side.status in UNSCORED for side in (first, second)):
                unscored += 1
        return found._replace(unscored=unscored)

    @property
    def clusters(self) -> list[str]:
        return [pair.first.cluster for pair in self.pairs]

    def as_swap(self, name: str, attribute: str, swap: tuple[str, str] | None, said: Said) -> TwinSwap:
        from harness.stats.intervals import mean_ci

        flips = [float(abs(harm) > SAME) for harm in self.harms]
        return TwinSwap(
            attribute=attribute,
            metric=name,
            swap=swap,
            n_pairs=len(self.pairs),
            n_unscored=self.unscored,
            n_flips=int(sum(flips)),
            flip_rate=sum(flips) / len(flips) if flips else None,
            flip_interval=mean_ci(flips, self.clusters, 0.0, 1.0, LEVEL) if flips else None,
            examples=tuple(self._examples(said)),
        )

    def _examples(self, said: Said) -> Iterator[TwinExample]:
        """The pairs that differ most."""
        order = sorted(range(len(self.pairs)), key=lambda at: (-abs(self.harms[at]), at))
        for at in order[:MOST_EXAMPLES]:
            if abs(self.harms[at]) <= SAME:
                return
            first, second = self.pairs[at].first.id, self.pairs[at].second.id
            yield TwinExample(
                cases=(first, second),
                values=self.values[at],
                inputs=(said.cases[first].query.input, said.cases[second].query.input),
                outputs=(_output(said.results, first), _output(said.results, second)),
            )


def _output(results: Mapping[str, Result], case_id: str) -> str:
    found = results.get(case_id)
    if found is None:
        return ""
    return f"error: {found.response.error.kind}" if found.response.error else found.response.output or ""


def _adjusted(rows: Sequence[tuple[_Compared, TwinSwap]], metric: MetricIdentity) -> list[TwinSwap]:
    """Test each swap by flipping whole documents; Holm's p-values and Bonferroni's intervals over them."""
    import msgspec

    from harness.stats.exact import sign_flip_test
    from harness.stats.paired import clustered_mean, two_sided_limits

    raw = [
        min(
            1.0,
            2
            * min(sign_flip_test([side * harm for harm in found.harms], found.clusters) for side in (1, -1)),
        )
        for found, _ in rows
    ]
    adjusted, last = [1.0] * len(raw), 0.0
    for rank, at in enumerate(sorted(range(len(raw)), key=lambda at: (raw[at], at))):
        last = max(last, min(1.0, raw[at] * (len(raw) - rank)))
        adjusted[at] = last
    given = []
    for (found, row), p in zip(rows, adjusted, strict=True):
        result = clustered_mean(found.harms, found.clusters)
        interval = None
        if result.clusters >= MIN_CLUSTERS:
            low, high = two_sided_limits(result, 1 - (1 - LEVEL) / len(rows))
            room = resolution(result.n, metric)  # pairs without a difference leave that much open
            low, high = min(low, result.mean - room), max(high, result.mean + room)
            interval = Interval(low, high, LEVEL, "paired t, clustered, Bonferroni")
        given.append(
            msgspec.structs.replace(row, difference=result.mean + 0.0, interval=interval, p_adjusted=p)
        )
    return given
