"""A DuckDB file opened for a short time: waiting for its lock, and naming what is wrong with it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import StoreError, StoreInUse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

REBUILD = "move the file away and rebuild it from the recordings with `harness runs import`"

_STORAGE_VERSION = "v1.5.0"
_RETRY_S = 0.1


def open_database(
    path: Path, *, wait_s: float, read_only: bool = False, config: Mapping[str, str] | None = None
) -> DuckDBPyConnection:
    """Open the file, made where it is missing and ``read_only`` is false; close what this gives.

    While another process holds it, try again for ``wait_s`` seconds.

    Raises:
        StoreError: still held (by whom), damaged, of a newer version, or not to be read or written.
    """
    import duckdb

    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    if not read_only:
        settings["storage_compatibility_version"] = _STORAGE_VERSION
    until = time.monotonic() + wait_s
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config={**settings, **(config or {})})
        except duckdb.ConnectionException as error:
            raise StoreError(f"{path} is open elsewhere in this process: {_first(error)}") from error
        except duckdb.IOException as error:
            if "set lock" not in str(error):
                raise _cannot(path, error) from error
            if time.monotonic() >= until:
                raise StoreInUse(
                    f"{path} is in use by {_holder(error)}", mend="try again when that has ended"
                ) from error
        except (duckdb.Error, RuntimeError) as error:
            raise _cannot(path, error) from error
        time.sleep(_RETRY_S)


@contextmanager
def named_faults(path: Path) -> Iterator[None]:
    """Turn what DuckDB or the file system raises while the file is in use into a StoreError."""
    import duckdb

    try:
        yield
    except (duckdb.Error, RuntimeError, OSError) as error:
        raise _cannot(path, error) from error


def copy_database(con: DuckDBPyConnection, target: Path) -> None:
    """Copy all of the open database to a new file, through the connection: the lock is never let go.

    Deleted rows are not copied, not even as bytes in free blocks. An older copy is replaced.

    Raises:
        OSError, duckdb.Error: it cannot be written.
    """
    target.unlink(missing_ok=True)
    row = con.execute("select current_database()").fetchone()
    source = '"{}"'.format(str(row[0] if row else "").replace('"', '""'))
    place = str(target).replace("'", "''")
    con.execute(f"attach '{place}' as harness_copy (storage_version '{_STORAGE_VERSION}')")
    try:
        con.execute(f"copy from database {source} to harness_copy")
    finally:
        con.execute("detach harness_copy")


def _cannot(path: Path, error: Exception) -> StoreError:
    message = _first(error)
    if "version number" in message:
        mend = f"upgrade the duckdb package, or {REBUILD}"
    elif isinstance(error, OSError) or re.search(r"No space|too large|[Pp]ermi|Read-only", message):
        folder = next(parent for parent in path.absolute().parents if parent.is_dir())
        mend = (
            f"{shutil.disk_usage(folder).free / 1e6:,.1f} MB are free there; make room, or make it writable"
        )
    else:
        mend = REBUILD
    return StoreError(f"{path}: {message}", mend=mend)


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _holder(error: Exception) -> str:
    found = re.search(r"held in (.*?) \(PID (\d+)\)", str(error))
    return f"process {found[2]} ({Path(found[1]).name})" if found else "another process"
