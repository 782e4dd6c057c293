"""The layout is documented to the last column, and an older file is copied and brought up to date."""

import re
from pathlib import Path

import duckdb
import pytest
from store_sample import ask, load, recorded

from harness.errors import StoreError
from harness.store import Store, schema_page
from harness.store.database import open_database
from harness.store.schema import SCHEMA_VERSION, Layout, prepare, shipped, statements

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"

OLD = """
create table meta (schema_version integer not null);
insert into meta values (0);
create table toys (name varchar not null);
insert into toys values ('robot');
"""
STEPS = {
    1: "alter table toys add column price double; update toys set price = 2.5;",
    2: "alter table toys rename column price to cost_usd;",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "harness.duckdb"


def bring_up(path: Path, layout: Layout) -> None:
    with open_database(path, wait_s=0) as con:
        prepare(con, path, layout)


def test_the_page_is_current() -> None:
    """docs/schema.md is what schema_page() gives: write it there after changing a comment or a column."""
    assert PAGE.read_text("utf-8") == schema_page()


def test_every_table_and_column_is_explained(path: Path) -> None:
    """The page has each table and column of a real store, with its type and a meaning."""
    load(path, recorded())
    page = schema_page()
    for table, *_ in ask(path, "select table_name from duckdb_tables()"):
        _, _, section = page.partition(f"## {table}\n")
        section = section.partition("\n## ")[0]
        assert re.match(r"\n\w.+\.\n", section), table
        rows = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \| \S.+ \|$", section, re.MULTILINE))
        sql = f"from duckdb_columns() select column_name, is_nullable where table_name = '{table}'"
        columns = dict(ask(path, sql))
        assert rows.keys() == columns.keys(), table
        assert {name: kind.endswith(", null") for name, kind in rows.items()} == columns, table


def test_every_statement_is_explained() -> None:
    """Each statement has a name of its own and begins with a comment that says what it is for."""
    for file in ("queries.sql", "load.sql"):
        for name, sql in statements(file).items():
            assert re.match(r"-- [A-Z][^\n]+[.:]\n", sql), name


def test_the_migrations_have_no_gap() -> None:
    """There is exactly one step to each version after the first."""
    layout = shipped()
    assert layout.version == SCHEMA_VERSION
    assert sorted(layout.steps) == list(range(2, SCHEMA_VERSION + 1))


@pytest.mark.parametrize("read_only", [False, True])
def test_f12_a_store_of_version_1_has_the_runs_that_it_had(path: Path, read_only: bool) -> None:
    """Each of them asked all of its cases; then the layout is that of a new store."""
    load(path, recorded())
    described = "select column_name, data_type, is_nullable from duckdb_columns() where table_name = 'runs'"
    new, before = sorted(ask(path, described)), ask(path, "select run_id, n_cases from runs")
    ask(path, "alter table runs drop column n_asked; alter table runs drop column stopped_at_look;")
    ask(path, "update meta set schema_version = 1")
    with Store(path, read_only=read_only) as store:
        assert [(run.run_id, run.n_cases, run.n_asked) for run in store.runs()] == [
            (run_id, n_cases, n_cases) for run_id, n_cases in before
        ]
    assert sorted(ask(path, described)) == new
    assert ask(path, "select stopped_at_look from runs") == [(None,)] * len(before)
    assert path.with_name("harness.duckdb.v1.bak").is_file()


def test_f12_an_older_store_is_copied_and_migrated(path: Path) -> None:
    """Version 0 goes through every step to version 2; a copy of what it was lies beside it."""
    ask(path, OLD)
    bring_up(path, Layout(2, "", STEPS))
    assert ask(path, "from toys") == [("robot", 2.5)]
    assert ask(path, "select cost_usd from toys") == [(2.5,)]
    assert ask(path, "from meta") == [(2,)]
    copy = path.with_name("harness.duckdb.v0.bak")
    assert (ask(copy, "from toys"), ask(copy, "from meta")) == ([("robot",)], [(0,)])


def test_f12_a_step_that_fails_changes_nothing(path: Path) -> None:
    """Steps before a failing one stay, the failing one leaves no trace, the next try goes on from there."""
    ask(path, OLD)
    broken = {**STEPS, 2: "alter table toys drop column name; select no_such_column from toys;"}
    with pytest.raises(duckdb.Error, match="no_such_column"):
        bring_up(path, Layout(2, "", broken))
    assert (ask(path, "from toys"), ask(path, "from meta")) == ([("robot", 2.5)], [(1,)])
    bring_up(path, Layout(2, "", STEPS))
    assert ask(path, "from meta") == [(2,)]


@pytest.mark.parametrize("read_only", [False, True])
def test_f12_a_newer_store_is_left_alone(path: Path, read_only: bool) -> None:
    """A store of a later version is refused, unchanged, with what to do."""
    load(path, recorded())
    ask(path, "update meta set schema_version = 99")
    before = path.read_bytes()
    with (
        pytest.raises(StoreError, match=r"layout 99; .* upgrade harness, or .* `harness runs import`"),
        Store(path, read_only=read_only),
    ):
        pass
    assert path.read_bytes() == before


def test_a_new_store_has_the_shipped_version(path: Path) -> None:
    """A new file has the newest layout and no copy beside it."""
    load(path)
    assert ask(path, "from meta") == [(SCHEMA_VERSION,)]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
