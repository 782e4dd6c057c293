"""Who enters a race, and what it goes by: the candidates, the metric, the stages and their bounds."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from harness.api.keeping import CacheUse
from harness.api.validating import Checked
from harness.candidates.assemble import UNCORRECTED
from harness.candidates.entrants import USAGE
from harness.candidates.race import ALPHA, LOOKS, Rules, look_bounds, race_stages
from harness.cases import outlines
from harness.errors import UsageError, did_you_mean
from harness.planning import identity_of
from harness.registry import find_metric
from harness.types import Case, MetricIdentity, metric_of, twin_measure

SELF = "plain"
"""How the plain system is named among candidates, unless the suite has a candidate of that name."""


class RaceOptions(msgspec.Struct, frozen=True):
    """How to race; None keeps what the suite says, and takes all candidates, the plain system among them.

    ``cache`` says what is not asked again, as in a run.
    """

    candidates: tuple[str, ...] | None = None
    metric: str | None = None
    alpha: float = ALPHA
    looks: tuple[float, ...] = LOOKS
    seed: int | None = None
    max_concurrency: int | None = None
    max_cost_usd: float | None = None
    max_minutes: float | None = None
    race_id: str | None = None
    resume: str | None = None
    cache: CacheUse | None = None
    progress: str = "none"


class Course(NamedTuple):
    """What the race goes by: rules, the metric, the stages of cases, the bounds of the looks."""

    rules: Rules
    metric: MetricIdentity
    stages: tuple[tuple[Case, ...], ...]
    bounds: tuple[float, ...]
    seed: int
    repeats: int

    def asked(self, look: int) -> list[Case]:
        """The cases asked by a look, from 1."""
        return [case for stage in self.stages[:look] for case in stage]


def entered(checked: Checked, options: RaceOptions) -> dict[str, str]:
    """Candidates to race, by the name that their runs get; the plain system is the empty candidate.

    Raises:
        UsageError: fewer than two candidates, one that is not in the suite, or one that is named twice.
    """
    known = checked.file.suite.candidates
    wanted = options.candidates if options.candidates is not None else ("", *known)
    names: dict[str, str] = {}
    for at, name in enumerate(wanted):
        candidate = "" if name == SELF and SELF not in known else name
        if candidate and candidate not in known:
            raise UsageError(f"no candidate {name!r} in the suite", mend=did_you_mean(name, [SELF, *known]))
        if candidate in names.values():
            raise UsageError(f"candidate {name!r} is named twice", mend="name each once")
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", candidate or SELF).strip("-.") or f"candidate-{at}"
        names[plain if plain not in names else f"{plain}-{at}"] = candidate
    if len(names) < 2:
        raise UsageError("a race needs two candidates or more", mend="declare them under `candidates:`")
    return names


def _metric(checked: Checked, options: RaceOptions) -> str:
    """The metric raced on: as asked, else the quality of ``choose:``, else the first with an upper end."""
    suite = checked.file.suite
    if options.metric is not None:
        if options.metric not in suite.metrics:
            what = f"metric {options.metric!r} is not in the suite"
            raise UsageError(what, mend=did_you_mean(options.metric, suite.metrics))
        return options.metric
    if suite.choose is not None:
        return suite.choose.quality
    by_case = [name for name in suite.metrics if twin_measure(name) is None]
    found = next((name for name in by_case if find_metric(name).high is not None), None)
    return found or suite.metrics[0]


def _check_unjudged(name: str) -> None:
    """Refuse a metric that a judge scores: no labels correct it on the way."""
    if "judge" in find_metric(metric_of(name)).needs:
        what = f"{name!r} is advisory and decides nothing: {UNCORRECTED}"
        raise UsageError(what, mend="race on a metric without a judge, by --metric or `choose:`")


def _check_rules(rules: Rules) -> None:
    if find_metric(rules.metric).high is None or rules.metric in USAGE:
        raise UsageError(
            f"{rules.metric!r} has no upper end: an answer that is missing has no worst value there",
            mend="race on a metric of quality, and limit this one under `choose:`",
        )
    if twin_measure(rules.metric) is not None:
        raise UsageError(
            f"{rules.metric!r} is known of twins only", mend="race on the metric that it is about"
        )
    if not 0 < rules.alpha < 0.5:
        raise UsageError(f"--alpha {rules.alpha:g}", mend="above 0 and below 0.5")
    rising = all(a < b for a, b in zip((0.0, *rules.looks), rules.looks, strict=False))
    if not rules.looks or not rising or rules.looks[-1] != 1.0:
        raise UsageError("--looks do not rise to 100", mend="for example --looks 20,40,60,80,100")


def course_of(checked: Checked, options: RaceOptions) -> Course:
    """Lay a race out.

    Raises:
        UsageError: no such metric, one that nobody can race on, or options out of range.
    """
    rules = Rules(_metric(checked, options), options.alpha, looks=options.looks)
    _check_rules(rules)
    _check_unjudged(rules.metric)
    suite = checked.file.suite
    seed = suite.seed if options.seed is None else options.seed
    stages = race_stages(outlines(checked.dataset.cases), seed, rules.looks)
    identity = identity_of(find_metric(rules.metric))
    return Course(rules, identity, stages, look_bounds(stages, rules.alpha), seed, suite.run.repeats)
