"""The errors a user can cause or meet, drawn as a tree, and the exit codes they end in.

HarnessError                    4  something inside broke
├── UsageError                  2  a command, suite, golden or option is wrong; nothing was run
│   ├── SuiteError                 the suite file
│   ├── GoldenError                golden cases or their corpus
│   ├── MissingExtra               an optional package is not installed
│   └── FoundLate                  what was wrong showed when answers were recorded, which are kept
├── NothingSelected             5  the selection holds no case
├── NotComparable               3  two runs that may not be compared
├── BudgetSpent                 3  a budget was used up while other machines asked
├── Interrupted           130, 143  a signal came while other machines asked
├── MetricFault                 4  a metric raised, or gave a value outside its range
├── RecordingError              4  a recording cannot be read or written
│   └── RecordingInUse             another process is writing it
└── StoreError                  4  the database cannot be read or written
    └── StoreInUse                 another process has it open
SystemFailure                      one call of the system under test failed (never leaves the engine)
JudgeFailure                       a judge gave no usable verdict (never leaves the engine)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harness.types import FailureKind


class ExitCode(IntEnum):
    """What the command line ends with; documented, tested, never reused."""

    PASSED = 0
    FAILED = 1
    INVALID = 2
    INCONCLUSIVE = 3
    FAULT = 4
    EMPTY = 5
    INTERRUPTED = 130
    TERMINATED = 143


class Place(NamedTuple):
    """Where in a file: lines and columns count from 1; column None means the whole line."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """``suite.yaml:41:7``."""
        return ":".join(str(part) for part in self if part is not None)


class Fault(NamedTuple):
    """One thing that is wrong: what, where, and how to mend it."""

    what: str
    place: Place | None = None
    mend: str = ""

    def __str__(self) -> str:
        """One line: ``suite.yaml:41:7: unknown key 'asert': did you mean 'assert'?``."""
        text = f"{self.place}: {self.what}" if self.place else self.what
        return f"{text}: {self.mend}" if self.mend else text


class HarnessError(Exception):
    """The root: carries one or more faults and knows its exit code."""

    exit_code = ExitCode.FAULT

    def __init__(self, what: str | Sequence[Fault], place: Place | None = None, mend: str = "") -> None:
        """Take one fault in parts, or several faults."""
        self.faults = (Fault(what, place, mend),) if isinstance(what, str) else tuple(what)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class UsageError(HarnessError):
    """Something the user wrote is wrong; nothing was run, but for ``FoundLate``."""

    exit_code = ExitCode.INVALID


class FoundLate(UsageError):
    """Something the user wrote turned out to be wrong when answers had been recorded; they are kept."""

    def __init__(self, error: UsageError, n_answers: int, again: str) -> None:
        """Take what was wrong, how many answers are kept, and the option or command that goes on."""
        super().__init__(error.faults)
        answers = "1 answer is" if n_answers == 1 else f"{n_answers:,} answers are"
        self.kept = f"{answers} kept; when that is mended, {again} goes on"


class SuiteError(UsageError):
    """The suite file is wrong."""


class GoldenError(UsageError):
    """Golden cases or their corpus are wrong."""


class MissingExtra(UsageError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, extra: str, why: str) -> None:
        """Name the package, the extra that brings it, and what needs it."""
        super().__init__(
            f"{why} needs the package {package!r}, which is not installed",
            mend=f"pip install 'rag-regression-harness[{extra}]'",
        )


class NothingSelected(HarnessError):
    """No case is left to run after the selection."""

    exit_code = ExitCode.EMPTY


class NotComparable(HarnessError):
    """Two runs differ in what must agree before their numbers may be compared."""

    exit_code = ExitCode.INCONCLUSIVE


class BudgetSpent(HarnessError):
    """A budget was used up while the machines of a cluster asked; what they recorded is kept."""

    exit_code = ExitCode.INCONCLUSIVE


class Interrupted(HarnessError):
    """A signal came while the machines of a cluster asked; what they recorded is kept."""

    def __init__(self, number: int, what: str, mend: str) -> None:
        """Take the number of the signal, how far the run is, and how to go on."""
        super().__init__(what, mend=mend)
        self.exit_code = ExitCode(128 + number)


class MetricFault(HarnessError):
    """A metric raised, or gave a value outside its range."""


class RecordingError(HarnessError):
    """A recording cannot be read or written."""


class RecordingInUse(RecordingError):
    """Another process is writing a recording."""


class SpoolError(HarnessError):
    """What is not held in memory cannot be put aside, or not be read again."""


class StoreError(HarnessError):
    """The database cannot be read or written."""


class StoreInUse(StoreError):
    """Another process has the database open."""


class SystemFailure(Exception):
    """One call of the system under test failed; the engine retries it or records it as the response."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retry: bool = False,
        retry_after_s: float | None = None,
        http_status: int | None = None,
    ) -> None:
        """Take what went wrong, whether another attempt may help, and when the server wants it."""
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry = retry
        self.retry_after_s = retry_after_s
        self.http_status = http_status


class JudgeFailure(Exception):
    """A judge gave no usable verdict; the engine records it as the score's status.

    ``answered`` says whether the judge replied at all: what it replied was then not a verdict.
    """

    def __init__(self, message: str, *, answered: bool = False) -> None:
        """Take what went wrong."""
        super().__init__(message)
        self.message = message
        self.answered = answered


def did_you_mean(wrong: str, valid: Iterable[str]) -> str:
    """Give ``did you mean 'x'?`` for the nearest valid name, else the list of valid names."""
    import difflib

    names = sorted(valid)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(names) - 30:,} more" if len(names) > 30 else ""
    return f"valid names: {', '.join(names[:30])}{more}" if names else ""
