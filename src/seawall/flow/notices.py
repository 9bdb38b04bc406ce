"""Notices to and from peers: signed, on the ledger before they leave, numbered, each handled once and in order.

Whoever wants a kind of notice handled adds a row to ``HANDLERS``. A handler may run again for the same notice after a
kill, so it must bear that; the sentence of a Fault that it raises goes to the sender, so it must tell nothing that the
sender may not know.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

import msgspec

from seawall.exchange import Misdeed, require_verified
from seawall.exchange.notices import (
    DEFAULT_NOTICE_BOUNDS,
    BadNotice,
    Heard,
    Problem,
    Sealed,
    Standing,
    open_notice,
    read_payload,
    seal_notice,
)
from seawall.exchange.notices.paths import NOTICE_TYPE
from seawall.flow.between import NAMING_OBJECTS, believed, proof_with, proven_now, unproven
from seawall.flow.conduct import note_misdeed
from seawall.flow.node import Node
from seawall.flow.peer_keys import known_keys
from seawall.flow.prekeys import READS, reads_prekeys, tell_prekey
from seawall.flow.renumbering import NOTICES, may_renumber, was_renumbered
from seawall.identity import dsse, read_card
from seawall.identity.between_us import is_between_us
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused, Unavailable
from seawall.model.circle import Proof
from seawall.model.notice import KeptNotice, Notice, NoticeKind, NoticeState
from seawall.model.peer import PeerRecord, PeerState

HANDLERS: dict[NoticeKind, str] = {
    NoticeKind.RECALL: "seawall.flow.recall_obeying:obey",
    NoticeKind.RECEIPT: "seawall.flow.recall_sending:hear_receipt",
    NoticeKind.FAREWELL: "seawall.flow.ending:hear_farewell",
    NoticeKind.CHECKPOINT: "seawall.flow.witnessing:take_checkpoint",
    NoticeKind.RESTORED: "seawall.flow.ledger_restored:take_restored",
    NoticeKind.TERMS: "seawall.flow.agreement:hear_terms",
    NoticeKind.KEYS: "seawall.flow.peer_keys:hear_keys",
    NoticeKind.PREKEYS: "seawall.flow.prekeys:hear_prekey",
    NoticeKind.RELAY: "seawall.flow.relay_book:hear_relay",
}
"""Kind -> ``module:function``; ``function(node, notice)`` raises Fault or Refused to reject the notice."""

TAKEN: dict[NoticeKind, str] = {
    NoticeKind.KEYS: "seawall.flow.peer_keys:keys_taken",
    NoticeKind.RECALL: "seawall.flow.recall_sending:told",
}
"""Kind -> ``module:function``; ``function(node, notice)`` hears that the peer has taken this notice of ours."""

NODE = "node"  # who acts when nobody asked
YOU = "your node"
JUMP = 1_000_000  # how far ahead of our own book a peer's word on our numbers is believed
BOUNDS = DEFAULT_NOTICE_BOUNDS


def send_notice(node: Node, peer: str, kind: NoticeKind, body: Mapping[str, object]) -> int:
    """Sign a notice, put it on the ledger and queue it for the next sync or drop; returns its number.

    Durable when it returns. Raises Refused E-FLOW-300 for a peer that is pending or severed, E-FLOW-301 when too many
    wait already, Fault E-EXCHANGE-602 for a body larger than 256 KiB, NotFound for a peer that has no node.
    """
    record = node.store.peers.get(peer)
    if record.state in (PeerState.PENDING, PeerState.SEVERED):
        raise Refused("E-FLOW-300", "No notice goes to {peer}, which is {state}.", peer=peer, state=record.state.value)
    with _locked(node, "ours"):
        if node.store.notices.count_waiting(peer) >= BOUNDS.waiting:
            raise Refused(
                "E-FLOW-301",
                "{count} notices wait for {peer} already; they leave with 'seawall sync' or a drop.",
                count=BOUNDS.waiting,
                peer=peer,
            )
        return _queue(node, record, node.store.notices.last(peer, ours=True) + 1, kind, body)


def send_before(
    node: Node, kind: NoticeKind, bodies: Mapping[str, Mapping[str, object]], act: Callable[[], None]
) -> None:
    """Queue a notice for each peer (code name -> body) and then ``act``, and no other notice between them.

    For what changes our signing key: everything behind these notices is signed with the next one.
    """
    with _locked(node, "ours"):
        for peer, body in bodies.items():
            number = node.store.notices.last(peer, ours=True) + 1
            _queue(node, node.store.peers.get(peer), number, kind, body)
        act()


def sign_waiting_anew(node: Node) -> None:
    """Sign what still waits for peers with the key now in force: the same payloads under the same numbers.

    For a node that started anew: its peers believe nothing that the former key signed.
    """
    with _locked(node, "ours"):
        for record in node.store.peers.list():
            for kept in node.store.notices.waiting(record.code_name, limit=BOUNDS.waiting):
                if not is_between_us(kept.envelope):  # those are proven as they leave
                    envelope = dsse.sign(dsse.peek(kept.envelope, NOTICE_TYPE), NOTICE_TYPE, node.keys)
                    node.store.notices.add(msgspec.structs.replace(kept, envelope=envelope), keep=BOUNDS.kept)


def _queue(node: Node, record: PeerRecord, number: int, kind: NoticeKind, body: Mapping[str, object]) -> int:
    node.store.notices.add(_made(node, record, number, kind, body), keep=BOUNDS.kept)
    return number


def _made(node: Node, record: PeerRecord, number: int, kind: NoticeKind, body: Mapping[str, object]) -> KeptNotice:
    """Signed, and on the ledger."""
    at = node.clock()
    between = kind in NAMING_OBJECTS and proof_with(node, record.code_name) is Proof.BETWEEN_US
    signer: dsse.Signer | Callable[[bytes, str], bytes] = unproven if between else node.keys
    sealed = seal_notice(
        signer, sender=node.keys.node_id, to=record.node_id, number=number, kind=kind, at=at, body=body
    )
    details: dict[str, str | int | list[str]] = {"number": number, "notice": kind.value, "sha256": sealed.digest}
    node.ledger.record_event(LedgerEvent(EventKind.NOTICE_SENT, at, NODE, record.code_name, details))
    return _kept(record.code_name, sealed, ours=True, state=NoticeState.WAITING)


class NoticeBook:
    """Implements ``exchange.notices.NoticeDesk`` for one node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def standing(self, peer: str) -> Standing:
        """How far we have come in this peer's notices."""
        notices = self._node.store.notices
        last = notices.get(peer, notices.last(peer, ours=False), ours=False)
        return Standing(last.number, last.digest) if last is not None else Standing()

    def reads(self, peer: str, kinds: str) -> None:
        """Keep which further kinds of notices this peer reads."""
        key, notes = READS.format(peer=peer), self._node.store.notes
        if (notes.get(key) or "") != kinds:
            notes.set(key, kinds)

    def waiting(self, peer: str, after: int, limit: int) -> tuple[Sequence[bytes], bool]:
        """Our envelopes behind a number; nothing for a peer that is not verified now."""
        if self._node.store.peers.get(peer).state is not PeerState.VERIFIED:
            return (), False
        rows = self._node.store.notices.behind(peer, after, limit + 1)
        envelopes = proven_now(self._node, peer, [row.envelope for row in rows[:limit]], NOTICE_TYPE)
        return envelopes, len(rows) > limit

    def take(self, peer: str, envelopes: Sequence[bytes]) -> Heard:
        """Steps for each envelope, in order: (1) open it, (2) its number, (3) its handler, (4) the number is used.

        The first that cannot be taken ends the run: what stands behind it would come out of order. Raises Refused
        E-EXCHANGE-023 for a peer that is not verified, E-FLOW-043 when it was one misdeed too many.
        """
        record = require_verified(self._node.store.peers.get(peer))
        problems: list[Problem] = []
        with _locked(self._node, "theirs"):
            for envelope in envelopes:
                try:
                    sentence = self._take(record, envelope)
                    record = require_verified(self._node.store.peers.get(peer))  # new keys came, perhaps
                except BadNotice as bad:
                    # the peer reads its own sentence without the name under which we know it
                    sentence = bad.text.format(**(bad.values | {"peer": YOU}))
                    problems.append(Problem(0, sentence, kept=False))
                    if bad.misdeed is not None:
                        note_misdeed(self._node, peer, bad.misdeed, bad.text.format(**bad.values))
                    break
                if sentence is not None:
                    problems.append(Problem(self.standing(peer).number, sentence))
        return Heard(self.standing(peer), tuple(problems))

    def _take(self, record: PeerRecord, envelope: bytes) -> str | None:
        """One sentence when its handler rejected it. Raises BadNotice when its number is not used up by this."""
        node, peer = self._node, record.code_name
        last = node.store.notices.last(peer, ours=False)
        sealed = _opened(node, record, envelope, last)
        number = sealed.payload.number
        if number <= last:
            held = node.store.notices.get(peer, number, ours=False)
            if held is None or held.digest == sealed.digest:
                return None  # came before: handled once, and no harm
            raise BadNotice(
                Misdeed.FORGED,
                "E-FLOW-302",
                "Notice {number} from {peer} came before with other content; it was not taken in.",
                number=number,
                peer=peer,
            )
        if number > last + 1:
            raise BadNotice(
                None,
                "E-FLOW-303",
                "Notice {number} from {peer} came before notice {missing}; send them in their order.",
                number=number,
                peer=peer,
                missing=last + 1,
            )
        sentence = self._handle(peer, sealed)
        state = NoticeState.HANDLED if sentence is None else NoticeState.REJECTED
        kept = _kept(peer, sealed, ours=False, state=state, reason=sentence, settled_at=node.clock())
        node.store.notices.add(kept, keep=BOUNDS.kept)
        return sentence

    def _handle(self, peer: str, sealed: Sealed) -> str | None:
        payload = sealed.payload
        notice = Notice(peer, payload.number, payload.kind, payload.at, payload.body, sealed.envelope)
        try:
            if payload.kind not in HANDLERS:
                raise Refused("E-FLOW-304", "This node does nothing with a notice of the kind {kind}.",
                              kind=payload.kind.value)  # fmt: skip
            _named(HANDLERS[payload.kind])(self._node, notice)
        except Unavailable:
            raise
        except Fault as fault:
            return fault.text.format(**(fault.values | ({"peer": YOU} if "peer" in fault.values else {})))
        return None

    def settle(self, peer: str, taken: Standing, problems: Sequence[Problem]) -> None:
        """Believe what a peer says of our notices as far as our own book bears it.

        A number that we never gave, or gave to something else, means that this node's books were restored from an
        older copy: what still waits is then signed anew behind it, so that no number means two things.
        """
        node, notices = self._node, self._node.store.notices
        fresh: tuple[int, ...] = ()
        if not taken.number and not problems:
            return
        with _locked(node, "ours"):
            held = notices.get(peer, taken.number, ours=True)
            last = notices.last(peer, ours=True)
            ours = held.digest == taken.digest or not taken.digest if held is not None else taken.number < last
            if ours:
                fresh = notices.taken(peer, taken.number, node.clock())
            elif held is not None or last < taken.number <= last + JUMP:
                self._renumber(peer, taken.number)
            for problem in problems:
                if problem.kept:
                    notices.refused(peer, problem.number, problem.sentence[:1_000], node.clock())
        for number in fresh:
            self._told(peer, number)

    def _renumber(self, peer: str, behind: int) -> None:
        """In one step, which a kill leaves undone or done; at most once an hour."""
        node = self._node
        if not may_renumber(node, peer, NOTICES):
            return
        record = node.store.peers.get(peer)
        said = [read_payload(kept.envelope) for kept in node.store.notices.waiting(peer, limit=BOUNDS.waiting)]
        fresh = [
            _made(node, record, behind + place, payload.kind, payload.body) for place, payload in enumerate(said, 1)
        ]
        node.store.notices.replace_waiting(peer, fresh)
        was_renumbered(node, peer, NOTICES)

    def _told(self, peer: str, number: int) -> None:
        kept = self._node.store.notices.get(peer, number, ours=True)
        if kept is None or kept.kind not in TAKEN:
            return
        payload = read_payload(kept.envelope)
        notice = Notice(peer, number, kept.kind, kept.at, payload.body, kept.envelope)
        _named(TAKEN[kept.kind])(self._node, notice)


class LineBook(NoticeBook):
    """The same on a line, where a peer that has not heard of our prekey hears of it before anything else is asked."""

    def waiting(self, peer: str, after: int, limit: int) -> tuple[Sequence[bytes], bool]:
        """As ``NoticeBook.waiting``; what is wrong with our prekeys holds up nothing else: the job says it."""
        with suppress(Fault):
            if reads_prekeys(self._node, peer):
                tell_prekey(self._node, peer)
        return super().waiting(peer, after, limit)


def _kept(
    peer: str,
    sealed: Sealed,
    *,
    ours: bool,
    state: NoticeState,
    reason: str | None = None,
    settled_at: int | None = None,
) -> KeptNotice:
    payload = sealed.payload
    return KeptNotice(
        peer, ours, payload.number, payload.kind, payload.at, sealed.digest, sealed.envelope, state, reason, settled_at
    )


def _opened(node: Node, record: PeerRecord, envelope: bytes, last: int) -> Sealed:
    """By the key that this peer signs with now; by a former one only what came before, and is repeated."""
    if _stays_between_us(envelope):
        return _opened_between(node, record, envelope)
    card = read_card(record.card)

    def opened(keys: Sequence[bytes]) -> Sealed:
        return open_notice(
            envelope, peer=record.code_name, sender=record.node_id, to=node.keys.node_id, keys=keys, at=node.clock()
        )

    try:
        return opened([card.signing_public])
    except BadNotice as bad:
        former = [key.key for key in known_keys(node, card) if key.ends is not None]
        if bad.code != "E-EXCHANGE-604" or not former:
            raise
        repeated = opened(former)
        if repeated.payload.number > last:
            raise BadNotice(
                Misdeed.FORGED,
                "E-FLOW-305",
                "Notice {number} from {peer} is signed with a key that was put away; it was not taken in.",
                number=repeated.payload.number,
                peer=record.code_name,
            ) from None
        return repeated


def _stays_between_us(envelope: bytes) -> bool:
    try:
        return is_between_us(envelope)
    except Refused:
        return False  # its own sentence follows


def _opened_between(node: Node, record: PeerRecord, envelope: bytes) -> Sealed:
    """By a key that we share with this peer: only what names objects may come so."""
    try:
        payload = believed(node, record, envelope, NOTICE_TYPE)
    except Refused:  # made before each side knew the other's key, or for one that is wiped: nobody did wrong
        raise BadNotice(
            None,
            "E-FLOW-478",
            "A notice from {peer} that stays between the two nodes cannot be checked yet; it comes again with the next "
            "synchronisation.",
            peer=record.code_name,
        ) from None
    sealed = open_notice(
        envelope,
        peer=record.code_name,
        sender=record.node_id,
        to=node.keys.node_id,
        keys=(),
        at=node.clock(),
        believe=lambda _envelope, _type: payload,
    )
    if sealed.payload.kind not in NAMING_OBJECTS:
        raise BadNotice(
            Misdeed.FORGED,
            "E-FLOW-479",
            "Notice {number} from {peer} is not signed, and its kind has to be; it was not taken in.",
            number=sealed.payload.number,
            peer=record.code_name,
        )
    return sealed


def _named(handler: str) -> Callable[[Node, Notice], None]:
    module, _, name = handler.partition(":")
    function: Callable[[Node, Notice], None] = getattr(import_module(module), name)
    return function


@contextmanager
def _locked(node: Node, direction: str) -> Iterator[None]:
    """One process, and one thread, at a time numbers ours or handles theirs."""
    with (node.folder / f"notices-{direction}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
