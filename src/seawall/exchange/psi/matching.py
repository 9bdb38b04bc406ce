"""Tokens of both sides laid beside each other: who holds the same value has the same token.

Tokens are 16 random-looking bytes. They are joined by their first eight as integers, and compared whole where those
agree: a million a side takes tenths of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy

import numpy as np
import numpy.typing as npt

from seawall.exchange.psi.interface import Channel, Common, Overlap
from seawall.model.psi import TOKEN_BYTES

Halves = npt.NDArray[np.uint64]  # two columns


def overlap(channel: Channel, *, since: int = 0) -> Overlap:
    """What both sides hold by now, over all sessions of the epoch in which our values were answered.

    ``since``: only what became common in the session of this number or a later one.
    """
    everything = _Theirs(channel)
    later = everything.since(since)
    found: dict[bytes, Common] = {}
    count = 0
    for number, part in channel.book.sent_parts():
        count += len(part.values)
        theirs = everything if number >= since else later
        for place, their_session in theirs.joined(_halves(part.tokens or b"")):
            if max(number, their_session) >= since:
                found[part.values[place]] = Common(part.values[place], number, their_session)
    return Overlap(common=tuple(found[value] for value in sorted(found)), ours=count, theirs=everything.count)


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
        order = np.argsort(tokens[:, 0])
        if (tokens[order[1:], 0] == tokens[order[:-1], 0]).any():
            # of a value that came in two sessions the first stays in front; four times dearer, so only where one did
            order = np.argsort(tokens[:, 0], kind="stable")
        self._first, self._second, self._sessions = tokens[order, 0], tokens[order, 1], sessions[order]

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self._first)

    def since(self, session: int) -> _Theirs:
        """Those that came in this session or later, and in none before."""
        kept = copy(self)
        late = self._sessions >= session
        late[1:] &= (self._first[1:] != self._first[:-1]) | (self._second[1:] != self._second[:-1])
        kept._first, kept._second, kept._sessions = self._first[late], self._second[late], self._sessions[late]
        return kept

    def joined(self, ours: Halves) -> Iterator[tuple[int, int]]:
        """(place among ours, their session) of every token that both have."""
        if not self.count:
            return
        order = np.argsort(ours[:, 0])  # looked up in their order: ten times quicker than at random
        begins = np.searchsorted(self._first, ours[order, 0])
        equal = self._first[np.minimum(begins, self.count - 1)] == ours[order, 0]
        for place, begin in zip(order[equal].tolist(), begins[equal].tolist(), strict=True):
            first, second = ours[place]
            while begin < self.count and self._first[begin] == first:
                if self._second[begin] == second:
                    yield place, int(self._sessions[begin])
                    break
                begin += 1


def _halves(tokens: bytes) -> Halves:
    return np.frombuffer(tokens, dtype=np.uint64).reshape(-1, 2)
