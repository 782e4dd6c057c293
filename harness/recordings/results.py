"""The results of a recording: as many as fit stay in memory, the others are read when they are wanted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from operator import eq
from pathlib import Path
from typing import NamedTuple, overload

import msgspec
from msgspec.structs import force_setattr

from harness.errors import RecordingError, SpoolError
from harness.recordings.lines import AnswerLine, CaseLine, ScoresLine, parse, unframe
from harness.spool import Spool
from harness.types import Case, Response, Result

HELD_BYTES = 16_000_000
"""Lines of one recording whose results stay in memory, where they take three to four times as much."""

Key = tuple[str, int]
Entry = Result | int
"""A result, or the row of the table that says where its lines stand."""


class Lines:
    """Where the lines stand of what is not held: a table of rows, and the file they stand in.

    A row has the place and the size of the answer's line, then those of the line of its scores; 0 and 0 where
    the first line holds both, or a case.
    """

    def __init__(self, path: Path) -> None:
        """Refer to a recording; what cannot be read from its middle is copied to a file without a name."""
        self.path = path
        self._rows = array("q")
        self._spool = Spool(str(path), path)

    def place(self, line: bytes, start: int) -> tuple[int, int]:
        """Say where a line can be read again that begins at ``start`` of the recording.

        Raises:
            RecordingError: it cannot be kept beside.
        """
        try:
            return self._spool.place(line, start), len(line)
        except SpoolError as error:
            raise RecordingError(error.faults) from error

    def add(self, answer: tuple[int, int], scores: tuple[int, int] = (0, 0)) -> int:
        """Add a row; gives its number."""
        self._rows.extend((*answer, *scores))
        return len(self._rows) // 4 - 1

    def answer_of(self, row: int) -> tuple[int, int]:
        """Give the place of the answer's line."""
        return self._rows[4 * row], self._rows[4 * row + 1]

    def read(self, row: int) -> Result:
        """Read the result of a row, and check its lines as they were checked the first time.

        Raises:
            RecordingError: they were changed since.
        """
        start, size, scores_start, scores_size = self._rows[4 * row : 4 * row + 4]
        found = self._value(start, size)
        scored = self._value(scores_start, scores_size) if scores_size else found
        if not isinstance(found, (AnswerLine, Result)) or not isinstance(scored, (ScoresLine, Result)):
            raise self._changed()
        return Result(found.case_id, found.repeat, found.response, scored.scores)

    def read_case(self, row: int) -> Case:
        """Read the case of a row, as ``read`` does a result."""
        found = self._value(*self.answer_of(row))
        if not isinstance(found, CaseLine):
            raise self._changed()
        return found.case

    def encoded(self, row: int) -> bytes:
        """Give the JSON of the result of a row, put together from its lines without reading what they say.

        Raises:
            RecordingError: they were changed since.
        """
        start, size, scores_start, scores_size = self._rows[4 * row : 4 * row + 4]
        kind, data = self._data(start, size)
        if not scores_size:
            return data
        _, scores = self._data(scores_start, scores_size)
        head = data.find(b'"response":')
        if kind == b"answer" and scores[:head] == data[:head] and scores.startswith(b'"scores":', head):
            return data[:-1] + b"," + scores[head:]
        return msgspec.json.encode(self.read(row))

    def _value(self, start: int, size: int) -> object:
        return parse(*self._data(start, size))

    def _data(self, start: int, size: int) -> tuple[bytes, bytes]:
        try:
            line = self._spool.read(start, size)
        except SpoolError as error:
            raise RecordingError(error.faults) from error
        framed = unframe(line)
        if framed is None:
            raise self._changed()
        return framed

    def _changed(self) -> RecordingError:
        return RecordingError(f"{self.path} was changed while it was in use", mend="give the command again")


class _Unscored(NamedTuple):
    """An answer that has no scores yet, the place of its line, and how many lines before it are damaged."""

    answer: Result
    place: tuple[int, int]
    n_lost: int


class Gathering:
    """Results as the lines of a recording tell them, one after the other."""

    def __init__(self, lines: Lines, among: int = 1) -> None:
        """Start without any; so many recordings share what may be held."""
        self._lines = lines
        self._most = HELD_BYTES // among
        self._scored: dict[Key, Entry] = {}
        self._unscored: dict[Key, _Unscored] = {}
        self._texts: dict[str, str] = {}
        self._held = self._n_lost = 0

    def lose(self) -> None:
        """Take it that a line is damaged: scores that come later may be of an answer which stood there."""
        self._n_lost += 1

    def take(self, found: AnswerLine | ScoresLine | Result, line: bytes, start: int) -> bool:
        """Take what a line holds that begins at ``start``; false for scores of what was never answered."""
        key = found.case_id, found.repeat
        if isinstance(found, AnswerLine):
            place = self._lines.place(line, start)
            self._unscored[key] = _Unscored(Result(*key, found.response), place, self._n_lost)
            return True
        if isinstance(found, ScoresLine) and self._n_lost and self._answer_is_lost(key):
            self._unscored.pop(key, None)
            self._scored.pop(key, None)
            return True
        if isinstance(found, Result):
            self._unscored.pop(key, None)
            self._scored[key] = self._entry(found, len(line), lambda: (self._lines.place(line, start),))
            return True
        if (waiting := self._unscored.pop(key, None)) is not None:
            answer, place, _ = waiting
            size = place[1] + len(line)
            scored = Result(*key, answer.response, found.scores)
            self._scored[key] = self._entry(scored, size, lambda: (place, self._lines.place(line, start)))
            return True
        before = self._scored.get(key)
        if before is None:
            return False
        if isinstance(before, Result):
            self._scored[key] = Result(*key, before.response, found.scores)
        else:
            place = self._lines.answer_of(before)
            self._scored[key] = self._lines.add(place, self._lines.place(line, start))
        return True

    def _answer_is_lost(self, key: Key) -> bool:
        """Whether scores that come now are, or may be, of an answer that a damaged line held.

        Only an error is asked again: scores that follow another answer are its own.
        """
        if (waiting := self._unscored.get(key)) is not None:
            return self._may_be_followed(waiting)
        before = self._scored.get(key)
        if before is None:
            return True
        known = before if isinstance(before, Result) else self._lines.read(before)
        return known.response.error is not None

    def _may_be_followed(self, waiting: _Unscored) -> bool:
        """Whether a damaged line may hold a later answer than this."""
        return waiting.answer.response.error is not None and waiting.n_lost < self._n_lost

    def _entry(self, result: Result, size: int, places: Callable[[], Sequence[tuple[int, int]]]) -> Entry:
        if self._held + size > self._most:
            return self._lines.add(*places())
        self._held += size
        _share_texts(result.response, self._texts)
        return result

    def results(self, place: dict[str, int]) -> Sequence[Result]:
        """Give the last result of every case and repeat; ``place`` says at which place a case stands."""
        keys = sorted(self._scored, key=lambda key: (place[key[0]], key[1]))
        entries = [self._scored[key] for key in keys]
        held = tuple(entry for entry in entries if isinstance(entry, Result))
        return held if len(held) == len(entries) else Results(entries, self._lines)

    def unscored(self) -> tuple[Result, ...]:
        """Give the answers that came after the last scores of their case and repeat, or have none.

        An error before a damaged line is none of them: that line may hold the answer of another try, and so
        nobody could say later of which of them scores are.
        """
        return tuple(
            waiting.answer for waiting in self._unscored.values() if not self._may_be_followed(waiting)
        )


def _share_texts(response: Response, texts: dict[str, str]) -> None:
    """Hold what is retrieved again and again once: the same passage is the same text in every result."""
    for passage in response.retrieved:
        for name, text in (("doc_id", passage.doc_id), ("text", passage.text)):
            force_setattr(passage, name, texts.setdefault(text, text))


class Results(Sequence[Result]):
    """Results of which not all are held; read anew, one is equal to what it was, and not the same object.

    They are equal to any sequence of the same results, held or not.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        entries: Sequence[Entry],
        lines: Lines,
        change: Callable[[Result], Result] | None = None,
    ) -> None:
        """Take the entries; ``change`` is done to each result that is given."""
        self.entries, self.lines, self.change = entries, lines, change

    def __len__(self) -> int:
        """How many there are."""
        return len(self.entries)

    @overload
    def __getitem__(self, place: int) -> Result: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Result, ...]: ...
    def __getitem__(self, place: int | slice) -> Result | tuple[Result, ...]:
        """Give one, or several at once."""
        if isinstance(place, slice):
            return tuple(map(self._result, self.entries[place]))
        return self._result(self.entries[place])

    def __iter__(self) -> Iterator[Result]:
        """Give one after the other, and hold none."""
        return map(self._result, self.entries)

    def __eq__(self, other: object) -> bool:
        """Whether these are the results of the other, in the same order."""
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(map(eq, self, other))

    def _result(self, entry: Entry) -> Result:
        found = entry if isinstance(entry, Result) else self.lines.read(entry)
        return found if self.change is None else self.change(found)


def picked(results: Sequence[Result], cases: Collection[str]) -> Sequence[Result]:
    """Give the results of some cases."""
    if not isinstance(results, Results):
        return tuple(result for result in results if result.case_id in cases)
    paired = zip(results, results.entries, strict=True)
    entries = [entry for result, entry in paired if result.case_id in cases]
    return Results(entries, results.lines, results.change)


def changed(results: Sequence[Result], change: Callable[[Result], Result]) -> Sequence[Result]:
    """Give every result with a change, which is made to those that are not held whenever they are read."""
    if not isinstance(results, Results):
        return tuple(map(change, results))
    before = results.change
    both = change if before is None else lambda result: change(before(result))
    return Results(results.entries, results.lines, both)


def encoded(results: Sequence[Result]) -> Iterator[bytes]:
    """Give every result as JSON, as it stands in its recording."""
    if isinstance(results, Results) and results.change is None:
        lines = results.lines
        for entry in results.entries:
            yield lines.encoded(entry) if isinstance(entry, int) else msgspec.json.encode(entry)
    else:
        yield from map(msgspec.json.encode, results)
