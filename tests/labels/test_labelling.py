"""Packets are blind and drawn once; labels come in whole, once, and side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from packets import answered, judged_run, send_back

from harness.api.gathering import take_in
from harness.api.labelling import Asked, Exported, export, keep
from harness.errors import NothingSelected, UsageError
from harness.types import Recorded

N = 60
SCORES = [0.0 if i % 5 == 0 else 1.0 for i in range(N)]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_a() -> Recorded:
    return judged_run("run-a", SCORES, [f"answer {i}" for i in range(N)])


def run_b() -> Recorded:
    """Says the same but for every fourth case."""
    return judged_run("run-b", SCORES, [f"answer {i}" if i % 4 else f"other {i}" for i in range(N)])


def exported(*runs: Recorded, **asked: object) -> Exported:
    found = export(runs, Asked("quality", **{"rubric": "Is it good?", "n": 20, **asked}))  # type: ignore[arg-type]
    keep(found, Path("packet.html"))
    return found


def truth(found: Exported) -> dict[str, float]:
    return {item.output: float(len(item.output) % 2) for item in found.packet.items}


def test_a_packet_tells_nothing_but_the_answers() -> None:
    """Neither run, score, judge, document nor case stands in the packet; items are not in golden order."""
    found = exported(run_a(), run_b(), n=60)
    for path in ("packet.html", "packet.csv"):
        keep(found, Path(path))
        text = Path(path).read_text(encoding="utf-8-sig")
        for drawn in (found.packet.id, *(item.id for item in found.packet.items)):
            text = text.replace(drawn, "")  # digits by chance: some may be those of a case's id
        for secret in ("run-a", "run-b", "judge-1", "doc-secret", "c001", "0.90731", "fingerprint"):
            assert secret not in text, (path, secret)
    order = [int(item.output.split()[1]) for item in found.packet.items]
    assert order != sorted(order)
    again = export([run_a(), run_b()], Asked("quality", n=60, rubric="Is it good?"))
    assert {item.id for item in again.packet.items}.isdisjoint(item.id for item in found.packet.items)


def test_an_answer_that_two_runs_give_is_labelled_once() -> None:
    """Of 20 drawn cases only those with another answer are in the packet twice."""
    found = exported(run_a(), run_b())
    drawn = found.panel.drawn
    changed = sum(int(case_id[1:]) % 4 == 0 for case_id in drawn)
    assert len(drawn) == 20
    assert len(found.packet.items) == 20 + changed


def test_a_later_run_costs_labels_for_new_answers_only() -> None:
    """The panel is kept; answers with a label are not asked for again, and there may be none left."""
    first = exported(run_a())
    take_in([send_back(Path(), first.packet, truth(first))], None, None, replace_=False)
    second = exported(run_b())
    assert second.panel == first.panel
    assert all(item.output.startswith("other") for item in second.packet.items)
    assert second.known + len(second.packet.items) == 20
    with pytest.raises(NothingSelected, match="every answer of the 20 drawn cases has its label"):
        exported(run_a())
    assert len(exported(run_a(), n=40).panel.drawn) == 40


def test_labels_come_in_once() -> None:
    """Importing a file again, or a part of it, changes no byte."""
    found = exported(run_a())
    file = send_back(Path(), found.packet, truth(found))
    first = take_in([file], None, None, replace_=False)
    assert (first.added, first.known, first.answered) == (20, 0, {found.packet.id: (20, 20)})
    before = first.folder.labels_file.read_bytes()
    again = take_in([file], None, None, replace_=False)
    assert (again.added, again.known) == (0, 20)
    assert again.folder.labels_file.read_bytes() == before
    label = first.folder.labels()[0]
    assert (label.rater, label.metric, label.value in (0.0, 1.0)) == ("ann", "quality", True)


def test_raters_who_differ_stand_side_by_side() -> None:
    """Two raters' labels are both kept; one rater who says otherwise is refused, unless it is meant."""
    found = exported(run_a())
    files = [
        send_back(Path(), found.packet, truth(found), "ann"),
        send_back(Path(), found.packet, {name: 1 - value for name, value in truth(found).items()}, "bob"),
    ]
    both = take_in(files, None, None, replace_=False)
    assert both.added == 40
    assert both.answered[found.packet.id] == (20, 20)
    with pytest.raises(UsageError, match="rater ann said") as refused:
        take_in([_as(files[1], "ann")], None, None, replace_=False)
    assert len(refused.value.faults) == 20
    assert take_in([_as(files[1], "ann")], None, None, replace_=True).added == 20
    assert len(both.folder.labels()) == 40


def test_a_rater_says_one_thing_of_an_answer_whatever_packet_it_is_in() -> None:
    """The same answers exported again: a second label of one rater is the same label, or a contradiction."""
    first, second = exported(run_a()), exported(run_a())
    assert first.packet.id != second.packet.id
    file = send_back(Path(), first.packet, truth(first))
    taken = take_in([file], None, None, replace_=False)
    assert (taken.added, taken.answered) == (20, {first.packet.id: (20, 20)})
    again = take_in([send_back(Path(), second.packet, truth(second))], None, None, replace_=False)
    assert (again.added, again.known, again.answered) == (0, 20, {second.packet.id: (20, 20)})
    turned = {name: 1 - value for name, value in truth(second).items()}
    with pytest.raises(UsageError, match="rater ann said") as refused:
        take_in([send_back(Path(), second.packet, turned)], None, None, replace_=False)
    assert len(refused.value.faults) == 20
    assert len(again.folder.labels()) == 20


def test_packets_of_a_suite_beside_nothing_else_are_found() -> None:
    """The suite lies in the folder itself, not below ``suites/``."""
    run = run_a()
    found = exported(replace(run, run=replace(run.run, suite_path="world.yaml")))
    assert found.folder.path.parts[0] == "labels"
    assert take_in([send_back(Path(), found.packet, truth(found))], None, None, replace_=False).added == 20


def _as(path: Path, rater: str) -> Path:
    document = json.loads(path.read_text())
    other = path.with_name(f"as-{rater}.json")
    other.write_text(json.dumps({**document, "rater": rater}))
    return other


def test_labels_by_another_rubric_do_not_count() -> None:
    """Another rubric or scale is refused for the same draw; drawn anew, every answer is asked for again."""
    first = exported(run_a())
    back = take_in([send_back(Path(), first.packet, truth(first))], None, None, replace_=False)
    assert len({label.rubric for label in back.folder.labels()}) == 1
    for asked in ({"rubric": "Is it polite?"}, {"scale": (0.0, 0.5, 1.0)}):
        with pytest.raises(UsageError, match="labelled by another rubric or scale"):
            exported(run_a(), **asked)
    again = exported(run_a(), rubric="Is it polite?", anew=True)
    assert (len(again.packet.items), again.known) == (20, 0)
    assert len(exported(run_a(), rubric="", n=20).packet.items) == 20


def test_a_csv_packet_comes_back_filled_in() -> None:
    """Labels, comments and the rater's name from a table; rows left empty are not labelled; ``;`` is fine."""
    found = exported(run_a())
    keep(found, Path("packet.csv"))
    lines = [f"{found.packet.id};{item.id};1;fine;cy" for item in found.packet.items[:7]]
    lines += [f"{found.packet.id};{item.id};;;" for item in found.packet.items[7:]]
    Path("back.csv").write_text("packet;item;label;comment;rater\n" + "\n".join(lines) + "\n", "utf-8-sig")
    back = take_in([Path("back.csv")], None, None, replace_=False)
    assert back.answered[found.packet.id] == (7, 20)
    assert {(label.rater, label.comment, label.value) for label in back.folder.labels()} == {
        ("cy", "fine", 1.0)
    }


@pytest.mark.parametrize(
    ("wrong", "said", "line", "column"),
    [
        ('"label": 0.5', r"label 0.5 of item", 6, 30),
        ('"label": true', r"label True of item", 6, 30),
        ('"label": NaN', "NaN is not a number", 6, None),
        ('"label": 1, "label": 0', "key 'label' twice", 6, None),
        ('"label": 1 "x"', "not JSON: Expecting ',' delimiter", 6, 41),
        ('"score": 1', "unknown key 'score'", 6, 14),
    ],
)
def test_f6_a_wrong_label_is_told_with_its_place(
    wrong: str, said: str, line: int, column: int | None
) -> None:
    """File, line and column; and nothing of the file is taken."""
    found = exported(run_a())
    text = answered(found.packet, lambda output: 1.0)
    lines = text.splitlines()
    assert '"label": 1.0' in lines[5]
    lines[5] = lines[5].replace('"label": 1.0', wrong)
    Path("back.json").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=said) as refused:
        take_in([Path("back.json")], None, None, replace_=False)
    place = refused.value.faults[0].place
    assert place is not None
    assert place.file == "back.json"
    assert (place.line, place.column) == (line, column)
    assert found.folder.labels() == ()


def test_files_of_others_are_refused() -> None:
    """A packet or an item that was not exported from here, a rater without a name, columns unheard of."""
    found = exported(run_a())
    text = answered(found.packet, lambda output: 1.0)
    for name, (before, after), said in (
        ("packet", (found.packet.id, "../../etc/passwd"), "no packet of"),
        ("item", (found.packet.items[3].id, "ffffffffffff"), "has no item 'ffffffffffff'"),
        ("rater", ('"ann"', '"an/n"'), "rater 'an/n'"),
        ("judge", ('"ann"', '"judge"'), "rater 'judge'"),
        ("half", ('"comment": ""', '"comment": "\\ud83d"'), "holds half a character"),
        ("nobody", ('"ann"', '""'), "does not say who labelled"),
    ):
        Path(f"{name}.json").write_text(text.replace(before, after))
        with pytest.raises(UsageError, match=said):
            take_in([Path(f"{name}.json")], None, None, replace_=False)
    Path("bad.csv").write_text("packet,item,lable\n")
    with pytest.raises(UsageError, match="unknown column 'lable'") as refused:
        take_in([Path("bad.csv")], None, None, replace_=False)
    assert str(refused.value.faults[0].place) == "bad.csv:1:3"
    assert refused.value.faults[0].mend == "did you mean 'label'?"
    Path("two.csv").write_text(
        f"packet,item,label,rater\n{found.packet.id},{found.packet.items[0].id},1,a\n"
        f"{found.packet.id},{found.packet.items[0].id},0,a\n"
    )
    with pytest.raises(UsageError, match=r"has two labels, 1\.000 in line 2"):
        take_in([Path("two.csv")], None, None, replace_=False)
    assert found.folder.labels() == ()


def test_f26_a_packet_is_no_path() -> None:
    """What a rater sends back names a packet of this folder, and reads no file beside it."""
    found = exported(run_a())
    key = found.folder.key_file(found.packet.id)
    for name in ("../outside", str(found.folder.path.resolve() / "outside")):
        (found.folder.path / "outside.json").write_bytes(key.read_bytes())
        text = answered(found.packet, lambda output: 1.0).replace(found.packet.id, name)
        Path("back.json").write_text(text)
        with pytest.raises(UsageError, match="no packet of"):
            take_in([Path("back.json")], None, None, replace_=False)
    assert found.folder.labels() == ()


def test_what_cannot_be_labelled_is_refused() -> None:
    """An unknown metric, other goldens, a scale outside of the metric, a run without texts."""
    with pytest.raises(UsageError, match="did not score 'qualty'"):
        export([run_a()], Asked("qualty"))
    with pytest.raises(UsageError, match="no question to raters for 'quality'"):
        export([run_a()], Asked("quality"))
    with pytest.raises(UsageError, match="scale 0, 2"):
        exported(run_a(), scale=(0.0, 2.0))
    with pytest.raises(UsageError, match="unknown slice 'langage'"):
        exported(run_a(), by=("langage",))
    exported(run_a())
    other = run_b()
    moved = replace(other, run=replace(other.run, dataset_digest="others"))
    with pytest.raises(UsageError, match="of other suites or goldens"):
        export([run_a(), moved], Asked("quality", rubric="?"))
    with pytest.raises(UsageError, match="drawn from other goldens"):
        export([moved], Asked("quality", rubric="?"))
