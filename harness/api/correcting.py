"""What is known of the judges of a run when its gates are decided: read from the labels beside the suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.baselines import moment
from harness.calibration.labelled import Book
from harness.calibration.standing import Compared, judged_metrics
from harness.comparison import RunScores
from harness.gates.evidence import Evidence
from harness.labels.folder import LabelFolder
from harness.places import label_folder
from harness.types import Recorded, Reference, Run

UNKNOWN = "9999-12-31T23:59:59Z"
"""When a run was started that does not say so: after every calibration has expired."""


def labels_beside(run: Run) -> LabelFolder:
    """Give the folder of labels of a run's suite."""
    return LabelFolder(label_folder(Path(run.suite_path), run.suite_name))


def read_book(folder: LabelFolder, runs: Sequence[Recorded]) -> Book:
    """Read all that is known of the labels of a suite, and which answers the runs gave.

    Raises:
        RecordingError: a file of the folder is not as it was written.
    """
    given = {recorded.run.id: folder.answers(recorded.run.id) for recorded in runs}
    return Book(folder.panels(), folder.labels(), folder.calibrations(), given)


def with_judges(
    evidence: Evidence,
    candidate: Recorded,
    references: Mapping[Reference, Sequence[Recorded]],
    started_at: str,
) -> Evidence:
    """Add what is known of the judges; evidence of a run without any comes back as it is.

    Args:
        evidence: of the run and what it is compared with.
        candidate: the run.
        references: the recordings of what it is compared with.
        started_at: when the run was started.

    Raises:
        RecordingError: a file of labels is not as it was written.
    """
    if not candidate.run.judges:
        return evidence
    runs = [candidate, *(recorded for its in references.values() for recorded in its)]
    book = read_book(labels_beside(candidate.run), runs)
    folded: dict[Reference, RunScores | None] = {"baseline": evidence.baseline, "anchor": evidence.anchor}
    scores = {
        role: Compared(references[role], found, evidence.comparable(evidence.candidate.cases, role))
        for role, found in folded.items()
        if found is not None
    }
    ours = Compared([candidate], evidence.candidate, evidence.candidate.cases)
    at = moment(started_at)
    when = UNKNOWN if at is None else stamp(at)
    return evidence._replace(judged=judged_metrics(ours, scores, book, evidence.suite.calibration, when))


def stamp(at: datetime) -> str:
    """Write a time in UTC to the second: such texts sort as their times do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
