"""What becomes of matches when the rows they rest on change or leave the lake."""

from __future__ import annotations

from typing import Protocol

import msgspec

from seawall.match.past import PAST
from seawall.match.report import MatchState
from seawall.match.run import HITS, STATE_NOTE


class Forgetful(Protocol):
    """The part of the lake's writer that this needs."""

    def remove_derived(self, name: str, /) -> None:
        """Forget a derived data set."""

    def remove_note(self, key: str, /) -> None:
        """Forget a small value."""

    def note(self, key: str, /) -> str | None:
        """A small value."""

    def set_note(self, key: str, value: str, /) -> object:
        """Keep a small value."""


def forget_matches(writer: Forgetful) -> None:
    """Have the next ``match`` compute everything anew."""
    writer.remove_derived(HITS)
    writer.remove_derived(PAST)
    writer.remove_note(STATE_NOTE)


def forget_rows(writer: Forgetful, rows: int) -> None:
    """Rows leave the lake: what they matched stays as history, and the totals count so many events less."""
    text = writer.note(STATE_NOTE)
    if text is None:
        return
    state = msgspec.json.decode(text, type=MatchState)
    report = msgspec.structs.replace(state.report, events=max(0, state.report.events - rows))
    writer.set_note(STATE_NOTE, msgspec.json.encode(msgspec.structs.replace(state, report=report)).decode())
