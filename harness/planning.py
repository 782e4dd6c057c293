"""A suite and a selection to what is to be run: the cases, and the system's fingerprint."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Any

import msgspec

from harness.errors import NothingSelected, UsageError, did_you_mean
from harness.slices import is_source, matches
from harness.types import Case, Dataset, Metric, MetricIdentity, Scalar, Suite


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


def select_cases(dataset: Dataset, selection: Selection, suite: Suite, seed: int) -> tuple[Case, ...]:
    """Choose the cases of a run, in dataset order; the same seed gives the same sample.

    Raises:
        UsageError: a condition on something that is no slice, or an id that is no case.
        NothingSelected: no case is left.
    """
    for name in selection.where:
        if name not in suite.slices and not is_source(name):
            raise UsageError(f"--where {name!r}: no such slice", mend=did_you_mean(name, suite.slices))
    known = {case.id for case in dataset.cases}
    for case_id in selection.case_ids:
        if case_id not in known:
            raise UsageError(f"no case {case_id!r}", mend=did_you_mean(case_id, known))
    chosen = [
        case
        for case in dataset.cases
        if matches(case, selection.where, suite.slices)
        and (not selection.case_ids or case.id in selection.case_ids)
    ]
    if selection.limit is not None and len(chosen) > selection.limit:
        kept = set(random.Random(seed).sample([case.id for case in chosen], selection.limit))  # noqa: S311 -- a sample
        chosen = [case for case in chosen if case.id in kept]
    if not chosen:
        raise NothingSelected("no case is selected", mend="look at --where, --case and --limit")
    return tuple(chosen)


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
