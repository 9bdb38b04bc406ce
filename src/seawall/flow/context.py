"""What policy may know of this node when it decides: gathered here, because policy itself asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from seawall.codec.frameworks import is_framework
from seawall.flow.circles import agreed_with
from seawall.flow.definitions import HeldDefinitions
from seawall.flow.drop_sealed import can_seal_for
from seawall.flow.entries import as_stored
from seawall.flow.mail_members import mail_identity
from seawall.flow.node import Node
from seawall.flow.origin import sealer, unsigned
from seawall.flow.redactions import private_values
from seawall.flow.relay_book import relay_of
from seawall.flow.seats import seats
from seawall.identity import read_card
from seawall.model import Actor, NotFound, Tlp, UserRole, Visibility
from seawall.model.circle import CircleTerms, Proof
from seawall.model.peer import PeerRecord
from seawall.model.stored import StoredObject
from seawall.policy import (
    Markings,
    ReleaseContext,
    StandingUse,
    markings_of,
    strictest,
    visibility,
)

WHOLE_NODE = visibility(Actor("node", UserRole.ADMIN))
MAX_INPUTS = 10_000  # objects behind one object; a report lists fewer


def release_context(
    node: Node,
    terms: CircleTerms,
    recipient: str,
    *,
    standing_use: Mapping[str, StandingUse] | None = None,
    referred: Iterable[str] = (),
) -> ReleaseContext:
    """The context for one recipient in one circle, at this moment.

    ``referred``: ids that the objects at hand are known to refer to, looked up together instead of one by one.
    """
    peers = node.store.peers.list()
    cards = {peer.code_name: read_card(peer.card) for peer in peers}
    by_mail = {peer.code_name: mail_identity(peer) for peer in node.store.mail_peers.list()}
    agreed = frozenset(member for member in terms.members if agreed_with(node, terms, member))
    asked = frozenset(referred)
    known = _known_to(node, terms, recipient, asked)

    def may_refer(object_id: str) -> bool:
        return object_id in (known if object_id in asked else _known_to(node, terms, recipient, (object_id,)))

    return ReleaseContext(
        at=node.clock(),
        node_id=node.keys.node_id,
        private=private_values(node),
        own_identity=node.keys.identity_id,
        own_names=frozenset({node.settings.node.name}),
        identities={name: card.identity_id for name, card in cards.items()} | by_mail,
        identity_names={card.identity_id: card.name for card in cards.values()}
        | {identity: name for name, identity in by_mail.items()},
        circles={circle.name: circle for circle in node.store.circles.list()},
        agreed_with=agreed,
        standing_use=standing_use or {},
        seats=seats(node),
        definitions=HeldDefinitions(node),
        in_clear=any(_goes_in_clear(node, peer) for peer in peers if peer.code_name == recipient),
        may_refer=may_refer,
        seal=sealer(node) if terms.proof is Proof.TRANSFERABLE else unsigned,
    )


def _goes_in_clear(node: Node, peer: PeerRecord) -> bool:
    """A carried drop is sealed once a key of the peer's is held; what goes through a relay always is."""
    return peer.carried and relay_of(node, peer.code_name) is None and not can_seal_for(node, peer)


def _known_to(node: Node, terms: CircleTerms, recipient: str, ids: Iterable[str]) -> frozenset[str]:
    """Of these ids, those in the outbox for this recipient, those that they themselves sent us, and public ones."""
    wanted = tuple(ids)
    if not wanted:
        return frozenset()
    known = node.store.outbox.standing(terms.name, recipient, wanted) | node.store.received.known_to(recipient, wanted)
    others = node.store.objects.latest(set(wanted) - known)
    return known | {object_id for object_id, item in others.items() if is_framework(item) and item.tlp is Tlp.CLEAR}


def stored_markings(node: Node, item: StoredObject) -> Markings:
    """The markings of an object and of everything it was made from, joined (rule 2)."""
    return page_markings(node, [item])[0]


def page_markings(node: Node, items: Sequence[StoredObject]) -> list[Markings]:
    """``stored_markings`` of each item; what they were made from is looked up together."""
    inputs = {object_id for item in items for object_id in item.inputs}
    held = {object_id: [found] for object_id, found in node.store.objects.latest(inputs).items()}
    definitions = HeldDefinitions(node)
    definitions.expect([*items, *(found for several in held.values() for found in several)])
    return [_joined_markings(node, item, held, definitions) for item in items]


def _joined_markings(
    node: Node, item: StoredObject, held: dict[str, list[StoredObject]], definitions: HeldDefinitions
) -> Markings:
    gathered = [_own_markings(node, item, definitions)]
    waiting, seen = list(item.inputs), {item.id}
    while waiting and len(seen) < MAX_INPUTS:
        object_id = waiting.pop()
        if object_id in seen:
            continue
        seen.add(object_id)
        if object_id not in held:
            held[object_id] = find_objects(node, object_id)
        for source in held[object_id]:
            gathered.append(_own_markings(node, source, definitions))
            waiting.extend(source.inputs)
    return strictest(gathered)


def _own_markings(node: Node, item: StoredObject, definitions: HeldDefinitions) -> Markings:
    return markings_of(item, _came_through(node, item) if item.origin is not None else "", definitions)


def _came_through(node: Node, item: StoredObject) -> str:
    """The circle through which a peer's object came; what a MISP brought, its source names."""
    source = item.source or ""
    if source != f"misp:{item.origin}":
        return source
    from seawall.flow.misp_servers import circle_of  # brings an HTTP client, which most commands do without

    return circle_of(node, source)


def find_objects(node: Node, object_id: str, seen: Visibility = WHOLE_NODE) -> list[StoredObject]:
    """What the node holds under an id: an object, or an indicator's entries. Empty when there is nothing.

    With ``seen`` what the asker may not see is as absent as what is not there (rule 12).
    """
    try:
        return [node.store.objects.get(object_id, visibility=seen)]
    except NotFound:
        return [as_stored(entry) for entry in node.store.indicators.by_id(object_id, visibility=seen)]
