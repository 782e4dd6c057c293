"""How often the whole gate is wrong and how much it finds, measured on the code that users run."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import multiprocessing
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import msgspec
from gate_rows import SEED, Row, prepare, rows, simulate
from gate_tables import Counts, Measured, missed, render, with_quote

import harness

CHUNK = 25
"""Simulations between two savings."""
PASSES = (100, 300, 10**9)
"""Every row is drawn so often before the first is drawn more."""
SHORT = {"whole-same-200": 8, "whole-graded-5-300": 4, "whole-binary-10-300": 4, "single-binary-1": 60}
"""Row to its number of simulations in the short form."""


def code_digest() -> str:
    """Fingerprint of the code that decides: rows of other code are not added up."""
    root = Path(harness.__file__).parent
    names = ["comparison", "pairing", "limits", "measurement", "planning", "pooling", "rehearsal", "slices"]
    tests = ["completions", "exact", "family", "paired", "rates", "sequential", "shocks"]
    files = [*root.glob("gates/*.py"), *(root / f"{name}.py" for name in names)]
    files += [root / "stats" / f"{name}.py" for name in tests]
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


def measure(wanted: Sequence[Row], before: Measured, jobs: int, keep: Path | None) -> Measured:
    """Draw every row as often as it wants, a little of each first; what was found is saved on the way."""
    found, ready = dict(before.rows), {}
    with multiprocessing.Pool(jobs) if jobs > 1 else _Here() as pool:
        for most in PASSES:
            for row in wanted:
                target = min(most, row.times)
                while (done := found.get(row.key, Counts()).times) < target:
                    if row.key not in ready:
                        ready[row.key] = prepare(row)
                    start = time.process_time()
                    indices = range(done, min(done + CHUNK, target))
                    results = list(pool.map(partial(simulate, ready[row.key]), indices))
                    found[row.key] = found.get(row.key, Counts()).add(ready[row.key], results)
                    sys.stderr.write(
                        f"{row.key}: {indices.stop} of {row.times}, {time.process_time() - start:.1f} s\n"
                    )
                    if keep is not None:
                        save(msgspec.structs.replace(before, rows=found), keep)
    return msgspec.structs.replace(before, rows=found)


class _Here:
    """One process: this one."""

    map = staticmethod(map)

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def save(measured: Measured, path: Path) -> None:
    """Write the table, and beside it the counts that it is made of."""
    text = msgspec.json.format(msgspec.json.encode(measured, order="deterministic"), indent=1)
    path.with_suffix(".json").write_bytes(text + b"\n")
    path.write_text(render(measured), encoding="utf-8")


def load(path: Path) -> Measured:
    """Read the counts beside a table."""
    return msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=Measured)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few simulations of a few rows: seconds")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows with this in their key")
    parser.add_argument("--times", type=int, metavar="N", help="no row more often than this")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="save table and counts, as they come")
    parser.add_argument("--resume", action="store_true", help="go on with what --out holds")
    parser.add_argument(
        "--quote", type=Path, metavar="FILE.md", help="only put what --out holds into this page"
    )
    options = parser.parse_args(arguments)
    if (options.resume or options.quote) and options.out is None:
        parser.error("--resume and --quote go with --out")
    if options.quote:
        text = options.quote.read_text(encoding="utf-8")
        options.quote.write_text(with_quote(text, load(options.out)), encoding="utf-8")
        return 0
    chosen: Iterable[Row] = (row for row in rows() if options.only in row.key)
    if options.short:
        chosen = (row._replace(times=SHORT[row.key]) for row in chosen if row.key in SHORT)
    if options.times:
        chosen = (row._replace(times=min(row.times, options.times)) for row in chosen)
    measured = Measured(code_digest(), datetime.date.today().isoformat(), SEED, {})  # noqa: DTZ011
    if options.resume:
        before = load(options.out)
        if before.code != measured.code:
            sys.exit(f"{options.out} was measured on other code ({before.code}, now {measured.code})")
        measured = before
    measured = measure(list(chosen), measured, options.jobs, options.out)
    print(render(measured), end="")
    return 1 if missed(measured) else 0


if __name__ == "__main__":
    sys.exit(main())
