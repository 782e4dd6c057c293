"""Put the parts of a run together, where all are there, whole, once, and of one plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from harness.errors import Fault, HarnessError, RecordingError, UsageError
from harness.places import Places, shown_path
from harness.recordings import read
from harness.recordings.parts import PARTS, UNFINISHED, Part, command_of, read_part, write_merged
from harness.shards import differences
from harness.types import Recorded

MOST_NAMED = 20
"""Shards of a list that are named; of more it is said how many."""


class Merged(NamedTuple):
    """A run put together: its recording; ``new`` is false where that was there already."""

    path: Path
    recorded: Recorded
    n_parts: int
    new: bool


def merge(given: Sequence[Path], places: Places) -> Merged:
    """Put parts together to the recording of their run, which is the same in whatever order they are given.

    Args:
        given: files, and folders that hold parts, at any depth.
        places: where the run is to lie.

    Raises:
        UsageError: no part is given.
        RecordingError: a part is missing, unfinished, damaged, of another plan, or there are two that differ.
    """
    finished, unfinished = _find(given)
    parts, faults = _read(finished)
    if faults:
        raise RecordingError(faults)
    if parts:
        _check_one_plan(parts)
    parts = _once(parts)
    _check_all_there(parts, unfinished)
    run = parts[0].run
    whole = replace(
        run, n_cases=parts[0].shard.n_cases, started_at=min(part.run.started_at for part in parts)
    )
    path = places.recording(run.id)
    new = write_merged(path, whole, parts)
    return Merged(path, read(path), len(parts), new)


def _find(given: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Give the files of parts, each once, and those in folders that are not finished."""
    found: dict[Path, Path] = {}
    unfinished: list[Path] = []
    for path in given:
        if not path.is_dir():
            found[path.resolve()] = path
            continue
        for inside in sorted(path.rglob(PARTS)):
            if inside.name.endswith(UNFINISHED):
                unfinished.append(inside)
            else:
                found[inside.resolve()] = inside
    if not found and not unfinished:
        folders = ", ".join(shown_path(path) for path in given)
        raise UsageError(f"no part of a run in {folders}", mend=f"parts are named {PARTS}")
    return list(found.values()), unfinished


def _read(paths: Iterable[Path]) -> tuple[list[Part], list[Fault]]:
    """Read every part; all that are no good are told together."""
    parts: list[Part] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            parts.append(read_part(path))
        except HarnessError as error:
            faults += error.faults
    return sorted(parts, key=lambda part: (part.run.id, part.shard.number, part.sha256)), faults


def _check_one_plan(parts: Sequence[Part]) -> None:
    """Every part is of the first one's plan; the others are named with what differs."""
    first = parts[0]
    others = {part.shard.plan: part for part in reversed(parts) if part.shard.plan != first.shard.plan}
    if not others:
        return
    faults = []
    for other in others.values():
        differ = ", ".join(differences(first.run, first.shard.of, other.run, other.shard.of)) or "the plan"
        what = f"{_named(first)} and {_named(other)} are of different runs: they differ in {differ}"
        faults.append(Fault(what, mend="merge the parts of one run at a time"))
    raise RecordingError(faults)


def _once(parts: Sequence[Part]) -> list[Part]:
    """Leave out what is there twice and the same; what differs cannot both be right."""
    kept: dict[int, Part] = {}
    faults = []
    for part in parts:
        one = kept.setdefault(part.shard.number, part)
        if one.sha256 != part.sha256:
            what = f"{_named(one)} and {_named(part)} are the same shard, asked twice, and differ"
            faults.append(Fault(what, mend="keep one of them: which one is yours to say"))
    if faults:
        raise RecordingError(faults)
    return list(kept.values())


def _check_all_there(parts: Sequence[Part], unfinished: Sequence[Path]) -> None:
    """Every shard has its part; where one is missing, what was begun of it is named."""
    begun = [shown_path(path) for path in unfinished]
    if not parts:
        what = f"no part is finished; begun: {', '.join(begun[:MOST_NAMED])}"
        raise RecordingError(what, mend="give each shard's command again: it goes on with its part")
    of, run_id = parts[0].shard.of, parts[0].run.id
    missing = sorted(set(range(1, of + 1)) - {part.shard.number for part in parts})
    if not missing:
        return
    named = ", ".join(map(str, missing[:MOST_NAMED])) + (", ..." if len(missing) > MOST_NAMED else "")
    what = f"{len(missing)} of {of} shards of run {run_id!r} missing: {named}"
    if begun:
        what += f"\nbegun and unfinished: {', '.join(begun[:MOST_NAMED])}"
    raise RecordingError(what, mend=f"{command_of(run_id, missing[0], of)}, and so on; then merge again")


def _named(part: Part) -> str:
    return f"{shown_path(part.path)} (shard {part.shard.number} of {part.shard.of} of run {part.run.id!r})"
