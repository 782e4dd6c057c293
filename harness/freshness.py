"""Whether a baseline still holds: a fresh sample of its system against its runs, case by case."""

from __future__ import annotations

import math
import shlex
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from harness.comparison import RunScores, estimate, run_scores
from harness.gates.drop import MAX_JUDGE_ERRORS, MAX_UNPAIRED
from harness.gates.drop_tests import MIN_CLUSTERS, MIN_PAIRS, MIN_SLICE_CLUSTERS, MIN_SLICE_PAIRS, scale_of
from harness.limits import could_be_sure
from harness.measurement import LARGEST_LOG, T_TEST, measure
from harness.numbers import number, p_value, relative, relative_interval, with_interval
from harness.pairing import Pairs, Scale, pair
from harness.planning import stages_of
from harness.pooling import differences
from harness.types import Case, Comparison, Interval, Recorded, Run, Slice, Suite, Verdict

ALPHA = 0.01
"""How often a baseline whose system answers as before is said to have moved, over all metrics together."""
SHARE = 0.2
"""Share of the baseline's cases that are asked again unless something else is said."""
ROOM = 1.25
"""How many times as many cases of a metric are asked as are needed: some answers may be lost."""

MOST_NAMED = 3

State = Literal["holds", "moved", "undecided"]


class Compared(NamedTuple):
    """What of the answers is compared: a metric, as differences or as ratios."""

    metric: str
    scale: Scale


class Move(msgspec.Struct, frozen=True):
    """One metric in a fresh sample: how it differs from what the baseline's runs say of the same cases.

    ``comparison`` has the fresh sample as its candidate. Its ``interval`` holds together with those of the
    other metrics; ``p_adjusted``, two-sided and of all metrics together, is held against ``level``;
    ``detectable`` is the smallest true move, up or down, that is found with 80 % power. ``reason`` says why a
    metric is undecided.
    """

    metric: str
    state: State
    comparison: Comparison
    reason: str = ""


class Freshness(msgspec.Struct, frozen=True):
    """What a fresh sample says of a baseline: by metric, and in all; ``reasons`` why it does not hold."""

    state: State
    cases: int
    documents: int
    moves: tuple[Move, ...] = ()
    reasons: tuple[str, ...] = ()


def drops_compared(suite: Suite, baseline: RunScores, cases: Sequence[Case]) -> tuple[Compared, ...]:
    """Name what the suite's gates on a drop from the baseline compare, in suite order.

    A metric that has a value in fewer cases than any gate can be decided on is left out.
    """
    asked = dict.fromkeys(
        Compared(gate.metric or "", scale_of(gate))
        for gate in suite.gates
        if gate.kind == "drop" and gate.against != "anchor"
    )
    return tuple(
        one
        for one in asked
        if is_enough(_known(baseline, one.metric, cases), MIN_SLICE_PAIRS, MIN_SLICE_CLUSTERS)
    )


def fresh_cases(
    cases: Sequence[Case], baseline: RunScores, metrics: Collection[str], share: float, seed: int
) -> tuple[Case, ...]:
    """Draw whole documents: a share of the cases, and more where that is too few to say anything.

    They are the documents that a check of the same seed asks first (``planning.stages_of``), until there are
    50 cases from 15 documents, and every metric has a value in 25 cases from 13.

    Args:
        cases: those that may be drawn.
        baseline: tells which of them have a value; the values themselves change nothing.
        metrics: each with enough values among the cases.
        share: of the cases, above 0 and at most 1.
        seed: of the order.
    """

    def first(n: int) -> tuple[Case, ...]:
        return stages_of(cases, seed, (n / len(cases), 1.0), least_documents=1)[0]

    def says_enough(n: int) -> bool:
        drawn = first(n)
        least = ROOM * MIN_SLICE_PAIRS, ROOM * MIN_SLICE_CLUSTERS
        known = (_known(baseline, metric, drawn) for metric in metrics)
        return is_enough(drawn, MIN_PAIRS, MIN_CLUSTERS) and all(is_enough(one, *least) for one in known)

    counts = range(math.ceil(share * len(cases) - 1e-9), len(cases))
    at = bisect_left(counts, True, key=says_enough)
    return first(counts[at]) if at < len(counts) else tuple(cases)


def _known(baseline: RunScores, metric: str, cases: Sequence[Case]) -> list[Case]:
    table = baseline.tables.get(metric, {})
    return [case for case in cases if case.id in table and table[case.id].value is not None]


def is_enough(cases: Sequence[Case], n: float, documents: float) -> bool:
    """Say whether there are so many cases from so many documents."""
    return len(cases) >= n and len({case.cluster for case in cases}) >= documents


def differs_in(baseline: Run, fresh: Run, tested: Sequence[Compared]) -> tuple[str, ...]:
    """Say in what a fresh sample is not one of the baseline's system, or is scored otherwise."""
    names = {one.metric for one in tested}
    first, other = (
        replace(
            run,
            metrics={name: one for name, one in run.metrics.items() if name in names},
            judges={name: one for name, one in run.judges.items() if name in names},
        )
        for run in (baseline, fresh)
    )
    return differences(first, other)


def judge_fresh(
    fresh: Recorded | None, baseline: RunScores, suite: Suite, *, intersect: bool = False
) -> Freshness:
    """Say whether a baseline still holds, from a fresh sample of its system.

    By metric: the mean over the sample's cases of fresh minus baseline, each case's values averaged over
    repeats and runs first; two-sided Student's t on the cluster-robust error (``stats.paired``), at 1 % for
    all metrics together by Bonferroni: so the intervals agree with the verdict, no metric's number depends
    on another's, and what missing scores could hide can be computed. What a run as a whole moves by is what
    is looked for, so that it is not added to the error.

    It moved where a metric is sure to have. It holds only where none has, whatever the missing scores are.

    Args:
        fresh: the sample; None: there is none.
        baseline: its runs, pooled.
        suite: whose gates say which metrics are compared.
        intersect: the goldens may differ in other cases than the sample's.
    """
    if fresh is None:
        return Freshness("undecided", 0, 0, reasons=("the sample's recording is missing",))
    scores = run_scores(fresh)
    documents = len({case.cluster for case in fresh.cases})
    empty = Freshness("undecided", len(fresh.cases), documents)
    tested = drops_compared(suite, baseline, baseline.cases)
    of = replace(fresh.run, dataset_digest=baseline.run.dataset_digest) if intersect else fresh.run
    if said := differs_in(baseline.run, of, tested):
        return replace(empty, reasons=(f"the sample is not of the baseline's system: {'; '.join(said)}",))
    if not tested:
        return replace(empty, reasons=("no metric of a gate on a drop has enough cases",))
    moves = tuple(_move(one, baseline, scores, ALPHA / len(tested)) for one in tested)
    for state in ("moved", "undecided"):
        found = [one for one in moves if one.state == state]
        if found:
            units = baseline.run.metrics
            why = [f"{one.metric} {one.reason or moved_text(one, units[one.metric].unit)}" for one in found]
            return replace(empty, state=state, moves=moves, reasons=tuple(why))
    return replace(empty, state="holds", moves=moves)


def withhold(verdicts: Sequence[Verdict], found: Freshness, suite: Suite) -> tuple[Verdict, ...]:
    """Leave every gate on a drop undecided unless the baseline holds; what they measured stays.

    Those against the anchor, too: what moved the baseline's system may have moved the candidate.
    """
    if found.state == "holds":
        return tuple(verdicts)
    drops = {gate.id for gate in suite.gates if gate.kind == "drop"}
    names = ", ".join(dict.fromkeys(one.metric for one in found.moves if one.state == found.state))
    if found.state == "moved":
        why = f"the baseline moved since it was recorded ({names})"
    else:
        why = f"a fresh sample cannot tell whether the baseline holds ({names or _some(found.reasons, '; ')})"
    withheld = {"outcome": "inconclusive", "reason": why, "holds": True, "n_needed": None}
    return tuple(replace(one, **withheld) if one.gate in drops else one for one in verdicts)


def fresh_notices(found: Freshness, again: str) -> list[str]:
    """Say what a fresh sample told of the baseline; ``again`` is how the baseline is recorded again."""
    of = f"{found.cases:,} of the baseline's cases asked again"
    if found.state == "holds":
        seen = _some([_seen(one.comparison) for one in found.moves], ", ")
        return [f"the baseline still holds: {of}, no metric moved; 80 % of moves are seen from {seen}"]
    why = _some(found.reasons, "; ")
    if found.state == "moved":
        return [f"the baseline moved since it was recorded: {again}", f"{of}: {why}"]
    mend = "ask what failed again with --resume and --retry-errors, or a larger share with --fresh"
    return [f"it cannot be told whether the baseline still holds: {why}", f"{of}: {mend}"]


def _some(parts: Sequence[str], between: str) -> str:
    more = f" and {len(parts) - MOST_NAMED} more" if len(parts) > MOST_NAMED else ""
    return between.join(parts[:MOST_NAMED]) + more


def again_text(suite_path: str, candidate: str) -> str:
    """Say how a baseline is recorded again."""
    name = f" --candidate {shlex.quote(candidate)}" if candidate else ""
    run = f"harness run {shlex.quote(suite_path)}{name}"
    return f"run it again with `{run}`, and promote that run with `harness baseline promote`"


def _seen(found: Comparison) -> str:
    least = relative(found.detectable) if found.scale == "ratio" else number(found.detectable)
    return f"{found.metric} {least}"


def moved_text(move: Move, unit: str) -> str:
    """Write a change with its interval and p-value: ``−0.120 [−0.201, −0.039], adjusted p < 0.001``."""
    found, p = move.comparison, p_value(move.comparison.p_adjusted)
    if found.scale == "ratio":
        change = f"{relative(found.change, change=True)} {relative_interval(found.interval)}"
    else:
        change = with_interval(found.change, found.interval, unit, change=True)
    return f"{change}, adjusted p {p if p[0] in '<>' else f'= {p}'}"


def _move(tested: Compared, baseline: RunScores, fresh: RunScores, alpha: float) -> Move:
    """Compare one metric, two-sided at ``alpha``."""
    from harness.stats import paired

    name, scale = tested
    metric, cases = baseline.run.metrics[name], fresh.cases
    tables = baseline.tables[name], fresh.tables[name]
    pairs = pair(*tables, cases, metric, scale)
    before, after = (estimate(table, cases, metric) for table in tables)
    found = Comparison(name, Slice(), before, after, higher_is_better=metric.higher_is_better)
    found = measure(pairs, found, alpha / 2, scale=scale)
    if found.n_pairs < MIN_SLICE_PAIRS or found.n_clusters < MIN_SLICE_CLUSTERS:
        few = f"has {found.n_pairs} pairs from {found.n_clusters} documents, too few to say"
        return Move(name, "undecided", found, f"{few} (need {MIN_SLICE_PAIRS} from {MIN_SLICE_CLUSTERS})")
    result = paired.clustered_mean(pairs.harms, pairs.clusters)
    better = paired.positive_mean_test(result._replace(mean=-result.mean))
    worse = paired.positive_mean_test(result)
    p = 2 * min(better, worse)
    sign = -1.0 if metric.higher_is_better else 1.0
    ends = paired.two_sided_limits(result, 1 - alpha)
    low, high = sorted(min(pairs.span, max(-pairs.span, sign * end + 0.0)) for end in ends)
    if scale == "ratio":  # as ``measure`` shows the change
        low, high = (math.expm1(min(end, LARGEST_LOG)) for end in (low, high))
    found = replace(
        found,
        interval=Interval(low, high, 1 - ALPHA, "paired t, clustered, simultaneous"),
        p_worse=worse,
        method=T_TEST,
        p_adjusted=min(1.0, p * ALPHA / alpha),
        level=ALPHA,
    )
    if p <= alpha:
        return Move(name, "moved", found)
    reason = _why_undecided(pairs, alpha)
    return Move(name, "undecided" if reason else "holds", found, reason)


def _why_undecided(pairs: Pairs, alpha: float) -> str:
    """Say which missing scores may hide a move; empty: none do."""
    total = pairs.total + pairs.unpaired
    lost = pairs.unpaired + len(pairs.worst)
    if lost > MAX_UNPAIRED * total:
        return f"could not be paired in {lost} of {total} cases (at most 5 %)"
    if pairs.judge_errors > MAX_JUDGE_ERRORS * total:
        return f"has no score from its judge in {pairs.judge_errors} of {total} cases (at most 2 %)"
    if pairs.worst and any(could_be_sure(side, alpha / 2) for side in (pairs, _turned(pairs))):
        return f"could have moved: {len(pairs.worst)} of {total} cases are unscored"
    return ""


def _turned(pairs: Pairs) -> Pairs:
    """The pairs with better and worse changed over."""
    worst = [
        math.inf if math.isinf(width) else width - most
        for most, width in zip(pairs.worst, pairs.widths, strict=True)
    ]
    return pairs._replace(harms=[-harm for harm in pairs.harms], worst=worst)
