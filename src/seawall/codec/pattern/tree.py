"""A STIX pattern as a tree (STIX 2.1 part 9): what ``grammar.parse`` makes of its text."""

from __future__ import annotations

import msgspec

Scalar = str | int | float | bool | bytes


class Timestamp(msgspec.Struct, frozen=True):
    """A timestamp literal, ``t'...'``; kept as text."""

    text: str


Literal = Scalar | Timestamp
STAR = "*"  # the [*] list index


class Path(msgspec.Struct, frozen=True):
    """``file:hashes.'SHA-256'`` is type ``file``, steps ``("hashes", "SHA-256")``; list indexes are numbers or STAR."""

    type: str
    steps: tuple[str | int, ...]


class Comparison(msgspec.Struct, frozen=True):
    """One test of one property. ``operator`` is ``= != < <= > >= IN LIKE MATCHES ISSUBSET ISSUPERSET EXISTS``."""

    path: Path
    operator: str
    negated: bool
    value: Literal | tuple[Literal, ...] | None


class Both(msgspec.Struct, frozen=True):
    """AND of two or more, or OR of them, inside one observation or between observations."""

    word: str  # AND, OR or FOLLOWEDBY
    parts: tuple[Node, ...]


class Observation(msgspec.Struct, frozen=True):
    """``[...]``: tests that one observation must pass."""

    test: Node


class Qualified(msgspec.Struct, frozen=True):
    """An observation expression under WITHIN, REPEATS or START ... STOP."""

    inner: Node
    kind: str  # WITHIN, REPEATS or STARTSTOP
    first: int | float | str
    second: str | None = None


Node = Comparison | Both | Observation | Qualified
