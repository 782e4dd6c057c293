"""Results that are not held are read again: the same ones, in the same order, checked each time."""

from __future__ import annotations

import gzip
import os
import random
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from msgspec.structs import replace
from recorded_doubles import CASES, DIGESTS, IDS, result_of, run_of

from harness.errors import RecordingError
from harness.recordings import Recording, changed, encoded, pack_slim, read, read_all, results
from harness.recordings.stages import stopped_at
from harness.types import Recorded, Response, Result, Score

SOME = 700
"""Bytes: enough for some results of the recording below, and not for all."""


def silent(result: Result) -> Result:
    return replace(result, response=replace(result.response, output=None))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recording with answers scored at once, later, twice and not at all, and one that was asked again."""
    path = tmp_path / "recording.jsonl"
    first, second, third = IDS
    with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
        recording.append(result_of(third, 1, "packed"))
        recording.answered(first, 0, result_of(text="à la française").response)
        recording.answered(second, 0, result_of(text="soon").response)
        recording.scored(result_of(second, 0, "soon"))
        recording.scored(result_of(first, 0))
        recording.append(result_of(second, 1, "an error, at first"))
        recording.answered(second, 1, Response("asked again"))
        recording.scored(Result(second, 1, Response(), {"recall@5": Score(0.25)}))
        recording.scored(Result(first, 0, Response(), {"recall@5": Score(0.75)}))
        recording.answered(third, 0, Response("nobody scored this"))
    return path


@pytest.fixture(params=[0, SOME])
def little(request: pytest.FixtureRequest, path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """The recording as it is read where no result, or not every one, is held."""
    monkeypatch.setattr(results, "HELD_BYTES", request.param)
    return read(path)


def test_the_results_are_those_that_would_be_held(path: Path, little: Recorded) -> None:
    """Whatever is held: the last scores of the last answer, by case and repeat; read as often as wanted."""
    results.HELD_BYTES = 10**9  # undone by the fixture
    whole = read(path)
    assert isinstance(whole.results, tuple)
    assert not isinstance(little.results, tuple)
    assert [(one.case_id, one.repeat) for one in whole.results] == [
        (IDS[0], 0),
        (IDS[1], 0),
        (IDS[1], 1),
        (IDS[2], 1),
    ]
    assert whole.results[0].scores == {"recall@5": Score(0.75)}
    assert whole.results[2].response.output == "asked again"
    for _ in range(2):
        assert tuple(little.results) == whole.results
    assert little == read(path) == whole == little
    assert little.results != whole.results[:-1]
    assert replace(little, results=changed(little.results, silent)) != whole
    assert [little.results[place] for place in (3, -1, 0)] == [whole.results[place] for place in (3, -1, 0)]
    assert little.results[1:3] == whole.results[1:3]
    assert little.unscored == whole.unscored
    assert little.answered == whole.answered
    assert len(little.results) == 4
    with pytest.raises(IndexError):
        little.results[4]


def test_some_are_held_where_some_fit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is one of bytes, over all that is held."""
    monkeypatch.setattr(results, "HELD_BYTES", SOME)
    found = read(path).results
    assert isinstance(found, results.Results)
    held = [isinstance(entry, Result) for entry in found.entries]
    assert any(held)
    assert not all(held)


def test_a_part_and_a_change_are_those_of_all(path: Path, little: Recorded) -> None:
    """Cases are picked and outputs left out alike, held or not, one after the other."""
    results.HELD_BYTES = 10**9
    whole = read(path)
    for first, then in ((silent, None), (silent, lambda one: replace(one, scores={}))):
        of_whole, of_little = (changed(one.results, first) for one in (whole, little))
        if then is not None:
            of_whole, of_little = (changed(one, then) for one in (of_whole, of_little))
        assert tuple(of_little) == of_whole
        assert tuple(encoded(of_little)) == tuple(encoded(of_whole))
        assert tuple(of_whole) != whole.results
        assert tuple(results.picked(of_little, {IDS[1]})) == of_whole[1:3]


def test_the_first_repeat_of_a_case_is_found(path: Path, little: Recorded) -> None:
    """By case, of all cases or of some."""
    results.HELD_BYTES = 10**9
    whole = read(path)
    assert dict(little.first_repeats()) == dict(whole.first_repeats())
    assert list(little.first_repeats()) == list(IDS)
    assert little.first_repeats()[IDS[1]].repeat == 0
    assert little.first_repeats()[IDS[2]].repeat == 1
    assert list(little.first_repeats({IDS[2]})) == [IDS[2]]
    assert little.first_repeats().get("nobody") is None


@pytest.mark.parametrize("keep_text", [True, False])
def test_a_compressed_recording_is_read_anew_too(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, keep_text: bool
) -> None:
    """It cannot be read from its middle: its lines are kept beside."""
    slim = tmp_path / "slim.jsonl.gz"
    whole = read(path)
    slim.write_bytes(pack_slim(whole, keep_text=keep_text))
    held = read(slim)
    monkeypatch.setattr(results, "HELD_BYTES", 0)
    found = read(slim)
    slim.unlink()
    assert isinstance(held.results, tuple)
    assert tuple(found.results) == held.results
    assert pack_slim(found, keep_text=True) == pack_slim(held, keep_text=True)


def test_f12_a_line_that_changes_meanwhile_is_refused(path: Path, little: Recorded) -> None:
    """A byte changed, or the file cut short, after it was read: nothing else is given in its place."""
    content = path.read_bytes()
    place = content.index(b"packed")
    for damaged in (content[:place] + b"P" + content[place + 1 :], content[: len(content) // 3], b""):
        path.write_bytes(damaged)
        if tuple(map(type, little.results.entries)) == (int,) * 4:  # type: ignore[attr-defined]
            with pytest.raises(RecordingError, match="was changed while it was in use"):
                tuple(little.results)
    path.write_bytes(content)
    assert len(tuple(little.results)) == 4


def test_a_recording_that_goes_on_or_goes_away_can_still_be_read(path: Path, little: Recorded) -> None:
    """Lines are only added, and a file that is deleted stays there for whoever has it open."""
    before = tuple(little.results)
    recording, _ = Recording.resume(path)
    with recording:
        recording.append(result_of(IDS[2], 0, "more"))
    assert tuple(little.results) == before
    path.unlink()
    assert tuple(little.results) == before


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with a name")
def test_a_recording_from_a_pipe_is_read_anew_too(tmp_path: Path, path: Path, little: Recorded) -> None:
    """It comes once, as a compressed one does, and nobody opens the pipe a second time."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes(path.read_bytes()), daemon=True)
    writer.start()
    found = read(pipe)
    writer.join()
    assert not isinstance(found.results, tuple)
    assert found == little


@pytest.mark.skipif(sys.platform == "win32", reason="limits no file's size")
@pytest.mark.parametrize("lacking", [1, 10**9])
def test_f10_no_room_for_the_lines_of_a_compressed_recording(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, lacking: int
) -> None:
    """What is read says so, also where only a byte of the last one lacks, and where to make room."""
    import resource

    slim = tmp_path / "slim.jsonl.gz"
    slim.write_bytes(pack_slim(read(path), keep_text=True))
    lines = gzip.decompress(slim.read_bytes()).splitlines(keepends=True)
    room = max(0, sum(len(line) for line in lines if b'"result"' in line[:20]) - lacking)
    monkeypatch.setattr(results, "HELD_BYTES", 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        said = f"{read(slim).run.id} was read"
    except RecordingError as error:
        said = str(error)
    finally:  # the file without a name is closed by now, without a fault
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{slim} cannot be copied to {tempfile.gettempdir()}: " in said
    assert "set TMPDIR" in said


def test_f10_no_folder_for_the_lines_of_a_compressed_recording(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no temporary folder can be written, as in some containers, that is told, and how to name one."""
    slim = tmp_path / "slim.jsonl.gz"
    slim.write_bytes(pack_slim(read(path), keep_text=True))
    monkeypatch.setattr(results, "HELD_BYTES", 0)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "no such folder")])
    with pytest.raises(RecordingError, match="cannot be copied to a temporary folder: ") as raised:
        read(slim)
    assert "set TMPDIR" in str(raised.value)


def test_f10_a_plain_recording_that_cannot_be_opened_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is made for it, and none is spoken of."""
    import resource

    monkeypatch.setattr(results, "HELD_BYTES", 0)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with path.open("rb") as one:
        next_ = one.fileno()  # is free again in a moment, for reading line by line
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_ + 1, before[1]))
    try:
        with pytest.raises(RecordingError, match=rf"{path} cannot be read: Too many open files$"):
            read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells open files on Linux only")
def test_files_are_closed_with_the_recordings_that_need_them(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that go away leave no file open, and those that hold all of their results never had one."""
    slim = tmp_path / "slim.jsonl.gz"
    slim.write_bytes(pack_slim(read(path), keep_text=True))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def n_open() -> int:
        found = 0
        for link in list(Path("/proc/self/fd").iterdir()):
            with suppress(FileNotFoundError):  # the one by which they were listed
                found += str(tmp_path) in str(link.readlink())
        return found

    for held, n in ((10**9, 0), (0, 10)):
        monkeypatch.setattr(results, "HELD_BYTES", held)
        found = [read(one) for one in (path, slim) for _ in range(5)]
        assert n_open() == n
        del found
        assert n_open() == 0


def test_f38_what_several_recordings_have_alike_is_held_once(tmp_path: Path, path: Path) -> None:
    """Cases that are the same, and no others."""
    changed_ = (replace(CASES[0], tags=("another",)), *CASES[1:])
    other = tmp_path / "other.jsonl"
    with Recording.create(other, run_of(), changed_, DIGESTS) as recording:
        recording.append(result_of(IDS[0]))
    found = read_all([path, other, path])
    assert found == tuple(map(read, (path, other, path)))
    assert [one is two for one, two in zip(found[0].cases, found[1].cases, strict=True)] == [
        False,
        True,
        True,
    ]
    assert next(iter(found[1].digests)) is not next(iter(found[0].digests))
    assert list(map(id, found[1].digests))[1:] == list(map(id, found[0].digests))[1:]
    assert read_all([]) == ()


def test_f38_recordings_share_what_may_be_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are gone through once hold together what one may; they are read anew, and the same."""
    monkeypatch.setattr(results, "HELD_BYTES", 10**9)
    whole = read(path)
    lines = path.read_bytes().splitlines(keepends=True)
    size = sum(len(line) for line in lines if b'"case_id"' in line)
    monkeypatch.setattr(results, "HELD_BYTES", size)
    assert all(isinstance(one.results, tuple) for one in read_all([path, path]))
    shared = read_all([path, path], among=2)
    for one in shared:
        assert isinstance(one.results, results.Results)
        held = sum(isinstance(entry, Result) for entry in one.results.entries)
        assert 0 < held < len(one.results)
        assert one == whole


def test_a_stopped_run_has_those_of_its_cases(path: Path, little: Recorded) -> None:
    """The results of the cases after the stop are left out."""
    from harness.types import EarlyStop

    staged = replace(little, stages={IDS[0]: 0, IDS[1]: 0, IDS[2]: 1})
    found = stopped_at(staged, EarlyStop(1, 2, 2, 3, "enough"))
    assert [one.case_id for one in found.results] == [IDS[0], IDS[1], IDS[1]]


def test_any_order_of_lines_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers, scores and results in any order that a writer may leave: held or not, the same is read."""
    rng = random.Random(20261126)  # noqa: S311 -- not for secrets
    for number in range(40):
        path = tmp_path / f"{number}.jsonl"
        with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
            answered: set[tuple[str, int]] = set()
            for step in range(rng.randrange(1, 25)):
                key = rng.choice(IDS), rng.randrange(2)
                kind = rng.choice(["answer", "scores", "result"])
                if kind == "answer":
                    recording.answered(*key, Response(f"answer {step}"))
                elif kind == "scores" and key in answered:
                    recording.scored(Result(*key, Response(), {"recall@5": Score(step / 100)}))
                else:
                    recording.append(result_of(*key, f"result {step}"))
                answered.add(key)
        seen = []
        for held in (10**9, 0, rng.randrange(3000)):
            monkeypatch.setattr(results, "HELD_BYTES", held)
            found = read(path)
            as_json = tuple(encoded(found.results))
            assert as_json == tuple(map(msgspec.json.encode, found.results))
            seen.append((tuple(found.results), found.unscored, found.answered, as_json))
        assert seen[0] == seen[1] == seen[2]
