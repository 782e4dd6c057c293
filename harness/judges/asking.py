"""Judges as a metric asks them: each model by itself, several as one, and what they said of an answer."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import math
from collections import Counter
from collections.abc import Coroutine, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from harness.cache import Cache, key_of
from harness.errors import JudgeFailure
from harness.judges.client import Reading, cost_usd, known_sum
from harness.judges.prompts import make_marker, prompt_digest
from harness.types import JudgeSettings, Opinion, Question, Rubric

FORM = 1
"""Version of how questions are put and verdicts read, beyond the prompt files."""
LIKELY = 1e-6
Found = TypeVar("Found")


def fingerprint_of(settings: JudgeSettings, metric: str, prompt: str, rubric: Rubric | None = None) -> str:
    """What of a judge moves its verdicts on a metric: model, service, script, parameters, prompt, rubric.

    Keys, times, retries and prices are no part of it. References to the environment stand as written.

    Returns:
        16 hexadecimal digits.
    """
    said = {
        "form": FORM,
        "metric": metric,
        "prompt": prompt_digest(prompt),
        "rubric": rubric,
        **{name: getattr(settings, name) for name in ("base_url", "model", "output", "temperature")},
        **{name: getattr(settings, name) for name in ("max_tokens", "repeats")},
        **({} if settings.script is None else {"script": settings.script}),
    }
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:16]


class Asked(Protocol):
    """Who gives verdicts: a model behind a service, or a script."""

    settings: JudgeSettings

    async def ask(self, question: Question, marker: str) -> Reading:
        """Give the verdicts on a question.

        Raises:
            JudgeFailure: it gives none.
        """


class One(NamedTuple):
    """One judge for one metric: its name in the suite, who it is, and where it is asked."""

    name: str
    fingerprint: str
    client: Asked
    cache: Cache[Reading]

    async def ask(self, question: Question, repeat: int, marker: str) -> tuple[Reading, bool]:
        """Give the verdicts, and whether they were paid for earlier.

        With ``logprob`` each item is a question of its own, one after the other: all begin alike, which
        servers with a prefix cache read once.

        Raises:
            JudgeFailure: it gives none.
        """
        if self.client.settings.output != "logprob":
            return await self._ask(question, repeat, marker)
        found = []
        for item in question.items:
            single = msgspec.structs.replace(question, items=(item,))
            found.append(await self._ask(single, repeat, marker))
        readings = [reading for reading, _ in found]
        whole = Reading(
            tuple(reading.shares[0] for reading in readings),
            "; ".join(dict.fromkeys(reading.served for reading in readings)),
            known_sum([reading.input_tokens for reading in readings]),
            known_sum([reading.output_tokens for reading in readings]),
        )
        return whole, all(cached for _, cached in found)

    async def _ask(self, question: Question, repeat: int, marker: str) -> tuple[Reading, bool]:
        key = key_of(self.fingerprint, question, repeat)
        kept = self.cache.get(key)
        if kept is not None and _fits(kept, question):
            return kept, True
        reading = await self.client.ask(question, marker)
        self.cache.put(key, reading)
        return reading, False


class Desk:
    """Where threads wait for what an event loop does for them, until they are told to go home."""

    def __init__(self) -> None:
        """Work on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._waiting: set[concurrent.futures.Future[Any]] = set()
        self._is_closed = False

    def wait_for(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Run a coroutine on the event loop and give its result; called in another thread.

        Raises:
            concurrent.futures.CancelledError: the desk is closed.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._waiting.add(future)
        if self._is_closed:
            future.cancel()
        try:
            return future.result()
        finally:
            self._waiting.discard(future)

    def close(self) -> None:
        """Give up everything that is waited for, now and later."""
        self._is_closed = True
        for future in list(self._waiting):
            future.cancel()


class Panel(NamedTuple):
    """Those who judge one metric, and how they are combined."""

    members: tuple[One, ...]
    combine: str
    desk: Desk

    def open(self) -> Asking:
        """Give what a metric asks while it scores one answer."""
        return Asking(self)


class Asking:
    """A panel as a plain callable, for one answer; called in a thread beside the event loop."""

    def __init__(self, panel: Panel) -> None:
        """Begin an account of what is asked."""
        self._panel = panel
        self._paid: dict[str, list[tuple[Reading, bool]]] = {}
        self._disagreed: list[dict[str, Any]] = []
        self._n_items = 0

    def __call__(self, question: Question) -> Opinion:
        """Ask every member as often as it repeats, and combine what they say.

        Raises:
            JudgeFailure: a member gives no verdict, or there is no majority where one is wanted.
        """
        members, combine = self._panel.members, self._panel.combine
        asked = [(one, repeat) for one in members for repeat in range(one.client.settings.repeats)]

        async def ask_all() -> list[tuple[Reading, bool]]:
            marker = make_marker(question)
            return await _all_of([one.ask(question, repeat, marker) for one, repeat in asked])

        found = self.wait_for(ask_all())
        names = [one.name for one, _ in asked]
        for name, reading in zip(names, found, strict=True):
            self._paid.setdefault(name, []).append(reading)
        shares = [reading.shares for reading, _ in found]
        self._note_disagreement(question, names, shares)
        return Opinion(question.labels, _combined(shares, question.labels, combine))

    def wait_for(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Run a coroutine on the judges' event loop and give its result."""
        return self._panel.desk.wait_for(work)

    def only(self) -> One:
        """Give the one judge, for who asks its service in another way."""
        return self._panel.members[0]

    def spent(self, name: str, reading: Reading, *, cached: bool) -> None:
        """Take into account what was asked of a judge in another way."""
        self._paid.setdefault(name, []).append((reading, cached))

    def account(self) -> dict[str, Any]:
        """Who judged, as which model, for how many tokens and dollars; and on what they disagreed.

        What a verdict once took is told also where it came from the cache, so that a score does not depend
        on the cache. ``agreement``: share of the items on which all judges and repeats said the same.
        """
        asked = [one for one in self._panel.members if one.name in self._paid]
        judges = [_account_of(one, self._paid[one.name]) for one in asked]
        found: dict[str, Any] = {"judges": judges} if judges else {}
        several = len(self._panel.members) > 1 or self._panel.members[0].client.settings.repeats > 1
        if several and self._n_items:
            found["agreement"] = 1 - len(self._disagreed) / self._n_items
            found["disagreed"] = self._disagreed
        return found

    def _note_disagreement(
        self, question: Question, names: Sequence[str], shares: Sequence[Sequence[Sequence[float]]]
    ) -> None:
        first = self._n_items
        self._n_items += len(question.items)
        for item in range(len(question.items)):
            said = [_likeliest(rows[item], question.labels) for rows in shares]
            if len(set(said)) > 1:
                by_name = groupby(zip(names, said, strict=True), key=lambda pair: pair[0])
                told = {name: [label for _, label in pairs] for name, pairs in by_name}
                self._disagreed.append({"item": first + item + 1, "said": told})


def _account_of(one: One, readings: Sequence[tuple[Reading, bool]]) -> dict[str, Any]:
    tokens = (
        known_sum([reading.input_tokens for reading, _ in readings]),
        known_sum([reading.output_tokens for reading, _ in readings]),
    )
    return {
        "name": one.name,
        "fingerprint": one.fingerprint,
        "served": "; ".join(dict.fromkeys(reading.served for reading, _ in readings)),
        "replies": len(readings),
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "cost_usd": cost_usd(one.client.settings, *tokens),
    }


async def _all_of(work: Sequence[Coroutine[Any, Any, Found]]) -> list[Found]:
    """Give every result; the first error is raised when all have ended, so that what is paid for is kept."""
    if len(work) == 1:
        return [await work[0]]
    found = await asyncio.gather(*work, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if not isinstance(one, BaseException)]


def _combined(
    shares: Sequence[Sequence[Sequence[float]]], labels: Sequence[str], combine: str
) -> tuple[tuple[float, ...], ...]:
    """Combine several replies, item by item: their mean, or all of it to the majority's label."""
    n = len(shares)
    rows = []
    for item, said in enumerate(zip(*shares, strict=True), 1):
        if n == 1 or combine == "mean":
            rows.append(tuple(math.fsum(column) / n for column in zip(*said, strict=True)))
            continue
        votes = Counter(_likeliest(row, labels) for row in said)
        label, count = votes.most_common(1)[0]
        if 2 * count <= n:
            told = ", ".join(f"{label} {count}" for label, count in sorted(votes.items()))
            raise JudgeFailure(f"the judges have no majority on item {item}: {told}", answered=True)
        rows.append(tuple(float(label == one) for one in labels))
    return tuple(rows)


def _likeliest(row: Sequence[float], labels: Sequence[str]) -> str:
    return Opinion(tuple(labels), (tuple(row),)).verdict(0)


def _fits(reading: Reading, question: Question) -> bool:
    """Whether verdicts from the cache are such as a reply could have given."""
    return len(reading.shares) == len(question.items) and all(
        len(row) == len(question.labels) and min(row) >= 0 and abs(math.fsum(row) - 1) < LIKELY
        for row in reading.shares
    )
