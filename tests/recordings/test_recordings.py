"""A recording gives back what was written, and loses nothing in silence."""

import itertools
import multiprocessing
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from recorded_doubles import CASES, DIGESTS, IDS, result_of, run_of, write

from harness.errors import RecordingError
from harness.recordings import Recording, read, repair, write_whole
from harness.types import (
    LARGEST_VALUE,
    Citation,
    Passage,
    Recorded,
    Response,
    ResponseError,
    Result,
    Score,
    Timings,
    Usage,
)

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
