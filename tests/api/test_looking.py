"""Early stopping: which calls are made before which look, and that a look saves those after it."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path

import pytest
from msgspec import to_builtins
from msgspec.structs import replace
from staged import N_CASES, NAMED, SUITE, calls_of, make_staged
from world import cases_of, recorded_of, suite_of

from harness.api import deciding
from harness.api.beginning import RunOptions
from harness.api.looking import look_by, planned_stages
from harness.api.running import Finished, run
from harness.api.validating import validate
from harness.baselines import Baseline
from harness.errors import UsageError
from harness.gates.evidence import Evidence
from harness.places import Places
from harness.planning import Selection
from harness.recordings import at_look, read
from harness.types import Gate, Recorded

PLACES = Places(Path("reports"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The project, as the current folder."""
    with chdir(make_staged(tmp_path / "project")):
        yield tmp_path / "project"


class Looks:
    """Decides looks as told, and keeps what each was shown."""

    def __init__(self, stop_at: int = 99) -> None:
        self.stop_at = stop_at
        self.seen: list[tuple[int, int]] = []
        self.shown: list[Recorded] = []

    def __call__(self, so_far: Recorded, look: int, looks: int) -> str:
        self.seen.append((look, looks))
        self.shown.append(so_far)
        return "as told" if look >= self.stop_at else ""


def ask(looks: Looks | None, **options: object) -> Finished:
    return run(validate(Path(SUITE)), RunOptions(**{"run_id": "r", **options}), PLACES, looks)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stop_at", "asked"), [(1, 80), (2, 120), (3, 160), (99, 200)])
def test_calls_after_the_look_that_stops_are_not_made(folder: Path, stop_at: int, asked: int) -> None:
    """Saved in fact: the system is asked for the stages before the look, once each, and for nothing else."""
    looks = Looks(stop_at)
    done = ask(looks)
    calls = calls_of(folder)
    assert (len(calls), set(calls.values())) == (asked, {1})
    assert set(calls) == {case.id for case in done.recorded.cases}
    assert looks.seen == [(number, 4) for number in range(1, min(stop_at, 3) + 1)]
    assert done.recorded.complete
    assert done.stopped is None
    stop = done.recorded.stop
    assert (stop and (stop.look, stop.looks, stop.asked, stop.planned, stop.reason)) == (
        None if stop_at == 99 else (stop_at, 4, asked, N_CASES, "as told")
    )


def test_a_look_is_shown_all_of_its_stages_and_nothing_later(folder: Path) -> None:
    """What a look decides on is what stays recorded where it stops, but for the reason."""
    looks = Looks(2)
    done = ask(looks)
    first, second = looks.shown
    assert [len(first.results), len(second.results)] == [80, 120]
    assert first.looks == (0.4, 0.6, 0.8, 1.0)
    assert NAMED in {case.id for case in first.cases}
    assert second.cases == done.recorded.cases
    assert second.results == done.recorded.results
    assert second.stop is not None
    assert done.recorded.stop is not None
    assert second.stop.look == done.recorded.stop.look == 2


def test_without_anything_that_decides_all_is_asked_in_one_go(folder: Path) -> None:
    """No stage, no look, no early stop: the recording is as it always was."""
    done = ask(None)
    assert done.recorded.stages == {}
    assert len(calls_of(folder)) == N_CASES
    assert b'"stage"' not in done.path.read_bytes()


@pytest.mark.parametrize("at_once", [1, 8, 32])
def test_calls_in_flight_change_neither_stages_nor_looks(folder: Path, at_once: int) -> None:
    """Whatever the order in which answers come, a look sees the same cases."""
    looks = Looks(2)
    done = ask(looks, candidate="jittery", max_concurrency=at_once)
    checked = validate(Path(SUITE))
    stages = planned_stages(checked.file.suite, checked.dataset.cases, 0)
    assert done.recorded.stages == stages
    assert set(calls_of(folder)) == {case_id for case_id, stage in stages.items() if stage < 2}
    shown = [{case.id for case in so_far.cases} for so_far in looks.shown]
    assert shown == [{case_id for case_id, stage in stages.items() if stage < look} for look in (1, 2)]


def test_the_order_of_the_goldens_changes_nothing(folder: Path) -> None:
    """Lines in another order: the same cases are asked before the same looks."""
    ask(Looks(1), run_id="first")
    before = set(calls_of(folder))
    path = folder / "goldens/cases.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[120:], *lines[119::-1]]), encoding="utf-8")
    ask(Looks(1), run_id="second")
    assert set(calls_of(folder)) == before
    ask(Looks(1), run_id="third", seed=1)
    assert set(calls_of(folder)) != before


def test_repeats_of_a_case_are_asked_in_its_stage(folder: Path) -> None:
    """A document is whole at a look: all its cases, all their repeats."""
    done = ask(Looks(1), repeats=3)
    calls = calls_of(folder)
    assert (len(calls), set(calls.values())) == (80, {3})
    assert len(done.recorded.results) == 240


def cut(path: Path, kept: float, torn: int = 0) -> None:
    """Leave so many results of a recording, and some bytes of the next line, as a kill does."""
    lines = path.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["kind"] for line in lines]
    header = [line for line, kind in zip(lines, kinds, strict=True) if kind in {"run", "case"}]
    answers, scores = (
        {
            json.loads(line)["data"]["case_id"]: line
            for line, is_ in zip(lines, kinds, strict=True)
            if is_ == kind
        }
        for kind in ("answer", "scores")
    )
    rest = [line for case_id in answers for line in (answers[case_id], scores[case_id])] + lines[-1:]
    path.write_bytes(b"".join([*header, *rest[: int(2 * kept)]]) + rest[int(2 * kept)][:torn])


@pytest.mark.parametrize(
    ("kept", "torn", "looks_taken"),
    [
        (0, 0, [1, 2]),
        (33, 40, [1, 2]),
        (79, 0, [1, 2]),
        (80, 0, [1, 2]),  # killed before or during the first look
        (80, 25, [1, 2]),
        (33.5, 0, [1, 2]),  # killed between an answer and its scores
        (80.5, 9, [2]),
        (81, 0, [2]),  # the first look was passed: its stage is over
        (119, 9, [2]),
        (120, 0, [2]),  # killed before or during the look that stops
        (120, 30, [2]),  # killed while the end line was written
    ],
)
def test_a_run_cut_short_takes_the_same_looks_and_stops_at_the_same(
    folder: Path, kept: float, torn: int, looks_taken: list[int]
) -> None:
    """Wherever it was killed, resumed it asks what is missing up to the same look and records the same."""
    whole = ask(Looks(2))
    calls_of(folder)
    cut(whole.path, kept, torn)
    looks = Looks(2)
    again = ask(looks, resume="r")
    assert [look for look, _ in looks.seen] == looks_taken
    assert sum(calls_of(folder).values()) == 120 - math.ceil(kept)
    assert again.recorded.stop == whole.recorded.stop
    assert [result.case_id for result in again.recorded.results] == [
        result.case_id for result in whole.recorded.results
    ]
    assert again.recorded.complete


def test_a_run_that_stopped_early_is_finished(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Resumed it asks nothing, takes no look, and says how to ask the rest."""
    whole = ask(Looks(2))
    calls_of(folder)
    before = whole.path.read_bytes()
    looks = Looks(1)
    again = ask(looks, resume="r")
    assert not looks.seen
    assert not calls_of(folder)
    assert whole.path.read_bytes() == before
    assert again.recorded == whole.recorded
    assert "run r is finished: it stopped at look 2 of 4; ask the rest with --no-early-stop" in (
        capsys.readouterr().err
    )


def test_the_rest_of_a_stopped_run_can_be_asked(folder: Path) -> None:
    """Without early stopping a run that stopped goes on to the end; what was answered is not asked again."""
    stopped = ask(Looks(1))
    first = set(calls_of(folder))
    whole = ask(None, resume="r")
    rest = calls_of(folder)
    assert (len(rest), set(rest.values())) == (120, {1})
    assert not first & set(rest)
    assert whole.recorded.complete
    assert whole.recorded.stop is None
    assert len(whole.recorded.cases) == len(whole.recorded.results) == N_CASES
    assert whole.recorded.stages == stopped.recorded.stages


def test_a_stop_that_was_overruled_stays_so(folder: Path) -> None:
    """Gone on with past a look, and cut short: the look is not taken again."""
    path = ask(Looks(1)).path
    ask(None, resume="r")
    header = path.read_bytes().splitlines(keepends=True)
    ends = [number for number, line in enumerate(header) if line.startswith(b'{"kind":"end"')]
    path.write_bytes(b"".join(header[: ends[0] + 4]))  # the early end, and lines of the next stage
    looks = Looks(3)
    again = ask(looks, resume="r")
    assert [look for look, _ in looks.seen] == [2, 3]
    assert again.recorded.stop is not None
    assert again.recorded.stop.look == 3


def test_errors_that_are_asked_again_bring_the_look_back(folder: Path) -> None:
    """With --retry-errors a stopped run asks what failed before its look, and the look is taken anew."""
    stopped = ask(Looks(1), candidate="mended")
    failed = {result.case_id for result in stopped.recorded.results if result.response.error is not None}
    assert len(failed) > 3
    (folder / "mended").touch()
    calls_of(folder)
    looks = Looks(2)
    again = ask(looks, resume="r", retry_errors=True)
    calls = calls_of(folder)
    assert looks.seen == [(1, 4), (2, 4)]
    assert not any(result.response.error for result in looks.shown[0].results)
    assert (len(calls), set(calls.values())) == (len(failed) + 40, {1})
    assert failed < set(calls)
    assert again.recorded.stop is not None
    assert again.recorded.stop.look == 2


def test_a_signal_during_a_look_stops_the_run_before_the_next_stage(folder: Path) -> None:
    """Whatever the look says then: the run is as if cut short there, and takes the look again."""

    def signalled(so_far: Recorded, look: int, looks: int) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)  # as long as the event loop may need to notice
        return "as told"

    done = run(validate(Path(SUITE)), RunOptions(run_id="r"), PLACES, signalled)
    assert done.stopped == signal.SIGINT
    assert (done.recorded.complete, done.recorded.stop, len(done.recorded.results)) == (False, None, 80)
    looks = Looks(2)
    again = ask(looks, resume="r")
    assert looks.seen == [(1, 4), (2, 4)]
    assert len(again.recorded.results) == 120
    assert set(calls_of(folder).values()) == {1}


def test_a_fault_while_looking_keeps_what_was_answered(folder: Path) -> None:
    """The run can be gone on with."""

    def torn(so_far: Recorded, look: int, looks: int) -> str:
        raise UsageError("no look")

    with pytest.raises(UsageError, match="no look"):
        run(validate(Path(SUITE)), RunOptions(run_id="r"), PLACES, torn)
    assert len(read(PLACES.recording("r")).results) == 80
    calls_of(folder)
    ask(Looks(1), resume="r")
    assert not calls_of(folder)


@pytest.mark.parametrize(
    ("selection", "drop", "stops"),
    [
        (Selection(), True, True),
        (Selection(), False, False),
        (Selection(where={"language": "de"}), True, False),
        (Selection(case_ids=("q-001",)), True, False),
        (Selection(limit=100), True, False),
    ],
)
def test_what_can_stop_early(folder: Path, selection: Selection, drop: bool, stops: bool) -> None:
    """A whole run with a gate on a drop; anything else is asked to the end."""
    path = folder / SUITE
    if not drop:
        text = path.read_text(encoding="utf-8").replace("max_drop: 0.1", "min: 0.1")
        path.write_text(text, encoding="utf-8")
    suite = validate(path).file.suite
    assert (look_by(evidence_of, suite, selection) is not None) == stops


def evidence_of(so_far: Recorded) -> Evidence:
    """What a run is decided on against itself."""
    return deciding.evidence_of(so_far, Baseline((so_far,)))


@pytest.mark.parametrize(
    ("shift", "why"), [(0.0, "every gate passes, and no metric looks bad"), (0.5, "gate drop failed")]
)
def test_a_look_stops_for_a_verdict_and_says_which(shift: float, why: str) -> None:
    """For both verdicts, on what is recorded so far; not without a baseline that can be compared."""
    cases = cases_of(120)
    suite = suite_of(Gate("drop", "quality", max_drop=0.1), metrics=("quality",))
    facts = {"suite": to_builtins(suite), "n_cases": 120}
    before = recorded_of(cases, {"quality": [0.8] * 120}, "base", **facts)
    after = recorded_of(cases, {"quality": [0.8 - shift] * 120}, **facts)
    staged = replace(after, stages={case.id: i // 60 for i, case in enumerate(cases)})
    decide = look_by(partial(deciding.evidence_of, baseline=Baseline((before,))), suite, Selection())
    assert decide is not None
    assert decide(at_look(staged, 1), 1, 2) == why
    other = replace(before, run=replace(before.run, dataset_digest="other"))
    decide = look_by(partial(deciding.evidence_of, baseline=Baseline((other,))), suite, Selection())
    assert decide is not None
    assert decide(at_look(staged, 1), 1, 2) == ""
