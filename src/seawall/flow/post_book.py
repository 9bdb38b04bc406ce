"""The book of messages with each peer: what is given, what is taken in order and once, and what both acknowledged.

Steps for one that came: (1) it opens, and is the peer's and for us, (2) its number, (3) its handler, (4) the number is
used up. A process killed before (4) hands it to its handler again. One that came before its turn is held, within
bounds; another message under a used number is a misdeed, because only the peer can have sealed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import msgspec

from seawall.exchange import Misdeed, require_verified
from seawall.exchange.envelope import BadEnvelope, Opened
from seawall.exchange.post import DEFAULT_POST_BOUNDS, Problem, Standing
from seawall.flow.conduct import note_misdeed
from seawall.flow.node import Node
from seawall.flow.post_queue import refresh, renumber
from seawall.flow.post_seal import digest_of, open_from
from seawall.flow.post_state import PostMemory, locked, memory_of, remember
from seawall.model import Fault, Refused, Unavailable
from seawall.model.message import Message, MessageKind
from seawall.model.peer import PeerRecord, PeerState
from seawall.model.post import Incoming, PostState

BOUNDS = DEFAULT_POST_BOUNDS
YOU = "your node"
JUMP = 1_000_000  # how far ahead of our own book a peer's word on our numbers is believed
OVER_THE_LINE = ""  # in place of a mailbox
MISDEEDS: Mapping[str, Misdeed] = {
    "E-EXCHANGE-741": Misdeed.OVERSIZE,
    "E-EXCHANGE-742": Misdeed.MALFORMED,
    "E-EXCHANGE-746": Misdeed.MALFORMED,
    "E-EXCHANGE-748": Misdeed.FORGED,
    "E-EXCHANGE-749": Misdeed.FORGED,
    "E-EXCHANGE-752": Misdeed.FORGED,
}
"""Of what came over the peer's own line. What lay in a mailbox may be a relay's doing: nobody is blamed for it."""

Handlers = Mapping[MessageKind, str]


class PostBook:
    """Implements ``exchange.post.PostDesk`` for one node. ``mailbox``: where the messages lay, by a relay."""

    def __init__(self, node: Node, handlers: Handlers, mailbox: str = OVER_THE_LINE) -> None:
        self._node, self._handlers, self.mailbox = node, handlers, mailbox

    def standing(self, peer: str) -> Standing:
        """How far we have come in this peer's messages, and what of ours will not come."""
        node = self._node
        last = node.store.post_in.last(peer)
        said = memory_of(node, peer).taken
        rejected = [row for row in node.store.post_in.list(peer, limit=200) if row.state is PostState.REJECTED]
        with locked(node, peer, "theirs", wait=False) as free:
            busy = not free
        return Standing(
            taken=last.sequence if last is not None else 0,
            digest=last.digest if last is not None else "",
            early=tuple(row.sequence for row in node.store.post_in.held(peer)),
            gone=node.store.post.gone(peer, said, limit=BOUNDS.numbers),
            problems=tuple(Problem(row.sequence, row.reason or "") for row in rejected[: BOUNDS.problems]),
            busy=busy,
        )

    def waiting(self, peer: str, after: int) -> tuple[Sequence[bytes], bool]:
        """Ours behind a number; nothing for a peer that is not verified now."""
        record = self._node.store.peers.get(peer)
        if record.state is not PeerState.VERIFIED:
            return (), False
        with locked(self._node, peer, "ours"):
            refresh(self._node, record, "")
        rows = self._node.store.post.waiting(peer, after=after, limit=BOUNDS.at_once + 1)
        sealed: list[bytes] = []
        size = 0
        for row in rows[: BOUNDS.at_once]:
            kept = self._node.store.post.get(peer, row.sequence)
            if kept is None or kept.sealed is None:  # acknowledged meanwhile
                continue
            if sealed and size + len(kept.sealed) > BOUNDS.sealed_bytes:
                return sealed, True
            sealed.append(kept.sealed)
            size += len(kept.sealed)
        return sealed, len(rows) > BOUNDS.at_once

    def take(self, peer: str, sealed: Sequence[bytes]) -> Sequence[str]:
        """Every message that can be opened is put in its place. Raises as ``PostDesk.take``, E-EXCHANGE-023."""
        require_verified(self._node.store.peers.get(peer))
        problems: list[str] = []
        with locked(self._node, peer, "theirs"):
            for data in sealed:
                record = require_verified(self._node.store.peers.get(peer))
                try:
                    problems += self.place(record, open_from(self._node, record, data, mailbox=self.mailbox))
                except BadEnvelope as bad:
                    sentence = bad.text.format(**bad.values)
                    problems.append(f"of {peer}: {sentence}")
                    if not self.mailbox and (misdeed := MISDEEDS.get(bad.code)) is not None:
                        note_misdeed(self._node, peer, misdeed, sentence)
        return problems

    def place(self, record: PeerRecord, opened: Opened) -> list[str]:
        """Steps (2) to (4), under the lock of this peer; sentences for our own people."""
        node, peer = self._node, record.code_name
        message = Message(peer, opened.sequence, opened.kind, opened.at, opened.expires, opened.body)
        digest = digest_of(opened.sequence, opened.kind, opened.at, opened.body)
        last = self._last(peer)
        held = node.store.post_in.get(peer, opened.sequence)
        if held is not None and held.state is not PostState.GONE and held.digest != digest:
            return self._two_stories(peer, opened.sequence)
        if opened.sequence <= last or (held is not None and held.state is PostState.HELD):
            return self._what_was_held(peer)  # came before; what waited behind it may have been cut off by a kill
        if opened.sequence > last + 1:
            return self._hold(message, digest, last)
        return [*self._handle(message, digest), *self._what_was_held(peer)]

    def _last(self, peer: str) -> int:
        last = self._node.store.post_in.last(peer)
        return last.sequence if last is not None else 0

    def _two_stories(self, peer: str, sequence: int) -> list[str]:
        fault = Refused(
            "E-FLOW-606",
            "Message {number} from {peer} came before with other content; it was not taken in.",
            number=sequence,
            peer=peer,
        )
        sentence = fault.text.format(**fault.values)
        note_misdeed(self._node, peer, Misdeed.FORGED, sentence)
        return [sentence]

    def _hold(self, message: Message, digest: str, last: int) -> list[str]:
        held = self._node.store.post_in.held(message.peer)
        size = sum(row.size for row in held) + len(message.body)
        if (
            message.sequence <= last + BOUNDS.early_ahead
            and len(held) < BOUNDS.early
            and (size <= BOUNDS.early_bytes or not held)
        ):
            self._keep(message, digest, PostState.HELD, body=message.body)
        return []

    def _handle(self, message: Message, digest: str) -> list[str]:
        node = self._node
        sentence, ours, state = None, None, PostState.HANDLED
        if message.expires <= node.clock():
            state = PostState.EXPIRED
        else:
            try:
                self._handler(message.kind)(node, message)
            except Unavailable:
                raise
            except Fault as fault:
                told = fault.values | ({"peer": YOU} if "peer" in fault.values else {})
                sentence, state = fault.text.format(**told)[: BOUNDS.sentence], PostState.REJECTED
                ours = fault.__cause__ if isinstance(fault.__cause__, Fault) else fault  # the peer may not read why
        self._keep(message, digest, state, reason=sentence)
        return [f"of {message.peer}: {ours.text.format(**ours.values)}"[: BOUNDS.sentence]] if ours is not None else []

    def _handler(self, kind: MessageKind) -> Callable[[Node, Message], None]:
        name = self._handlers.get(kind)
        if name is None:
            raise Refused("E-FLOW-607", "This node does nothing with a message of the kind {kind}.", kind=kind.value)
        module, _, function = name.partition(":")
        handler: Callable[[Node, Message], None] = getattr(import_module(module), function)
        return handler

    def _keep(
        self, message: Message, digest: str, state: PostState, *, body: bytes | None = None, reason: str | None = None
    ) -> None:
        kept = Incoming(
            peer=message.peer,
            sequence=message.sequence,
            kind=message.kind,
            at=message.at,
            expires=message.expires,
            digest=digest,
            size=len(message.body),
            body=body,
            state=state,
            reason=reason,
            settled_at=self._node.clock(),
        )
        keep = BOUNDS.kept if state is not PostState.HELD else None
        self._node.store.post_in.add(kept, keep=keep)

    def _what_was_held(self, peer: str) -> list[str]:
        """Those whose turn has come."""
        problems: list[str] = []
        while (held := self._node.store.post_in.get(peer, self._last(peer) + 1)) is not None:
            body = held.body or b""
            message = Message(peer, held.sequence, held.kind, held.at, held.expires, body)
            problems += self._handle(message, held.digest)
        return problems

    def settle(self, peer: str, standing: Standing) -> None:
        """Believe what a peer says of our messages as far as our own book bears it, and give up what it gave up.

        A number that we never gave, or gave to something else, means that this node's books were restored from an
        older copy: what still waits is then sealed anew behind it, so that no number means two things.
        """
        node = self._node
        if node.store.peers.get(peer).state is not PeerState.VERIFIED:
            return
        with locked(node, peer, "ours"):
            self._acknowledged(peer, standing)
        if standing.gone:
            with locked(node, peer, "theirs"):
                self._given_up(peer, frozenset(standing.gone))

    def _acknowledged(self, peer: str, standing: Standing) -> None:
        node, memory = self._node, memory_of(self._node, peer)
        held, last = node.store.post.get(peer, standing.taken), node.store.post.last(peer)
        if held is not None:
            ours = held.digest == standing.digest or not standing.digest
        else:
            ours = standing.taken <= max(last, memory.base)
        if ours:
            node.store.post.taken(peer, standing.taken, node.clock())
        elif standing.taken <= last + JUMP:
            if not renumber(node, peer, standing.taken):
                return  # it was done lately: nothing of what the peer says about our numbers is believed for a while
            memory = memory_of(node, peer)
        for problem in standing.problems:
            node.store.post.refused(peer, problem.sequence, problem.sentence[: BOUNDS.sentence], node.clock())
        self._turns(peer, standing, memory)

    def _turns(self, peer: str, standing: Standing, memory: PostMemory) -> None:
        """What was lost at the relay: the peer saw our visit, and has not what we laid there then."""
        if standing.heard:
            self._node.store.post.lost(peer, standing.heard, standing.taken, standing.early)
        fresh = msgspec.structs.replace(
            memory,
            taken=standing.taken,
            heard=standing.turn or memory.heard,
        )
        if fresh != memory:
            remember(self._node, peer, fresh)

    def _given_up(self, peer: str, gone: frozenset[int]) -> None:
        """Numbers that the sender gave up are used up in their turn, unless they came after all."""
        node = self._node
        while True:
            self._what_was_held(peer)
            following = self._last(peer) + 1
            if following not in gone:
                return
            message = Message(peer, following, MessageKind.STANDING, node.clock(), node.clock(), b"")
            self._keep(message, "", PostState.GONE)
