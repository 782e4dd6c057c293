"""Two random halves of one system's answers, one as the baseline of the other: nothing got worse."""

from __future__ import annotations

import random

from msgspec.structs import replace
from workbench import table

from harness.api.deciding import gate
from harness.baselines import Baseline
from harness.types import Recorded, Result

SEEDS = range(20)


def halves(recorded: Recorded, seed: int) -> tuple[Recorded, Recorded]:
    """Part the documents at random; the second half takes the place of the first, document by document.

    Its pairs have nothing in common but the system, so that the change is noise, and more of it than between
    two runs of the same questions.
    """
    documents = sorted({case.cluster for case in recorded.cases})
    random.Random(seed).shuffle(documents)  # noqa: S311 -- a sample
    half = len(documents) // 2
    by_document: dict[str, list[Result]] = {}
    cluster = {case.id: case.cluster for case in recorded.cases}
    for result in recorded.results:
        by_document.setdefault(cluster[result.case_id], []).append(result)
    cases = {case.cluster: case for case in recorded.cases}
    pairs = list(zip(documents[:half], documents[half : 2 * half], strict=True))
    kept = tuple(cases[first] for first, _ in pairs)
    names = [case.id for case in kept]

    def half_of(side: int, run: str) -> Recorded:
        results = tuple(
            replace(by_document[pair[side]][0], case_id=name) for pair, name in zip(pairs, names, strict=True)
        )
        return replace(
            recorded,
            run=replace(recorded.run, id=run, n_cases=half),
            cases=kept,
            digests={name: recorded.digests[name] for name in names},
            results=results,
        )

    return half_of(0, "first"), half_of(1, "second")


def called_regressions(systems: dict[str, Recorded]) -> None:
    """Print how often the gate says fail, inconclusive and pass of two halves of each system."""
    rows = []
    total = {"fail": 0, "inconclusive": 0, "pass": 0}
    for name, recorded in systems.items():
        counts = dict.fromkeys(total, 0)
        for seed in SEEDS:
            first, second = halves(recorded, seed)
            drops = [found for found in gate(second, Baseline((first,))).verdicts if found.limit is not None]
            outcomes = {found.outcome for found in drops if found.comparison is not None and found.holds}
            worst = next((kind for kind in ("fail", "inconclusive") if kind in outcomes), "pass")
            counts[worst] += 1
        n = len(halves(recorded, 0)[0].cases)
        rows.append((name, n, *counts.values()))
        total = {kind: total[kind] + counts[kind] for kind in total}
    print(f"two random halves of one system ({len(SEEDS)} seeds each): is the second called a regression?")
    table([*rows, ("all", "", *total.values())], ("system", "pairs", "fail", "inconclusive", "pass"))
