-- Everything that is written to the store: one INSERT ... SELECT per table over verified JSON lines.
-- A statement stands below its name and the comment that explains it.

-- name: stage_run
-- The run, one line.
create or replace temp table staged_run as
select * from read_json($file, format = 'newline_delimited', maximum_object_size = $longest, columns = {
    id: 'varchar', suite_name: 'varchar', started_at: 'varchar', candidate: 'varchar',
    system_fingerprint: 'varchar', dataset_digest: 'varchar', dataset_name: 'varchar', corpus_digest: 'varchar',
    metrics: 'json', config: 'json', suite: 'json', suite_path: 'varchar', harness_version: 'varchar',
    seed: 'bigint', repeats: 'integer', n_cases: 'bigint', selection: 'json', revision: 'varchar', judges: 'json'
});

-- name: stage_cases
-- The cases, one a line, with their digests.
create or replace temp table staged_cases as
select * from read_json($file, format = 'newline_delimited', maximum_object_size = $longest, columns = {
    digest: 'varchar',
    "case": 'struct(
        "query" struct(id varchar, "input" varchar, history json, contexts json),
        expected_behavior varchar, expected_output varchar[],
        evidence struct(doc_id varchar, quote varchar, "start" bigint, "end" bigint, grade bigint)[],
        must_include varchar[], must_not_include varchar[], policy varchar, "groups" map(varchar, varchar),
        tags varchar[], metadata json, split varchar, twin_of varchar, document_id varchar)'
});

-- name: stage_results
-- The results, one a line.
create or replace temp table staged_results as
select * from read_json($file, format = 'newline_delimited', maximum_object_size = $longest, columns = {
    case_id: 'varchar', "repeat": 'integer',
    response: 'struct(
        output varchar,
        retrieved struct(doc_id varchar, "text" varchar, rank integer, score double, "start" bigint)[],
        refused boolean,
        citations struct(doc_id varchar, "start" bigint, "end" bigint)[],
        "usage" struct(input_tokens bigint, output_tokens bigint, cost_usd double),
        timings struct(total_s double, retrieve_s double, generate_s double),
        attempts integer, "error" struct(kind varchar, message varchar), cached boolean, text_repaired boolean)',
    scores: 'map(varchar, struct("value" double, status varchar, reason varchar, details json))'
});

-- name: stage_texts
-- Every different text of the staged passages with its hash, which is taken once a text.
create or replace temp table staged_texts as
select "text", sha256("text") as text_sha256
from (select distinct unnest(list_transform(response.retrieved, lambda p: p."text")) as "text" from staged_results);

-- name: load_run
-- A run loaded again keeps its place in the order.
insert into runs by name
select id as run_id, coalesce($load_order, (select coalesce(max(load_order), 0) + 1 from runs)) as load_order,
       * exclude (id), $n_asked as n_asked, $stopped_at_look as stopped_at_look, $complete as complete, $notices as notices,
       $n_results as n_results, $n_retrieved as n_retrieved, $n_citations as n_citations, $n_scores as n_scores,
       $content_sha256 as content_sha256
from staged_run;

-- name: replace_cases
-- A case without its text (from a slim recording) gives way to the same case with it.
delete from cases
where "input" = '' and dataset_digest = (select dataset_digest from staged_run)
      and case_id in (select "case"."query".id from staged_cases);

-- name: load_cases
-- Only cases that no earlier run on the same dataset has brought.
insert into cases by name
select (select dataset_digest from staged_run) as dataset_digest, "case"."query".id as case_id, digest,
       "case"."query"."input" as "input", "case"."query".history as history, "case"."query".contexts as contexts,
       coalesce("case".expected_behavior, 'answer') as expected_behavior,
       coalesce("case".expected_output, []) as expected_output,
       [{doc_id: e.doc_id, quote: e.quote, "start": e."start", "end": e."end", grade: coalesce(e.grade, 1)}
        for e in coalesce("case".evidence, [])] as evidence,
       coalesce("case".must_include, []) as must_include,
       coalesce("case".must_not_include, []) as must_not_include,
       "case".policy as policy, coalesce("case"."groups", map {}) as "groups", coalesce("case".tags, []) as tags,
       coalesce("case".metadata, '{}') as metadata, "case".split as split, "case".twin_of as twin_of,
       "case".document_id as document_id
from staged_cases
where "case"."query".id not in (
    select case_id from cases where dataset_digest = (select dataset_digest from staged_run)
);

-- name: load_responses
-- Fields that a recording leaves out have their defaults.
insert into responses by name
select $run_id as run_id, case_id, "repeat", response.output, response.refused, response."usage".input_tokens,
       response."usage".output_tokens, response."usage".cost_usd, response.timings.total_s,
       response.timings.retrieve_s, response.timings.generate_s, coalesce(response.attempts, 1) as attempts,
       response."error".kind as error_kind, response."error".message as error_message,
       coalesce(response.cached, false) as cached, coalesce(response.text_repaired, false) as text_repaired
from staged_results;

-- name: load_passages
-- Only texts that are not there yet.
insert into passages by name
select text_sha256, "text" from staged_texts where text_sha256 not in (select text_sha256 from passages);

-- name: load_retrieved
-- What each response retrieved.
insert into retrieved by name
select $run_id as run_id, case_id, "repeat", "position", passage.rank, passage.doc_id, passage.score,
       passage."start", text_sha256
from (
    select case_id, "repeat", unnest(response.retrieved) as passage,
           generate_subscripts(response.retrieved, 1) as "position"
    from staged_results
)
join staged_texts on staged_texts."text" = passage."text";

-- name: load_citations
-- What each response cites.
insert into citations by name
select $run_id as run_id, case_id, "repeat", "position", citation.doc_id, citation."start", citation."end"
from (
    select case_id, "repeat", unnest(response.citations) as citation,
           generate_subscripts(response.citations, 1) as "position"
    from staged_results
);

-- name: load_scores
-- One row per metric and response.
insert into scores by name
select $run_id as run_id, case_id, "repeat", entry."key" as metric, entry."value"."value" as "value",
       coalesce(entry."value".status, 'scored') as status, coalesce(entry."value".reason, '') as reason,
       entry."value".details as details
from (select case_id, "repeat", unnest(map_entries(scores)) as entry from staged_results);

-- name: stage_comparisons
-- The comparisons of a report, one a line, with the label of their slice.
create or replace temp table staged_comparisons as
select * from read_json($file, format = 'newline_delimited', maximum_object_size = $longest, columns = {
    label: 'varchar',
    comparison: 'struct(
        metric varchar, baseline struct("value" double, n bigint, n_unscored bigint),
        candidate struct("value" double, n bigint, n_unscored bigint), change double,
        "interval" struct(low double, high double, "level" double), p_worse double, harm double,
        harm_limit double, detectable double, alpha double, n_pairs bigint, n_unpaired bigint,
        n_clusters bigint, worse bigint, better bigint, same bigint, higher_is_better boolean,
        "method" varchar)'
});

-- name: stage_verdicts
-- The verdicts of a report, one a line in suite order.
create or replace temp table staged_verdicts as
select * from read_json($file, format = 'newline_delimited', maximum_object_size = $longest, columns = {
    "position": 'integer',
    verdict: 'struct(
        gate varchar, "rule" varchar, outcome varchar, reason varchar, metric varchar, "scope" varchar,
        baseline double, candidate double, change double,
        "interval" struct(low double, high double, "level" double, "method" varchar), "limit" double,
        n bigint, n_total bigint, cases varchar[], line integer)'
});

-- name: stage_changes
-- The configuration keys that differ, one a line.
create or replace temp table staged_changes as
select * from read_json($file, format = 'newline_delimited', maximum_object_size = $longest, columns = {
    "key": 'varchar', "before": 'json', "after": 'json'
});

-- name: load_outcome
-- What the gate as a whole decided, and against what.
update runs set outcome = $outcome, baseline_run_id = $baseline_run_id where run_id = $run_id;

-- name: load_comparisons
-- Candidate against baseline by metric and slice.
insert into comparisons by name
select $run_id as run_id, $baseline_run_id as baseline_run_id, label as slice, c.metric,
       c.baseline."value" as baseline_value, c.baseline.n as baseline_n,
       c.baseline.n_unscored as baseline_n_unscored, c.candidate."value" as candidate_value,
       c.candidate.n as candidate_n, c.candidate.n_unscored as candidate_n_unscored, c.change,
       c."interval".low as change_low, c."interval".high as change_high, c."interval"."level" as change_level,
       c.p_worse, c.harm, c.harm_limit, c.detectable, c.alpha, c.n_pairs, c.n_unpaired, c.n_clusters,
       c.worse, c.better, c.same, c.higher_is_better, c."method"
from (select label, comparison as c from staged_comparisons);

-- name: load_verdicts
-- What each gate decided.
insert into verdicts by name
select $run_id as run_id, "position", v.* exclude ("interval"), v."interval".low as interval_low,
       v."interval".high as interval_high, v."interval"."level" as interval_level,
       v."interval"."method" as interval_method
from (select "position", verdict as v from staged_verdicts);

-- name: load_changes
-- Configuration before and after.
insert into changes by name
select $run_id as run_id, $baseline_run_id as baseline_run_id, "key", "before", "after" from staged_changes;

-- name: load_report
-- One rendering, from a file of its own: it may be too long for a line.
insert into reports by name
select $run_id as run_id, $format as format, "content", $sha256 as sha256 from read_text($file);

-- name: remove_rows
-- The rows of one run from a table that is named in the code.
delete from {table} where run_id = $run_id;

-- name: remove_passages
-- Texts that no response is left to use.
delete from passages where text_sha256 not in (select text_sha256 from retrieved);
