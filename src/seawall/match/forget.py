"""Forgetting what was matched, when the rows it rests on have changed."""

from __future__ import annotations

from typing import Protocol

from seawall.match.run import HITS, STATE_NOTE


class Forgetful(Protocol):
    """The part of the lake's writer that this needs."""

    def remove_derived(self, name: str, /) -> None:
        """Forget a derived data set."""

    def remove_note(self, key: str, /) -> None:
        """Forget a small value."""


def forget_matches(writer: Forgetful) -> None:
    """Have the next ``match`` compute everything anew."""
    writer.remove_derived(HITS)
    writer.remove_note(STATE_NOTE)
