"""Variants of golden cases: read a golden file, make them, write them as another."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.cases import outlines
from harness.errors import NothingSelected, UsageError, did_you_mean
from harness.goldens.dataset import load_dataset
from harness.goldens.writing import golden_line
from harness.places import shown_path
from harness.types import Dataset, GoldenSource, Passage
from harness.variants.make import KINDS, Made, make_variants, pool_of


class Varied(NamedTuple):
    """The originals, their variants and what was skipped."""

    dataset: Dataset
    made: Made


def vary(source: GoldenSource, folder: Path, kinds: Sequence[str], *, seed: int, n: int) -> Varied:
    """Make ``n`` variants of each kind of each case of a golden source.

    Args:
        source: the golden file, with its corpus where that is not beside it.
        folder: what the paths in it are relative to.
        kinds: names of ``KINDS``; none means all of them.
        seed: of the first variant of each kind.
        n: how many of each kind.

    Raises:
        UsageError: an unknown kind, or a variant whose id a case has already.
        GoldenError: what is wrong with the goldens.
        NothingSelected: no case has a variant of these kinds.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"unknown kind {kind!r}", mend=did_you_mean(kind, KINDS))
    dataset = load_dataset([source], folder, source.path)
    documents = dataset.corpus.documents.values() if dataset.corpus else ()
    pool = pool_of(dataset.cases, [Passage(one.doc_id, one.text, 1) for one in documents])
    made = make_variants(dataset.cases, list(dict.fromkeys(kinds)) or list(KINDS), pool, seed=seed, n=n)
    taken = {case.id for case in outlines(dataset.cases)}
    for case in made.cases:
        if case.id in taken:
            raise UsageError(f"there is a case {case.id!r} already", mend="choose another --seed")
    if not made.cases:
        reasons = "; ".join(dict.fromkeys(skipped.reason for skipped in made.skipped[:5]))
        raise NothingSelected("no case has a variant of these kinds", mend=reasons)
    return Varied(dataset, made)


def write_variants(made: Made, path: Path, *, force: bool) -> None:
    """Write variants as a golden file: whole, or not at all.

    Raises:
        UsageError: the file exists (and not ``force``), or cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{shown_path(path)} exists", mend="choose another --output, or add --force")
    handle, name = -1, ""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.writelines(map(golden_line, made.cases))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise UsageError(f"cannot write {shown_path(path)}: {error.strerror}") from error
