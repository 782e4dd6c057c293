"""The benchmark of the gate: its worlds are as said, its short form runs, its figures are those it found."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
TABLE = BENCHMARKS / "gate_characteristics.md"


@pytest.fixture(scope="module")
def bench() -> Iterator[dict[str, Any]]:
    """The modules of the benchmark, by name."""
    names = ("gate_worlds", "gate_rows", "gate_tables", "gate_characteristics")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


def test_worlds_have_the_means_noise_and_drops_they_say(bench: dict[str, Any]) -> None:
    """0.8 pass, a tenth of them flip from run to run, metrics correlate, and a drop has its size."""
    worlds = bench["gate_worlds"]
    rng = np.random.default_rng(0)
    before, after, parts = worlds.draw(rng, 40_000, baseline_runs=2, drop=worlds.Drop(0.05, (0, 4)))
    means = before.mean(axis=(0, 1))
    assert means[:4] == pytest.approx([0.8] * 4, abs=0.02)
    assert means[4:10] == pytest.approx([worlds.expected("graded", 0.0)] * 6, abs=0.02)
    flips = (before[0, :, :4] != before[1, :, :4]).mean()
    assert flips == pytest.approx(0.10, abs=0.015)
    fell = before.mean(axis=0).mean(axis=0) - after[0].mean(axis=0)
    assert fell[[0, 4]] == pytest.approx([0.05, 0.05], abs=0.006)
    assert np.abs(fell[[1, 2, 3, 5, 6, 7, 8, 9]]).max() < 0.005
    latent = np.log(before[0, :, 10:])
    assert np.corrcoef(latent.T)[0, 1] == pytest.approx(0.4, abs=0.03)
    assert np.bincount(parts) / len(parts) == pytest.approx(worlds.PARTS, abs=0.01)


@pytest.mark.parametrize("change", ["item", "document"])
def test_neutral_changes_are_neutral(bench: dict[str, Any], change: str) -> None:
    """They move items, or whole documents, and nothing on average."""
    worlds = bench["gate_worlds"]
    before, after, _ = worlds.draw(np.random.default_rng(1), 40_000, change=change, baseline_runs=1)
    moved = after[0] - before[0]
    assert np.abs(moved[:, :10].mean(axis=0)).max() < 0.012
    assert (moved[:, 0] != 0).mean() > 0.15


def test_a_drop_in_a_slice_is_there_only(bench: dict[str, Any]) -> None:
    """Nothing else moves beyond chance."""
    worlds = bench["gate_worlds"]
    drop = worlds.Drop(0.2, (4,), 4)
    before, after, parts = worlds.draw(np.random.default_rng(2), 40_000, drop=drop, baseline_runs=1)
    fell = before[0, :, 4] - after[0, :, 4]
    assert fell[parts == 4].mean() == pytest.approx(0.2, abs=0.01)
    assert abs(fell[parts != 4].mean()) < 0.003


def test_the_suite_of_the_worlds_is_the_one_of_the_study(bench: dict[str, Any]) -> None:
    """Twelve metrics over all cases and by slice, three of them primary."""
    suite = bench["gate_worlds"].suite()
    assert len(suite.gates) == 24
    assert [gate.metric for gate in suite.gates if gate.primary] == ["m00-binary", "m04-graded", "m05-graded"]


@pytest.mark.slow
def test_the_short_form_finds_drops_and_cries_no_wolf(
    bench: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeded: of 8 unchanged gates at most one fails, of 8 drops one is missed at most."""
    rows = {row.key: row for row in bench["gate_rows"].rows()}
    measured = bench["gate_characteristics"].Measured("code", "today", 0, {})
    short = bench["gate_characteristics"].SHORT
    wanted = [rows[key]._replace(times=times) for key, times in short.items()]
    found = bench["gate_characteristics"].measure(wanted, measured, 1, None).rows
    assert found["whole-same-200"].sums["fail"] <= 1
    drops = [found[key].sums["fail"] for key in ("whole-graded-5-300", "whole-binary-10-300")]
    assert sum(drops) >= 7
    assert found["whole-graded-5-300"].mean("asked") < 0.9
    assert found["single-binary-1"].mean("found") < 0.15
    again = bench["gate_rows"].simulate(rows["whole-same-200"], 3)
    assert again == bench["gate_rows"].simulate(rows["whole-same-200"], 3)
    assert "whole-same-200: 8 of 8" in capsys.readouterr().err


def test_every_goal_is_about_a_row_that_is_measured(bench: dict[str, Any]) -> None:
    """No figure is promised that nothing counts."""
    keys = {row.key for row in bench["gate_rows"].rows()}
    assert {goal.row for goal in bench["gate_tables"].goals()} <= keys


def test_a_goal_that_is_missed_is_said_to_be(bench: dict[str, Any]) -> None:
    """Beyond three standard errors for sure, within them with that remark; and both are told in the table."""
    tables = bench["gate_tables"]
    goal = tables.Goal("G1", "false alarms", "whole-same-200", "fail", most=0.01)
    counted = {
        count: tables.Counts(1000, "nothing", 200, {"fail": count}, {"fail": count})
        for count in (2, 10, 14, 60)
    }
    assert goal.status(counted[2]) == "met"
    assert goal.status(counted[10]) == "met (not by two standard errors)"
    assert goal.status(counted[14]) == "not met (within 3 standard errors)"
    assert goal.status(counted[60]) == "**not met**"
    measured = tables.Measured("code", "today", 0, {"whole-same-200": counted[60]})
    assert "| at most 1 % | 6.0 ± 0.8 % | 1000 | **not met** |" in tables.render(measured)
    assert [goal.name for goal in tables.missed(measured)] == ["G1"]


def test_the_table_and_the_readme_say_what_was_counted(bench: dict[str, Any]) -> None:
    """Both are made from the counts, and from nothing else."""
    measured = bench["gate_characteristics"].load(TABLE)
    tables = bench["gate_tables"]
    assert TABLE.read_text(encoding="utf-8") == tables.render(measured)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert tables.with_quote(readme, measured) == readme
    assert measured.date in readme
    assert f"seed {measured.seed}" in readme
