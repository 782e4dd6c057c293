"""What the scripts on real data share: where the data is, files for the harness, and calling it as a user."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def data_folder(name: str) -> Path:
    """The folder of one data set below HARNESS_DATA; ends the script with a message where it is absent."""
    base = Path(os.environ.get("HARNESS_DATA", ROOT.parent / "shared" / "data"))
    folder = base / name
    if not folder.is_dir():
        print(f"skipped: no data set {name!r} in HARNESS_DATA ({base.name})")
        sys.exit(0)
    return folder


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


@contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder, gone at the end: the data is never written anywhere else."""
    with tempfile.TemporaryDirectory(prefix="harness-real-") as name:
        yield Path(name)


def harness(folder: Path, *arguments: str) -> tuple[int, str]:
    """Call the command line in a folder; gives the exit code and standard output.

    Ends the script where the harness could not do its work (exit codes 2, 4 and 5).
    """
    path = os.pathsep.join([str(Path(__file__).parent), str(ROOT)])  # this checkout, whatever is installed
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1, 3}:
        sys.exit(f"harness {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.returncode, done.stdout


def table(rows: list[tuple[Any, ...]], header: tuple[str, ...]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()
