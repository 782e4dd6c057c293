"""F28: a query sees the store, and nothing else of the machine; it changes nothing and always ends."""

import datetime
import hashlib
from pathlib import Path

import pytest
from store_sample import load, recorded

from harness.errors import StoreError, UsageError
from harness.store import Store, run_query

HOSTILE = [
    "select 1; drop table scores",
    "drop table scores",
    "delete from scores",
    "update runs set outcome = 'pass'",
    "insert into meta values (7)",
    "with gone as (delete from scores returning run_id) select * from gone",
    "create table mine as select 1",
    "create temp table mine as select 1",
    "create macro f() as 1",
    "copy scores to '{folder}/out.csv'",
    "copy (select 1) to '{folder}/out.parquet' (format parquet)",
    "copy scores from '{folder}/private.csv'",
    "export database '{folder}/out'",
    "import database '{folder}'",
    "attach '{folder}/new.duckdb' as new",
    "attach ':memory:' as new",
    "use memory",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set threads = 64",
    "reset lock_configuration",
    "pragma database_list",
    "pragma enable_profiling = 'json'",
    "call pragma_version()",
    "call enable_logging('QueryLog', storage = 'file', storage_path = '{folder}/log')",
    "checkpoint",
    "force checkpoint",
    "vacuum",
    "begin",
    "prepare p as select 1",
    "explain analyze select 1",
    "create secret s (type s3)",
    "from '{folder}/private.csv'",
    "select * from '{folder}/private.csv'",
    "describe select * from '{folder}/private.csv'",
    "summarize '{folder}/private.csv'",
    "select * from read_csv('{folder}/private.csv')",
    "select * from read_csv_auto(['{folder}/private.csv'])",
    "select * from read_text('{folder}/private.csv')",
    "select * from read_blob('{folder}/*')",
    "select * from read_json_auto('{folder}/private.csv')",
    "select * from read_parquet('{folder}/private.csv')",
    "select * from parquet_metadata('{folder}/private.csv')",
    "select * from sniff_csv('{folder}/private.csv')",
    "select * from glob('{folder}/*')",
    "select (select count(*) from glob('/*'))",
    "with x as (select * from read_text('{folder}/private.csv')) select * from x",
    "select * from scores where case_id in (select content from read_text('{folder}/private.csv'))",
    "select * from scores, lateral (select * from READ_TEXT('{folder}/private.csv'))",
    "select * from system.main.read_text('{folder}/private.csv')",
    "select * from read_duckdb('{folder}/harness.duckdb', table_name = 'scores')",
    "select * from query('select * from read_text(''{folder}/private.csv'')')",
    "select * from query_table('scores')",
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select getenv('HOME')",
    "select * from getenv('HOME')",
    "select current_setting('secret_directory')",
    "select * from duckdb_settings()",
    "select * from pg_catalog.pg_settings",
    "select * from duckdb_secrets()",
    "select * from which_secret('s3://x', 's3')",
    "select * from duckdb_databases()",
    "select * from duckdb_databases",
    "select * from duckdb_logs",
    "select * from enable_logging('QueryLog')",
    "select * from checkpoint()",
    "select * from arrow_scan(1::ubigint, 2::ubigint, 3::ubigint)",
    "select * from pandas_scan(0)",
    "select * from repeat_row(1, num_rows = 10)",
    "select write_log('x')",
    "select * from canary",
    "select * from 'https://example.com/x.csv'",
    "select * from 's3://bucket/x.parquet'",
    "select $value",
    "selec 1",
    "",
    ";",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "private.csv").write_text("a,b\ncanary,2\n", "utf-8")
    load(folder / "harness.duckdb", recorded())
    return folder / "harness.duckdb"


def contents(folder: Path) -> dict[str, str]:
    found = {}
    for entry in sorted(folder.rglob("*")):
        found[str(entry)] = hashlib.sha256(entry.read_bytes()).hexdigest() if entry.is_file() else "folder"
    return found


@pytest.mark.parametrize("sql", HOSTILE)
def test_f28_nothing_beyond_the_store(path: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything but one SELECT over the store is refused, and shows neither the path nor a file's content."""
    monkeypatch.chdir(path.parent)  # what is written beside the caller is found as well
    before = contents(path.parent)
    canary = ["a local variable that Python scans would find"]
    with pytest.raises(UsageError) as caught:
        run_query(path, sql.replace("{folder}", str(path.parent)), timeout_s=5)
    for secret in (str(path), "canary,2", "Traceback", *canary):
        assert secret not in str(caught.value)
    assert contents(path.parent) == before


def test_a_query_gives_columns_and_rows(path: Path) -> None:
    """One SELECT gives the names of its columns and its rows as Python values."""
    sql = "select metric, count(*) as n, avg(value) as mean from scores group by metric order by metric"
    rows = [("faithfulness", 1, None), ("recall@5", 2, 1.0)]
    assert run_query(path, sql) == (("metric", "n", "mean"), rows)
    assert run_query(path, "select 1 where false") == (("1",), [])


@pytest.mark.parametrize(
    "sql",
    [
        "from scores;",
        "table scores",
        "values (1)",
        "describe scores",
        "show tables",
        "summarize scores",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9) select sum(i) from n",
        "select unnest(tags) from cases",
        "select * from range(3), generate_series(1, 3), unnest([1, 2])",
        "select r.doc_id, e.quote from retrieved r join cases c using (case_id), unnest(c.evidence) t(e)",
        "select d.key, d.value from scores, json_each(details) d",
        "select case_id, value, row_number() over (order by value) from scores qualify true",
        "select 'drop table scores; read_text(''x'')' as harmless",
        "select now()::timestamp",
    ],
)
def test_ordinary_queries_work(path: Path, sql: str) -> None:
    """What people ask a store is not refused: joins, windows, recursion, lists, JSON, descriptions."""
    assert run_query(path, sql)[1]


def test_f28_a_query_is_stopped(path: Path) -> None:
    """A query that would run for ever ends soon after its time."""
    began = datetime.datetime.now(datetime.UTC)
    with pytest.raises(UsageError, match=r"stopped after 0\.2 s"):
        run_query(path, "select count(*) from range(10000000) a, range(10000000) b", timeout_s=0.2)
    assert (datetime.datetime.now(datetime.UTC) - began).total_seconds() < 10


def test_f28_memory_and_rows_are_capped(path: Path) -> None:
    """A query that wants more memory than it may have, or gives too many rows, is refused."""
    with pytest.raises(UsageError, match="Out of Memory"):
        run_query(path, "select list(range) from range(300000000)")
    with pytest.raises(UsageError, match="more than 100,000 rows"):
        run_query(path, "select * from range(100001)")


def test_a_time_with_zone_says_how_to_show_it(path: Path) -> None:
    """The one type that needs a package of its own is refused with what to write instead."""
    with pytest.raises(UsageError, match="write x::timestamp"):
        run_query(path, "select now()")


def test_there_must_be_a_store(tmp_path: Path) -> None:
    """A query does not make a store where there is none."""
    with pytest.raises(UsageError, match="there is no store"):
        run_query(tmp_path / "harness.duckdb", "select 1")
    assert not list(tmp_path.iterdir())


def test_f11_a_query_while_this_process_writes_is_refused(path: Path) -> None:
    """A store that the same process holds open is not asked: the error says that it is open."""
    with Store(path), pytest.raises(StoreError, match="open elsewhere in this process"):
        run_query(path, "select 1", wait_s=0)


def test_a_query_leaves_the_store_open_to_others(path: Path) -> None:
    """After a query, and after one that failed, the store can be written at once."""
    run_query(path, "select 1")
    with pytest.raises(UsageError):
        run_query(path, "select no_such_column")
    with Store(path, wait_s=0) as store:
        assert store.load(recorded()) is False
