"""Agreeing on a circle: each side says its terms in a signed notice, and terms said alike by both are agreed.

Nothing is negotiated in a notice: it holds what its sender has in force. Whoever wants the other side's terms takes
them over (``accept_circle``) or says its own anew. The envelopes stay in the book of notices, so what a peer agreed to
can be shown with its signature.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.flow.circles import AGREED, STANDING_LIFE, agreed_with, describe_circle, save_terms, state_terms
from seawall.flow.node import Node
from seawall.flow.terms import digest_of, read_terms, shared_terms, terms_digest
from seawall.model import Fault, NotFound, Refused, rfc3339
from seawall.model.circle import CircleTerms
from seawall.model.notice import Notice
from seawall.model.peer import PeerState

OFFER = "offer:{circle}:{peer}"
OFFERS = "offers:{peer}"
MAX_OFFERS = 200  # circles that one peer may speak of and that we do not have


class Offer(msgspec.Struct, frozen=True):
    """What a peer said last of a circle. ``terms`` are plain values, as ``shared_terms`` gives them."""

    terms: dict[str, object]
    digest: str
    at: int  # microseconds UTC, the peer's clock
    number: int  # of the notice that said so


def hear_terms(node: Node, notice: Notice) -> None:
    """A peer says its terms. Raises Fault E-FLOW-414 when there are none, E-FLOW-410 when they cannot be read,
    E-FLOW-411 for too many circles."""
    terms, digest = notice.body.get("terms"), notice.body.get("digest")
    name = terms.get("name") if isinstance(terms, dict) else None
    if not isinstance(terms, dict) or not isinstance(name, str) or digest != digest_of(terms):
        raise Fault("E-FLOW-414", "These are no terms of a circle, or not those that the notice names.")
    read_terms(terms, frozenset({notice.peer}))  # what nobody here could agree to is not kept either
    known = _circles_of(node, notice.peer)
    if name not in known:
        if len(known) >= MAX_OFFERS:
            raise Fault("E-FLOW-411", "Terms of more than {most} circles are not kept.", most=MAX_OFFERS)
        node.store.notes.set(OFFERS.format(peer=notice.peer), msgspec.json.encode([*known, name]).decode())
    offer = Offer(terms, digest, notice.at, notice.number)
    node.store.notes.set(OFFER.format(circle=name, peer=notice.peer), msgspec.json.encode(offer).decode())
    state_terms(node, name, notice.peer, digest)


def offers(node: Node, circle: str) -> dict[str, Offer]:
    """What each peer last said of a circle, by code name."""
    found = {}
    for peer in node.store.peers.list():
        text = node.store.notes.get(OFFER.format(circle=circle, peer=peer.code_name))
        if text is not None and peer.state is not PeerState.SEVERED:
            found[peer.code_name] = msgspec.json.decode(text, type=Offer)
    return found


def accept_circle(node: Node, name: str, peer: str | None = None) -> dict[str, object]:
    """Take over the terms that a peer said, as the next version of ours; members and what *we* enforce stay ours.

    A circle of ours of which nobody has said anything yet stays as it is. Terms with standing releases take two people
    (rule 9). Raises NotFound E-FLOW-412 when there is nothing to take over, Refused E-FLOW-413 when peers said
    different ones and none was named, and what saving terms raises.
    """
    node.require("manage-peers")
    said = offers(node, name)
    if peer is not None:
        said = {code_name: offer for code_name, offer in said.items() if code_name == peer}
    try:
        held: CircleTerms | None = node.store.circles.get(name)
    except NotFound:
        held = None
    if not said:
        if held is not None and peer is None:
            return shown_circle(node, name)
        raise NotFound(
            "E-FLOW-412",
            "Nobody has said terms for the circle {name} yet; they come with the next synchronisation.",
            name=ascii(name[:64]),
        )
    if len({offer.digest for offer in said.values()}) > 1:
        raise Refused(
            "E-FLOW-413",
            "{peers} said different terms for {name}; choose whose with --from.",
            peers=", ".join(sorted(said)),
            name=name,
        )
    offer = next(iter(said.values()))
    if held is None or terms_digest(held) != offer.digest or not held.members >= said.keys():
        _take_over(node, offer, held, frozenset(said))
    return shown_circle(node, name)


def _take_over(node: Node, offer: Offer, held: CircleTerms | None, members: frozenset[str]) -> None:
    seated = members | (held.members if held is not None else frozenset())
    fresh = read_terms(offer.terms, seated, expires_at=node.clock() + STANDING_LIFE)
    signed = tuple(msgspec.structs.replace(rule, signed_by=frozenset({node.keys.node_id})) for rule in fresh.standing)
    fresh = msgspec.structs.replace(
        fresh,
        standing=signed,
        exclusions=held.exclusions if held is not None else frozenset(),
        auto_enforce=held.auto_enforce if held is not None else False,
    )
    save_terms(node, fresh, sensitive=bool(fresh.standing or fresh.auto_enforce))


def shown_circle(node: Node, name: str) -> dict[str, object]:
    """A circle's terms, and for each member what it said last and where that differs from ours.

    A circle that only others have: their words alone. Raises NotFound E-STORE-061 when nobody has it.
    """
    said = offers(node, name)
    try:
        terms = node.store.circles.get(name)
    except NotFound:
        node.require("read")
        if not said:
            raise
        return {"name": name, "agreed": False, "offered": list(_differences(said, {}))}
    return {**describe_circle(node, name), "offered": list(_differences(said, shared_terms(terms)))}


def _differences(said: dict[str, Offer], ours: dict[str, object]) -> Iterator[dict[str, object]]:
    """``differs``: term -> [ours, theirs]."""
    for peer, offer in sorted(said.items()):
        terms = sorted({*ours, *offer.terms})
        yield {
            "peer": peer,
            "at": rfc3339(offer.at),
            "notice": offer.number,
            "differs": {
                term: [ours.get(term), offer.terms.get(term)]
                for term in terms
                if ours.get(term) != offer.terms.get(term)
            },
        }


def waiting_offers(node: Node) -> list[dict[str, object]]:
    """Circles of which a peer has said terms that are not agreed here: new ones, and ours that differ."""
    found: list[dict[str, object]] = []
    for peer in node.store.peers.list():
        for name in _circles_of(node, peer.code_name):
            try:
                agreed = agreed_with(node, node.store.circles.get(name), peer.code_name)
            except NotFound:
                agreed = False
            if not agreed and node.store.notes.get(AGREED.format(circle=name, peer=peer.code_name)) is not None:
                found.append({"circle": name, "peer": peer.code_name})
    return found


def _circles_of(node: Node, peer: str) -> list[str]:
    text = node.store.notes.get(OFFERS.format(peer=peer))
    return msgspec.json.decode(text, type=list[str]) if text else []
