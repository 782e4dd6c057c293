"""Golden files written for a test, and what loading them gives."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Fault, GoldenError
from harness.goldens.dataset import load_dataset
from harness.types import Dataset, GoldenSource

Line = Mapping[str, Any] | str | bytes


def as_bytes(line: Line) -> bytes:
    """An object becomes JSON; text and bytes stay as they are."""
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()


def write_lines(path: Path, lines: Sequence[Line]) -> Path:
    """Write one line each; compressed where the name says so."""
    data = b"\n".join(as_bytes(line) for line in lines)
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def load(folder: Path, *lines: Line, corpus: Sequence[Line] = (), **source: Any) -> Dataset:
    """Load lines as a golden file with, where wanted, a corpus beside it."""
    path = write_lines(folder / source.pop("name", "cases.jsonl"), lines)
    if corpus:
        write_lines(folder / "corpus.jsonl", corpus)
    return load_dataset([GoldenSource(path=path.name, **source)], folder, "demo")


def faults(folder: Path, *lines: Line, **options: Any) -> tuple[Fault, ...]:
    """What is wrong with these lines; fails the test where nothing is."""
    with pytest.raises(GoldenError) as caught:
        load(folder, *lines, **options)
    return caught.value.faults


def fault(folder: Path, *lines: Line, **options: Any) -> Fault:
    """The one fault of these lines."""
    (only,) = faults(folder, *lines, **options)
    return only
