"""Is this from our node, for this point, the next in order, and fresh? Nothing is read of it before that is known.

Steps: (1) size; (2) signature by the node's key (DSSE); (3) shape and bounds; (4) node and point; (5) the book that
we follow: after a restore its numbers mean something else, until two people approved that; and sequence: it
begins where we stand, neither before (told twice, or an old one again) nor behind (one is missing); (6) freshness, by
a clock that never goes back behind what the node said last.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TypeVar

import msgspec

from seawall.identity import dsse
from seawall.model import Clock, Refused
from seawall.model.agent import (
    CHANGES_TYPE,
    EPOCH_TYPE,
    FRESH_SECONDS,
    MAX_CHANGES,
    MAX_ENVELOPE,
    MAX_PAGE_ORDERS,
    SNAPSHOT_TYPE,
    NewEpoch,
    SignedChanges,
    SnapshotPage,
)
from seawall.model.order import Change, Order
from seawall.model.unreadable import UNREADABLE

SKEW = 120_000_000  # microseconds by which our clocks may differ
MAX_TEXT = 8_192  # characters of any field: the longest value there is; what is too long for us the limits refuse

MAX_EPOCH = 64  # characters of the name of a book

T = TypeVar("T")
_changes = msgspec.json.Decoder(SignedChanges)
_page = msgspec.json.Decoder(SnapshotPage)
_epoch = msgspec.json.Decoder(NewEpoch)


class SteadyClock:
    """The machine's clock, but never behind the latest moment that was believed: a gateway that starts in 1970 must
    not give its tools timeouts of half a century."""

    def __init__(self, clock: Clock, latest: int = 0) -> None:
        self._clock = clock
        self.latest = latest

    def __call__(self) -> int:
        """Microseconds UTC."""
        return max(self._clock(), self.latest)

    def believe(self, moment: int) -> None:
        """The node, whose word was checked, made something at ``moment``."""
        self.latest = max(self.latest, moment)

    @property
    def raw(self) -> int:
        """What the machine says."""
        return self._clock()


class Trust:
    """Whom this agent follows, and at which point it stands. ``keys``: the node's signing keys, 32 bytes each."""

    def __init__(self, node: str, point: str, keys: Iterable[bytes]) -> None:
        self.node = node
        self.point = point
        self.keys = tuple(keys)

    def changes(self, envelope: bytes, after: int, at: int, epoch: str | None = None) -> SignedChanges:
        """Checked changes that begin where we stand (``after``), in the book of ``epoch`` (None: any).

        Raises Refused E-PROTECT-045 to -049, E-PROTECT-131.
        """
        found = _decoded(self._opened(envelope, CHANGES_TYPE), _changes)
        self._meant(found.node, found.point)
        _of_book(found.epoch, epoch)
        numbers = [change.sequence for change in found.changes]
        if found.after != after:
            raise Refused(
                "E-PROTECT-047",
                "These changes begin behind {given}, and this agent stands at {known}; none of them was taken.",
                given=found.after,
                known=after,
            )
        rising = all(earlier < later for earlier, later in pairwise(numbers))
        if not rising or found.last < after or (numbers and not (after < numbers[0] and numbers[-1] <= found.last)):
            raise _malformed()
        if len(numbers) > MAX_CHANGES or not all(_sound(change) for change in found.changes):
            raise _malformed()
        _fresh(found.made_at, found.expires_at, at)
        return found

    def page(
        self, envelope: bytes, before: SnapshotPage | None, least: int, at: int, epoch: str | None = None
    ) -> SnapshotPage:
        """The checked page that follows ``before``; its book is at ``least`` or further. Raises as ``changes``."""
        found = _decoded(self._opened(envelope, SNAPSHOT_TYPE), _page)
        self._meant(found.node, found.point)
        _of_book(found.epoch, epoch)
        number, same = (0, True) if before is None else (before.number + 1, _same(before, found))
        if found.number != number or not same:
            raise Refused("E-PROTECT-048", "The pages of the snapshot do not follow each other; none of it was taken.")
        if found.sequence < least:
            raise Refused(
                "E-PROTECT-049",
                "The node's book stands at {given}, and this agent was at {known} already: it went back in time. When "
                "the node was restored from a backup, two people there approve that with 'seawall agent resume'; else "
                "ask who answers in its place.",
                given=found.sequence,
                known=least,
            )
        if len(found.orders) > MAX_PAGE_ORDERS or not all(map(_sound_order, found.orders)):
            raise _malformed()
        _fresh(found.made_at, found.expires_at, at)
        return found

    def epoch(self, envelope: bytes, at: int) -> NewEpoch:
        """What two people of the node approved after a restore. Raises as ``changes``."""
        found = _decoded(self._opened(envelope, EPOCH_TYPE), _epoch)
        self._meant(found.node, found.point)
        if len(set(found.approved_by)) < 2 or not 0 < len(found.epoch) <= MAX_EPOCH:
            raise _malformed()
        _fresh(found.made_at, found.expires_at, at)
        return found

    def _opened(self, envelope: bytes, kind: str) -> bytes:
        if len(envelope) > MAX_ENVELOPE:
            raise _malformed()
        return dsse.verify(envelope, kind, self.keys)

    def _meant(self, node: str, point: str) -> None:
        if node != self.node or point != self.point:
            raise Refused(
                "E-PROTECT-046",
                "These orders are for the point {given} of another place; this agent stands at {known}.",
                given=repr(point[:64]),
                known=repr(self.point),
            )


def _of_book(given: str, known: str | None) -> None:
    if known is not None and given != known:
        raise Refused(
            "E-PROTECT-131",
            "The node tells of another book than this agent follows: it was restored from a backup, or somebody else "
            "answers in its place. Two people there approve a restore with 'seawall agent resume'; until then this "
            "agent keeps what it holds.",
        )


def _fresh(made_at: int, expires_at: int, at: int) -> None:
    if expires_at - made_at > FRESH_SECONDS * 1_000_000:
        raise _malformed()
    if made_at > at + SKEW:
        raise Refused(
            "E-PROTECT-051",
            "The node's clock is {seconds} seconds ahead of this gateway's; nothing is taken until they agree.",
            seconds=(made_at - at) // 1_000_000,
        )
    if expires_at + SKEW < at:
        raise Refused(
            "E-PROTECT-052",
            "These orders were made {seconds} seconds ago: an old answer, or one of the two clocks is wrong.",
            seconds=(at - made_at) // 1_000_000,
        )


def _same(before: SnapshotPage, found: SnapshotPage) -> bool:
    return not before.final and (before.snapshot, before.sequence) == (found.snapshot, found.sequence)


def _sound(change: Change) -> bool:
    return change.op in ("put", "remove") and _sound_order(change.order)


def _sound_order(order: Order) -> bool:
    """Nothing in it is longer than we keep; what the value is, the limits judge."""
    texts = (order.value, order.reason, order.source, order.release)
    if len(order.undo_id) != 16 or any(len(text) > MAX_TEXT for text in texts):
        return False
    return -(1 << 62) < order.starts_at < 1 << 62 and -(1 << 62) < order.expires_at < 1 << 62


def _decoded(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(payload)
    except UNREADABLE:
        raise _malformed() from None


def _malformed() -> Refused:
    return Refused("E-PROTECT-045", "What the node sent is cut short, too large, or not what was asked for.")
