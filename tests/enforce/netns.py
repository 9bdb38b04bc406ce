"""Network namespaces that live for a test, links between them, and sockets of this process inside them. Needs root."""

from __future__ import annotations

import ctypes
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

CLONE_NEWNET = 0x40000000  # linux/sched.h
Made = TypeVar("Made")


class Space:
    """One namespace; it ends with ``held``."""

    def __init__(self, name: str, held: ExitStack) -> None:
        self.name = name
        command = ["unshare", "--net", "sleep", "3600"]
        self._keeper = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        held.callback(self._end)
        own, until = Path("/proc/self/ns/net").readlink(), time.monotonic() + 10
        while Path(f"/proc/{self._keeper.pid}/ns/net").readlink() == own:
            assert time.monotonic() < until, "no namespace of its own"
            time.sleep(0.005)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def entry(self) -> tuple[str, ...]:
        """The words before a command that is to run inside."""
        return ("nsenter", "-t", str(self._keeper.pid), "-n")

    def run(self, *command: str) -> str:
        """A command inside, to its end; what it printed."""
        done = subprocess.run([*self.entry, *command], check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def address(self, address: str, device: str = "lo") -> None:
        """Give a device an address with its prefix length."""
        self.run("ip", "addr", "add", address, "dev", device)

    def route(self, network: str, *how: str) -> None:
        """A route, e.g. ``via 10.77.1.1``."""
        self.run("ip", "route", "replace", network, *how)

    def forwarding(self) -> None:
        """Pass packets on between devices."""
        self.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")

    def within(self, make: Callable[[], Made]) -> Made:
        """What ``make`` returns when it runs in a thread inside: a socket stays there wherever it is used later."""
        made: list[Made] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                with Path(f"/proc/{self._keeper.pid}/ns/net").open("rb") as place:
                    assert ctypes.CDLL(None).setns(place.fileno(), CLONE_NEWNET) == 0, "setns"
                made.append(make())
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return made[0]

    def udp(self, address: str, port: int) -> socket.socket:
        """A bound datagram socket inside."""

        def make() -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((address, port))
            return made

        return self.within(make)

    def _end(self) -> None:
        self._keeper.kill()
        self._keeper.wait(10)


def link(left: Space, right: Space, left_name: str, right_name: str) -> None:
    """A cable between two namespaces; both ends up."""
    number = str(right._keeper.pid)
    left.run("ip", "link", "add", left_name, "type", "veth", "peer", "name", right_name, "netns", number)
    for space, name in ((left, left_name), (right, right_name)):
        space.run("ip", "link", "set", name, "up")


def wired(left: Space, right: Space, network: int) -> tuple[str, str]:
    """A cable with addresses 10.77.N.1 and .2; both."""
    ends = f"{right.name}{network}", f"{left.name}{network}"
    link(left, right, *ends)
    addresses = f"10.77.{network}.1", f"10.77.{network}.2"
    for space, device, address in zip((left, right), ends, addresses, strict=True):
        space.address(f"{address}/24", device)
    return addresses
