"""Golden cases made from a corpus, and recorded answers as a dataset for other tools."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import msgspec

from harness.api.rendering import write_text
from harness.api.validating import Checked
from harness.errors import MissingExtra, UsageError, did_you_mean
from harness.registry import load_object
from harness.secrets import redactor, resolve
from harness.types import JudgeSettings, Recorded


def generate(checked: Checked, judge: str, size: int, path: Path) -> int:
    """Have cases generated from a suite's corpus by one of its judges' models; gives how many there are.

    Args:
        checked: the suite; its corpus is what cases are made from.
        judge: whose service and model are asked; it needs ``embeddings``.
        size: how many cases are wanted; doubles are left out.
        path: where they go, as JSON Lines.

    Raises:
        MissingExtra: ragas is not installed.
        UsageError: no corpus, no such judge, no embeddings, or the generator failed.
    """
    if importlib.util.find_spec("ragas") is None:
        raise MissingExtra("ragas", "ragas", "the test-set generator")
    corpus, judges = checked.dataset.corpus, checked.file.suite.judges
    if corpus is None:
        raise UsageError("the suite has no corpus to make cases from", mend="name one with `corpus:`")
    if judge not in judges:
        hint = did_you_mean(judge, judges) or "declare it under `judges:`; its service writes the cases"
        raise UsageError(f"no judge {judge!r} in the suite", mend=hint)
    if judges[judge].embeddings is None:
        what = f"judge {judge!r} has no model for embeddings, which the generator needs"
        raise UsageError(what, mend="name one with `embeddings:`")
    options, secrets = resolve(msgspec.to_builtins(judges[judge]))
    settings = msgspec.convert(options, JudgeSettings)
    rows = load_object("harness.judges.ragas_sets:generate_rows", "function")(
        corpus, settings, size, redactor(secrets)
    )
    write_text(path, _lines(rows))
    return len(rows)


def export(recorded: Recorded, path: Path) -> int:
    """Write the answers of a run as rows of ragas' ``EvaluationDataset``; gives how many there are.

    Raises:
        MissingExtra: ragas is not installed.
    """
    evaluation_dataset = load_object("harness.judges.ragas_sets:evaluation_dataset", "function")
    rows = evaluation_dataset(recorded.cases, recorded.results).to_list()
    write_text(path, _lines(rows))
    return len(rows)


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
