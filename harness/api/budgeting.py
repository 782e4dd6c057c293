"""What holds a run back, as its suite and the command line say: limits, and a budget that is kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from harness.api.asking import Plan
from harness.engine.budget import NO_COST_MEND, Budget
from harness.engine.limits import RunLimits
from harness.errors import UsageError
from harness.registry import find_metric
from harness.types import JudgeSettings, Recorded, Result, Suite

SPARE = 1.1
"""How much more than foreseen is proposed, for a run that is gone on with."""


class Wanted(NamedTuple):
    """What a command line says of how much is asked and spent; None keeps what the suite says."""

    max_concurrency: int | None = None
    max_cost_usd: float | None = None
    max_minutes: float | None = None


class Spent(NamedTuple):
    """Why a run stopped before its end: what was used up, what it has cost (None: nothing is known).

    ``enough_usd`` is the budget by which the whole run could be asked; None where money was not the limit.
    """

    why: str
    cost_usd: float | None
    enough_usd: float | None


def limits_of(plans: Iterable[Plan], wanted: Wanted, seed: int, before: Iterable[Recorded]) -> RunLimits:
    """Give what holds a run back, with what its earlier part has spent.

    Args:
        plans: the systems that are asked, of one suite.
        wanted: what the command line says.
        seed: of the run: draws the waits before retries.
        before: what stands in the recordings. Costs count for the run, minutes for this part of it.

    Raises:
        UsageError: there is a limit of money, and prices that it needs are not given.
    """
    plans = list(plans)
    suite = plans[0].file.suite
    cost, minutes = wanted.max_cost_usd, wanted.max_minutes
    budget = Budget(
        suite.budget.max_cost_usd if cost is None else cost,
        suite.budget.max_minutes if minutes is None else minutes,
    )
    if budget.max_cost_usd is not None:
        _check_prices(plans)
    costs = [_cost_of(result) for recorded in before for result in recorded.results]
    known = [one for one in costs if one is not None]
    budget.count_before(len(known), math.fsum(known))
    in_flight = wanted.max_concurrency or suite.run.max_concurrency
    return RunLimits(replace(suite.run, max_concurrency=in_flight), seed, budget)


def spent_of(limits: RunLimits, why: str, missing: int) -> Spent:
    """Say what a run that stopped has spent; ``missing`` cases are not asked yet."""
    budget = limits.budget
    mean = budget.mean_usd
    cost = budget.spent_usd if mean is not None else None
    if budget.max_cost_usd is None or mean is None:
        return Spent(why, cost, None)
    return Spent(why, cost, rounded_up(SPARE * (budget.spent_usd + missing * mean)))


def _cost_of(result: Result) -> float | None:
    """What a result has cost, None where that is not known.

    Judges count also where their verdicts came from the cache: that is not recorded.
    """
    judged = [
        judge["cost_usd"] or 0.0
        for score in result.scores.values()
        for judge in score.details.get("judges", ())
    ]
    if result.response.usage.cost_usd is None or result.response.cached:
        return math.fsum(judged) or None
    return result.response.usage.cost_usd + math.fsum(judged)


def _check_prices(plans: Iterable[Plan]) -> None:
    for plan in plans:
        options = plan.system.options
        if plan.system.adapter == "openai_chat" and options.get("usd_per_million_tokens") is None:
            what = "the system has no prices: a budget of money cannot be kept"
            raise UsageError(what, mend=NO_COST_MEND)
        for name in _judges_of(plan.file.suite):
            judge = plan.file.suite.judges.get(name)
            if judge is not None:
                check_judge_prices(name, judge)


def check_judge_prices(name: str, judge: JudgeSettings) -> None:
    """See that a budget of money can be kept with a judge.

    Raises:
        UsageError: it has no prices.
    """
    if judge.usd_per_million_tokens is None:
        what = f"judge {name!r} has no prices: a budget of money cannot be kept"
        mend = "give its usd_per_million_tokens, { input: 0, output: 0 } where it costs nothing"
        raise UsageError(what, mend=mend)


def _judges_of(suite: Suite) -> list[str]:
    judged = [name for name in suite.metrics if "judge" in find_metric(name).needs]
    return list(dict.fromkeys(judge for name in judged for judge in suite.judging_of(name).judges))


def rounded_up(amount: float) -> float:
    """Two significant digits, never less."""
    if amount <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(amount)) - 1)
    return float(f"{math.ceil(amount / unit - 1e-9) * unit:.10g}")
