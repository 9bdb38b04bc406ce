"""Sealed messages in files that people carry, beside drops: comparisons, evidence and questions without a network.

A file is a first line and then each message with its length before it. It holds all of ours that the peer has not
acknowledged, and how far we have come in the peer's, so that a file that was lost costs nothing but its journey: the
next one holds the same and more. Who wrote it and for whom stands in no file; only the recipient can open anything.
``post_carried_in`` takes them in.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from seawall.exchange import require_verified
from seawall.exchange.envelope import MAX_ENVELOPE_BYTES
from seawall.flow.node import Node
from seawall.flow.post import BOUNDS, HANDLERS
from seawall.flow.relay_book import RelayLink, relay_of
from seawall.flow.relay_delivery import Visit, visiting
from seawall.messages import mark
from seawall.model import Fault, from_microseconds
from seawall.model.peer import PeerRecord

HEAD = b"seawall-messages-1\n"
LENGTH_BYTES = 4
ENDING = ".messages"
PATTERN = f"*{ENDING}"
OVER_THE_LINE = ""  # in place of a mailbox, as on the line and in sealed drops
MOST = BOUNDS.waiting + BOUNDS.at_once  # messages of one file: all that may wait, and how far we have come
MOST_BYTES = BOUNDS.waiting_bytes + 64 * MAX_ENVELOPE_BYTES


class Carried(msgspec.Struct, frozen=True):
    """What one file holds, or brought. ``waiting``: ours that the peer has not acknowledged."""

    file: str
    peer: str | None
    messages: int
    bytes: int
    problems: tuple[str, ...] = ()
    waiting: int = 0


def messages_beside(
    node: Node, code_name: str, output: Path, *, if_new: bool
) -> tuple[dict[str, object] | None, str | None]:
    """What ``write_messages`` wrote beside a drop, and a sentence for people; where a relay is set, that one carries.

    What keeps messages back keeps no drop back.
    """
    if relay_of(node, code_name) is not None:
        return None, None
    waiting = node.store.post.count_waiting(code_name)[0]
    if not output.is_dir():
        return None, mark(
            "Messages wait for this peer; give a folder with -o, and they are written beside the drop."
        ) if waiting else None
    try:
        done = write_messages(node, code_name, output, if_new=if_new)
    except Fault as fault:
        return None, str(fault)
    return (msgspec.to_builtins(done) if done is not None else None), None


def write_messages(node: Node, code_name: str, folder: Path, *, if_new: bool = False) -> Carried | None:
    """All that waits for a peer as one file in this folder; None when there is nothing to tell.

    ``if_new``: also none when all of it went with a file of the last hours. Raises Refused E-EXCHANGE-023 for a peer
    that nobody verified, Unavailable E-FLOW-466 when something waits and the peer has told no key, Fault E-FLOW-120
    when the folder cannot take the file.
    """
    node.require("sync")
    record = require_verified(node.store.peers.get(code_name))
    waits = node.store.post.waiting(code_name, limit=BOUNDS.waiting)
    everything = not if_new or any(row.put_at is None for row in waits)
    try:
        with visiting(node, record), tempfile.NamedTemporaryFile(dir=folder, prefix=".messages-", delete=False) as file:
            return _written(node, record, folder, file.file, Path(file.name), everything=everything)
    except OSError as error:
        raise Fault("E-FLOW-120", "A drop cannot be written to {path}: {reason}.", path=folder,
                    reason=error.strerror or error) from None  # fmt: skip


def _written(
    node: Node, record: PeerRecord, folder: Path, file: IO[bytes], hidden: Path, *, everything: bool
) -> Carried | None:
    visit, count = Visit(node, record, RelayLink(), HANDLERS), 0

    def put(sealed: bytes, expires: int) -> None:
        nonlocal count
        del expires  # stands inside
        file.write(len(sealed).to_bytes(LENGTH_BYTES, "big") + sealed)
        count += 1

    try:
        file.write(HEAD)
        visit.lay(OVER_THE_LINE, put, everything=everything)
        if not count:
            return None
        file.flush()
        os.fsync(file.fileno())
        size, name = file.tell(), folder / file_name(node, record)
        hidden.replace(name)
    finally:
        hidden.unlink(missing_ok=True)
    waiting = node.store.post.count_waiting(record.code_name)[0]
    return Carried(str(name), record.code_name, count, size, tuple(visit.carried.problems), waiting)


def file_name(node: Node, record: PeerRecord) -> str:
    """Sorted by when it was written. As for drops, eight digits keep files of several peers apart for us alone."""
    proof = node.keys.sign(f"seawall messages name 1\0{record.node_id}".encode())
    written = from_microseconds(node.clock()).strftime("%Y%m%dT%H%M%S%fZ")
    return f"{written}-{hashlib.sha256(proof).hexdigest()[:8]}{ENDING}"
