"""Suites are refused with line, column and nearest name: keys, types, names, rules; no code is imported."""

from pathlib import Path

import pytest
from suite_files import NEEDED, changed, faults, load, told, with_system

from harness.errors import SuiteError
from harness.registry import SYSTEMS
from harness.suites.suite import choose_system, load_suite
from harness.types import GoldenSource, RunSettings, SliceRule


def test_a_whole_suite_is_read(tmp_path: Path) -> None:
    """What is written is there, what is not has its default, and every gate knows its line."""
    text = changed(
        ("", "run: { max_concurrency: 2, deadline_s: 5 }"),
        ("", "candidates: { fast: { method: GET } }"),
        ("", "crosses: [[language, topic]]"),
        ("", "alpha: 0.05"),
        ("    min: 0.5\n", "    min: 0.5\n  - { id: slow, metric: latency_s, quantile: 0.95, max: 2 }\n"),
    )
    file = load(tmp_path, text)
    assert file.folder == tmp_path.resolve()
    assert file.lines == {"recall": 13, "slow": 16}
    suite = file.suite
    assert suite.goldens == (GoldenSource(path="cases.jsonl"),)
    assert suite.run == RunSettings(max_concurrency=2, deadline_s=5.0)
    assert suite.slices["language"] == SliceRule(source="groups.language")
    assert suite.crosses == (("language", "topic"),)
    assert (suite.alpha, suite.seed, suite.description) == (0.05, 0, "")


@pytest.mark.parametrize(
    ("change", "told_as"),
    [
        (("", "asert: 1"), "16:1 unknown key 'asert' | valid names: alpha, baseline, budget"),
        (("", "gate: []"), "16:1 unknown key 'gate' | did you mean 'gates'?"),
        (("    min: 0.5", "    mim: 0.5"), "15:5 unknown key 'mim' in gates[0] | did you mean 'min'?"),
        (
            ("  - path: cases.jsonl", "  - path: cases.jsonl\n    splt: a"),
            "5:5 unknown key 'splt' in goldens[0] | did you mean 'split'?",
        ),
        (
            ("{ from: groups.language }", "{ from: groups.language, min: 3 }"),
            "10:38 unknown key 'min' in slices.language | did you mean 'min_n'?",
        ),
        (("", "run: { max_concurency: 3 }"), "16:8 unknown key 'max_concurency' in run | did you mean"),
        (("  url: http://", "  ulr: http://"), "7:3 unknown key 'ulr' in system | did you mean 'url'?"),
        (
            ("", "candidates:\n  fast:\n    metod: GET"),
            "18:5 unknown key 'metod' in candidates.fast | did you mean 'method'?",
        ),
        (("", '"": 1'), "16:1 unknown key '' | valid names: alpha"),
    ],
)
def test_an_unknown_key_is_told_with_its_place(tmp_path: Path, change: tuple[str, str], told_as: str) -> None:
    """At every level: where the key stands, what it stands in, and the nearest key that is one."""
    assert told(faults(tmp_path, changed(change)))[0].startswith(told_as)


@pytest.mark.parametrize("adapter", NEEDED)
def test_an_unknown_option_of_every_adapter_is_told(tmp_path: Path, adapter: str) -> None:
    """The options of a system are those of its adapter, for the suite's system and for candidates."""
    load(tmp_path, with_system(NEEDED[adapter]))
    column = len("system: " + NEEDED[adapter]) + 1
    (found,) = told(faults(tmp_path, with_system(NEEDED[adapter].replace(" }", ", zzzz: 1 }"))))
    assert found.startswith(f"5:{column} unknown key 'zzzz' in system | valid names: ")
    candidate = with_system(NEEDED[adapter]) + "candidates: { a: { zzzz: 1 } }\n"
    (found,) = told(faults(tmp_path, candidate))
    assert found.startswith("14:20 unknown key 'zzzz' in candidates.a | valid names: ")


def test_the_table_of_adapters_is_whole() -> None:
    """Every adapter is in the tests above."""
    assert set(NEEDED) == set(SYSTEMS)


@pytest.mark.parametrize("adapter", NEEDED)
def test_a_missing_option_is_told_where_the_system_begins(tmp_path: Path, adapter: str) -> None:
    """What an adapter cannot do without is named, once, also when candidates inherit the lack."""
    text = with_system(f"{{ adapter: {adapter} }}") + "candidates: { a: {}, b: {} }\n"
    found = told(faults(tmp_path, text))
    assert found
    assert all(
        entry.startswith("5:9 key '") and entry.endswith("' is missing in system | ") for entry in found
    )
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("change", "told_as"),
    [
        (("version: 1", "version: 2"), "1:10 'version': invalid enum value 2 | "),
        (("version: 1", "version: true"), "1:10 'version': expected `int`, got `bool` | "),
        (("suite: demo", "suite: 5"), "2:8 'suite': expected `str`, got `int` | write \"5\" if it is text"),
        (("suite: demo", "suite: true"), "2:8 'suite': expected `str`, got `bool` | write \"true\" if it is"),
        (("suite: demo", "suite:"), "2:7 'suite': expected `str`, got `null` | "),
        (("[recall@5, latency_s]", "recall@5"), "8:10 'metrics': expected `array`, got `str` | "),
        (("latency_s]", "[latency_s]]"), "8:21 'metrics[1]': expected `str`, got `array` | "),
        (("min: 0.5", "min: high"), "15:10 'gates[0].min': expected `float`, got `str` | "),
        (
            ("min: 0.5", "bound: exact"),
            "15:12 'gates[0].bound': invalid enum value 'exact' | valid names: int",
        ),
        (
            ("min: 0.5", "bound: intervall"),
            "15:12 'gates[0].bound': invalid enum value 'intervall' | did you",
        ),
        (
            ("min: 0.5", "where: { topic: 5 }"),
            "15:21 'gates[0].where.topic': expected `str`, got `int` | write",
        ),
        (("", "run: 5"), "16:6 expected keys and values in run, found int | "),
        (("", "run: { retries: 1.5 }"), "16:17 'run.retries': expected `int`, got `float` | "),
        (("", "crosses: [language, topic]"), "16:11 'crosses[0]': expected `array`, got `str` | "),
        (("", "candidates: { a: 5 }"), "16:18 'candidates.a': expected `object`, got `int` | "),
        (
            ("  language: { from: groups.language }", "  language: 5"),
            "10:13 expected keys and values in slices.la",
        ),
        (
            ("  - path: cases.jsonl", "  - cases.jsonl"),
            "4:5 expected keys and values in goldens[0], found str | ",
        ),
        (
            ("  url: http://localhost/ask", "  url: http://localhost/ask\n  headers: { A: b, C: 5 }"),
            "8:23 'system.headers.C': expected `str`, got `int` | write \"5\" if it is text",
        ),
        (
            ("  url: http://localhost/ask", "  url: x\n  response: { output: { a: b }, error: 5 }"),
            "8:40 'system.response.error': expected `str | object`, got `int` | write \"5\"",
        ),
        (
            ("", "candidates: { a: { headers: { A: 5 } } }"),
            "16:34 'candidates.a.headers.A': expected `str`, got",
        ),
        (("  url: http://localhost/ask", "  url: [a]"), "7:8 'system.url': expected `str`, got `array` | "),
    ],
)
def test_a_wrong_type_is_told_where_the_value_stands(
    tmp_path: Path, change: tuple[str, str], told_as: str
) -> None:
    """The fault names the key with its path, what was expected, and how to write text."""
    assert told(faults(tmp_path, changed(change)))[0].startswith(told_as)


@pytest.mark.parametrize(
    ("change", "told_as"),
    [
        (("version: 1\n", ""), "1:1 key 'version' is missing in the suite | "),
        (("suite: demo\n", ""), "1:1 key 'suite' is missing in the suite | "),
        (("metrics: [recall@5, latency_s]\n", ""), "1:1 key 'metrics' is missing in the suite | "),
        (("  - path: cases.jsonl", "  - format: csv"), "4:5 key 'path' is missing in goldens[0] | "),
        (("{ from: groups.language }", "{}"), "10:13 key 'from' is missing in slices.language | "),
        (("  - id: recall\n    metric", "  - metric"), "13:5 key 'id' is missing in gates[0] | "),
        (
            ("  adapter: http\n", ""),
            "6:3 key 'adapter' is missing in system | one of http, openai_chat, process",
        ),
    ],
)
def test_a_missing_key_is_told_where_it_should_be(
    tmp_path: Path, change: tuple[str, str], told_as: str
) -> None:
    """The fault stands at what the key is missing in."""
    assert told(faults(tmp_path, changed(change)))[0].startswith(told_as)


@pytest.mark.parametrize(
    ("change", "told_as"),
    [
        (("suite: demo", "suite: My Suite"), "2:8 suite name 'My Suite' | use a-z, 0-9 and -"),
        (("suite: demo", "suite: ../x"), "2:8 suite name '../x' | use a-z, 0-9 and -"),
        (
            ("  - id: recall", "  - id: scored"),
            "13:9 gate id 'scored' belongs to the gate on the share scored",
        ),
        (("  - id: recall", "  - id: Recall"), "13:9 gate id 'Recall' | use a-z, 0-9 and -"),
        (
            ("    min: 0.5\n", "    min: 0.5\n  - { id: recall, min_scored: 1 }\n"),
            "16:11 duplicate gate id 'recall'",
        ),
        (
            ("[recall@5, latency_s]", "[recall@5, latency_s, recall@5]"),
            "8:32 metric 'recall@5' is named twice",
        ),
        (("latency_s]", "latencys]"), "8:21 unknown metric 'latencys' | did you mean 'latency_s'?"),
        (("latency_s]", "recall]"), "8:21 metric 'recall' needs a cut-off | for example recall@5"),
        (("latency_s]", "latency_s@5]"), "8:21 metric 'latency_s' takes no cut-off | write 'latency_s'"),
        (("latency_s]", "recall@0]"), "8:21 cut-off '0' of metric 'recall@0' is not a whole number above 0"),
        (("latency_s]", "recall@x]"), "8:21 cut-off 'x' of metric 'recall@x'"),
        (("latency_s]", "recall@05]"), "8:21 cut-off '05' of metric 'recall@05'"),
        (("adapter: http\n", "adapter: htp\n"), "6:12 unknown adapter 'htp' | did you mean 'http'?"),
        (("adapter: http\n", "adapter: 5\n"), "6:12 unknown adapter 5 | valid names: http, openai_chat"),
        (("", "candidates: { a: { adapter: x } }"), "16:29 unknown adapter 'x' | valid names: http"),
        (("", 'candidates: { "": { method: GET } }'), "16:13 a candidate without a name | give it one"),
        (
            ("", "candidates: { a: { adapter: replay, path: a.jsonl, url: x } }"),
            "16:52 unknown key 'url' in candidates.a | valid names: fields, path, where",
        ),
        (
            ("groups.language }", "language }"),
            "10:21 slice 'language' from 'language' | one of expected_behavior",
        ),
        (("groups.language }", "groups. }"), "10:21 slice 'language' from 'groups.'"),
        (("groups.language }", "groups.language, min_n: 0 }"), "10:45 min_n is 0 | 1 or more"),
        (("", "crosses: [[language, langauge]]"), "16:11 cross of unknown slice 'langauge' | did you mean"),
        (("", "crosses: [[language]]"), "16:11 cross of language | name two slices or more"),
        (("", "crosses: [[]]"), "16:11 cross of nothing | name two slices or more"),
        (("", "crosses: [[language, language]]"), "16:11 cross of language, language | name two"),
        (("", "alpha: 0"), "16:8 alpha is 0.0 | a false-alarm rate above 0 and below 0.5"),
        (("", "alpha: 0.5"), "16:8 alpha is 0.5 | a false-alarm rate"),
        (("", "baseline: { runs: 0 }"), "16:19 runs is 0 | 1 or more"),
        (("", "calibration: { min_kappa: 1 }"), "16:27 min_kappa is 1 | from 0 to below 1"),
        (("", "calibration: { expires_after_days: 0 }"), "16:36 expires_after_days is 0 | days above 0"),
        (("", "baseline: { stale_after_days: 0 }"), "16:31 stale_after_days is 0 | days above 0, or null"),
        (("", "run: { max_concurrency: 0 }"), "16:25 max_concurrency is 0 | 1 or more"),
        (("", "run: { retries: -1 }"), "16:17 retries is -1 | 0 or more"),
        (("", "run: { repeats: 0 }"), "16:17 repeats is 0 | 1 or more"),
        (("", "run: { deadline_s: 0 }"), "16:20 deadline_s is 0.0 | seconds above 0"),
        (("", "run: { retry_share: -0.1 }"), "16:21 retry_share is -0.1 | 0 or more"),
        (("", "run: { cache_mb: 0.5 }"), "16:18 cache_mb is 0.5 | 1 or more"),
        (("", "run: { tokens_per_minute: 0 }"), "16:27 tokens_per_minute is 0 | above 0, or null for any"),
        (("", "budget: { max_cost_usd: 0 }"), "16:25 max_cost_usd is 0 | above 0, or null for any amount"),
        (("", "budget: { max_minutes: -2.5 }"), "16:24 max_minutes is -2.5 | above 0, or null for any"),
        (("", "run: { looks: [0.3, 1] }"), "16:16 a look at 0.3 of the cases | a share from 0.4 to 1"),
        (("", "run: { looks: [0.5, 1.5] }"), "16:21 a look at 1.5 of the cases | a share from 0.4 to 1"),
        (("", "run: { looks: [0.6, 0.5, 1] }"), "16:15 the looks do not rise | write the smallest"),
        (("", "run: { looks: [0.6, 0.6, 1] }"), "16:15 the looks do not rise | write the smallest"),
        (("", "run: { looks: [0.4, 0.8] }"), "16:15 the last look is not at 1 | end with 1.0: all cases"),
        (
            ("", "run: { looks: [] }"),
            "16:15 the last look is not at 1 | end with 1.0: all cases; [1.0] alone",
        ),
        (
            ("", f"run: {{ looks: [{', '.join(f'0.{n}' for n in range(50, 60))}, 1] }}"),
            "16:15 11 looks | 10 at most",
        ),
        (("  - path: cases.jsonl", "  []"), "4:3 'goldens' is empty | name at least one"),
        (("[recall@5, latency_s]", "[]"), "8:10 'metrics' is empty | name at least one"),
        (
            ("  - path: cases.jsonl", "  - path: cases.jsonl\n    split: test"),
            "5:12 split goes with `format: datasets` | select cases by a slice from `split`",
        ),
        (
            ("  - path: cases.jsonl", "  - path: cases.jsonl\n    fields: { question: q, inptu: q }"),
            "5:25 unknown field 'question' | valid names",
        ),
        (
            ("  - path: cases.jsonl", "  - path: cases.jsonl\n    fields: { metadata: m, metadata.a: a }"),
            "5:40 field 'metadata.a' and the whole of it | keep one of them",
        ),
    ],
)
def test_what_a_suite_cannot_mean_is_told(tmp_path: Path, change: tuple[str, str], told_as: str) -> None:
    """Names must exist and be names, numbers must be in range."""
    assert told(faults(tmp_path, changed(change)))[0].startswith(told_as)


def test_many_faults_are_told_at_once(tmp_path: Path) -> None:
    """Keys and types first, then meaning: each time all of them."""
    text = changed(
        ("suite: demo", "suite: 5"), ("    min: 0.5", "    mim: 0.5"), ("", "alpha: x"), ("", "b: 1")
    )
    found = {entry.partition(" ")[0] for entry in told(faults(tmp_path, text))}
    assert found == {"2:8", "15:5", "16:8", "17:1"}
    text = changed(("suite: demo", "suite: A"), ("latency_s]", "latency]"), ("", "alpha: 2"))
    assert len(faults(tmp_path, text)) == 3


def test_a_fault_of_the_system_is_told_once(tmp_path: Path) -> None:
    """Candidates inherit what is wrong in the system; only what they add themselves is told of them."""
    text = changed(
        ("  url: http://localhost/ask", "  url: http://localhost/ask\n  headers: 5\n  zzzz: 1"),
        ("", "candidates: { a: { method: GET }, b: { method: GIT, yyyy: 1 } }"),
    )
    assert [entry.partition(" |")[0] for entry in told(faults(tmp_path, text))] == [
        "9:3 unknown key 'zzzz' in system",
        "8:12 'system.headers': expected `object`, got `int`",
        "18:53 unknown key 'yyyy' in candidates.b",
        "18:48 'candidates.b.method': invalid enum value 'GIT'",
    ]


def test_a_candidate_is_the_system_with_its_changes(tmp_path: Path) -> None:
    """Options are merged, paths are found from the suite's folder, and what was written is kept."""
    text = with_system("{ adapter: reference, corpus: data/corpus.jsonl, top_k: 5 }")
    file = load(tmp_path, text + "candidates: { wide: { top_k: 9, refuse_terms: ../terms.txt } }\n")
    plain, wide = choose_system(file, ""), choose_system(file, "wide")
    assert plain.written == {"corpus": "data/corpus.jsonl", "top_k": 5}
    assert (plain.options["top_k"], plain.options["refuse_terms"]) == (5, None)
    assert wide.options["top_k"] == 9
    corpus = (tmp_path / "data/corpus.jsonl").resolve()
    assert wide.files == {"corpus": corpus, "refuse_terms": (tmp_path.parent / "terms.txt").resolve()}
    assert wide.options["corpus"] == corpus
    assert (wide.candidate, wide.adapter) == ("wide", "reference")
    with pytest.raises(SuiteError, match=r"no candidate 'wild' in the suite: did you mean 'wide'\?"):
        choose_system(file, "wild")


def test_f24_references_to_the_environment_stay_as_written(tmp_path: Path) -> None:
    """A suite is read without its secrets: they are looked up when the system is asked."""
    file = load(tmp_path, changed(("  url: http://localhost/ask", '  url: "${env:NOT_SET_AT_ALL}"')))
    assert choose_system(file, "").options["url"] == "${env:NOT_SET_AT_ALL}"


def test_the_suites_that_ship_are_valid() -> None:
    """Every suite of the project is read."""
    folder = Path(__file__).parents[2] / "suites"
    assert [load_suite(path).suite.suite for path in sorted(folder.glob("*.yaml"))]


KEYS = [
    "{ adapter: openai_chat, base_url: http://localhost/v1, model: m, prompt: p.txt, api_key: sk-1 }",
    "{ adapter: http, url: http://localhost/ask, headers: { AUTHORIZATION: Bearer x } }",
    "{ adapter: http, url: http://localhost/ask, headers: { X-Api-Key: '${env:KEY}' } }",
    "{ adapter: 'mine:connect', token: abc }",
]


@pytest.mark.parametrize("system", KEYS)
def test_f24_a_key_that_is_written_out_is_refused(tmp_path: Path, system: str) -> None:
    """It would stand in every report; and what comes from the environment by ``env`` is not hidden."""
    (found,) = faults(tmp_path, with_system(system))
    assert (found.what, found.mend) == ("a key in the suite would be recorded", "write ${secret:NAME}")
    assert found.place is not None
    assert (found.place.line, found.place.column is not None) == (5, True)


def test_f24_a_key_of_a_candidate_is_refused_too(tmp_path: Path) -> None:
    """And one by reference is what is wanted, also behind a word."""
    reference = "candidates: { b: { headers: { Authorization: 'Bearer ${secret:KEY}', X-Trace: abc } } }"
    assert load(tmp_path, changed(("", reference))).suite.candidates["b"]
    (found,) = faults(tmp_path, changed(("", reference.replace("${secret:KEY}", "abc"))))
    assert found.what == "a key in the suite would be recorded"
