"""How far a run is, as it is written on standard error."""

import pytest

from harness.engine.progress import show_progress
from harness.types import Response, Result


@pytest.mark.parametrize(("wanted", "lines"), [("bar", 1), ("plain", 1), ("none", 0)])
def test_one_line_says_where_a_run_ended(capsys, wanted, lines):
    """A bar and plain lines leave one line with the end behind; quiet leaves nothing."""
    with show_progress(1, 0, wanted=wanted) as progress:
        progress.started("q")
        progress.answered(Response(output="a"))
        progress.finished(Result("q", 0, Response(output="a")))
    assert capsys.readouterr().err.count("  run 1/1\n") == lines


@pytest.mark.parametrize("wanted", ["bar", "plain", "none"])
def test_a_run_that_never_asked_says_nothing(capsys, wanted):
    """Where the system could not be opened there is no last line."""
    with show_progress(1, 0, wanted=wanted):
        pass
    assert "  run 0/1\n" not in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["bar", "plain"])
def test_the_look_ahead_and_the_one_that_stopped_are_told(capsys, wanted):
    """What is left is at most so much, until a look has stopped the run."""
    with show_progress(10, 0, wanted=wanted) as progress:
        progress.heading_for(1, 4)
        progress.started("q")
        progress.answered(Response(output="a"))
        progress.finished(Result("q", 0, Response(output="a")))
        assert progress.counts.line() == "1/10 · to look 1 of 4 · at most 0:00 left"
        progress.stopped_early(1, 4)
    assert capsys.readouterr().err.endswith("  run 1/10 · stopped at look 1 of 4\n")


@pytest.mark.parametrize("wanted", ["bar", "plain"])
def test_a_run_in_shards_is_told_by_shards(capsys, wanted):
    """Answers come a shard at a time, from other machines."""
    with show_progress(100, 20, wanted=wanted) as progress:
        progress.shards(1, 5)
        assert progress.counts.line() == "20/100 · 1 of 5 shards"
        progress.shards(2, 5, answers=30, errors=2, cost_usd=0.5)
    assert "  run 50/100 · 2 of 5 shards · 2 errors · $0.5" in capsys.readouterr().err
