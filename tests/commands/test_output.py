"""What is written where: results on standard output, nothing that steers, any terminal, any pipe."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from project import (
    SUITE,
    Ended,
    World,
    call,
    call_all,
    call_inside,
    call_on_terminal,
    clean_env,
    copy_project,
)

EVIL = (
    "\x1b]0;owned\x07\x1b[31mred\x9b1mC1 \u202eltr\r::error::one\n::error file=x::two\n##[error]three\n"
    " ##vso[task.setvariable]x"
)
EVIL_SYSTEMS = f"""
EVIL = {EVIL!r}

def evil(query):
    print("debugging on standard output")
    if query.id == "q-002":
        raise ValueError(EVIL)
    return {{"output": EVIL + " value1", "retrieved": [{{"doc_id": "d0", "text": EVIL}}]}}
"""


@pytest.fixture(scope="session")
def evil(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose goldens, suite and answers try to steer whoever shows them."""
    folder = copy_project(world.folder, tmp_path_factory.mktemp("output") / "evil")
    with (folder / "mysystems.py").open("a") as file:
        file.write(EVIL_SYSTEMS)
    text = (folder / SUITE).read_text()
    text = text.replace("suite: tiny", f"suite: tiny\ndescription: {json.dumps(EVIL)}")
    (folder / SUITE).write_text(text.replace("mysystems:answer", "mysystems:evil"))
    lines = (folder / "goldens/cases.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines[:8]]
    for case in cases:
        case |= {"input": EVIL, "groups": {"language": EVIL}, "expected_output": EVIL}
    (folder / "goldens/cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    return folder


@pytest.fixture(scope="session")
def evil_checked(evil: Path) -> Ended:
    """The run that the tests below look at, beside another like it."""
    call("run", SUITE, "--run-id", "again", cwd=evil)
    return call_on_terminal("check", SUITE, "--run-id", "evil", "--intersect", cwd=evil, NO_COLOR="1")


def is_harmless(text: str) -> bool:
    """No control or bidi character but line feeds, and no line that a CI runner obeys."""
    steering = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    return not steering and not re.search(r"^\s*::|##(vso)?\[", text, re.MULTILINE)


def test_what_is_harmless() -> None:
    """The text used here is not; what is shown of it has escapes in it."""
    assert not is_harmless(EVIL)
    assert not is_harmless("  ::warning::x")
    assert not is_harmless("##[error]x")
    assert is_harmless("a \\x1b[31m b\n: :error")


def test_f19_f20_check_shows_hostile_text_inert(evil_checked: Ended) -> None:
    """Neither the terminal nor the CI runner obeys what a golden or an answer says."""
    assert evil_checked.code in (1, 3), evil_checked.err
    assert is_harmless(evil_checked.out)
    assert is_harmless(evil_checked.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "evil", "q-001"),
        ("show", "evil", "q-001", "--json"),
        ("show", "evil", "--errors"),
        ("gate", "evil", "--intersect"),
        ("gate", "evil", "--intersect", "--baseline", "evil"),
        ("compare", "evil", "again", "--intersect"),
        ("compare", "evil", "again", "--json"),
        ("runs", "show", "evil"),
        ("validate", SUITE),
        ("query", "select output, passages.text from responses, passages limit 2"),
        ("query", "select output, output from responses limit 2", "--format", "csv"),
        ("query", "select output as o from responses", "--format", "json"),
    ],
)
def test_f19_f20_no_command_shows_hostile_text_raw(
    evil: Path, evil_checked: Ended, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """Whatever looks at a run shows what it says, and does not obey it."""
    ended = call_inside(capsys, evil, *arguments)
    assert ended.code in (0, 1, 3), ended.err
    assert is_harmless(ended.out)
    assert is_harmless(ended.err)
    assert "owned" in ended.out or arguments[0] not in ("show", "query")


def test_a_hostile_lock_is_shown_inert(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lock file comes with a pull request: whatever text it holds is not obeyed."""
    folder = copy_project(world.folder, tmp_path / "project")
    path = folder / "suites/baselines/tiny.lock.json"
    lock = json.loads(path.read_text())
    lock |= dict.fromkeys(("reason", "promoted_at"), EVIL) | {"forced": [EVIL]}
    lock["runs"][0] |= {"revision": EVIL, "started_at": EVIL}
    path.write_text(json.dumps({**lock, "metrics": {EVIL: lock["metrics"]["recall@5"]}}))
    ended = call_inside(capsys, folder, "baseline", "show", SUITE)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("owned") == 5
    assert is_harmless(ended.out)


def test_wrapped_text_is_inert_on_every_line(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrapping brings no command to the beginning of a line."""
    folder = copy_project(world.folder, tmp_path / "project")
    lines = (folder / "goldens/cases.jsonl").read_text().splitlines()
    case = {**json.loads(lines[0]), "input": "::error::word " * 60}
    (folder / "goldens/cases.jsonl").write_text("\n".join([json.dumps(case), *lines[1:]]) + "\n")
    assert call_inside(capsys, folder, "run", SUITE, "--run-id", "wrapped", "--case", "q-000").code == 0
    ended = call_inside(capsys, folder, "show", "wrapped", "q-000")
    assert ended.out.count(":error::word") == 60
    assert is_harmless(ended.out)


def test_hostile_text_in_a_fault_is_inert(evil: Path, tmp_path: Path) -> None:
    """The faulty line of a suite is shown, with the caret still under its column."""
    folder = copy_project(evil, tmp_path / "project")
    evil_line = 'slices: { "\u202e::error::x": { form: tags } }'
    text = re.sub(r"slices:\n.*", evil_line, (folder / SUITE).read_text())
    (folder / SUITE).write_text(text)
    ended = call_on_terminal("check", SUITE, cwd=folder)
    assert ended.code == 2
    assert is_harmless(ended.err)
    line = next(line for line in ended.err.splitlines() if "form: tags" in line)
    caret = next(line for line in ended.err.splitlines() if "did you mean 'from'?" in line)
    assert line.index("form") == caret.index("^")


@pytest.mark.parametrize(
    "line",
    [
        f"validate {SUITE}",
        "gate worse",
        "compare same worse",
        "show worse q-001",
        "show worse --errors",
        f"baseline show {SUITE}",
        "runs list",
        "runs show worse",
        "doctor",
    ],
)
def test_every_json_is_one_document(world: World, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Nothing before it, nothing behind it, nothing on standard error."""
    ended = call_inside(capsys, world.folder, *line.split(), "--json")
    json.loads(ended.out)
    assert ended.out.endswith(("}\n", "]\n"))
    assert ended.err == ""


def test_json_is_alone_on_standard_output(evil: Path) -> None:
    """One document, whatever the system prints; progress and prints are on standard error."""
    ended = call("check", SUITE, "--json", "--intersect", cwd=evil)
    assert json.loads(ended.out)["run"]["suite_name"] == "tiny"
    assert ended.err.count("debugging on standard output") == 8
    assert "run 8/8" in ended.err


def test_json_on_a_stream_without_utf8(evil: Path, evil_checked: Ended) -> None:
    """What the stream cannot hold is escaped as JSON does, so that it is still JSON."""
    del evil_checked
    ended = call("gate", "evil", "--intersect", "--json", cwd=evil, PYTHONIOENCODING="ascii")
    assert ended.out.isascii()
    assert json.loads(ended.out)["title"] == EVIL


@pytest.fixture(scope="session")
def streams(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """The same report on all kinds of streams; each gate in a project of its own, for it keeps its report."""
    folder = tmp_path_factory.mktemp("streams")
    gate = ("gate", "worse", "--baseline", "same")
    kinds: dict[str, Callable[[Path], Ended]] = {
        "pipe": lambda cwd: call(*gate, cwd=cwd),
        "forced": lambda cwd: call(*gate, cwd=cwd, FORCE_COLOR="1"),
        "ascii": lambda cwd: call(*gate, cwd=cwd, PYTHONIOENCODING="ascii"),
        "terminal": lambda cwd: call_on_terminal(*gate, cwd=cwd),
        "dumb": lambda cwd: call_on_terminal(*gate, cwd=cwd, TERM="dumb"),
        "narrow": lambda cwd: call_on_terminal(*gate, cwd=cwd, columns=40, NO_COLOR="1"),
    }
    with ThreadPoolExecutor(3) as pool:
        waiting = {
            name: pool.submit(kind, Path(shutil.copytree(world.folder, folder / name)))
            for name, kind in kinds.items()
        }
        return {name: future.result() for name, future in waiting.items()}


def test_colour_stands_where_it_is_shown_and_wanted(streams: dict[str, Ended]) -> None:
    """On a terminal, or by FORCE_COLOR; not in pipes, by NO_COLOR, or on a dumb terminal."""
    assert {ended.code for ended in streams.values()} == {1}
    coloured = {name for name, ended in streams.items() if "\x1b[" in ended.out}
    assert coloured == {"forced", "terminal"}
    plain = re.sub(r"\x1b\[[\d;]*m", "", streams["terminal"].out)
    assert plain == streams["dumb"].out == streams["pipe"].out


def test_f37_ascii_streams_get_ascii(streams: dict[str, Ended]) -> None:
    """Our own signs have ASCII forms; nothing of ours is spelled out."""
    out = streams["ascii"].out
    assert out.isascii()
    assert "\\" not in out
    assert len(out.splitlines()) == len(streams["pipe"].out.splitlines())


def test_f37_narrow_terminals_are_not_exceeded(streams: dict[str, Ended]) -> None:
    """At 40 columns everything is wrapped but for paths and commands, which are copied."""
    lines = streams["narrow"].out.splitlines()
    assert [
        line for line in lines if len(line) > 40 and not re.match(r"  (one case|report|database) ", line)
    ] == []


def test_f37_other_commands_on_ascii_and_narrow_streams(world: World) -> None:
    """Tables, cases and progress too."""
    calls = (
        ("run", SUITE, "--limit", "2", "--run-id", "two"),
        ("show", "worse", "q-001"),
        ("query", "select reason from verdicts"),
        ("baseline", "show", SUITE),
    )
    for ended in call_all(calls, world.folder, PYTHONIOENCODING="ascii"):
        assert ended.code == 0, ended.err
        assert (ended.out + ended.err).isascii()
        assert "\\x" not in ended.out + ended.err
    shutil.rmtree(world.folder / "reports/runs/two")


@pytest.mark.parametrize(("name", "live"), [("ANY", True), ("CI", False), ("TERM", False)])
def test_progress_is_live_only_where_it_can_be(world: World, name: str, live: bool) -> None:
    """A bar on a terminal that takes itself away; one plain line in CI logs and on dumb terminals."""
    options = ("--limit", "2", "--reports", "bar", "--json")
    env = {name: "dumb"}
    ended = call_on_terminal("run", SUITE, *options, cwd=world.folder, columns=80, both=True, **env)
    assert ended.code == 0, ended.out
    assert ("\x1b[?25l" in ended.out) is live
    assert ended.out.count("  run 2/2\n") == 1
    assert json.loads(ended.out.splitlines()[-1])["accounting"]["answered"] == 2
    shutil.rmtree(world.folder / "bar")


def test_f14_a_reader_that_leaves_costs_nothing(world: World, tmp_path: Path) -> None:
    """`harness check | head`: no complaint, the exit code is the verdict, and the run is in the database."""
    folder = copy_project(world.folder, tmp_path / "project")
    command = [sys.executable, "-m", "harness", "check", SUITE, "--candidate", "worse", "--run-id", "left"]
    with subprocess.Popen(
        command, cwd=folder, env=clean_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read().decode()
    assert (process.returncode, err) == (1, "  run 60/60\n")
    asked = call("query", "select outcome from runs", "--format", "csv", cwd=folder)
    assert asked.out == "outcome\nfail\n"


def test_a_run_ends_without_a_word_of_what_python_left(world: World) -> None:
    """At its exit duckdb writes forty lines about leaks where a run left its objects frozen."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", "run", SUITE, "--limit", "2"],
        cwd=world.folder,
        env=clean_env(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"  run 2/2\n")


def test_output_that_cannot_be_written_is_a_fault(world: World) -> None:
    """4: a full disk behind standard output is not mistaken for success."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as file:
        done = subprocess.run(
            [sys.executable, "-m", "harness", "runs", "list"],
            cwd=world.folder,
            env=clean_env(),
            stdout=file,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 4
    assert b"standard output cannot be written" in done.stderr
