"""Runs commands in processes of their own that need not load the program first.

One process per test worker loads everything once and forks for each command: same code, own memory, own standard
streams, an end of its own that may be a signal. What a fresh start alone can show (what a command loads, how a server
starts) is tested with fresh starts.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

START_SECONDS = 60


class Forks:
    """The process that forks, and how to ask it."""

    def __init__(self) -> None:
        """Start it; it ends when this process does."""
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self._address = f"{self._folder.name}/socket"
        alive, held = os.pipe()  # the other end closes when this process ends, however it ends
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address, str(alive)], pass_fds=[alive], env=os.environ | threads
        )
        os.close(alive)
        self._held = held

    def run(
        self, words: list[str], given: bytes | None, environment: dict[str, str], seconds: float
    ) -> tuple[int, bytes, bytes]:
        """Run one command; its status as ``subprocess`` says it, what it printed and what it complained of.

        Raises subprocess.TimeoutExpired after ``seconds``.
        """
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
            self._connected() as line,
        ):
            stdin.write(given or b"")
            stdin.seek(0)
            request = json.dumps({"words": words, "environment": environment, "folder": str(Path.cwd())}).encode()
            line.settimeout(seconds)
            socket.send_fds(
                line, [len(request).to_bytes(4, "big")], [file.fileno() for file in (stdin, stdout, stderr)]
            )
            line.sendall(request)
            number = int.from_bytes(_exactly(line, 4), "big", signed=True)
            try:
                status = int.from_bytes(_exactly(line, 4), "big", signed=True)
            except TimeoutError as error:
                os.kill(number, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, seconds) from error
            stdout.seek(0)
            stderr.seek(0)
            return status, stdout.read(), stderr.read()

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + START_SECONDS
        while True:
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(self._address)
            except BaseException as error:
                line.close()
                if not isinstance(error, OSError) or time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return line


def _exactly(line: socket.socket, count: int) -> bytes:
    taken = b""
    while len(taken) < count:
        some = line.recv(count - len(taken))
        if not some:
            raise ConnectionError("the process that forks went away")
        taken += some
    return taken


def _load() -> None:
    """Everything that commands import, and nothing that opens a file, a socket or a thread."""
    for room in ("cli", "flow", "store", "lake", "exchange"):
        package = importlib.import_module(f"seawall.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"seawall.{room}."):
            if ".migrations" not in found.name:
                with suppress(ImportError):  # an optional package that is not installed
                    importlib.import_module(found.name)
    with suppress(ImportError):  # pyarrow loads it with its first array wherever it is installed
        importlib.import_module("pandas")
    gc.collect()
    gc.freeze()  # children leave these pages alone


def _serve(address: str, alive: int) -> tuple[list[str], list[int]] | None:
    """Fork for each request until ``alive`` closes. Returns the words in the child, None at the end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(16)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(alive, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj == alive:
                return None
            if key.fileobj is listener:
                line, _ = listener.accept()
                head, files, _, _ = socket.recv_fds(line, 4, 3)
                request = json.loads(_exactly(line, int.from_bytes(head, "big")))
                number = os.fork()
                if number == 0:
                    selector.close()
                    listener.close()
                    line.close()
                    os.close(alive)
                    os.environ.clear()
                    os.environ.update(request["environment"])
                    os.chdir(request["folder"])
                    return request["words"], files
                for file in files:
                    os.close(file)
                line.sendall(number.to_bytes(4, "big", signed=True))
                selector.register(os.pidfd_open(number), selectors.EVENT_READ, (number, line))
            else:
                number, line = key.data
                _, waited = os.waitpid(number, 0)
                selector.unregister(key.fileobj)
                os.close(key.fd)
                with suppress(OSError):  # who asked may be gone
                    line.sendall(os.waitstatus_to_exitcode(waited).to_bytes(4, "big", signed=True))
                line.close()


def main() -> None:
    """The process that forks; in a child, the command itself."""
    _load()
    asked = _serve(sys.argv[1], int(sys.argv[2]))
    if asked is None:
        os._exit(0)
    words, files = asked
    for standard, file in enumerate(files):
        os.dup2(file, standard)
        os.close(file)
    sys.argv = ["seawall", *words]
    from seawall.cli import main as command

    status = 1
    try:
        command()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:  # all that an interpreter does at its end but taking the loaded program apart
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
