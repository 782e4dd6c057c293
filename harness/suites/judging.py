"""What ``judges:``, ``judging:`` and ``rubrics:`` of a suite must mean beyond their types."""

from __future__ import annotations

from harness.errors import did_you_mean
from harness.registry import load_object
from harness.suites.keys import SECRET, FaultAt
from harness.suites.meaning import GATE_ID, RATES, check_above_zero, metric_of_ours
from harness.suites.yaml import KeyPath
from harness.types import JudgeSettings, Judging, Rubric, Suite

SCRIPT = "script:"
"""The address of a judge that asks nobody."""
LOWEST_GRADE, HIGHEST_GRADE = 0, 9
"""A grade is one digit: one token, whose probability can be asked for."""
LEAST_OF_JUDGE = {"repeats": 1, "retries": 0, "max_tokens": 1, "max_concurrency": 1}


def check_judging(suite: Suite, fault: FaultAt) -> None:
    """Check what types cannot say: that every judged metric has its judges, and they can be asked."""
    for name, settings in suite.judges.items():
        _check_name(name, ("judges", name), fault)
        _check_judge(settings, ("judges", name), fault)
    for index, name in enumerate(suite.metrics):
        _check_metric(name, suite, ("metrics", index), fault)
    for name, judging in suite.judging.items():
        path: KeyPath = ("judging", name)
        metric = metric_of_ours(name)
        if name not in suite.metrics:
            fault(path, f"metric {name!r} is not in the suite", did_you_mean(name, suite.metrics))
        elif metric is not None and "judge" not in metric.needs:
            fault(path, f"metric {name!r} needs no judge", "leave it out")
        if not judging.judges or len(set(judging.judges)) < len(judging.judges):
            fault((*path, "judges"), "no judge, or one that is named twice", "name each judge once")
    for name, rubric in suite.rubrics.items():
        _check_name(name, ("rubrics", name), fault)
        _check_rubric(rubric, ("rubrics", name), fault)


def _check_name(name: str, path: KeyPath, fault: FaultAt) -> None:
    if not GATE_ID.fullmatch(name):
        fault(path, f"name {name!r}", "use a-z, 0-9 and -")


def _check_metric(name: str, suite: Suite, path: KeyPath, fault: FaultAt) -> None:
    metric = metric_of_ours(name)
    if metric is None or "judge" not in metric.needs:
        return
    if not suite.judges:
        fault(path, f"metric {name!r} needs a judge", "declare one under `judges:`, named default")
        return
    judging = suite.judging_of(name)
    for judge in judging.judges:
        if judge not in suite.judges:
            hint = did_you_mean(judge, suite.judges)
            fault(path, f"metric {name!r} is judged by {judge!r}, which is no judge of the suite", hint)
    family, _, rest = name.partition(":")
    if family == "rubric" and rest not in suite.rubrics:
        hint = did_you_mean(rest, suite.rubrics) or "declare it under `rubrics:`"
        fault(path, f"no rubric {rest!r}", hint)
    if family == "ragas":
        _check_ragas(name, judging, suite, path, fault)


def _check_ragas(name: str, judging: Judging, suite: Suite, path: KeyPath, fault: FaultAt) -> None:
    """A metric of ragas is judged by one model, and some need embeddings."""
    if len(judging.judges) > 1:
        fault(("judging", name, "judges"), f"{name!r} is judged by one model", "name one judge")
    for judge in judging.judges:
        if judge in suite.judges and suite.judges[judge].script is not None:
            fault(path, f"{name!r} asks a service, and judge {judge!r} is a script", "name another judge")
    embeds = load_object("harness.judges.from_ragas:needs_embeddings", "function")(name)
    for judge in judging.judges if embeds else ():
        if (
            judge in suite.judges
            and suite.judges[judge].script is None
            and not suite.judges[judge].embeddings
        ):
            what = f"{name!r} needs embeddings, and judge {judge!r} has no model for them"
            fault(path, what, "name one with `embeddings:`")


def _check_judge(settings: JudgeSettings, path: KeyPath, fault: FaultAt) -> None:
    if settings.script is not None:
        _check_script(settings, path, fault)
    elif settings.base_url == SCRIPT:
        fault((*path, "base_url"), "there is no script", "write `script:`, a list of { has, verdict }")
    elif not settings.base_url.startswith(("http://", "https://", "${")):
        fault((*path, "base_url"), "base_url is no http:// or https:// address", "end it with /v1")
    if settings.api_key is not None and not SECRET.fullmatch(settings.api_key):
        fault((*path, "api_key"), "a key in the suite would be recorded", "write ${secret:NAME}")
    for name, least in LEAST_OF_JUDGE.items():
        value = getattr(settings, name)
        if value is not None and value < least:
            fault((*path, name), f"{name} is {value}", f"{least} or more")
    check_above_zero(settings, RATES, path, fault)
    if not settings.timeout_s > 0:
        fault((*path, "timeout_s"), f"timeout_s is {settings.timeout_s:g}", "seconds above 0")
    if settings.output == "logprob" and settings.max_tokens is not None:
        fault(
            (*path, "max_tokens"), "max_tokens says nothing with `output: logprob`", "one token is asked for"
        )
    prices = settings.usd_per_million_tokens
    if prices is not None and (set(prices) != {"input", "output"} or min(prices.values()) < 0):
        where = (*path, "usd_per_million_tokens")
        fault(where, "usd_per_million_tokens needs the prices 'input' and 'output', from 0")


def _check_script(settings: JudgeSettings, path: KeyPath, fault: FaultAt) -> None:
    """A script asks nobody: what is said to a service is out of place."""
    if settings.base_url != SCRIPT:
        fault((*path, "base_url"), "a judge with a script asks no service", f"base_url: {SCRIPT!r}")
    if not settings.script:
        fault((*path, "script"), "the script is empty", "a list of { has, verdict }")
    for name in ("api_key", "embeddings", "usd_per_million_tokens"):
        if getattr(settings, name) is not None:
            fault((*path, name), f"{name} says nothing to a script", "leave it out")


def _check_rubric(rubric: Rubric, path: KeyPath, fault: FaultAt) -> None:
    for name in ("text", "poor", "fine"):
        if not getattr(rubric, name).strip():
            fault((*path, name), f"{name} is empty", "write it out")
    if not LOWEST_GRADE <= rubric.low < rubric.high <= HIGHEST_GRADE:
        what = f"grades from {rubric.low} to {rubric.high}"
        fault(path, what, f"low below high, from {LOWEST_GRADE} to {HIGHEST_GRADE}")
