"""A realistic Report as the harness would assemble it: with a baseline (failed), and without one."""

from __future__ import annotations

from typing import Any

import msgspec
from sample_cases import HOSTILE, case_pairs

from harness.types import (
    Accounting,
    Attribution,
    BehaviorCount,
    CaseChange,
    Change,
    Comparison,
    EarlyStop,
    Estimate,
    Gap,
    GapVerdict,
    GroupGap,
    Interval,
    MetricIdentity,
    Report,
    Run,
    Scalar,
    Slice,
    StageCount,
    Verdict,
)

METRICS = {
    "recall@5": MetricIdentity(1, True, 0.0, 1.0),
    "faithfulness": MetricIdentity(2, True, 0.0, 1.0),
    "refusal_correctness": MetricIdentity(1, True, 0.0, 1.0),
    "latency_s": MetricIdentity(1, False, 0.0, None, "s"),
    "cost_usd": MetricIdentity(1, False, 0.0, None, "USD"),
}
GATES = [
    {"id": "faith", "metric": "faithfulness", "against": "baseline", "max_drop": 0.02},
    {"id": "recall", "metric": "recall@5", "against": "baseline", "max_drop": 0.02},
    {"id": "lang-gap", "metric": "faithfulness", "slice": "language", "max_gap": 0.05},
    {"id": "refuse", "metric": "refusal_correctness", "where": {"topic": "legal"}, "min": 0.99},
    {"id": "latency", "metric": "latency_s", "quantile": 0.95, "max": 2.5},
    {"id": "complete", "min_scored": 0.995},
    {"id": "never", "cases": ["refund-001", "invoice-005"]},
]
OLD_PROMPT = (
    "Answer from the passages only. If they do not say, answer that you do not know. Cite every passage."
)
NEW_PROMPT = "Answer from the passages. If they do not say, give your best guess. Cite every passage you use."
STOP = EarlyStop(look=3, looks=4, asked=1204, planned=1505, reason="gates faith and lang-gap failed")
FINDING = (
    "faithfulness fell 0.912 → 0.871 (−0.041, 95 % CI −0.062 to −0.021; allowed −0.020; paired "
    "n = 1,201 of 1,204): 61 worse, 19 better, 1,121 same."
)
WHERE = (
    "31 of the 61 are in language=de; in 24 of those 31 the gold passage is no longer retrieved. "
    "Config change: system.top_k 8 → 5."
)


def ci(low: float, high: float, method: str = "paired t, clustered") -> Interval:
    return Interval(low, high, 0.95, method)


def mean(value: float, half: float, n: int, unscored: int = 0, top: float | None = 1.0) -> Estimate:
    high = value + half if top is None else min(top, value + half)
    return Estimate(value, n, unscored, ci(max(0.0, value - half), high, "t, clustered"))


def run(name: str, revision: str, config: dict[str, Scalar]) -> Run:
    return Run(
        id=name,
        suite_name="support-assistant",
        started_at="2026-11-20T08:14:02Z",
        candidate="pr-412" if name.endswith("K9") else "prod",
        system_fingerprint=f"{abs(hash_of(name)):016x}",
        dataset_digest="4be1c09d5a2f7730",
        dataset_name="support",
        corpus_digest="88f0a1b2c3d4e5f6",
        metrics=METRICS,
        config=config,
        suite={"version": 1, "suite": "support-assistant", "gates": GATES},
        suite_path="suites/support.yaml",
        harness_version="0.1.0",
        seed=7,
        repeats=1,
        n_cases=1505,
        selection={},
        revision=revision,
        judges={"faithfulness": "77acb1d2e3f40516"},
    )


def hash_of(text: str) -> int:
    """A number that does not depend on the process."""
    return int.from_bytes(text.encode()[-7:], "big")


def comparison(
    metric: str, before: float, after: float, span: tuple[float, float], n: int, slice_: Slice | None = None
) -> Comparison:
    top, up = METRICS[metric].high, METRICS[metric].higher_is_better
    worse = max(1, round(n * 0.05))
    half = (span[1] - span[0]) / 2
    return Comparison(
        metric=metric,
        slice=slice_ or Slice(),
        baseline=mean(before, half * 1.3, n, 1, top),
        candidate=mean(after, half * 1.3, n, 3, top),
        change=after - before,
        interval=ci(*span),
        p_worse=0.0004 if span[1] < 0 and up else 0.31,
        harm=before - after if up else after - before,
        harm_limit=0.06,
        detectable=half * 1.25,
        alpha=0.005,
        n_pairs=n,
        n_unpaired=3,
        n_clusters=n // 4,
        worse=worse,
        better=worse // 3,
        same=n - worse - worse // 3,
        higher_is_better=up,
        method="paired t, clustered by document",
    )


def overall() -> tuple[Comparison, ...]:
    return (
        comparison("recall@5", 0.834, 0.829, (-0.017, 0.007), 1050),
        comparison("faithfulness", 0.912, 0.871, (-0.062, -0.021), 1201),
        comparison("refusal_correctness", 0.968, 0.961, (-0.019, 0.005), 1201),
        comparison("latency_s", 1.41, 1.22, (-0.24, -0.14), 1198),
        comparison("cost_usd", 0.0021, 0.0017, (-0.00046, -0.00034), 1198),
    )


def by_slice() -> tuple[Comparison, ...]:
    rows = [
        ("faithfulness", "language", "de", 0.921, 0.792, (-0.196, -0.062), 206),
        ("recall@5", "language", "de", 0.861, 0.772, (-0.142, -0.036), 188),
        ("faithfulness", "topic", "refunds", 0.903, 0.841, (-0.104, -0.020), 311),
        ("refusal_correctness", "topic", "privacy", 0.981, 0.946, (-0.071, 0.001), 84),
        ("faithfulness", "language", "ja", 0.884, 0.862, (-0.061, 0.017), 140),
        ("recall@5", "topic", "refunds", 0.842, 0.826, (-0.048, 0.016), 290),
        ("refusal_correctness", "language", "de", 0.955, 0.951, (-0.031, 0.023), 206),
        ("faithfulness", "language", "en", 0.921, 0.919, (-0.012, 0.008), 646),
        ("recall@5", "language", "en", 0.838, 0.841, (-0.009, 0.015), 560),
        ("faithfulness", "topic", "billing", 0.915, 0.921, (-0.010, 0.022), 402),
        ("latency_s", "language", "de", 1.44, 1.20, (-0.33, -0.15), 206),
        ("latency_s", "language", "en", 1.40, 1.23, (-0.22, -0.12), 640),
        ("faithfulness", HOSTILE[:24], HOSTILE[:60], 0.9, 0.9, (-0.01, 0.01), 20),
    ]
    return tuple(
        comparison(metric, before, after, span, n, Slice(((name, value),)))
        for metric, name, value, before, after, span, n in rows
    )


def gaps() -> tuple[Gap, ...]:
    groups = (
        group("de", mean(0.792, 0.055, 206), 52, (0.041, 0.169), "worse beyond tolerance", p_worse=0.001),
        group("ar", mean(0.743, 0.130, 41), 12, (-0.012, 0.284), "no difference found", needed=310),
        GroupGap("mt", mean(0.667, 0.265, 9), 4, False, needed=310, verdict="too few cases"),
        group("ja", mean(0.862, 0.048, 140), 36, (-0.047, 0.069), "no difference found"),
        group("fr", mean(0.897, 0.041, 188), 47, (-0.083, 0.021), "no difference found"),
        group("en", mean(0.919, 0.024, 617), 150, (-0.142, -0.056), "better than the rest", p_worse=0.001),
        GroupGap(HOSTILE[:50], Estimate(None, 0, 2), 0, False, needed=310, verdict="too few cases"),
    )
    speed = (
        group("de", mean(1.20, 0.05, 206, top=None), 52, (-0.09, 0.05), "no difference found"),
        group("en", mean(1.23, 0.03, 617, top=None), 150, (-0.05, 0.09), "no difference found"),
    )
    faithful = Gap(
        "faithfulness", "language", groups, mean(0.871, 0.017, 1201, 3), 30, 0.127, 0.862,
        p_omnibus=0.001, alpha=0.011, comparisons=5, tolerance=0.04, verdict="worse beyond tolerance",
    )  # fmt: skip
    slow = Gap(
        "latency_s", "language", speed, mean(1.22, 0.02, 1198, 6, None), 30, 0.03, 1.025, False,
        p_omnibus=0.41, alpha=0.05, comparisons=2, verdict="no difference found",
    )  # fmt: skip
    return faithful, slow


def group(
    name: str, found: Estimate, clusters: int, ends: tuple[float, float], word: GapVerdict, **fields: Any
) -> GroupGap:
    low, high = ends
    return GroupGap(
        name,
        found,
        clusters,
        True,
        (low + high) / 2,
        ci(low, high, "simultaneous"),
        **{"p_worse": 0.4, "shrunken": found.value, "detectable": 0.09, "verdict": word, **fields},
    )


def verdicts() -> tuple[Verdict, ...]:
    recall, faith, *_ = overall()
    gap = gaps()[0]
    return (
        Verdict("faith", "drop ≤ 0.020", "fail",
                "fell 0.912 → 0.871 (p = < 0.001, needs 0.005; allowed 0.020)", "faithfulness",
                "all", 0.912, 0.871, -0.041, ci(-0.062, -0.021), 0.02, 1201, 1204, faith, line=42),
        Verdict("recall", "drop ≤ 0.020", "pass", "at most 0.017 worse (95 %), within 0.020", "recall@5",
                "all", 0.834, 0.829, -0.005, ci(-0.017, 0.007), 0.02, 1050, 1052, recall, line=43),
        Verdict("lang-gap", "worse by ≤ 0.040 in each language than in the rest", "fail",
                "de is worse than the rest by 0.105 (0.041 to 0.169)", "faithfulness",
                "all", None, 0.105, None, ci(0.041, 0.169), 0.04, 1201, 1204, None, gap, line=44),
        Verdict("refuse", "≥ 0.99", "inconclusive", "between 0.779 to 1.000: cannot tell",
                "refusal_correctness", "topic=legal", None, 1.0, None, ci(0.779, 1.0, "Clopper-Pearson"),
                0.99, 12, 12, line=45),
        Verdict("latency", "p95 ≤ 2.5", "pass", "within the bound", "latency_s",
                "all", None, 1.93, None, None, 2.5, 1198, 1204, line=46),
        Verdict("complete", "scored ≥ 99.5 %", "pass", "1,202 of 1,204 cases were scored", None,
                "all", None, 0.99834, None, None, 0.995, 1202, 1204, line=47),
        Verdict("never", "2 named cases ≥ 1.000", "pass", "all 2 reach 1.000", "faithfulness",
                "all", None, None, None, None, 1.0, 2, 2, line=48),
    )  # fmt: skip


def regressions() -> tuple[CaseChange, ...]:
    de, en = ("language=de", "topic=refunds"), ("language=en",)
    return (
        CaseChange("refund-017", "faithfulness", 1.0, 0.0, 1.0, "gold passage lost", de),
        CaseChange("refund-017", "recall@5", 1.0, 0.0, 1.0, "gold passage lost", de),
        CaseChange("limits-001", "refusal_correctness", 1.0, 0.0, 1.0, "refuses now", (*en, "topic=account")),
        CaseChange("leak-003", "refusal_correctness", 1.0, 0.0, 1.0, "answers now", (*en, "topic=privacy")),
        CaseChange("hostile-001", "faithfulness", 0.9, 0.2, 0.7, HOSTILE, (HOSTILE[:40], "topic==1+1")),
        CaseChange("battery-ja-01", "faithfulness", 1.0, 0.33, 0.67, "answer changed", ("language=ja",)),
        CaseChange("invoice-ar-02", "faithfulness", 1.0, 0.5, 0.5, "answer changed", ("language=ar",)),
        CaseChange("invoice-004", "faithfulness", 1.0, None, 1.0, "timeout", (*en, "topic=billing")),
    )


def attribution() -> Attribution:
    flags = [
        (True, True, True, True, 1079), (True, True, True, False, 12), (True, True, False, True, 11),
        (True, True, False, False, 30), (True, False, True, False, 41), (True, False, True, True, 6),
        (False, True, False, True, 8), (False, False, False, False, 14),
    ]  # fmt: skip
    return Attribution(
        retrieval_metric="recall@5",
        answer_metric="faithfulness",
        stages=tuple(StageCount(*row) for row in flags),
        now_refuses=("limits-001",),
        now_answers=("leak-003",),
    )


def refusals(*, before: bool) -> tuple[BehaviorCount, ...]:
    counts = (1052, 19, 6, 118, 9) if before else (1041, 27, 11, 115, 7)
    kinds = (("answer", "answer"), ("answer", "refuse"), ("refuse", "answer"), ("refuse", "refuse"),
             ("clarify", "clarify"))  # fmt: skip
    return tuple(BehaviorCount(e, o, n) for (e, o), n in zip(kinds, counts, strict=True))  # type: ignore[arg-type]


def sample() -> Report:
    """The report of a run that failed two of seven gates; its cases are twelve of the 1,204."""
    base: dict[str, Scalar] = {
        "system.model": "small-2",
        "system.retriever.index": "e5",
        "system.temperature": 0,
    }
    old = run("r_01JB4Q", "9f2c1e0", {**base, "system.top_k": 8, "system.prompt": OLD_PROMPT})
    new = run(
        "r_01JC7K9", "41d77ab", {**base, "system.top_k": 5, "system.prompt": NEW_PROMPT, "x.note": HOSTILE}
    )
    comparisons = overall()
    return Report(
        title="Refund and billing assistant, EU languages",
        outcome="fail",
        exit_code=1,
        headline=(
            "FAILED — 2 of 7 gates. Do not merge.",
            FINDING,
            WHERE,
        ),
        run=new,
        baseline=old,
        verdicts=verdicts(),
        estimates={row.metric: row.candidate for row in comparisons},
        comparisons=comparisons,
        slices=by_slice(),
        slice_estimates=slice_estimates(),
        gaps=gaps(),
        attribution=attribution(),
        refusals=refusals(before=False),
        refusals_before=refusals(before=True),
        accounting=Accounting(1204, 1201, 1, 1, 1, 1, looks=4, stop=STOP, saved=301),
        changes=(
            Change("system.top_k", 8, 5),
            Change("system.prompt", OLD_PROMPT, NEW_PROMPT),
            Change("x.note", None, HOSTILE),
        ),
        regressions=regressions(),
        cases=case_pairs(),
        notices=("the corpus changed between baseline and candidate", HOSTILE),
        reproduce="harness run suites/support.yaml --case {case} --candidate pr-412 --no-cache",
        files={"report": "reports/runs/r_01JC7K9/report.html", "store": "reports/harness.duckdb"},
    )


def slice_estimates() -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for row in by_slice():
        found.setdefault(row.slice.label, {})[row.metric] = row.candidate
    return found


def sample_alone() -> Report:
    """The same run with nothing to compare it with: estimates, absolute gates, an inconclusive verdict."""
    report = sample()
    absolute = tuple(v for v in report.verdicts if v.gate in ("refuse", "latency", "complete", "never"))
    alone = tuple(msgspec.structs.replace(v, baseline=None, change=None) for v in absolute)
    return msgspec.structs.replace(
        report,
        outcome="inconclusive",
        exit_code=3,
        headline=(
            "INCONCLUSIVE — 1 of 4 gates cannot be decided. There is no baseline.",
            "refusal_correctness in topic=legal is 1.000 (95 % CI 0.779 to 1.000; at least 0.990; n = 12).",
        ),
        baseline=None,
        run=msgspec.structs.replace(report.run, n_cases=1204),
        accounting=Accounting(1204, 1201, 1, 1, 1, 1),
        verdicts=alone,
        comparisons=(),
        slices=(),
        attribution=None,
        refusals_before=(),
        changes=(),
        regressions=(),
        cases=tuple(msgspec.structs.replace(pair, baseline=None) for pair in report.cases),
        reproduce="harness run suites/support.yaml --case {case} --no-cache",
    )
