"""One look of a race: the limits are those of a paired t, clustered; who is out, and when it is over."""

import math

import numpy as np
import pytest

from harness.stats.paired import clustered_mean, student_quantile
from harness.stats.racing import judge_look

BOUND = 1.96
LEVEL = 0.9750021048517795


def judge(values, clusters=None, epsilon=0.01):
    values = np.array(values, dtype=float)
    clusters = np.arange(values.shape[1]) if clusters is None else np.array(clusters)
    fit = np.ones(len(values), dtype=bool)
    return judge_look(values, clusters, fit, bound=BOUND, epsilon=epsilon, width=1.0)


def test_limits_are_those_of_the_paired_t():
    """Cluster-robust, with clusters minus one degrees of freedom, also where documents are mixed up."""
    rng = np.random.default_rng(1)
    values, clusters = rng.random((4, 60)), rng.permutation(np.repeat(np.arange(20), 3))
    found = judge(values, clusters)
    assert found.leader == int(values.mean(1).argmax())
    for row in range(4):
        difference = list(values[row] - values[found.leader])
        mean = clustered_mean(difference, [str(number) for number in clusters])
        expected = mean.mean + student_quantile(19, LEVEL) * mean.se if row != found.leader else 0.0
        assert found.limits[row] == pytest.approx(expected, abs=1e-12)


def test_who_cannot_win_is_out_and_one_that_is_left_ends_it():
    """The loser's upper limit is below zero."""
    rng = np.random.default_rng(2)
    good = rng.random(100)
    found = judge([good, good - 0.3 + 0.1 * rng.random(100)])
    assert list(found.out) == [False, True]
    assert found.is_over


def test_it_is_over_when_nobody_can_be_much_better():
    """Two that always answer alike are within a point of each other once there are enough cases."""
    same = np.ones(40)
    assert not judge([same, same]).is_over
    assert judge([np.ones(100), np.ones(100)]).is_over
    assert not judge([np.ones(100), np.ones(100)]).out.any()


def test_no_spread_is_not_no_doubt():
    """One case lost by a candidate that is otherwise the same does not drop it."""
    lost = np.ones(30)
    lost[3] = 0
    assert not judge([np.ones(30), lost]).out.any()


def test_a_candidate_without_a_case_in_common_stays_and_never_leads():
    """Nothing is known of it: it is not dropped, and the race is not over."""
    found = judge([np.full(50, np.nan), np.full(50, 0.1)])
    assert found.leader == 1
    assert found.limits[0] == math.inf
    assert not found.out.any()
    assert not found.is_over


def test_one_document_says_nothing():
    """All cases of one document: no limit, nobody out."""
    found = judge([np.ones(30), np.zeros(30)], clusters=[7] * 30)
    assert found.limits[1] == math.inf
    assert not found.out.any()


def test_who_cannot_be_chosen_neither_leads_nor_stays() -> None:
    """The best of those that are fit leads; where nobody is fit, the race is as if all were."""
    rng = np.random.default_rng(5)
    values = np.clip(np.array([[0.9], [0.8], [0.79]]) + rng.normal(0, 0.02, (3, 80)), 0, 1)
    clusters = np.arange(80)
    found = judge_look(values, clusters, np.array([False, True, True]), bound=BOUND, epsilon=0.0, width=1.0)
    assert (found.leader, bool(found.out[0])) == (1, True)
    nobody = judge_look(values, clusters, np.zeros(3, dtype=bool), bound=BOUND, epsilon=0.0, width=1.0)
    assert (nobody.leader, nobody.out.tolist()) == (0, [False, True, True])
