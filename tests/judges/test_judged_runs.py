"""A suite with judged metrics, from command line to recording: cache, faults, interruption, secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guides import code
from judge_stub import Reply, Stub, judge_soundly, stub_judge
from judged_project import EVERY, RUBRICS, harness, run_and_read, scores_of, write_project
from project import call, clean_env

from harness.cache import measure
from harness.recordings import read


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_judge() as running:
        yield running


@pytest.mark.parametrize("output", ["json_schema", "json", "text", "logprob"])
def test_every_metric_in_every_form(stub: Stub, output: str, tmp_path: Path) -> None:
    """Each metric has its value on each case, who judged it, and the judge in the run's identity."""
    folder = write_project(tmp_path / "p", stub.url, metrics=EVERY, rubrics=RUBRICS, judge={"output": output})
    found = run_and_read(folder, "r")
    values = {name: [found[f"c{n}", name].value for n in range(1, 7)] for name in EVERY}
    right = [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    assert values["judged_faithfulness"] == values["answer_correctness"] == right
    assert all(
        values[name] == [1.0] * 6
        for name in EVERY
        if name not in ("judged_faithfulness", "answer_correctness")
    )
    run = read(folder / "reports/runs/r/recording.jsonl").run
    assert set(run.judges) == set(EVERY)
    assert len(set(run.judges.values())) == len(EVERY)
    for (_, name), score in found.items():
        assert [judge["fingerprint"] for judge in score.details["judges"]] == [run.judges[name]]


def test_the_cache_changes_no_score_and_saves_every_call(stub: Stub, tmp_path: Path) -> None:
    """Scores and details are the same with it, from it, and without it."""
    folder = write_project(tmp_path / "p", stub.url, metrics=EVERY, rubrics=RUBRICS, judge={"repeats": 2})
    first, asked = run_and_read(folder, "a"), stub.count
    assert run_and_read(folder, "b") == first
    assert stub.count == asked
    assert run_and_read(folder, "c", "--no-cache") == first
    assert stub.count >= 2 * asked  # what is asked twice within a run is asked twice


def test_verdicts_are_looked_for_where_the_command_line_says(stub: Stub, tmp_path: Path) -> None:
    """`score` and `judge canaries` use --cache-dir as `run` does; with --cache-only no judge is asked."""
    folder = write_project(tmp_path / "p", stub.url)
    first, asked = run_and_read(folder, "a", "--cache-dir", "kept"), stub.count
    kept = ("--cache-dir", "kept")
    assert harness(folder, "score", "a", "-q", "--run-id", "b", *kept) == 0
    assert harness(folder, "score", "a", "-q", "--run-id", "c", "--cache-only", *kept) == 0
    assert stub.count == asked
    assert scores_of(folder, "b") == scores_of(folder, "c") == first
    assert harness(folder, "score", "a", "-q", "--run-id", "d", "--cache-only") == 0
    assert stub.count == asked
    assert {score.status for score in scores_of(folder, "d").values()} == {"judge_error"}
    assert not (folder / "reports/judge-cache").exists()
    assert harness(folder, "judge", "canaries", "suite.yaml", "-q", *kept) == 0
    asked = stub.count
    assert harness(folder, "judge", "canaries", "suite.yaml", "-q", *kept) == 0
    assert stub.count == asked
    assert harness(folder, "judge", "canaries", "suite.yaml", "-q", "--no-cache", *kept) == 0
    assert stub.count > asked


def test_verdicts_take_no_more_disk_than_the_suite_says(
    stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks judges holds their cache to its size: a run, scoring again, canaries."""
    folder = write_project(tmp_path / "p", stub.url, run={"cache_mb": 1, "max_concurrency": 2})
    cache = folder / "reports/judge-cache"

    def fill() -> None:
        """Entries of nobody's, in more blocks than a megabyte has, not used for an hour."""
        for number in range(300):
            path = cache / f"{number % 256:02x}" / f"{number % 256:02x}{number:062x}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            os.utime(path, (time.time() - 3600,) * 2)

    for arguments in (
        ("run", "suite.yaml", "-q"),
        ("score", "last", "-q"),
        ("judge", "canaries", "suite.yaml"),
    ):
        fill()
        assert harness(folder, *arguments) == 0
        assert "reports/judge-cache is full (1 MB, run.cache_mb): deleted the " in capsys.readouterr().err
        assert measure(cache).entries == 244
        assert harness(folder, *arguments) == 0
        assert "is full" not in capsys.readouterr().err


def test_scoring_again_asks_judges_only_what_is_new(stub: Stub, tmp_path: Path) -> None:
    """Verdicts of the same judge come from the cache; a judge that was changed is asked again."""
    folder = write_project(tmp_path / "p", stub.url, metrics=EVERY, rubrics=RUBRICS)
    first, asked = run_and_read(folder, "a"), stub.count
    assert harness(folder, "score", "a", "-q", "--run-id", "b") == 0
    assert (scores_of(folder, "b"), stub.count) == (first, asked)
    write_project(folder, stub.url, metrics=EVERY, rubrics=RUBRICS, judge={"model": "m2"})
    assert harness(folder, "score", "a", "-q", "--run-id", "c") == 0
    assert stub.count == 2 * asked
    fingerprints = {run: read(folder / f"reports/runs/{run}/recording.jsonl").run.judges for run in "abc"}
    assert fingerprints["a"] == fingerprints["b"]
    assert not set(fingerprints["a"].values()) & set(fingerprints["c"].values())
    assert {key: score.value for key, score in scores_of(folder, "c").items()} == {
        key: score.value for key, score in first.items()
    }


def test_f6_a_judge_that_gives_no_verdict_is_a_judge_error(stub: Stub, tmp_path: Path) -> None:
    """On the cases where it fails; the others keep their values, and the share scored decides no pass."""

    def script(request: dict[str, Any]) -> Reply:
        return (
            Reply("whatever") if "order 3 " in request["messages"][-1]["content"] else judge_soundly(request)
        )

    stub.script = script
    folder = write_project(tmp_path / "p", stub.url)
    found = run_and_read(folder, "r")
    failed = found["c3", "judged_faithfulness"]
    assert (failed.status, failed.value) == ("judge_error", None)
    assert "reply was refused" in failed.reason
    assert sum(score.status == "scored" for score in found.values()) == 5
    assert harness(folder, "gate", "r") == 3


def test_a_judge_error_is_asked_again_with_retry_errors(stub: Stub, tmp_path: Path) -> None:
    """What failed is asked again, and nothing else."""
    stub.script = lambda request: (
        Reply("?") if "order 3 " in str(request["messages"]) else judge_soundly(request)
    )
    folder = write_project(tmp_path / "p", stub.url)
    run_and_read(folder, "r")
    stub.script, before = judge_soundly, stub.count
    assert harness(folder, "run", "suite.yaml", "-q", "--resume", "r", "--retry-errors") == 0
    assert stub.count == before + 1
    assert {score.status for score in scores_of(folder, "r").values()} == {"scored"}


def test_f24_keys_of_judges_reach_no_file_and_no_screen(tmp_path: Path) -> None:
    """Also where the service echoes the key, and where the system says it."""
    secret = "+".join(("s3cret", "of/judges=="))

    def script(request: dict[str, Any]) -> Reply:
        if "order 2 " in request["messages"][-1]["content"]:
            return Reply(status=401, body=json.dumps({"error": {"message": f"bad key {secret}"}}).encode())
        return judge_soundly(request)

    with stub_judge(script) as stub:
        stub.model = f"model {secret}"
        folder = write_project(tmp_path / "p", stub.url, judge={"api_key": "${secret:JUDGE_KEY}"})
        system = folder / "judged_system.py"
        system.write_text(
            system.read_text().replace('"output": said', f'"output": said + " Key {secret} 7."')
        )
        ended = call("check", "suite.yaml", "-q", "--run-id", "r", cwd=folder, JUDGE_KEY=secret)
        assert set(stub.keys) == {f"Bearer {secret}"}
    system.unlink()
    said = [ended.out.encode(), ended.err.encode()]
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) > 5
    assert all(secret.encode() not in text for text in [*said, *files])
    assert any(b"[secret]" in text for text in files)


def test_a_key_that_is_not_set_is_told_before_anything_is_asked(stub: Stub, tmp_path: Path) -> None:
    """By its name; no run is left behind."""
    folder = write_project(tmp_path / "p", stub.url, judge={"api_key": "${secret:JUDGE_KEY}"})
    ended = call("run", "suite.yaml", "-q", "--run-id", "r", cwd=folder)
    assert ended.code == 2
    assert "'JUDGE_KEY' is not set" in ended.err
    assert stub.count == 0
    assert not (folder / "reports/runs/r").exists()


def test_another_judge_is_another_run(stub: Stub, tmp_path: Path) -> None:
    """A run is not gone on with by another judge."""
    folder = write_project(tmp_path / "p", stub.url)
    run_and_read(folder, "r")
    write_project(folder, stub.url, judge={"model": "other"})
    ended = call("run", "suite.yaml", "-q", "--resume", "r", cwd=folder)
    assert ended.code == 2
    assert "the judges changed" in ended.err


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=clean_env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _wait_for(condition: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_f8_killed_amid_judging_and_resumed_pays_nothing_twice(stub: Stub, tmp_path: Path) -> None:
    """Each verdict that came back is asked for once; scores are those of a run without interruption."""
    settings: dict[str, Any] = {
        "run": {"max_concurrency": 1},
        "metrics": EVERY[:4],
        "judge": {"output": "logprob"},
    }
    whole = run_and_read(write_project(tmp_path / "whole", stub.url, 12, **settings), "r")
    folder = write_project(tmp_path / "killed", stub.url, 12, **settings)
    stub.requests.clear()
    kills = (3, 10, 23)
    for at in kills:
        before = stub.count
        stub.script = lambda request: judge_soundly(request)._replace(delay_s=0.02)
        resume = ["--resume", "r"] if (folder / "reports/runs/r").exists() else ["--run-id", "r"]
        process = _start(folder, "run", "suite.yaml", "-q", *resume)
        _wait_for(lambda at=before + at: stub.count >= at)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert 0 < len(scores_of(folder, "r")) < len(whole)
    stub.script = judge_soundly
    assert harness(folder, "run", "suite.yaml", "-q", "--resume", "r") == 0
    assert scores_of(folder, "r") == whole
    assert stub.count <= len(whole) + len(kills)  # one call a score here, and one in flight at each kill


def test_f14_a_second_interrupt_ends_amid_judging_at_once(stub: Stub, tmp_path: Path) -> None:
    """No thread waits for a judge that hangs, and what was recorded is kept."""
    stub.script = lambda request: judge_soundly(request)._replace(delay_s=60.0)
    folder = write_project(tmp_path / "p", stub.url, judge={"timeout_s": 60.0})
    process = _start(folder, "run", "suite.yaml", "-q", "--run-id", "r")
    _wait_for(lambda: stub.count >= 2)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 130, err
    assert b"Traceback" not in err


def test_f1_a_judge_that_hangs_holds_up_its_case_only(stub: Stub, tmp_path: Path) -> None:
    """The others are judged meanwhile; the one is a judge error after its time."""

    def script(request: dict[str, Any]) -> Reply:
        late = "order 2 " in request["messages"][-1]["content"]
        return judge_soundly(request)._replace(delay_s=30.0 if late else 0.0)

    stub.script = script
    began = time.monotonic()
    found = run_and_read(write_project(tmp_path / "p", stub.url, 12, judge={"timeout_s": 1.0}), "r")
    assert time.monotonic() - began < 15
    assert [key for key, score in found.items() if score.status == "judge_error"] == [
        ("c2", "judged_faithfulness")
    ]


def test_f6_corrupting_what_a_judge_says_never_makes_a_value_better(stub: Stub, tmp_path: Path) -> None:
    """A corrupted reply takes a value away; it never gives one that was not there."""
    corruptions = [
        lambda s: s[:-1],
        lambda s: f"```\n{s}\n```",
        lambda s: s + s,
        lambda s: s.replace("1", "true"),
    ]
    corruptions += [lambda s: s.replace('"supported"', "1.0"), lambda s: s.replace('"supported"', "NaN")]
    folder = write_project(tmp_path / "p", stub.url)
    sound = run_and_read(folder, "sound")
    for number, corrupt in enumerate(corruptions):

        def script(request: dict[str, Any], corrupt: Any = corrupt) -> Reply:
            reply = judge_soundly(request)
            last = request["messages"][-1]["content"]
            return (
                reply._replace(content=corrupt(reply.content))
                if "order 5" in last or "order 1" in last
                else reply
            )

        stub.script = script
        found = run_and_read(folder, f"r{number}", "--no-cache")
        for key, score in found.items():
            assert score.value is None or score.value == sound[key].value
        assert found["c1", "judged_faithfulness"].status == "judge_error"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"judges": {}}, "metric 'judged_faithfulness' needs a judge"),
        ({"judging": {"judged_faithfulness": {"judges": ["defualt"]}}}, "did you mean 'default'"),
        ({"judging": {"judged_faithfulness": {"judges": []}}}, "name each judge once"),
        ({"judging": {"judged_faithfulness": {"judges": ["default", "default"]}}}, "name each judge once"),
        ({"judging": {"judged_faithfulnes": {"judges": ["default"]}}}, "did you mean 'judged_faithfulness'"),
        (
            {
                "metrics": ["judged_faithfulness", "error_rate"],
                "judging": {"error_rate": {"judges": ["default"]}},
            },
            "no judge",
        ),
        ({"metrics": ["judged_faithfulness", "rubric:tone"]}, "no rubric 'tone'"),
        ({"metrics": ["judged_faithfulness", "rubric:"]}, "names no rubric"),
        ({"rubrics": {"tone": {"text": " ", "poor": "x", "fine": "x"}}}, "text is empty"),
        ({"rubrics": {"tone": {"text": "x", "poor": "x", "fine": "x", "high": 10}}}, "grades from 1 to 10"),
        ({"rubrics": {"tone": {"text": "x", "poor": "x", "fine": "x", "low": 5}}}, "grades from 5 to 5"),
        ({"judge": {"api_key": "sk-123"}}, "write ${secret:NAME}"),
        ({"judge": {"base_url": "host/v1"}}, "no http:// or https:// address"),
        ({"judge": {"output": "xml"}}, "output"),
        ({"judge": {"repeats": 0}}, "repeats is 0"),
        ({"judge": {"timeout_s": 0.0}}, "timeout_s is 0"),
        ({"judge": {"output": "logprob", "max_tokens": 9}}, "max_tokens says nothing"),
        ({"judge": {"usd_per_million_tokens": {"input": 1.0}}}, "needs the prices"),
        ({"judge": {"modle": "x"}}, "did you mean 'model'"),
    ],
)
def test_wrong_judges_are_told_with_their_line(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Nothing is run; the fault has file, line and column, and how to mend it."""
    folder = write_project(tmp_path / "p", "http://127.0.0.1:9/v1", **changes)
    ended = call("validate", "suite.yaml", cwd=folder)
    assert ended.code == 2
    assert message in ended.words
    assert "suite.yaml:" in ended.err


def test_a_judged_metric_of_the_users_own(stub: Stub, tmp_path: Path) -> None:
    """The guide's example is judged like ours, and told where its prompt is none."""
    (example,) = code("judges.md", "python")
    gate = {"id": "faithful", "metric": "judged_faithfulness", "min": 0.5, "bound": "point"}
    metrics = ["judged_faithfulness", "my_judged:grounded"]
    folder = write_project(tmp_path, stub.url, metrics=metrics, gates=[gate])
    (folder / "my_judged.py").write_text(example)
    try:
        found = run_and_read(folder, "r")
        assert [found[f"c{n}", "my_judged:grounded"].value for n in range(1, 7)] == [1, 1, 1, 1, 0, 1]
        assert found["c1", "my_judged:grounded"].details["judges"][0]["name"] == "default"
        sys.modules.pop("my_judged")
        (folder / "my_judged.py").write_text(example.replace('prompt="claims.v1"', 'prompt="claim.v1"'))
        assert harness(folder, "run", "suite.yaml", "-q") == 2
    finally:
        sys.modules.pop("my_judged", None)
