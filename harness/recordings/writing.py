"""A recording open for writing: a line is kept before its result is acknowledged."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from harness.cases import outlines
from harness.errors import RecordingError
from harness.recordings.files import cannot_write, lock, write_whole
from harness.recordings.lines import AnswerLine, End, ScoresLine, dump, dump_header
from harness.recordings.reading import Tail, read_to_tail
from harness.types import Case, EarlyStop, Recorded, Response, Result, Run, Shard

_SYNC_LINES = 20
_SYNC_S = 1.0


class Recording:
    """A recording open for writing by one thread of one process; a context manager that closes it.

    A line is with the operating system when ``append`` returns, so it survives the end of the process. A
    thread of its own brings lines to the disk, every 20 lines and after a second at the latest: a power
    cut costs no more than that, and the writer never waits for the disk.
    """

    def __init__(self, path: Path, file: int, run_id: str, case_ids: frozenset[str], tail: Tail) -> None:
        """Take an open, locked file that ends at ``tail``; use ``create`` or ``resume`` instead."""
        self.path = path
        self._file = file
        self._run_id = run_id
        self._case_ids = case_ids
        self._tail = tail
        self._synced = tail.size
        self._n_waiting = 0
        self._fault: OSError | None = None
        self._closing = False
        self._due = threading.Event()
        self._thread = threading.Thread(target=self._sync_often, name="recording", daemon=True)
        self._thread.start()

    @classmethod
    def create(
        cls,
        path: Path,
        run: Run,
        cases: Sequence[Case],
        digests: Mapping[str, str],
        stages: Mapping[str, int] | None = None,
        shard: Shard | None = None,
    ) -> Recording:
        """Begin a recording: the run and its planned cases stand on disk, whole, before this returns.

        ``digests`` holds one digest per case id, ``stages`` the stage (from 0) in which each case is asked
        (None: in one go), ``shard`` which part of the run it is (None: all). Missing folders are made.

        Raises:
            ValueError: ``run.n_cases`` is not the number of different cases.
            RecordingError: the file exists already, or cannot be written.
        """
        case_ids = frozenset(case.id for case in outlines(cases))
        if not run.n_cases == len(cases) == len(case_ids):
            raise ValueError(f"run.n_cases is {run.n_cases}, with {len(cases)} cases, {len(case_ids)} ids")
        try:
            write_whole(path, dump_header(run, cases, digests, stages or {}, shard), new=True)
        except FileExistsError as error:
            raise RecordingError(f"{path} exists already", mend="resume it, or record elsewhere") from error
        return cls.resume(path, cases)[0]

    @classmethod
    def resume(cls, path: Path, known: Sequence[Case] = ()) -> tuple[Recording, Recorded]:
        """Open a recording to go on with it; gives also what is there, with a torn tail cut from the file.

        All planned cases are given, also those that a run which stopped early did not ask; ``known`` ones as
        in ``read``.

        Raises:
            RecordingError: no such file, damaged before its last line, in use, or it cannot be written.
        """
        if path.suffix == ".gz":
            raise RecordingError(f"{path} is compressed", mend="resume the run's own recording.jsonl")
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError as error:
            raise RecordingError(f"there is no recording at {path}") from error
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            lock(file, path)
            recorded, tail = read_to_tail(path, known)
            os.ftruncate(file, tail.size)
            return cls(path, file, recorded.run.id, frozenset(recorded.digests), tail), recorded
        except BaseException as error:
            os.close(file)
            if isinstance(error, OSError):
                raise cannot_write(path, error) from error
            raise

    @property
    def is_complete(self) -> bool:
        """Whether the end line is what stands last."""
        return self._tail.complete

    def append(self, result: Result) -> None:
        """Write one result. Text that UTF-8 cannot hold is spelled out and marked ``text_repaired``.

        Raises:
            ValueError: the case is not one of this recording's.
            RecordingError: it cannot be written (disk full, say); all before it is kept.
        """
        self._add(b"result", result)
        self._tail.n_results += 1

    def answered(self, case_id: str, repeat: int, response: Response) -> None:
        """Write an answer that is not scored yet; raises what ``append`` does."""
        self._add(b"answer", AnswerLine(case_id, repeat, response))

    def scored(self, result: Result) -> None:
        """Write the scores of the last answer to its case and repeat; raises what ``append`` does."""
        self._add(b"scores", ScoresLine(result.case_id, result.repeat, result.scores))
        self._tail.n_results += 1

    def _add(self, kind: bytes, line: Result | AnswerLine | ScoresLine) -> None:
        if line.case_id not in self._case_ids:
            raise ValueError(f"case {line.case_id!r} is not part of this recording")
        self._write(dump(kind, line))
        self._tail.complete = False
        self._n_waiting += 1
        if self._n_waiting >= _SYNC_LINES:
            self._n_waiting = 0
            self._due.set()

    def finish(self, stop: EarlyStop | None = None) -> None:
        """Write the end line: the recording is complete, with all its cases or up to an early ``stop``.

        Does nothing where it is complete already.

        Raises:
            RecordingError: it cannot be written; all before it is kept.
        """
        if not self._tail.complete:
            end = End(self._tail.n_results, self._tail.sha256.hexdigest(), stop=stop)
            self._write(dump(b"end", end))
            self._tail.complete = True

    def close(self) -> None:
        """Bring what was written to the disk and close the file. Does nothing the second time.

        Raises:
            RecordingError: the disk did not take what was written.
        """
        if self._closing:
            return
        self._closing = True
        self._due.set()
        self._thread.join()
        self._sync()
        os.close(self._file)
        if self._fault is not None:
            raise self._refusal(self._fault)

    def __enter__(self) -> Recording:
        """Give the recording itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; an error that is on its way out is not covered by one of closing."""
        if error is None:
            self.close()
        else:
            with suppress(RecordingError):
                self.close()

    def _write(self, line: bytes) -> None:
        if self._closing:
            raise ValueError("the recording is closed")
        if self._fault is not None:
            raise self._refusal(self._fault)
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            self._fault = error
            with suppress(OSError):  # a torn tail that stays is cut by the reader
                os.ftruncate(self._file, self._tail.size)
            raise self._refusal(error) from error
        self._tail.size += len(line)
        self._tail.sha256.update(line)

    def _sync_often(self) -> None:
        while not self._closing:
            self._due.wait(_SYNC_S)
            self._due.clear()
            self._sync()

    def _sync(self) -> None:
        size = self._tail.size
        if size == self._synced:
            return
        try:
            os.fsync(self._file)
        except OSError as error:
            self._fault = error
        self._synced = size

    def _refusal(self, error: OSError) -> RecordingError:
        kept = f"its {self._tail.n_results} results so far are kept"
        return cannot_write(self.path, error, f"then resume run {self._run_id}: {kept}")
