"""Two random halves of one system's answers, one as the baseline of the other: nothing got worse."""

from __future__ import annotations

import random
from collections import Counter

from msgspec.structs import replace
from workbench import table

from harness.api.deciding import evidence_of
from harness.baselines import Baseline
from harness.gates.decide import decide_all
from harness.types import Recorded, Result

SEEDS = range(20)
KINDS = ("fail", "inconclusive", "pass", "p")


def halves(recorded: Recorded, seed: int) -> tuple[Recorded, Recorded]:
    """Part the questions at random; each of the second half takes the place of one of the first.

    Within each group (a language), so that a slice is compared with itself. Such pairs have nothing else in
    common but the system: the change is noise, and more of it than between two runs of the same questions.
    """
    chance = random.Random(seed)  # noqa: S311 -- a sample
    groups = {case.id: str(sorted(case.groups.items())) for case in recorded.cases}
    by_group: dict[str, list[Result]] = {}
    for result in recorded.results:
        by_group.setdefault(groups[result.case_id], []).append(result)
    first: list[Result] = []
    second: list[Result] = []
    for members in by_group.values():
        chance.shuffle(members)
        half = len(members) // 2
        first += members[:half]
        second += members[half : 2 * half]
    names = [result.case_id for result in first]
    kept = tuple(case for case in recorded.cases if case.id in set(names))

    def half_of(results: list[Result], run: str) -> Recorded:
        return replace(
            recorded,
            run=replace(recorded.run, id=run, n_cases=len(names)),
            cases=kept,
            digests={name: recorded.digests[name] for name in names},
            results=tuple(replace(result, case_id=name) for result, name in zip(results, names, strict=True)),
        )

    return half_of(first, "first"), half_of(second, "second")


def called_regressions(systems: dict[str, Recorded]) -> None:
    """Print how often the gates on drops say fail, inconclusive and pass of two halves of each system.

    And how often the first of them has a p-value up to 5 % by itself: about 5 % of halves should.
    """
    rows: list[tuple[object, ...]] = []
    total: Counter[str] = Counter()
    for name, recorded in systems.items():
        found = [_outcome(*halves(recorded, seed)) for seed in SEEDS]
        counts = Counter(outcome for outcome, _, _ in found)
        counts["p"] = sum(p is not None and p <= 0.05 for _, p, _ in found)
        rows.append((name, found[0][2], *(counts[kind] for kind in KINDS)))
        total += counts
    print(f"two random halves of one system ({len(SEEDS)} seeds each): is the second called a regression?")
    rows.append(("all", "", *(total[kind] for kind in KINDS)))
    table(rows, ("system", "pairs", "fail", "inconclusive", "pass", "single p ≤ 0.05"))


def _outcome(first: Recorded, second: Recorded) -> tuple[str, float | None, int]:
    verdicts = decide_all(evidence_of(second, Baseline((first,))), {})
    drops = [found for found in verdicts if found.comparison is not None]
    outcomes = {found.outcome for found in drops if found.holds}
    worst = next((kind for kind in ("fail", "inconclusive") if kind in outcomes), "pass")
    alone = drops[0].comparison
    return worst, alone.p_worse if alone else None, drops[0].n_total
