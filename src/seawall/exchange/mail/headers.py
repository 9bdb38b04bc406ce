"""Header fields of strangers, read at a bounded cost: the standard library's parser takes time that grows with the
square of a field's length, and takes it again each time a field is looked at."""

from __future__ import annotations

from email.policy import EmailPolicy
from typing import Any

from seawall.exchange.mail.bounds import HEADER_VALUE, HEADER_WORK, TEXT_VALUE
from seawall.exchange.mail.reasons import NotBelieved, Reason

TEXTS = frozenset({"subject", "references", "in-reply-to"})
"""Fields without a structure: parsing them takes time that grows with their length."""


class Work:
    """What the fields of one message have cost: each is parsed once, and all together are bounded."""

    def __init__(self) -> None:
        self.parsed: dict[tuple[str, str], Any] = {}
        self.letters = 0

    def spend(self, letters: int) -> None:
        """Raise NotBelieved (malformed) when a message wants more looked at than any honest one."""
        self.letters += letters
        if self.letters > HEADER_WORK:
            raise NotBelieved(Reason.MALFORMED)


class BoundedHeaders(EmailPolicy):
    """The standard policy, whose fields are cut to a length before they are parsed. Make a new one for each message.

    A sender that is longer is nobody: a cut address could be another's.
    """

    work: Work = Work()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"work": Work(), **settings})

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Name and value of a field as they came, the value within its bound."""
        name, value = super().header_source_parse(sourcelines)
        kind = name.lower()
        if kind == "from" and len(value) > HEADER_VALUE:
            return name, ""
        return name, value[: TEXT_VALUE if kind in TEXTS else HEADER_VALUE]

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The field with its parts. Raises NotBelieved (malformed)."""
        key = (name.lower(), value)
        if key not in self.work.parsed:
            self.work.spend(len(value))
            self.work.parsed[key] = super().header_fetch_parse(name, value)
        return self.work.parsed[key]
