"""The guide to many machines does what it says: its commands, and its CI matrix, on the project of `init`."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from guides import blocks, code
from project import call


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with a baseline."""
    assert call("init", "my", cwd=tmp_path).code == 0
    folder = tmp_path / "my"
    assert call("run", "suites/assistant.yaml", "--run-id", "first", cwd=folder).code == 0
    assert call("baseline", "promote", "first", "--reason", "the first", cwd=folder).code == 0
    shutil.rmtree(folder / "reports")
    return folder


def test_its_commands_end_in_a_verdict(project: Path) -> None:
    """Each shard, the merge and the gate, as they stand."""
    commands = code("scaling.md", "sh")[0].splitlines()
    assert [command.split()[1] for command in commands] == ["run", "run", "run", "runs", "gate"]
    for command in commands:
        ended = call(*shlex.split(command)[1:], cwd=project)
        assert ended.code == 0, ended.err


def test_its_matrix_ends_in_a_verdict(project: Path, tmp_path: Path) -> None:
    """Every job in a checkout of its own; artifacts as GitHub leaves them, a folder for each."""
    ((_, _, text),) = (block for block in blocks("scaling.md") if block[1].endswith("rag-shards.yml"))
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["decide"]["needs"] == "ask"
    artifacts = tmp_path / "parts"
    for shard in jobs["ask"]["strategy"]["matrix"]["shard"]:
        checkout = Path(shutil.copytree(project, tmp_path / f"job-{shard}"))
        for step in jobs["ask"]["steps"]:
            done = filled(step, shard)
            harness(done, checkout)
            if "upload-artifact" in done.get("uses", ""):
                assert done["with"]["path"] == "reports/runs/*/shards/"
                (folder,) = checkout.glob(done["with"]["path"])
                shutil.copytree(folder, artifacts / done["with"]["name"])
    for step in jobs["decide"]["steps"]:
        done = filled(step, 0)
        if "download-artifact" in done.get("uses", ""):
            shutil.copytree(artifacts, project / done["with"]["path"])
        harness(done, project)
    assert (project / "reports/runs/ci-7/report.html").is_file()


def filled(step: dict[str, Any], shard: int) -> dict[str, Any]:
    """A step with the expressions of the job."""
    text = json.dumps(step)
    for expression, value in (("matrix.shard", str(shard)), ("github.run_id", "7")):
        text = text.replace("${{ " + expression + " }}", value)
    return dict(json.loads(text))


def harness(step: dict[str, Any], folder: Path) -> None:
    """Do what a step calls harness for; it ends well."""
    if re.match("harness ", step.get("run", "")):
        ended = call(*shlex.split(step["run"])[1:], cwd=folder)
        assert ended.code == 0, ended.err
