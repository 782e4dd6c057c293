"""A suite: what is to be run and decided, and how."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from harness.types.gates import Gate
from harness.types.judges import JudgeSettings, Judging, Rubric


class Requirement(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A limit that a candidate has to keep to be chosen: ``min`` and/or ``max``, or ``max_gap`` of ``slice``.

    It is decided as the gate of the same keys is. ``metric`` is one of the suite's, ``latency_s`` or
    ``cost_usd``.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    quantile: float | None = None
    slice: str | None = None
    max_gap: float | None = None
    where: dict[str, str] = field(default_factory=dict)


class Choose(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one of several candidates is chosen: by ``quality``, among those that keep every requirement."""

    quality: str
    require: tuple[Requirement, ...] = ()


class GoldenSource(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where golden cases come from: a file (JSON Lines, CSV, Parquet), or what ``datasets`` loads.

    With ``format: datasets`` the path is a folder or hub name that the ``datasets`` library loads,
    and ``split`` its split. ``corpus`` names the documents; by default ``corpus.jsonl`` beside the file.
    ``fields`` maps our field names to the source's (``input: question``); with it, only these are read.
    """

    path: str
    format: Literal["jsonl", "csv", "parquet", "datasets"] | None = None
    split: str | None = None
    corpus: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


class SliceRule(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An attribute to slice by: ``from`` names a case field (groups.x, metadata.x, tags, split, ...)."""

    source: str = field(name="from")
    min_n: int = 20
    audit: bool = False


class RunSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How the engine asks: calls in flight, seconds per case in all, tries after the first, repeats.

    ``retry_share`` is how many tries after the first a run may make in all, as a share of its first ones.
    ``requests_per_minute`` and ``tokens_per_minute`` hold for each host (None: any number); ``adaptive``
    lets fewer calls be in flight where a host refuses them or becomes slow. ``looks`` are the shares of the
    cases at which `harness check` may stop asking; ``[1.0]``: never early.
    With ``cache``, what was answered before is not asked again. ``cache_mb`` is what the answers that are
    kept, and likewise the verdicts, may take of the disk.
    """

    max_concurrency: int = 8
    deadline_s: float = 60.0
    retries: int = 3
    retry_share: float = 0.2
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    adaptive: bool = True
    repeats: int = 1
    looks: tuple[float, ...] = (0.4, 0.6, 0.8, 1.0)
    cache: bool = False
    cache_mb: float = 1000.0


class EngineSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where a run is asked: on this machine, or in shards on the machines of a Ray cluster.

    ``address`` is the cluster's (``auto``: the one that this machine belongs to, ``local``: one started here
    for the run). ``shards`` is how many parts the run has; None: one for every 50 calls, 1,000 at most.
    """

    kind: Literal["local", "ray"] = "local"
    address: str = "auto"
    shards: int | None = None


class BudgetSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a run may spend before it stops, incomplete: money on system and judges, and minutes of asking.

    None: any amount.
    """

    max_cost_usd: float | None = None
    max_minutes: float | None = None


class BaselineSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is expected of a baseline; reports say where it is not so.

    ``runs`` is how many it should have, ``stale_after_days`` how old the oldest may be (None: any age).
    ``fresh`` is the share of its cases that `harness check` asks its system again, beside the candidate
    (None: none); as a run was recorded with, whether that was done.
    """

    runs: int = 5
    stale_after_days: float | None = 14.0
    fresh: float | None = None


class CalibrationSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a judge needs before its gates may decide: agreement with people, known and not too old.

    ``min_kappa`` is the least kappa; ``expires_after_days`` how old the judge's scores that were held
    against labels may be (None: any age).
    """

    min_kappa: float = 0.6
    expires_after_days: float | None = 90.0


class Suite(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is to be run and decided. ``system`` holds ``adapter`` and that adapter's own options.

    ``candidates`` names sets of changes to ``system``; ``choose`` says which of them is to be shipped.
    ``alpha`` is the false-alarm rate of all ``max_drop`` gates together. ``judging`` says which of the
    ``judges`` a metric is judged by, ``rubrics`` what ``rubric:NAME`` goes by.
    """

    version: Literal[1]
    suite: str
    goldens: tuple[GoldenSource, ...]
    system: dict[str, Any]
    metrics: tuple[str, ...]
    gates: tuple[Gate, ...]
    description: str = ""
    candidates: dict[str, dict[str, Any]] = field(default_factory=dict)
    slices: dict[str, SliceRule] = field(default_factory=dict)
    crosses: tuple[tuple[str, ...], ...] = ()
    run: RunSettings = RunSettings()
    engine: EngineSettings = EngineSettings()
    budget: BudgetSettings = BudgetSettings()
    baseline: BaselineSettings = BaselineSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    alpha: float = 0.01
    seed: int = 0
    choose: Choose | None = None
    judges: dict[str, JudgeSettings] = field(default_factory=dict)
    judging: dict[str, Judging] = field(default_factory=dict)
    rubrics: dict[str, Rubric] = field(default_factory=dict)

    def judging_of(self, metric: str) -> Judging:
        """Who judges a metric that needs a judge."""
        return self.judging.get(metric, Judging(("default",)))
