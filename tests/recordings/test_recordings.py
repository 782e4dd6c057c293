"""A recording gives back what was written, loses nothing in silence, and names what is damaged."""

import gzip
import itertools
import multiprocessing
import resource
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.errors import RecordingError
from harness.recordings import Recording, read, repair, write_whole
from harness.types import (
    LARGEST_VALUE,
    Case,
    Citation,
    Evidence,
    MetricIdentity,
    Passage,
    Query,
    Recorded,
    Response,
    ResponseError,
    Result,
    Run,
    Score,
    Timings,
    Usage,
)

IDS = ("refund-1", "refund-2", "leak:3")


def run_of(n_cases: int = len(IDS), **changes: object) -> Run:
    run = Run(
        id="run-1",
        suite_name="support",
        started_at="2026-11-22T08:00:00Z",
        candidate="base",
        system_fingerprint="f" * 16,
        dataset_digest="d" * 16,
        dataset_name="support",
        corpus_digest=None,
        metrics={"recall@5": MetricIdentity(version=1, higher_is_better=True, low=0.0, high=None)},
        config={"system.top_k": 5, "system.model": "small", "system.rerank": False, "system.floor": 0.5},
        suite={"version": 1, "gates": [{"id": "g", "min": 0.5}]},
        suite_path="suites/support.yaml",
        harness_version="0.1.0",
        seed=7,
        repeats=2,
        n_cases=n_cases,
    )
    return replace(run, **changes)


def case_of(case_id: str, text: str = "What now?") -> Case:
    return Case(
        query=Query(id=case_id, input=text),
        expected_output=(text,),
        evidence=(Evidence(doc_id="d1", quote=text, start=3, end=9, grade=2),),
        groups={"language": "de"},
        tags=("billing",),
        metadata={"length": 3, "note": None, "share": 0.25},
    )


CASES = tuple(case_of(case_id) for case_id in IDS)
DIGESTS = {case_id: f"digest of {case_id}" for case_id in IDS}


def result_of(case_id: str = IDS[0], repeat: int = 0, text: str = "an answer") -> Result:
    return Result(
        case_id=case_id,
        repeat=repeat,
        response=Response(output=text, retrieved=(Passage(doc_id="d1", text=text, rank=1, score=0.5),)),
        scores={"recall@5": Score(1.0, details={"found": [text]})},
    )


def write(path: Path, results: list[Result], *, finish: bool = True) -> None:
    with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
        for result in results:
            recording.append(result)
        if finish:
            recording.finish()


TEXT = st.text(st.characters(codec=None), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
OFFSET = st.none() | st.integers(0, 9)
DETAILS = st.dictionaries(TEXT, st.one_of(TEXT, NUMBER, st.none(), st.lists(TEXT)))
SCORES = st.one_of(
    st.builds(Score, st.floats(-LARGEST_VALUE, LARGEST_VALUE), details=DETAILS),
    st.builds(Score, status=st.sampled_from(("not_applicable", "judge_error")), reason=TEXT),
)
PASSAGES = st.lists(st.builds(Passage, doc_id=TEXT, text=TEXT, rank=st.integers(1, 9)), max_size=2)
CITATIONS = st.lists(st.builds(Citation, doc_id=TEXT, start=OFFSET, end=OFFSET), max_size=2)
RESPONSES = st.builds(
    Response,
    output=st.none() | TEXT,
    retrieved=PASSAGES.map(tuple),
    refused=st.none() | st.booleans(),
    citations=CITATIONS.map(tuple),
    usage=st.builds(Usage, input_tokens=st.none() | st.integers(0, 2**40), cost_usd=st.none() | NUMBER),
    timings=st.builds(Timings, total_s=st.none() | NUMBER),
    error=st.none() | st.builds(ResponseError, st.just("exception"), TEXT),
)
RESULTS = st.builds(
    Result,
    case_id=st.sampled_from(IDS),
    repeat=st.integers(0, 1),
    response=RESPONSES,
    scores=st.dictionaries(st.sampled_from(("a@1", "b")), SCORES, max_size=2),
)


def spelled(tree: object) -> object:
    if isinstance(tree, str):
        return tree.encode("utf-8", "backslashreplace").decode()
    if isinstance(tree, dict):
        return {spelled(key): spelled(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(spelled(value) for value in tree)
    if hasattr(tree, "__struct_fields__"):
        return replace(tree, **{name: spelled(getattr(tree, name)) for name in tree.__struct_fields__})
    return tree


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results=st.lists(RESULTS, max_size=4))
def test_f5_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, results: list[Result]) -> None:
    """The last result of each case and repeat is read back, in case order, with odd text spelled out."""
    path = tmp_path_factory.mktemp("round") / "recording.jsonl"
    write(path, results)
    last = {(IDS.index(result.case_id), result.repeat): result for result in results}
    expected = []
    for _, result in sorted(last.items()):
        mended = spelled(result)
        if mended != result:
            mended = replace(mended, response=replace(mended.response, text_repaired=True))
        expected.append(mended)
    assert read(path) == Recorded(run_of(), CASES, DIGESTS, tuple(expected), complete=True)


@given(response=RESPONSES)
def test_f5_repair_marks_what_it_changed(response: Response) -> None:
    """Repaired text can be encoded and is marked; a sound response comes back as the same object."""
    mended = repair(response)
    if spelled(response) == response:
        assert mended is response
    else:
        assert mended == replace(spelled(response), text_repaired=True)


def test_f5_repair_spells_out_a_lone_surrogate() -> None:
    """A lone surrogate becomes its escape, and the response says so."""
    mended = repair(Response(output="a\ud800b"))
    assert (mended.output, mended.text_repaired) == ("a\\ud800b", True)


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


def test_a_resumed_run_goes_on_after_the_end(tmp_path: Path) -> None:
    """After an end line more results may come: the last counts, and a new end line closes it again."""
    path = tmp_path / "recording.jsonl"
    write(path, [result_of(IDS[1]), result_of(IDS[0])])
    recording, recorded = Recording.resume(path)
    assert recorded.complete
    with recording:
        recording.finish()
        recording.append(result_of(IDS[1], text="another answer"))
    assert not read(path).complete
    with Recording.resume(path)[0] as recording:
        recording.finish()
    found = read(path)
    assert found.complete
    assert [result.response.output for result in found.results] == ["an answer", "another answer"]
    assert path.read_bytes().count(b'"kind":"end"') == 2


def test_f11_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    """While one process writes a recording nobody else resumes it, and nobody begins it anew."""
    path = tmp_path / "recording.jsonl"
    with Recording.create(path, run_of(), CASES, DIGESTS):
        with pytest.raises(RecordingError, match="another process"):
            Recording.resume(path)
        with pytest.raises(RecordingError, match="exists already"):
            Recording.create(path, run_of(), CASES, DIGESTS)
    Recording.resume(path)[0].close()


def test_what_is_not_a_recording_is_refused(tmp_path: Path) -> None:
    """No file, an empty file, a folder, a compressed file to resume: each is a RecordingError."""
    (tmp_path / "empty.jsonl").touch()
    for path in (tmp_path / "none.jsonl", tmp_path / "empty.jsonl", tmp_path):
        with pytest.raises(RecordingError):
            read(path)
        with pytest.raises(RecordingError):
            Recording.resume(path)
    with pytest.raises(RecordingError, match="compressed"):
        Recording.resume(tmp_path / "recording.jsonl.gz")


def test_the_programmer_is_told(tmp_path: Path) -> None:
    """A wrong count of cases, a result of no case of the run, a line after closing: ValueError."""
    with pytest.raises(ValueError, match="n_cases"):
        Recording.create(tmp_path / "a.jsonl", run_of(2), CASES, DIGESTS)
    with Recording.create(tmp_path / "b.jsonl", run_of(), CASES, DIGESTS) as recording:
        with pytest.raises(ValueError, match="not part of"):
            recording.append(result_of("no-such-case"))
        recording.close()
        with pytest.raises(ValueError, match="closed"):
            recording.append(result_of())


def test_f10_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no file can be made the error names the path and the room left, and nothing is left behind."""
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"file/recording.jsonl cannot be written: .* MB free"):
        Recording.create(tmp_path / "file" / "recording.jsonl", run_of(), CASES, DIGESTS)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def _fill(path: Path, say: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
        try:
            for n in range(1000):
                recording.append(result_of(repeat=n, text="x" * 300))
                say.send(n)
        except RecordingError as error:
            say.send(str(error))
        recording.append(result_of(repeat=1001))


def _write_for_ever(path: Path, say: Connection) -> None:
    with Recording.create(path, run_of(), CASES, DIGESTS) as recording:
        for n in itertools.count():
            recording.append(result_of(repeat=n))
            say.send(n)


def told(listen: Connection) -> Iterator[object]:
    with suppress(EOFError):
        while True:
            yield listen.recv()


def start(job: Callable[[Path, Connection], None], path: Path) -> tuple[SpawnProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    listen, say = context.Pipe(duplex=False)
    process = context.Process(target=job, args=(path, say))
    process.start()
    say.close()
    return process, listen


def test_f10_a_full_disk_keeps_what_was_acknowledged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """When no more can be written the run ends with a RecordingError and every earlier result is there."""
    path = tmp_path / "recording.jsonl"
    process, listen = start(_fill, path)
    *acknowledged, message = told(listen)
    process.join()
    assert process.exitcode == 1
    assert "RecordingError" in capfd.readouterr().err.splitlines()[-1]
    assert f"its {len(acknowledged)} results so far are kept" in str(message)
    assert "MB free" in str(message)
    found = read(path)
    assert not found.notices
    assert [result.repeat for result in found.results] == acknowledged != []
    with Recording.resume(path)[0] as recording:
        recording.append(result_of(repeat=999))
    assert len(read(path).results) == len(acknowledged) + 1


def test_f8_an_acknowledged_result_survives_a_kill(tmp_path: Path) -> None:
    """Every result whose append returned is there after kill -9, and the run can be resumed."""
    path = tmp_path / "recording.jsonl"
    process, listen = start(_write_for_ever, path)
    acknowledged = list(itertools.islice(told(listen), 50))
    process.kill()
    acknowledged += told(listen)
    process.join()
    recording, found = Recording.resume(path)
    recording.close()
    repeats = [result.repeat for result in found.results]
    assert repeats[: len(acknowledged)] == acknowledged
    assert len(repeats) <= len(acknowledged) + 1


@pytest.mark.parametrize("name", ["/escaped", "../up", "a/b", "", "a\n"])
def test_f26_a_run_id_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    """A recording names no files: an id that could lead out of the folder is not read."""
    path = tmp_path / "recording.jsonl"
    with pytest.raises(RecordingError, match="not a run as this version"):
        Recording.create(path, run_of(0, id=name), (), {})
    with pytest.raises(RecordingError, match="not a run as this version"):
        read(path)


def test_two_processes_cannot_create_one_recording(tmp_path: Path) -> None:
    """The second to create it is refused, even where both looked before either wrote."""
    path = tmp_path / "recording.jsonl"
    write_whole(path, b"the first", new=True)
    with pytest.raises(FileExistsError):
        write_whole(path, b"the second", new=True)
    assert path.read_bytes() == b"the first"
    assert [file.name for file in tmp_path.iterdir()] == ["recording.jsonl"]
