"""Try the attack corpus on a suite's judges, and say of a run whether its judges may decide a gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from harness.api.judging import open_judges
from harness.api.keeping import Keeping, end_keeping
from harness.api.rendering import write_text
from harness.api.validating import Checked
from harness.engine.scoring import score
from harness.errors import UsageError, did_you_mean
from harness.judges.asking import Panel
from harness.judges.canaries import Trial, corpus_digest, scene_of, trials
from harness.judges.trust import read_trust, with_known
from harness.places import now, trust_file
from harness.registry import find_metric
from harness.systems.callables import folder_importable
from harness.trust import doubt_of, trust_in
from harness.types import CanaryResult, JudgeTrust, Metric, Recorded, Score, Suite


class Tried(NamedTuple):
    """One judge on one metric after its canaries; ``doubt`` says why it may not decide a gate, if so."""

    trust: JudgeTrust
    doubt: str


def with_trust(recorded: Recorded) -> Recorded:
    """Give the run with what is known of its judges, from the file beside its suite.

    Raises:
        UsageError: the file cannot be read.
    """
    if not recorded.run.judges:
        return recorded
    known = read_trust(trust_file(Path(recorded.run.suite_path), recorded.run.suite_name))
    return replace(recorded, trust=trust_in(recorded, known, corpus_digest()))


def try_canaries(
    checked: Checked, keeping: Keeping, tell: Callable[[str], None], judges: tuple[str, ...] = ()
) -> tuple[Tried, ...]:
    """Try every attack on every judge of every judged metric, and keep the results beside the suite.

    Args:
        checked: the suite.
        keeping: where verdicts are kept, and whether they are.
        tell: is told what is being tried.
        judges: try these only; none: all.

    Raises:
        UsageError: nothing is judged, or not by who is named; or a judge cannot be opened.
        RecordingError: the results cannot be written.
    """
    suite = checked.file.suite
    with folder_importable(Path.cwd()):
        judged = [metric for name in suite.metrics if "judge" in (metric := find_metric(name)).needs]
        if not judged:
            raise UsageError("no metric of the suite is judged", mend="see docs/judges.md")
        used = {name for metric in judged for name in suite.judging_of(metric.name).judges}
        for name in judges:
            if name not in used:
                raise UsageError(
                    f"no metric of the suite is judged by {name!r}", mend=did_you_mean(name, used)
                )
        tried = asyncio.run(_try_all(suite, judged, keeping.verdicts, tell, judges))
    end_keeping(keeping)
    path = trust_file(checked.file.path, suite.suite)
    write_text(path, with_known(read_trust(path), tuple(tried)))
    return tuple(Tried(one, doubt_of(one.canaries, corpus_digest())) for one in tried if one.canaries)


async def _try_all(
    suite: Suite, judged: list[Metric], cache: Path | None, tell: Callable[[str], None], only: tuple[str, ...]
) -> list[JudgeTrust]:
    found = []
    async with open_judges(suite, judged, cache, apart=True) as opened:
        for metric in judged:
            for name in suite.judging_of(metric.name).judges:
                if only and name not in only:
                    continue
                tell(f"{metric.name} by {name}")
                panel = opened.panels[f"{metric.name} {name}"]
                result = await _try_one(suite, metric, panel)
                fingerprint = panel.members[0].fingerprint
                found.append(JudgeTrust(metric.name, name, fingerprint, suite.judges[name].model, result))
    return found


async def _try_one(suite: Suite, metric: Metric, panel: Panel) -> CanaryResult:
    scene = scene_of(metric.name)
    rubric = suite.rubrics.get(metric.name.partition(":")[2])
    tried = list(trials(scene, rubric)) if scene is not None else []
    resources = {"corpus": None, "judge": {metric.name: panel}, "rubrics": suite.rubrics}
    limit = asyncio.Semaphore(suite.run.max_concurrency)

    async def one(trial: Trial) -> Score:
        async with limit:
            return await asyncio.to_thread(_score, trial, metric, resources)

    scores = await asyncio.gather(*map(one, tried))
    lost = [trial for trial, found in zip(tried, scores, strict=True) if trial.is_lost(found)]
    served = {judge["served"] for found in scores for judge in found.details.get("judges", [])}
    return CanaryResult(
        corpus=corpus_digest(),
        tried=sum(trial.wants is not None for trial in tried),
        gave_in=tuple(trial.id for trial in lost if trial.wants is not None),
        unsound=tuple(trial.id for trial in lost if trial.wants is None),
        unanswered=sum(found.value is None for found in scores),
        served=tuple(sorted({model for models in served for model in models.split("; ") if model})),
        ran_at=now().date().isoformat(),
    )


def _score(trial: Trial, metric: Metric, resources: Mapping[str, Any]) -> Score:
    return score(trial.case, trial.response, {metric.name: metric}, resources)[metric.name]
