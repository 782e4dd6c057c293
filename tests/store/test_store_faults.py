"""Damage, full disks and other processes: the same rows or an error that says what to do."""

import hashlib
import multiprocessing
import resource
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pytest
from store_sample import ask, load, recorded, report

from harness.errors import ExitCode, StoreError
from harness.store import Store
from harness.store.database import copy_database, named_faults, open_database
from harness.types import Response, Result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "harness.duckdb"


def test_f12_the_file_is_whole_without_its_log(path: Path) -> None:
    """After every method returns no log is left, because DuckDB drops a damaged one without a word."""
    log = path.with_name(path.name + ".wal")
    with Store(path) as store:
        store.load(recorded())
        assert not log.exists() or not log.stat().st_size
        store.save_report(report(recorded().run), {})
        assert not log.exists() or not log.stat().st_size


def test_f12_the_file_can_be_read_by_older_versions(path: Path) -> None:
    """The storage format is pinned, so that DuckDB 1.5 reads what DuckDB 2 writes, a copy of the file too."""
    load(path, recorded())
    copy = path.with_name("copy.duckdb")
    with open_database(path, wait_s=0) as con:
        copy_database(con, copy)
    for file in (path, copy):
        [(tags,)] = ask(file, "select tags from duckdb_databases() where path is not null")
        assert tags["storage_version"].startswith("v1.5.0")


@pytest.mark.parametrize(
    "sql",
    ["delete from scores where case_id = 'c2'", "delete from runs", "insert into citations from citations"],
)
def test_f12_rows_that_are_missing_are_noticed(path: Path, sql: str) -> None:
    """A store with a run that lost or won rows is not opened; the error says how to rebuild."""
    load(path, recorded())
    ask(path, sql)
    rows = r"run-1 does not have the rows .* `harness runs import`"
    with pytest.raises(StoreError, match=rows) as caught, Store(path):
        pass
    assert caught.value.exit_code == ExitCode.FAULT


def test_f12_damage_is_the_same_data_or_an_error(path: Path) -> None:
    """Bytes changed or cut anywhere: the same rows or a StoreError, never a crash and never fewer."""
    load(path, recorded())
    sound = path.read_bytes()
    outcomes = set()
    for step in range(24):
        place = len(sound) * step // 24 + 13
        flipped = sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :]
        for damaged in (sound[:place], flipped):
            path.write_bytes(damaged)
            try:
                with Store(path) as store:
                    outcomes.add((len(store.runs()), store.load(recorded())))
            except StoreError:
                outcomes.add("refused")
    assert outcomes == {(1, False), "refused"}


def test_what_is_not_a_store_is_refused(path: Path) -> None:
    """A file of another kind, an empty one, a folder, another database, a place below a file."""
    path.write_bytes(b"something else" * 100)
    empty, folder, other = (path.with_name(name) for name in ("empty.duckdb", "folder", "other.duckdb"))
    empty.touch()
    folder.mkdir()
    ask(other, "create table theirs (a integer)")
    for wrong in (path, empty, folder, other, path / "below"):
        with pytest.raises(StoreError), Store(wrong):
            pass
    assert path.read_bytes() == b"something else" * 100
    assert ask(other, "from theirs") == []


# -- other processes ---------------------------------------------------------------------------------------


def _load_many(path: Path, say: Connection, names: list[str]) -> None:
    for name in names:
        load(path, recorded(name))
    say.send("done")


def _hold(path: Path, say: Connection, stop: Connection) -> None:
    with Store(path):
        say.send("held")
        stop.recv()


def _fill(path: Path, say: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    try:
        for n in range(20):
            response = Response(output=hashlib.shake_256(bytes([n])).hexdigest(150_000))
            load(path, recorded(f"run-{n}", results=(Result("c1", 0, response),)))
            say.send(n)
    except StoreError as error:
        say.send(str(error))


def start(job: Callable[..., None], *args: Any) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("spawn")
    listen, say = context.Pipe(duplex=False)
    path, *rest = args
    process = context.Process(target=job, args=(path, say, *rest), daemon=True)
    process.start()
    say.close()
    return process, listen


def test_f11_two_processes_load_at_once(path: Path) -> None:
    """Two processes that load different runs at the same time both succeed, and every row is there once."""
    names = [[f"{side}-{n}" for n in range(3)] for side in ("left", "right")]
    jobs = [start(_load_many, path, each) for each in names]
    for process, listen in jobs:
        assert listen.recv() == "done"
        process.join()
        assert process.exitcode == 0
    with Store(path) as store:
        assert sorted(run.run_id for run in store.runs()) == sorted(names[0] + names[1])
    assert ask(path, "select count(*) from scores") == [(18,)]


def test_f11_a_store_in_use_is_waited_for_and_its_holder_named(path: Path) -> None:
    """While another process holds the store, opening waits; then it fails with the number of that process."""
    stop, end = multiprocessing.get_context("spawn").Pipe()
    process, listen = start(_hold, path, end)
    assert listen.recv() == "held"
    with pytest.raises(StoreError, match=f"in use by process {process.pid} "), Store(path, wait_s=0.2):
        pass
    stop.send("stop")
    with Store(path, wait_s=10):
        pass
    process.join()


def test_f10_a_full_disk_keeps_what_was_loaded(path: Path) -> None:
    """When no more can be written the error says how much room is left, and every earlier run is there."""
    process, listen = start(_fill, path)
    said: list[Any] = []
    while not said or isinstance(said[-1], int):
        said.append(listen.recv())
    process.join()
    assert process.exitcode == 0
    assert "MB are free there" in said[-1]
    with Store(path) as store:
        assert len(store.runs()) >= len(said) - 1 > 0


def test_f10_a_disk_that_is_read_only_is_said_to_be(path: Path) -> None:
    """As DuckDB tells it: the mend is to make it writable, not to build the file again."""
    why = f'Cannot open file "{path}": Read-only file system'
    with pytest.raises(StoreError, match="make it writable"), named_faults(path):
        raise duckdb.IOException(why)


def test_the_door_opens_fast() -> None:
    """Importing the store does not import DuckDB."""
    code = "import sys, harness.store; sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
