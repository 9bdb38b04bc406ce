"""The book's part of the schedule: what ran out, what changed, and from time to time everything."""

from __future__ import annotations

import hashlib
import time

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders import expire_orders, orders_for, refresh_orders, sweep_ended, wake
from seawall.flow.orders_facts import limits_of
from seawall.flow.orders_fill import fill_points
from seawall.flow.orders_rules import rules_state
from seawall.flow.radius import horizon_of
from seawall.model import Observable, Unavailable

NOTE = "orders-followed"
PAGE = 1_000
HOUR = 3_600_000_000  # microseconds
SHARE = 20  # a whole pass is made again after so many times as long as it took, at the earliest after an hour


class Followed(msgspec.Struct, frozen=True):
    """Where the last run ended."""

    state: str  # of the rules it went by
    change: int  # of the indicators
    whole_at: int  # microseconds UTC of the last whole pass
    whole_took: int  # microseconds


def order_job(node: Node) -> str:
    """Bring the book in step: with the indicators that changed, or all of it when what it goes by changed.

    A whole pass also finds what no change tells: an indicator whose validity begins only now.
    """
    sweep_ended(node)  # what a command, or a process that was killed, ended at once and left to do
    expired = expire_orders(node)
    if fill_points(node):  # an hour is over, or somebody raised a cap in another process
        wake()
    text = node.store.notes.get(NOTE)
    before = None if text is None else msgspec.json.decode(text, type=Followed)
    state, at, change = _state(node), node.clock(), node.store.indicators.change()
    again = before is None or at >= before.whole_at + max(HOUR, SHARE * before.whole_took)
    if before is None or again or before.state != state or change < before.change:
        began = time.monotonic()
        report = refresh_orders(node)
        after = Followed(state, change, at, int((time.monotonic() - began) * 1_000_000))
    else:
        after = msgspec.structs.replace(before, change=change)
        report = orders_for(node, ())
        position = before.change
        while (page := node.store.indicators.changed_since(position, PAGE)).items:
            report += orders_for(node, [Observable(entry.type, entry.value) for entry in page.items])
            position = page.last
    node.store.notes.set(NOTE, msgspec.json.encode(after).decode())
    return f"{report.put} put, {report.removed} removed, {expired} expired"


def _state(node: Node) -> str:
    try:
        radius = node.radius_table.state()
    except Unavailable:  # it is being built: the next run sees the new one
        radius = None
    # a value asks the table when it comes in; the whole book asks again each day, and once the table knows enough
    known = None if radius is None else [radius.day, horizon_of(node, radius).enough]
    told = [rules_state(node), limits_of(node), known]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]
