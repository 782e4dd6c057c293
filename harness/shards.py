"""A run in shards: which case is in which, what its parts must agree on, and what each may ask at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from harness.cases import outlines, picked
from harness.errors import UsageError
from harness.types import BudgetSettings, Case, Run, Shard, Suite

DIVIDED = ("max_concurrency", "requests_per_minute", "tokens_per_minute")
"""Limits of how a system or a judge is asked that hold for all shards together."""

CALLS_IN_A_SHARD, MOST_FIT = 50, 1_000


class Member(NamedTuple):
    """A shard of a run with its cases, in the order of the whole run."""

    shard: Shard
    cases: Sequence[Case]


def shard_of(case_id: str, of: int) -> int:
    """Give the shard (from 1) of a case: by its id alone, whatever else is asked, in whatever order.

    Not by its document: shards of whole documents would be as uneven as documents are.
    """
    digest = hashlib.sha256(case_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % of + 1


def fit_shards(n_calls: int) -> int:
    """Give a number of shards that is fit for so many calls: one for every 50, 1,000 at most."""
    return min(MOST_FIT, -(-n_calls // CALLS_IN_A_SHARD))


def part_cases(run: Run, cases: Sequence[Case], of: int) -> tuple[Member, ...]:
    """Part the cases of a run into shards 1 to ``of``; one may be without a case."""
    places: list[list[int]] = [[] for _ in range(of)]
    for place, case in enumerate(outlines(cases)):
        places[shard_of(case.id, of) - 1].append(place)
    plan = plan_digest(run, of)
    return tuple(
        Member(Shard(number, of, plan, len(cases), tuple(own)), picked(cases, own))
        for number, own in enumerate(places, 1)
    )


def plan_facts(run: Run, of: int) -> dict[str, bytes]:
    """What all parts of a run must agree on, named as it is told, as JSON; ``run`` may be that of a part."""
    facts = {
        "the run's id": run.id,
        "the number of shards": of,
        "the version of harness": run.harness_version,
        "the suite": (run.suite_name, run.suite),
        "the goldens": run.dataset_digest,
        "the corpus": run.corpus_digest,
        "the candidate": run.candidate,
        "the system's configuration": (run.system_fingerprint, run.config),
        "the revision": run.revision,
        "the metrics": run.metrics,
        "the judges": run.judges,
        "the seed": run.seed,
        "the repeats": run.repeats,
        "the selection": run.selection,
    }
    return {name: msgspec.json.encode(value, order="deterministic") for name, value in facts.items()}


def plan_digest(run: Run, of: int) -> str:
    """Digest of all that the parts of a run must agree on."""
    return hashlib.sha256(b"\n".join(plan_facts(run, of).values())).hexdigest()


def differences(one: Run, of: int, other: Run, other_of: int) -> list[str]:
    """Name what two parts do not agree on."""
    theirs = plan_facts(other, other_of)
    return [name for name, value in plan_facts(one, of).items() if value != theirs[name]]


def most_at_once(suite: Suite) -> int:
    """How many processes can share a suite's limits, each of them getting something of all."""
    settings = (suite.run, *suite.judges.values())
    limits = (getattr(one, name, None) for one in settings for name in DIVIDED)
    return min(limit for limit in limits if isinstance(limit, int))


def share_of(suite: Suite, number: int, of: int) -> Suite:
    """Give a suite that asks no more than the share of process ``number`` (from 1) of ``of`` at a time.

    What all of them may have in flight, and ask in a minute, is never more than the suite says; a limit that
    is not set stays unset.

    Raises:
        UsageError: there are more processes than calls that may be in flight.
    """
    judges = {name: _share(settings, f"judges.{name}", number, of) for name, settings in suite.judges.items()}
    return replace(suite, run=_share(suite.run, "run", number, of), judges=judges)


def budget_of_shard(budget: BudgetSettings, shard: Shard) -> BudgetSettings:
    """Give a shard as much of a run's money as it has of its cases; the minutes are those of every shard."""
    cost = budget.max_cost_usd
    return replace(budget, max_cost_usd=cost and cost * len(shard.places) / shard.n_cases)


def _share(settings: Any, where: str, number: int, of: int) -> Any:
    shares: dict[str, float] = {}
    for name in DIVIDED:
        whole = getattr(settings, name, None)
        if whole is None:
            continue
        if isinstance(whole, int):
            shares[name] = whole // of + (number <= whole % of)
        else:
            shares[name] = whole / of
        if not shares[name]:
            what = f"{where}.{name} is {whole}, too few to be shared by {of} shards at a time"
            raise UsageError(what, mend="raise it, or have fewer shards asked at a time (--at-once)")
    return replace(settings, **shares)
