"""The judges of a suite: who judges which metric, opened for a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.cache import Cache
from harness.engine.limits import RunLimits
from harness.errors import UsageError, did_you_mean
from harness.judges.asking import Asked, Desk, One, Panel, fingerprint_of
from harness.judges.client import Absent, Reading, open_client
from harness.judges.prompts import prompt_names
from harness.judges.scripted import ScriptedJudge
from harness.registry import find_metric, is_ours
from harness.secrets import redactor, resolve
from harness.trust import panel_identity
from harness.types import JudgeSettings, Metric, Suite


class Judges(NamedTuple):
    """What a run asks its judges by: a panel for each judged metric, and how to give all of them up."""

    panels: Mapping[str, Panel]
    close: Callable[[], None]


def judge_identities(suite: Suite) -> dict[str, str]:
    """Name who judges each judged metric of a suite, as a run keeps it.

    Raises:
        UsageError: a metric of the user's own needs a judge that the suite does not have.
    """
    judged = _judged(find_metric(name) for name in suite.metrics)
    return {
        metric.name: panel_identity(
            [_fingerprint(suite, metric, name) for name in suite.judging_of(metric.name).judges],
            suite.judging_of(metric.name),
        )
        for metric in judged
        if _known(suite, metric)
    }


def judge_secrets(suite: Suite) -> list[str]:
    """Give the values of the secrets that the judges in use are asked with.

    Raises:
        UsageError: one is not set.
    """
    used = {
        name
        for metric in _judged(map(find_metric, suite.metrics))
        for name in suite.judging_of(metric.name).judges
    }
    return resolve([msgspec.to_builtins(suite.judges[name]) for name in sorted(used & suite.judges.keys())])[
        1
    ]


@asynccontextmanager
async def open_judges(
    suite: Suite,
    metrics: Iterable[Metric],
    cache: Path | None,
    limits: RunLimits | None = None,
    *,
    apart: bool = False,
    only_kept: bool = False,
) -> AsyncIterator[Judges]:
    """Open the services that judge these metrics, each once.

    Args:
        suite: names the judges.
        metrics: those that need none are left out.
        cache: the folder in which verdicts are kept; None: every verdict is asked for.
        limits: those of the run; None: what the suite says.
        apart: give each judge of a metric a panel of its own, named ``METRIC JUDGE``.
        only_kept: ask nobody; a verdict that is not kept is a failure of the judge.

    Raises:
        UsageError: a judge cannot be opened.
    """
    async with AsyncExitStack() as stack:
        judged = _judged(metrics)
        if not judged:
            yield Judges({}, lambda: None)
            return
        _make_expressions_ready()
        kept, desk = Cache(cache, Reading, frozen=only_kept), Desk()
        limits = limits or RunLimits(suite.run, suite.seed)
        clients: dict[str, Asked] = {}
        panels: dict[str, Panel] = {}
        for metric in judged:
            _known(suite, metric)
            judging = suite.judging_of(metric.name)
            members = []
            for name in judging.judges:
                if name not in clients and only_kept:
                    clients[name] = Absent(suite.judges[name])
                elif name not in clients:
                    clients[name] = await _opened(suite.judges[name], name, limits, stack)
                members.append(One(name, _fingerprint(suite, metric, name), clients[name], kept))
            if apart:
                panels |= {f"{metric.name} {one.name}": Panel((one,), "mean", desk) for one in members}
            else:
                panels[metric.name] = Panel(tuple(members), judging.combine, desk)
        try:
            yield Judges(panels, desk.close)
        finally:
            desk.close()


def _make_expressions_ready() -> None:
    """Make what answers are read by where they are judged: threads that begin together would each make it."""
    from harness.directed import expressions
    from harness.metrics.phrasebook import CUES, find

    expressions()
    for cue in CUES:
        find(cue, "")


async def _opened(settings: JudgeSettings, name: str, limits: RunLimits, stack: AsyncExitStack) -> Asked:
    if settings.script is not None:
        return ScriptedJudge(settings)
    resolved, secrets = _resolved(settings)
    held = limits.of_judge(name, resolved), limits.budget.paid
    return await stack.enter_async_context(open_client(resolved, redactor(secrets), *held))


def _judged(metrics: Iterable[Metric]) -> list[Metric]:
    return [metric for metric in metrics if "judge" in metric.needs]


def _known(suite: Suite, metric: Metric) -> bool:
    """Whether a metric of the user's own can be judged; those of ours were checked with the suite."""
    if not is_ours(metric.name) and metric.prompt not in prompt_names():
        what = f"metric {metric.name!r} needs a judge and asks with prompt {metric.prompt!r}"
        raise UsageError(what, mend=did_you_mean(metric.prompt, prompt_names()))
    for name in suite.judging_of(metric.name).judges:
        if name not in suite.judges:
            hint = did_you_mean(name, suite.judges) or "declare it under `judges:`"
            raise UsageError(f"metric {metric.name!r} is judged by {name!r}, which is no judge", mend=hint)
    return True


def _fingerprint(suite: Suite, metric: Metric, judge: str) -> str:
    family, _, rest = metric.name.partition(":")
    rubric = suite.rubrics.get(rest) if family == "rubric" else None
    return fingerprint_of(suite.judges[judge], metric.name, metric.prompt, rubric)


def _resolved(settings: JudgeSettings) -> tuple[JudgeSettings, list[str]]:
    options, secrets = resolve(msgspec.to_builtins(settings))
    return msgspec.convert(options, JudgeSettings), secrets
