"""What the agent at one point is told: the order book as it acts there, signed; recorded before a byte leaves.

A point sees its own orders only. That an order was taken out is told by its name alone, and only where it once acted:
its name is a digest of its value, which somebody who is not to know the value could find by trying. At a place that
is not our own the words of those who named a value stay here too.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

import msgspec

from seawall.flow.book_epoch import epoch_of
from seawall.flow.node import Node
from seawall.flow.orders import Pull, changes_for, whole_book
from seawall.identity import dsse
from seawall.ledger import EventKind, LedgerEvent
from seawall.model.agent import (
    CHANGES_TYPE,
    EPOCH_TYPE,
    FRESH_SECONDS,
    MAX_CHANGES,
    MAX_CONTENT,
    MAX_PAGE_ORDERS,
    SNAPSHOT_TYPE,
    NewEpoch,
    SignedChanges,
    SnapshotPage,
)
from seawall.model.order import Change, Order, Place, Point, at_point
from seawall.protect.bounds import MAX_REASON_LENGTH

_SECOND = 1_000_000


class Answer(msgspec.Struct, frozen=True):
    """``envelope`` of the changes behind ``after``; None: the whole book must be taken. ``news``: worth answering."""

    envelope: bytes | None
    news: bool
    last: int


class AgentFeed:
    """Makes the envelopes. Threads share it."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def changes(self, point: Point, after: int) -> Answer:
        """What the agent at ``point`` that stands at ``after`` has to carry out next."""
        node = self._node
        pull = changes_for(node, point, after, MAX_CHANGES)
        if pull.snapshot and not (pull.stopped and after == pull.last):
            return Answer(None, news=True, last=pull.last)
        told, last = self._fitting(pull, point)
        at = node.clock()
        found = SignedChanges(
            node=node.keys.node_id,
            point=point.name,
            after=after,
            last=last,
            changes=told,
            made_at=at,
            expires_at=at + FRESH_SECONDS * _SECOND,
            stopped=pull.stopped,
            epoch=epoch_of(node).name,
        )
        if told:
            self._record(point, {"after": after, "last": last, "changes": len(told)})
        return Answer(dsse.sign(_bytes(found), CHANGES_TYPE, node.keys), news=bool(told), last=last)

    def book(self, point: Point) -> Iterator[bytes]:
        """Every order in force at ``point``, a page at a time: neither side holds more than one."""
        node = self._node
        stopped, epoch = node.store.orders.killed(point.name) is not None, epoch_of(node).name
        sequence, orders = whole_book(node, point)
        self._record(point, {"book": sequence})
        pages, snapshot, number = _pages(orders, point), secrets.token_hex(8), 0
        page = next(pages, [])
        while True:
            following = next(pages, [])
            at = node.clock()
            found = SnapshotPage(
                node=node.keys.node_id,
                point=point.name,
                snapshot=snapshot,
                sequence=sequence,
                number=number,
                final=not following,
                orders=tuple(page),
                made_at=at,
                expires_at=at + FRESH_SECONDS * _SECOND,
                stopped=stopped,
                epoch=epoch,
            )
            yield dsse.sign(_bytes(found), SNAPSHOT_TYPE, node.keys) + b"\n"
            if not following:
                return
            page, number = following, number + 1

    def epoch(self, point: Point) -> bytes | None:
        """What two people approved after a restore, for this point; None when there is nothing of the kind."""
        node, epoch = self._node, epoch_of(self._node)
        if epoch.backup_at is None or epoch.approved_at is None:
            return None
        at = node.clock()
        found = NewEpoch(
            node=node.keys.node_id,
            point=point.name,
            epoch=epoch.name,
            begun_at=epoch.begun_at,
            backup_at=epoch.backup_at,
            approved_by=epoch.approved_by,
            approved_at=epoch.approved_at,
            made_at=at,
            expires_at=at + FRESH_SECONDS * _SECOND,
        )
        self._record(point, {"epoch": epoch.name})
        return dsse.sign(_bytes(found), EPOCH_TYPE, node.keys)

    def _fitting(self, pull: Pull, point: Point) -> tuple[tuple[Change, ...], int]:
        """As many of the changes as one envelope carries, and the number that is reached with them."""
        told: list[Change] = []
        size = 0
        for change in pull.changes:
            if size > MAX_CONTENT:
                return tuple(told), told[-1].sequence
            if (one := self._told(change, point)) is not None:
                told.append(one)
                size += _size(one.order)
        return tuple(told), pull.last

    def _told(self, change: Change, point: Point) -> Change | None:
        if change.op == "put":
            return Change(change.sequence, "put", shown(change.order, point))
        if at_point(change.order, point) is None and not self._acted(change, point):
            return None
        return Change(change.sequence, "remove", _name_only(change.order))

    def _acted(self, change: Change, point: Point) -> bool:
        """Whether the agent there may hold this order from before."""
        history = self._node.store.orders.history(change.order.undo_id)
        return any(
            earlier.op == "put" and earlier.sequence < change.sequence and at_point(earlier.order, point) is not None
            for _, earlier in history
        )

    def _record(self, point: Point, details: dict[str, str | int | list[str]]) -> None:
        node = self._node
        node.ledger.record_event(LedgerEvent(EventKind.AGENT_TOLD, node.clock(), "node", point.name, details))


def shown(order: Order, point: Point) -> Order:
    """An order as the agent at ``point`` sees it: what its tools need, and why, where we are among ourselves."""
    if point.place is Place.OWN:
        reason, source = order.reason[:MAX_REASON_LENGTH], order.source[:MAX_REASON_LENGTH]
        return msgspec.structs.replace(order, reason=reason, source=source, score=None, scope=(), held={})
    return msgspec.structs.replace(order, score=None, scope=(), held={}, reason="", source="", release="")


def _pages(orders: Iterable[Order], point: Point) -> Iterator[list[Order]]:
    """Pages of what an agent sees, bounded in number and size."""
    page: list[Order] = []
    size = 0
    for order in orders:
        page.append(shown(order, point))
        size += _size(page[-1])
        if len(page) >= MAX_PAGE_ORDERS or size > MAX_CONTENT:
            yield page
            page, size = [], 0
    if page:
        yield page


def _size(order: Order) -> int:
    """Bytes that an order takes as JSON at most: its names and numbers, and each character of its texts escaped."""
    return 600 + 6 * (len(order.value) + len(order.reason) + len(order.source))


def _name_only(order: Order) -> Order:
    return msgspec.structs.replace(order, value="", reason="", source="", release="", scope=(), score=None, held={})


def _bytes(value: SignedChanges | SnapshotPage | NewEpoch) -> bytes:
    """Canonical JSON: keys sorted, no spaces; there is no floating-point number in it (a test compares)."""
    return msgspec.json.encode(value, order="sorted")
