"""A realistic Audit as the harness would assemble it: several verdicts, hostile names, twins, changes."""

from __future__ import annotations

from sample import ci, gaps, mean, run, verdicts
from sample_cases import HOSTILE

from harness.types import (
    Audit,
    AuditedGap,
    DeficitChange,
    EqualMix,
    Gap,
    GroupGap,
    TwinExample,
    TwinSwap,
)


def sample_audit() -> Audit:
    """One gap that fails, one of seconds, refusals in both directions, a cross, twins."""
    candidate, baseline = run("pr-412", "abc", {"top_k": 5}), run("main", "def", {"top_k": 8})
    faithful, _ = gaps()
    changes = (
        DeficitChange("de", 0.03, 0.105, 0.075, 200, 6, ci(0.02, 0.13), 0.004, 0.03),
        DeficitChange("en", -0.04, -0.099, -0.059, 610, 7, ci(-0.10, -0.018), 1.0, -0.09),
    )
    mixes = (
        EqualMix("topic", "de", 0.105, 0.09, 200, 6, ci(-0.005, 0.16), 0.04, at_least=0.006),
        EqualMix("topic", HOSTILE[:50], 0.02, -0.05, 40, 2, ci(-0.09, -0.01), 0.9, reversed=True),
    )
    refusals = [
        Gap(
            name, "language",
            (
                GroupGap("de", mean(0.2, 0.05, 90), 40, True, 0.05, ci(-0.02, 0.12), 0.2, 0.17, 0.1, 700,
                         "no difference found"),
                GroupGap("en", mean(0.15, 0.03, 300), 90, True, -0.05, ci(-0.12, 0.02), 0.9, 0.16, 0.1, 700,
                         "no difference found"),
            ),
            mean(0.16, 0.02, 390), 30, 0.05, 0.75, False, 0.2, 0.05, 0.025, 2, 0.05, "no difference found",
        )
        for name in ("over_refusal_rate", "under_refusal_rate")
    ]  # fmt: skip
    crossed = Gap(
        "faithfulness", "language & register",
        (
            GroupGap("de & plain", mean(0.7, 0.1, 60), 30, True, 0.12, ci(-0.01, 0.22), 0.03, 0.75, 0.1, None,
                     "difference found", 0.012),
            GroupGap(f"en & {HOSTILE[:50]}", mean(0.9, 0.1, 9), 4, False, shrunken=0.87, needed=400,
                     verdict="too few cases"),
        ),
        mean(0.87, 0.02, 69), 30, tolerance=0.05, comparisons=1, verdict="difference found",
    )  # fmt: skip
    example = TwinExample(
        cases=("q-1", "q-1-t1"),
        values=(1.0, 0.0),
        inputs=(f"My name is {HOSTILE}", "My name is Lukas"),
        outputs=(HOSTILE, ""),
    )
    twins = (
        TwinSwap("name_group", "faithfulness", None, 40, 1, 12, 0.3, ci(0.2, 0.4), examples=(example,)),
        TwinSwap("name_group", "faithfulness", ("german_male", "turkish_male"), 40, 0, 12, 0.3, ci(0.2, 0.4),
                 0.3, ci(0.1, 0.5), 0.001),
        TwinSwap("name_group", "faithfulness", ("a", HOSTILE[:50]), 2, 0, 0, 0.0, ci(0.0, 0.7), 0.0, None, 1),
    )  # fmt: skip
    return Audit(
        title="Support assistant",
        outcome="fail",
        exit_code=1,
        headline=(
            "3 gaps audited: worse beyond tolerance 1; no difference found 2",
            "language=de is worse served",
        ),
        run=candidate,
        baseline=baseline,
        tolerance=0.05,
        level=0.95,
        sources={"language": "groups.language", "topic": "metadata.topic"},
        by_topic=("topic",),
        metrics=("faithfulness", "over_refusal_rate", "under_refusal_rate"),
        gaps=(AuditedGap(faithful, changes, mixes), *(AuditedGap(gap) for gap in refusals)),
        intersections=(AuditedGap(crossed, crossed=("language", "register")),),
        twins=twins,
        verdicts=tuple(found for found in verdicts() if found.gap is not None),
        comparisons=9,
        not_audited=(f"slice {HOSTILE[:50]}: it is neither audited nor named with --slice",),
        notices=("only a part of the goldens was run",),
    )
