"""Drives the real command line in real processes, as a user's script would."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from journey.forked import Forks
from seawall.cli import run as run_command

START_SECONDS = 60
RUN_SECONDS = 300
END_SECONDS = 60


class Answer(NamedTuple):
    """What one command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)


def here(*arguments: str | Path) -> Answer:
    """Run one command inside this process: for preparation, and where a process of its own would prove nothing more."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = run_command([str(argument) for argument in arguments])
    return Answer(status, out.buffer.getvalue().decode(), err.getvalue())


@cache
def _forks() -> Forks:
    """One for all tests of a worker."""
    return Forks()


class CommandFailed(AssertionError):
    """A command ended with another exit status than expected."""


class SeawallNode:
    """One node folder and the commands run on it."""

    fresh = False
    """Whether each command loads the program anew, as a user's does: for measurements; tests need not wait for it."""

    def __init__(self, folder: Path, economy: str, *, store_url: str | None = None) -> None:
        """A new node; ``store_url`` names a database other than the file in its folder."""
        self.folder = folder
        arguments = ("init", "--name", f"{economy} test node", "--economy", economy)
        if store_url is None:
            made = self.here(*arguments)
        else:
            variables = environment() | {"SEAWALL_STORE_URL": store_url}
            made = json.loads(subprocess.check_output(self.command(*arguments, "--json"), env=variables, timeout=60))
        self.node_id: str = made["node_id"]
        self.fingerprint: str = made["fingerprint"]
        self.token: str = made["token"]

    def command(self, *arguments: str | Path) -> list[str]:
        """The process arguments of one command on this node."""
        return [sys.executable, "-m", "seawall", "--node", str(self.folder), *map(str, arguments)]

    def raw(self, *arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run one command to its end in a process of its own, whatever its status."""
        if self.fresh:
            return subprocess.run(
                self.command(*arguments), input=stdin, capture_output=True, timeout=RUN_SECONDS, env=environment()
            )
        words = ["--node", str(self.folder), *map(str, arguments)]
        return subprocess.CompletedProcess(words, *_forks().run(words, stdin, environment(), RUN_SECONDS))

    def run(self, *arguments: str | Path, status: int = 0, stdin: bytes | None = None) -> Any:
        """Run one command with ``--json`` and return the document; fails on another exit status."""
        done = self.raw(*arguments, "--json", stdin=stdin)
        if done.returncode != status:
            raise CommandFailed(f"{arguments} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def here(self, *arguments: str | Path, status: int = 0) -> Any:
        """As ``run``, inside this process."""
        done = here("--node", self.folder, *arguments, "--json")
        if done.status != status:
            raise CommandFailed(f"{arguments} ended with {done.status}: {done.err}")
        return done.document if done.out.strip() else None

    def listing(self, *arguments: str | Path) -> list[Any]:
        """All pages of a listing command."""
        items: list[Any] = []
        after: object = None
        while True:
            page = self.run(*arguments, *(() if after is None else ("--after", str(after))))
            items += page["items"]
            if (after := page["next"]) is None:
                return items

    def second_person(self, name: str = "approver") -> Path:
        """A second named person; returns the file with their token."""
        token = self.here("users", "add", name, "--role", "approver")["token"]
        file = self.folder.parent / f"{self.folder.name}-{name}.token"
        file.write_text(token)
        return file

    @contextmanager
    def serving(self, port: int, peer_port: int, *, lines: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """``seawall serve`` in a process of its own, ready when both ports answer.

        Without ``lines`` peers hear of each other only when a test has them synchronise, so that each step can be seen.
        """
        process = subprocess.Popen(
            self.command("serve", "--port", str(port), "--peer-port", str(peer_port)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment() | ({} if lines else {"SEAWALL_LIVE_PEERS": "false"}),
        )
        try:
            for waited in (port, peer_port):
                _wait_for(waited, process)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=END_SECONDS)


def environment() -> dict[str, str]:
    """The process environment of a command: nothing of the caller's Seawall settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SEAWALL_")}


def free_port() -> int:
    """A TCP port that is free on loopback right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            _, errors = process.communicate()
            raise CommandFailed(f"serve ended with {process.returncode}: {errors.decode(errors='replace')}")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise CommandFailed(f"nothing answers on port {port}")


def eve(time_text: str, src: str, dst: str, *, sensor: str, kind: str = "alert", **more: object) -> str:
    """One EVE line as Suricata 7 writes it, reduced to what a test is about."""
    record: dict[str, object] = {
        "timestamp": time_text,
        "flow_id": 1_234_567,
        "event_type": kind,
        "src_ip": src,
        "src_port": 40_000,
        "dest_ip": dst,
        "dest_port": 443,
        "proto": "TCP",
        "host": sensor,
    }
    if kind == "alert":
        record["alert"] = {
            "action": "allowed",
            "gid": 1,
            "signature_id": 2_019_401,
            "rev": 3,
            "signature": "ET EXPLOIT Apache log4j RCE Attempt (CVE-2021-44228)",
            "category": "Attempted Administrator Privilege Gain",
            "severity": 1,
        }
    record.update(more)
    return json.dumps(record)
