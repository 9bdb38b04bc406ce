"""Reading leaves back, for ``seawall ledger show``: what each says, or that it was erased."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.ledger.files import LedgerFiles
from seawall.ledger.tree import leaf_hash
from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE

MAX_PAGE = 1_000  # what a screen or an API answer may ask for at once


class LedgerEntry(msgspec.Struct, frozen=True):
    """One leaf as people read it; texts are empty where the event has none, ``event`` is empty once erased."""

    index: int
    leaf_hash: str  # lower hex
    kind: str  # "release", "withheld", an EventKind, or "erased"
    at: int | None  # microseconds UTC; None once erased
    recipient: str  # whom it concerns: recipient, else the event's subject
    circle: str
    rule: str
    objects: int  # how many objects it covers
    event: dict[str, Any]


class LedgerPage(msgspec.Struct, frozen=True):
    """A page of leaves; ``next`` is the ``after`` of the following page, None at the end."""

    items: tuple[LedgerEntry, ...]
    next: int | None


def read_page(files: LedgerFiles, size: int, limit: int, after: int) -> LedgerPage:
    """Leaves with an index above ``after`` and below ``size``, at most ``limit`` (bounded by MAX_PAGE)."""
    start = max(after + 1, 0)
    stop = min(start + max(min(limit, MAX_PAGE), 1), size)
    items = tuple(read_entry(files, index) for index in range(start, stop))
    return LedgerPage(items, stop - 1 if stop < size else None)


def read_entry(files: LedgerFiles, index: int) -> LedgerEntry:
    """One leaf that is known to exist. Raises Fault E-LEDGER-002 when its bytes are damaged."""
    leaf = files.leaf(index)
    try:
        if leaf is None:
            raise ValueError("damaged")  # noqa: TRY301 - one sentence for every way in which bytes can be wrong
        opened = files.payload(leaf)
        event: dict[str, Any] = {} if opened is None else msgspec.json.decode(opened[1], type=dict[str, Any])
    except (ValueError, *UNREADABLE):
        raise Fault(
            "E-LEDGER-002",
            "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.",
            index=index,
        ) from None
    return LedgerEntry(
        index=index,
        leaf_hash=leaf_hash(leaf.commitment).hex(),
        kind=event.get("kind", "erased"),
        at=event.get("at"),
        recipient=event.get("recipient", event.get("subject", "")),
        circle=event.get("circle", ""),
        rule=event.get("rule", ""),
        objects=len(event.get("objects", ())) if "objects" in event else int("object_id" in event),
        event=event,
    )
