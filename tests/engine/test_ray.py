"""A Ray cluster of two nodes on this machine: one is killed, and the verdict is that of one machine."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from project import SUITE, call, clean_env, copy_project, make_project

from harness.engine.ray import MOST_RETRIES
from harness.engine.signals import STOP_GRACE_S

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: make test-ray"),
    pytest.mark.filterwarnings("ignore"),  # what ray's own files warn of is not ours
    pytest.mark.slow,
]

RENDERED = ("report.html", "report.md", "report.json", "junit.xml")
REPEATS = 20
CALLS = 60 * REPEATS
AT_ONCE = 8
"""Calls in flight: two on each of four CPUs."""
EPOCH = {"SOURCE_DATE_EPOCH": "1000000000"}
RUN = ("run", SUITE, "--candidate", "slow", "--run-id", "r", "--repeat", str(REPEATS), "-j", str(AT_ONCE))


class TwoNodes:
    """A cluster of two nodes with two CPUs each; a node that was killed is replaced by ``whole``."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 80_000_000}
        self.cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.second: Any = None
        self.address: str = self.cluster.address

    def whole(self) -> str:
        """Have both nodes up; gives the address."""
        if self.second is None:
            self.second = self.cluster.add_node(num_cpus=2, object_store_memory=80_000_000)
            self.cluster.wait_for_nodes()
        return self.address

    def kill_one(self) -> None:
        """Kill the second node with all its processes, unannounced."""
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.second = None


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    found = TwoNodes()
    yield found
    found.cluster.shutdown()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a baseline."""
    folder = make_project(tmp_path_factory.mktemp("ray") / "project")
    assert call("run", SUITE, "--run-id", "first", cwd=folder).code == 0
    assert call("baseline", "promote", "first", "--reason", "the first", cwd=folder).code == 0
    return folder


def start(folder: Path, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    from sys import executable

    return subprocess.Popen(
        [executable, "-m", "harness", *arguments],
        cwd=folder,
        env=clean_env(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def calls_in(folder: Path) -> Counter[str]:
    path = folder / "calls.txt"
    return Counter(path.read_text().split()) if path.is_file() else Counter()


def wait_for_calls(process: subprocess.Popen[bytes], folder: Path, n: int) -> None:
    until = time.monotonic() + 120
    while calls_in(folder).total() < n:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def asking_now(folder: Path) -> list[int]:
    """The processes of the nodes that ask a shard for a project."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            here = (path.parent / "cwd").readlink() == folder
            if here and path.read_bytes().startswith(b"ray::ask_on_node"):
                found.append(int(path.parent.name))
    return found


def add_candidate(folder: Path, line: str) -> None:
    text = (folder / SUITE).read_text()
    (folder / SUITE).write_text(text.replace("candidates:\n", f"candidates:\n  {line}\n"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "reports/runs/r" / name).read_bytes() for name in RENDERED}


def test_a_node_killed_in_mid_run_changes_no_verdict(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """Complete, the report byte for byte that of one machine, and asked twice at most what was in flight."""
    here, there = copy_project(project, tmp_path / "here"), copy_project(project, tmp_path / "there")
    local = call(*RUN, cwd=here, **EPOCH)
    assert local.code == 0, local.err
    process = start(there, *RUN, "--engine", "ray", RAY_ADDRESS=nodes.whole(), **EPOCH)
    wait_for_calls(process, there, CALLS // 3)
    nodes.kill_one()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    assert f"run {CALLS:,}/{CALLS:,} · 24 of 24 shards" in err.decode()
    asked = calls_in(there)
    assert len(asked) == 60
    assert CALLS <= asked.total() <= CALLS + AT_ONCE // 2
    gates = [call("gate", "r", cwd=folder, **EPOCH) for folder in (here, there)]
    assert gates[0].code == gates[1].code == 1
    assert gates[0].out == gates[1].out
    assert files_of(here) == files_of(there)
    assert not (there / "reports/runs/r/shards").exists()


def test_f14_a_signal_keeps_what_is_done(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """130, and how to go on; gone on with, nothing that was answered is asked again."""
    folder = copy_project(project, tmp_path / "project")
    env = {"RAY_ADDRESS": nodes.whole()}
    process = start(folder, *RUN, "--engine", "ray", **env)
    wait_for_calls(process, folder, CALLS // 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert "of 24 shards are done" in err.decode()
    assert "the same command with --resume r goes on" in err.decode()
    again = [part for part in RUN if part not in ("--run-id", "r")]
    ended = call(*again, "--resume", "r", "--engine", "ray", cwd=folder, **env)
    assert ended.code == 0, ended.err
    assert CALLS <= calls_in(folder).total() <= CALLS + AT_ONCE


def test_a_check_is_decided_as_on_one_machine(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """The suite names the engine; one verb asks, decides and reports."""
    folder = copy_project(project, tmp_path / "project")
    engine = f'engine: {{ kind: ray, address: "{nodes.whole()}", shards: 6 }}\n'
    (folder / SUITE).write_text((folder / SUITE).read_text() + engine)
    for candidate, code in (("worse", 1), ("", 0)):
        ended = call("check", SUITE, "--candidate", candidate, cwd=folder)
        assert ended.code == code, ended.err
        assert "6 of 6 shards" in ended.err
        assert "--engine ray asks every case, and takes no look before the end" in ended.err


def test_what_a_node_lacks_is_told(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """2: secrets are never sent to the nodes; a variable that is not set there is named, with the node."""
    folder = copy_project(project, tmp_path / "project")
    keyed = 'keyed: { adapter: http, url: "http://127.0.0.1:9", headers: { A: "${secret:RAY_TEST_KEY}" } }'
    add_candidate(folder, keyed)
    command = ("run", SUITE, "--engine", "ray", "--candidate", "keyed")
    ended = call(*command, cwd=folder, RAY_ADDRESS=nodes.whole(), RAY_TEST_KEY="a-secret-value")
    assert ended.code == 2, ended.err
    assert "on node " in ended.err
    assert "environment variable 'RAY_TEST_KEY' is not set" in ended.err
    assert "a-secret-value" not in ended.err + ended.out
    assert not list((folder / "reports/runs").iterdir())


def add_dying(folder: Path) -> None:
    """Candidates that end their process: one in workers, one in the process that asks."""
    add_candidate(folder, "dying: { target: mysystems:dying }")
    add_candidate(folder, "deadly: { target: mysystems:dying, isolation: none }")
    with (folder / "mysystems.py").open("a") as file:
        file.write("\ndef dying(query):\n    counted(query)\n    os._exit(1)\n")


def test_a_system_that_ends_its_worker_has_errors(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """0, as on one machine: every case has its error, and is asked once."""
    folder = copy_project(project, tmp_path / "project")
    add_dying(folder)
    command = ("run", SUITE, "--engine", "ray", "--candidate", "dying", "--run-id", "d", "--limit", "20")
    ended = call(*command, cwd=folder, RAY_ADDRESS=nodes.whole())
    assert ended.code == 0, ended.err
    assert "run 20/20 · 1 of 1 shards · 20 errors" in ended.err
    assert set(calls_in(folder).values()) == {1}


def test_a_system_that_ends_its_process_is_told(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """4: with isolation: none the shard is lost, and given up after its retries; what is done is kept."""
    folder = copy_project(project, tmp_path / "project")
    add_dying(folder)
    command = ("run", SUITE, "--engine", "ray", "--candidate", "deadly", "--run-id", "d", "-j", "1")
    ended = call(*command, cwd=folder, RAY_ADDRESS=nodes.whole())
    assert ended.code == 4, ended.err
    assert "shard 1 of 2 was lost: " in ended.err
    assert "the same command with --resume d goes on" in ended.err
    assert "Traceback" not in ended.err
    assert calls_in(folder).total() == MOST_RETRIES + 1


def test_a_node_that_is_stopped_is_a_node_lost(nodes: TwoNodes, project: Path, tmp_path: Path) -> None:
    """SIGTERM, as by `ray stop` and from clouds: other processes go on, and no answer is asked twice."""
    folder = copy_project(project, tmp_path / "project")
    process = start(folder, *RUN, "--engine", "ray", RAY_ADDRESS=nodes.whole())
    wait_for_calls(process, folder, CALLS // 3)
    asking = asking_now(folder)
    assert len(asking) == AT_ONCE // 2
    for pid in asking:
        os.kill(pid, signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    assert f"run {CALLS:,}/{CALLS:,} · 24 of 24 shards" in err.decode()
    assert calls_in(folder).total() == CALLS


def test_no_free_cpu_is_told_and_a_second_signal_ends_at_once(
    nodes: TwoNodes, project: Path, tmp_path: Path
) -> None:
    """A run that takes every CPU, and one that waits for it: neither has to be killed."""
    folders = [copy_project(project, tmp_path / name) for name in ("taking", "waiting")]
    command = ("run", SUITE, "--engine", "ray", "--candidate", "hanging", "--repeat", "4", "-j", "4")
    taking = start(folders[0], *command, RAY_ADDRESS=nodes.whole())
    wait_for_calls(taking, folders[0], 4)
    waiting = start(folders[1], *command, RAY_ADDRESS=nodes.whole())
    assert waiting.stderr is not None
    assert b"note: all 4 CPUs of the cluster are taken: the run begins when one is free" in (
        waiting.stderr.readline()
    )
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 130, err.decode()
    assert "Traceback" not in err.decode()
    taking.send_signal(signal.SIGINT)
    assert taking.stderr is not None
    while not taking.stderr.readline().startswith(b"stopping:"):
        assert taking.poll() is None
    began = time.monotonic()
    taking.send_signal(signal.SIGINT)
    _, err = taking.communicate(timeout=60)
    assert taking.returncode == 130, err.decode()
    assert "Traceback" not in err.decode()
    assert time.monotonic() - began < STOP_GRACE_S


def test_what_is_no_cluster_is_told(project: Path) -> None:
    """2, at once: another port of a cluster, say, where ray would wait for minutes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        ended = call(
            "run", SUITE, "--engine", "ray", cwd=project, RAY_ADDRESS=f"127.0.0.1:{server.server_port}"
        )
        server.shutdown()
    assert ended.code == 2, ended.err
    assert "what listens there is no Ray" in ended.err


def test_no_cluster_is_told(project: Path) -> None:
    """2, and how to begin one."""
    ended = call("run", SUITE, "--engine", "ray", cwd=project, RAY_ADDRESS="127.0.0.1:1")
    assert ended.code == 2, ended.err
    assert "no Ray cluster at '127.0.0.1:1': Connection refused" in ended.err
    assert "ray start --head" in ended.err
