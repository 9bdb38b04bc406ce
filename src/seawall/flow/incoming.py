"""What a peer sent, on its way into the store: inbound policy decides, then knowledge is kept where it is used.

An indicator with plain values becomes match keys with the peer as one more source (our own entry keeps its id and
body); a sighting becomes a finding beside our own; everything else is kept as the object it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from seawall.codec.sharing import ReceivedSighting, candidate_id, keys_of, read_sighting
from seawall.codec.stix import check
from seawall.exchange import Declined, InboundDesk, Outcome, ReceivedObject
from seawall.flow.conduct import note_misdeed
from seawall.flow.context import find_objects
from seawall.flow.definitions import HeldDefinitions
from seawall.flow.live_arrivals import arrived
from seawall.flow.mail_members import mail_identity
from seawall.flow.node import Node
from seawall.flow.origin import Keyring, OriginState, before, judge, moment_of
from seawall.flow.peer_keys import KnownKey
from seawall.flow.warning_heard import hear_answers, is_only_an_answer
from seawall.identity import read_card
from seawall.identity.origin import MARK as ORIGIN_MARK
from seawall.identity.origin import without_seal
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Observable, ObservableType, Pap, Refused, SightingSummary, Tlp, to_microseconds
from seawall.model.bounds import MAX_OBJECT_BYTES
from seawall.model.circle import CircleTerms
from seawall.model.indicator import IndicatorEntry
from seawall.model.moments import parse_moment
from seawall.model.stored import PutCounts, StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.policy import Admitted, Held, InboundContext, InboundRule, inbound, said_as_a_whole

MAX_REASONS = 20  # declined objects named in one ledger event


def inbound_desk(node: Node, *, at_least: tuple[Tlp, Pap] = (Tlp.CLEAR, Pap.CLEAR)) -> InboundDesk:
    """The one way in for objects from peers; kept no more freely than ``at_least``, a whole mail's marking."""
    return InboundDesk(
        check=_judge,
        admit=_admission(node, at_least),
        keep=lambda items: _keep(node, items),
        receipt=_receipt(node),
        clock=node.clock,
        misbehaved=lambda peer, misdeed, sentence: note_misdeed(node, peer, misdeed, sentence),
    )


def admit_one(node: Node, peer: str, circle: str, body: bytes) -> StoredObject | Declined:
    """What inbound policy says of one object that came by another way than a collection; nothing is kept.

    Raises one of ``UNREADABLE`` for what is no object, NotFound for an unknown circle.
    """
    read = msgspec.json.decode(body, type=_Named)
    if (sentence := _judge(body)) is not None:
        return Declined(sentence)
    at = node.clock()
    received = ReceivedObject(read.id, read.type, read.modified or read.created, body, peer, circle, at)
    return _admission(node, (Tlp.CLEAR, Pap.CLEAR))(received)


class _Named(msgspec.Struct):
    id: str
    type: str
    created: str = ""
    modified: str = ""


def _judge(body: bytes) -> str | None:
    try:
        verdict = check(msgspec.json.decode(body))
    except UNREADABLE:  # its head could be read: what stands behind id and type is looked at here for the first time
        return "This is not readable JSON."
    return None if verdict.valid else "This is not valid STIX 2.1: " + "; ".join(verdict.errors[:3])


def _admission(node: Node, at_least: tuple[Tlp, Pap]) -> Callable[[ReceivedObject], StoredObject | Declined]:
    base = InboundContext(
        at=node.clock(),
        own_identities=frozenset({node.keys.identity_id}),
        peer_identities={read_card(peer.card).identity_id: peer.code_name for peer in node.store.peers.list()}
        | {mail_identity(peer): peer.code_name for peer in node.store.mail_peers.list()},
        held=lambda object_id: _held(node, object_id),
    )

    keyring = Keyring(node)
    of_batch: dict[tuple[str, int], tuple[CircleTerms, InboundContext]] = {}  # the last batch only

    def admit(received: ReceivedObject) -> StoredObject | Declined:
        batch = (received.circle, received.received_at)
        if batch not in of_batch:
            of_batch.clear()
            now = msgspec.structs.replace(base, at=received.received_at, definitions=HeldDefinitions(node))
            of_batch[batch] = node.store.circles.get(received.circle), now
        terms, context = of_batch[batch]
        try:
            vouched = _vouched(node, received, keyring)
        except Refused as refused:
            return Declined(refused.text.format(**refused.values), forged=refused.code in FORGERIES)
        if vouched is not None and context.peer_identities.get(vouched) != received.peer:
            others = {name: peer for name, peer in context.peer_identities.items() if name != vouched}
            context = msgspec.structs.replace(context, peer_identities=others)
        decided = inbound(received.body, received.peer, terms, context)
        if isinstance(decided, Admitted):
            kept = decided.stored
            if kept.type == "marking-definition" and isinstance(context.definitions, HeldDefinitions):
                context.definitions.learn(kept.id, kept.body)
            return msgspec.structs.replace(
                kept,
                body=_remarked(kept.body, at_least[0]),
                tlp=max(kept.tlp, at_least[0]),
                pap=max(kept.pap, at_least[1]),
            )
        return Declined(decided.sentence, forged=_forged(node, decided.rule, received, terms, context))

    return admit


def _remarked(body: bytes, at_least: Tlp) -> bytes:
    """The body as it is kept; where that is not as it was signed, without the signature."""
    fresh = said_as_a_whole(body, at_least)
    if fresh == body or ORIGIN_MARK not in fresh:
        return fresh
    return msgspec.json.encode(without_seal(msgspec.json.decode(fresh)), order="sorted")


FORGERIES = frozenset({"E-IDENTITY-096", "E-IDENTITY-097", "E-FLOW-430", "E-FLOW-431", "E-FLOW-433", "E-FLOW-435"})
"""What only a forger, or whoever altered it, can have sent; the other refusals may befall an honest hand."""


def _vouched(node: Node, received: ReceivedObject, keyring: Keyring) -> str | None:
    """The maker whose word this is, when its own signature or the sender's honest "derived" says so; else None.

    Raises Refused for what cannot be: a signature that does not hold, somebody known spoken for without a signature.
    """
    if len(received.body) > MAX_OBJECT_BYTES or ORIGIN_MARK not in received.body:
        said = msgspec.json.decode(received.body, type=_Creator)
        maker = keyring.of(said.created_by_ref) if said.created_by_ref is not None else None
        if maker is not None and maker.name and maker.peer is None:  # peers, and ourselves, are inbound policy's
            raise _without_signature(maker.name)
        return None
    body = msgspec.json.decode(received.body)

    def held(key: KnownKey) -> bool:
        return before(key, node.store.received.first_at(received.peer, received.id, received.version))

    judged = judge(body, keyring, at=moment_of(received.version), held=held, by=received.peer)
    own = node.keys.identity_id
    if judged.state is OriginState.VERIFIED and judged.creator == own:
        raise Refused("E-FLOW-434", "The object was made by this node and came back as it went.")
    if judged.state is OriginState.DERIVED and own in (judged.creator, judged.signer):
        raise Refused("E-FLOW-435", "The object was made by this node and came back altered.")
    if judged.state is OriginState.VERIFIED:
        return judged.creator
    if judged.state is OriginState.UNSIGNED:
        return None  # a stolen key signed it, and its maker brings it
    maker = keyring.of(judged.creator) if judged.creator is not None else None
    if maker is None:
        return None
    signer = keyring.of(judged.signer) if judged.signer is not None else None
    if judged.state is OriginState.DERIVED and signer is not None and signer.peer == received.peer:
        return judged.creator  # the sender stands for what it changed
    raise _without_signature(maker.name)


def _without_signature(name: str) -> Refused:
    return Refused("E-FLOW-436", "The object claims to be made by {name} without its signature.", name=name)


class _Creator(msgspec.Struct):
    created_by_ref: str | None = None


def _forged(
    node: Node, rule: InboundRule, received: ReceivedObject, terms: CircleTerms, context: InboundContext
) -> bool:
    """Whether the sender made it up: an echo of ours (released or exported), or what a member of the circle passed on,
    is refused only."""
    if rule is InboundRule.SPOOFED_OWN:
        return received.id not in node.store.outbox.first_added([received.id]) and not find_objects(node, received.id)
    if rule is not InboundRule.SPOOFED_PEER:
        return False
    creator = msgspec.json.decode(received.body, type=_Creator).created_by_ref
    return context.peer_identities.get(creator or received.id) not in terms.members


def _held(node: Node, object_id: str) -> Held | None:
    if object_id.startswith("indicator--"):
        return None  # kept by value with all its sources: nobody's entry is replaced
    for held in find_objects(node, object_id):
        return Held(held.origin)
    return None


def _keep(node: Node, items: Sequence[StoredObject]) -> PutCounts:
    entries: dict[str, list[IndicatorEntry]] = {}
    others: list[StoredObject] = []
    named: list[Observable] = []
    counts = PutCounts()
    for item in items:
        values = keys_of(item.body) if item.type == "indicator" else []
        named += values
        if not values:
            others.append(item)
        elif item.revoked:
            counts += _withdraw(node, item)
        else:
            entries.setdefault(peer_source(item), []).extend(_entries(item))
    for source, rows in entries.items():
        counts += node.store.indicators.put(rows, source=source, at=node.clock())
    counts += node.store.objects.put(others)
    told = [item for item in others if item.type == "sighting" and not is_only_an_answer(node, item)]
    summaries = sightings_told(node, told)
    node.store.sightings.put(summaries)
    hear_answers(node, others, _values_behind)
    arrived(node, [*named, *(Observable(item.type, item.value) for item in summaries)])
    return counts


def peer_source(item: StoredObject) -> str:
    """How a peer is named among an indicator's sources: with the circle through which it spoke."""
    return f"{item.origin}/{item.source}"


def _withdraw(node: Node, item: StoredObject) -> PutCounts:
    gone = [
        node.store.indicators.withdraw(value.type, value.value, source=peer_source(item), external_id=item.id)
        for value in keys_of(item.body)
    ]
    return PutCounts(updated=int(any(gone)), unchanged=int(not any(gone)))


class _Indicator(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    confidence: int | None = None
    valid_from: str | None = None
    valid_until: str | None = None


def _entries(item: StoredObject) -> list[IndicatorEntry]:
    said = msgspec.json.decode(item.body, type=_Indicator)
    return [
        IndicatorEntry(
            type=value.type,
            value=value.value,
            indicator_id=item.id,
            campaign=None,
            description=said.description or said.name,
            confidence=said.confidence,
            tlp=item.tlp,
            pap=item.pap,
            valid_from=_moment(said.valid_from),
            valid_until=_moment(said.valid_until),
            origin=item.origin,
            external_id=item.id,
            sources=(),
            body=item.body,
        )
        for value in keys_of(item.body)
    ]


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return to_microseconds(parse_moment(text))
    except Fault:
        return None


def _withdraw_candidate(node: Node, item: StoredObject, indicator_id: str, value: Observable) -> None:
    """A peer's candidate goes with its sighting; an indicator that the peer imported stays until it is revoked."""
    peer = read_card(node.store.peers.get(str(item.origin)).card)
    if indicator_id == candidate_id(peer.identity_id, value):
        node.store.indicators.withdraw(value.type, value.value, source=peer_source(item), external_id=indicator_id)


def sightings_told(node: Node, items: Sequence[StoredObject]) -> list[SightingSummary]:
    """What sighting objects of peers tell in short, one for each value that they name."""
    found: list[SightingSummary] = []
    for item in items:
        told = read_sighting(item.body)
        found += [_summary(item, told, value.type, value.value) for value in _values_behind(node, told.sighting_of_ref)]
    return found


def sighting_told_of(item: StoredObject, value: Observable) -> SightingSummary:
    """What one sighting object of a peer tells in short of a value that both sides know it is about."""
    return _summary(item, read_sighting(item.body), value.type, value.value)


def _values_behind(node: Node, indicator_id: str) -> Iterable[Observable]:
    """The values that an indicator names; the entries first, because ours may stand for what a peer calls otherwise."""
    entries = node.store.indicators.by_id(indicator_id)
    if entries:
        return [Observable(entry.type, entry.value) for entry in entries]
    found = [item for item in find_objects(node, indicator_id) if item.type == "indicator"]
    return [value for item in found for value in keys_of(item.body)]


def _summary(item: StoredObject, told: ReceivedSighting, type: ObservableType, value: str) -> SightingSummary:
    exact, sectors, bases = told.evidence()
    first = exact if exact is not None else _moment(told.first_seen) or _moment(told.created) or item.stored_at
    last = _moment(told.last_seen) or first
    return SightingSummary(
        type=type,
        value=value,
        side=str(item.origin),
        first_seen=first,
        last_seen=max(first, last),
        count=told.count,
        sectors=sectors,
        indicator_id=told.sighting_of_ref,
        basis=bases or (("none",) if told.withdrawn else ()),
        tlp=item.tlp,
        pap=item.pap,
        origin=item.origin,
        excluded=item.excluded,
        told_at=item.stored_at,
    )


def _receipt(node: Node) -> Callable[[str, str, Sequence[Outcome]], None]:
    def write(peer: str, circle: str, outcomes: Sequence[Outcome]) -> None:
        accepted = [(outcome.id, outcome.version) for outcome in outcomes if outcome.problem is None]
        declined = [outcome for outcome in outcomes if outcome.problem is not None]
        node.store.received.add(peer, circle, accepted, node.clock())
        if declined:
            details: dict[str, str | int | list[str]] = {
                "circle": circle,
                "declined": len(declined),
                "objects": [f"{outcome.id}: {outcome.problem}" for outcome in declined[:MAX_REASONS]],
            }
            node.ledger.record_event(LedgerEvent(EventKind.INBOUND_DECLINED, node.clock(), peer, circle, details))

    return write
