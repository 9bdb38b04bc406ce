"""The one error type that reaches a person, and the shape every room's errors share."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """Exit statuses of the command line (public contract)."""

    DONE = 0
    REJECTS = 1
    USAGE = 2
    REFUSED = 3


class Fault(Exception):
    """Something a person must hear about, in one sentence that is safe to show.

    ``code`` is stable (``E-INGEST-004``); ``text`` is the English sentence with ``{named}`` places and is also the
    key into the message catalogues; ``values`` fill the places. Never put secrets, tokens or withheld values there.
    """

    exit_status: ExitStatus = ExitStatus.USAGE

    def __init__(self, code: str, text: str, **values: object) -> None:
        self.code = code
        self.text = text
        self.values = values
        super().__init__(f"{code}: {text.format(**values)}")


class NotFound(Fault):
    """What was asked for is not there, or the asker may not know that it is (rule 12: both look alike)."""


class Refused(Fault):
    """Policy or authorisation said no. Exit status 3."""

    exit_status = ExitStatus.REFUSED


class Unavailable(Fault):
    """A peer, disk or server did not do its part; trying again later may help."""
