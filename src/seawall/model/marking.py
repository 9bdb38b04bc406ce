"""TLP 2.0 and PAP as ordered levels: the greater value is the stricter."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from seawall.model.errors import Fault


class _Level(IntEnum):
    @property
    def label(self) -> str:
        """The label as the standard spells it, in lower case: ``amber+strict``."""
        return self.name.lower().replace("_strict", "+strict")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a label in any case, with or without its ``tlp:`` / ``pap:`` prefix; TLP 1 ``white`` is ``clear``.

        Raises Fault E-MARK-001 for anything else.
        """
        bare = text.strip().lower().removeprefix("tlp:").removeprefix("pap:")
        bare = {"white": "clear", "amber-strict": "amber+strict", "amber_strict": "amber+strict"}.get(bare, bare)
        for level in cls:
            if level.label == bare:
                return level
        raise Fault(
            "E-MARK-001",
            "{given} is not a marking level; use one of {known}.",
            given=repr(text[:40]),
            known=", ".join(level.label for level in cls),
        )


class Tlp(_Level):
    """Traffic Light Protocol 2.0 (FIRST, 2022): whom you may tell."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4


class Pap(_Level):
    """Permissible Actions Protocol (MISP taxonomy PAP v3): what you may do with it."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    RED = 3
