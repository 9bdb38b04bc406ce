"""Which relay counts for us and a peer: set here and, by its own people, there."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.flow.node import Node
from seawall.flow.relay_book import COUNTER_TOKEN, Place, forget_tokens, keep_token, read_token_file
from seawall.ledger import EventKind
from seawall.model import Fault

COUNTER = "overlap-counter:{peer}"
MAX_URL = 300
PIN_LETTERS = 64


def counter_of(node: Node, peer: str) -> Place | None:
    """The relay that counts for us and this peer."""
    text = node.store.notes.get(COUNTER.format(peer=peer))
    return None if text is None else msgspec.json.decode(text, type=Place)


def set_counter(node: Node, peer: str, *, url: str, pin: str, token_file: Path) -> dict[str, object]:
    """Let the relay at ``url`` count what we and a peer both hold; its operator gave each side a token.

    Raises NotFound for the peer, Fault E-FLOW-571 for an unusable address or pin, E-FLOW-611 for a file without token.
    """
    node.require("manage-peers")
    node.store.peers.get(peer)
    plain = url.startswith("http://127.0.0.1:")
    if not (url.startswith("https://") or plain) or len(url) > MAX_URL or len(pin) not in (0, PIN_LETTERS):
        raise Fault("E-FLOW-571", "{url} with this pin is no usable relay; give https://host:port and the pin's 64 "
                    "letters.", url=ascii(url[:80]))  # fmt: skip
    place = Place(url, pin.lower(), "")
    keep_token(node, peer, COUNTER_TOKEN, read_token_file(token_file), place)
    node.event(EventKind.RELAY_SET, peer, role="counter", url=url)
    node.store.notes.set(COUNTER.format(peer=peer), msgspec.json.encode(place).decode())
    forget_tokens(node, peer, COUNTER_TOKEN, but=place)
    return show_counter(node, peer)


def remove_counter(node: Node, peer: str) -> dict[str, object]:
    """Count no more with this peer."""
    node.require("manage-peers")
    node.store.notes.delete(COUNTER.format(peer=peer))
    forget_tokens(node, peer, COUNTER_TOKEN)
    node.event(EventKind.RELAY_SET, peer, role="counter", url="")
    return show_counter(node, peer)


def show_counter(node: Node, peer: str) -> dict[str, object]:
    """What is set."""
    node.require("read")
    place = counter_of(node, peer)
    return {"peer": peer, "url": place.url if place is not None else None, "set": place is not None}
