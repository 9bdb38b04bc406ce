"""Origins that are no peers: nodes whose objects come by others, and whose keys two people compared all the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.flow.node import Node
from seawall.flow.peer_keys import successor
from seawall.identity import Card, check_current, check_fingerprint, read_card
from seawall.identity.card import MAX_CARD_BYTES
from seawall.ledger import EventKind
from seawall.model import Fault, Refused, system_clock

NAMES = "origins"
CARD = "origin:{name}"
MAX_ORIGINS = 500  # the members of the largest community of response teams are about 800, most of them peers of nobody
MAX_NAME = 64


def trusted_cards(node: Node) -> Mapping[str, Card]:
    """Name -> card of every trusted origin."""
    found = {name: node.store.notes.get(CARD.format(name=name)) for name in _names(node)}
    return {name: read_card(text.encode()) for name, text in found.items() if text is not None}


def trust_origin(node: Node, file: Path, *, name: str, fingerprint: str | None) -> dict[str, object]:
    """Believe what this card's keys sign. Two people, and the fingerprint, unless an earlier card of it vouches.

    Raises Refused E-FLOW-427 without them, E-IDENTITY-032 for a wrong fingerprint, Fault E-FLOW-428 for an unusable
    name.
    """
    first = node.require("manage-peers")
    with file.open("rb") as stream:
        data = stream.read(MAX_CARD_BYTES + 1)
    card = read_card(data)
    check_current(card.sets()[-1], system_clock())
    names = _names(node)
    if not (0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip()) or (
        name not in names and len(names) >= MAX_ORIGINS
    ):
        raise Fault("E-FLOW-428", "{given} cannot be the name of one more origin.", given=ascii(name[:MAX_NAME]))
    held = node.store.notes.get(CARD.format(name=name))
    vouched = held is not None and _follows(read_card(held.encode()), card, name)
    people = [first.name]
    if not vouched:
        second = node.approver
        if second is None or fingerprint is None:
            raise Refused(
                "E-FLOW-427",
                "Two people compare the fingerprint of {name} with its owner; give --fingerprint and --approver-token.",
                name=name,
            )
        check_fingerprint(card, fingerprint)
        node.store.approvals.both("origin", f"{name} {card.fingerprint}", first.name, second.name, node.clock())
        people.append(second.name)
    node.store.notes.set(CARD.format(name=name), data.decode())
    if name not in names:
        node.store.notes.set(NAMES, msgspec.json.encode([*names, name]).decode())
    node.event(EventKind.ORIGIN_TRUSTED, name, fingerprint=card.fingerprint, approved_by=people)
    return _row(name, card) | {"vouched": vouched}


def list_origins(node: Node) -> list[dict[str, object]]:
    """Every trusted origin that is no peer."""
    node.require("read")
    return [_row(name, card) for name, card in trusted_cards(node).items()]


def distrust_origin(node: Node, name: str) -> dict[str, object]:
    """Believe it no more: its objects come in as those of a stranger. Raises Fault E-FLOW-429 for an unknown name."""
    node.require("manage-peers")
    names = _names(node)
    if name not in names:
        raise Fault("E-FLOW-429", "There is no origin {name}.", name=ascii(name[:MAX_NAME]))
    node.store.notes.set(NAMES, msgspec.json.encode([other for other in names if other != name]).decode())
    node.store.notes.delete(CARD.format(name=name))
    node.event(EventKind.ORIGIN_DISTRUSTED, name)
    return {"name": name, "trusted": False}


def _names(node: Node) -> list[str]:
    text = node.store.notes.get(NAMES)
    return msgspec.json.decode(text, type=list[str]) if text else []


def _follows(held: Card, fresh: Card, name: str) -> bool:
    try:
        successor(held, fresh, name)
    except Refused as refused:
        if refused.code in ("E-FLOW-421", "E-FLOW-423"):
            return False
        raise
    return True


def _row(name: str, card: Card) -> dict[str, object]:
    keys = card.sets()[-1]
    return {
        "name": name,
        "node_id": card.node_id,
        "identity": card.identity_id,
        "version": keys.version,
        "expires": keys.expires,
        "fingerprint": card.fingerprint,
    }
