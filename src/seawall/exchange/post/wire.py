"""The documents as bytes: MessagePack, because sealed messages are no text. What a peer sent is bounded here."""

from __future__ import annotations

import msgspec

from seawall.exchange.post.bounds import PostBounds
from seawall.exchange.post.interface import MAX_NUMBER, Exchanged, Standing
from seawall.model.unreadable import UNREADABLE


def encoded(document: Exchanged | Standing) -> bytes:
    """The document as it travels."""
    return msgspec.msgpack.encode(document)


def read_exchanged(data: bytes, bounds: PostBounds) -> Exchanged | None:
    """The document, or None for anything else or anything beyond the bounds."""
    try:
        document = msgspec.msgpack.decode(data, type=Exchanged)
    except UNREADABLE:
        return None
    return document if len(document.messages) <= bounds.at_once and _bearable(document.standing, bounds) else None


def read_standing(data: bytes, bounds: PostBounds) -> Standing | None:
    """A standing that travelled alone, or None."""
    try:
        standing = msgspec.msgpack.decode(data, type=Standing)
    except UNREADABLE:
        return None
    return standing if _bearable(standing, bounds) else None


def _bearable(standing: Standing, bounds: PostBounds) -> bool:
    numbers = (
        standing.taken, standing.turn, standing.heard, standing.sent, *standing.early, *standing.gone,
        *(problem.sequence for problem in standing.problems),
    )  # fmt: skip
    return (
        len(standing.digest) <= 64
        and len(standing.early) <= bounds.numbers
        and len(standing.gone) <= bounds.numbers
        and len(standing.problems) <= bounds.problems
        and all(0 <= number <= MAX_NUMBER for number in numbers)
    )
