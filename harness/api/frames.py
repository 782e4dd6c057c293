"""A recording as a pandas table, for notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cases import outlines
from harness.recordings import read

if TYPE_CHECKING:
    import pandas as pd


def scores_frame(path: str | Path) -> pd.DataFrame:
    """Give every score of a recording, one row per case, repeat and metric, in the recording's order.

    Columns: ``run``, ``case``, ``repeat``, ``metric``, ``value`` (NaN where there is none: look at
    ``status``), ``status``, ``reason``, and one ``groups.NAME`` per group that a case has.

    Args:
        path: a recording, or the folder of a run.

    Raises:
        RecordingError: it cannot be read.
    """
    import pandas as pd

    file = Path(path)
    recorded = read(file / "recording.jsonl" if file.is_dir() else file)
    groups = {
        case.id: {f"groups.{name}": value for name, value in case.groups.items()}
        for case in outlines(recorded.cases)
    }
    columns = ["run", "case", "repeat", "metric", "value", "status", "reason"]
    rows = [
        {
            "run": recorded.run.id,
            "case": result.case_id,
            "repeat": result.repeat,
            "metric": name,
            "value": score.value,
            "status": score.status,
            "reason": score.reason,
            **groups[result.case_id],
        }
        for result in recorded.results
        for name, score in result.scores.items()
    ]
    named = sorted({name for found in groups.values() for name in found})
    return pd.DataFrame(rows, columns=[*columns, *named]).astype({"value": "float64"})
