"""Running a tool's own command: bounded in time and output, never through a shell."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import msgspec

from seawall.model import Unavailable

SECONDS = 120.0  # a million addresses load in about ten; a busy machine may take several times that
MAX_OUTPUT = 64 << 20  # bytes that are read of an answer
MAX_SAID = 300  # characters of a tool's complaint that are repeated


class Answer(msgspec.Struct, frozen=True):
    """How a command ended."""

    status: int
    out: str
    said: str  # the first words of its complaint, on one line


def run(command: Sequence[str], stdin: str | None = None, seconds: float = SECONDS) -> Answer:
    """Run a command and wait. Raises Unavailable E-PROTECT-070 when it is not there, -071 when it takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with arguments of ours; values are checked addresses
            list(command), input=stdin, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except OSError as error:
        raise Unavailable(
            "E-PROTECT-070", "Cannot run {tool}: {reason}.", tool=command[0], reason=error.strerror or error
        ) from None
    except subprocess.TimeoutExpired:
        raise Unavailable(
            "E-PROTECT-071", "{tool} did not answer within {seconds} seconds.", tool=command[0], seconds=round(seconds)
        ) from None
    return Answer(done.returncode, done.stdout[:MAX_OUTPUT], " ".join(done.stderr.split())[:MAX_SAID])
