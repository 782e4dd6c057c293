"""A recording that was cut or damaged: what is lost is named, and nothing else is lost or mixed."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from recorded_doubles import CASES, DIGESTS, IDS, result_of, run_of, write

from harness.errors import RecordingError
from harness.recordings import Recording, read
from harness.types import (
    Response,
    ResponseError,
    Result,
    Score,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "recording.jsonl"
    write(path, [result_of(IDS[0]), result_of(IDS[1]), result_of(IDS[2], text="ü")])
    return path.read_bytes()


def test_f9_cut_at_every_byte_of_the_last_lines(whole: bytes, tmp_path: Path) -> None:
    """A recording cut anywhere keeps every whole line, tells of a torn one, and can be gone on with."""
    path = tmp_path / "recording.jsonl"
    lines = whole.splitlines(keepends=True)
    for length in range(len(whole) - sum(map(len, lines[-3:])), len(whole)):
        path.write_bytes(whole[:length])
        torn = not whole[:length].endswith(b"\n")
        n_whole = whole[:length].count(b"\n") - 1 - len(CASES)
        found = read(path)
        assert len(found.results) == n_whole
        assert not found.complete
        assert len(found.notices) == torn
        recording, resumed = Recording.resume(path)
        with recording:
            assert resumed == found
            for case_id in IDS[n_whole:]:
                recording.append(result_of(case_id, text="ü" if case_id == IDS[2] else "an answer"))
            recording.finish()
        assert path.read_bytes() == whole


def test_f9_cut_before_the_results_begin(whole: bytes, tmp_path: Path) -> None:
    """A recording cut within its run or its list of cases is refused: it never looks like a smaller run."""
    path = tmp_path / "recording.jsonl"
    lines = whole.splitlines(keepends=True)
    for length in range(0, sum(map(len, lines[: 1 + len(CASES)])), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(RecordingError, match=r"holds no run|lists . of its 3 cases"):
            read(path)


def test_f12_a_changed_byte_is_found_and_its_line_named(whole: bytes, tmp_path: Path) -> None:
    """Any changed byte costs its line alone, which is named; in what was planned it is an error."""
    path = tmp_path / "recording.jsonl"
    n_header = 1 + len(CASES)
    before = {result.case_id: result for result in results_in(path, whole)}
    for place in range(0, len(whole) - 1, 3):
        for flip in (0x01, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            line = whole[:place].count(b"\n") + 1
            if line <= n_header:
                with pytest.raises(RecordingError) as caught:
                    read(path)
                fault = caught.value.faults[0]
                assert fault.place is not None
                assert fault.place.line == line
                assert fault.mend
                continue
            found = read(path)
            assert not found.complete
            assert f"line {line} does not match its checksum" in found.notices[0]
            lost = before.keys() - {result.case_id for result in found.results}
            merged = whole[place : place + 1] == b"\n"  # two lines are one then, and both are lost
            assert lost <= set(IDS[line - n_header - 1 : line - n_header + merged])
            assert all(result == before[result.case_id] for result in found.results)
            recording, resumed = Recording.resume(path)
            with recording:
                assert resumed == found
                for case_id in sorted(lost):
                    recording.append(before[case_id])
                recording.finish()
            mended = read(path)
            assert mended.complete
            assert not mended.notices
            assert list(mended.results) == list(before.values())


def results_in(path: Path, content: bytes) -> Sequence[Result]:
    path.write_bytes(content)
    return read(path).results


ERROR = Response(error=ResponseError("timeout", "no"))
FINE = Response(output="fine")
HALF = {"recall@5": Score(0.5)}


def test_f12_scores_are_never_given_to_another_answer(tmp_path: Path) -> None:
    """An answer that a damaged line held takes its scores with it, whatever was answered before."""
    path = tmp_path / "recording.jsonl"

    def lines(*steps: tuple[str, Response | None]) -> list[bytes]:
        """Answers, or scores where there is none, after the header."""
        path.unlink(missing_ok=True)
        with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
            for case_id, response in steps:
                if response is None:
                    recording.scored(Result(case_id, 0, Response(), HALF))
                else:
                    recording.answered(case_id, 0, response)
        return path.read_bytes().splitlines(keepends=True)

    a, b, _ = IDS
    for steps, damaged, results, unscored in (
        # An error was asked again; the second answer is lost, and its scores with it.
        ([(a, ERROR), (a, None), (a, FINE), (a, None)], 2, [], []),
        ([(a, ERROR), (a, FINE), (a, None)], 1, [], []),
        # The answer is lost, or the scores.
        ([(a, FINE), (a, None)], 0, [], []),
        ([(a, FINE), (a, None)], 1, [], [a]),
        # What a damaged line of another case stands between belongs together.
        ([(a, FINE), (b, FINE), (a, None), (b, None)], 1, [a], []),
        ([(b, FINE), (a, ERROR), (a, None), (b, None)], 0, [a], []),
        # An error that was not scored: its scores, written later, could be those of an answer that is lost.
        ([(a, ERROR), (b, FINE), (b, None)], 1, [], []),
        # An answer that is no error is never asked again: further scores are its own.
        ([(a, FINE), (a, None), (b, FINE), (a, None)], 2, [a], []),
    ):
        written = lines(*steps)
        place = 1 + len(CASES) + damaged
        written[place] = written[place].replace(b"response", b"responde").replace(b"scores", b"scared")
        path.write_bytes(b"".join(written))
        found = read(path)
        assert [result.case_id for result in found.results] == results
        assert [answer.case_id for answer in found.unscored] == unscored
        case_id = steps[damaged][0]
        assert f"what it held of case {case_id!r}" in found.notices[0]


def test_f12_many_damaged_lines_are_counted(tmp_path: Path) -> None:
    """Some are told one by one, the others counted; what stands behind them is kept."""
    path = tmp_path / "recording.jsonl"
    write(path, [result_of(IDS[0])] * 9 + [result_of(IDS[1])], finish=False)
    path.write_bytes(path.read_bytes().replace(b'{"case_id":"refund-1"', b'{"case_ID":"refund-1"'))
    found = read(path)
    assert [result.case_id for result in found.results] == [IDS[1]]
    assert len(found.notices) == 6
    assert found.notices[-1] == "recording.jsonl: and 4 more lines are damaged"


def test_f12_a_compressed_recording_stays_whole_or_is_refused(whole: bytes, tmp_path: Path) -> None:
    """What nobody can go on with is not read in part: a baseline is as it was promoted."""
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(gzip.compress(whole.replace(b"an answer", b"AN answer", 1)))
    with pytest.raises(RecordingError, match="does not match its checksum: take the copy of a backup"):
        read(path)


def test_f12_a_missing_line_is_found(whole: bytes, tmp_path: Path) -> None:
    """A whole line taken out, put twice or moved is noticed by the end line."""
    path = tmp_path / "recording.jsonl"
    lines = whole.splitlines(keepends=True)
    missing = lines[:5] + lines[6:]
    doubled = lines[:5] + lines[4:]
    moved = [*lines[:4], lines[5], lines[4], *lines[6:]]
    for wrong in (missing, doubled, moved):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(RecordingError, match="missing or were changed"):
            read(path)


def test_lines_in_the_wrong_place_are_refused(whole: bytes, tmp_path: Path) -> None:
    """A second run, or a case after a result, is damage even where the checksum is right."""
    path = tmp_path / "recording.jsonl"
    lines = whole.splitlines(keepends=True)
    for wrong in ([*lines[:6], lines[0]], [*lines[:6], lines[1]], lines[1:]):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(RecordingError, match="wrong place"):
            read(path)


def test_a_valid_line_of_another_version_is_named(tmp_path: Path) -> None:
    """A line that is whole but not a result of this version says so and gives its number."""
    path = tmp_path / "recording.jsonl"
    write(path, [result_of()], finish=False)
    data = b'{"case_id":"refund-1"}'
    with path.open("ab") as file:
        file.write(b'{"kind":"result","data":%s,"crc32":"%08x"}\n' % (data, zlib.crc32(data)))
    with pytest.raises(RecordingError, match=r":6: not a result as this version .* missing required field"):
        read(path)


def test_a_score_that_cannot_be_computed_with_is_named_with_its_line(tmp_path: Path) -> None:
    """A recording made elsewhere may hold a number that JSON takes and no variance can: line and value."""
    path = tmp_path / "recording.jsonl"
    write(path, [result_of()], finish=False)
    data = b'{"case_id":"refund-1","repeat":0,"response":{"output":"x"},"scores":{"b":{"value":1e155}}}'
    with path.open("ab") as file:
        file.write(b'{"kind":"result","data":%s,"crc32":"%08x"}\n' % (data, zlib.crc32(data)))
    with pytest.raises(RecordingError, match=r":6: not a result .* score 1e\+155 is beyond 1e\+100"):
        read(path)
