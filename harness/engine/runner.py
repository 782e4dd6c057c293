"""All cases of a run, or of several: bounded concurrency, every answer kept as it arrives, a clean stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from harness.engine.asking import Ask, ask
from harness.engine.scorer import Answered, Journal, Progress, Scorer, Work
from harness.engine.signals import Signals
from harness.types import Case, Query, Response


class Kept(Protocol):
    """Answers of earlier runs, by what was asked and for the how-manieth time."""

    def get(self, query: Query, repeat: int) -> Response | None:
        """Give the answer that is kept, or None: then the system is asked."""

    def put(self, query: Query, repeat: int, response: Response) -> None:
        """Keep what the system gave, unless it is an error."""


class Asked(NamedTuple):
    """Whom a case is asked of, how the answer is scored, and where both are recorded.

    ``kept`` is looked at before the system is asked; None: it is always asked.
    """

    system: Ask
    work: Work
    journal: Journal
    kept: Kept | None = None


class Todo(NamedTuple):
    """One case to be asked, for the how-manieth time from 0; or, with its answer, only to be scored."""

    case: Case
    repeat: int
    answer: Response | None = None


async def run_cases(
    todo: Iterable[tuple[Asked, Todo]], max_concurrency: int, progress: Progress, signals: Signals
) -> None:
    """Ask, score and record all of it, and return when no call is in flight and no answer unscored any more.

    An answer is recorded before it is scored, and its case's place among the calls in flight is free from
    then on. On the first SIGINT or SIGTERM, or when a budget is used up, no further case is begun; calls in
    flight and answers without scores get some seconds. A further signal ends them at once. What was recorded
    stays recorded, and ``signals`` tells.

    Args:
        todo: what is to be done, in order; pulled lazily.
        max_concurrency: calls in flight at most, of all systems together; of judges, as many again.
        progress: told of starts, answers and results.
        signals: what stops the run early.
    """
    pending = iter(todo)
    scorer = Scorer(max_concurrency, progress)
    scoring = asyncio.create_task(scorer.work())
    workers = [
        asyncio.create_task(_work_off(pending, signals, scorer, progress)) for _ in range(max_concurrency)
    ]
    left = len(workers)

    def ended(_: asyncio.Task[None]) -> None:
        nonlocal left
        left -= 1
        if not left:
            scorer.close()

    for worker in workers:
        worker.add_done_callback(ended)
    tasks = [*workers, scoring]
    with signals.ending(tasks):
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((task for task in done if not task.cancelled() and task.exception()), None)
        if failed is not None:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if failed is not None and (error := failed.exception()) is not None:
        raise error


async def _work_off(
    pending: Iterator[tuple[Asked, Todo]], signals: Signals, scorer: Scorer, progress: Progress
) -> None:
    for asked, todo in pending:
        if signals.ended:
            return
        work = asked.work
        if todo.answer is None:
            response = await _asked(asked, todo, progress)
        else:
            if work.judged and work.limits is not None:
                await work.limits.admit_answered()
            response = todo.answer
        scorer.add(Answered(todo.case, todo.repeat, response, work, asked.journal))
        if scorer.is_full:
            await scorer.room()


async def _asked(asked: Asked, todo: Todo, progress: Progress) -> Response:
    """Give the answer to a case, recorded: one that is kept, or that of the system."""
    system, work, journal, kept = asked
    case, repeat, _ = todo
    found = None if kept is None else kept.get(case.query, repeat)
    if work.limits is not None:
        await (work.limits.admit(case.query) if found is None else work.limits.admit_answered())
    progress.started(case.id)
    response = found or work.clean(await ask(system, case.query, work.settings, work.limits))
    if kept is not None and found is None:
        kept.put(case.query, repeat, response)
    journal.answered(case.id, repeat, response)
    progress.answered(response)
    if not work.judged:
        work.paid_for(response)
    return response
