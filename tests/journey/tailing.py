"""``seawall tail`` in a process of its own, and what the node shows meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from journey.command_line import SeawallNode, environment

PATIENCE_SECONDS = 30.0


class Tailing:
    """A running tail; ``with`` ends it by SIGTERM, ``report`` is then its document."""

    def __init__(self, node: SeawallNode, *sources: str | Path, **settings: object) -> None:
        """``settings`` of the section ``live``, such as ``commit_seconds=3600``."""
        variables = {f"SEAWALL_LIVE_{name.upper()}": str(value) for name, value in settings.items()}
        self.node = node
        self.report: dict[str, Any] = {}
        self.errors = ""
        self.process = subprocess.Popen(
            node.command("tail", *sources, "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment() | variables | {"SEAWALL_DEBUG": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> dict[str, Any]:
        """End it as a service manager does, and read its report."""
        if not self.report and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if self.process.stdout is not None and not self.process.stdout.closed:
            out, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
            self.errors = errors.decode(errors="replace")
            if self.process.returncode != 0:
                raise AssertionError(f"tail ended with {self.process.returncode}: {self.errors}")
            self.report = json.loads(out)
        return self.report

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.communicate()


def eventually(what: Callable[[], Any], *, why: str) -> Any:
    """The first true answer; fails when there is none in a generous while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited in vain: {why}")


def append(path: Path, *lines: str) -> None:
    """Write lines to a log, as a sensor does."""
    with path.open("a") as file:
        file.write("".join(line + "\n" for line in lines))
