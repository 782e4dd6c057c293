"""What a report shows of a run; nothing in it is computed later."""

from __future__ import annotations

from msgspec import Struct, field

from harness.types.evidence import Comparison, Estimate
from harness.types.gaps import Gap
from harness.types.gates import Verdict
from harness.types.goldens import Case
from harness.types.recorded import EarlyStop, Result, Run
from harness.types.words import Behavior, Outcome, Reference, Scalar


class Change(Struct, frozen=True):
    """One configuration key that differs between two runs."""

    key: str
    before: Scalar
    after: Scalar


class StageCount(Struct, frozen=True):
    """Cases by stage, before and after: was the gold passage retrieved, was the answer good."""

    retrieved_before: bool
    retrieved_after: bool
    good_before: bool
    good_after: bool
    n: int


class Attribution(Struct, frozen=True):
    """Where changes come from: retrieval or generation; and refusals that flipped.

    ``retrieval_metric`` and ``answer_metric`` name the two scores that decided "retrieved" and "good".
    """

    retrieval_metric: str | None
    answer_metric: str | None
    stages: tuple[StageCount, ...] = ()
    now_refuses: tuple[str, ...] = ()
    now_answers: tuple[str, ...] = ()


class CaseChange(Struct, frozen=True):
    """One case that got worse: by how much on which metric, why, and in which slices.

    ``against`` is what it got worse than: the anchor on the metric of a gate that failed against it.
    """

    case_id: str
    metric: str
    before: float | None
    after: float | None
    harm: float
    cause: str
    slices: tuple[str, ...] = ()
    against: Reference = "baseline"


class BehaviorCount(Struct, frozen=True):
    """One cell of the refusal matrix: cases with this expected and this observed behaviour."""

    expected: Behavior
    observed: Behavior
    n: int


class Accounting(Struct, frozen=True):
    """Every selected case by what became of its response; the parts add up to ``selected``.

    ``looks`` counts the looks that were planned, 0 where the run could not stop early. Where it did, ``stop``
    says so, ``selected`` counts what was asked, and ``saved`` the calls (a repeat is one) that were not made.
    ``failure`` is the begin of what was said most often where the system failed; empty where it did not.
    """

    selected: int
    answered: int
    system_error: int
    timeout: int
    missing: int
    judge_error: int = 0
    looks: int = 0
    stop: EarlyStop | None = None
    saved: int = 0
    failure: str = ""


class CasePair(Struct, frozen=True):
    """One case with what the candidate and, where there is one, the baseline did with it (first repeat)."""

    case: Case
    candidate: Result | None
    baseline: Result | None
    slices: tuple[str, ...] = ()
    cause: str = ""


class Robustness(Struct, frozen=True):
    """One metric over the originals and twins of one kind: ``variant`` is the kind, empty for other twins.

    ``original`` and ``twins`` are its means on either; ``flip_rate`` and ``consistency`` are over twins,
    ``worst_case`` is over originals, each at the worst of its own value and those of its twins of this kind.
    """

    metric: str
    variant: str
    original: Estimate
    twins: Estimate
    flip_rate: Estimate
    consistency: Estimate
    worst_case: Estimate


class JudgedMetric(Struct, frozen=True):
    """A judge's own figures on one metric beside those that people's labels make of them.

    ``advisory`` says why no gate may rest on them (empty: gates decide on the corrected ones), ``lacking``
    why labels do not correct all of them. ``own`` and ``own_change`` are as the judge scored. ``corrected``
    and ``corrected_change`` rest on ``n_labels`` and ``n_labels_change`` labelled cases, and are None where
    labels correct nothing. Changes are against the baseline.
    """

    metric: str
    advisory: str
    lacking: str
    own: Estimate
    corrected: Estimate | None = None
    n_labels: int = 0
    own_change: Comparison | None = None
    corrected_change: Comparison | None = None
    n_labels_change: int = 0


class Report(Struct, frozen=True):
    """What is shown. Every rendering reads this one value and computes nothing later.

    ``headline`` holds the three top lines: verdict and consequence; worst finding; where and likely why.
    ``cases`` are all, in the order of the goldens, or of a large run as many as fit: ``not_shown`` counts
    the others. ``regressions`` are the worst of the cases that got worse: ``not_listed`` counts the others.
    ``baseline`` is the first run of the baseline, ``baseline_runs`` are all of them,
    ``anchor`` is the first run of the last release's baseline. ``verdicts`` are in suite order.
    ``comparisons`` are over all cases, one per metric in suite order; ``slices`` are the same by slice,
    hardest hit first. ``robustness`` is of the metrics that a measure over twins is about, ``judged`` of
    those that a judge scores. ``files`` names where report and store lie.
    """

    title: str
    outcome: Outcome
    exit_code: int
    headline: tuple[str, ...]
    run: Run
    baseline: Run | None
    verdicts: tuple[Verdict, ...]
    estimates: dict[str, Estimate]
    comparisons: tuple[Comparison, ...]
    slices: tuple[Comparison, ...]
    slice_estimates: dict[str, dict[str, Estimate]]
    gaps: tuple[Gap, ...]
    attribution: Attribution | None
    refusals: tuple[BehaviorCount, ...]
    refusals_before: tuple[BehaviorCount, ...]
    accounting: Accounting
    changes: tuple[Change, ...]
    regressions: tuple[CaseChange, ...]
    cases: tuple[CasePair, ...]
    notices: tuple[str, ...] = ()
    reproduce: str = ""
    baseline_runs: tuple[Run, ...] = ()
    anchor: Run | None = None
    robustness: tuple[Robustness, ...] = ()
    judged: tuple[JudgedMetric, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    not_shown: int = 0
    not_listed: int = 0
