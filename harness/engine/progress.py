"""How far a run is: a live bar on a terminal, one plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from harness.engine.limits import RunLimits
from harness.numbers import number
from harness.types import Response, Result

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PLAIN_EVERY_S = 30.0


class Counts:
    """What a run has done so far."""

    def __init__(self, total: int, done: int) -> None:
        """Begin with what an earlier part of the run has done."""
        self.total, self.done, self.kept = total, done, done
        self.in_flight = self.errors = self.retried = 0
        self.began_asking = False
        self.look, self.early = "", False
        self.cost_usd = 0.0
        self.limits: RunLimits | None = None
        self.began = time.monotonic()

    def started(self, case_id: str) -> None:
        """A case is being asked."""
        del case_id
        self.in_flight += 1
        self.began_asking = True

    def answered(self, response: Response) -> None:
        """An answer is on disk."""
        self.in_flight -= 1
        self.errors += response.error is not None
        self.retried += response.attempts > 1
        self.cost_usd += 0.0 if response.cached else response.usage.cost_usd or 0.0

    def finished(self, result: Result) -> None:
        """A result is on disk."""
        del result
        self.done += 1

    def left_s(self) -> float | None:
        """Seconds left at the pace so far; None before the first result."""
        asked = self.done - self.kept
        if not asked:
            return None
        return (time.monotonic() - self.began) / asked * (self.total - self.done)

    def line(self) -> str:
        """``120/300 · to look 1 of 4 · 8 in flight · limit 8/32 · $1.83/$5.00 · at most 0:41 left``."""
        parts = [f"{self.done:,}/{self.total:,}"]
        parts += [self.look] if self.look else []
        parts += [f"{self.in_flight} in flight"] if self.in_flight else []
        parts += [f"{self.errors} error{'' if self.errors == 1 else 's'}"] if self.errors else []
        parts += [f"{self.retried} retried"] if self.retried else []
        parts += self.limits.told() if self.limits is not None else []
        parts += [cost] if (cost := self._cost()) else []
        left = None if self.early else self.left_s()
        if left is not None and self.done < self.total:
            most = "at most " if self.look else ""
            parts.append(f"{most}{int(left) // 60}:{int(left) % 60:02d} left")
        return (" · " if _is_utf8() else ", ").join(parts)

    def _cost(self) -> str:
        """What was spent; under a limit, all that counts for it: judges and earlier parts of the run, too."""
        budget = self.limits.budget if self.limits is not None else None
        if budget is None or budget.max_cost_usd is None:
            return number(self.cost_usd, "USD") if self.cost_usd else ""
        if budget.max_cost_usd < 1:
            return f"{number(budget.spent_usd, 'USD')}/{number(budget.max_cost_usd, 'USD')}"
        return f"${budget.spent_usd:,.2f}/${budget.max_cost_usd:,.2f}"


def _is_utf8() -> bool:
    return (sys.stderr.encoding or "").lower().replace("-", "") == "utf8"


class Silent(AbstractContextManager["Silent"]):
    """Counts and shows nothing."""

    def __init__(self, total: int, done: int) -> None:
        """Begin with what an earlier part of the run has done."""
        self.counts = Counts(total, done)

    def started(self, case_id: str) -> None:
        """A case is being asked."""
        self.counts.started(case_id)

    def answered(self, response: Response) -> None:
        """An answer is on disk."""
        self.counts.answered(response)

    def finished(self, result: Result) -> None:
        """A result is on disk."""
        self.counts.finished(result)

    def scored(self, result: Result) -> None:
        """An answer that was recorded before has new scores on disk; what it cost is not spent again."""
        self.counts.began_asking = True
        self.finished(result)

    def heading_for(self, look: int, looks: int) -> None:
        """What is asked now is all that this look (from 1) will see beside what was asked before."""
        self.counts.look = f"to look {look} of {looks}"

    def stopped_early(self, look: int, looks: int) -> None:
        """A look has decided: nothing more is asked."""
        self.counts.look = f"stopped at look {look} of {looks}"
        self.counts.early = True

    def shards(self, done: int, of: int, answers: int = 0, errors: int = 0, cost_usd: float = 0.0) -> None:
        """So many shards are done; the last of them brought so many answers, errors, and costs."""
        self.counts.began_asking = True
        self.counts.look = f"{done:,} of {of:,} shards"
        self.counts.done += answers
        self.counts.errors += errors
        self.counts.cost_usd += cost_usd
        self.show()

    def show(self) -> None:
        """Show the counts as they are now, where that is wanted."""

    def stopping(self) -> None:
        """The run is to end: say what is being waited for."""
        if self.counts.in_flight:
            waiting = (
                f"{self.counts.in_flight} calls in flight"
                if self.counts.in_flight > 1
                else "a call in flight"
            )
            sys.stderr.write(f"\nstopping: waiting a moment for {waiting}; Ctrl-C ends at once\n")

    def __exit__(self, *_: object) -> None:
        """Nothing is in flight any more."""
        self.counts.in_flight = 0


class Plain(Silent):
    """One line on standard error every half minute and at the end, for logs."""

    def __init__(self, total: int, done: int) -> None:
        """Begin with what an earlier part of the run has done."""
        super().__init__(total, done)
        self.next = time.monotonic() + PLAIN_EVERY_S

    def finished(self, result: Result) -> None:
        """A result is on disk; say so when it is time."""
        super().finished(result)
        self.show()

    def show(self) -> None:
        """Write a line when it is time."""
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + PLAIN_EVERY_S
            sys.stderr.write(f"  run {self.counts.line()}\n")

    def __exit__(self, *_: object) -> None:
        """Say where the run ended, if it began."""
        super().__exit__()
        _say_end(self.counts)


class Bar(Silent):
    """A live bar on standard error."""

    def __init__(self, total: int, done: int) -> None:
        """Begin with what an earlier part of the run has done."""
        super().__init__(total, done)
        self.bar: RichProgress | None = None
        self.task: Any = None

    def __enter__(self) -> Bar:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.bar = Progress(
            TextColumn("  run"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[line]}", markup=False),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self.task = self.bar.add_task("run", total=self.counts.total, line="")
        self.bar.start()
        return self

    def finished(self, result: Result) -> None:
        """A result is on disk: move the bar."""
        super().finished(result)
        self.show()

    def show(self) -> None:
        """Move the bar to where the counts are."""
        if self.bar is not None:
            self.bar.update(self.task, completed=self.counts.done, line=self.counts.line())

    def __exit__(self, *_: object) -> None:
        """Take the bar away and leave one line."""
        if self.bar is not None:
            self.bar.stop()
        super().__exit__()
        _say_end(self.counts)


def _say_end(counts: Counts) -> None:
    """Write the last line; nothing where a system could not even be opened."""
    if counts.began_asking:
        sys.stderr.write(f"  run {counts.line()}\n")


def show_progress(total: int, done: int, *, wanted: str) -> Silent:
    """Choose how progress is shown: ``bar``, ``plain`` or ``none``."""
    return {"bar": Bar, "plain": Plain, "none": Silent}[wanted](total, done)
