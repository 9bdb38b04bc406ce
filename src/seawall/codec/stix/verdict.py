"""The answer of a check."""

from __future__ import annotations

from typing import Any

import msgspec


class Verdict(msgspec.Struct, frozen=True):
    """``errors`` break a must of the specification, ``warnings`` a should; valid means: no errors."""

    id: str | None
    valid: bool
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Findings:
    """Errors and warnings as they are collected, the place before the complaint."""

    __slots__ = ("errors", "warnings")

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def verdict(self, id: str | None) -> Verdict:
        """Freeze what was found."""
        return Verdict(id, not self.errors, tuple(self.errors), tuple(self.warnings))


def shown(value: Any) -> str:
    """A value inside a message: quoted, escaped and short, because an attacker may have written it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
