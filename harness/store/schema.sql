-- The tables of the store. The comments are the documentation: docs/schema.md is made from them.
-- A change here needs a numbered migration beside it, and SCHEMA_VERSION in schema.py raised.

-- Which layout this file has; one row.
create table meta (
    schema_version integer not null  -- number of the newest migration that was applied
);

-- One row per run, with what decides what it may be compared with and how to repeat it.
create table runs (
    run_id varchar not null,              -- id of the run
    load_order bigint not null,           -- counts up with every new run loaded; clocks may jump, this does not
    suite_name varchar not null,          -- name of the suite
    started_at varchar not null,          -- when it began, ISO 8601 in UTC
    candidate varchar not null,           -- which candidate of the suite was asked
    system_fingerprint varchar not null,  -- digest of the system's configuration
    dataset_digest varchar not null,      -- digest of the golden cases
    dataset_name varchar not null,        -- name of the golden dataset
    corpus_digest varchar,                -- digest of the corpus; null where there is none
    metrics json not null,                -- metric name to version, direction, range and unit
    config json not null,                 -- flat configuration: {"system.top_k": 5}
    suite json not null,                  -- the suite as it was run
    suite_path varchar not null,          -- file of the suite
    harness_version varchar not null,     -- version of harness that ran it
    seed bigint not null,                 -- seed of everything drawn by chance
    repeats integer not null,             -- how often each case was asked
    n_cases bigint not null,              -- cases selected
    n_asked bigint not null,              -- cases asked: fewer where the run stopped early
    stopped_at_look integer,              -- look at which it stopped early, from 1; null where it did not
    selection json not null,              -- how they were selected; {} means all
    revision varchar,                     -- source revision; null where unknown
    judges json not null,                 -- judge name to fingerprint
    complete boolean not null,            -- whether all was asked that had to be; false after an interruption
    notices varchar[] not null,           -- what reading the recording had to say
    n_results bigint not null,            -- rows of this run in responses; checked whenever the store is opened
    n_retrieved bigint not null,          -- rows of this run in retrieved; checked likewise
    n_citations bigint not null,          -- rows of this run in citations; checked likewise
    n_scores bigint not null,             -- rows of this run in scores; checked likewise
    content_sha256 varchar not null,      -- SHA-256 of what was loaded: the same content is not loaded twice
    baseline_run_id varchar,              -- run it was compared with; null without baseline or report
    outcome varchar                       -- verdict of the whole gate; null until a report is saved
        check (outcome in ('pass', 'fail', 'inconclusive'))
);

-- One row per golden case of a dataset, shared by all runs on it (dataset_digest, case_id).
create table cases (
    dataset_digest varchar not null,      -- digest of the golden cases
    case_id varchar not null,             -- id of the case
    digest varchar not null,              -- digest of this one case
    input varchar not null,               -- what the user asks; empty where only slim recordings were loaded
    history json,                         -- earlier turns of the dialogue; null where there are none
    contexts json,                        -- passages given with the question; null where there are none
    expected_behavior varchar not null    -- what a good system does
        check (expected_behavior in ('answer', 'refuse', 'clarify', 'partial')),
    expected_output varchar[] not null,   -- reference answers, any of which is right
    evidence struct(doc_id varchar, quote varchar, "start" bigint, "end" bigint, grade bigint)[] not null,
                                          -- gold passages: offsets in characters, relevance from 0
    must_include varchar[] not null,      -- facts that the answer has to hold, word for word
    must_not_include varchar[] not null,  -- facts that it must not hold
    policy varchar,                       -- refusal rule that applies; null where none does
    groups map(varchar, varchar) not null,  -- sensitive attributes by name: groups['language']
    tags varchar[] not null,              -- tags
    metadata json not null,               -- other attributes by name
    split varchar,                        -- train, test, ...; null where the dataset is not split
    twin_of varchar,                      -- case of which this is a variant; null for an original
    document_id varchar                   -- source document that correlated cases share; null for none
);

-- One row per response (run_id, case_id, repeat).
create table responses (
    run_id varchar not null,              -- id of the run
    case_id varchar not null,             -- id of the case
    repeat integer not null,              -- which time the case was asked, from 0
    output varchar,                       -- the answer; null where there is none
    refused boolean,                      -- what the system says of itself; null where it says nothing
    input_tokens bigint,                  -- tokens read; null where unknown
    output_tokens bigint,                 -- tokens written; null where unknown
    cost_usd double check (cost_usd is null or isfinite(cost_usd)),  -- US dollars; null where unknown
    total_s double,                       -- seconds of the successful attempt; null where unknown
    retrieve_s double,                    -- seconds of it spent retrieving; null where unknown
    generate_s double,                    -- seconds of it spent generating; null where unknown
    attempts integer not null,            -- attempts made, from 1
    error_kind varchar,                   -- why there is no answer; null where there is no error
    error_message varchar,                -- what the error said; null where there is no error
    cached boolean not null,              -- whether the answer came from a cache: its seconds do not count
    text_repaired boolean not null        -- whether text had to be spelled out to be kept
);

-- One row per different passage text, however often it was retrieved.
create table passages (
    text_sha256 varchar not null,         -- SHA-256 of the text in UTF-8, hexadecimal
    text varchar not null                 -- the text
);

-- One row per passage of a response (run_id, case_id, repeat, position).
create table retrieved (
    run_id varchar not null,              -- id of the run
    case_id varchar not null,             -- id of the case
    repeat integer not null,              -- which time the case was asked, from 0
    position integer not null,            -- place in the response's list, from 1
    rank integer not null,                -- rank that the system gave, from 1
    doc_id varchar not null,              -- document of the passage
    score double,                         -- the retriever's own score; null where unknown
    "start" bigint,                       -- offset in the document, in characters; null where unknown
    text_sha256 varchar not null          -- the text, in passages
);

-- One row per citation of a response (run_id, case_id, repeat, position).
create table citations (
    run_id varchar not null,              -- id of the run
    case_id varchar not null,             -- id of the case
    repeat integer not null,              -- which time the case was asked, from 0
    position integer not null,            -- place in the response's list, from 1
    doc_id varchar not null,              -- document cited
    "start" bigint,                       -- first character of the answer that it backs; null for all of it
    "end" bigint                          -- character after the last one; null for all of it
);

-- One row per metric and response (run_id, case_id, repeat, metric).
create table scores (
    run_id varchar not null,              -- id of the run
    case_id varchar not null,             -- id of the case
    repeat integer not null,              -- which time the case was asked, from 0
    metric varchar not null,              -- full name: recall@5
    value double,                         -- the score, finite; null unless status is scored
    status varchar not null,              -- scored, or why there is no value
    reason varchar not null,              -- in words; often empty
    details json,                         -- claims, evidence, spans; null where there are none
    check (value is null or isfinite(value)),
    check (status in ('scored', 'not_applicable', 'system_error', 'timeout', 'judge_error')),
    check ((status = 'scored') = (value is not null))
);

-- One row per metric and slice of a saved report: candidate against baseline, paired by case.
create table comparisons (
    run_id varchar not null,              -- the candidate's run
    baseline_run_id varchar,              -- the baseline's run
    metric varchar not null,              -- full name of the metric
    slice varchar not null,               -- all, or language=de & register=plain
    baseline_value double,                -- mean of the baseline; null without a scored case
    baseline_n bigint not null,           -- cases with a value
    baseline_n_unscored bigint not null,  -- cases that should have had one
    candidate_value double,               -- mean of the candidate; null without a scored case
    candidate_n bigint not null,          -- cases with a value
    candidate_n_unscored bigint not null,  -- cases that should have had one
    change double,                        -- candidate minus baseline over the pairs; null without pairs
    change_low double,                    -- lower end of the confidence interval; null where there is none
    change_high double,                   -- upper end
    change_level double,                  -- confidence level of the interval, 0 to 1
    p_worse double,                       -- one-sided p-value of "the candidate is worse"; null untested
    harm double,                          -- the change, turned so that positive is worse
    harm_limit double,                    -- one-sided 95 % upper limit of the harm; null: cannot be bounded
    detectable double,                    -- smallest true harm that a test at alpha finds with 80 % power
    alpha double,                         -- the suite's whole alpha; a gate tests at its share of it
    n_pairs bigint not null,              -- cases scored in both runs
    n_unpaired bigint not null,           -- cases that could not be paired
    n_clusters bigint not null,           -- independent clusters among the pairs
    worse bigint not null,                -- pairs that got worse
    better bigint not null,               -- pairs that got better
    same bigint not null,                 -- pairs that stayed the same
    higher_is_better boolean not null,    -- direction of the metric
    method varchar not null               -- how interval and p-value were made
);

-- One row per gate of a saved report (run_id, position).
create table verdicts (
    run_id varchar not null,              -- the candidate's run
    position integer not null,            -- place of the gate in the suite, from 1
    gate varchar not null,                -- id of the gate
    rule varchar not null,                -- the rule in words
    outcome varchar not null              -- what was decided
        check (outcome in ('pass', 'fail', 'inconclusive')),
    reason varchar not null,              -- why, in one sentence
    metric varchar,                       -- full name of the metric; null for a gate without one
    scope varchar not null,               -- all, or the slice it looked at
    baseline double,                      -- the baseline's number; null without one
    candidate double,                     -- the candidate's number; null without one
    change double,                        -- candidate minus baseline; null without a baseline
    interval_low double,                  -- lower end of the interval it rests on; null where there is none
    interval_high double,                 -- upper end
    interval_level double,                -- confidence level, 0 to 1
    interval_method varchar,              -- how the interval was made
    "limit" double,                       -- the number that the gate allows; null for a gate without one
    n bigint not null,                    -- cases with a value
    n_total bigint not null,              -- cases that should have one
    cases varchar[] not null,             -- cases that decided it, where the gate names cases
    line integer                          -- line of the gate in the suite file; null where unknown
);

-- One row per configuration key that differs between a run and its baseline.
create table changes (
    run_id varchar not null,              -- the candidate's run
    baseline_run_id varchar,              -- the baseline's run
    key varchar not null,                 -- configuration key: system.top_k
    before json,                          -- the baseline's value; null where it has none
    after json                            -- the candidate's value; null where it has none
);

-- One row per rendering of a saved report (run_id, format).
create table reports (
    run_id varchar not null,              -- the candidate's run
    format varchar not null,              -- html, markdown, junit, json, ...
    content varchar not null,             -- the rendered report
    sha256 varchar not null               -- SHA-256 of the content in UTF-8, hexadecimal
);
