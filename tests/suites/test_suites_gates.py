"""Gates are refused where they are no gate, or could not decide otherwise; every rule can be written."""

from pathlib import Path

import pytest
from suite_files import changed, faults, load, told

GATE = ("    metric: recall@5\n    min: 0.5\n", "    {}\n")


@pytest.mark.parametrize(
    ("gate", "told_as"),
    [
        (
            "metric: recall@5",
            "13:5 gate 'recall' has no rule or several | give one of max_drop, max_ratio, min, max, max_gap",
        ),
        ("where: { topic: a }", "13:5 gate 'recall' has no rule or several"),
        ("metric: recall@5\n    cases: []", "13:5 gate 'recall' has no rule or several"),
        ("metric: recall@5\n    min: 0.5\n    max_drop: 0.1", "13:5 gate 'recall' has no rule or several"),
        ("metric: recall@5\n    min_scored: 0.5\n    max: 1", "13:5 gate 'recall' has no rule or several"),
        ("metric: recall@5\n    cases: [a]\n    max_gap: 0.5", "13:5 gate 'recall' has no rule or several"),
        ("min: 0.5", "13:5 gate 'recall' needs a metric | one of recall@5, latency_s"),
        ("max_drop: 0.5", "13:5 gate 'recall' needs a metric"),
        ("cases: [a]", "13:5 gate 'recall' needs a metric"),
        (
            "metric: recall@50\n    min: 0.5",
            "14:13 metric 'recall@50' is not in the suite | did you mean 'recall@5'",
        ),
        (
            "min_scored: 0.5\n    metric: x",
            "15:13 metric 'x' is not in the suite | valid names: latency_s, recall@5",
        ),
        (
            "metric: recall@5\n    max_gap: 0.1",
            "13:5 gate 'recall' needs a slice | valid names: language, topic",
        ),
        (
            "metric: recall@5\n    max_gap: 0.1\n    slice: langauge",
            "16:12 unknown slice 'langauge' | did you mean",
        ),
        (
            "metric: recall@5\n    min: 0.1\n    where: { lang: de }",
            "16:20 unknown slice 'lang' | did you mean",
        ),
        ("metric: recall@5\n    max_drop: -0.1", "15:15 max_drop is -0.1 | 0 or more"),
        ("metric: recall@5\n    max_gap: -1\n    slice: topic", "15:14 max_gap is -1 | 0 or more"),
        ("min_scored: 1.1", "14:17 min_scored is 1.1 | 0 to 1"),
        ("metric: latency_s\n    max: 2\n    quantile: 95", "16:15 quantile is 95 | 0 to 1"),
        (
            "metric: latency_s\n    max: 2\n    quantile: 0.5\n    total: true",
            "13:5 gate 'recall': quantile and",
        ),
        (
            "metric: recall@5\n    min: 0.9\n    max: 0.1",
            "15:10 min 0.9 is above max 0.1 | nothing can pass it",
        ),
        (
            "metric: recall@5\n    min: 0.9\n    slice: topic",
            "16:12 gate 'recall': slice says nothing here | it goes",
        ),
        ("min_scored: 0.9\n    slice: topic", "15:12 gate 'recall': slice says nothing here"),
        (
            "metric: recall@5\n    min: 0.9\n    against: baseline",
            "16:14 gate 'recall': against says nothing here",
        ),
        (
            "metric: recall@5\n    max_drop: 0.1\n    bound: point",
            "16:12 gate 'recall': bound says nothing here",
        ),
        (
            "metric: recall@5\n    max_drop: 0.1\n    quantile: 0.5",
            "16:15 gate 'recall': quantile says nothing",
        ),
        ("metric: recall@5\n    cases: [a]\n    total: true", "16:12 gate 'recall': total says nothing here"),
        (
            "metric: recall@5\n    cases: [a]\n    where: { topic: a }",
            "16:12 gate 'recall': where says nothing",
        ),
        (
            "metric: latency_s\n    cases: [a]",
            "13:5 gate 'recall': latency_s is better the lower it is",
        ),
        (
            "metric: recall@5\n    min: 0\n    insufficient: fail",
            "16:19 gate 'recall': insufficient says nothing",
        ),
    ],
)
def test_f33_a_gate_that_is_no_gate_is_told(tmp_path: Path, gate: str, told_as: str) -> None:
    """A gate makes exactly one rule, on names that exist, with numbers that can be met, and no more."""
    text = changed((GATE[0], GATE[1].format(gate)))
    assert told(faults(tmp_path, text))[0].startswith(told_as)


@pytest.mark.parametrize(
    "gate",
    [
        "metric: recall@5\n    max_drop: 0",
        "metric: recall@5\n    max_drop: 0.1\n    against: baseline\n    slice: topic",
        "metric: recall@5\n    min: 0.1\n    max: 0.1\n    bound: point\n    where: { metadata.a: b }",
        "metric: latency_s\n    max: 2\n    total: true",
        "metric: latency_s\n    min: 0\n    quantile: 1",
        "metric: recall@5\n    max_gap: 0\n    slice: language\n    insufficient: warn",
        "min_scored: 1",
        "metric: recall@5\n    min_scored: 0.5\n    where: { language: de }",
        "metric: recall@5\n    cases: [a, b]\n    min: 0.5",
        "metric: latency_s\n    cases: [a]\n    max: 2",
        "metric: recall@5\n    cases: [a]\n    max: null\n    where: {}",
    ],
)
def test_every_rule_can_be_written(tmp_path: Path, gate: str) -> None:
    """All kinds of gates, with all that goes with them."""
    assert load(tmp_path, changed((GATE[0], GATE[1].format(gate)))).suite.gates[0].kind is not None


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("max_drop: 1", "max_drop is 1, as wide as the metric itself | below 1"),
        ("slice: language\n    max_gap: 2", "max_gap is 2, as wide as the metric itself | below 1"),
        ("min: 1.5", "min is 1.5, outside of recall@5 | 0 to 1"),
        ("max: -0.1", "max is -0.1, outside of recall@5 | 0 to 1"),
        ("min_scored: 0", "min_scored is 0 | a share above 0: missing scores say nothing"),
    ],
)
def test_f33_a_gate_that_cannot_decide_otherwise_is_told(tmp_path: Path, rule: str, what: str) -> None:
    """A bound outside the metric's range always passes or always fails: it is no gate."""
    text = changed((GATE[0], GATE[1].format(f"metric: recall@5\n    {rule}")))
    assert any(f"{fault.what} | {fault.mend}" == what for fault in faults(tmp_path, text))
