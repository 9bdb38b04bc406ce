"""Drops that only their recipient can read, once its key is known; see ``exchange.drop.sealed``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from seawall.exchange.drop import DropBounds, is_sealed, seal_drop, unseal_drop
from seawall.exchange.envelope import BadEnvelope, Opened
from seawall.flow.node import Node
from seawall.flow.post_seal import lives_until, open_from, seal_for
from seawall.flow.prekeys import held_prekeys
from seawall.model import Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerRecord

OURS = "drop-sealed:{digest}"  # what we sealed we cannot open: it is known by how it begins
MARK_BYTES = 4_096
LIFE = 30 * 86_400_000_000  # microseconds; no longer than the recipient keeps the key that opens it


def can_seal_for(node: Node, record: PeerRecord) -> bool:
    """Whether a key of this peer's is held that may still be used."""
    held = held_prekeys(node, record)
    return bool(held) and held[0].used_until > node.clock()


def seal_in_place(node: Node, record: PeerRecord, hidden: Path) -> int:
    """Put the sealed form in the place of a finished drop; returns its bytes. Durable when it returns."""
    at = node.clock()
    expires = lives_until(node, record.code_name, at + LIFE)

    def seal(number: int, body: bytes) -> bytes:
        return seal_for(
            node,
            record,
            sequence=number,
            kind=MessageKind.DROP,
            at=at,
            expires=expires,
            body=body,
            mailbox="",
        )

    descriptor, name = tempfile.mkstemp(prefix=".drop-", dir=hidden.parent)
    try:
        with os.fdopen(descriptor, "w+b") as target, hidden.open("rb") as source:
            seal_drop(source, target, seal)
            target.flush()
            os.fsync(target.fileno())
            size = target.tell()
            target.seek(0)
            node.store.notes.set(OURS.format(digest=_mark(target)), record.code_name)
        Path(name).replace(hidden)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return size


@contextmanager
def unsealed(node: Node, path: Path, peers: Sequence[PeerRecord], bounds: DropBounds) -> Iterator[Path]:
    """The file of a drop, opened if it was sealed for us; one that cannot be read is left to its reader.

    Raises Refused E-FLOW-624 when it is sealed for somebody else, E-FLOW-124 when we sealed it ourselves,
    E-EXCHANGE-205 when it was altered.
    """
    with tempfile.NamedTemporaryFile(dir=node.folder) as target:
        yield Path(target.name) if _unsealed(node, path, peers, bounds, target.file) else path


def _unsealed(node: Node, path: Path, peers: Sequence[PeerRecord], bounds: DropBounds, target: IO[bytes]) -> bool:
    """Whether there was something to open; it stands in ``target`` then."""
    try:
        source = path.open("rb")
    except OSError:
        return False
    with source:
        if not is_sealed(source):
            return False
        if node.store.notes.get(OURS.format(digest=_mark(source))) is not None:
            raise Refused("E-FLOW-124", "This drop was written by this very node; it is for the other side.")
        source.seek(0)
        unseal_drop(source, target, _Opener(node, peers).opened, bounds)
        target.flush()
    return True


def _mark(file: IO[bytes]) -> str:
    return hashlib.sha256(file.read(MARK_BYTES)).hexdigest()


class _Opener:
    """The first piece tells whose they are; all others must be by the same peer."""

    def __init__(self, node: Node, peers: Sequence[PeerRecord]) -> None:
        self._node, self._peers = node, peers

    def opened(self, sealed: bytes) -> Opened:
        for record in self._peers:
            try:
                message = open_from(self._node, record, sealed, mailbox="")
            except BadEnvelope as bad:
                if bad.code in ("E-EXCHANGE-748", "E-EXCHANGE-753"):  # opens, and is another peer's
                    continue
                if bad.code == "E-EXCHANGE-744":
                    break
                raise
            self._peers = (record,)
            return message
        raise Refused(
            "E-FLOW-624",
            "This sealed drop is for another node, or for a key that this node has wiped; it was not read.",
        )
