"""Exchanging messages with a peer by two mailboxes: a visit fetches what waits, handles it, and lays ours there.

The order: (1) fetch, open, put in place, and only then delete, so that a kill repeats and loses nothing; (2) lay down
what the peer has not acknowledged; (3) lay down how far we have come, sealed as everything. A relay may drop, repeat,
delay and swap: a number that came before is ignored, one that came early is held, and what the peer does not have
although it saw the visit during which we laid it down is laid down again at once; what it does not speak of, after a
while that doubles each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from seawall.exchange.envelope import BadEnvelope, Opened
from seawall.exchange.post import DEFAULT_POST_BOUNDS, Carried, Standing, encoded, read_standing
from seawall.exchange.relay import Relay, RelayBusy, RelayClient, Waiting
from seawall.flow.alone import alone
from seawall.flow.node import Node
from seawall.flow.post_book import PostBook
from seawall.flow.post_queue import on_the_ledger, refresh
from seawall.flow.post_seal import lives_until, open_from, seal_for
from seawall.flow.post_state import lock_name, locked, memory_of, remember
from seawall.flow.relay_book import FOLDER, READ, WRITE, Place, RelayLink, link_of, token_of
from seawall.flow.relay_cells import Assembly, pieces_of
from seawall.model import Fault, Unavailable
from seawall.model.message import MessageKind
from seawall.model.peer import PeerRecord
from seawall.model.post import Outgoing

BOUNDS = DEFAULT_POST_BOUNDS
SECOND = 1_000_000
RESEND_MOST = 6 * 3_600 * SECOND  # ... and at most after this
STANDING_LIFE = 14 * 86_400 * SECOND
PAGES = 1_000  # of one visit
PAGE = 100  # messages
BAD_MOST = 500  # unreadable ones of one visit; whoever keeps the mailbox could feed us such for ever
BAD_TOLD = 20  # sentences about them
LOCK_SECONDS = 30.0
LEADS_INSIDE = "E-EXCHANGE-758"


def deliver_by_relay(node: Node, record: PeerRecord, link: RelayLink, handlers: Mapping[MessageKind, str]) -> Carried:
    """Visit both mailboxes once. Raises Unavailable E-FLOW-615 while another process does, and what the relay raises
    when neither mailbox can be reached; NotFound E-EXCHANGE-774 when it does not know the token."""
    with visiting(node, record):
        return Visit(node, record, link, handlers).run()


@contextmanager
def visiting(node: Node, record: PeerRecord) -> Iterator[None]:
    """One visit, or one file of messages, at a time with this peer. Raises Unavailable E-FLOW-615."""
    busy = Unavailable(
        "E-FLOW-615", "Another process exchanges messages with {peer}; try again in a moment.", peer=record.code_name
    )
    with alone(node.folder / f"post-relay-{lock_name(record.code_name)}.lock", busy, seconds=LOCK_SECONDS):
        yield


def connect(place: Place) -> Relay:
    """The relay at this place."""
    return RelayClient(place.url, pin=place.pin or None, outside=place.outside)


Put = Callable[[bytes, int], None]
"""Lay one sealed message down that expires at this moment."""


class Visit:
    """One visit to the two mailboxes, or to what people carried: ``take_one`` and ``lay`` know nothing of relays."""

    rounds = 20  # each fetches and lays down; two nodes that visit at once may talk
    resend_first = 10 * SECOND  # what nobody acknowledged is laid down again after this, then after twice as long ...

    def __init__(self, node: Node, record: PeerRecord, link: RelayLink, handlers: Mapping[MessageKind, str]) -> None:
        self._node, self._record, self._peer, self._link = node, record, record.code_name, link
        self._book = PostBook(node, handlers)
        self._turn = memory_of(node, self._peer).turn + 1
        self.carried = Carried()
        self._seen: set[bytes] = set()
        self.reply = False  # the peer asks, or does not know, how far we have come
        self._bad = 0  # messages that could not be opened
        self._assembly = assembly_of(node, self._peer)
        self._stopped = False  # a handler could not go on, or the mailbox takes no more

    def run(self) -> Carried:
        """Until nothing is new."""
        for _ in range(self.rounds):
            faults: list[Fault] = []
            came, laid = self._tried(self._fetch, faults), self._tried(self._lay, faults)
            if len(faults) == sum(place is not None for place in (self._link.ours, self._link.theirs)):
                raise faults[0]
            self.carried.problems += [fault.text.format(**fault.values) for fault in faults]
            if faults or self._stopped or not (came or laid):
                break
        if self._link.theirs is None:
            self.carried.problems.append(f"{self._peer} has not told its mailbox yet; ours wait")
        return self.carried

    def _tried(self, step: Callable[[], int], faults: list[Fault]) -> int:
        try:
            return step()
        except Fault as fault:
            if fault.code.startswith("E-EXCHANGE-77") or fault.code == LEADS_INSIDE:
                faults.append(fault)
                return 0
            raise

    def _fetch(self) -> int:
        """Steps for each page: open, place, delete. Returns how many came that had not come in this visit."""
        self._link = link_of(self._node, self._peer)
        if (place := self._link.ours) is None:
            return 0
        self._book.mailbox = place.mailbox
        relay, token, came = connect(place), token_of(self._node, self._peer, READ, place), 0
        try:
            for _ in range(PAGES):
                page = relay.fetch(place.mailbox, token, limit=PAGE)
                fresh = [item for item in page if hashlib.sha256(item.data).digest() not in self._seen]
                done = self._take(page)
                relay.delete(place.mailbox, token, done)
                came += len(fresh)
                if not fresh or self._stopped:
                    break
        finally:
            close(relay)
        return came

    def _take(self, page: Sequence[Waiting]) -> list[str]:
        done: list[str] = []
        for item in page:
            try:
                self.take_one(item.data)
            except Unavailable as fault:
                self.carried.problems.append(fault.text.format(**fault.values))
                self._stopped = True
                break
            done.append(item.id)
        if self._bad > BAD_MOST and not self._stopped:
            self.carried.problems.append(
                f"more than {BAD_MOST} messages from the mailbox for {self._peer} could not be opened, the rest waits; "
                "ask who runs the relay, and take a fresh mailbox"
            )
            self._stopped = True
        return done

    def take_one(self, data: bytes, *, whole: bool = True) -> None:
        """Open one message and put it in its place. Raises Unavailable when it has to come again.

        ``whole``: it lay there by itself; what cells brought is no cell again.
        """
        digest = hashlib.sha256(data).digest()
        if digest in self._seen:
            return
        try:
            opened = open_from(self._node, self._record, data, mailbox=self._book.mailbox)
        except BadEnvelope as bad:
            self._seen.add(digest)
            self._left_out(bad.text.format(**bad.values))
            return
        if opened.kind is MessageKind.STANDING:
            self._hear(opened)
        elif opened.kind is MessageKind.COVER:
            self._take_pieces(opened.body if whole else b"")
        else:
            last = self._node.store.post_in.last(self._peer)
            self.reply = self.reply or (last is not None and opened.sequence <= last.sequence)
            with locked(self._node, self._peer, "theirs"):
                self.carried.problems += self._book.place(self._record, opened)
            self.carried.received += 1
        self.carried.bytes_in += len(data)
        self._seen.add(digest)

    def _left_out(self, sentence: str) -> None:
        self._bad += 1
        if self._bad <= BAD_TOLD:
            self.carried.problems.append(f"of {self._peer}: {sentence}")

    def _take_pieces(self, body: bytes) -> None:
        """What a cell brings to its end is taken like a message that lay there by itself."""
        pieces = pieces_of(body)
        if pieces is None:
            self._left_out("a cell of its cover traffic is damaged; it was left out")
            return
        for piece in pieces:
            whole = self._assembly.take(piece)
            if whole is not None:
                self.take_one(whole, whole=False)
                self._assembly.done(whole)

    def _hear(self, opened: Opened) -> None:
        """A standing that is older than one that was heard says nothing: the relay swapped or repeated it."""
        memory = memory_of(self._node, self._peer)
        standing = read_standing(opened.body, BOUNDS)
        if standing is None or opened.at <= memory.heard_at:
            return
        remember(self._node, self._peer, msgspec.structs.replace(memory, heard_at=opened.at))
        self._book.settle(self._peer, standing)
        last = self._node.store.post_in.last(self._peer)
        taken = last.sequence if last is not None else 0
        self.reply = self.reply or standing.sent > taken or bool(self._node.store.post.gone(self._peer, standing.taken))
        for problem in standing.problems:
            sentence = f"{self._peer}: message {problem.sequence}: {problem.sentence[: BOUNDS.sentence]}"
            if sentence not in self.carried.problems:
                self.carried.problems.append(sentence)

    def _lay(self) -> int:
        """Ours that are due, then how far we have come. Returns how many messages were laid down."""
        self._link = link_of(self._node, self._peer)  # what was just fetched may have named another place
        if (place := self._link.theirs) is None:
            return 0
        relay, token = connect(place), token_of(self._node, self._peer, WRITE, place)

        def put(sealed: bytes, expires: int) -> None:
            relay.put(place.mailbox, token, sealed, expires=expires)

        try:
            return self.lay(place.mailbox, put)
        finally:
            close(relay)

    def lay(self, mailbox: str, put: Put, *, everything: bool = False) -> int:
        """Ours that are due, or all that waits; then how far we have come. Returns how many messages of ours."""
        with locked(self._node, self._peer, "ours"):
            expired = refresh(self._node, self._record, mailbox)
        if expired:
            self.carried.problems.append(
                f"{len(expired)} messages to {self._peer} were not taken before their time was over"
            )
        laid = 0
        try:
            for row in self._node.store.post.waiting(self._peer, limit=BOUNDS.waiting):
                if everything or self._is_due(row):
                    self._lay_one(put, row.sequence)
                    laid += 1
            self._tell(put, mailbox, laid)
        except RelayBusy as fault:
            self.carried.problems.append(fault.text.format(**fault.values))
            self._stopped = True
        return laid

    def _is_due(self, row: Outgoing) -> bool:
        now = self._node.clock()
        if row.expires <= now + 60 * SECOND:  # the least that a relay keeps anything for
            return False
        return row.put_at is None or now >= row.put_at + min(self.resend_first << min(row.puts - 1, 20), RESEND_MOST)

    def _lay_one(self, put: Put, sequence: int) -> None:
        kept = self._node.store.post.get(self._peer, sequence)
        if kept is None or kept.sealed is None:
            return
        put(kept.sealed, kept.expires)
        self._node.store.post.put(self._peer, sequence, self._node.clock(), self._turn)
        self.carried.sent += 1
        self.carried.bytes_out += len(kept.sealed)
        memory = memory_of(self._node, self._peer)
        if sequence > memory.sent:
            remember(self._node, self._peer, msgspec.structs.replace(memory, sent=sequence))

    def _tell(self, put: Put, mailbox: str, laid: int) -> None:
        """How far we have come, when that is news, when the peer does not know it, or beside what we laid down."""
        node, memory = self._node, memory_of(self._node, self._peer)
        standing = msgspec.structs.replace(self._book.standing(self._peer), busy=False)
        content = "" if standing == Standing() else hashlib.sha256(encoded(standing)).hexdigest()
        if not (laid or self.reply or content != memory.told):
            return
        whole = msgspec.structs.replace(standing, turn=self._turn, heard=memory.heard, sent=memory.sent)
        at = node.clock()
        expires = lives_until(node, self._peer, at + STANDING_LIFE)
        sealed = seal_for(
            node,
            self._record,
            sequence=self._turn,
            kind=MessageKind.STANDING,
            at=at,
            expires=expires,
            body=encoded(whole),
            mailbox=mailbox,
        )
        on_the_ledger(node, self._peer, MessageKind.STANDING, self._turn, sealed)
        put(sealed, expires)
        self.carried.bytes_out += len(sealed)
        remember(node, self._peer, msgspec.structs.replace(memory, turn=self._turn, told=content))
        self._turn += 1
        self.reply = False


def assembly_of(node: Node, peer: str) -> Assembly:
    """Where messages of this peer that came in part wait for the rest."""
    return Assembly(node.folder / FOLDER / f"{lock_name(peer)}-cells")


def close(relay: Relay) -> None:
    """Let go of its connections."""
    if isinstance(relay, RelayClient):
        relay.close()
