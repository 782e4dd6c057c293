"""Makes the doubles in this folder importable from every folder of tests below it; keeps tests at home."""

from __future__ import annotations

import os
import signal
import sys
from ipaddress import ip_address, ip_network
from typing import Any

NEAR = [ip_network(name) for name in ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def keep_at_home(event: str, arguments: tuple[Any, ...]) -> None:
    """F39: no test looks a name up or connects beyond this machine and its neighbours.

    This sees the process of the tests; whole commands are watched, or without any network, in ``test_f39_*``.
    """
    if event == "socket.getaddrinfo" and not is_near(arguments[0]):
        raise AssertionError(f"a test looks up {arguments[0]!r}")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not is_near(arguments[1][0]):
        raise AssertionError(f"a test connects to {arguments[1]!r}")


def is_near(host: Any) -> bool:
    """Whether it is this machine, or an address of a private network."""
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return name in {None, "", "localhost"} or any(ip_address(name) in network for network in NEAR)
    except ValueError:
        return False


for number in (signal.SIGINT, signal.SIGHUP):  # what is begun by nohup, or in a shell's background, is deaf
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

if "HARNESS_LLM_URL" not in os.environ:
    sys.addaudithook(keep_at_home)
