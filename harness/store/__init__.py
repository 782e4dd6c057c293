"""The one door to DuckDB: an index over recordings that can always be rebuilt from them."""

from harness.store.query import run_query
from harness.store.schema import schema_page
from harness.store.store import Store, StoredRun

__all__ = ["Store", "StoredRun", "run_query", "schema_page"]
