"""Hold a judge's scores against people's labels, and keep what that says of the judge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from harness.api.correcting import UNKNOWN, labels_beside, read_book, stamp
from harness.api.deciding import suite_of
from harness.api.trusting import with_trust
from harness.baselines import moment
from harness.calibration.agreement import Agreed, agree, rated_answers
from harness.calibration.standing import why_advisory
from harness.comparison import served_by
from harness.errors import UsageError, did_you_mean
from harness.labels.folder import LabelFolder
from harness.types import Calibration, Recorded


class Held(NamedTuple):
    """A judge held against labels: how far they agree, on which scale, and whose labels they are."""

    agreed: Agreed
    scale: tuple[float, ...]
    folder: LabelFolder


def hold(runs: Sequence[Recorded], metric: str) -> Held:
    """Hold a metric's scores in recorded runs against the labels of their answers.

    Args:
        runs: of one suite, scored by one judge in one version of the metric.
        metric: scored by a judge or not.

    Raises:
        UsageError: runs that do not go together, or no labelled answer among theirs.
    """
    first = runs[0].run
    for recorded in runs:
        run = recorded.run
        if metric not in run.metrics:
            raise UsageError(
                f"run {run.id!r} did not score {metric!r}", mend=did_you_mean(metric, run.metrics)
            )
        if (run.suite_name, run.dataset_digest, run.metrics[metric], run.judges.get(metric)) != (
            first.suite_name,
            first.dataset_digest,
            first.metrics[metric],
            first.judges.get(metric),
        ):
            what = (
                f"runs {first.id!r} and {run.id!r} differ in suite, goldens, version or judge of {metric!r}"
            )
            raise UsageError(what, mend="calibrate each judge by its own runs")
    folder = labels_beside(first)
    book = read_book(folder, runs)
    panel = book.panels.get(metric)
    ids = " ".join(dict.fromkeys(recorded.run.id for recorded in runs))
    mend = f"harness label export {ids} --metric {metric} -o packet.html"
    if panel is None:
        raise UsageError(f"no answer has a label of {metric!r}", mend=mend)
    if panel.dataset_digest != first.dataset_digest:
        what = f"the cases for {metric!r} were drawn from other goldens"
        raise UsageError(what, mend=f"draw anew: {mend} --anew")
    rated = rated_answers(runs, book, metric)
    if not rated:
        raise UsageError(f"no answer of these runs has a label of {metric!r}", mend=mend)
    return Held(agree(rated, panel.scale, suite_of(first).slices), panel.scale, folder)


def calibrate(runs: Sequence[Recorded], metric: str) -> tuple[Calibration, Held, Path]:
    """Calibrate the judge of a metric and keep the result beside the suite's labels.

    It is as old as the earliest of the runs: the judge may have changed since it gave those scores.

    Raises:
        UsageError: as ``hold`` does; or the metric has no judge, or a run no time.
    """
    first = runs[0].run
    if metric in first.metrics and metric not in first.judges:
        mend = "`harness judge agree` says how far it agrees with people"
        raise UsageError(f"{metric!r} is not scored by a judge: there is none to calibrate", mend=mend)
    held = hold(runs, metric)
    times = [at for recorded in runs if (at := moment(recorded.run.started_at)) is not None]
    if len(times) < len(runs):
        raise UsageError("a run does not say when it was started: its judge has no date")
    at = min(times)
    days = suite_of(first).calibration.expires_after_days
    agreed = held.agreed
    found = Calibration(
        metric=metric,
        version=first.metrics[metric].version,
        judge=first.judges[metric],
        scale=held.scale,
        n_labels=agreed.n,
        n_raters=len(agreed.raters),
        kappa=agreed.kappa,
        raters=agreed.alpha,
        rates=agreed.rates,
        confusion=agreed.confusion,
        runs=tuple(sorted(recorded.run.id for recorded in runs)),
        scored_at=stamp(at),
        expires_at=None if days is None else stamp(at + timedelta(days=days)),
        served=tuple(sorted({model for one in runs for model in served_by(one.results).get(metric, ())})),
    )
    return found, held, held.folder.keep_calibration(found)


def why_not_yet(found: Calibration, recorded: Recorded) -> str:
    """Say why the gates of a judge that was just calibrated cannot decide on a run; empty where they can.

    Raises:
        UsageError: what is known of its canaries cannot be read.
    """
    run, at = recorded.run, moment(recorded.run.started_at)
    reasons = (
        with_trust(recorded).trust.get(found.metric, ""),
        why_advisory(found.metric, run, [found], suite_of(run).calibration, stamp(at) if at else UNKNOWN),
    )
    return "; and ".join(filter(None, reasons))
