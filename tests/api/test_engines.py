"""What a node of a cluster does with a shard, without a cluster: parts, and faults given as values."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from msgspec.structs import replace
from project import SUITE, call_inside, copy_project, make_project

from harness.api import engines
from harness.api.beginning import RunOptions
from harness.api.engines import PLAN, Job, ask_all, ask_on_node
from harness.api.merging import merge
from harness.api.sharding import plan_shards
from harness.api.validating import validate
from harness.cache import measure
from harness.engine.progress import Silent
from harness.engine.ray import Done, Leaving
from harness.errors import BudgetSpent, Interrupted, RecordingError, UsageError
from harness.places import Places
from harness.recordings import Recording, read_planned
from harness.recordings.parts import part_path, read_part, unfinished_path
from harness.types import Response

OF = 3


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = make_project(tmp_path / "project")
    with chdir(folder):  # a node goes to the project's folder, and stays
        yield folder
    engines._PLANNED.clear()


def job_of(project: Path, **options: str) -> Job:
    chosen = RunOptions(**{"run_id": "r", "engine": "ray", **options})
    run = plan_shards(validate(Path(SUITE)), chosen, OF).run
    folders = (str(project / name) for name in ("reports", "kept"))
    return Job(str(project), str(project / SUITE), *folders, chosen, run, OF, 2)


def share_folder(job: Job) -> Path:
    """Leave the plan in the folder of the parts, as where the run was begun; gives the folder."""
    folder = Places(Path(job.reports)).parts("r")
    folder.mkdir(parents=True)
    (folder / PLAN).write_text(plan_shards(validate(Path(SUITE)), job.options, OF).members[0].shard.plan)
    return folder


def test_a_part_goes_to_the_folder_that_is_shared(project: Path) -> None:
    """Nothing but counts comes back."""
    job = job_of(project)
    folder = share_folder(job)
    answer = ask_on_node(job, 2, 1)
    assert answer.asked is not None
    assert (answer.part, answer.asked.answered, answer.faults) == (b"", 20, ())
    assert read_part(part_path(folder, 2, OF)).shard.number == 2


def test_a_node_keeps_answers_where_the_command_line_says(project: Path) -> None:
    """Below --cache-dir, where the folder of the parts is shared; another shard finds them there."""
    job = job_of(project, cache="all")
    folder = share_folder(job)
    assert ask_on_node(job, 2, 1).asked is not None
    assert measure(project / "kept/response-cache").entries == 20
    part_path(folder, 2, OF).unlink()
    assert ask_on_node(job, 2, 1).asked is not None
    results = read_planned(part_path(folder, 2, OF)).results
    assert {result.response.cached for result in results} == {True}


@pytest.mark.parametrize("answers", [0, 1])
def test_a_run_that_no_node_could_begin_leaves_nothing_behind(project: Path, answers: int) -> None:
    """Also where other nodes had begun their parts when the first told what it lacks; an answer is kept."""
    folder = share_folder(job_of(project))
    sharded = plan_shards(validate(Path(SUITE)), job_of(project).options, OF)
    member, digests = sharded.members[0], sharded.plan.dataset.digests
    begun = Recording.create(
        unfinished_path(part_path(folder, 1, OF)),
        replace(sharded.run, n_cases=len(member.cases)),
        member.cases,
        {case.id: digests[case.id] for case in member.cases},
        shard=member.shard,
    )
    with begun as recording:
        for case in member.cases[:answers]:
            recording.answered(case.id, 0, Response("an answer"))
    with pytest.raises(UsageError, match="lacks"), engines._forgotten_where_nothing_was_asked(folder):
        raise UsageError("the node lacks something")
    assert folder.exists() == folder.parent.exists() == bool(answers)


def test_a_part_comes_back_where_no_folder_is_shared(project: Path) -> None:
    """The part itself comes back, and the node keeps nothing."""
    answer = ask_on_node(job_of(project), 2, 1)
    path = project / "came-back.jsonl"
    path.write_bytes(answer.part)
    assert read_part(path).n_results == 20
    assert not (project / "reports").exists()


class OneByOne:
    """Workers that do everything in this process, and lose the shards that they are told to."""

    def __init__(self, *lost: int, stopped: int | None = None, most: int = OF) -> None:
        self.lost, self.stopped, self.most = lost, stopped, most

    def work_off(self, job, numbers, at_once, work, most_s):
        for number in () if self.stopped else numbers[: self.most]:
            yield (
                Done(number, None, "its node") if number in self.lost else Done(number, work(job, number, 1))
            )


def test_parts_that_come_back_make_a_run(project: Path) -> None:
    """No folder is shared, and yet every part is where it is merged."""
    folder = Places(project / "reports").parts("r")
    job = job_of(project)._replace(reports="/no/such/folder")
    progress = Silent(60, 0)
    ask_all(OneByOne(), job, [1, 2, 3], folder, progress)
    assert progress.counts.line() == "60/60 · 3 of 3 shards"
    assert len(merge([folder], Places(project / "reports")).recorded.results) == 60


def test_what_is_done_stays_where_a_shard_is_lost(project: Path) -> None:
    """4, with what goes on; the shards before it have their parts."""
    job = job_of(project)
    folder = share_folder(job)
    with pytest.raises(
        RecordingError, match="shard 2 of 3 was lost: its node: the same command with --resume r"
    ):
        ask_all(OneByOne(2), job, [1, 2, 3], folder, Silent(60, 0))
    assert part_path(folder, 1, OF).exists()
    with pytest.raises(Interrupted, match="interrupted: 1 of 3 shards are done") as raised:
        ask_all(OneByOne(stopped=15), job, [2, 3], folder, Silent(60, 0))
    assert raised.value.exit_code == 143


def test_minutes_are_those_of_the_whole_run(project: Path) -> None:
    """3: a cluster that is stopped by the clock has not asked every shard."""
    job = job_of(project)
    folder = share_folder(job)
    said = "incomplete: its 0.5 minutes are over: 2 of 3 shards are done: the same command with --resume r"
    with pytest.raises(BudgetSpent, match=said) as raised:
        ask_all(OneByOne(most=2), job, [1, 2, 3], folder, Silent(60, 0), 0.5)
    assert raised.value.exit_code == 3


def test_money_is_shared_by_cases(project: Path) -> None:
    """3: a shard that has spent its share ends the run, and what is told is enough for all of it."""
    text = (project / "mysystems.py").read_text()
    priced = 'def answer(query):\n    return {**free(query), "usage": {"cost_usd": 0.01}}\n'
    (project / "mysystems.py").write_text(text.replace("def answer", "def free", 1) + priced)
    job = job_of(project, max_cost_usd=0.3)
    folder = share_folder(job)
    said = r"shard 1 of 3 stopped: its budget of \$0\.\d+ has no .* --resume r and --max-cost 0\.6\d? goes on"
    with pytest.raises(BudgetSpent, match=said):
        ask_all(OneByOne(), job, [1, 2, 3], folder, Silent(60, 0))
    asked = read_planned(unfinished_path(part_path(folder, 1, OF)))
    assert len(asked.answered) == len(asked.cases) // 2
    enough = job._replace(options=replace(job.options, max_cost_usd=0.6))
    ask_all(OneByOne(), enough, [1, 2, 3], folder, Silent(60, 0))
    assert len(merge([folder], Places(project / "reports")).recorded.results) == 60


def test_a_node_that_is_told_to_end_gives_its_shard_back(project: Path) -> None:
    """A signal on a node is not one to the run: another process goes on."""
    text = (project / "mysystems.py").read_text()
    told = "def answer(query):\n    os.kill(os.getppid(), 15)\n    time.sleep(0.1)\n    return free(query)\n"
    (project / "mysystems.py").write_text(text.replace("def answer", "def free", 1) + told)
    job = job_of(project)
    part = part_path(share_folder(job), 2, OF)
    with pytest.raises(Leaving, match="stopped by a signal on node"):
        ask_on_node(job, 2, 1)
    assert read_planned(unfinished_path(part)).answered
    assert not part.exists()


def test_the_folder_of_another_run_is_not_taken_for_this_ones(project: Path) -> None:
    """Shared is what holds this run's plan."""
    job = job_of(project)
    folder = share_folder(job)
    (folder / PLAN).write_text("another plan")
    assert ask_on_node(job, 2, 1).part
    assert [path.name for path in folder.iterdir()] == [PLAN]


def test_a_process_that_is_about_to_end_is_waited_for(project: Path) -> None:
    """A node that seemed lost may still hold its part for a moment."""
    job = job_of(project)
    whole = part_path(share_folder(job), 2, OF)
    ask_on_node(job, 2, 1)
    begun = unfinished_path(whole)
    whole.rename(begun)
    held = Recording.resume(begun)[0]
    threading.Timer(0.5, held.close).start()
    answer = ask_on_node(job, 2, 1)
    assert answer.faults == ()
    assert whole.exists()


def test_a_node_without_the_project_says_so(project: Path) -> None:
    """2: with the folder that is missing."""
    answer = ask_on_node(job_of(project)._replace(folder="/no/such/folder"), 1, 1)
    assert answer.asked is None
    assert answer.exit_code == 2
    assert answer.faults[0][0] == "there is no folder /no/such/folder"


def test_a_node_with_other_goldens_says_so(project: Path, tmp_path: Path) -> None:
    """2: it would ask something else."""
    job = job_of(project)
    other = copy_project(project, tmp_path / "other")
    cases = other / "goldens/cases.jsonl"
    cases.write_text(cases.read_text().replace("What is fact 3?", "What is fact three?"))
    answer = ask_on_node(job._replace(folder=str(other), suite=str(other / SUITE)), 1, 1)
    assert answer.exit_code == 2
    assert answer.faults[0][0] == "the goldens differ from those where the run was begun"


def test_a_system_that_cannot_be_opened_is_a_fault_of_the_node(project: Path) -> None:
    """2: faults are values, so that they come back whole."""
    answer = ask_on_node(job_of(project, candidate="absent"), 1, 1)
    assert answer.exit_code == 2
    assert "absent" in answer.faults[0][0]


def test_without_the_package_the_extra_is_named(project: Path, capsys, monkeypatch) -> None:
    """2, and nothing is left of the run."""
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = call_inside(capsys, project, "run", SUITE, "--engine", "ray", "--run-id", "r")
    assert ended.code == 2
    assert "pip install 'rag-regression-harness[ray]'" in ended.err
    assert not (project / "reports/runs/r").exists()


def test_a_fresh_sample_is_not_asked_by_a_cluster(project: Path, capsys) -> None:
    """2, with what asks it."""
    assert call_inside(capsys, project, "run", SUITE, "--run-id", "first").code == 0
    assert call_inside(capsys, project, "baseline", "promote", "first", "--reason", "first").code == 0
    ended = call_inside(capsys, project, "check", SUITE, "--engine", "ray", "--fresh", "0.2")
    assert ended.code == 2
    assert "a fresh sample of the baseline is not asked by --engine ray" in ended.err


def test_what_was_never_begun_cannot_be_gone_on_with(project: Path, capsys) -> None:
    """2: no parts of that name."""
    ended = call_inside(capsys, project, "run", SUITE, "--engine", "ray", "--resume", "r")
    assert ended.code == 2
    assert "no run 'r' was begun in shards" in ended.err


def test_local_beats_what_the_suite_says(project: Path, capsys) -> None:
    """A machine without a cluster can run the suite; a number of shards below 1 is refused with its place."""
    suite = project / SUITE
    text = suite.read_text()
    suite.write_text(text + "engine: { kind: ray }\n")
    assert call_inside(capsys, project, "run", SUITE, "--engine", "local").code == 0
    suite.write_text(text + "engine: { kind: ray, shards: 0 }\n")
    ended = call_inside(capsys, project, "validate", SUITE)
    assert ended.code == 2
    assert "shards is 0" in ended.err
