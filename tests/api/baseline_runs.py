"""A suite on disk with recorded runs of one system, for what is compared with and what is promoted."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from world import cases_of, recorded_of

from harness.api import deciding, references
from harness.api.promoting import Promoted, Wish, promote
from harness.api.rendering import render, write_text
from harness.places import Places
from harness.recordings import pack_slim
from harness.types import Recorded, Report

CASES = cases_of(80)
SUITE: dict[str, Any] = {
    "version": 1,
    "suite": "world",
    "goldens": [{"path": "cases.jsonl"}],
    "system": {"adapter": "reference"},
    "metrics": ["quality"],
    "gates": [{"id": "drop", "metric": "quality", "max_drop": 0.2}],
}


def losing(*places: int) -> list[float]:
    """Every case right but these."""
    return [0.0 if i in places else 1.0 for i in range(len(CASES))]


class Project:
    """A folder with a suite; runs are recorded, judged and promoted in it."""

    def __init__(self, folder: Path, suite: dict[str, Any] = SUITE) -> None:
        """Write the suite file; that it is there is all that counts."""
        self.places = Places(folder / "reports")
        self.suite_path = folder / "suites" / "world.yaml"
        self.suite_path.parent.mkdir(parents=True)
        self.suite_path.touch()
        self.suite = suite
        self.baselines = self.suite_path.parent / "baselines"

    def record(self, name: str, values: Sequence[float] = losing(1, 2), **fields: Any) -> Recorded:
        """Record a run, as `harness run` does."""
        fields = {"suite": self.suite, "suite_path": str(self.suite_path), **fields}
        return self.write(recorded_of(CASES, {"quality": values}, name, **fields))

    def write(self, recorded: Recorded) -> Recorded:
        """Write a recording into the folder of its run."""
        path = self.places.recording(recorded.run.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(pack_slim(recorded, keep_text=True)))
        return recorded

    def judge(self, recorded: Recorded, **options: Any) -> Report:
        """Gate a run against the present baseline and keep the report, as `harness check` does."""
        baseline, why_none = references.find_baseline((), self.suite_path, "world", self.places)
        anchor = references.find_anchor(self.suite_path, "world")
        report = deciding.gate(recorded, baseline, no_baseline=why_none, anchor=anchor, **options)
        write_text(self.places.run_folder(recorded.run.id) / "report.json", render(report, ["json"])["json"])
        return report

    def promote(self, *names: str, **wish: Any) -> Promoted:
        """Promote runs, as `harness baseline promote` does."""
        return promote(names, Wish("so", **wish), None, self.places)

    def baseline_ids(self) -> tuple[str, ...]:
        """The runs of the present baseline; none without one."""
        found, _ = references.find_baseline((), self.suite_path, "world", self.places)
        return references.ids_of(found) if found else ()
