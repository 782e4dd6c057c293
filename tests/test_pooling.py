"""Several runs of one system as one baseline: means by case, and missing scores that never help."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from world import HIGHER, cases_of, run_of, scores_of

from harness.comparison import CaseValue
from harness.pooling import complete_values, differences, pool

CASES = cases_of(4, per_document=2)


def pooled(*columns):
    return pool([scores_of(CASES, {"quality": column}, f"r{i}") for i, column in enumerate(columns)])


def test_a_case_is_the_mean_of_its_runs() -> None:
    """Each run counts the same, and each run's own table is kept."""
    found = pooled([0.0, 1.0, 0.5, 1.0], [1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.1, 0.0])
    assert [found.tables["quality"][case.id].value for case in CASES] == pytest.approx([2 / 3, 1, 0.2, 2 / 3])
    assert found.run.id == "r0"
    assert [run["quality"]["c000"].value for run in found.runs] == [0.0, 1.0, 1.0]


def test_one_run_stays_as_it_is() -> None:
    """There is nothing to average, and no between-run spread to speak of."""
    one = scores_of(CASES, {"quality": [0.1, 0.2, "timeout", None]})
    assert pool([one]) is one
    assert one.runs == ()


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ([1.0, "timeout"], "timeout"),
        ([1.0, None], "system_error"),
        ([1.0, "judge_error"], "judge_error"),
        (["not_applicable", "system_error"], "system_error"),
        (["judge_error", "timeout"], "timeout"),
        (["not_applicable", "not_applicable"], "not_applicable"),
    ],
)
def test_a_value_that_one_run_lacks_is_not_made_up(cells: list, status: str) -> None:
    """A case unscored in one run is unscored in the pool: its other runs do not stand in for it."""
    found = pooled(*([cell, 1.0, 1.0, 1.0] for cell in cells)).tables["quality"]["c000"]
    assert found == CaseValue(None, status)


def test_where_the_metric_does_not_apply_it_is_left_out() -> None:
    """As among the repeats of a case."""
    found = pooled(["not_applicable"] * 4, [0.25, 1.0, 0.0, 0.5])
    assert found.tables["quality"]["c000"] == CaseValue(0.25, "scored")


def test_a_metric_that_one_run_lacks_is_not_pooled() -> None:
    """A baseline of fewer runs for one metric would not say so."""
    first = scores_of(CASES, {"quality": [1.0] * 4, "flaws": [0.0] * 4}, "r0")
    found = pool([first, scores_of(CASES, {"quality": [1.0] * 4}, "r1")])
    assert list(found.tables) == ["quality"]


cell = st.one_of(
    st.floats(0, 1), st.sampled_from(["timeout", "system_error", "judge_error", "not_applicable", None])
)


@given(st.lists(st.lists(cell, min_size=4, max_size=4), min_size=2, max_size=5), st.randoms())
def test_the_order_of_runs_changes_nothing(columns, random) -> None:
    """To the last bit, statuses included."""
    shuffled = random.sample(columns, len(columns))
    assert pooled(*columns).tables == pooled(*shuffled).tables


@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=2, max_size=5), st.data())
def test_losing_a_score_never_gives_a_value(columns, data) -> None:
    """Whichever score is replaced by an error, the case has no value, and no other case changes."""
    run = data.draw(st.integers(0, len(columns) - 1))
    place = data.draw(st.integers(0, 3))
    broken = [list(column) for column in columns]
    broken[run][place] = "system_error"
    before, after = pooled(*columns).tables["quality"], pooled(*broken).tables["quality"]
    for i, case in enumerate(CASES):
        assert after[case.id] == (CaseValue(None, "system_error") if i == place else before[case.id])


def test_complete_values_are_those_that_every_run_has() -> None:
    """A rectangle for the spread between runs, with the cluster of each case."""
    found = pooled([0.0, 1.0, "timeout", 0.5], [1.0, None, 1.0, 0.25])
    values, clusters = complete_values([run["quality"] for run in found.runs], CASES)
    assert values == [[0.0, 0.5], [1.0, 0.25]]
    assert clusters == ["d0", "d1"]
    assert all(math.isfinite(value) for row in values for value in row)


RUN = run_of("a", ["quality"], config={"system.top_k": 5})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suite_name": "other"}, "suite world and other"),
        ({"dataset_digest": "sha256:" + "f" * 64}, "goldens goldens and sha256:ffffffffffff…"),
        ({"corpus_digest": "c"}, "corpus none and c"),
        ({"repeats": 3}, "repeats 1 and 3"),
        ({"system_fingerprint": "g", "config": {"system.top_k": 8}}, "system (system.top_k)"),
        ({"system_fingerprint": "g"}, "system (the same options, another fingerprint)"),
        (
            {"metrics": {"quality": replace(HIGHER, version=2)}},
            "metric quality (its version, or not in both)",
        ),
        ({"metrics": {}}, "metric quality (its version, or not in both)"),
        ({"judges": {"quality": "j"}}, "judge of quality"),
    ],
)
def test_runs_that_differ_are_not_one_system(changes: dict, said: str) -> None:
    """What must agree is named where it does not; names, times and revisions may differ."""
    assert differences(RUN, replace(RUN, id="b", started_at="later", revision="r", seed=3)) == ()
    assert differences(RUN, replace(RUN, **changes)) == (said,)
