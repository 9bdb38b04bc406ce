"""``sync`` with a peer that has a relay: what a carried drop would hold travels as sealed messages.

The order: (1) what waits is fetched and taken in, which may make receipts; (2) what is new is written as drops, into a
folder of our own, and posted in parts; (3) that is laid down. A file is removed once its parts are queued: a kill
before that posts them again, and the peer counts the second as repeated. When a drop did not arrive, because its time
was over or the peer could not take it in, a new chain begins with everything that stands for the peer.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import msgspec

from seawall.exchange import require_verified
from seawall.exchange.drop import DropBounds
from seawall.flow.drop import Cover, export_drop
from seawall.flow.drop_taking import PATTERN, take_in_drops
from seawall.flow.health import failed, succeeded
from seawall.flow.node import Node
from seawall.flow.post import Delivered, deliver, post
from seawall.flow.post_state import lock_name
from seawall.flow.relay_book import FOLDER, link_of
from seawall.identity.key_folder import destroy
from seawall.identity.vault_open import opened_secret, seal_secret
from seawall.model import Fault, Unavailable
from seawall.model.message import Message, MessageKind
from seawall.model.post import PostState
from seawall.model.unreadable import UNREADABLE

MIB = 1024 * 1024
PART_BYTES = 4 * MIB
WHOLE = "whole.drop.zst"
MAX_PARTS = 128  # of one drop: 512 MiB; ours are cut long before, at DROP_BOUNDS
DROP_BOUNDS = DropBounds(plain_bytes=64 * MIB, page_objects=200)
DONE = "relay-drop-done:{peer}"
RESTARTED = "relay-drop-restarted:{peer}"
RESTART_PAUSE = 3_600_000_000  # microseconds; a chain that the peer never takes is not sent all day long
LOOKED_AT = 200  # of our last messages


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """One message of kind ``drop``: a piece of a file."""

    sha256: str  # of the whole file
    part: int  # 0, 1, 2 ...
    parts: int
    data: bytes


class _Restarted(msgspec.Struct, frozen=True):
    sequence: int = 0  # what came to nothing up to here was answered by a new chain
    at: int = 0


class _Taken(msgspec.Struct):
    """What the drops of one synchronisation brought."""

    received: int = 0
    unchanged: int = 0
    rejected: int = 0
    problems: list[str] = []


_taken: ContextVar[_Taken | None] = ContextVar("taken by relay", default=None)


def sync_by_relay(node: Node, code_name: str) -> dict[str, object]:
    """Take in what waits at the relay, lay down what is new; the keys of ``sync_peer`` and ``waiting``.

    Raises Refused E-EXCHANGE-023 for a peer that nobody verified, and what ``deliver`` raises; how it went is kept for
    ``peers list``.
    """
    peer = require_verified(node.store.peers.get(code_name)).code_name
    covered = link_of(node, peer).cover > 0
    try:
        with _counting() as taken:
            first = Delivered() if covered else deliver(node, peer)  # under cover there is one visit, always
            written, said = _send(node, peer)
            second = deliver(node, peer) if covered or node.store.post.count_waiting(peer)[0] else Delivered()
    except Fault as fault:
        failed(node, peer, fault)
        raise
    succeeded(node, peer)
    problems = [*said, *taken.problems, *first.problems, *second.problems]
    return {
        "received": taken.received,
        "sent": written["sent"],
        "withheld": written["withheld"],
        "unchanged": taken.unchanged,
        "rejected": taken.rejected,
        "refused": 0,
        "problems": list(dict.fromkeys(problems)),
        "waiting": node.store.post.count_waiting(peer)[0],
    }


def _send(node: Node, peer: str) -> tuple[dict[str, object], list[str]]:
    """New drops as messages; (what ``export_drop`` says, sentences for our own people)."""
    folder = _folder(node, peer, "out")
    restart, said = _restart(node, peer)
    if restart:
        _clear(folder)
    _post_files(node, peer, folder)
    written = export_drop(node, peer, folder, restart=restart, if_new=True, cover=Cover.AROUND, bounds=DROP_BOUNDS)
    _post_files(node, peer, folder)
    return written, said


def _post_files(node: Node, peer: str, folder: Path) -> None:
    for file in sorted(folder.glob(PATTERN)):
        whole = file.read_bytes()
        digest = hashlib.sha256(whole).hexdigest()
        parts = max(1, -(-len(whole) // PART_BYTES))
        for number in range(parts):
            data = whole[number * PART_BYTES : (number + 1) * PART_BYTES]
            post(node, peer, MessageKind.DROP, msgspec.msgpack.encode(_Part(digest, number, parts, data)))
        destroy(file)


def _restart(node: Node, peer: str) -> tuple[bool, list[str]]:
    """Whether a drop came to nothing since the last new chain."""
    text = node.store.notes.get(RESTARTED.format(peer=peer))
    before = msgspec.json.decode(text, type=_Restarted) if text else _Restarted()
    nothing = (PostState.REJECTED, PostState.EXPIRED, PostState.GONE)
    lost = [
        row
        for row in node.store.post.list(peer, limit=LOOKED_AT)
        if row.kind is MessageKind.DROP and row.state in nothing and row.sequence > before.sequence
    ]
    if not lost or node.clock() < before.at + RESTART_PAUSE:
        return False, []
    fresh = _Restarted(node.store.post.last(peer), node.clock())
    node.store.notes.set(RESTARTED.format(peer=peer), msgspec.json.encode(fresh).decode())
    return True, [f"{len(lost)} messages with objects did not arrive at {peer}: everything is sent anew"]


def take_part(node: Node, message: Message) -> None:
    """Handler of messages of kind ``drop``: the last part of a file takes it in.

    Raises Fault E-FLOW-616 for a part that cannot be, and what taking in a drop raises.
    """
    try:
        part = msgspec.msgpack.decode(message.body, type=_Part)
    except UNREADABLE:
        raise _no_part() from None
    named = len(part.sha256) == 64 and not set(part.sha256) - set("0123456789abcdef")
    if not named or not 0 <= part.part < part.parts <= MAX_PARTS or len(part.data) > PART_BYTES:
        raise _no_part()
    key = DONE.format(peer=message.peer)
    if node.store.notes.get(key) == part.sha256:
        return  # taken in before a kill
    folder = _folder(node, message.peer, "in")
    if part.part == 0:
        _clear(folder)  # messages keep their order: what lies there will never be whole
    elif not (folder / f"{part.sha256}.{part.part - 1}").is_file():
        raise _no_part()  # or parts of files that never end would fill the disk
    piece = folder / f"{part.sha256}.{part.part}"
    piece.write_bytes(seal_secret(folder, part.data))
    if part.part + 1 == part.parts:
        try:
            _take_in(node, message.peer, folder, part)
        except Unavailable:
            raise  # the last part comes again
        except Fault:
            _clear(folder)
            raise
        node.store.notes.set(key, part.sha256)
        _clear(folder)


def _clear(folder: Path) -> None:
    for file in folder.iterdir():
        destroy(file)


def _take_in(node: Node, peer: str, folder: Path, last: _Part) -> None:
    file = folder / WHOLE
    try:
        _assemble(folder, last, file)
        done = take_in_drops(node, [file], only=peer)
    finally:
        destroy(file)  # in plain, also where a vault seals the pieces
    taken = _taken.get()
    if taken is not None:
        taken.received += int(str(done["received"]))
        taken.unchanged += int(str(done["unchanged"]))
        taken.rejected += int(str(done["rejected"]))
        found = done["problems"]
        taken.problems += [str(problem) for problem in found] if isinstance(found, list) else []


def _assemble(folder: Path, last: _Part, file: Path) -> None:
    digest = hashlib.sha256()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as whole:
        for number in range(last.parts):
            piece = folder / f"{last.sha256}.{number}"
            if not piece.is_file():
                raise _no_part()
            data = opened_secret(folder, piece.read_bytes())
            digest.update(data)
            whole.write(data)
    if digest.hexdigest() != last.sha256:
        raise _no_part()


def _no_part() -> Fault:
    return Fault("E-FLOW-616", "A part of what was sent is missing or cannot be; it was not taken in.")


def _folder(node: Node, peer: str, direction: str) -> Path:
    folder = node.folder / FOLDER / f"{lock_name(peer)}-{direction}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def _counting() -> Iterator[_Taken]:
    taken = _Taken()
    token = _taken.set(taken)
    try:
        yield taken
    finally:
        _taken.reset(token)
