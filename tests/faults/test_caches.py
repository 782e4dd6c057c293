"""F35: what is kept is found again for the very same question to the very same system, and for no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec
import pytest
from project import SUITE, call, call_inside, copy_project, make_project, nobody, write_lines

from harness.api.asking import Plan
from harness.api.beginning import RunOptions, plan_run
from harness.api.identifying import system_key
from harness.api.keeping import Answers, Keeping, end_keeping
from harness.api.validating import validate
from harness.recordings import read
from harness.suites.suite import choose_system
from harness.types import Citation, Message, Passage, Query, Response, Timings

QUERY = Query("q1", "What is fact 1?", (Message("user", "Hello."),), (Passage("d1", "fact 1 is 1.", 1),))
RESPONSE = Response(
    "fact 1 is 1.", (Passage("d1", "fact 1 is 1.", 1),), citations=(Citation("d1"),), timings=Timings(0.5)
)
"""Every kind of thing that a response holds."""

SUITES = {
    "http": """
  adapter: http
  url: "${env:RAG_URL}/ask"
  headers: { Authorization: "Bearer ${secret:RAG_TOKEN}", X-Mode: "a" }
  request: { question: $.input, top_k: 5 }
""",
    "openai_chat": """
  adapter: openai_chat
  base_url: "${env:RAG_URL}/v1"
  model: small
  prompt: ../prompt.md
  retriever: my_code.retrieval:retrieve
  temperature: 0.0
""",
    "process": """
  adapter: process
  command: [python3, worker.py, --top-k, "5"]
  env: { MODE: a }
""",
    "python": """
  adapter: python
  target: my_code:answer
""",
    "own": """
  adapter: my_code.adapter:connect
  index: ../index
  top_k: 5
""",
}
GATED = "metrics: [error_rate]\ngates: [{ id: errors, metric: error_rate, max: 0.1 }]\n"
CODE = """
from contextlib import contextmanager
from pathlib import Path

@contextmanager
def connect(*, index: Path, top_k: int = 5):
    yield lambda query: "x"
"""


def project(folder: Path, name: str) -> Path:
    """A project with a system of every kind, and everything that its answers depend on."""
    for part in ("suites", "goldens", "my_code", "index/parts", ".hidden", "env"):
        (folder / part).mkdir(parents=True)
    text = f"version: 1\nsuite: s\ngoldens: [{{path: ../goldens/cases.jsonl}}]\nsystem:{SUITES[name]}"
    (folder / SUITE).write_text(f"{text}{GATED}")
    write_lines(folder / "goldens/cases.jsonl", [{"id": "q1", "input": "What is fact 1?"}])
    files = {"prompt.md": "## user\n{question}\n", "index/parts/0": "facts", "worker.py": "# asks\n"}
    files |= {"my_code/__init__.py": "def answer(query): ...\n", "helpers.py": "K = 1\n", "notes.txt": ""}
    files |= {"my_code/adapter.py": CODE, "my_code/retrieval.py": "def retrieve(query): ...\n"}
    files |= {"env/pyvenv.cfg": "", "env/other.py": ""}
    for path, content in files.items():
        (folder / path).write_text(content)
    return folder


def key_of(folder: Path, env: dict[str, str]) -> str:
    """The key of the suite's system, as a run would have it; the user's modules are not left loaded."""
    before, path = set(sys.modules), list(sys.path)
    os.environ.update(env)
    try:
        with chdir(folder):
            sys.path.insert(0, str(folder))
            checked = validate(Path(SUITE))
            system = choose_system(checked.file, "")
            run, _ = plan_run(Plan(checked.file, checked.dataset, system), RunOptions(run_id="r"))
            return system_key(run, system)
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if name.startswith("my_code"):
                del sys.modules[name]
        for name in env:
            del os.environ[name]


def swap(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))

    return change


def add(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).write_text("new\n") and None


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "method": ("http", swap(SUITE, "/ask\"", "/ask\"\n  method: PUT")),
    "path": ("http", swap(SUITE, "/ask", "/answer")),
    "header": ("http", swap(SUITE, 'X-Mode: "a"', 'X-Mode: "b"')),
    "which secret": ("http", swap(SUITE, "RAG_TOKEN", "RAG_KEY")),
    "request": ("http", swap(SUITE, "top_k: 5", "top_k: 6")),
    "limit": ("http", swap(SUITE, "/ask\"", "/ask\"\n  response_bytes: 1000")),
    "adapter": ("http", lambda folder: (folder / SUITE).write_text(
        (folder / SUITE).read_text().replace(SUITES["http"], SUITES["python"])) and None),
    "model": ("openai_chat", swap(SUITE, "small", "large")),
    "temperature": ("openai_chat", swap(SUITE, "0.0", "0.5")),
    "prompt file": ("openai_chat", swap("prompt.md", "{question}", "{question}?")),
    "retriever": ("openai_chat", swap("my_code/retrieval.py", "...", "[]")),
    "argument": ("process", swap(SUITE, '"5"', '"6"')),
    "its environment": ("process", swap(SUITE, "MODE: a", "MODE: b")),
    "program": ("process", swap("worker.py", "# asks", "import sys")),
    "what the program imports": ("process", swap("helpers.py", "K = 1", "K = 2")),
    "function": ("python", swap("my_code/__init__.py", "...", "pass")),
    "module beside it": ("python", swap("my_code/retrieval.py", "...", "[]")),
    "module elsewhere": ("python", swap("helpers.py", "K = 1", "K = 2")),
    "new module": ("python", add("more.py")),
    "own adapter": ("own", swap("my_code/adapter.py", '"x"', '"y"')),
    "own option": ("own", swap(SUITE, "top_k: 5", "top_k: 6")),
    "file in a folder": ("own", swap("index/parts/0", "facts", "Facts")),
    "new file in a folder": ("own", add("index/parts/1")),
}  # fmt: skip
ENV = {"RAG_URL": "http://127.0.0.1:9"}


@pytest.mark.parametrize(("name", "change"), CHANGES.values(), ids=CHANGES)
def test_f35_a_change_of_one_thing_of_the_system_is_a_miss(
    name: str, change: Callable[[Path], None], tmp_path: Path
) -> None:
    """Any option, prompt, file or code of a system makes it another one; before and after are stable."""
    folder = project(tmp_path / "p", name)
    before = key_of(folder, ENV)
    assert key_of(folder, ENV) == before
    change(folder)
    after = key_of(folder, ENV)
    assert after != before
    assert key_of(folder, ENV) == after


def test_f35_what_the_environment_stands_for_is_part_of_the_key_and_secrets_are_not(tmp_path: Path) -> None:
    """Another address is another system; a key may be another, or none."""
    folder = project(tmp_path / "p", "http")
    before = key_of(folder, ENV)
    assert key_of(folder, {"RAG_URL": "http://127.0.0.1:8"}) != before
    assert key_of(folder, {**ENV, "RAG_TOKEN": "another-key-1234"}) == before


@pytest.mark.parametrize("path", ["notes.txt", "env/other.py", ".hidden/x.py", "goldens/cases.jsonl"])
def test_f35_what_is_no_part_of_the_system_is_no_miss(path: str, tmp_path: Path) -> None:
    """Nor is where the project lies: a cache that is committed is found by whoever checks it out."""
    folder = project(tmp_path / "p", "python")
    before = key_of(folder, {})
    (folder / path).write_text('{"id": "q2", "input": "Else?"}\n' if path.startswith("goldens") else "new\n")
    assert key_of(folder, {}) == before
    assert key_of(Path(shutil.move(folder, tmp_path / "elsewhere")), {}) == before


@pytest.mark.parametrize(
    ("changes", "repeat"),
    [
        ({"id": "q2"}, 0),
        ({"input": "What is fact 1 ?"}, 0),
        ({"history": (Message("assistant", "Hello."),)}, 0),
        ({"history": ()}, 0),
        ({"contexts": (Passage("d1", "fact 1 is 2.", 1),)}, 0),
        ({"contexts": (Passage("d2", "fact 1 is 1.", 1),)}, 0),
        ({}, 1),
    ],
)
def test_f35_a_change_of_one_thing_of_the_question_is_a_miss(
    changes: dict[str, Any], repeat: int, tmp_path: Path
) -> None:
    """All that a system may see of a case, and which repeat it is; repeats stay different answers."""
    answers = Answers(tmp_path, "system")
    answers.put(QUERY, 0, RESPONSE)
    assert answers.get(QUERY, 0) == msgspec.structs.replace(RESPONSE, cached=True)
    assert answers.get(msgspec.structs.replace(QUERY, **changes), repeat) is None
    assert Answers(tmp_path, "other").get(QUERY, 0) is None


def test_f35_a_damaged_entry_is_a_miss_and_is_mended(tmp_path: Path) -> None:
    """Cut at any place, or with any one bit flipped."""
    answers = Answers(tmp_path, "system")
    answers.put(QUERY, 0, RESPONSE)
    (path,) = tmp_path.rglob("*.json")
    whole = path.read_bytes()
    damaged = [whole[:end] for end in range(len(whole))]
    damaged += [whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :] for at in range(len(whole))]
    for content in damaged:
        path.write_bytes(content)
        assert answers.get(QUERY, 0) is None
    answers.put(QUERY, 0, RESPONSE)
    assert path.read_bytes() == whole


WRITER = """
import sys
from pathlib import Path
from harness.api.keeping import Answers, Keeping, end_keeping
from harness.types import Query, Response
answers = Answers(Path(sys.argv[1]), "system")
while Path(sys.argv[2]).exists():
    answers.put(Query("q", "?"), 0, Response(sys.argv[3] * 20_000))
"""


def test_f35_processes_may_write_the_same_entry_at_once(tmp_path: Path) -> None:
    """Whoever reads finds one whole answer or the other, and no file is left over."""
    going = tmp_path / "going"
    going.touch()
    command = [sys.executable, "-c", WRITER, str(tmp_path / "cache"), str(going)]
    writers = [subprocess.Popen([*command, letter]) for letter in "ab"]
    answers, seen = Answers(tmp_path / "cache", "system"), set[str]()
    try:
        while seen != {"a", "b"}:
            assert all(writer.poll() is None for writer in writers)
            found = answers.get(Query("q", "?"), 0)
            if found is None:
                assert not seen  # once there, it is always there
                continue
            (letter,) = set(found.output or "")
            seen.add(letter)
    finally:
        going.unlink()
        codes = [writer.wait(timeout=20) for writer in writers]
    assert codes == [0, 0]
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 1


def test_f35_errors_are_not_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A case that failed is asked again by the next run, and only that."""
    folder = make_project(tmp_path / "p")
    arguments = ("run", SUITE, "--candidate", "mended", "--cache", "-q", "--json", "--run-id")
    first = json.loads(call_inside(capsys, folder, *arguments, "a").out)["accounting"]
    assert (first["answered"], first["system_error"]) == (42, 18)
    (folder / "mended").touch()
    assert json.loads(call_inside(capsys, folder, *arguments, "b").out)["accounting"]["answered"] == 60
    asked = (folder / "calls.txt").read_text().split()
    assert len(asked) == 60 + 18
    assert len(set(asked[60:])) == 18


def test_f35_the_cache_changes_no_result(tmp_path: Path) -> None:
    """The report from a warm cache is that from a cold one, byte for byte, but for the line that says so."""
    cold = make_project(tmp_path / "cold")
    arguments = ("check", SUITE, "--candidate", "worse", "--run-id", "r", "--cache-dir", "kept", "--cache")
    env = {"SOURCE_DATE_EPOCH": "1000000000"}
    first = call(*arguments, cwd=cold, **env)
    warm = copy_project(cold, tmp_path / "warm")
    second = call(*arguments, cwd=warm, **env)
    assert first.code == second.code
    assert "asked again when its code here changes" in first.words
    assert "60 of 60 answers came from a cache" in second.words
    reports = [json.loads((folder / "reports/runs/r/report.json").read_bytes()) for folder in (cold, warm)]
    said = [notice for notice in reports[1]["notices"] if "came from a cache" in notice]
    reports[1]["notices"].remove(*said)
    assert json.dumps(reports[0]) == json.dumps(reports[1]).replace('"cached": true, ', "")


def test_f35_a_suite_may_ask_for_the_cache_and_the_command_line_has_the_last_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`run: { cache: true }`, --no-cache, and what excludes each other."""
    folder = make_project(tmp_path / "p")
    swap(SUITE, "run: { max_concurrency: 2 }", "run: { max_concurrency: 2, cache: true }")(folder)

    def calls(*options: str) -> int:
        before = len((folder / "calls.txt").read_text().split()) if (folder / "calls.txt").exists() else 0
        assert call_inside(capsys, folder, "run", SUITE, "--candidate", "slow", "-q", *options).code == 0
        return len((folder / "calls.txt").read_text().split()) - before

    assert [calls("--limit", "4"), calls("--limit", "4"), calls("--limit", "4", "--no-cache")] == [4, 0, 4]
    assert [calls("--limit", "4", "--repeat", "2"), calls("--limit", "4", "--repeat", "2")] == [4, 0]
    refused = call_inside(capsys, folder, "run", SUITE, "--cache", "--no-cache")
    assert refused.code == 2
    assert "--no-cache and --cache exclude each other" in refused.words


def test_f35_the_same_answers_again_are_no_further_run_of_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A baseline of several runs wants runs that were asked; one alone may have its answers from a cache."""
    folder = make_project(tmp_path / "p")
    for name in "ab":
        assert call_inside(capsys, folder, "run", SUITE, "-q", "--cache", "--run-id", name).code == 0
    refused = call_inside(capsys, folder, "baseline", "promote", "a", "b", "--reason", "x")
    assert refused.code != 0
    assert "run 'b': answers came from a cache" in refused.words
    assert "run 'a': answers came" not in refused.words
    assert call_inside(capsys, folder, "baseline", "promote", "b", "--reason", "x").code == 0


def test_f35_a_fresh_sample_of_the_baseline_is_asked_afresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether a baseline still holds is not to be read from a cache; with --cache-only it cannot be asked."""
    folder = make_project(tmp_path / "p")
    assert call_inside(capsys, folder, "run", SUITE, "-q", "--cache", "--run-id", "a").code == 0
    assert call_inside(capsys, folder, "baseline", "promote", "a", "--reason", "x").code == 0
    check = ("check", SUITE, "-q", "--fresh", "0.5", "--no-early-stop", "--run-id")
    assert call_inside(capsys, folder, *check, "b", "--cache").code in {0, 1, 3}
    main, beside = (read(folder / "reports/runs/b" / name) for name in ("recording.jsonl", "fresh.jsonl"))
    assert all(result.response.cached for result in main.results)
    assert len(beside.results) >= 30
    assert not any(result.response.cached for result in beside.results)
    refused = call_inside(capsys, folder, *check, "c", "--cache-only")
    assert refused.code == 2
    assert "with --cache-only nobody is asked" in refused.words


def held(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, and when it was last used."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_f35_a_cache_takes_no_more_disk_than_the_suite_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said in one line, once, and only where something went; what this run has used is told apart."""
    folder = make_project(tmp_path / "p")
    bounded = swap(SUITE, "max_concurrency: 2", "max_concurrency: 8, cache_mb: 1")
    arguments = ("run", SUITE, "-q", "--cache", "--repeat", "5", "--run-id")
    first = call_inside(capsys, folder, *arguments, "a")
    assert "is full" not in first.words
    before = held(folder / "reports/response-cache")
    assert len(before) == 300
    for path, (used_ns, _) in before.items():
        os.utime(path, ns=(used_ns, used_ns - 60 * 10**9))
    bounded(folder)
    few = call_inside(capsys, folder, "run", SUITE, "-q", "--cache", "--limit", "7", "--run-id", "b")
    (line,) = [line for line in few.err.splitlines() if "cache_mb" in line]
    assert line == (
        "note: reports/response-cache is full (1 MB, run.cache_mb): deleted the 56 entries unused for longest"
    )
    after = held(folder / "reports/response-cache")
    assert len(after) == 244
    assert after.keys() < before.keys()
    again = call_inside(capsys, folder, "run", SUITE, "-q", "--cache", "--limit", "7", "--run-id", "c")
    assert "7 of 7 answers came from a cache" in again.words
    assert "is full" not in again.words
    third = call_inside(capsys, folder, *arguments, "d")
    assert "deleted the 56 entries unused for longest, 56 of this run" in third.words


def test_f35_where_nobody_is_asked_the_caches_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--cache-only deletes and writes nothing, to the times of the files; otherwise a hit is a use."""
    folder = make_project(tmp_path / "p")
    arguments = ("run", SUITE, "-q", "--repeat", "5", "--run-id")
    assert call_inside(capsys, folder, *arguments, "a", "--cache").code == 0
    swap(SUITE, "max_concurrency: 2", "max_concurrency: 8, cache_mb: 1")(folder)
    before = held(folder / "reports/response-cache")
    only = call_inside(capsys, folder, *arguments, "b", "--cache-only")
    assert only.code == 0
    assert "is full" not in only.words
    assert held(folder / "reports/response-cache") == before
    swap(SUITE, "cache_mb: 1", "cache_mb: 100")(folder)
    assert call_inside(capsys, folder, *arguments, "c", "--cache").code == 0
    after = held(folder / "reports/response-cache")
    assert {path: content for path, (_, content) in after.items()} == {
        path: content for path, (_, content) in before.items()
    }
    assert all(after[path][0] > before[path][0] for path in before)


def test_f35_nobody_is_asked_where_no_answer_was_ever_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 for a folder that is not there, as where its name is mistyped: nothing is run, nothing is made."""
    folder = make_project(tmp_path / "p")
    assert call_inside(capsys, folder, "run", SUITE, "-q", "--cache", "--cache-dir", "kept").code == 0
    for verb, *more in (("run",), ("check",), ("run", "--shard", "1/2", "--run-id", "x")):
        ended = call_inside(capsys, folder, verb, SUITE, "-q", "--cache-only", "--cache-dir", "keep", *more)
        assert ended.code == 2
        assert "no answers are kept in keep/response-cache" in ended.words
        assert "name their folder by --cache-dir" in ended.words
    assert not (folder / "keep").exists()
    assert len(list((folder / "reports/runs").iterdir())) == 1


def test_f10_a_cache_that_cannot_be_made_smaller_is_told_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says by how much it is too large, and why."""
    shelf = tmp_path / "reports/judge-cache/ab"
    shelf.mkdir(parents=True)
    for number in range(300):
        (shelf / f"ab{number:062x}.json").write_text("x")
    shelf.chmod(0o555)
    try:
        with chdir(tmp_path / "reports"), nobody():
            end_keeping(Keeping(Path("judge-cache"), most_mb=1.0))
    finally:
        shelf.chmod(0o755)
    (line,) = capsys.readouterr().err.splitlines()
    assert "judge-cache is 0.2 MB too large (1 MB, run.cache_mb), and nothing can be deleted there: " in line
    assert len(list(shelf.iterdir())) == 300
