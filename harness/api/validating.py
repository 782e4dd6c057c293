"""Check a suite and its goldens before anything is asked."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.cases import outlines
from harness.errors import MissingExtra, SuiteError
from harness.gates.drop import cannot_pass
from harness.gates.hierarchy import roles_of
from harness.goldens.dataset import load_dataset
from harness.places import shown_path
from harness.registry import find_metric, is_ours
from harness.slices import matches
from harness.suites.selection import selection_faults
from harness.suites.suite import SuiteFile, load_suite
from harness.suites.yaml import load_yaml
from harness.types import Dataset


class Checked(NamedTuple):
    """A checked suite with its goldens; ``warnings`` name gates that can never pass."""

    file: SuiteFile
    dataset: Dataset
    warnings: tuple[str, ...] = ()


def validate(suite_path: Path) -> Checked:
    """Read and check a suite and its goldens; nothing is run and none of the user's code is imported.

    Raises:
        SuiteError, GoldenError: with every fault found.
        NothingSelected: the goldens hold no case.
    """
    file = load_suite(suite_path)
    dataset = load_dataset(file.suite.goldens, file.folder, file.suite.suite)
    document = load_yaml(Path(shown_path(file.path)))
    if faults := selection_faults(file.suite, document, outlines(dataset.cases)):
        raise SuiteError(faults)
    _check_packages(file)
    return Checked(file, dataset, tuple(_hopeless_gates(file, dataset)))


def _check_packages(file: SuiteFile) -> None:
    """A missing optional package is told before anything is run."""
    systems = [file.suite.system, *({**file.suite.system, **c} for c in file.suite.candidates.values())]
    if any(one["adapter"] == "openai_chat" for one in systems) and importlib.util.find_spec("openai") is None:
        raise MissingExtra("openai", "openai", "the system openai_chat")
    if file.suite.judges and importlib.util.find_spec("openai") is None:
        raise MissingExtra("openai", "openai", "a judge")
    if any(name.startswith("ragas:") for name in file.suite.metrics) and not importlib.util.find_spec(
        "ragas"
    ):
        raise MissingExtra("ragas", "ragas", "a metric of ragas")


def _hopeless_gates(file: SuiteFile, dataset: Dataset) -> Iterator[str]:
    roles = roles_of(file.suite.gates)
    for gate in file.suite.gates:
        if gate.kind != "drop" or gate.metric is None or roles[gate.id] == "guard":
            continue  # a guard need not pass
        metric = find_metric(gate.metric) if is_ours(gate.metric) else None
        span = None if metric is None or metric.high is None else metric.high - metric.low
        cases = [case for case in outlines(dataset.cases) if matches(case, gate.where, file.suite.slices)]
        if why := cannot_pass(gate, file.suite, cases, span):
            yield f"gate {gate.id!r}: {why}"
