"""Run a suite, or what is missing of a run: ask, score, record, and stop where nothing more need be asked."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import NamedTuple

from harness.api.asking import ask_mixed, missing, open_session
from harness.api.beginning import Going, RunOptions, begin, begin_beside, forget, go_on
from harness.api.budgeting import Spent, Wanted, limits_of, spent_of
from harness.api.keeping import Keeping, check_kept, end_keeping, keeping_of, say_what_is_not_seen
from harness.api.looking import DecideLook, cases_by_stage, looks_ahead, take_look
from harness.api.validating import Checked
from harness.cases import outlines
from harness.engine.limits import RunLimits
from harness.engine.progress import Silent, show_progress
from harness.engine.signals import Signals
from harness.errors import FoundLate, UsageError
from harness.places import FRESH, Places
from harness.recordings import read, read_planned
from harness.systems.callables import folder_importable
from harness.types import Corpus, EarlyStop, Recorded


class Finished(NamedTuple):
    """A run that ended: its recording, and the signal or the budget that stopped it early, if any did."""

    path: Path
    recorded: Recorded
    stopped: int | None
    spent: Spent | None = None


def run(
    checked: Checked,
    options: RunOptions,
    places: Places,
    decide_look: DecideLook | None = None,
    sample: RunOptions | None = None,
) -> Finished:
    """Run a checked suite, or what is missing of a run: ask, score, record.

    Modules that the suite names are imported from the current folder first.

    Args:
        checked: the suite and its goldens.
        options: how to run it.
        places: where recordings lie.
        decide_look: says at each look why the run need not go on; None: every case is asked, also those that
            a run which stopped early has left.
        sample: how the baseline's system is asked a fresh sample, mixed with all that the run asks before
            its first look; it is recorded beside the run. None: it is not.

    Raises:
        UsageError: the selection, the options, a system that cannot be opened, or one that tells no costs
            under a limit of money; no run without an answer is left behind.
        NothingSelected: no case is left to run.
        RecordingError: a result cannot be written; everything before it is kept.
    """
    keeping = keeping_of(options.cache, checked.file.suite.run, places)
    check_kept(keeping)
    with folder_importable(Path.cwd()):
        if options.resume:
            going = go_on(checked, options, places.find_recording(options.resume))
        else:
            going = begin(checked, options, places, staged=decide_look is not None)
        path = going.recording.path
        try:
            with going.recording, ExitStack() as closing:
                beside = None if sample is None else begin_beside(checked, sample, going)
                if beside is not None:
                    closing.enter_context(beside.recording)
                stopped, spent = run_missing(going, beside, options, decide_look, keeping)
        except UsageError as error:
            there = [one for one in (path, path.with_name(FRESH)) if one.is_file()]
            n_answers = sum(len(read_planned(one).answered) for one in there)
            if n_answers:
                again = f"--resume {going.before.run.id}"
                raise FoundLate(error, n_answers, again) from error
            forget(path)
            raise
    if stopped is None:
        end_keeping(keeping)
    recorded = read(path, going.before.cases)
    if strange := _strange_passages(recorded, checked.dataset.corpus):
        sys.stderr.write(f"note: {strange}\n")
    return Finished(path, recorded, stopped, spent)


def run_missing(
    main: Going,
    beside: Going | None,
    options: RunOptions,
    decide_look: DecideLook | None,
    keeping: Keeping,
    limits: RunLimits | None = None,
) -> tuple[int | None, Spent | None]:
    """Ask what is missing of a run, up to the look that stops it early; give what else ended it.

    No call of a stage is begun before the look that could save it: calls in flight run out first. A fresh
    sample beside it is mixed into the first stage, so that every look knows whether the baseline holds.
    ``limits`` are what holds calls back; None: what suite and options say.
    """
    before, recording = main.before, main.recording
    stages = [missing(before, cases, retry_errors=options.retry_errors) for cases in cases_by_stage(before)]
    again = options.retry_errors and before.stop is None
    sampled = (
        [] if beside is None else missing(beside.before, outlines(beside.before.cases), retry_errors=again)
    )
    stopped_at = None if before.stop is None or decide_look is None else before.stop
    if stopped_at is not None and not any(stages[: stopped_at.look]) and not sampled:
        at = f"at look {stopped_at.look} of {stopped_at.looks}"
        mend = "ask the rest with --no-early-stop"
        sys.stderr.write(f"note: run {before.run.id} is finished: it stopped {at}; {mend}\n")
        return None, None
    total, left = len(before.cases) * before.run.repeats, sum(map(len, stages)) + len(sampled)
    total += 0 if beside is None else len(beside.before.cases) * beside.before.run.repeats
    looks = looks_ahead(before) if decide_look is not None else range(0)
    early: EarlyStop | None = None
    asked = [(main, keeping)]
    if beside is not None:
        asked.append((beside, keeping._replace(answers=None)))  # a fresh sample is asked afresh
    say_what_is_not_seen(keeping, [main.plan.system])
    wanted = Wanted(options.max_concurrency, options.max_cost_usd, options.max_minutes)
    plans, earlier = [one.plan for one, _ in asked], [one.before for one, _ in asked]
    limits = limits or limits_of(plans, wanted, before.run.seed, earlier)

    async def go(progress: Silent) -> Signals:
        nonlocal early
        async with AsyncExitStack() as opened:
            sessions = [
                await opened.enter_async_context(
                    open_session(one.plan, one.before.run, one.recording, progress, limits, keeping)
                )
                for one, keeping in asked
            ]
            gc.freeze()  # what is planned and opened stays: it need not be looked through again and again
            with Signals(progress, limits.end) as signals:
                limits.budget.begin(signals)
                for look, todo in enumerate(stages, 1):
                    if looks:
                        progress.heading_for(look, len(stages))
                    parts = [todo, sampled] if look == 1 else [todo]
                    await ask_mixed(list(zip(sessions, parts, strict=False)), signals)
                    if not signals.ended and look in looks and decide_look is not None:
                        early = await asyncio.to_thread(take_look, recording.path, look, decide_look)
                    if early is not None:
                        progress.stopped_early(look, len(stages))
                        break
            return signals

    if left:
        with show_progress(total, total - left, wanted=options.progress) as progress:
            progress.counts.limits = limits
            try:
                signals = asyncio.run(go(progress))
            finally:
                gc.unfreeze()  # else duckdb, as Python ends, reports it as leaked
        if signals.ended:
            not_asked = progress.counts.total - progress.counts.done
            spent = spent_of(limits, signals.spent, not_asked) if signals.spent else None
            return signals.number, spent
    for going, _ in asked:
        going.recording.finish(early if going is main else None)
    return None, None


def _strange_passages(recorded: Recorded, corpus: Corpus | None) -> str:
    """Say so where no retrieved passage is of the corpus: most often ids are mapped wrongly."""
    retrieved = {passage.doc_id for result in recorded.results for passage in result.response.retrieved}
    if corpus is None or not retrieved or retrieved & corpus.documents.keys():
        return ""
    example = ascii(min(retrieved))
    return f"none of the {len(retrieved):,} retrieved doc_ids is in the corpus, for example {example}"
