"""Taking in the messages that a peer's people carried here; ``post_carried`` writes them.

For each message: it opens, and is the peer's; it is put in its place by its number, handled in its turn, and may come
as often as anybody likes. Answers wait for the next file in the other direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

import msgspec

from seawall.exchange import require_verified
from seawall.exchange.envelope import MAX_ENVELOPE_BYTES, BadEnvelope
from seawall.flow.drop_taking import PATTERN as DROPS
from seawall.flow.drop_taking import Progress, import_drops
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.flow.post import HANDLERS
from seawall.flow.post_carried import ENDING, HEAD, LENGTH_BYTES, MOST, MOST_BYTES, OVER_THE_LINE, PATTERN, Carried
from seawall.flow.post_seal import open_from
from seawall.flow.post_state import memory_of, remember
from seawall.flow.relay_book import RelayLink
from seawall.flow.relay_delivery import Visit, visiting
from seawall.model import Fault, Unavailable
from seawall.model.peer import PeerRecord

ANOTHERS = ("E-EXCHANGE-744", "E-EXCHANGE-748", "E-EXCHANGE-753")  # for another key, or by another peer
PROVEN = ("E-EXCHANGE-749", "E-EXCHANGE-750", "E-EXCHANGE-751", "E-EXCHANGE-752")  # the peer's, and good for nothing
NOTHING = {
    "received": 0, "sent": 0, "withheld": 0, "unchanged": 0, "rejected": 0, "problems": [], "items": [],
}  # fmt: skip


def import_carried(node: Node, paths: Sequence[Path], *, progress: Progress | None = None) -> dict[str, object]:
    """What ``import_drops`` does, and then the messages that lie beside the drops or were named.

    Drops come first: they bring the keys that messages are opened with. Raises as ``import_drops``, and, when no file
    could be used, what the first file of messages raised.
    """
    node.require("sync")
    files, drops = _apart(paths)
    document = import_drops(node, drops, progress=progress) if drops or not files else dict(NOTHING)
    items: list[dict[str, object]] = []
    problems = [*_sentences(document["problems"])]
    for path in files:
        try:
            done = take_messages(node, path)
        except (Fault, OSError) as error:
            fault = as_fault(error, "the reading of messages")
            if len(files) == 1 and not drops:
                raise fault from None
            items.append({"file": str(path), "status": "refused", "problem": str(fault)})
            problems.append(f"{path.name}: {fault}")
            continue
        status = "imported" if done.peer is not None else "elsewhere"
        items.append({"file": str(path), "status": status, "peer": done.peer, "messages": done.messages})
        problems += done.problems
    return document | {"messages": items, "problems": problems}


def take_messages(node: Node, path: Path) -> Carried:
    """Take one file in; ``peer`` is None when it is nobody's for us, as our own files are on a stick that serves both
    ways.

    Raises Fault E-FLOW-768 for a file that is none or was cut short, after what stood before the cut was taken in,
    BadEnvelope when its first message was altered, Refused E-EXCHANGE-023 when its sender is not verified any more,
    Unavailable E-FLOW-615.
    """
    node.require("sync")
    with path.open("rb") as file:
        messages = _messages(file, path)
        first = next(messages, None)
        record = None if first is None else _whose(node, first)
        if first is None or record is None:
            return Carried(str(path), None, 0, 0)
        require_verified(record)
        visit = Visit(node, record, RelayLink(), HANDLERS)
        with visiting(node, record):
            try:
                _take(visit, chain((first,), messages))
            finally:
                if visit.reply:  # the next file says how far we have come, although that is no news
                    memory = memory_of(node, record.code_name)
                    remember(node, record.code_name, msgspec.structs.replace(memory, told=""))
    done = visit.carried
    waiting = node.store.post.count_waiting(record.code_name)[0]
    return Carried(str(path), record.code_name, done.received, done.bytes_in, tuple(done.problems), waiting)


def _take(visit: Visit, messages: Iterator[bytes]) -> None:
    for data in messages:
        try:
            visit.take_one(data)
        except Unavailable as fault:  # what stands behind it would come before its turn; all of it comes again
            visit.carried.problems.append(fault.text.format(**fault.values))
            return


def _messages(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """Each message, one in memory at a time; nothing of what is beyond the bounds."""
    if file.read(len(HEAD)) != HEAD:
        raise _cut(path)
    left = MOST_BYTES
    for _ in range(MOST):
        head = file.read(LENGTH_BYTES)
        if not head:
            return
        size = int.from_bytes(head, "big")
        left -= size
        if len(head) < LENGTH_BYTES or not 0 < size <= MAX_ENVELOPE_BYTES or left < 0:
            raise _cut(path)
        data = file.read(size)
        if len(data) < size:
            raise _cut(path)
        yield data
    if file.read(1):
        raise _cut(path)


def _whose(node: Node, data: bytes) -> PeerRecord | None:
    """The peer by whom the first message is; None when it is for another node. Raises BadEnvelope."""
    for record in node.store.peers.list():
        try:
            open_from(node, record, data, mailbox=OVER_THE_LINE)
        except BadEnvelope as bad:
            if bad.code in ANOTHERS:
                continue
            if bad.code in PROVEN:
                return record
            raise
        return record
    return None


def _apart(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """(files of messages, drops and folders that hold any)."""
    files: list[Path] = []
    drops: list[Path] = []
    for path in paths:
        inside = sorted(path.glob(PATTERN)) if path.is_dir() else []
        files += inside if path.is_dir() else [path] if path.name.endswith(ENDING) else []
        if not path.name.endswith(ENDING) and (not inside or next(path.glob(DROPS), None) is not None):
            drops.append(path)
    return files, drops


def _sentences(said: object) -> list[str]:
    return [str(one) for one in said] if isinstance(said, list) else []


def _cut(path: Path) -> Fault:
    return Fault(
        "E-FLOW-768",
        "The file {path} holds no messages that this version can read, or was cut short; ask for a fresh one.",
        path=path.name,
    )
