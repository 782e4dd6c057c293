"""A run as it was recorded: who was asked what, when, and every result."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from harness.types.answers import Response
from harness.types.goldens import Case
from harness.types.scores import Score
from harness.types.words import RunId, Scalar, SuiteName

ORIGIN = "rescored.from"
"""The key of a run's ``config`` that names the run whose answers it scored again."""


class Result(Struct, frozen=True):
    """One case answered and scored once; ``repeat`` counts from 0."""

    case_id: str
    repeat: int
    response: Response
    scores: dict[str, Score] = field(default_factory=dict)


class FirstRepeats(Mapping[str, Result]):
    """The first of the results of each case, by case; it is read when it is asked for."""

    def __init__(self, results: Sequence[Result], among: Collection[str] | None = None) -> None:
        """Go through the results once; of these cases only, where some are named."""
        self._results = results
        self._places: dict[str, int] = {}
        for place, result in enumerate(results):
            if among is None or result.case_id in among:
                self._places.setdefault(result.case_id, place)

    def __getitem__(self, case_id: str) -> Result:
        """Give the result of a case."""
        return self._results[self._places[case_id]]

    def __iter__(self) -> Iterator[str]:
        """Give the ids of the cases."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many cases there are."""
        return len(self._places)


class MetricIdentity(Struct, frozen=True):
    """What of a metric must agree before two runs may be compared, and how to read its numbers."""

    version: int
    higher_is_better: bool
    low: float
    high: float | None
    unit: str = ""


class Run(Struct, frozen=True):
    """What was run: enough to decide what it may be compared with and to repeat it.

    ``config`` is flat (``system.top_k``: 5) so that two runs can be told apart key by key. ``suite`` is
    the suite as JSON types, so that a recording can be gated and reported without the file it came from;
    ``gate_lines`` has the line of each gate in that file.
    """

    id: RunId
    suite_name: SuiteName
    started_at: str
    candidate: str
    system_fingerprint: str
    dataset_digest: str
    dataset_name: str
    corpus_digest: str | None
    metrics: dict[str, MetricIdentity]
    config: dict[str, Scalar]
    suite: dict[str, Any]
    suite_path: str
    harness_version: str
    seed: int
    repeats: int
    n_cases: int
    selection: dict[str, Scalar] = field(default_factory=dict)
    revision: str | None = None
    judges: dict[str, str] = field(default_factory=dict)
    gate_lines: dict[str, int] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The id of the run whose answers these are: another one where they were scored again."""
        return str(self.config.get(ORIGIN, self.id))


Count = Annotated[int, Meta(ge=1)]


class EarlyStop(Struct, frozen=True):
    """Where a run stopped before every planned case was asked, and why.

    It stopped at look ``look`` of ``looks``, counted from 1; ``asked`` and ``planned`` count cases.
    """

    look: Count
    looks: Count
    asked: Count
    planned: Count
    reason: str


class Shard(Struct, frozen=True):
    """Which part of a run a recording is: shard ``number`` (from 1) of ``of``.

    ``plan`` is the digest of what all parts must agree on, ``n_cases`` counts the cases of the whole run, and
    ``places`` has the place (from 0) of each of the shard's cases among them.
    """

    number: Count
    of: Count
    plan: str
    n_cases: Count
    places: tuple[int, ...]


class CanaryResult(Struct, frozen=True):
    """How a judge withstood the attack corpus on one metric.

    ``corpus`` is the digest of attacks and scenes. ``gave_in`` names the attacks that moved the score their
    way, ``unsound`` the scenes without an attack that were judged wrong; ``unanswered`` got no verdict.
    ``served`` are the models that the service said it used. ``ran_at`` is a day.
    """

    corpus: str
    tried: int
    gave_in: tuple[str, ...]
    unsound: tuple[str, ...]
    unanswered: int
    served: tuple[str, ...]
    ran_at: str


class JudgeTrust(Struct, frozen=True):
    """What is known of one judge on one metric; its ``fingerprint`` says which configuration it is of."""

    metric: str
    judge: str
    fingerprint: str
    model: str
    canaries: CanaryResult | None = None


class Recorded(Struct, frozen=True):
    """A recording read back: the run, its cases and digests, its results by (case, repeat) in case order.

    Of a large recording not all results are held, nor all cases: go through them once where that is enough,
    and through the cases' ``outlines`` where those are.

    Where the run could stop early, ``stages`` has the stage (from 0) of each of the ``run.n_cases`` planned
    cases; otherwise it is empty. Where it did stop, ``stop`` says so and ``cases`` are those of the stages
    before: the others were never to be asked and are not missing. A run at a look is shown the same way.
    ``unscored`` has answers that were recorded and not scored before the run was interrupted.
    ``trust`` says of each judged metric why its judges may not decide a gate, empty where they may.
    ``shard`` is set where it is one part of a run.
    """

    run: Run
    cases: Sequence[Case]
    digests: dict[str, str]
    results: Sequence[Result]
    complete: bool
    notices: tuple[str, ...] = ()
    stages: dict[str, int] = field(default_factory=dict)
    stop: EarlyStop | None = None
    trust: dict[str, str] = field(default_factory=dict)
    shard: Shard | None = None
    unscored: tuple[Result, ...] = ()

    @property
    def answered(self) -> set[tuple[str, int]]:
        """Case and repeat of every answer, scored or not."""
        return {(one.case_id, one.repeat) for every in (self.results, self.unscored) for one in every}

    def first_repeats(self, among: Collection[str] | None = None) -> Mapping[str, Result]:
        """Give the first result of every case that has one, by case; of these cases only, where given."""
        return FirstRepeats(self.results, among)

    @property
    def looks(self) -> tuple[float, ...]:
        """The share of the planned cases asked by each look, the last being 1; empty without looks."""
        n_stages = max(self.stages.values(), default=-1) + 1
        counts = [0] * n_stages
        for stage in self.stages.values():
            counts[stage] += 1
        return tuple(sum(counts[: look + 1]) / len(self.stages) for look in range(n_stages))
