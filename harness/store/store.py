"""The store: runs, their results and their reports in one DuckDB file, written in bulk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import StoreError
from harness.recordings import encoded
from harness.store.database import REBUILD, named_faults, open_database
from harness.store.schema import SCHEMA_VERSION, prepare, shipped, statements, version_of
from harness.store.staging import Counts, Staging
from harness.types import Recorded, Report

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY_MB = 100
"""What the database may hold in memory while it loads, beside some lines; the rest waits on disk."""
_RESULT_TABLES = ("responses", "retrieved", "citations", "scores")
_STAGED_TABLES = ("comparisons", "verdicts", "changes")
_REPORT_TABLES = (*_STAGED_TABLES, "reports")


class StoredRun(NamedTuple):
    """One run in the store; ``outcome`` is that of its last saved report, None before.

    ``n_asked`` of the ``n_cases`` planned cases were to be asked: fewer where the run stopped early.
    """

    run_id: str
    suite_name: str
    candidate: str
    started_at: str
    revision: str | None
    n_cases: int
    n_asked: int
    n_results: int
    complete: bool
    outcome: str | None


class Store:
    """The store, held open for as short a time as possible: nobody else can read it meanwhile.

    A context manager. Opening makes the file or brings it up to date, and checks that every run still has
    the rows that were loaded. While another process has it, opening tries again for ``wait_s`` seconds. Where
    it is opened ``read_only`` others may read it, too, and nothing is written; only an older one is brought
    up to date first.

    Raises:
        StoreError: on opening and in every method, where the file cannot be read or written: held by
            another process (which), damaged, newer than this program, disk full.
    """

    _con: DuckDBPyConnection

    def __init__(self, path: Path, *, wait_s: float = 10.0, read_only: bool = False) -> None:
        """Take the file; missing folders are made when it is opened, but for ``read_only``."""
        self.path = path
        self._wait_s = wait_s
        self._read_only = read_only

    def __enter__(self) -> Store:
        """Open, bring up to date and check."""
        with named_faults(self.path):
            if not (self._read_only and self._open(read_only=True)):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._open(read_only=False)
        return self

    def _open(self, *, read_only: bool) -> bool:
        """Open and check; false where it is to be read only, and has to be brought up to date."""
        con = open_database(self.path, wait_s=self._wait_s, read_only=read_only)
        try:
            if not read_only:
                prepare(con, self.path, shipped())
            elif version_of(con, self.path, shipped()) != SCHEMA_VERSION:
                con.close()
                return False
            self._con = con
            self._check()
        except BaseException:
            con.close()
            raise
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close, and let others in."""
        with named_faults(self.path):
            self._con.close()

    def load(self, recorded: Recorded) -> bool:
        """Load a recording, in place of what was loaded of the same run; false where nothing has changed.

        A run whose content has changed loses its saved report: the report no longer tells of it.

        Raises:
            StoreError: see the class; also where fewer rows arrive than the recording has.
        """
        run_id = recorded.run.id
        with named_faults(self.path), tempfile.TemporaryDirectory() as folder:
            staging = Staging(Path(folder))
            staging.add("run", [recorded.run])
            pairs = ({"digest": recorded.digests[case.id], "case": case} for case in recorded.cases)
            staging.add("cases", pairs)
            counts = Counts()
            staging.add("results", counts.counting(encoded(recorded.results)))
            staging.sha256.update(repr((recorded.complete, recorded.notices, recorded.stop)).encode())
            content = staging.sha256.hexdigest()
            before = self._con.execute(_reading("loaded"), {"run_id": run_id}).fetchone()
            if before and before[0] == content:
                return False
            self._bound_memory(staging)
            for name in ("run", "cases", "results"):
                self._stage(name, staging)
            self._write("stage_texts")
            with self._transaction():
                self._remove_rows(run_id, (*_RESULT_TABLES, *_REPORT_TABLES, "runs"))
                self._write(
                    "load_run",
                    load_order=before[1] if before else None,
                    n_asked=len(recorded.cases),
                    stopped_at_look=recorded.stop.look if recorded.stop else None,
                    complete=recorded.complete,
                    notices=list(recorded.notices),
                    content_sha256=content,
                    **vars(counts),
                )
                for name in ("replace_cases", "load_cases", "load_passages"):
                    self._write(name)
                for table in _RESULT_TABLES:
                    self._write(f"load_{table}", run_id=run_id)
                if before:
                    self._write("remove_passages")
                self._check()
        return True

    def save_report(self, report: Report, rendered: Mapping[str, str]) -> None:
        """Keep what a report decided and its renderings by format, in place of an earlier one of the run.

        Raises:
            StoreError: see the class; also where the run was not loaded before.
        """
        run_id = report.run.id
        against = report.baseline.id if report.baseline else None
        with named_faults(self.path), tempfile.TemporaryDirectory() as folder:
            if self._con.execute(_reading("loaded"), {"run_id": run_id}).fetchone() is None:
                raise StoreError(f"run {run_id} is not in {self.path}", mend="load its recording first")
            staging = Staging(Path(folder))
            every = (*report.comparisons, *report.slices)
            staging.add("comparisons", ({"label": each.slice.label, "comparison": each} for each in every))
            numbered = enumerate(report.verdicts, 1)
            staging.add("verdicts", ({"position": n, "verdict": verdict} for n, verdict in numbered))
            staging.add("changes", report.changes)
            self._bound_memory(staging, max(map(len, rendered.values()), default=0))
            for table in _STAGED_TABLES:
                self._stage(table, staging)
            with self._transaction():
                self._remove_rows(run_id, _REPORT_TABLES)
                self._write("load_outcome", run_id=run_id, baseline_run_id=against, outcome=report.outcome)
                self._write("load_comparisons", run_id=run_id, baseline_run_id=against)
                self._write("load_verdicts", run_id=run_id)
                self._write("load_changes", run_id=run_id, baseline_run_id=against)
                for form, text in rendered.items():
                    file, sha256 = staging.add_text(form, text)
                    self._write("load_report", run_id=run_id, format=form, file=str(file), sha256=sha256)

    def runs(self) -> list[StoredRun]:
        """Give every run in the order of loading."""
        with named_faults(self.path):
            return [StoredRun(*row) for row in self._con.execute(_reading("runs")).fetchall()]

    def _write(self, statement: str, **values: Any) -> None:
        self._con.execute(statements("load.sql")[statement], values or None)

    def _bound_memory(self, staging: Staging, longest_text: int = 0) -> None:
        # A line is held several times by every thread; a second one costs memory and CPU, and saves no time.
        megabytes = _MEMORY_MB + 16 * max(staging.longest, longest_text) // 1_000_000
        self._con.execute(f"set memory_limit = '{megabytes}MB'")
        self._con.execute("set threads = 1")

    def _stage(self, name: str, staging: Staging) -> None:
        self._write(f"stage_{name}", file=str(staging.path(name)), longest=staging.longest)

    def _remove_rows(self, run_id: str, tables: Iterable[str]) -> None:
        for table in tables:
            sql = statements("load.sql")["remove_rows"].format(table=table)
            self._con.execute(sql, {"run_id": run_id})

    def _check(self) -> None:
        damaged = self._con.execute(_reading("miscounted")).fetchone()
        if damaged:
            raise StoreError(
                f"{self.path}: run {damaged[0]} does not have the rows that were loaded", mend=REBUILD
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._con.begin()
        try:
            yield
            self._con.commit()
        except BaseException:
            self._con.rollback()
            raise
        # A damaged log is dropped unheard when the file is next opened, so none is left behind.
        self._con.execute("checkpoint")


def _reading(name: str) -> str:
    return statements("queries.sql")[name]
