"""Many machines by Ray: numbered work to the nodes of a cluster, and again where a node is lost."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, NamedTuple, TypeVar

from harness.errors import HarnessError, MissingExtra, UsageError

Given = TypeVar("Given")
Job = TypeVar("Job")

MOST_RETRIES = 5
"""How often a piece of work is begun again because its node or its process was lost."""
KNOCK_S = 10.0
GRACE_S = 10.0
"""Seconds that work gets to end where a signal stops the run."""


class Leaving(Exception):
    """Raised by work that a signal ended on its node, which is being stopped: another one does it."""


class Done(NamedTuple, Generic[Given]):
    """A piece of work that ended: what it gave, or why there is none, after every retry."""

    number: int
    given: Given | None
    lost: str = ""


class Cluster:
    """A cluster that this process is connected to; made by ``open_cluster``.

    ``n_cpus`` is how many pieces of work it can do at the same time, ``stopped`` the signal that came.
    """

    def __init__(self, n_cpus: int) -> None:
        """Take what ``open_cluster`` found."""
        self.n_cpus = n_cpus
        self.stopped: int | None = None

    def work_off(
        self, job: Job, numbers: Sequence[int], at_once: int, work: Callable[[Job, int, int], Given]
    ) -> Generator[Done[Given], None, None]:
        """Do every piece of work on some node, one CPU each, and give each as it is done.

        A piece whose node or process is lost, or that raises ``Leaving``, is begun again on another, 5 times
        at most: work has to bear that, and that a node which seemed lost goes on with it. After a signal
        nothing is given any more. Close it where you stop early: it leaves no work behind.

        Args:
            job: what every node is told; a plain value.
            numbers: of the pieces.
            at_once: how many are worked on at the same time, at most.
            work: called on the node with the job, the number of the piece and that of its slot (from 1 to
                ``at_once``; no two pieces at a time have the same one). It is imported there by its name.
        """
        import ray

        again = {"max_retries": MOST_RETRIES, "retry_exceptions": [Leaving]}
        task = ray.remote(num_cpus=1, scheduling_strategy="SPREAD", **again)(work)
        told = ray.put(job)
        waiting, slots = list(reversed(numbers)), list(range(at_once, 0, -1))
        flying: dict[Any, tuple[int, int]] = {}
        try:
            while waiting or flying:
                while waiting and slots:
                    number, slot = waiting.pop(), slots.pop()
                    flying[task.remote(told, number, slot)] = number, slot
                ready, _ = ray.wait(list(flying), num_returns=1, timeout=1.0)
                if self.stopped is not None:
                    return
                for one in ready:
                    number, slot = flying.pop(one)
                    slots.append(slot)
                    yield _done(number, one)
        finally:
            for one in flying:
                with suppress(ray.exceptions.RayError):
                    ray.cancel(one)
            if flying:
                ray.wait(list(flying), num_returns=len(flying), timeout=GRACE_S)

    def _stop(self, number: int, frame: object) -> None:
        del frame
        self.stopped = self.stopped or number


def _done(number: int, one: Any) -> Done[Any]:
    import ray

    try:
        return Done(number, ray.get(one))
    except ray.exceptions.RayError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raised = isinstance(error, ray.exceptions.RayTaskError)  # the last line of a traceback says what
        return Done(number, None, lines[-1 if raised else 0].strip())


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at ``host:port``: ray itself would try for more than a minute."""
    host, _, port = address.rpartition(":")
    if host and "/" not in host and port.isdecimal():
        socket.create_connection((host, int(port)), KNOCK_S).close()


@contextmanager
def open_cluster(address: str) -> Iterator[Cluster]:
    """Connect to a cluster, and leave it again: ``auto``, ``local`` (started here), or its address.

    SIGINT and SIGTERM are kept in ``Cluster.stopped`` meanwhile.

    Raises:
        MissingExtra: the package ``ray`` is not installed.
        UsageError: there is no cluster at the address.
        HarnessError: the cluster was lost.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("ray", "ray", "--engine ray") from error
    here = {"include_dashboard": False} if address == "local" else {}
    try:
        _knock(os.environ.get("RAY_ADDRESS", "") if address == "auto" else address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        mend = (
            "`ray start --head` begins one; `engine: { kind: ray, address: local }` uses this machine alone"
        )
        first = str(error).strip().partition("\n")[0]
        raise UsageError(f"no Ray cluster at {address!r}: {first}", mend=mend) from error
    before: dict[signal.Signals, Any] = {}
    try:
        cluster = Cluster(max(1, int(ray.cluster_resources().get("CPU", 1))))
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, cluster._stop)
        yield cluster
    except ray.exceptions.RayError as error:
        first = str(error).strip().partition("\n")[0]
        raise HarnessError(f"the Ray cluster was lost: {first}") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ray.shutdown()
