"""Whether a judge may decide: calibrated on enough labels, lately and well, and labelled where it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.calibration.correction import MIN_LABELS, Correction, Side, correct
from harness.calibration.labelled import Book, told_of
from harness.comparison import RunScores, differing_metrics
from harness.numbers import number
from harness.types import Calibration, CalibrationSettings, Case, Recorded, Reference, Run


class Judged(NamedTuple):
    """One metric that a judge scores: why its gates cannot decide (empty: they can), and what corrects it.

    In place of a correction stands why there is none. ``pairs`` has one for each run that there is to be
    compared with.
    """

    advisory: str
    alone: Correction | str = "no answer of this run has a label"
    pairs: Mapping[Reference, Correction | str] = {}

    @property
    def lacking(self) -> str:
        """Why labels do not correct means or differences of the run; empty where they do, or may not."""
        if self.advisory:
            return ""
        found = {
            "its means": self.alone,
            **{f"its change since the {role}": its for role, its in self.pairs.items()},
        }
        return "; ".join(f"{what}: {why}" for what, why in found.items() if isinstance(why, str))


class Compared(NamedTuple):
    """A run, or several of one system, as recorded and folded, and the cases that may be compared with it."""

    runs: Sequence[Recorded]
    scores: RunScores
    cases: Sequence[Case]


def judged_metrics(
    candidate: Compared,
    references: Mapping[Reference, Compared],
    book: Book,
    settings: CalibrationSettings,
    at: str,
) -> dict[str, Judged]:
    """Say of every metric that a judge scores what its gates may rest on.

    Args:
        candidate: the run to be decided.
        references: what it is compared with.
        book: what is known of the labels of its suite.
        settings: what the suite asks of a judge.
        at: when the run was started, as calibrations have their times.
    """
    found = {}
    for name in candidate.scores.run.judges:
        if name not in candidate.scores.tables:
            continue
        served = candidate.scores.served.get(name, frozenset())
        advisory = why_advisory(name, candidate.scores.run, book.calibrations, settings, at, served)
        if advisory:
            found[name] = Judged(advisory)
            continue
        ours = Side(candidate.scores.tables[name], told_of(candidate.runs, book, name))
        pairs = {}
        for role, other in references.items():
            if name in other.scores.tables and name not in differing_metrics(
                other.scores.run, candidate.scores.run
            ):
                theirs = Side(other.scores.tables[name], told_of(other.runs, book, name))
                pairs[role] = _correct(name, candidate, other.cases, (theirs, ours), book)
        found[name] = Judged("", _correct(name, candidate, candidate.cases, (ours,), book), pairs)
    return found


def why_advisory(
    metric: str,
    run: Run,
    calibrations: Sequence[Calibration],
    settings: CalibrationSettings,
    at: str,
    served: frozenset[str] = frozenset(),
) -> str:
    """Say why a judge's gates cannot decide; empty where they can.

    Args:
        metric: scored by a judge in the run.
        run: with the judge's fingerprint and the metric's version.
        calibrations: of the suite.
        settings: what the suite asks of a judge.
        at: when the run was started.
        served: the models that its scores say were used.
    """
    mend = f"`harness judge calibrate {run.id} --metric {metric}`"
    of = metric, run.metrics[metric].version, run.judges[metric]
    found = next((item for item in calibrations if (item.metric, item.version, item.judge) == of), None)
    if found is None:
        return f"{_not_calibrated(metric, run, calibrations)}: {mend}"
    if found.n_labels < MIN_LABELS:
        few = f"its judge was calibrated on {found.n_labels} labels, and it needs {MIN_LABELS}"
        return f"{few}: label more, then {mend}"
    if found.expires_at is not None and found.expires_at <= at:
        return f"the calibration of its judge expired on {found.expires_at[:10]}: {mend}"
    if other := sorted(served - set(found.served)):
        return f"it was judged by {other[0]!r}, on which its judge was not calibrated: {mend}"
    if found.kappa.value is None or found.kappa.value < settings.min_kappa:
        kappa, least = number(found.kappa.value), number(settings.min_kappa)
        return f"its judge agrees with people by kappa {kappa}, and the suite asks for {least}"
    return ""


def _not_calibrated(metric: str, run: Run, calibrations: Sequence[Calibration]) -> str:
    """Say whether nobody was calibrated for a metric, or another judge, or another version of it."""
    known = [item for item in calibrations if item.metric == metric]
    if not known:
        return "this judge was not calibrated"
    if all(item.judge != run.judges[metric] for item in known):
        return "this judge was not calibrated, another was (model, service, parameters, prompt or rubric)"
    versions = ", ".join(str(item.version) for item in known if item.judge == run.judges[metric])
    return f"this judge was not calibrated on version {run.metrics[metric].version}, but on {versions}"


def _correct(
    metric: str, candidate: Compared, cases: Sequence[Case], sides: Sequence[Side], book: Book
) -> Correction | str:
    panel = book.panels.get(metric)
    if panel is None:
        return "no answer has a label"
    if panel.dataset_digest != candidate.scores.run.dataset_digest:
        return "the labelled cases were drawn from other goldens"
    return correct(panel, cases, sides)
