"""``choose:`` is refused where it cannot mean anything, with line, column and nearest name."""

from pathlib import Path

import pytest
from suite_files import changed, faults, load, told

from harness.types import Choose, Requirement


def choosing(requirement: str = "", quality: str = "recall@5") -> str:
    """The whole suite with ``choose:`` in lines 16 to 19."""
    require = f"\n  require:\n    - {{ {requirement} }}" if requirement else ""
    return changed(("", f"choose:\n  quality: {quality}{require}"))


def test_choose_is_read(tmp_path: Path) -> None:
    """A bound of the suite's own metric, a quantile of what every recording tells, a gap."""
    text = choosing("metric: latency_s, quantile: 0.95, max: 2.5")
    text += "    - { metric: cost_usd, max: 0.01, where: { topic: a } }\n"
    text += "    - { metric: recall@5, max_gap: 0.2, slice: language }\n"
    assert load(tmp_path, text).suite.choose == Choose(
        "recall@5",
        (
            Requirement("latency_s", max=2.5, quantile=0.95),
            Requirement("cost_usd", max=0.01, where={"topic": "a"}),
            Requirement("recall@5", max_gap=0.2, slice="language"),
        ),
    )
    assert load(tmp_path, choosing()).suite.choose == Choose("recall@5")


@pytest.mark.parametrize(
    ("text", "told_as"),
    [
        (
            choosing(quality="recal@5"),
            "17:12 metric 'recal@5' is not in the suite | did you mean 'recall@5'?",
        ),
        (choosing(quality="latency_s"), "17:12 'latency_s' has no upper end: it is no quality | limit it"),
        (changed(("", "choose: {}")), "16:9 key 'quality' is missing in choose | "),
        (changed(("", "choose: { qualty: recall@5 }")), "16:11 unknown key 'qualty' in choose | did you"),
        (
            choosing("metric: latencys, max: 2"),
            "19:17 metric 'latencys' is not in the suite | did you mean 'lat",
        ),
        (
            choosing("metric: cost_us, max: 2"),
            "19:17 metric 'cost_us' is not in the suite | did you mean 'cost",
        ),
        (choosing("metric: recall@5"), "19:7 a requirement has no limit or several | give min and/or max"),
        (
            choosing("metric: recall@5, min: 0.1, max_gap: 0.1, slice: topic"),
            "19:7 a requirement has no limit",
        ),
        (
            choosing("metric: recall@5, max_gap: 0.1"),
            "19:7 max_gap needs a slice | valid names: language, topic",
        ),
        (
            choosing("metric: recall@5, max_gap: 0.1, slice: topc"),
            "19:7 unknown slice 'topc' | did you mean 'to",
        ),
        (choosing("metric: recall@5, max_gap: 1, slice: topic"), "19:36 max_gap is 1, as wide as the metric"),
        (
            choosing("metric: recall@5, min: 0.1, slice: topic"),
            "19:44 slice says nothing here | it goes with max_gap",
        ),
        (
            choosing("metric: recall@5, max_gap: 0.1, slice: topic, quantile: 0.5"),
            "19:65 quantile says nothing here | it goes with min or max",
        ),
        (choosing("metric: latency_s, max: 2, quantile: 1.5"), "19:46 quantile is 1.5 | 0 to 1"),
        (choosing("metric: recall@5, min: 1.5"), "19:32 min is 1.5, outside of recall@5 | 0 to 1"),
        (choosing("metric: recall@5, min: 0.9, max: 0.5"), "19:32 min 0.9 is above max 0.5 | nothing can"),
        (choosing("metric: recall@5, min: 0.5, where: { topc: a }"), "19:52 unknown slice 'topc' | did you"),
        (
            choosing("metric: recall@5, min: 0.5, bound: point"),
            "19:37 unknown key 'bound' in choose.require[0]",
        ),
        (choosing("metric: recall@5, min: high"), "19:32 'choose.require[0].min': expected `float`"),
        (choosing("min: 0.5"), "19:7 key 'metric' is missing in choose.require[0] | "),
    ],
)
def test_a_choose_that_means_nothing_is_refused(tmp_path: Path, text: str, told_as: str) -> None:
    """Where, what, and the nearest name; one fault for one mistake."""
    found = told(faults(tmp_path, text))
    assert found[0].startswith(told_as), found
    assert len(found) == (2 if "qualty" in text else 1)  # a key misspelt is also one that is missing
