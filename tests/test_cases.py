"""Cases of which not all are held: read again they are what they were; decisions need outlines only."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
from msgspec.structs import replace
from project import SUITE, call_inside, make_project

from harness import cases
from harness.cases import Cases, Gathered, by_id, outline_of, outlines, picked
from harness.spool import Spool
from harness.types import Case, Evidence, Message, Passage, Query

ALL = tuple(
    Case(
        query=Query(
            id=f"c{number}",
            input=f"What does clause {number} say?",
            history=(Message("user", "Hello."),),
            contexts=(Passage("d1", f"Clause {number}.", 1),),
        ),
        expected_behavior="refuse" if number % 3 else "answer",
        expected_output=(f"{number} days",),
        evidence=(Evidence("d1", quote=f"Clause {number}."),),
        must_include=(str(number),),
        must_not_include=("never",),
        policy="rent" if number % 2 else None,
        groups={"language": f"l{number % 2}"},
        tags=("a",) if number % 2 else (),
        metadata={"n": number % 2, "share": 1.0, "known": True},
        split="test",
        twin_of="c0" if number == 5 else None,
        document_id=f"d{number // 2}",
    )
    for number in range(8)
)


def gathered(some: tuple[Case, ...], known: tuple[Case, ...] | Cases = ()) -> Cases | tuple[Case, ...]:
    """Gather cases as those who read them do: beside, as JSON."""
    aside: list[bytes] = []

    def read(number: int) -> Case:
        return msgspec.json.decode(aside[number], type=Case)

    def put(encoded: bytes) -> int:
        aside.append(encoded)
        return len(aside) - 1

    found = Gathered(read, known)
    for case in some:
        encoded = msgspec.json.encode(case)
        copy = msgspec.json.decode(encoded, type=Case)
        assert found.add(copy, len(encoded), lambda encoded=encoded: put(encoded)) == case.id
    return found.cases()  # type: ignore[return-value]


@pytest.mark.parametrize("held", [0, 2000, 10**9])
def test_they_are_the_cases_however_many_are_held(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """In order, by place, in part, by id: each is whole, and equal to what it was."""
    monkeypatch.setattr(cases, "HELD_BYTES", held)
    found = gathered(ALL)
    assert isinstance(found, tuple) == (held == 10**9)
    assert len(found) == 8
    assert found == ALL
    assert tuple(found) == ALL
    assert found[3] == ALL[3]
    assert found[-1] == ALL[-1]
    assert found[2:6:2] == ALL[2:6:2]
    some = picked(found, [6, 0, 3])
    assert tuple(some) == (ALL[6], ALL[0], ALL[3])
    assert tuple(picked(some, [2])) == (ALL[3],)
    assert dict(by_id(found)) == {case.id: case for case in ALL}
    assert list(by_id(found)) == [case.id for case in ALL]
    assert "c9" not in by_id(found)


def test_they_differ_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another text, another order, one too few: not the same cases."""
    monkeypatch.setattr(cases, "HELD_BYTES", 0)
    found = gathered(ALL)
    assert found == gathered(ALL)
    assert found != ALL[:-1]
    assert found != ALL[::-1]
    assert found != (*ALL[:-1], replace(ALL[-1], expected_output=()))
    assert found != 8


def test_an_outline_says_all_that_decides_and_nothing_that_is_said() -> None:
    """Ids, clusters, slices and behaviours stay; no text of the case does."""
    for case in ALL:
        outline = outline_of(case)
        assert (outline.id, outline.cluster, outline.twin_of) == (case.id, case.cluster, case.twin_of)
        for name in ("expected_behavior", "policy", "groups", "tags", "metadata", "split", "document_id"):
            assert getattr(outline, name) == getattr(case, name)
        as_json = msgspec.json.encode(outline)
        assert b"lause" not in as_json
        assert len(as_json) < 250
    fields = {"query", "expected_output", "evidence", "must_include", "must_not_include"}
    assert {
        one for one in Case.__struct_fields__ if getattr(outline_of(ALL[5]), one) != getattr(ALL[5], one)
    } == fields


def test_outlines_are_gone_through_without_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that are wanted whole are read."""
    monkeypatch.setattr(cases, "HELD_BYTES", 0)
    read: list[int] = []

    def reading(number: int) -> Case:
        read.append(number)
        return ALL[number]

    found = Gathered(reading)
    for number, case in enumerate(ALL):
        found.add(case, 1, lambda number=number: number)
    held = found.cases()
    assert [case.id for case in outlines(picked(held, [1, 2]))] == ["c1", "c2"]
    assert by_id(held).keys() == {case.id for case in ALL}
    assert "c4" in by_id(held)
    assert "c9" not in by_id(held)
    assert read == []
    assert by_id(held)["c4"] is ALL[4]
    assert next(iter(held)) is ALL[0]
    assert read == [4, 0]


@pytest.mark.parametrize("held", [0, 10**9])
def test_what_is_known_is_held_once(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    """The same cases of two recordings share what is held of them; one that changed does not."""
    monkeypatch.setattr(cases, "HELD_BYTES", held)
    first = gathered(ALL)
    changed = (replace(ALL[0], tags=("other",), groups={"language": "l9"}), *ALL[1:])
    second = gathered(changed, first)  # type: ignore[arg-type]
    assert second == changed
    same = [one is two for one, two in zip(outlines(first), outlines(second), strict=True)]
    assert same == [False] + [True] * 7


@pytest.mark.parametrize("held", [0, 10**9])
def test_equal_groups_are_held_once_and_what_only_looks_equal_is_not(
    monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """1, 1.0 and true are equal in Python, and three different things in goldens."""
    monkeypatch.setattr(cases, "HELD_BYTES", held)
    values = [1, True, 1.0, 1]
    some = tuple(replace(ALL[n], metadata={"n": value}) for n, value in enumerate(values))
    found = outlines(gathered(some))
    assert [type(case.metadata["n"]) for case in found] == [int, bool, float, int]
    assert found[0].metadata is found[3].metadata
    assert len({id(case.groups) for case in outlines(gathered(ALL))}) == 2


def test_any_part_held_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever holding ends."""
    rng = random.Random(20261126)  # noqa: S311 -- not for secrets
    for _ in range(50):
        monkeypatch.setattr(cases, "HELD_BYTES", rng.randrange(4000))
        places = [rng.randrange(8) for _ in range(5)]
        found = gathered(ALL)
        assert tuple(picked(found, places)) == tuple(ALL[place] for place in places)
        assert [case.id for case in outlines(found)] == [case.id for case in ALL]


def test_what_only_decides_reads_no_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite is checked, and a plan is made, by outlines."""
    project = make_project(tmp_path / "project")
    monkeypatch.setattr(cases, "HELD_BYTES", 0)
    monkeypatch.setattr(Spool, "read", None)
    for command in ("validate", "plan"):
        assert call_inside(capsys, project, command, SUITE).code == 0, command


def test_a_full_disk_is_told_where_cases_are_put_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is run, and how to mend it."""
    project = make_project(tmp_path / "project")
    monkeypatch.setattr(cases, "HELD_BYTES", 0)

    def full(spool: Spool) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Spool, "_opened", full)
    ended = call_inside(capsys, project, "run", SUITE, "--run-id", "none")
    assert "the cases cannot be copied to " in ended.words
    assert os.strerror(errno.ENOSPC) in ended.words
    assert "set TMPDIR" in ended.words
    assert ended.code == 4
    assert not (project / "reports" / "runs" / "none").exists()
