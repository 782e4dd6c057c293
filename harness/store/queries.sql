-- Everything that is read from the store. A statement stands below its name and the comment that explains it.

-- name: tables
-- The tables of this file, to tell a new file and a foreign one from a store.
select table_name from duckdb_tables() where database_name = current_database() and not internal;

-- name: schema_version
-- The number of the newest migration applied.
select schema_version from meta;

-- name: miscounted
-- Runs that no longer have the rows that were loaded: the file was damaged or edited.
with counted as (
    select run_id, sum(n_results), sum(n_retrieved), sum(n_citations), sum(n_scores)
    from (
        select run_id, count(*), 0, 0, 0 from responses group by run_id
        union all select run_id, 0, count(*), 0, 0 from retrieved group by run_id
        union all select run_id, 0, 0, count(*), 0 from citations group by run_id
        union all select run_id, 0, 0, 0, count(*) from scores group by run_id
    ) as counts(run_id, n_results, n_retrieved, n_citations, n_scores)
    group by run_id
),
loaded as (
    select run_id, n_results, n_retrieved, n_citations, n_scores
    from runs
    where n_results + n_retrieved + n_citations + n_scores > 0
)
select run_id from ((from loaded except from counted) union (from counted except from loaded)) order by run_id;

-- name: loaded
-- What was loaded of a run, as a digest (the same content need not be loaded again), and its place.
select content_sha256, load_order from runs where run_id = $run_id;

-- name: runs
-- Every run in the order of loading, with the outcome of its last saved report.
select run_id, suite_name, candidate, started_at, revision, n_cases, n_asked, n_results, complete, outcome
from runs
order by load_order;
