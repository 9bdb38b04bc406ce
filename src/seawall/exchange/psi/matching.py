"""Tokens of both sides laid beside each other: who holds the same value has the same token.

Tokens are 16 random-looking bytes. They are joined by their first eight as integers, and compared whole where those
agree: a million a side takes tenths of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from seawall.exchange.psi.interface import Channel, Common, Overlap
from seawall.model.psi import TOKEN_BYTES

Halves = npt.NDArray[np.uint64]  # two columns


def overlap(channel: Channel) -> Overlap:
    """What both sides hold by now, over all sessions of the epoch in which our values were answered."""
    theirs = _Theirs(channel)
    found: dict[bytes, Common] = {}
    count = 0
    for number, part in channel.book.sent_parts():
        count += len(part.values)
        for place, their_session in theirs.joined(_halves(part.tokens or b"")):
            found[part.values[place]] = Common(part.values[place], number, their_session)
    return Overlap(common=tuple(found[value] for value in sorted(found)), ours=count, theirs=theirs.count)


def holds(channel: Channel, token: bytes) -> bool:
    """Whether the other side brought the value of this token into the epoch."""
    wanted = _halves(token)
    return any((_halves(part.tokens) == wanted).all(axis=1).any() for _, part in channel.book.taken_parts())


def repeated(parts: Sequence[bytes]) -> bool:
    """Whether a token stands in these lists twice."""
    tokens = _halves(b"".join(parts))
    first = np.sort(tokens[:, 0])
    if not (first[1:] == first[:-1]).any():  # nearly always, and ten times cheaper than the whole comparison
        return False
    tokens = tokens[np.lexsort((tokens[:, 1], tokens[:, 0]))]
    return bool((tokens[1:] == tokens[:-1]).all(axis=1).any())


class _Theirs:
    """The tokens of the other side, sorted by their first halves, and the session that each came in."""

    def __init__(self, channel: Channel) -> None:
        parts = list(channel.book.taken_parts())
        tokens = _halves(b"".join(part.tokens for _, part in parts))
        sessions = np.repeat([number for number, _ in parts], [len(part.tokens) // TOKEN_BYTES for _, part in parts])
        # stable: of a value that came in two sessions, the first stays in front
        order = np.argsort(tokens[:, 0], kind="stable")
        self._first, self._second, self._sessions = tokens[order, 0], tokens[order, 1], sessions[order]
        self.count = len(tokens)

    def joined(self, ours: Halves) -> Iterator[tuple[int, int]]:
        """(place among ours, their session) of every token that both have."""
        begins = np.searchsorted(self._first, ours[:, 0], side="left")
        ends = np.searchsorted(self._first, ours[:, 0], side="right")
        for place in np.flatnonzero(ends > begins).tolist():
            for other in range(begins[place], ends[place]):
                if self._second[other] == ours[place, 1]:
                    yield place, int(self._sessions[other])
                    break


def _halves(tokens: bytes) -> Halves:
    return np.frombuffer(tokens, dtype=np.uint64).reshape(-1, 2)
