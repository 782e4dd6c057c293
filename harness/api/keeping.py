"""Which answers and verdicts of earlier runs are taken instead of asking again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from harness.api.identifying import code_files
from harness.cache import Cache, evict, key_of
from harness.errors import SystemFailure, UsageError
from harness.places import Places, shown_path
from harness.suites.suite import SystemChoice
from harness.types import Query, Recorded, Response, RunSettings

CacheUse = Literal["off", "verdicts", "all", "only"]
"""What is not asked again: nothing, what judges were asked, the system's answers too; or nobody is asked."""
Source = Literal["asked", "cached", "missing"]
COARSE_S = 0.02
"""Seconds by which the times of files may lie behind the clock."""
NOT_RECORDED = "no answer is kept for this question to this system; run once with --cache, and with its keys"


class Keeping(NamedTuple):
    """Where verdicts and answers are kept (None: they are not), and whether nobody may be asked.

    ``most_mb`` is what each of the two folders may take of the disk, ``began`` since when this run uses them,
    in seconds since the epoch.
    """

    verdicts: Path | None = None
    answers: Path | None = None
    only: bool = False
    most_mb: float = RunSettings().cache_mb
    began: float = 0.0


def keeping_of(said: CacheUse | None, settings: RunSettings, places: Places) -> Keeping:
    """What the command line says of caches, else the suite."""
    use = said or ("all" if settings.cache else "verdicts")
    if use == "off":
        return Keeping()
    answers = places.response_cache if use in {"all", "only"} else None
    return Keeping(places.judge_cache, answers, use == "only", settings.cache_mb, time.time())


def check_kept(keeping: Keeping) -> None:
    """Refuse to ask nobody where no answer was ever kept.

    Raises:
        UsageError: there is no such folder.
    """
    if keeping.only and keeping.answers is not None and not keeping.answers.is_dir():
        what = f"--cache-only: no answers are kept in {shown_path(keeping.answers)}"
        raise UsageError(what, mend="record them once with --cache, or name their folder by --cache-dir")


def end_keeping(keeping: Keeping) -> None:
    """Hold the caches to their size when a run has ended; where nobody may be asked they stay as they are."""
    for folder in (keeping.verdicts, keeping.answers):
        if folder is not None and not keeping.only:
            _hold(folder, keeping)


def _hold(folder: Path, keeping: Keeping) -> None:
    gone = evict(folder, int(keeping.most_mb * 1e6), keeping.began - COARSE_S)
    place, most = shown_path(folder), f"{keeping.most_mb:,.10g} MB, run.cache_mb"
    if gone.over:
        over = f"{place} is {gone.over / 1e6:,.1f} MB too large ({most})"
        sys.stderr.write(f"note: {over}, and nothing can be deleted there: {gone.why}\n")
    elif gone.entries:
        entries = "the entry" if gone.entries == 1 else f"the {gone.entries:,} entries"
        own = f", {gone.used_since:,} of this run" if gone.used_since else ""
        sys.stderr.write(f"note: {place} is full ({most}): deleted {entries} unused for longest{own}\n")


class Answers:
    """The answers of one system, by the query and which repeat it is; errors are not kept."""

    def __init__(self, folder: Path, system: str, *, frozen: bool = False) -> None:
        """Keep answers of a system (see ``system_key``) in a folder; ``frozen``: which stays as it is."""
        self._cache, self._system = Cache(folder, Response, frozen=frozen), system

    def get(self, query: Query, repeat: int) -> Response | None:
        """Give the answer, marked as cached: its times are not counted."""
        kept = self._cache.get(key_of(self._system, query, repeat))
        return None if kept is None else msgspec.structs.replace(kept, cached=True)

    def put(self, query: Query, repeat: int, response: Response) -> None:
        """Keep an answer; an error might be none the next time."""
        if response.error is None:
            self._cache.put(key_of(self._system, query, repeat), response)


async def nobody(_: Query) -> Response:
    """Stand for a system that is not to be asked."""
    raise SystemFailure("not_recorded", NOT_RECORDED)


def source_of(response: Response) -> Source:
    """Say where an answer is from: ``missing`` where nobody was asked, and nothing was kept."""
    if response.error is not None and response.error.kind == "not_recorded":
        return "missing"
    return "cached" if response.cached else "asked"


def say_what_is_not_seen(keeping: Keeping, systems: Iterable[SystemChoice]) -> None:
    """Tell it where answers of the user's own code are kept: nobody knows what else it reads."""
    if keeping.answers is not None and not keeping.only and any(map(code_files, systems)):
        sys.stderr.write(
            "note: answers are kept for a system whose code is yours: they are asked again when its code here"
            " changes, not when anything else changes that it reads (--no-cache asks again)\n"
        )


def cached_notices(recorded: Recorded) -> list[str]:
    """Say how many answers of a run have no times of their own: replayed ones, or from a cache."""
    n, n_all = sum(result.response.cached for result in recorded.results), len(recorded.results)
    if not n:
        return []
    replays = recorded.run.config.get("system.adapter") == "replay"
    source = "were replayed" if replays else "came from a cache"
    return [f"{n:,} of {n_all:,} answers {source}: their times are not counted"]
