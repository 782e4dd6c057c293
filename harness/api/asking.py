"""One system held open with its recording: asked in one go, or in several with decisions between them."""

from __future__ import annotations

import heapq
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from harness.api.identifying import system_key
from harness.api.judging import judge_secrets, open_judges
from harness.api.keeping import Answers, Keeping, nobody
from harness.cases import by_id
from harness.engine.limits import RunLimits
from harness.engine.progress import Silent
from harness.engine.runner import Asked, Todo, run_cases
from harness.engine.scorer import Work
from harness.engine.signals import Signals
from harness.errors import Fault, HarnessError, UsageError
from harness.recordings import Recording, repair
from harness.registry import find_metric
from harness.secrets import redact, redactor, resolve
from harness.suites.suite import SuiteFile, SystemChoice
from harness.systems.opening import open_system
from harness.types import Case, Dataset, Recorded, Response, Result, Run, twin_measure


class Plan(NamedTuple):
    """A checked suite with its goldens and the system chosen."""

    file: SuiteFile
    dataset: Dataset
    system: SystemChoice


class Missing(NamedTuple):
    """A case that is to be asked for the how-manieth time from 0; or, with its answer, only to be scored."""

    case_id: str
    repeat: int
    answer: Response | None = None


def missing(recorded: Recorded, cases: Iterable[Case], *, retry_errors: bool = False) -> list[Missing]:
    """List what of these cases is not recorded yet: every case once, then again; their outlines will do.

    An answer without scores is only scored, also where an error came before it that has some. With
    ``retry_errors`` a recorded error of the system is as good as no answer, and an answer on which a judge
    failed is as good as one without scores.
    """
    given = {(answer.case_id, answer.repeat): answer.response for answer in recorded.unscored}
    done = {(result.case_id, result.repeat) for result in recorded.results} - given.keys()
    if retry_errors:
        for result in recorded.results:
            key = result.case_id, result.repeat
            if result.response.error is not None:
                done.discard(key)
            elif key not in given and _judged_badly(result):
                done.discard(key)
                given[key] = result.response
        given = {key: response for key, response in given.items() if response.error is None}
    ids = [case.id for case in cases]
    return [
        Missing(case_id, repeat, given.get((case_id, repeat)))
        for repeat in range(recorded.run.repeats)
        for case_id in ids
        if (case_id, repeat) not in done
    ]


def _host_of(options: Mapping[str, Any]) -> str:
    """The host that a system is asked at, by its adapter's option; empty where it is at no address."""
    address = options.get("url") or options.get("base_url")
    return urlsplit(address).netloc if isinstance(address, str) else ""


def _judged_badly(result: Result) -> bool:
    return any(score.status == "judge_error" for score in result.scores.values())


class Session:
    """A system that is open, and the recording that its answers go to; made by ``open_session``."""

    def __init__(self, asked: Asked, cases: Mapping[str, Case], progress: Silent) -> None:
        """Take what ``open_session`` made."""
        self.asked, self.cases, self.progress = asked, cases, progress

    async def ask(self, todo: Sequence[Missing], signals: Signals) -> None:
        """Ask, score and record these, and return when no call is in flight any more.

        Where ``signals.ended`` is true afterwards, not all was asked: end the session.

        Args:
            todo: of the recording's cases, in this order.
            signals: entered once by the caller, after every system is open; shared by its sessions.

        Raises:
            RecordingError: a result cannot be written; everything before it is kept.
            MetricFault: a metric raised, or gave a value outside its range.
            UsageError: a budget of money cannot be kept, because the system tells no costs.
        """
        await ask_mixed([(self, todo)], signals)


async def ask_mixed(parts: Sequence[tuple[Session, Sequence[Missing]]], signals: Signals) -> None:
    """Ask several sessions at the same time, as ``Session.ask`` does one: what one lives through, all do.

    Each part keeps its order and is spread evenly over the whole; together they have no more calls in flight
    than the session that may have fewest. A case is read when its turn comes.
    """
    in_flight = min(session.asked.work.settings.max_concurrency for session, _ in parts)
    await run_cases(_mixed(parts), in_flight, parts[0][0].progress, signals)


def _mixed(parts: Sequence[tuple[Session, Sequence[Missing]]]) -> Iterator[tuple[Asked, Todo]]:
    def turns(number: int, n: int) -> Iterator[tuple[float, int, int]]:
        return (((place + 0.5) / n, number, place) for place in range(n))

    for _, number, place in heapq.merge(*(turns(at, len(todo)) for at, (_, todo) in enumerate(parts))):
        session, todo = parts[number]
        case_id, repeat, answer = todo[place]
        yield session.asked, Todo(session.cases[case_id], repeat, answer)


@asynccontextmanager
async def open_session(
    plan: Plan,
    run: Run,
    recording: Recording,
    progress: Silent,
    limits: RunLimits | None = None,
    keeping: Keeping = Keeping(),  # noqa: B008 -- a value that cannot change
) -> AsyncIterator[Session]:
    """Open a run's system, and close it when everything that is wanted was asked.

    The recording stays the caller's, who finishes and closes it. Secrets are kept out of what is recorded.

    Args:
        plan: the suite, its goldens and the system.
        run: what is recorded; names the metrics.
        recording: open for writing.
        progress: told of every start and result; several sessions may share one.
        limits: what holds calls back, shared by the sessions of a run; None: what the suite says.
        keeping: which answers and verdicts are kept and taken, and whether nobody may be asked.

    Raises:
        UsageError: the system, or a judge, cannot be opened.
    """
    limits = limits or RunLimits(plan.file.suite.run, run.seed)
    metrics = {name: find_metric(name) for name in run.metrics if twin_measure(name) is None}
    suite = plan.file.suite
    system_options, secrets = resolve(plan.system.options, keep_secrets=keeping.only)
    secrets += [] if keeping.only else judge_secrets(suite)
    kept = None
    if keeping.answers is not None:
        kept = Answers(keeping.answers, system_key(run, plan.system), frozen=keeping.only)
    hide = redactor(secrets)

    def clean(response: Response) -> Response:
        repaired = repair(response)
        if not secrets:
            return repaired
        return msgspec.convert(redact(msgspec.to_builtins(repaired), hide), Response)

    stack = AsyncExitStack()
    judges = await stack.enter_async_context(
        open_judges(suite, metrics.values(), keeping.verdicts, limits, only_kept=keeping.only)
    )
    resources = {"corpus": plan.dataset.corpus, "judge": judges.panels, "rubrics": suite.rubrics}
    try:
        opening = open_system(plan.system.adapter, system_options)
        system = nobody if keeping.only else await stack.enter_async_context(opening)
    except HarnessError as error:
        error.faults = tuple(Fault(hide(what), at, hide(mend)) for what, at, mend in error.faults)
        raise
    except Exception as error:  # the adapter is the user's: what it raises is a fault of the suite
        what = f"the system cannot be opened: {type(error).__name__}: {error}"
        raise UsageError(hide(what)) from error
    in_flight = limits.settings.max_concurrency
    in_flight = min(in_flight, getattr(system, "max_in_flight", None) or in_flight)  # more would only wait
    settings = msgspec.structs.replace(limits.settings, max_concurrency=in_flight)
    host = _host_of(system_options) or run.system_fingerprint
    work = Work(metrics, resources, settings, clean, judges.close, limits.of_system(host))
    try:
        yield Session(Asked(system, work, recording, kept), by_id(plan.dataset.cases), progress)
    finally:
        try:
            await stack.aclose()
        except Exception as error:  # noqa: BLE001 -- every answer is recorded by now
            sys.stderr.write(hide(f"the system did not close: {type(error).__name__}: {error}\n"))
