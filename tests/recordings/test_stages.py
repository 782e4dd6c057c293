"""Recordings of runs that are asked in stages and may stop early."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from world import cases_of, recorded_of

from harness.errors import RecordingError
from harness.recordings import Recording, at_look, pack_slim, read, read_planned
from harness.types import EarlyStop, Recorded, Response, Result

CASES = cases_of(10)
STAGES = {case.id: number // 4 for number, case in enumerate(CASES)}  # 4, 4 and 2 cases
STOP = EarlyStop(look=1, looks=3, asked=4, planned=10, reason="every gate passes")
RUN = replace(recorded_of(CASES, {"quality": [1.0] * 10}).run, n_cases=10)
DIGESTS = {case.id: f"digest of {case.id}" for case in CASES}


def results(start: int, end: int) -> list[Result]:
    return [Result(case.id, 0, Response(output=case.id)) for case in CASES[start:end]]


def write(path: Path, *, n: int, stop: EarlyStop | None = None, finish: bool = True) -> Path:
    """A recording of the first n cases, with its end line if wanted."""
    with Recording.create(path, RUN, CASES, DIGESTS, STAGES) as recording:
        for result in results(0, n):
            recording.append(result)
        if finish:
            recording.finish(stop)
    return path


def test_stages_are_read_back(tmp_path: Path) -> None:
    """Every planned case keeps its stage, and the shares of the looks follow from them."""
    recorded = read(write(tmp_path / "r.jsonl", n=5, finish=False))
    assert recorded.stages == STAGES
    assert recorded.looks == (0.4, 0.8, 1.0)
    assert (recorded.complete, recorded.stop, len(recorded.cases)) == (False, None, 10)


def test_a_recording_without_stages_has_no_looks(tmp_path: Path) -> None:
    """Asked in one go: no stage stands in its lines, and they are those of earlier versions."""
    with Recording.create(tmp_path / "r.jsonl", RUN, CASES, DIGESTS) as recording:
        recording.finish()
    assert b"stage" not in (tmp_path / "r.jsonl").read_bytes()
    assert b"stop" not in (tmp_path / "r.jsonl").read_bytes()
    recorded = read(tmp_path / "r.jsonl")
    assert (recorded.stages, recorded.looks, recorded.stop) == ({}, (), None)


def test_a_stopped_run_is_complete_with_the_cases_it_asked(tmp_path: Path) -> None:
    """What was never to be asked is not missing; the plan can still be read."""
    path = write(tmp_path / "r.jsonl", n=4, stop=STOP)
    recorded = read(path)
    assert recorded.complete
    assert recorded.stop == STOP
    assert recorded.cases == CASES[:4]
    assert list(recorded.digests) == [case.id for case in CASES[:4]]
    assert recorded.run.n_cases == len(recorded.stages) == 10
    assert read_planned(path).cases == CASES
    assert read_planned(path).stop == STOP


def test_a_stopped_run_can_be_gone_on_with(tmp_path: Path) -> None:
    """A stop counts while its end line stands last: with one more result the run is on its way again."""
    path = write(tmp_path / "r.jsonl", n=4, stop=STOP)
    recording, before = Recording.resume(path)
    assert (before.stop, before.cases) == (STOP, CASES)
    with recording:
        recording.append(results(4, 5)[0])
    halfway = read(path)
    assert (halfway.complete, halfway.stop, halfway.cases) == (False, None, CASES)
    with Recording.resume(path)[0] as recording:
        for result in results(5, 10):
            recording.append(result)
        recording.finish()
    whole = read(path)
    assert (whole.complete, whole.stop, len(whole.results)) == (True, None, 10)


def test_a_look_sees_the_stages_before_it_and_nothing_else(tmp_path: Path) -> None:
    """At a look a run is shown as if it had stopped there."""
    planned = read_planned(write(tmp_path / "r.jsonl", n=10, finish=False))
    for look, asked in ((1, 4), (2, 8), (3, 10)):
        so_far = at_look(planned, look, "so")
        assert so_far.cases == CASES[:asked]
        assert [result.case_id for result in so_far.results] == [case.id for case in CASES[:asked]]
        assert so_far.complete
        assert so_far.stop == EarlyStop(look, 3, asked, 10, "so")
    stopped = read(write(tmp_path / "s.jsonl", n=4, stop=STOP))
    assert at_look(planned, 1, STOP.reason) == stopped


@pytest.mark.parametrize("look", [0, 2, 4])
def test_no_look_is_taken_before_its_stages_were_answered(tmp_path: Path, look: int) -> None:
    """A look on a part of what it is to see would be another look."""
    planned = read_planned(write(tmp_path / "r.jsonl", n=7, finish=False))
    with pytest.raises(ValueError, match=f"look {look} of 3"):
        at_look(planned, look)


@pytest.mark.parametrize(
    "stop", [replace(STOP, look=3), replace(STOP, looks=2), replace(STOP, look=7, looks=3)]
)
def test_a_stop_that_does_not_fit_the_stages_is_refused(tmp_path: Path, stop: EarlyStop) -> None:
    """4: a recording that was made up does not hide cases."""
    path = write(tmp_path / "r.jsonl", n=4, stop=stop)
    with pytest.raises(RecordingError, match="stopped at look"):
        read(path)


@pytest.mark.parametrize(("old", "new"), [(b'"look":1', b'"look":0'), (b'"stage":2', b'"stage":-1')])
def test_numbers_out_of_range_are_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    """4: with the line, however its checksum was made."""
    import json
    import zlib

    path = write(tmp_path / "r.jsonl", n=4, stop=STOP)
    lines = []
    for line in path.read_bytes().splitlines():
        kind = json.loads(line)["kind"].encode()
        data = line[len(b'{"kind":"","data":') + len(kind) : -len(b',"crc32":"01234567"}')].replace(old, new)
        lines.append(b'{"kind":"%s","data":%s,"crc32":"%08x"}\n' % (kind, data, zlib.crc32(data)))
    path.write_bytes(b"".join(lines))
    with pytest.raises(RecordingError, match=r"not a (case|end) as this version of harness writes it"):
        read(path)


def test_a_slim_copy_of_a_stopped_run_has_what_was_asked(tmp_path: Path) -> None:
    """It reads back as a whole recording of those cases."""
    stopped: Recorded = read(write(tmp_path / "r.jsonl", n=4, stop=STOP))
    (tmp_path / "slim.jsonl.gz").write_bytes(pack_slim(stopped, keep_text=True))
    slim = read(tmp_path / "slim.jsonl.gz")
    assert (slim.run.n_cases, slim.cases, slim.stages, slim.stop) == (4, CASES[:4], {}, None)
    assert slim.complete
