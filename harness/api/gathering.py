"""Take in what raters sent back: every label checked against the packet that it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.calibration.labelled import rubric_digest
from harness.errors import Fault, UsageError
from harness.labels.answers import Answer, packets_in, read_answers
from harness.labels.folder import LabelFolder, folder_of_packet
from harness.numbers import number
from harness.places import label_folder, now
from harness.types import Label, PacketKey

_Given = tuple[str, str, str, str]
"""Metric, rubric, answer and rater: whoever labels an answer twice, in whatever packet, labels it once."""


class Imported(NamedTuple):
    """What came in: new labels, those that were there, and how many items of each packet have one now."""

    folder: LabelFolder
    added: int
    known: int
    answered: dict[str, tuple[int, int]]


def take_in(paths: Sequence[Path], suite: Path | None, rater: str | None, *, replace_: bool) -> Imported:
    """Take labels in: all of every file, or nothing.

    A label that is there already is passed over, also where it came in with another packet; labels of several
    raters on one answer stand side by side.

    Args:
        paths: files that raters sent back.
        suite: the suite whose answers were exported; None: found by the packet, below ``suites/`` or here.
        rater: who labelled; None: the files say.
        replace_: let a rater change what the same rater said before.

    Raises:
        UsageError: every fault with file, line and column.
    """
    folder = _folder(paths, suite)
    keys = {name: key for path in paths for name in packets_in(path) if (key := folder.key(_safe(name)))}
    answers = [
        answer
        for path in paths
        for answer in read_answers(path, rater, {name: key.scale for name, key in keys.items()})
    ]
    kept = {_given_by(label): label for label in folder.labels()}
    added, known = _merge(kept, answers, keys, replace_=replace_)
    if added:
        folder.keep_labels(tuple(kept.values()))
    told = {(label.metric, label.rubric, label.answer) for label in kept.values()}
    answered = {
        name: (sum((key.metric, _asked(key), one.answer) in told for one in key.items), len(key.items))
        for name, key in keys.items()
    }
    return Imported(folder, added, known, answered)


def _merge(
    kept: dict[_Given, Label],
    answers: Sequence[Answer],
    keys: Mapping[str, PacketKey],
    *,
    replace_: bool,
) -> tuple[int, int]:
    """Add answers to the labels that are kept; gives how many are new, and how many were there."""
    items = {(name, one.item): one for name, key in keys.items() for one in key.items}
    at, faults, added, known = now().isoformat(timespec="seconds"), [], 0, 0
    for answer in answers:
        one = items.get((answer.packet, answer.item))
        if one is None:
            what = f"packet {answer.packet} has no item {answer.item!r}"
            faults.append(Fault(what, answer.place, "send the file as the packet saved it"))
            continue
        of = keys[answer.packet]
        key = of.metric, _asked(of), one.answer, answer.rater
        earlier = kept.get(key)
        if earlier is not None and earlier.value == answer.value:
            known += 1
            continue
        if earlier is not None and not replace_:
            said = f"rater {answer.rater} said {number(earlier.value)} of item {answer.item} before"
            faults.append(
                Fault(said, answer.place, "--replace takes the new label; another rater has a name")
            )
            continue
        added += 1
        kept[key] = Label(
            packet=answer.packet,
            item=answer.item,
            rater=answer.rater,
            value=answer.value,
            at=at,
            metric=of.metric,
            rubric=_asked(of),
            case_id=one.case_id,
            answer=one.answer,
            comment=answer.comment,
        )
    if faults:
        raise UsageError(faults)
    return added, known


def _given_by(label: Label) -> _Given:
    return label.metric, label.rubric, label.answer, label.rater


def _asked(key: PacketKey) -> str:
    return rubric_digest(key.rubric, key.scale)


def _folder(paths: Sequence[Path], suite: Path | None) -> LabelFolder:
    from harness.suites.suite import load_suite

    if suite is not None:
        file = load_suite(suite)
        return LabelFolder(label_folder(file.path, file.suite.suite))
    for path in paths:
        for name in packets_in(path):
            for beside in (Path("suites"), Path()):
                found = folder_of_packet(_safe(name), beside)
                if found is not None:
                    return found
    raise UsageError(
        f"no packet of {paths[0]} was exported from here",
        mend="run from the project's folder, or name the suite with --suite",
    )


def _safe(packet: str) -> str:
    """A packet's id as the name of a file: what is no id names none."""
    return packet if packet.isalnum() and packet.isascii() else "no-packet"
