"""A suite and a selection to what is to be run: cases, stages, shares of limits, the system's fingerprint."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from harness.cases import outlines, picked
from harness.errors import NothingSelected, UsageError, did_you_mean
from harness.slices import is_source, matches
from harness.types import Case, Dataset, Metric, MetricIdentity, Scalar, Suite

LEAST_DOCUMENTS = 30
"""Documents below which no look is taken: the statistics of fewer clusters are not to be trusted."""


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which cases to run: conditions on slices, single ids, and a seeded sample of what is left."""

    where: dict[str, str] = {}
    case_ids: tuple[str, ...] = ()
    limit: int | None = None

    def facts(self) -> dict[str, Scalar]:
        """The selection as flat facts for the run record; empty when every case is selected."""
        facts: dict[str, Scalar] = {f"where.{name}": value for name, value in self.where.items()}
        if self.case_ids:
            facts["cases"] = ",".join(self.case_ids)
        if self.limit is not None:
            facts["limit"] = self.limit
        return facts


def select_cases(dataset: Dataset, selection: Selection, suite: Suite, seed: int) -> Sequence[Case]:
    """Choose the cases of a run, in dataset order; the same seed gives the same sample.

    Raises:
        UsageError: a condition on something that is no slice, or an id that is no case.
        NothingSelected: no case is left.
    """
    for name in selection.where:
        if name not in suite.slices and not is_source(name):
            raise UsageError(f"--where {name!r}: no such slice", mend=did_you_mean(name, suite.slices))
    cases = outlines(dataset.cases)
    known = {case.id for case in cases}
    for case_id in selection.case_ids:
        if case_id not in known:
            raise UsageError(f"no case {case_id!r}", mend=did_you_mean(case_id, known))
    named = frozenset(selection.case_ids) or known
    chosen = [
        place
        for place, case in enumerate(cases)
        if case.id in named and matches(case, selection.where, suite.slices)
    ]
    if selection.limit is not None and len(chosen) > selection.limit:
        kept = set(random.Random(seed).sample([cases[at].id for at in chosen], selection.limit))  # noqa: S311 -- a sample
        chosen = [place for place in chosen if cases[place].id in kept]
    if not chosen:
        raise NothingSelected("no case is selected", mend="look at --where, --case and --limit")
    return picked(dataset.cases, chosen)


def stages_of(
    cases: Sequence[Case],
    seed: int,
    looks: Sequence[float],
    first: Collection[str] = (),
    least_documents: int = LEAST_DOCUMENTS,
) -> tuple[tuple[Case, ...], ...]:
    """Part the cases of a run into stages, after each of which it may stop: whole documents, in random order.

    A stage ends with the first document by which the share of a look is reached. The order depends on the
    seed and the documents' names alone, so that a document keeps its place when others come or go.

    Args:
        cases: the cases of the run; those of one stage keep their order.
        seed: of the order.
        looks: rising shares of the cases, above 0, the last being 1.
        first: ids of cases whose documents come before all others.
        least_documents: a look before so many is left out.

    Returns:
        the stages, none of them empty; one alone where no look is left.
    """
    documents: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        documents[case.cluster].append(case)
    early = {case.cluster for case in cases if case.id in first}
    order = sorted(documents, key=lambda name: (name not in early, _lot(seed, name), name))
    stage_of: dict[str, int] = {}
    ahead, asked, stage = list(looks), 0, 0
    for place, name in enumerate(order, 1):
        stage_of[name] = stage
        asked += len(documents[name])
        left = [look for look in ahead if asked < look * len(cases) - 1e-9]  # 0.6 of 5 is not above 3
        if len(left) < len(ahead) and least_documents <= place < len(order):
            stage += 1
        ahead = left
    return tuple(
        tuple(case for case in cases if stage_of[case.cluster] == number) for number in range(stage + 1)
    )


def _lot(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).hexdigest()


def flat_config(
    adapter: str, written: Mapping[str, Any], file_digests: Mapping[str, str]
) -> dict[str, Scalar]:
    """The system's options as flat keys, and the digest of every file among them."""
    config: dict[str, Scalar] = {"system.adapter": adapter}
    _flatten("system", written, config)
    for name, digest in file_digests.items():
        config[f"system.{name}.sha256"] = digest[:16]
    return dict(sorted(config.items()))


def _flatten(prefix: str, value: Any, into: dict[str, Scalar]) -> None:
    if isinstance(value, Mapping):
        for key, part in value.items():
            _flatten(f"{prefix}.{key}", part, into)
    elif isinstance(value, (list, tuple)):
        into[prefix] = msgspec.json.encode(value, order="deterministic").decode()
    else:
        into[prefix] = value


def fingerprint_of(config: Mapping[str, Scalar]) -> str:
    """Fingerprint of a system: the SHA-256 over its flat configuration."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(config, order="deterministic")).hexdigest()


def identity_of(metric: Metric) -> MetricIdentity:
    """What of a metric must agree before two runs may be compared."""
    return MetricIdentity(
        version=metric.version,
        higher_is_better=metric.higher_is_better,
        low=metric.low,
        high=metric.high,
        unit=metric.unit,
    )
