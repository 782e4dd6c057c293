"""Where runs, the store and baselines lie on disk, and how a run is named."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UsageError, did_you_mean

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
RECORDING = "recording.jsonl"
FRESH = "fresh.jsonl"
"""Beside a run's recording: that of the fresh sample of its baseline's system, asked with it."""


class Places:
    """The folders below ``reports``: one folder per run, and the database beside them."""

    def __init__(self, reports: Path, cache: Path | None = None) -> None:
        """Take the folder that holds everything that runs leave behind; caches may lie elsewhere."""
        self.reports, self.cache = reports, cache or reports

    @property
    def store(self) -> Path:
        """The DuckDB file."""
        return self.reports / "harness.duckdb"

    @property
    def judge_cache(self) -> Path:
        """The folder of the verdicts that judges gave."""
        return self.cache / "judge-cache"

    @property
    def response_cache(self) -> Path:
        """The folder of the answers that systems gave."""
        return self.cache / "response-cache"

    def run_folder(self, run_id: str) -> Path:
        """The folder of one run."""
        return self.reports / "runs" / run_id

    def recording(self, run_id: str) -> Path:
        """The recording of one run."""
        return self.run_folder(run_id) / RECORDING

    def parts(self, run_id: str) -> Path:
        """The folder of the parts of a run that is asked in shards."""
        return self.run_folder(run_id) / "shards"

    def run_ids(self) -> list[str]:
        """Every run with a recording here, the latest first."""
        found = (self.reports / "runs").glob(f"*/{RECORDING}")
        return [path.parent.name for path in sorted(found, key=_started, reverse=True)]

    def find_recording(self, name: str) -> Path:
        """Find a recording by run id, unique beginning of one, ``last``, or path of a run's folder or file.

        Raises:
            UsageError: nothing or more than one run is meant.
        """
        path = Path(name)
        if path.is_file():
            return path
        if (path / RECORDING).is_file():
            return path / RECORDING
        known = self.run_ids()
        if name == "last" and known:
            return self.recording(known[0])
        matching = [run_id for run_id in known if run_id == name] or [
            run_id for run_id in known if run_id.startswith(name)
        ]
        if len(matching) == 1:
            return self.recording(matching[0])
        if matching:
            raise UsageError(
                f"run {name!r} could be any of {', '.join(matching[:5])}", mend="write more of it"
            )
        raise UsageError(f"no run {name!r}", mend=self._nearest(name, known))

    def _nearest(self, name: str, known: list[str]) -> str:
        if RUN_ID.fullmatch(name) and self.parts(name).is_dir():
            return f"only parts of it are here: harness runs merge {shown_path(self.parts(name))}"
        if not known:
            return f"no run is recorded in {self.reports}"
        hint = did_you_mean(name, known)
        return hint if hint.startswith("did") else f"the latest are {', '.join(known[:3])}"


def baseline_lock(suite_path: Path, suite_name: str) -> Path:
    """The lock file of a suite's baseline: ``baselines/<suite>.lock.json`` beside the suite."""
    return suite_path.parent / "baselines" / f"{suite_name}.lock.json"


def trust_file(suite_path: Path, suite_name: str) -> Path:
    """What is known of a suite's judges: ``judges/<suite>.trust.json`` beside the suite."""
    return suite_path.parent / "judges" / f"{suite_name}.trust.json"


def anchor_lock(suite_path: Path, suite_name: str) -> Path:
    """The lock file of a suite's anchor, the baseline of its last release: beside that of its baseline."""
    return baseline_lock(suite_path, suite_name).with_name(f"{suite_name}.anchor.lock.json")


def label_folder(suite_path: Path, suite_name: str) -> Path:
    """The folder of people's labels of a suite's answers: ``labels/<suite>`` beside the suite."""
    return suite_path.parent / "labels" / suite_name


def now() -> datetime:
    """The time in UTC, or that of ``SOURCE_DATE_EPOCH`` where it is set, for repeatable output."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if not fixed:
        return datetime.now(UTC)
    if not fixed.isdecimal() or len(fixed) > 11:
        raise UsageError(f"SOURCE_DATE_EPOCH is {fixed!r}", mend="whole seconds since 1970")
    return datetime.fromtimestamp(int(fixed), UTC)


def new_run_id(started: datetime) -> str:
    """Make a run id that sorts by time: ``20261122-141503-9f2c1e``."""
    return f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def git_revision(folder: Path) -> str | None:
    """The commit that a folder is at, with ``-dirty`` where tracked files differ; None outside of git."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def shown_path(path: Path) -> str:
    """A path that works from here: relative to the current folder where it is inside, else absolute."""
    whole = path.resolve()
    return (whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole).as_posix()


def kept_path(path: Path) -> str:
    """A path as a run keeps it: relative to the current folder, so that it means the same elsewhere."""
    whole = path.resolve()
    try:
        return Path(os.path.relpath(whole)).as_posix()
    except ValueError:  # on another drive
        return whole.name


def _started(path: Path) -> tuple[str, int, str]:
    """Runs sort by the second they were started, which their first line tells, then by last change."""
    with path.open("rb") as file:
        line = file.readline(4_000_000)
    match = re.search(rb'"started_at":"([^"]+)"', line)
    return (match.group(1).decode() if match else "", path.stat().st_mtime_ns, path.parent.name)
