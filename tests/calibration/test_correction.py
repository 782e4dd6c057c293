"""Tables corrected by labels: whose mean they have, what is missing in them, and how much it weighs."""

from __future__ import annotations

import numpy as np
import pytest
from judged_worlds import World, book_of, make_world
from msgspec.structs import replace
from world import HIGHER

from harness.calibration.correction import MIN_LABELS, Correction, Side, correct, pair_corrected
from harness.calibration.labelled import Told, told_of
from harness.comparison import CaseValue, run_scores
from harness.pairing import pair
from harness.types import Panel, Response, Stratum


def sides(world: World) -> list[Side]:
    book = book_of(world)
    return [
        Side(run_scores(run).tables["quality"], told_of([run], book, "quality"))
        for run in (world.baseline, world.candidate)
    ]


def corrected(world: World, *given: Side) -> Correction:
    found = correct(world.panel, world.candidate.cases, given or sides(world))
    assert isinstance(found, Correction)
    return found


def test_tables_have_the_corrected_mean() -> None:
    """Both corrected tables pair to the corrected difference; alone a table has its own corrected mean."""
    world = make_world(np.random.default_rng(1), n=300, drawn=150)
    found = corrected(world)
    pairs = pair_corrected(found, world.candidate.cases, HIGHER)
    assert np.mean(pairs.harms) == pytest.approx(-found.fit.mean)
    assert len(pairs.harms) == 300
    alone = corrected(world, sides(world)[1])
    values = [alone.tables[0][case.id].value for case in world.candidate.cases]
    assert np.mean([value for value in values if value is not None]) == pytest.approx(alone.fit.mean)


def test_every_case_labelled_needs_no_judge() -> None:
    """Then the tables are what people say, and one label stands for itself."""
    world = make_world(np.random.default_rng(2), n=120, drawn=120)
    found = corrected(world)
    people = {label.answer: label.value for label in world.labels}
    assert found.reach == 1.0
    assert len(people) == 240
    assert sorted(round(one.value or 0.0, 9) for one in found.tables[1].values()) == sorted(
        label.value for label in world.labels[120:]
    )


def test_one_label_counts_as_often_as_it_stands_for_others() -> None:
    """The floors under a limit rest on labels: the range is as many times as wide as one label weighs."""
    world = make_world(np.random.default_rng(3), n=400, drawn=110)
    found = corrected(world)
    inside = {stratum.name: len(stratum.cases) / stratum.drawn for stratum in world.panel.strata}
    assert found.reach == pytest.approx(max(inside.values()))
    assert pair_corrected(found, world.candidate.cases, HIGHER).span == pytest.approx(found.reach)


def test_what_is_missing_is_at_its_worst() -> None:
    """A drawn case without its label counts as many cases; one that was never drawn counts once."""
    world = make_world(np.random.default_rng(4), n=400, drawn=130)
    before, after = sides(world)
    drawn = world.panel.drawn
    told = {case_id: one for case_id, one in after.told.items() if case_id not in drawn[:3]}
    undrawn = next(case.id for case in world.candidate.cases if case.id not in drawn)
    table = {**after.table, undrawn: CaseValue(None, "timeout")}
    found = corrected(world, before, Side(table, told))
    assert found.lost == pytest.approx(3 * found.reach + 1)
    assert found.tables[0][undrawn] == found.tables[1][undrawn] == CaseValue(None, "timeout")
    assert found.tables[1][drawn[0]] == CaseValue(None, "judge_error")
    pairs = pair_corrected(found, world.candidate.cases, HIGHER)
    assert pairs.judge_errors == 3
    assert sorted(pairs.worst) == pytest.approx([1.0] + [found.reach] * 3)
    assert sorted(pairs.widths) == pytest.approx([2.0] + [2 * found.reach] * 3)


def test_cases_that_could_not_be_drawn_are_unscored() -> None:
    """A case that came after the draw may be anything."""
    world = make_world(np.random.default_rng(5), n=300, drawn=150)
    undrawn = next(case.id for case in world.candidate.cases if case.id not in world.panel.drawn)
    strata = tuple(
        Stratum(one.name, tuple(case_id for case_id in one.cases if case_id != undrawn), one.drawn)
        for one in world.panel.strata
    )
    found = correct(replace(world.panel, strata=strata), world.candidate.cases, sides(world))
    assert isinstance(found, Correction)
    assert found.tables[1][undrawn] == CaseValue(None, "judge_error")


def test_cases_to_which_the_metric_does_not_apply_stay_out() -> None:
    """They are neither corrected nor lost; pairing sees them as it sees them without a judge."""
    world = make_world(np.random.default_rng(6), n=300, drawn=150)
    before, after = sides(world)
    first, second = (case.id for case in world.candidate.cases[:2])
    mixed = [
        Side({**before.table, first: CaseValue(None, "not_applicable")}, before.told),
        Side({**after.table, second: CaseValue(None, "not_applicable")}, after.told),
    ]
    pairs = pair_corrected(corrected(world, *mixed), world.candidate.cases, HIGHER)
    plain = pair(mixed[0].table, mixed[1].table, world.candidate.cases, HIGHER)
    assert (pairs.gained, pairs.unpaired, len(pairs.harms)) == (
        plain.gained,
        plain.unpaired,
        len(plain.harms),
    )
    assert (pairs.gained, pairs.unpaired, pairs.worst) == (1, 1, [])


def test_too_few_labels_correct_nothing() -> None:
    """Fewer than 100 in all, or fewer than two in a stratum: why, in words."""
    world = make_world(np.random.default_rng(7), n=300, drawn=150)
    before, after = sides(world)
    few = dict(list(after.told.items())[: MIN_LABELS - 1])
    said = correct(world.panel, world.candidate.cases, [before, Side(after.table, few)])
    assert said == "99 of the 150 drawn cases have their labels, and it needs 100"
    smallest = min(
        (one for one in world.panel.strata if one.drawn < len(one.cases)), key=lambda one: one.drawn
    )
    rest = {name: one for name, one in after.told.items() if name not in smallest.cases[1:]}
    said = correct(world.panel, world.candidate.cases, [before, Side(after.table, rest)])
    assert isinstance(said, str)
    assert "in stratum" in said


def test_labels_hold_for_whoever_gives_the_answer() -> None:
    """A run that repeats an answer has its label; another output, another passage, another case has not."""
    world = make_world(np.random.default_rng(8), n=120, drawn=120)
    run, book = world.candidate, book_of(world)
    again = replace(run, run=replace(run.run, id="later"))
    assert told_of([again], book, "quality") == told_of([run], book, "quality")
    changed = replace(
        again,
        results=tuple(
            replace(one, response=Response(output=f"{one.response.output}!")) for one in again.results
        ),
    )
    assert told_of([changed], book, "quality") == {}
    moved = replace(again, digests={name: f"{digest} edited" for name, digest in again.digests.items()})
    assert told_of([moved], book, "quality") == {}


def test_several_labels_of_an_answer_are_their_mean() -> None:
    """Raters count alike, and so do several labelled answers of one system to a case."""
    world = make_world(np.random.default_rng(9), n=120, drawn=120)
    book = book_of(world)
    other = [replace(label, rater="bob", value=1 - label.value) for label in book.labels]
    both = book._replace(labels=(*book.labels, *other))
    assert {one.label for one in told_of([world.candidate], both, "quality").values()} == {0.5}
    runs = [world.candidate, world.baseline]
    case = world.candidate.cases[0].id
    ours, theirs = (told_of([run], book, "quality")[case] for run in runs)
    mixed = told_of(runs, book, "quality")[case]
    assert mixed == Told((ours.label + theirs.label) / 2, (ours.seen + theirs.seen) / 2)


def test_the_panel_knows_what_was_drawn() -> None:
    """Stratum by stratum, the first of each."""
    panel = Panel(
        "quality",
        "?",
        (0.0, 1.0),
        "goldens",
        0,
        (),
        (Stratum("a", ("x", "y", "z"), 2), Stratum("b", ("w",), 1)),
    )
    assert panel.drawn == ("x", "y", "w")
