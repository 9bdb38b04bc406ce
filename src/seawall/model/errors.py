"""The one error type that reaches a person, and the shape every room's errors share."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


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
        self.subject: str | None = None
        super().__init__(code, text, values)

    def about(self, subject: object) -> Self:
        """The same, said of this file: for whoever knows it, when the one who raised could not."""
        self.subject = str(subject)
        return self

    def __str__(self) -> str:
        sentence = self.text.format(**self.values)
        return f"{self.code}: {sentence}" if self.subject is None else f"{self.code}: {self.subject}: {sentence}"


class NotFound(Fault):
    """What was asked for is not there, or the asker may not know that it is (rule 12: both look alike)."""


class Refused(Fault):
    """Policy or authorisation said no. Exit status 3."""

    exit_status = ExitStatus.REFUSED


class Unavailable(Fault):
    """A peer, disk or server did not do its part; trying again later may help."""
