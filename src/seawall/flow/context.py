"""What policy may know of this node when it decides: gathered here, because policy itself asks nobody."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.flow.circles import agreed_with
from seawall.flow.entries import as_stored
from seawall.flow.node import Node
from seawall.identity import read_card
from seawall.model import Actor, NotFound, UserRole, Visibility
from seawall.model.circle import CircleTerms
from seawall.model.stored import StoredObject
from seawall.policy import (
    Markings,
    PrivateValues,
    ReleaseContext,
    StandingUse,
    markings_of,
    strictest,
    visibility,
)

WHOLE_NODE = visibility(Actor("node", UserRole.ADMIN))
MAX_INPUTS = 10_000  # objects behind one object; a report lists fewer


def release_context(
    node: Node, terms: CircleTerms, recipient: str, *, standing_use: Mapping[str, StandingUse] | None = None
) -> ReleaseContext:
    """The context for one recipient in one circle, at this moment."""
    cards = {peer.code_name: read_card(peer.card) for peer in node.store.peers.list()}
    agreed = frozenset(member for member in terms.members if agreed_with(node, terms, member))

    def may_refer(object_id: str) -> bool:
        # in the outbox for this recipient, or known to them because they sent it to us
        return node.store.outbox.stands(terms.name, recipient, object_id) or recipient in node.store.received.origins(
            object_id
        )

    return ReleaseContext(
        at=node.clock(),
        node_id=node.keys.node_id,
        private=PrivateValues(
            is_own=node.own_assets.is_own,
            names=frozenset(asset.organisation for asset in node.own_assets.assets if asset.organisation),
        ),
        own_identity=node.keys.identity_id,
        own_names=frozenset({node.settings.node.name}),
        identities={name: card.identity_id for name, card in cards.items()},
        identity_names={card.identity_id: card.name for card in cards.values()},
        circles={circle.name: circle for circle in node.store.circles.list()},
        agreed_with=agreed,
        standing_use=standing_use or {},
        may_refer=may_refer,
    )


def stored_markings(node: Node, item: StoredObject) -> Markings:
    """The markings of an object and of everything it was made from, joined (rule 2)."""
    gathered = [_own_markings(item)]
    waiting, seen = list(item.inputs), {item.id}
    while waiting and len(seen) < MAX_INPUTS:
        object_id = waiting.pop()
        if object_id in seen:
            continue
        seen.add(object_id)
        for source in find_objects(node, object_id):
            gathered.append(_own_markings(source))
            waiting.extend(source.inputs)
    return strictest(gathered)


def _own_markings(item: StoredObject) -> Markings:
    return markings_of(item, circle=(item.source or "") if item.origin is not None else "")


def find_objects(node: Node, object_id: str, seen: Visibility = WHOLE_NODE) -> list[StoredObject]:
    """What the node holds under an id: an object, or an indicator's entries. Empty when there is nothing.

    With ``seen`` what the asker may not see is as absent as what is not there (rule 12).
    """
    try:
        return [node.store.objects.get(object_id, visibility=seen)]
    except NotFound:
        return [as_stored(entry) for entry in node.store.indicators.by_id(object_id, visibility=seen)]
