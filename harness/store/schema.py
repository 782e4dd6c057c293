"""The layout of the store: its SQL files, its version, migrations, and the page that documents it."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import StoreError
from harness.store.database import REBUILD, copy_database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 2
"""Raised by one together with a new file ``migrations/<number>_<what>.sql``."""

_HERE = resources.files("harness.store")
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_TABLE = re.compile(r"((?:^--[^\n]*\n)+)^create table (\w+) \(\n(.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r'^    (?!check\b)"?(\w+)"? (.+?)(,?)(?:\s+-- (.*))?$')


_BY_SLICE = """Means by slice, over every run. Taking the attribute out of the cases first halves the time:

```sql
with attributes as materialized (select dataset_digest, case_id, groups['language'] as language from cases)
select run_id, language, metric, count(value) as n, avg(value) as mean
from scores join runs using (run_id) join attributes using (dataset_digest, case_id)
group by all order by all
```
"""


class Layout(NamedTuple):
    """A layout: its version, the SQL that makes it anew, and the step to each version from the one before."""

    version: int
    ddl: str
    steps: dict[int, str]


def shipped() -> Layout:
    """Give the layout of this version of harness."""
    names = sorted(entry.name for entry in (_HERE / "migrations").iterdir() if entry.name.endswith(".sql"))
    steps = {int(name.partition("_")[0]): (_HERE / "migrations" / name).read_text("utf-8") for name in names}
    return Layout(SCHEMA_VERSION, (_HERE / "schema.sql").read_text("utf-8"), steps)


@cache
def statements(file: str) -> dict[str, str]:
    """Give the statements of ``queries.sql`` or ``load.sql`` by name."""
    _, *parts = _NAME.split((_HERE / file).read_text("utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def version_of(con: DuckDBPyConnection, path: Path, layout: Layout) -> int | None:
    """Give the version of the layout that a database has; None: it is empty.

    Raises:
        StoreError: it is newer than this program, or not a store.
    """
    queries = statements("queries.sql")
    tables = {str(row[0]) for row in con.execute(queries["tables"]).fetchall()}
    if not tables:
        return None
    row = con.execute(queries["schema_version"]).fetchone() if "meta" in tables else None
    if row is None:
        raise StoreError(f"{path} is a database, but not one of harness", mend="name another file")
    version = int(row[0])
    if version > layout.version:
        raise StoreError(
            f"{path} has layout {version}; this version of harness knows {layout.version}",
            mend=f"upgrade harness, or {REBUILD}",
        )
    return version


def prepare(con: DuckDBPyConnection, path: Path, layout: Layout) -> None:
    """Make the layout in an empty database, or bring an older one up to date after copying the file.

    The copy lies beside the file as ``<name>.v<old version>.bak``.

    Raises:
        StoreError: as ``version_of`` does.
    """
    version = version_of(con, path, layout)
    if version is None:
        _apply(con, layout.ddl, layout.version)
    elif version < layout.version:
        copy_database(con, path.with_name(f"{path.name}.v{version}.bak"))
        for number in range(version + 1, layout.version + 1):
            _apply(con, layout.steps[number], number)


def _apply(con: DuckDBPyConnection, sql: str, version: int) -> None:
    con.begin()
    try:
        con.execute(sql)
        con.execute("delete from meta")
        con.execute("insert into meta (schema_version) values ($version)", {"version": version})
        con.commit()
    except BaseException:
        con.rollback()
        raise


def schema_page() -> str:
    """Give ``docs/schema.md``: every table and column with its type and its comment in ``schema.sql``."""
    parts = [
        "# The store\n",
        "Made from the comments of `harness/store/schema.sql`; do not edit. The store is a DuckDB file that",
        'can always be rebuilt from the recordings. Ask it with `harness query "select ..."`.\n',
        _BY_SLICE,
    ]
    for comment, table, body in _TABLE.findall(shipped().ddl):
        meaning = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
        parts += [f"## {table}\n", f"{meaning}\n", "| column | type | meaning |", "|---|---|---|"]
        parts += [f"| `{name}` | `{kind}` | {text} |" for name, kind, text in _columns(body)]
        parts.append("")
    return "\n".join(parts)


def _columns(body: str) -> list[tuple[str, str, str]]:
    columns: list[tuple[str, str, str]] = []
    for line in body.splitlines():
        found = _COLUMN.match(line)
        if found:
            kind = re.sub(r"\bnot null\b|\bcheck \(.*\)$", "", found[2]).strip()
            columns.append((found[1], kind + ("" if "not null" in found[2] else ", null"), found[4] or ""))
        elif line.strip().startswith("--"):
            name, kind, text = columns[-1]
            columns[-1] = (name, kind, f"{text} {line.strip()[2:].strip()}".strip())
    return columns
