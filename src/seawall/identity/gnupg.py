"""One use of GnuPG in a home of its own: made for it, holding only the keys it is about, gone when it ends.

The program runs without options of the machine, without network and without asking anybody; what it says comes as
status lines (GnuPG ``doc/DETAILS``), never from its human text. Its output is read up to a bound and no further.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from seawall.model import Fault, Unavailable

SECONDS = 300  # one use: 25 MB are decrypted in one; a slow card may take longer
MAX_LINES = 10_000  # status lines that are read
MAX_SOCKET_PATH = 80  # characters of a home's path: its agent's socket must fit into 107 (unix(7))
OPTIONS = (
    "--batch", "--yes", "--no-tty", "--quiet", "--no-options", "--no-auto-key-retrieve", "--no-auto-key-locate",
    "--disable-dirmngr", "--trust-model", "always", "--pinentry-mode", "loopback", "--display-charset", "utf-8",
    "--no-auto-check-trustdb", "--no-autostart",
)  # fmt: skip
"""``--no-autostart`` is taken out where a secret key is used: nothing else needs the agent."""


class Said(msgspec.Struct, frozen=True):
    """What one run gave: its output (none when it was cut at the bound), and its status lines in order."""

    output: bytes
    cut: bool
    status: tuple[tuple[str, ...], ...]  # keyword, then its arguments
    ended: int  # exit status

    def words(self, *keywords: str) -> tuple[tuple[str, ...], ...]:
        """The status lines that begin with one of these keywords."""
        return tuple(line for line in self.status if line[0] in keywords)

    def has(self, *keywords: str) -> bool:
        """Whether any of these keywords was said."""
        return bool(self.words(*keywords))


class GpgHome:
    """A key ring for one use."""

    def __init__(self, folder: Path, password: bytes | None = None) -> None:
        """Use ``gpg_home``."""
        self._folder = folder
        self._password = password

    def run(self, *arguments: str, data: bytes = b"", limit: int, secret: bool = False) -> Said:
        """Run ``gpg`` with ``data`` on its standard input; it is stopped when it writes more than ``limit`` bytes.

        Raises Unavailable E-IDENTITY-061 when it does not end in time.
        """
        options = [option for option in OPTIONS if not (secret and option == "--no-autostart")]
        with _pipe() as (status, status_end), _pipe() as (password, password_end):
            password_end.write((self._password or b"") + b"\n")
            password_end.close()
            process = subprocess.Popen(  # noqa: S603 - arguments are our own
                [
                    _program(), *options, "--homedir", str(self._folder), "--status-fd", str(status_end.fileno()),
                    "--passphrase-fd", str(password.fileno()), *arguments,
                ],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                pass_fds=(status_end.fileno(), password.fileno()), env=_environment(), start_new_session=True,
            )  # fmt: skip
            status_end.close()
            lines: list[tuple[str, ...]] = []
            helpers = [
                threading.Thread(target=_feed, args=(process, data), daemon=True),
                threading.Thread(target=_listen, args=(status, lines), daemon=True),
            ]
            overdue = threading.Timer(SECONDS, process.kill)
            overdue.start()
            for helper in helpers:
                helper.start()
            output, cut = _read(process, limit)
            in_time = overdue.is_alive()
            overdue.cancel()
            for helper in helpers:
                helper.join()
            ended = process.wait()
        if not in_time and not cut:
            raise Unavailable("E-IDENTITY-061", "GnuPG did not end within {seconds} seconds.", seconds=SECONDS)
        return Said(output, cut, tuple(lines), ended)

    def beside(self, data: bytes) -> str:
        """Put data into a file that lives as long as the home; returns its path."""
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return name

    def take_in(self, key: bytes, *, secret: bool = False) -> Said:
        """Import a key."""
        return self.run("--import", data=key, limit=1 << 16, secret=secret)


@contextmanager
def gpg_home(place: Path | None = None, password: bytes | None = None) -> Iterator[GpgHome]:
    """An empty home that only we may read, below ``place`` where its path is short enough; removed at the end.

    Raises Fault E-IDENTITY-060 when the machine has no GnuPG.
    """
    _program()
    fits = place is not None and len(str(place.resolve())) < MAX_SOCKET_PATH - 20
    folder = Path(tempfile.mkdtemp(prefix=".gpg-", dir=place if fits else None))
    try:
        yield GpgHome(folder, password)
    finally:
        if (folder / "S.gpg-agent").exists() or (folder / "private-keys-v1.d").exists():
            _end_agent(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    found = shutil.which("gpg")
    if found is None:
        raise Fault(
            "E-IDENTITY-060", "Mail peers need GnuPG; install it, on Debian with 'apt-get install gpg gpg-agent'."
        )
    return found


def _end_agent(folder: Path) -> None:
    program = shutil.which("gpgconf")
    if program is not None:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(  # noqa: S603 - our own arguments
                [program, "--homedir", str(folder), "--kill", "gpg-agent"],
                capture_output=True, timeout=30, env=_environment(), check=False,
            )  # fmt: skip


def _environment() -> dict[str, str]:
    """Without the user's own GnuPG, terminal and language."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "SYSTEMROOT")}
    return {**kept, "LC_ALL": "C.UTF-8"}


@contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reading, os.fdopen(write, "wb") as writing:
        yield reading, writing


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    if process.stdin is not None:
        with suppress(OSError, ValueError):  # it ended before it read everything
            process.stdin.write(data)
        with suppress(OSError, ValueError):
            process.stdin.close()


def _listen(end: BinaryIO, lines: list[tuple[str, ...]]) -> None:
    while line := end.readline(1 << 16):
        words = line.decode("utf-8", "replace").split()
        if words[:1] == ["[GNUPG:]"] and len(words) > 1 and len(lines) < MAX_LINES:
            lines.append(tuple(words[1:]))


def _read(process: subprocess.Popen[bytes], limit: int) -> tuple[bytes, bool]:
    """All that it writes; what would write more than ``limit`` bytes is stopped, and nothing of it is kept."""
    parts: list[bytes] = []
    size = 0
    with process:
        stream = process.stdout
        while stream is not None and (part := stream.read(min(1 << 20, limit + 1 - size))):
            parts.append(part)
            size += len(part)
            if size > limit:
                process.kill()
                return b"", True
    return b"".join(parts), False
