"""Every noun of the harness, as frozen values; nothing here imports anything of ours.

Field names are those of the JSON files, the database columns and the report headings. Absence is always
``None`` together with a status, never 0 and never NaN. Times are seconds, money is US dollars, text offsets
count characters, intervals are closed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Behavior = Literal["answer", "refuse", "clarify", "partial"]
Status = Literal["scored", "not_applicable", "system_error", "timeout", "judge_error"]
Outcome = Literal["pass", "fail", "inconclusive"]
GateKind = Literal["drop", "bound", "gap", "scored", "cases"]
Reference = Literal["baseline", "anchor"]
"""What a run is compared with: the runs before it, or those of the last release."""
Scalar = str | int | float | bool | None
RunId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")]
"""Checked where a recording is read: a run's id is the name of its folder."""
SuiteName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
"""Checked where a recording is read: a suite's name is that of its baseline's files."""

LARGEST_VALUE = 1e100
"""The largest magnitude of a score, a cost or a time: squares of those beyond 1e154 do not fit a float."""
UNSCORED: tuple[Status, ...] = ("system_error", "timeout", "judge_error")
"""Statuses that stay in the denominator without a value; ``not_applicable`` is outside it."""


# -- goldens -----------------------------------------------------------------------------------------------


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One earlier turn of a dialogue."""

    role: Literal["user", "assistant", "system"]
    content: str


class Passage(Struct, frozen=True, omit_defaults=True):
    """One retrieved passage; ``rank`` starts at 1, ``start`` is its offset in the document where known."""

    doc_id: str
    text: str
    rank: int
    score: float | None = None
    start: int | None = None


class Query(Struct, frozen=True, omit_defaults=True):
    """All that a system under test may see of a case: the reference cannot leak, by type.

    ``contexts`` are passages given with the question, for systems without a retriever of their own.
    """

    id: str
    input: str
    history: tuple[Message, ...] = ()
    contexts: tuple[Passage, ...] = ()


class Evidence(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A gold passage, anchored in the text of a source document so that it survives re-chunking.

    ``start`` and ``end`` are offsets into the document's text, resolved from ``quote`` at load.
    ``grade`` is the relevance, 0 (not relevant) upwards.
    """

    doc_id: str
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    grade: int = 1


class Case(Struct, frozen=True, omit_defaults=True):
    """One golden case: a query and what a good system does with it."""

    query: Query
    expected_behavior: Behavior = "answer"
    expected_output: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    must_include: tuple[str, ...] = ()
    must_not_include: tuple[str, ...] = ()
    policy: str | None = None
    groups: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: dict[str, Scalar] = field(default_factory=dict)
    split: str | None = None
    twin_of: str | None = None
    document_id: str | None = None

    @property
    def id(self) -> str:
        """The stable id of the case."""
        return self.query.id

    @property
    def cluster(self) -> str:
        """What correlated cases share: their source document, else their original, else themselves."""
        return self.document_id or self.twin_of or self.query.id


class Document(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One document of the corpus that the system answers from."""

    doc_id: str
    text: str
    title: str = ""
    metadata: dict[str, Scalar] = field(default_factory=dict)


class Corpus(Struct, frozen=True):
    """The documents by id, with the digest of all of them."""

    documents: dict[str, Document]
    digest: str


class Dataset(Struct, frozen=True):
    """Golden cases in file order; ``digests`` holds one digest per case id."""

    name: str
    cases: tuple[Case, ...]
    digest: str
    digests: dict[str, str]
    corpus: Corpus | None = None
    notices: tuple[str, ...] = ()


class Slice(Struct, frozen=True):
    """A set of cases chosen by attributes; no condition means every case."""

    where: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """``language=de & register=plain``, or ``all``."""
        return " & ".join(f"{name}={value}" for name, value in self.where) or "all"


# -- what a system answers ---------------------------------------------------------------------------------


class Citation(Struct, frozen=True, omit_defaults=True):
    """A source named by the answer; ``start``/``end`` delimit the words of the output that it backs."""

    doc_id: str
    start: int | None = None
    end: int | None = None


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens and money spent on one response, where the system says."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


class Timings(Struct, frozen=True, omit_defaults=True):
    """Seconds of the successful attempt: in all, retrieving, generating."""

    total_s: float | None = None
    retrieve_s: float | None = None
    generate_s: float | None = None


class ResponseError(Struct, frozen=True):
    """Why there is no answer; kind ``timeout`` gives status ``timeout``, every other ``system_error``."""

    kind: Literal["timeout", "http_status", "connection", "bad_response", "exception", "process"]
    message: str


class Response(Struct, frozen=True, omit_defaults=True):
    """What the system under test gave for one query: an output, or an error.

    ``refused`` is what the system says of itself, or None; the refusal metrics decide.
    """

    output: str | None = None
    retrieved: tuple[Passage, ...] = ()
    refused: bool | None = None
    citations: tuple[Citation, ...] = ()
    usage: Usage = Usage()
    timings: Timings = Timings()
    attempts: int = 1
    error: ResponseError | None = None
    cached: bool = False
    text_repaired: bool = False


Answer = Response | str | Mapping[str, Any]
System = Callable[[Query], Answer | Awaitable[Answer]]
"""The system under test: a plain or async callable. A str is an output, a mapping holds Response fields."""


# -- scores ------------------------------------------------------------------------------------------------


class Score(Struct, frozen=True, omit_defaults=True):
    """One metric on one response. Only ``scored`` has a value; ``details`` is JSON: claims, evidence, spans.

    Raises:
        ValueError: if status and value disagree, or the value is not finite or beyond ``LARGEST_VALUE``.
    """

    value: float | None = None
    status: Status = "scored"
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a value without the status, a status without the value, and what cannot be computed with."""
        if (self.status == "scored") != (self.value is not None):
            raise ValueError(f"status {self.status!r} with value {self.value!r}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"score {self.value!r} is not finite")
        if self.value is not None and abs(self.value) > LARGEST_VALUE:
            raise ValueError(f"score {self.value!r} is beyond {LARGEST_VALUE:g} in magnitude")


class Metric(Struct, frozen=True):
    """A named scoring function with its version, needs, direction and range (``high`` None: unbounded).

    ``score(case, response, **needs)`` gives a Score. ``name`` is the identity everywhere: ``recall@5``.
    ``on_error`` metrics also score responses that are errors. ``prompt`` is what a metric that needs a
    ``judge`` puts to it.
    """

    name: str
    score: Callable[..., Score]
    version: int
    doc: str
    needs: tuple[str, ...] = ()
    higher_is_better: bool = True
    low: float = 0.0
    high: float | None = 1.0
    unit: str = ""
    cutoff: bool = False
    on_error: bool = False
    prompt: str = ""


class Question(Struct, frozen=True):
    """What a judge is asked about one answer: sections of text, then items that each get one of the labels.

    Sections and items are data from the outside and never instructions. ``prompt`` names the instructions.
    Items come last, so that questions about the same texts begin alike. ``rubric`` is text of the suite.
    """

    prompt: str
    sections: tuple[tuple[str, str], ...]
    items: tuple[str, ...]
    labels: tuple[str, ...]
    rubric: str = ""


class Opinion(Struct, frozen=True):
    """What a judge says: per item, how sure it is of each label, adding up to 1; in the question's order."""

    labels: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]

    def share(self, item: int, *labels: str) -> float:
        """How sure it is that an item (from 0) has one of these labels, 0..1."""
        return min(1.0, math.fsum(self.shares[item][self.labels.index(label)] for label in labels))

    def verdict(self, item: int) -> str:
        """The likeliest label of an item (from 0); of equals the last, which is the less favourable one."""
        row = self.shares[item]
        return self.labels[max(range(len(row)), key=lambda at: (row[at], at))]


Judge = Callable[[Question], Opinion]
"""What a metric that needs a ``judge`` is given."""


VARIANT = "variant"
"""The key of ``metadata`` by which a variant names its kind; other twins do not have it."""

TWIN_MEASURES = ("consistency", "flip_rate", "worst_case")
"""What is said of a metric over a case and its twins: ``flip_rate:required_facts``."""


def twin_measure(metric: str) -> tuple[str, str] | None:
    """Part the name of a measure over twins into the measure and its metric; None for any other metric."""
    measure, colon, of = metric.partition(":")
    return (measure, of) if colon and measure in TWIN_MEASURES else None


def metric_of(name: str) -> str:
    """Give the metric that a measure over twins is about; any other metric is about itself."""
    about = twin_measure(name)
    return about[1] if about else name


class Result(Struct, frozen=True):
    """One case answered and scored once; ``repeat`` counts from 0."""

    case_id: str
    repeat: int
    response: Response
    scores: dict[str, Score] = field(default_factory=dict)


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

    Where the run could stop early, ``stages`` has the stage (from 0) of each of the ``run.n_cases`` planned
    cases; otherwise it is empty. Where it did stop, ``stop`` says so and ``cases`` are those of the stages
    before: the others were never to be asked and are not missing. A run at a look is shown the same way.
    ``trust`` says of each judged metric why its judges may not decide a gate, empty where they may.
    """

    run: Run
    cases: tuple[Case, ...]
    digests: dict[str, str]
    results: tuple[Result, ...]
    complete: bool
    notices: tuple[str, ...] = ()
    stages: dict[str, int] = field(default_factory=dict)
    stop: EarlyStop | None = None
    trust: dict[str, str] = field(default_factory=dict)

    @property
    def looks(self) -> tuple[float, ...]:
        """The share of the planned cases asked by each look, the last being 1; empty without looks."""
        n_stages = max(self.stages.values(), default=-1) + 1
        counts = [0] * n_stages
        for stage in self.stages.values():
            counts[stage] += 1
        return tuple(sum(counts[: look + 1]) / len(self.stages) for look in range(n_stages))


# -- evidence ----------------------------------------------------------------------------------------------


class Interval(Struct, frozen=True):
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str


class Estimate(Struct, frozen=True):
    """A mean over cases: ``n`` have a value, ``n_unscored`` should have had one, the rest do not apply."""

    value: float | None
    n: int
    n_unscored: int
    interval: Interval | None = None


class Comparison(Struct, frozen=True):
    """Candidate against baseline on one metric and slice, paired by case.

    ``change`` is candidate minus baseline over the pairs. ``p_worse`` is the one-sided p-value of "the
    candidate is worse". ``harm`` is the change turned so that positive is worse; ``harm_limit`` is its
    one-sided upper limit (95 %, but where ``limit_level`` says else) with every unscored pair counted at its
    worst (None: cannot be bounded).
    ``n_gained`` cases have a value in the candidate only and are not part of the comparison.
    ``detectable`` is the smallest true harm found with 80 % power at ``alpha``. ``p_adjusted`` is the p-value
    within all tests of the gate, held against ``level``: what the gate may have spent of its alpha by now.
    On the scale of ratios all changes and harms are relative: 0.1 is ten percent. ``baseline`` and
    ``candidate`` are the means of all that each side has; ``pair_means`` are both over the pairs alone, and
    what is shown beside a change.
    """

    metric: str
    slice: Slice
    baseline: Estimate
    candidate: Estimate
    change: float | None = None
    interval: Interval | None = None
    p_worse: float | None = None
    harm: float | None = None
    harm_limit: float | None = None
    detectable: float | None = None
    alpha: float | None = None
    n_pairs: int = 0
    n_unpaired: int = 0
    n_gained: int = 0
    n_clusters: int = 0
    worse: int = 0
    better: int = 0
    same: int = 0
    higher_is_better: bool = True
    method: str = ""
    scale: Literal["difference", "ratio"] = "difference"
    limit_level: float = 0.95
    p_adjusted: float | None = None
    level: float | None = None
    pair_means: tuple[float, float] | None = None

    @property
    def means(self) -> tuple[float | None, float | None]:
        """Baseline and candidate over the cases that both have; without a pair, over what each has."""
        return self.pair_means or (self.baseline.value, self.candidate.value)

    @property
    def is_whole(self) -> bool:
        """Whether both sides have a value for the same cases and no others."""
        return self.baseline.n == self.candidate.n == self.n_pairs


class TailChange(Struct, frozen=True):
    """How a high quantile of a time or a cost moved, over the same cases: advisory, it decides nothing.

    ``interval`` is of ``after - before``, ``relative`` of ``after / before - 1``. Of ``n`` cases ``n_lost``
    lack a value on a side; they count as the slowest after and as nothing before, and where that leaves
    ``after`` or its limits open these are None.
    """

    metric: str
    quantile: float
    before: float
    after: float | None
    interval: Interval | None
    relative: Interval | None
    n: int
    n_lost: int
    n_clusters: int


GapVerdict = Literal[
    "worse beyond tolerance",
    "difference found",
    "too few cases",
    "parity shown",
    "no difference found",
    "better than the rest",
]
"""What an audit says of a group, and of a gap: the gravest that a group of it has."""


class GroupGap(Struct, frozen=True):
    """One group against the rest; ``deficit`` is how much worse the group is (positive: worse).

    ``interval`` is of the deficit and holds together with those of the other judged groups. ``p_worse`` is
    the one-sided p-value of "the group is worse", adjusted for all of them (None where scores are missing).
    ``shrunken`` is the group's mean drawn to the centre as far as it is noise. ``detectable`` is the
    smallest true deficit that ``p_worse`` finds with 80 % power. ``needed`` is how many cases the group needs
    to be judged and for a deficit of the tolerance to be found with that power (None where it is settled).
    ``at_least`` is the one-sided lower limit of the deficit that goes with ``p_worse``: above 0 exactly where
    the group is found worse at 5 %; ``interval`` is wider, for it looks to both sides.
    """

    group: str
    estimate: Estimate
    n_clusters: int
    enough: bool
    deficit: float | None = None
    interval: Interval | None = None
    p_worse: float | None = None
    shrunken: float | None = None
    detectable: float | None = None
    needed: int | None = None
    verdict: GapVerdict | None = None
    at_least: float | None = None


class Gap(Struct, frozen=True):
    """How one metric differs between the groups of one attribute; groups sorted worst first.

    ``difference`` is best minus worst group mean among groups with enough cases (descriptive: it is biased
    upward); the verdict rests on the simultaneous intervals of each group against the rest. ``p_omnibus`` is
    the p-value of "all groups are alike", small ones included. ``alpha`` is the two-sided level of one of
    the ``comparisons``, so that all intervals hold together, ``alpha_worse`` that of "the group is worse".
    ``tolerance`` is the deficit that is allowed.
    """

    metric: str
    attribute: str
    groups: tuple[GroupGap, ...]
    overall: Estimate
    min_n: int
    difference: float | None = None
    ratio: float | None = None
    higher_is_better: bool = True
    p_omnibus: float | None = None
    alpha: float | None = None
    alpha_worse: float | None = None
    comparisons: int = 0
    tolerance: float | None = None
    verdict: GapVerdict | None = None


class DeficitChange(Struct, frozen=True):
    """How one group's deficit moved since the baseline (positive: the gap widened), on paired cases.

    ``at_least`` goes with ``p_worse`` as in ``GroupGap``.
    """

    group: str
    before: float
    after: float
    change: float
    n_pairs: int
    n_unpaired: int
    interval: Interval | None = None
    p_worse: float | None = None
    at_least: float | None = None


class EqualMix(Struct, frozen=True):
    """One group's deficit within the strata of another attribute, weighted together (Mantel-Haenszel).

    ``mixed`` is the deficit over the same cases without strata. ``reversed`` says that the sign turns and one
    of the two is beyond chance (Simpson's paradox). ``n_strata`` hold both the group and others. ``at_least``
    goes with ``p_worse`` as in ``GroupGap``.
    """

    by: str
    group: str
    mixed: float
    deficit: float
    n: int
    n_strata: int
    interval: Interval | None = None
    p_worse: float | None = None
    reversed: bool = False
    at_least: float | None = None


class TwinExample(Struct, frozen=True):
    """Two cases that differ in one attribute, and what the system gave for each (first repeat)."""

    cases: tuple[str, str]
    values: tuple[float, float]
    inputs: tuple[str, str]
    outputs: tuple[str, str]


class TwinSwap(Struct, frozen=True):
    """Counterfactual pairs: one metric where nothing but one attribute was swapped, tested pair by pair.

    ``swap`` holds both values, or is None for every swap of the attribute together, which has no direction.
    ``n_flips`` pairs differ in their score; of a named swap, ``difference`` is how much worse the second
    value is on average, with an interval and p-value adjusted over the swaps of one attribute and metric.
    """

    attribute: str
    metric: str
    swap: tuple[str, str] | None
    n_pairs: int
    n_unscored: int
    n_flips: int
    flip_rate: float | None = None
    flip_interval: Interval | None = None
    difference: float | None = None
    interval: Interval | None = None
    p_adjusted: float | None = None
    examples: tuple[TwinExample, ...] = ()


class AuditedGap(Struct, frozen=True):
    """One metric by one attribute or by several crossed, with all that the audit says of it.

    ``crossed`` names the attributes of an intersection.
    """

    gap: Gap
    changes: tuple[DeficitChange, ...] = ()
    equal_mix: tuple[EqualMix, ...] = ()
    crossed: tuple[str, ...] = ()


class Audit(Struct, frozen=True):
    """The fairness audit of one run, complete: renderings compute nothing.

    ``outcome`` is that of the suite's gates on gaps (None: it has none): an audit states, gates decide.
    ``sources`` has where each attribute's labels come from. ``not_audited`` says what was not looked at.
    """

    title: str
    outcome: Outcome | None
    exit_code: int
    headline: tuple[str, ...]
    run: Run
    baseline: Run | None
    tolerance: float
    level: float
    sources: dict[str, str]
    by_topic: tuple[str, ...]
    metrics: tuple[str, ...]
    gaps: tuple[AuditedGap, ...]
    intersections: tuple[AuditedGap, ...]
    twins: tuple[TwinSwap, ...]
    verdicts: tuple[Verdict, ...]
    comparisons: int
    not_audited: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


# -- suites and gates --------------------------------------------------------------------------------------


class Gate(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One rule of the gate, made by exactly one of these.

    ``max_drop`` or ``max_ratio`` (paired, against the baseline or the anchor), ``min`` and/or ``max``
    (absolute, with ``metric``), ``max_gap`` (between the groups of ``slice``), ``min_scored`` (share of cases
    scored), ``cases`` (named cases that must each be within ``min`` and ``max``; with neither they must reach
    1). ``primary``: one of up to three drops that decide; the others then are guards.
    """

    id: str
    metric: str | None = None
    against: Reference | None = None
    primary: bool = False
    max_drop: float | None = None
    max_ratio: float | None = None
    min: float | None = None
    max: float | None = None
    bound: Literal["interval", "point"] = "interval"
    quantile: float | None = None
    total: bool = False
    slice: str | None = None
    max_gap: float | None = None
    insufficient: Literal["inconclusive", "fail", "warn"] = "inconclusive"
    min_scored: float | None = None
    cases: tuple[str, ...] = ()
    where: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> GateKind | None:
        """The rule that the gate makes; None when it is not exactly one."""
        made: dict[GateKind, bool] = {
            "drop": self.max_drop is not None or self.max_ratio is not None,
            "gap": self.max_gap is not None,
            "scored": self.min_scored is not None,
            "cases": bool(self.cases),
            "bound": (self.min is not None or self.max is not None) and not self.cases,
        }
        found = [kind for kind, holds in made.items() if holds]
        return found[0] if len(found) == 1 else None


class Verdict(Struct, frozen=True):
    """What one gate decided, on which numbers, and why. ``line`` is the gate's line in the suite file.

    ``role`` of a drop: ``primary`` gates decide, ``guard`` gates fail on proof. ``holds`` is False where a
    guard found no drop and could not exclude one: that holds nothing back. ``n_needed`` is about how many
    pairs would tell. ``against`` is what a drop was measured from. ``tail``: how the slow end of a time or a
    cost moved, beside a gate on one.
    """

    gate: str
    rule: str
    outcome: Outcome
    reason: str
    metric: str | None = None
    scope: str = "all"
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    interval: Interval | None = None
    limit: float | None = None
    n: int = 0
    n_total: int = 0
    comparison: Comparison | None = None
    gap: Gap | None = None
    cases: tuple[str, ...] = ()
    line: int | None = None
    role: Literal["", "primary", "guard"] = ""
    holds: bool = True
    n_needed: int | None = None
    against: Reference | None = None
    tail: TailChange | None = None


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


class Scripted(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of a judge's script: the verdict on items that hold a text; the empty text is in all."""

    verdict: str
    has: str = ""


class JudgeSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A model that judges answers, behind an OpenAI-compatible service.

    ``output`` is how it gives its verdicts: JSON by a schema that the server enforces, JSON, lines of text,
    or the probability of one token. ``repeats`` is how often it is asked the same. ``timeout_s`` is for one
    question in all, ``retries`` are tries after the first. ``embeddings`` is the model for those metrics of
    ragas that need one. With ``script`` nobody is asked: ``base_url`` is ``script:``.
    """

    base_url: str
    model: str
    api_key: str | None = None
    output: Literal["json_schema", "json", "text", "logprob"] = "json_schema"
    temperature: float | None = 0.0
    max_tokens: int | None = None
    repeats: int = 1
    timeout_s: float = 60.0
    retries: int = 3
    usd_per_million_tokens: dict[str, float] | None = None
    embeddings: str | None = None
    script: tuple[Scripted, ...] | None = None


class Judging(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who judges a metric where it is not the judge ``default``, and how several are combined."""

    judges: tuple[str, ...]
    combine: Literal["mean", "majority"] = "mean"


class Rubric(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an answer is graded by, from ``low`` to ``high``.

    ``poor`` is an answer that must get a grade in the lower half, ``fine`` one in the upper half.
    """

    text: str
    poor: str
    fine: str
    low: int = 1
    high: int = 5


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

    ``looks`` are the shares of the cases at which `harness check` may stop asking; ``[1.0]``: never early.
    """

    max_concurrency: int = 8
    deadline_s: float = 60.0
    retries: int = 3
    repeats: int = 1
    looks: tuple[float, ...] = (0.4, 0.6, 0.8, 1.0)


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


# -- labels ------------------------------------------------------------------------------------------------


class Stratum(Struct, frozen=True, forbid_unknown_fields=True):
    """Cases with like scores of the judge, in the order of the draw: the first ``drawn`` are labelled."""

    name: str
    cases: tuple[str, ...]
    drawn: int


class Panel(Struct, frozen=True, forbid_unknown_fields=True):
    """The cases whose answers people label on one metric: a sample drawn by chance within strata.

    It is drawn once and kept, so that a later run costs labels only where its answers are new. ``rubric`` is
    what raters are asked, ``scale`` has the values that they may give, the lowest first; labels given by
    another rubric or scale do not count. ``runs`` are those whose scores made the strata.
    """

    metric: str
    rubric: str
    scale: tuple[float, ...]
    dataset_digest: str
    seed: int
    runs: tuple[str, ...]
    strata: tuple[Stratum, ...]

    @property
    def drawn(self) -> tuple[str, ...]:
        """The ids of the cases to be labelled, stratum by stratum."""
        return tuple(case_id for stratum in self.strata for case_id in stratum.cases[: stratum.drawn])


class PacketItem(Struct, frozen=True, omit_defaults=True):
    """One answer to be labelled, with all that a rater may see of it; ``id`` tells nothing."""

    id: str
    history: tuple[Message, ...]
    input: str
    output: str
    passages: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class Packet(Struct, frozen=True):
    """Answers to be labelled by people who see neither system, score nor configuration; ``id`` is its digest.

    ``scale`` has the values that a label may have, the worst first.
    """

    id: str
    metric: str
    rubric: str
    scale: tuple[float, ...]
    items: tuple[PacketItem, ...]


class KeyItem(Struct, frozen=True, forbid_unknown_fields=True):
    """What an item of a packet is: an answer to a case, ``answer`` being the digest of all that was shown."""

    item: str
    case_id: str
    answer: str


class PacketKey(Struct, frozen=True, forbid_unknown_fields=True):
    """What a packet's items are, kept by who exported it; ``rubric`` is what raters were asked."""

    packet: str
    metric: str
    rubric: str
    scale: tuple[float, ...]
    exported_at: str
    items: tuple[KeyItem, ...]


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """One answer of a run by its digest, so that it is known where its texts are left out."""

    case_id: str
    repeat: int
    answer: str


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """What one rater said of one answer; it holds for whoever gives that answer.

    ``rubric`` is the digest of what was asked, and on which scale.
    """

    packet: str
    item: str
    rater: str
    value: float
    at: str
    metric: str
    rubric: str
    case_id: str
    answer: str
    comment: str = ""


class Measured(Struct, frozen=True):
    """A figure with its 95 % limits over n labels; None where it is not known."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class ErrorRates(Struct, frozen=True):
    """How often the judge is right in one slice: of answers that people call good, and of those they do not.

    ``n`` answers have labels.
    """

    slice: str
    n: int
    sensitivity: Measured
    specificity: Measured
    kappa: Measured


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """How one judge of one metric agrees with people, weighted to all cases of the goldens.

    It is of the judge with this fingerprint and this version of the metric, and of no other.
    ``confusion[i][j]`` counts answers that people put at ``scale[i]`` and the judge at ``scale[j]``.
    ``raters`` is the agreement of people with each other (alpha). ``scored_at`` is when the judge gave the
    earliest of the scores; from ``expires_at`` on they say nothing of it any more (None: never). ``served``
    are the models that the judge's services said they used.
    """

    metric: str
    version: int
    judge: str
    scale: tuple[float, ...]
    n_labels: int
    n_raters: int
    kappa: Measured
    raters: Measured
    rates: tuple[ErrorRates, ...]
    confusion: tuple[tuple[int, ...], ...]
    runs: tuple[RunId, ...]
    scored_at: str
    expires_at: str | None
    served: tuple[str, ...] = ()


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


# -- report ------------------------------------------------------------------------------------------------


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


class Report(Struct, frozen=True):
    """What is shown. Every rendering reads this one value and computes nothing later.

    ``headline`` holds the three top lines: verdict and consequence; worst finding; where and likely why.
    ``baseline`` is the first run of the baseline, ``baseline_runs`` are all of them, ``anchor`` is the first
    run of the last release's baseline. ``verdicts`` are in suite order. ``comparisons`` are over all cases,
    one per metric in suite order; ``slices`` are the same by slice, hardest hit first. ``robustness`` is of
    the metrics that a measure over twins is about, ``judged`` of those that a judge scores. ``files`` names
    where report and store lie.
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


# -- candidates --------------------------------------------------------------------------------------------


class Standing(Struct, frozen=True):
    """One metric of one candidate: its mean, and the groups of candidates that it is not told apart from.

    Cases without a score count at the worst of the metric's range; they are ``n_unscored`` of ``mean``. A
    metric without an upper end has no worst: its mean is of the scored cases, and never the ``best`` with
    one unscored. ``letters``: two candidates share one if and only if they are not told apart.
    """

    mean: Estimate
    letters: tuple[str, ...] = ()
    best: bool = False


class Difference(Struct, frozen=True):
    """One candidate minus another on one metric, over the cases to which it applies in both.

    ``interval`` holds together with those of all other pairs on this metric; None: too few cases.
    ``better`` is the run that is told to be better, None where neither is.
    """

    metric: str
    first: str
    second: str
    change: float | None
    interval: Interval | None
    n_pairs: int
    n_clusters: int
    better: str | None = None
    slice: Slice = Slice()


class Spending(Struct, frozen=True):
    """What candidates spend on a case, of ``n`` cases that were not answered from a cache.

    ``value`` is None, not known, where the ``n_unknown`` cases without a figure leave it open: it is never
    the lowest. ``interval`` is that of a 95th percentile, where there are cases enough.
    """

    value: float | None
    n: int
    n_unknown: int
    n_cached: int
    best: bool = False
    interval: Interval | None = None


class Candidate(Struct, frozen=True):
    """One candidate as it was run: ``number`` counts from 1, best quality first.

    ``requirements`` are in suite order. ``dominated_by`` has the runs that are at least as good in quality,
    cost and latency, and better in one of them. ``dropped`` says when and why a race dropped it: it cannot
    be chosen, nor be the best in anything, for its figures rest on fewer cases. ``latency_change``: its 95th
    percentile against that of the candidate that all are compared with.
    """

    number: int
    name: str
    run: Run
    standings: dict[str, Standing]
    cost_per_1000: Spending
    latency_p95: Spending
    requirements: tuple[Verdict, ...] = ()
    dominated_by: tuple[str, ...] = ()
    dropped: str = ""
    latency_change: TailChange | None = None


class Choice(Struct, frozen=True):
    """Which candidate to ship and why: run ids.

    ``pick`` is None where no candidate may be shipped, or nothing tells the ``tied`` ones apart.
    ``blocked`` says of each other candidate what stands against it.
    """

    sentence: str
    pick: str | None = None
    tied: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


class RaceLook(Struct, frozen=True):
    """One look of a race: after so many cases, who leads, and who was dropped.

    ``limits``: per candidate that was in the race, the upper limit of how much better it is than the leader.
    """

    n_cases: int
    leader: str
    limits: dict[str, float | None]
    dropped: tuple[str, ...] = ()


class Race(Struct, frozen=True):
    """How a race went: candidates by name. ``tied`` are those left at the end."""

    metric: str
    alpha: float
    epsilon: float
    seed: int
    n_cases: int
    repeats: int
    looks: tuple[RaceLook, ...]
    tied: tuple[str, ...]
    calls: int
    calls_saved: int
    reason: str


class Candidates(Struct, frozen=True):
    """Candidates side by side, as shown; every rendering reads this one value and computes nothing later.

    ``slices`` are differences to the ``reference`` on ``quality``: the pick, else the best.
    ``objectives`` are the axes of the Pareto front that at least one candidate has a figure for.
    """

    title: str
    suite_name: str
    quality: str
    metrics: dict[str, MetricIdentity]
    candidates: tuple[Candidate, ...]
    differences: tuple[Difference, ...]
    slices: tuple[Difference, ...]
    reference: str
    objectives: tuple[str, ...]
    rules: tuple[str, ...]
    choice: Choice
    n_cases: int
    notices: tuple[str, ...] = ()
    race: Race | None = None
