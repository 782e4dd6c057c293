"""Many machines by Ray: numbered work to the nodes of a cluster, and again where a node is lost."""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic, NamedTuple, TypeVar

from harness.errors import HarnessError, MissingExtra, UsageError

Given = TypeVar("Given")
Job = TypeVar("Job")

MOST_RETRIES = 5
"""How often a piece of work is begun again because its node or its process was lost."""
KNOCK_S = 10.0
_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
"""An empty settings frame of HTTP/2; its fourth byte is the kind of frame."""
GRACE_S = 10.0
"""Seconds that work gets to end where a signal stops the run."""
LOOK_S = 0.5
"""How often it is looked whether a signal came."""
FREE_S = 5.0
"""Seconds within which a cluster that was just joined tells of its free CPUs."""


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
        self._hurried = False

    def work_off(
        self,
        job: Job,
        numbers: Sequence[int],
        at_once: int,
        work: Callable[[Job, int, int], Given],
        most_s: float = math.inf,
    ) -> Generator[Done[Given], None, None]:
        """Do every piece of work on some node, one CPU each, and give each as it is done.

        A piece whose node or process is lost, or that raises ``Leaving``, is begun again on another, 5 times
        at most: work has to bear that, and that a node which seemed lost goes on with it. After a signal, or
        when the time is over, nothing is given any more. Close it where you stop early: it leaves no work
        behind.

        Args:
            job: what every node is told; a plain value.
            numbers: of the pieces.
            at_once: how many are worked on at the same time, at most.
            work: called on the node with the job, the number of the piece and that of its slot (from 1 to
                ``at_once``; no two pieces at a time have the same one). It is imported there by its name.
            most_s: seconds that all of it may take.
        """
        import ray

        again = {"max_retries": MOST_RETRIES, "retry_exceptions": [Leaving]}
        task = ray.remote(num_cpus=1, scheduling_strategy="SPREAD", **again)(work)
        told, until = ray.put(job), time.monotonic() + most_s
        waiting, slots = list(reversed(numbers)), list(range(at_once, 0, -1))
        flying: dict[Any, tuple[int, int]] = {}
        try:
            while waiting or flying:
                while waiting and slots:
                    number, slot = waiting.pop(), slots.pop()
                    flying[task.remote(told, number, slot)] = number, slot
                ready, _ = ray.wait(list(flying), num_returns=1, timeout=LOOK_S)
                if self.stopped is not None or time.monotonic() > until:
                    return
                for one in ready:
                    number, slot = flying.pop(one)
                    slots.append(slot)
                    yield _done(number, one)
        finally:
            self._take_back(list(flying))

    def _take_back(self, flying: list[Any]) -> None:
        """Have work end where it is done, and wait until it has, or a further signal comes."""
        import ray

        for one in flying:
            with suppress(ray.exceptions.RayError):
                ray.cancel(one)
        if flying and self.stopped is not None:
            sys.stderr.write("\nstopping: waiting a moment for the shards in flight; Ctrl-C ends at once\n")
        until = time.monotonic() + GRACE_S
        while flying and not self._hurried and time.monotonic() < until:
            _, flying = ray.wait(flying, num_returns=len(flying), timeout=LOOK_S)

    def _stop(self, number: int, frame: object) -> None:
        del frame
        self._hurried = self.stopped is not None
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
    """Raise OSError where no cluster listens at ``host:port``: ray itself would try for minutes.

    A cluster speaks gRPC, that is HTTP/2, where both sides begin with their settings (RFC 9113, 3.4).
    """
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        return
    with socket.create_connection((host, int(port)), KNOCK_S) as line:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return
        line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS)
        with line.makefile("rb") as replies:
            if replies.read(len(_SETTINGS))[3:4] != _SETTINGS[3:4]:
                raise OSError("what listens there is no Ray; its port is most often 6379")


def _said(error: Exception) -> str:
    """What an error of the system or of ray says, in one sentence."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.strip().partition("\n")[0].partition(". ")[0]


def _say_where_none_is_free(cluster: Cluster) -> None:
    """Work waits for a CPU, for ever if need be: a cluster may grow. Say so before it does."""
    import ray

    until = time.monotonic() + FREE_S
    while ray.available_resources().get("CPU", 0) < 1:
        if cluster.stopped is not None:
            return
        if time.monotonic() > until:
            n_cpus = int(ray.cluster_resources().get("CPU", 0))
            which = f"all {n_cpus} CPUs of the cluster are taken" if n_cpus else "the cluster has no CPU"
            sys.stderr.write(f"note: {which}: the run begins when one is free; Ctrl-C ends it\n")
            return
        time.sleep(LOOK_S)


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
    named = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    try:
        _knock(named)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        mend = (
            "`ray start --head` begins one; `engine: { kind: ray, address: local }` uses this machine alone"
        )
        raise UsageError(f"no Ray cluster at {named or address!r}: {_said(error)}", mend=mend) from error
    before: dict[signal.Signals, Any] = {}
    try:
        cluster = Cluster(max(1, int(ray.cluster_resources().get("CPU", 1))))
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, cluster._stop)
        _say_where_none_is_free(cluster)
        yield cluster
    except ray.exceptions.RayError as error:
        raise HarnessError(f"the Ray cluster was lost: {_said(error)}") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ray.shutdown()
