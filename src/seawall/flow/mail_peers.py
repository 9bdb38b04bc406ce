"""Peers that are an OpenPGP address: added, verified by two people, their keys watched; and this node's own key."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.codec.spelling import canonical_pair
from seawall.flow.conduct import forget_misdeeds
from seawall.flow.live_arrivals import relation_changed
from seawall.flow.node import Node
from seawall.identity.openpgp import KeyFacts, OwnPgpKey, read_key
from seawall.identity.openpgp_keys import MAX_KEY
from seawall.ledger import EventKind
from seawall.messages import LANGUAGES, canonical_language, is_spoken
from seawall.model import Fault, ObservableType, Refused, rfc3339
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerState

SOON = 30 * 86_400_000_000  # microseconds: a key that ends within a month is worth a call


def own_key(node: Node) -> OwnPgpKey:
    """This node's OpenPGP key."""
    return OwnPgpKey(node.folder / "keys", secret_of(node, node.settings.mail.key_password_file) or None)


def secret_of(node: Node, name: str) -> bytes:
    """The first line of a password file, taken from the node's folder when it is relative; empty for no name.

    Raises Fault E-FLOW-260.
    """
    if not name:
        return b""
    path = node.folder / name
    try:
        return path.read_bytes().split(b"\n", 1)[0].strip()
    except OSError as error:
        raise Fault(
            "E-FLOW-260",
            "Cannot read the password file {path}: {reason}.",
            path=path,
            reason=error.strerror or error,
        ) from None


def manage_key(node: Node, *, create: bool, renew: bool, take_over: Path | None) -> dict[str, object]:
    """Make, renew or take over our key, or only show it: the public key is what peers need.

    Raises Fault E-FLOW-261 without an address in the settings, and what ``OwnPgpKey`` raises.
    """
    key = own_key(node)
    if create or renew or take_over is not None:
        node.require("manage-peers")
        if take_over is not None:
            facts = key.take_over(_read(take_over))
        elif renew:
            facts = key.renew()
        else:
            facts = key.create(node.settings.node.name, own_address(node))
        node.event(EventKind.KEYS_RENEWED if renew else EventKind.KEYS_CREATED, f"openpgp {facts.fingerprint}")
    else:
        node.require("read")
        facts = key.facts()
    return {**_plain(facts), "public_key": key.public().decode("ascii", "replace")}


def own_address(node: Node) -> str:
    """The address in the settings. Raises Fault E-FLOW-261."""
    address = node.settings.mail.from_address
    if not address:
        raise Fault("E-FLOW-261", "This node has no mail address; set from_address in the section [mail].")
    return checked_address(address)


def checked_address(text: str) -> str:
    """One plain address in lower case. Raises Fault E-FLOW-262."""
    try:
        address = canonical_pair(ObservableType.EMAIL, text)[1].lower()
    except ValueError:
        address = ""
    if not address.isascii() or not address:  # SMTPUTF8 (RFC 6531) is not offered everywhere on the way
        raise Fault("E-FLOW-262", "{given} is no mail address.", given=ascii(text[:100]))
    return address


def add_mail_peer(
    node: Node, name: str, *, address: str, file: Path, lang: str, contact: str | None
) -> dict[str, object]:
    """Keep an address and its key as *pending*: nothing goes there before two people compared the fingerprint.

    Raises Fault E-FLOW-262, -263 for a language that we do not write, E-IDENTITY-066/067 for the key, E-STORE-160.
    """
    node.require("manage-peers")
    if not is_spoken(lang):
        raise Fault(
            "E-FLOW-263",
            "Mail is written in {known}, not in {given}.",
            known=", ".join(LANGUAGES),
            given=ascii(lang[:20]),
        )
    if contact is not None:
        node.store.contacts.get(contact)
    data = _read(file)
    facts = read_key(data)
    peer = MailPeer(
        code_name=name,
        address=checked_address(address),
        fingerprint=facts.fingerprint,
        key=data,
        lang=canonical_language(lang),
        state=PeerState.PENDING,
        added_at=node.clock(),
        contact=contact,
    )
    node.store.mail_peers.add(peer)
    node.event(EventKind.PEER_ADDED, name, fingerprint=facts.fingerprint)
    return describe_mail_peer(node, peer)


def replace_key(node: Node, name: str, file: Path) -> dict[str, object]:
    """Take a newer copy of a peer's key. Another primary key needs the two people again."""
    node.require("manage-peers")
    before = node.store.mail_peers.get(name)
    data = _read(file)
    facts = read_key(data)

    def renewed(peer: MailPeer) -> MailPeer:
        state = peer.state if facts.fingerprint == peer.fingerprint else PeerState.PENDING
        return msgspec.structs.replace(peer, key=data, fingerprint=facts.fingerprint, state=state)

    fresh = node.store.mail_peers.change(name, renewed)
    same = facts.fingerprint == before.fingerprint
    node.event(EventKind.PEER_ADDED, name, fingerprint=facts.fingerprint, renewed="yes" if same else "no")
    return describe_mail_peer(node, fresh)


def verify_mail_peer(node: Node, name: str, fingerprint: str) -> dict[str, object]:
    """Mark a peer verified once the whole fingerprint is right and two named people stand for it (rule 9). What was
    held against it is forgotten: this is also how a mail peer comes out of quarantine.

    Raises Refused E-FLOW-022 without a second person, E-FLOW-264 for a wrong fingerprint.
    """
    first, second = node.require("manage-peers"), node.approver
    if second is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    peer = _compared(node.store.mail_peers.get(name), fingerprint)
    node.store.approvals.both(
        "mail-peer", f"{peer.code_name} {peer.address} {peer.fingerprint}", first.name, second.name, node.clock()
    )
    fresh = node.store.mail_peers.change(
        name, lambda now: msgspec.structs.replace(_compared(now, fingerprint), state=PeerState.VERIFIED)
    )
    held = forget_misdeeds(node, name)
    details: dict[str, str | int] = {"misdeeds_forgotten": held.reason} if held.counts else {}
    node.event(EventKind.PEER_VERIFIED, name, approved_by=[first.name, second.name], **details)
    return {**describe_mail_peer(node, fresh), "approved_by": [first.name, second.name]}


def _compared(peer: MailPeer, fingerprint: str) -> MailPeer:
    """The same peer when this is its key's whole fingerprint. Raises Refused E-FLOW-264."""
    if "".join(fingerprint.split()).upper().removeprefix("0X") != peer.fingerprint:
        raise Refused(
            "E-FLOW-264",
            "This is not the fingerprint of the key of {name}; compare all of it again, by voice.",
            name=peer.code_name,
        )
    return peer


def set_mail_state(node: Node, name: str, state: PeerState) -> dict[str, object]:
    """Suspend or sever: takes effect at once, in both directions."""
    node.require("manage-peers")
    fresh = node.store.mail_peers.change(name, lambda peer: msgspec.structs.replace(peer, state=state))
    severed = state is PeerState.SEVERED
    if severed:
        node.store.sync.forget(name)
    node.event(EventKind.PEER_SEVERED if severed else EventKind.PEER_SUSPENDED, name)
    return {**describe_mail_peer(node, fresh), "orders_ended": relation_changed(node, name)}


def describe_mail_peers(node: Node) -> list[dict[str, object]]:
    """One row a mail peer, by code name, with the health of its key."""
    node.require("read")
    return [describe_mail_peer(node, peer) for peer in node.store.mail_peers.list()]


def describe_mail_peer(node: Node, peer: MailPeer) -> dict[str, object]:
    """One mail peer as the doors show it."""
    facts = read_key(peer.key)
    return {
        "code_name": peer.code_name,
        "address": peer.address,
        "state": peer.state.value,
        "lang": peer.lang,
        "fingerprint": grouped(peer.fingerprint),
        "contact": peer.contact,
        "key": key_health(facts, node.clock()),
        "key_expires": _when(facts.encryption_expires or facts.expires),
    }


def key_health(facts: KeyFacts, now: int) -> str:
    """One word or two: "usable", "ends soon", or why nothing can be encrypted to it."""
    if not facts.encrypts:
        return f"encryption {facts.lost_encryption}" if facts.state == "usable" else facts.state
    ends = [moment for moment in (facts.expires, facts.encryption_expires) if moment is not None]
    return "ends soon" if ends and min(ends) - now < SOON else "usable"


def require_mail_verified(peer: MailPeer) -> MailPeer:
    """The same peer when two people stand for it. Raises Refused E-FLOW-265."""
    if peer.state is not PeerState.VERIFIED:
        raise Refused(
            "E-FLOW-265",
            "The mail peer {name} is {state}; compare its fingerprint and run 'seawall mail peers verify' first.",
            name=peer.code_name,
            state=peer.state.value,
        )
    return peer


def grouped(fingerprint: str) -> str:
    """In groups of four, as it is read aloud."""
    return " ".join(fingerprint[place : place + 4] for place in range(0, len(fingerprint), 4))


def _plain(facts: KeyFacts) -> dict[str, object]:
    return {
        "fingerprint": grouped(facts.fingerprint),
        "user_ids": list(facts.user_ids),
        "state": facts.state,
        "encrypts": facts.encrypts,
        "signs": facts.signs,
        "expires": _when(facts.expires),
    }


def _when(moment: int | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_KEY + 1)
