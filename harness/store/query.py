"""The user's own SQL, read-only and sealed off: it sees the store and nothing else of the machine."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import UsageError
from harness.store.database import open_database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_ROWS = 100_000
"""Rows that a query may give; more are refused rather than cut."""

_SEALED = {
    "enable_external_access": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "memory_limit": "1GB",
    "threads": "2",
    "lock_configuration": "true",
}
# Everything else that stands in FROM with parentheses reads files, settings or memory, or runs a text as SQL.
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
_REFUSED_FUNCTIONS = frozenset({"current_setting", "getenv", "getvariable", "setval", "nextval", "write_log"})
_CATALOGUE = ("duckdb_", "pragma_", "pg_")


def run_query(
    path: Path, sql: str, *, timeout_s: float = 30.0, wait_s: float = 10.0
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Give the column names and rows of exactly one SELECT, at most ``MAX_ROWS``.

    It is stopped after ``timeout_s`` seconds of running (a single function call that builds one huge text
    ends first), and waits for the store for ``wait_s``.

    Raises:
        UsageError: no store there, anything but one SELECT, a function that reaches beyond the store,
            an error in the SQL, out of time or memory, or too many rows.
        StoreError: the store is in use by another process, or damaged.
    """
    import duckdb

    if not path.is_file():
        raise UsageError(f"there is no store at {path}", mend="run a suite, or `harness runs import`")
    con = open_database(path, wait_s=wait_s, read_only=True, config=_SEALED)
    timer = threading.Timer(timeout_s, con.interrupt)
    timer.start()
    try:
        _check(con, sql)
        con.execute(sql)
        columns = tuple(str(column[0]) for column in con.description or ())
        rows = con.fetchmany(MAX_ROWS + 1)
    except duckdb.InterruptException as error:
        raise UsageError(f"the query was stopped after {timeout_s:g} s", mend="ask for less") from error
    except (duckdb.Error, RuntimeError, ValueError) as error:
        raise UsageError(_message(error, path)) from error
    finally:
        timer.cancel()
        timer.join()
        con.close()
    if len(rows) > MAX_ROWS:
        raise UsageError(f"the query gives more than {MAX_ROWS:,} rows", mend="add a limit, or aggregate")
    return columns, rows


def _check(con: DuckDBPyConnection, sql: str) -> None:
    import duckdb

    found = con.extract_statements(sql)
    if [statement.type for statement in found] != [duckdb.StatementType.SELECT]:
        raise UsageError(
            f"a query is exactly one SELECT; this is {' and '.join(s.type.name for s in found) or 'nothing'}"
        )
    row = con.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchone()
    tree = msgspec.json.decode(row[0] if row else b"")
    if tree["error"]:
        raise UsageError(f"the query cannot be checked: {tree['error_message']}")
    for name in _beyond_the_store(tree):
        raise UsageError(
            f"{name!r} reaches beyond the store",
            mend="`show tables` and `describe <table>` say what is there",
        )


def _beyond_the_store(tree: Any) -> list[str]:
    """Give the names in a serialized statement that may not be used."""
    names: list[str] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(node.values())
            kind = node.get("type")
            if kind == "TABLE_FUNCTION":
                name = str(node["function"].get("function_name", "")).lower()
                names += [] if name in _TABLE_FUNCTIONS else [name]
            elif kind == "BASE_TABLE":
                path = (node.get("catalog_name"), node.get("schema_name"), node.get("table_name"))
                names += [str(part) for part in path if str(part).lower().startswith(_CATALOGUE)]
            elif kind == "FUNCTION":
                name = str(node.get("function_name", "")).lower()
                names += [name] if name in _REFUSED_FUNCTIONS else []
    return names


def _message(error: Exception, path: Path) -> str:
    message = str(error)
    if "pytz" in message:  # the one optional package that DuckDB wants, and it would show a stack trace
        return "a time with time zone cannot be shown: write x::timestamp"
    for known in sorted({str(path.resolve()), str(path.absolute()), str(path)}, key=len, reverse=True):
        message = message.replace(known, "the store")
    return message
