"""Exchange with a peer that no network reaches: drops that people carry, written and taken in.

All that ``sync`` moves travels this way too: terms (which is how a circle becomes agreed), what policy released since
the last drop, recalls, and word of what arrived. What is written is remembered before the file gets its name, so that
a killed process can lose a drop but never number two different ones alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import msgspec

from seawall.exchange import require_verified
from seawall.exchange.drop import (
    DEFAULT_DROP_BOUNDS,
    DropBounds,
    DropWriter,
    Header,
    Sending,
    Sent,
    SentPart,
    WrittenDrop,
)
from seawall.flow.alone import alone
from seawall.flow.between import can_prove, proof_with, prover, stays_between_us
from seawall.flow.circles import agreed_with
from seawall.flow.drop_books import Books, acknowledgement
from seawall.flow.drop_sealed import can_seal_for, seal_in_place
from seawall.flow.exchange import shared_circles
from seawall.flow.health import CARRIED as DIRECTION
from seawall.flow.health import remember_totals
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes, may_receive
from seawall.flow.prekeys import tell_prekey
from seawall.flow.refresh import refresh_findings
from seawall.flow.seats import seats
from seawall.identity import NodeKeys, dsse
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Release, Unavailable, from_microseconds
from seawall.model.circle import CircleTerms, Proof
from seawall.model.peer import PeerRecord
from seawall.policy import PrivateValues, ReleaseContext, page_release

MAX_DROPS = 1_000  # files of one export
MAX_NOTICES = 200  # of one drop; the rest leaves with the next
LOCK = "drop.lock"
LOCK_SECONDS = 30.0  # another run is waited for so long: most are done in a few
NOWHERE = "0"
"""The stretch of an outbox that ends before its first row. None would be "to whatever its end is then"."""

Progress = Callable[[int], None]
"""Called now and then with the objects written or read so far."""


class Cover(StrEnum):
    """What keeps others from reading a drop."""

    FOR_PEER = "for-peer"  # it is sealed for the peer, once a key of the peer's is held
    NONE = "none"  # whoever carries it can read it
    AROUND = "around"  # it travels inside something that is sealed


class _Target(msgspec.Struct, frozen=True):
    """Where files go: into a folder under their own names, or one file under the name that was asked for."""

    folder: Path
    file: Path | None

    def path(self, header: Header, keys: NodeKeys) -> Path:
        return self.file or self.folder / file_name(header, keys)


def file_name(header: Header, keys: NodeKeys) -> str:
    """Sorted by chain and number. Who wrote the file and for whom stands inside only.

    The eight hex digits keep files of several peers apart on one stick: they come from our signature over the chain,
    so nobody who has a list of nodes can try which two of them they stand for.
    """
    chain = keys.sign(f"seawall drop name 1\0{header.recipient}\0{header.epoch}".encode())
    began = from_microseconds(header.epoch).strftime("%Y%m%dT%H%M%SZ")
    return f"{began}-{header.number:06}-{hashlib.sha256(chain).hexdigest()[:8]}.drop.zst"


def export_drop(
    node: Node,
    code_name: str,
    output: Path,
    *,
    again: Sequence[int] = (),
    restart: bool = False,
    if_new: bool = False,
    cover: Cover = Cover.FOR_PEER,
    bounds: DropBounds = DEFAULT_DROP_BOUNDS,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Write what is newly released to a peer since the last drop, or lost drops ``again``.

    ``restart`` begins a new chain with everything that stands for the peer, for when one side lost its books.
    ``if_new``: no file when there is nothing to tell. Raises Refused E-EXCHANGE-023 for a peer that nobody verified,
    Fault E-FLOW-120 when the target cannot take the file, NotFound E-FLOW-121 for a drop that was never written.
    """
    node.require("sync")
    peer = require_verified(node.store.peers.get(code_name))
    target = _target(output)
    tell_prekey(node, code_name)
    with locked(node):
        books = Books(node, code_name)
        seal = cover is Cover.FOR_PEER and can_seal_for(node, peer)
        in_clear = not seal and cover is not Cover.AROUND
        run = _Export(node, peer, books, target, bounds, progress, in_clear=in_clear, seal=seal)
        try:
            if again:
                run.again(sorted(set(again)))
            else:
                run.next(restart=restart, if_new=if_new)
        except OSError as error:
            raise Fault("E-FLOW-120", "A drop cannot be written to {path}: {reason}.", path=output,
                        reason=error.strerror or error) from None  # fmt: skip
    return run.document()


@contextmanager
def locked(node: Node) -> Iterator[None]:
    """One process at a time numbers or takes in drops. Raises Unavailable E-FLOW-128 when another goes on for long."""
    busy = Unavailable("E-FLOW-128", "Another process writes or takes in drops; try again when it has finished.")
    with alone(node.folder / LOCK, busy, seconds=LOCK_SECONDS):
        yield


def _target(output: Path) -> _Target:
    folder = output if output.is_dir() else output.parent
    if not folder.is_dir():
        raise Fault("E-FLOW-120", "A drop cannot be written to {path}: {reason}.", path=output,
                    reason="the folder is not there")  # fmt: skip
    return _Target(folder, None if output.is_dir() else output)


class _Export:
    """One run of ``export-drop``."""

    def __init__(
        self,
        node: Node,
        peer: PeerRecord,
        books: Books,
        target: _Target,
        bounds: DropBounds,
        progress: Progress | None,
        *,
        in_clear: bool,
        seal: bool,
    ) -> None:
        self._node, self._peer, self._books, self._target = node, peer, books, target
        self._in_clear, self._seal = in_clear, seal
        self._bounds, self._progress = bounds, progress
        self._withheld = 0
        self._more = False
        self._full = False  # the drop being written has no room for the next page
        self._items: list[dict[str, object]] = []

    def document(self) -> dict[str, object]:
        """Counts for the person: ``sent`` objects in ``items``; ``more`` when one file could not hold all."""
        sent = sum(int(str(item["objects"])) for item in self._items)
        remember_totals(self._node, self._peer.code_name, sent=sent, withheld=self._withheld)
        return {
            "peer": self._peer.code_name,
            "sent": sent,
            "received": 0,
            "withheld": self._withheld,
            "unchanged": 0,
            "rejected": 0,
            "encrypted": not self._in_clear,
            "more": self._more,
            "items": self._items,
        }

    def again(self, numbers: Sequence[int]) -> None:
        """Drops that were written before, from the same stretches of the outbox, under today's policy."""
        sending = self._books.sending()
        if self._target.file is not None and len(numbers) > 1:
            raise Fault("E-FLOW-122", "Several drops need a folder to be written to, not one file.")
        for number in numbers:
            sent = self._books.sent(sending, number) if sending is not None else None
            if sending is None or sent is None:
                raise NotFound("E-FLOW-121", "No drop {number} was written to {peer}.", number=number,
                               peer=self._peer.code_name)  # fmt: skip
            self._repeat(sending, sent)

    def next(self, *, restart: bool, if_new: bool) -> None:
        """What is new, in as many drops as it takes; one only when the target is a file."""
        at = self._node.clock()
        sending = self._books.sending()
        if restart or sending is None:
            sending = Sending(epoch=max(at, sending.epoch + 1 if sending is not None else 0))
            self._books.forget_cursors(DIRECTION)
        unfinished = self._books.sent(sending, sending.number)
        if unfinished is not None and not unfinished.placed:
            self._repeat(sending, unfinished)
            if self._target.file is not None:
                self._more = True
                return
        circles = self._circles()
        if circles:
            refresh_findings(self._node)
        for circle in circles:
            self._withheld += fill_outboxes(self._node, circle=circle, recipient=self._peer.code_name).withheld
        for turn in range(MAX_DROPS):
            first = turn == 0
            sending, self._more = self._one(sending, circles, needed=first and not if_new, notices=first)
            if not self._more or self._target.file is not None:
                return

    def _circles(self) -> list[str]:
        """Before the peer told a key the drop is signed, so nothing of what stays between us goes with it."""
        node, peer = self._node, self._peer.code_name
        shared = shared_circles(node, peer)
        if can_prove(node, peer):
            return shared
        return [name for name in shared if not stays_between_us(node.store.circles.get(name), peer)]

    def _one(self, sending: Sending, circles: Sequence[str], *, needed: bool, notices: bool) -> tuple[Sending, bool]:
        parts: list[SentPart] = []
        more = self._full = False
        envelopes, last_notice = self._books.notices(MAX_NOTICES) if notices else ((), 0)
        with DropWriter(self._target.folder, self._bounds) as writer:
            writer.add_notices(envelopes)
            for circle in circles:
                parts.append(self._fill(writer, circle, self._books.cursor(circle, DIRECTION), None))
                if more := self._full:
                    break
            header = self._header(sending.epoch, sending.number + 1, sending.link)
            header = msgspec.structs.replace(header, last_notice=last_notice)
            if not (needed or writer.objects or self._books.has_news(header)):
                return sending, False
            written = writer.finish(header, self._signer())
        sent = Sent(header.number, written.link, header.previous, header.made_at, tuple(parts))
        following = msgspec.structs.replace(sending, number=header.number, link=written.link)
        self._place(written, following, sent)
        return following, more

    def _repeat(self, sending: Sending, sent: Sent) -> None:
        with DropWriter(self._target.folder, self._bounds) as writer:
            for part in sent.parts:
                self._fill(writer, part.circle, part.after, part.until or NOWHERE)
            header = msgspec.structs.replace(
                self._header(sending.epoch, sent.number, sent.previous), replaces=sent.link
            )
            written = writer.finish(header, self._signer())
        self._place(written, sending, sent)

    def _signer(self) -> dsse.Signer | Callable[[bytes, str], bytes]:
        node, peer = self._node, self._peer.code_name
        between = proof_with(node, peer) is Proof.BETWEEN_US and can_prove(node, peer)
        return prover(node, peer) if between else node.keys

    def _place(self, written: WrittenDrop, sending: Sending, sent: Sent) -> None:
        """The books first, then the name: see the module's first lines."""
        try:
            self._books.keep_sent(sending, sent)
            for part in sent.parts:
                self._books.advance(part.circle, DIRECTION, part.until)
            path = self._target.path(written.header, self._node.keys)
            if self._seal:
                written = msgspec.structs.replace(written, size=seal_in_place(self._node, self._peer, written.hidden))
            written.place(path)
        finally:
            written.discard()
        self._books.keep_sent(sending, msgspec.structs.replace(sent, placed=True))
        self._books.told(written.header)
        details = {"drop": sent.number, "sent": written.header.objects}
        self._node.event(EventKind.SYNC_RECEIPT, self._peer.code_name, **details)
        self._items.append(
            {
                "number": sent.number,
                "file": str(path),
                "bytes": written.size,
                "objects": written.header.objects,
                "again": written.header.replaces is not None,
            }
        )

    def _header(self, epoch: int, number: int, previous: str) -> Header:
        return Header(
            sender=self._node.keys.node_id,
            recipient=self._peer.node_id,
            epoch=epoch,
            number=number,
            previous=previous,
            made_at=self._node.clock(),
            acknowledged=acknowledgement(self._books.receiving()),
            heard=self._books.heard_notices(),
        )

    def _fill(self, writer: DropWriter, circle: str, after: str | None, until: str | None) -> SentPart:
        """A stretch of the circle's outbox into the drop; what policy no longer permits stays."""
        name, begun, count = self._peer.code_name, after, writer.objects
        terms = self._terms(circle)
        if terms is not None and may_receive(self._node, terms, name):
            last = int(until) if until is not None else None
            behind = int(after) if after is not None else None
            for release, reached in self._pages(terms, behind, last):
                if release is not None:
                    if until is None and not writer.has_room(release):
                        self._full = True
                        break
                    writer.add(circle, self._node.ledger.record(release))
                    if self._progress is not None:
                        self._progress(writer.objects)
                after = str(reached)
        return SentPart(circle, begun, until or after or NOWHERE, writer.objects - count)

    def _terms(self, circle: str) -> CircleTerms | None:
        try:
            return self._node.store.circles.get(circle)
        except NotFound:
            return None

    def _reading(self, terms: CircleTerms) -> ReleaseContext:
        """What ``page_release`` looks at: the rows were decided when they were put out."""
        agreed = agreed_with(self._node, terms, self._peer.code_name)
        return ReleaseContext(
            at=self._node.clock(),
            node_id=self._node.keys.node_id,
            private=PrivateValues(is_own=self._node.own_assets.is_own),
            agreed_with=frozenset({self._peer.code_name} if agreed else ()),
            seats=seats(self._node),
            in_clear=self._in_clear,
        )

    def _pages(self, terms: CircleTerms, behind: int | None, last: int | None) -> Iterator[tuple[Release | None, int]]:
        """(what may leave the outbox, to be recorded; how far that is), page by page."""
        node, name = self._node, self._peer.code_name
        while True:
            page = node.store.outbox.page(terms.name, name, added_after=behind, limit=self._bounds.page_objects)
            if page.last_added is None:
                return
            rows = [row for row in page.rows if last is None or row.added <= last]
            yield (page_release(rows, name, terms, self._reading(terms)) if rows else None), page.last_added
            if not page.more or (last is not None and page.last_added >= last):
                return
            behind = page.last_added
