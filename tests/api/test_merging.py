"""Parts put together: complete, once, whole and of one plan, or refused with what is wrong."""

from __future__ import annotations

import random
import shutil
from contextlib import chdir
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace
from project import SUITE, make_project

from harness.api.beginning import RunOptions
from harness.api.merging import merge
from harness.api.sharding import Share, ask_shard, plan_shards
from harness.api.validating import validate
from harness.errors import RecordingError, UsageError
from harness.places import Places
from harness.planning import Selection
from harness.recordings import read
from harness.recordings.parts import unfinished_path
from harness.types import Recorded, Response, Timings

ALONE = Share(1, 1)
OF = 3


def ask(project: Path, reports: Path, numbers: tuple[int, ...] = (1, 2, 3), of: int = OF, **options) -> Path:
    """Ask shards of a run named ``r``; gives the folder of their parts."""
    chosen = RunOptions(**{"run_id": "r", **options})
    with chdir(project):
        sharded = plan_shards(validate(Path(SUITE)), chosen, of)
        for number in numbers:
            ask_shard(sharded, number, ALONE, chosen, Places(reports))
    return Places(reports).parts("r")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("merging") / "project")


@pytest.fixture(scope="module")
def made(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ask(project, tmp_path_factory.mktemp("made"))


@pytest.fixture
def parts(made: Path, tmp_path: Path) -> Path:
    """A copy of all parts of a run, to be broken."""
    return Path(shutil.copytree(made, tmp_path / "parts"))


def refusal(parts: Path, kind: type[Exception] = RecordingError) -> str:
    """Why these parts are not put together; nothing is left behind."""
    places = Places(parts.parent / "reports")
    with pytest.raises(kind) as raised:
        merge([parts], places)
    assert not places.run_ids()
    return str(raised.value)


def test_a_run_is_put_together(parts, project, tmp_path):
    """Complete, every case once and in the order of the goldens, as a run on one machine."""
    merged = merge([parts], Places(tmp_path / "reports"))
    with chdir(project):
        goldens = validate(Path(SUITE)).dataset
    assert merged.new
    assert merged.n_parts == OF
    assert merged.recorded.complete
    assert merged.recorded.shard is None
    assert merged.recorded.run.n_cases == 60
    assert merged.recorded.cases == goldens.cases
    assert [result.case_id for result in merged.recorded.results] == [case.id for case in goldens.cases]
    assert merged.recorded.digests == goldens.digests
    assert merged.recorded == read(merged.path)


def test_the_order_of_the_parts_does_not_matter(parts, tmp_path):
    """Byte for byte the same recording, also where parts are given twice."""
    files = sorted(parts.iterdir())
    found = set()
    for number, order in enumerate(permutations(files)):
        given = [*order, parts, *order[:number]]
        found.add(merge(given, Places(tmp_path / str(number))).path.read_bytes())
    assert len(found) == 1


def test_parts_are_found_in_folders_of_folders(parts, tmp_path):
    """As CI leaves the artifacts of its jobs; what is no part is passed over."""
    for number, part in enumerate(sorted(parts.iterdir())):
        (parts / f"shard-{number}").mkdir()
        part.rename(parts / f"shard-{number}" / part.name)
    (parts / "log.txt").write_text("done")
    assert merge([parts], Places(tmp_path / "reports")).n_parts == OF


def test_the_second_time_it_is_there_already(parts, tmp_path):
    """At least once: the same parts give the same run, and say so."""
    places = Places(tmp_path / "reports")
    first = merge([parts], places)
    again = merge([parts], places)
    assert (first.new, again.new) == (True, False)
    assert first.recorded == again.recorded


def test_another_recording_is_never_replaced(parts, tmp_path):
    """A run that has gone on since keeps what it has."""
    places = Places(tmp_path / "reports")
    path = merge([parts], places).path
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(RecordingError, match="exists already, and is not what these parts give"):
        merge([parts], places)


def test_a_gap_is_named_with_what_fills_it(parts):
    """Missing answers can never help: without a shard there is no run."""
    next(parts.glob("shard-2*")).unlink()
    said = refusal(parts)
    assert "1 of 3 shards of run 'r' missing: 2" in said
    assert "harness run SUITE --run-id r --shard 2/3" in said


def test_an_unfinished_part_is_no_part(parts):
    """It is named where its shard is missing, and passed over where the shard is done."""
    whole = next(parts.glob("shard-2*"))
    begun = unfinished_path(whole)
    begun.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:-4]))
    assert merge([parts], Places(parts.parent / "elsewhere")).n_parts == OF
    whole.unlink()
    assert f"begun and unfinished: {begun}" in refusal(parts)


def test_nothing_but_unfinished_parts(parts):
    """What was begun is named."""
    for part in list(parts.iterdir()):
        part.rename(unfinished_path(part))
    assert "no part is finished; begun: " in refusal(parts)


@pytest.mark.parametrize("lines", [1, 2, 10, -5, -2, -1])
def test_a_part_cut_at_a_line_is_refused(parts, lines):
    """Whole lines only, and yet not whole: counts and the end line tell."""
    part = next(parts.glob("shard-2*"))
    part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:lines]))
    assert "shard-2-of-3.jsonl" in refusal(parts)


def test_any_damaged_byte_is_refused(parts):
    """Every line has its checksum and the end line one of all; 60 places by chance."""
    part = next(parts.glob("shard-2*"))
    content = part.read_bytes()
    for place in random.Random(1).sample(range(len(content)), 60):  # noqa: S311 -- a sample
        part.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert "shard-2-of-3.jsonl" in refusal(parts)


def test_a_line_in_the_wrong_place_is_refused(parts):
    """A whole line, with its checksum, that has no place there."""
    part = next(parts.glob("shard-2*"))
    first, *rest = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join((first, first, *rest)))
    assert "a shard line stands in the wrong place" in refusal(parts)


def test_every_damaged_part_is_told_at_once(parts):
    """With its line and what to do."""
    for part in parts.iterdir():
        content = part.read_bytes()
        part.write_bytes(content[:500] + b"?" + content[501:])
    said = refusal(parts)
    assert said.count("the line does not match its checksum: delete it, and run that shard again") == OF


def test_f12_a_damaged_answer_is_asked_again_and_no_other(parts, project, tmp_path):
    """Named with its line as long as it is missing; gone on with, the part gives the same run."""
    whole = merge([parts], Places(tmp_path / "whole")).recorded
    part = next(parts.glob("shard-2*"))
    lines = part.read_bytes().splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if b'"kind":"answer"' in line)
    lines[place] = lines[place].replace(b"fact", b"fakt")
    part.write_bytes(b"".join(lines))
    said = refusal(parts)
    assert f"line {place + 1} does not match its checksum" in said
    assert "go on with it" in said
    places = Places(tmp_path / "reports")
    part.rename(unfinished_path(part))
    shutil.copytree(parts, places.parts("r"))
    ask(project, places.reports, (2,))
    merged = merge([places.parts("r")], places).recorded
    assert merged.complete
    assert not merged.notices
    assert answers(merged) == answers(whole)


def answers(recorded: Recorded) -> list[Response]:
    """Every answer, without its times."""
    return [replace(result.response, timings=Timings()) for result in recorded.results]


def test_a_shard_asked_twice_and_the_same_is_one(parts, tmp_path):
    """A copy of a part changes nothing."""
    shutil.copy(next(parts.glob("shard-2*")), parts / "shard-copy.jsonl")
    assert merge([parts], Places(tmp_path / "reports")).n_parts == OF


def test_a_shard_asked_twice_and_not_the_same_is_refused(parts, project, tmp_path):
    """Both are named: which of them is right is not ours to say."""
    other = ask(project, tmp_path / "other", (2,)) / "shard-2-of-3.jsonl"  # other latencies
    shutil.copy(other, parts / "shard-other.jsonl")
    said = refusal(parts)
    assert "are the same shard, asked twice, and differ" in said
    assert "shard-2-of-3.jsonl (shard 2 of 3 of run 'r')" in said
    assert "shard-other.jsonl" in said


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ({"run_id": "s"}, "the run's id"),
        ({"candidate": "worse"}, "the candidate, the system's configuration"),
        ({"seed": 3}, "the seed"),
        ({"repeats": 2}, "the repeats"),
        ({"selection": Selection(limit=50)}, "the selection"),
        ({"of": 4}, "the number of shards"),
    ],
)
def test_a_part_of_another_plan_is_refused(parts, project, tmp_path, options, differs):
    """What differs is named; no run is made of two."""
    ask(project, tmp_path / "other", (2,), **options)
    (other,) = (tmp_path / "other").rglob("shard-2*")
    shutil.copy(other, next(parts.glob("shard-2*")))
    said = refusal(parts)
    assert f"are of different runs: they differ in {differs}" in said


def test_the_recording_of_a_whole_run_is_no_part(parts, tmp_path):
    """And a part is no whole run: neither is taken for the other."""
    whole = merge([parts], Places(tmp_path / "reports")).path
    with pytest.raises(RecordingError, match="and no part of one"):
        merge([whole, parts], Places(tmp_path / "elsewhere"))
    with pytest.raises(RecordingError, match="is shard 1 of 3 of run 'r', and no whole run"):
        read(parts / "shard-1-of-3.jsonl")


def test_a_folder_without_parts(tmp_path):
    """2: nothing was given."""
    with pytest.raises(UsageError, match="no part of a run in"):
        merge([tmp_path], Places(tmp_path))


@pytest.mark.parametrize("of", [1, 200])
def test_few_and_many_shards(project, tmp_path, of):
    """One shard is the run; of many some are without a case, and have a part all the same."""
    parts = ask(project, tmp_path / "reports", tuple(range(1, of + 1)), of)
    merged = merge([parts], Places(tmp_path / "merged"))
    assert merged.n_parts == of
    assert len(merged.recorded.results) == 60


def test_a_shard_goes_on_only_as_it_was_begun(project, parts, tmp_path):
    """2: a part of another plan lies where this one should."""
    folder = Places(tmp_path / "reports").parts("r")
    shutil.copytree(parts, folder)
    with pytest.raises(UsageError, match=r"was begun otherwise: the seed changed"):
        ask(project, tmp_path / "reports", (1,), seed=5)
    whole = folder / "shard-1-of-3.jsonl"
    whole.rename(unfinished_path(whole))
    with pytest.raises(UsageError, match=r"was begun otherwise: the repeats changed"):
        ask(project, tmp_path / "reports", (1,), repeats=5)
