"""Golden cases made from a corpus, and recorded answers as a dataset for other tools."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path
from typing import Any

import msgspec

from harness.api.budgeting import check_judge_prices
from harness.api.rendering import write_text
from harness.api.validating import Checked
from harness.engine.budget import Budget
from harness.engine.limits import RunLimits
from harness.errors import MissingExtra, UsageError, did_you_mean
from harness.judges.client import open_client
from harness.registry import load_object
from harness.secrets import redactor, resolve
from harness.types import Corpus, JudgeSettings, Recorded, Suite


def generate(checked: Checked, judge: str, size: int, path: Path) -> int:
    """Have cases generated from a suite's corpus by one of its judges' models; gives how many there are.

    The judge is asked within the limits that it has in a run, and the suite's budget.

    Args:
        checked: the suite; its corpus is what cases are made from.
        judge: whose service and model are asked; it needs ``embeddings``.
        size: how many cases are wanted; doubles are left out.
        path: where they go, as JSON Lines.

    Raises:
        MissingExtra: ragas is not installed.
        UsageError: no corpus, no such judge, no embeddings, a budget that is used up or cannot be kept, or
            the generator failed.
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
    rows = asyncio.run(_generated(checked.file.suite, corpus, judge, size))
    write_text(path, _lines(rows))
    return len(rows)


async def _generated(suite: Suite, corpus: Corpus, judge: str, size: int) -> list[dict[str, Any]]:
    options, secrets = resolve(msgspec.to_builtins(suite.judges[judge]))
    settings = msgspec.convert(options, JudgeSettings)
    budget = Budget(suite.budget.max_cost_usd, suite.budget.max_minutes)
    if budget.max_cost_usd is not None:
        check_judge_prices(judge, settings)
    host = RunLimits(suite.run, suite.seed, budget).of_judge(judge, settings)
    generate_rows = load_object("harness.judges.ragas_sets:generate_rows", "function")
    async with open_client(settings, redactor(secrets), host) as client:
        found: list[dict[str, Any]] = await generate_rows(corpus, client, host, budget, size)
    return found


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
