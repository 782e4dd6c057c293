"""F33: what became easier to pass is told: cases that are gone, limits that were loosened, parts of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import N_CASES, SUITE, call, call_inside, case_of, make_project, write_lines

Capture = pytest.CaptureFixture[str]
SECOND = """

asked = set()

def second(query):
    first = query.id not in asked
    asked.add(query.id)
    return "Nobody knows." if first else answer(query)
"""


@pytest.fixture
def project(tmp_path: Path, capsys: Capture) -> Path:
    """A project whose baseline fails on a third of its cases."""
    folder = make_project(tmp_path / "p")
    words = ("run", SUITE, "--candidate", "worse", "--run-id", "first", "-q")
    assert call_inside(capsys, folder, *words).code == 0
    assert call_inside(capsys, folder, "baseline", "promote", "first", "--force", "--reason", "x").code == 0
    return folder


def change(folder: Path, **changes: Any) -> None:
    """Change keys of the suite."""
    suite = {**yaml.safe_load((folder / SUITE).read_text()), **changes}
    (folder / SUITE).write_text(yaml.safe_dump(suite, sort_keys=False))


def notices(capsys: Capture, folder: Path, *options: str) -> tuple[int, list[str]]:
    """Check the same system again: exit code, and what the report says beside its verdicts."""
    words = ("check", SUITE, "--candidate", "worse", "-q", "--no-early-stop", "--json", *options)
    ended = call_inside(capsys, folder, *words)
    return ended.code, json.loads(ended.out)["notices"]


def test_f33_hard_cases_that_are_gone_are_counted_and_weighed(project: Path, capsys: Capture) -> None:
    """How many there were, and that the baseline had failed on them."""
    code, said = notices(capsys, project)
    assert not [notice for notice in said if "no longer" in notice or "baseline's" in notice]
    write_lines(project / "goldens/cases.jsonl", (case_of(i, {}) for i in range(N_CASES) if i % 3 != 1))
    code, said = notices(capsys, project, "--intersect")
    assert code in {0, 3}  # 40 cases may be too few; the point is that it is told
    assert "20 cases are in the baseline and no longer in the goldens" in said
    for name in ("recall@5", "required_facts"):
        told = f"the baseline's {name} was worse on what is no longer compared"
        assert f"{told}: 0.000 over them, 1.000 over the others" in said
    write_lines(project / "goldens/cases.jsonl", (case_of(i, {}) for i in range(N_CASES) if i % 3 != 0))
    assert not [notice for notice in notices(capsys, project, "--intersect")[1] if "was worse on" in notice]


def test_f33_gates_that_are_not_those_of_the_baseline_are_named(project: Path, capsys: Capture) -> None:
    """A limit that was loosened, a gate that was narrowed, one that is gone, and a larger alpha."""
    change(
        project,
        alpha=0.2,
        gates=[
            {"id": "facts", "metric": "required_facts", "max_drop": 0.9},
            {"id": "gap", "metric": "recall@5", "slice": "language", "max_gap": 0.25, "insufficient": "warn"},
            {"id": "most", "min_scored": 0.5},
        ],
    )
    _, said = notices(capsys, project)
    assert [notice for notice in said if "baseline's suite" in notice] == [
        "gate 'recall' of the baseline's suite is gone: worse by ≤ 0.100",
        "gate 'facts' is not as in the baseline's suite: max_drop 0.1 → 0.9",
        "gate 'gap' is not as in the baseline's suite: insufficient inconclusive → warn",
        "gate 'scored' of the baseline's suite is gone: scored ≥ 99 %",
        "alpha is 0.2, and 0.01 in the baseline's suite",
    ]


def test_f33_a_further_gate_is_no_notice(project: Path, capsys: Capture) -> None:
    """It can only hold a run back."""
    suite = yaml.safe_load((project / SUITE).read_text())
    change(project, gates=[*suite["gates"], {"id": "floor", "metric": "required_facts", "min": 0.1}])
    assert not [notice for notice in notices(capsys, project)[1] if "baseline's suite" in notice]


def test_f33_a_gate_that_a_selection_leaves_empty_is_no_pass(project: Path, capsys: Capture) -> None:
    """3: nobody has looked at German."""
    gate = {"id": "german", "metric": "required_facts", "min": 0.1, "where": {"language": "de"}}
    change(project, gates=[gate, {"id": "facts", "metric": "required_facts", "min": 0.1, "bound": "point"}])
    code, _ = notices(capsys, project, "--run-id", "part", "--where", "language=en")
    report = json.loads((project / "reports/runs/part/report.json").read_text())
    outcomes = {one["gate"]: (one["outcome"], one["reason"]) for one in report["verdicts"]}
    assert outcomes["german"] == ("inconclusive", "no case is selected")
    assert code == 3


def test_f33_a_part_of_the_goldens_is_no_baseline(project: Path, capsys: Capture) -> None:
    """2: a run of the easy half is not promoted, and its report says that it is a part."""
    for options in (("--limit", "30"), ("--where", "language=en"), ("--case", "q-000")):
        _, said = notices(capsys, project, "--run-id", options[0].strip("-"), *options)
        assert "only a part of the goldens was run" in said
        refused = call_inside(capsys, project, "baseline", "promote", options[0].strip("-"), "--reason", "x")
        assert refused.code == 2
        assert "it ran only a part of the goldens" in refused.words


def test_f33_every_repeat_counts(project: Path) -> None:
    """Wrong at the first of two times, right at the second: half a point, whichever is looked at."""
    with (project / "mysystems.py").open("a") as file:
        file.write(SECOND)
    change(project, candidates={"worse": {"target": "mysystems:second", "isolation": "none"}})
    words = ("check", SUITE, "--candidate", "worse", "-q", "--run-id", "twice", "--repeat", "2")
    assert call(*words, cwd=project).code in {1, 3}  # a process of its own, which keeps the module to itself
    report = json.loads((project / "reports/runs/twice/report.json").read_text())
    assert report["estimates"]["required_facts"]["value"] == 0.5
