"""What shards and Ray cost beside one machine, what the loss of a node costs, and how merging grows.

`make bench-scale`; two Ray nodes of two CPUs each on this machine. Without ray only the parts that need none.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SUITE = """version: 1
suite: scale
goldens: [{{ path: goldens.jsonl }}]
system: {{ adapter: python, target: "scaled:answer" }}
metrics: [recall@5, required_facts, error_rate]
gates: [{{ id: facts, metric: required_facts, min: 0.5 }}]
run: {{ max_concurrency: {in_flight} }}
"""
SYSTEM = """import asyncio

async def answer(query):
    with open("calls.txt", "a") as calls:
        calls.write(query.id + "\\n")
    await asyncio.sleep({latency_s})
    n = int(query.id[2:])
    text = f"fact {{n}} is value{{n if n % 7 else 0}}."
    return {{"output": text, "retrieved": [{{"doc_id": f"d{{n // 3}}", "text": text * 10}}]}}
"""
LATENCY_S, IN_FLIGHT = 0.05, 8
HERE, SHARDS, RAY = "one machine", "4 shards one after the other, and merge", "Ray, 4 CPUs on 2 nodes"
TICKS = os.sysconf("SC_CLK_TCK")


class Took(NamedTuple):
    """Seconds of the clock, and CPU seconds of all processes below this one."""

    wall_s: float
    cpu_s: float


def make_project(folder: Path, n_cases: int, latency_s: float, in_flight: int) -> Path:
    folder.mkdir(parents=True)
    (folder / "suite.yaml").write_text(SUITE.format(in_flight=in_flight))
    (folder / "scaled.py").write_text(SYSTEM.format(latency_s=latency_s))
    with (folder / "goldens.jsonl").open("w") as file:
        for n in range(n_cases):
            case = {"id": f"q-{n}", "input": f"What is fact {n}?", "must_include": [f"value{n}"]}
            case |= {"evidence": [{"doc_id": f"d{n // 3}"}], "document_id": f"d{n // 3}"}
            file.write(json.dumps(case) + "\n")
    return folder


class CpuWatch:
    """CPU seconds of every process below this one, looked at so often that little is missed."""

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}
        self.ended = threading.Event()
        self.look()
        self.before = dict(self.seen)
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        while not self.ended.wait(0.05):
            self.look()

    def look(self) -> None:
        parents, spent = {}, {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(path.parent.name)
            parents[pid] = int(fields[1])
            spent[pid] = (int(fields[11]) + int(fields[12])) / TICKS
        for pid, cpu_s in spent.items():
            above: int | None = pid
            while above in parents and above != os.getpid():
                above = parents[above]
            if above == os.getpid() and pid != above:
                self.seen[pid] = cpu_s

    def total_s(self) -> float:
        self.ended.set()
        self.thread.join()
        self.look()
        return sum(cpu_s - self.before.get(pid, 0.0) for pid, cpu_s in self.seen.items())


def harness(folder: Path, *arguments: str, during: Callable[[], None] | None = None, **env: str) -> Took:
    """Run a command line to its end, and say what it took."""
    watch, began = CpuWatch(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "SOURCE_DATE_EPOCH": "1000000000", **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if during is not None:
        during()
    _, err = process.communicate()
    took = Took(time.perf_counter() - began, watch.total_s())
    if process.returncode not in (0, 1):
        sys.exit(f"harness {' '.join(arguments)} ended with {process.returncode}\n{err.decode()}")
    return took


class Nodes:
    """A Ray cluster on this machine: two nodes of two CPUs."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 80_000_000}
        self.cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.second = self.cluster.add_node(num_cpus=2, object_store_memory=80_000_000)
        self.cluster.wait_for_nodes()

    def kill_one(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)


@contextmanager
def two_nodes() -> Iterator[Nodes | None]:
    if importlib.util.find_spec("ray") is None:
        print("ray is not installed: only what needs none\n", file=sys.stderr)
        yield None
        return
    nodes = Nodes()
    try:
        yield nodes
    finally:
        nodes.cluster.shutdown()


def calls_in(folder: Path) -> Counter[str]:
    path = folder / "calls.txt"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def report_of(folder: Path, run: str) -> bytes:
    harness(folder, "gate", run)
    return (folder / "reports/runs" / run / "report.json").read_bytes()


def measure_engines(base: Path, n: int, nodes: Nodes | None, rounds: int, *, kill: bool) -> dict[str, float]:
    """The same run on one machine, in 4 shards, on Ray, and with a node lost; gives CPU seconds by how."""
    found: dict[str, list[Took]] = {}
    project = make_project(base / f"engines-{n}", n, LATENCY_S, IN_FLIGHT)
    address = {} if nodes is None else {"RAY_ADDRESS": str(nodes.cluster.address)}
    run = ("run", "suite.yaml", "-q", "--run-id")
    for number in range(rounds):
        found.setdefault(HERE, []).append(harness(project, *run, f"local-{number}"))
        found.setdefault(SHARDS, []).append(_by_shards(project, number))
        if nodes is not None:
            took = harness(project, *run, f"ray-{number}", "--engine", "ray", **address)
            found.setdefault(RAY, []).append(took)
    if nodes is not None and kill:
        (project / "calls.txt").unlink()

        def kill_one() -> None:
            while calls_in(project).total() < n // 3:
                time.sleep(0.05)
            nodes.kill_one()

        command = (*run, "killed", "--engine", "ray")
        found["Ray, one node killed at a third"] = [harness(project, *command, during=kill_one, **address)]
        asked = calls_in(project)
        same = report_of(project, "killed").replace(b"killed", b"local-0") == report_of(project, "local-0")
        print(f"killed: {len(asked):,} of {n:,} cases asked, {asked.total() - n} calls repeated,", end=" ")
        print(f"report {'the same' if same else 'NOT the same'}\n")
    ideal = n * LATENCY_S / IN_FLIGHT
    print(f"{n:,} cases, {LATENCY_S * 1000:g} ms each, {IN_FLIGHT} in flight; ideal {ideal:.1f} s\n")
    print("| how | wall s | CPU s | times |\n|---|---|---|---|")
    medians = {name: statistics.median(took.cpu_s for took in tooks) for name, tooks in found.items()}
    for name, tooks in found.items():
        walls = [took.wall_s for took in tooks]
        spread = f" ({min(walls):.1f} to {max(walls):.1f})" if len(walls) > 1 else ""
        print(f"| {name} | {statistics.median(walls):.1f}{spread} | {medians[name]:.1f} | {len(walls)} |")
    print(flush=True)
    return medians


def print_growth(few: dict[str, float], n_few: int, many: dict[str, float], n_many: int) -> None:
    """Part CPU seconds at two sizes into what each run and what each case takes."""
    print("| how | CPU s a run | CPU ms a case |\n|---|---|---|")
    for name, cpu_s in few.items():
        each_s = (many[name] - cpu_s) / (n_many - n_few)
        print(f"| {name} | {cpu_s - each_s * n_few:.1f} | {each_s * 1000:.2f} |")
    print(flush=True)


def _by_shards(project: Path, number: int) -> Took:
    tooks = [
        harness(
            project,
            "run",
            "suite.yaml",
            "--run-id",
            f"s-{number}",
            "-q",
            "--shard",
            f"{i}/4",
            "--at-once",
            "1",
        )
        for i in (1, 2, 3, 4)
    ]
    tooks.append(harness(project, "runs", "merge", f"reports/runs/s-{number}/shards"))
    return Took(sum(took.wall_s for took in tooks), sum(took.cpu_s for took in tooks))


def measure_merge(base: Path, n: int, of: int) -> None:
    """What each step of a sharded run takes by itself, in one process; the system answers at once."""
    from harness.api import deciding
    from harness.api.beginning import RunOptions
    from harness.api.merging import merge
    from harness.api.sharding import Share, ask_shard, plan_shards
    from harness.api.validating import validate
    from harness.places import Places
    from harness.store.store import Store

    project = make_project(base / "merge", n, 0.0, 8)
    os.chdir(project)
    options, places = RunOptions(run_id="r"), Places(project / "reports")
    steps: dict[str, float] = {}
    began = time.process_time()
    sharded = plan_shards(validate(Path("suite.yaml")), options, of)
    steps["read the goldens and plan (each process)"] = time.process_time() - began
    began = time.process_time()
    for i in range(1, of + 1):
        ask_shard(sharded, i, Share(1, 1), options, places)
    steps["ask, score and record"] = time.process_time() - began
    size = sum(path.stat().st_size for path in places.parts("r").iterdir())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.process_time()
    merged = merge([places.parts("r")], places)
    steps["merge, and read what was merged"] = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with Store(places.store) as store:
        began = time.process_time()
        store.load(merged.recorded)
        steps["load into the database"] = time.process_time() - began
    began = time.process_time()
    deciding.gate(merged.recorded, None)
    steps["decide one gate, and make the report"] = time.process_time() - began
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_results = len(merged.recorded.results)
    print(f"{n:,} cases in {of} shards, {size / n:,.0f} bytes a case on disk, {n_results:,} results\n")
    print("| step | CPU s | CPU ms a case |\n|---|---|---|")
    for name, cpu_s in steps.items():
        print(f"| {name} | {cpu_s:.2f} | {cpu_s / n * 1000:.3f} |")
    print(
        f"\npeak memory {before:,.0f} MB before merging, {peak:,.0f} MB after it, {whole:,.0f} MB at the end"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs=2, default=(500, 4_000))
    parser.add_argument("--merge-cases", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few, many = chosen.cases
        with two_nodes() as nodes:
            small = measure_engines(Path(folder), few, nodes, chosen.rounds, kill=False)
            large = measure_engines(Path(folder), many, nodes, chosen.rounds, kill=True)
        print_growth(small, few, large, many)
        measure_merge(Path(folder), chosen.merge_cases, 100)


if __name__ == "__main__":
    main()
