"""Whether the ledger's files went back in time: the store remembers how far they were when they were last used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from seawall.model import Fault

if TYPE_CHECKING:
    from seawall.flow.node import Node
    from seawall.ledger import Ledger

SEEN = "ledger-seen"


class Seen(msgspec.Struct, frozen=True):
    """The head at the last use."""

    size: int
    root: str  # lower hex


def check_seen(node: Node, ledger: Ledger) -> None:
    """Pass when the ledger goes on from where it was. Raises Fault E-FLOW-364: until a person acts, nothing leaves."""
    seen = _seen(node)
    if seen is None:
        return
    size = ledger.head().size if seen.size > ledger.size else ledger.size  # others may have written since it was opened
    if size < seen.size or ledger.root_at(seen.size).hex() != seen.root:
        raise Fault(
            "E-FLOW-364",
            "The ledger was rolled back or replaced: it had {expected} leaves when it was last used, and these are not "
            "they. Put its files back, or restore a backup with 'seawall restore', which tells the peers.",
            expected=seen.size,
        )


def keep_seen(node: Node, ledger: Ledger) -> None:
    """Remember how far it is now; never less than before."""
    with suppress(Fault):  # the store is gone or busy: the older word stays
        seen = _seen(node)
        if seen is None or seen.size < ledger.size:
            node.store.notes.set(SEEN, msgspec.json.encode(Seen(ledger.size, ledger.root())).decode())


def _seen(node: Node) -> Seen | None:
    text = node.store.notes.get(SEEN)
    return msgspec.json.decode(text, type=Seen) if text else None
