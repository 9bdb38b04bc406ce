"""A primary in a process of its own, which can be killed: it takes one command a line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, sys, time
from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Change, Lane, Order, OrderState
from seawall.protect.rpz import RpzPrimary, RpzSettings, Secondary
folder, port, notify = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ours = RpzPrimary(RpzSettings(folder=folder, port=port, secondaries=(Secondary("127.0.0.1", notify),)))
ours.start()
print(ours.port, flush=True)
for line in sys.stdin:
    op, *names = line.split()
    now = time.time_ns() // 1_000
    ours.apply([Change(1, op, Order(name, Action.BLOCK, ObservableType.DOMAIN, name, 0, now + 10**9, OrderState.ACTIVE,
                                    Lane.OWN, "", "0:0", "us")) for name in names], now)
    print("done", flush=True)
"""


class PrimaryProcess:
    """Start it again with the same folder and port after a kill."""

    def __init__(self, folder: Path, port: int, notify: int) -> None:
        self._arguments = [str(folder), str(port), str(notify)]
        self.port = port
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *self._arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._said() == str(self.port)

    def tell(self, op: str, *names: str) -> None:
        """``put`` or ``remove`` names; returns when that is on disk."""
        self.send(op, *names)
        assert self._said() == "done"

    def send(self, op: str, *names: str) -> None:
        """The same without waiting."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{op} {' '.join(names)}\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """At once, without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _said(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
