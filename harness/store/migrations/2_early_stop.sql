-- Runs may stop early: how many cases they asked, and at which look they stopped. Until now all asked all.
-- The table is made anew: a column of an existing one cannot be filled and then be not null in one transaction.
alter table runs rename to runs_before;
create table runs (
    run_id varchar not null,
    load_order bigint not null,
    suite_name varchar not null,
    started_at varchar not null,
    candidate varchar not null,
    system_fingerprint varchar not null,
    dataset_digest varchar not null,
    dataset_name varchar not null,
    corpus_digest varchar,
    metrics json not null,
    config json not null,
    suite json not null,
    suite_path varchar not null,
    harness_version varchar not null,
    seed bigint not null,
    repeats integer not null,
    n_cases bigint not null,
    n_asked bigint not null,
    stopped_at_look integer,
    selection json not null,
    revision varchar,
    judges json not null,
    complete boolean not null,
    notices varchar[] not null,
    n_results bigint not null,
    n_retrieved bigint not null,
    n_citations bigint not null,
    n_scores bigint not null,
    content_sha256 varchar not null,
    baseline_run_id varchar,
    outcome varchar
        check (outcome in ('pass', 'fail', 'inconclusive'))
);
insert into runs by name select *, n_cases as n_asked from runs_before;
drop table runs_before;
