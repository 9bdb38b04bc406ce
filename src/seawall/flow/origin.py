"""Who said an object: ours are signed as they leave, others' are judged as they come in, and both are shown.

An object's maker is its ``created_by_ref`` (an identity's maker is itself). Its signature stays in it through every
hop that changes nothing; a hop that had to leave something out signs in its own name that it did, and the maker's
signature is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

from seawall.flow.node import Node
from seawall.flow.origins import trusted_cards
from seawall.flow.peer_keys import KnownKey, known_keys
from seawall.identity import Card, read_card
from seawall.identity.origin import MARK, Claim, check_claim, claim_of, seal, without_seal
from seawall.model import Fault, Refused, to_microseconds
from seawall.model.moments import parse_moment
from seawall.model.peer import PeerState
from seawall.model.stored import StoredObject

OWN = ""  # the holder's name for this node itself
LATE = 300_000_000  # microseconds: an object may bear a moment a little behind its key's end, when clocks differ


class OriginState(StrEnum):
    """What is known of who said an object. The spelling is shown and stable."""

    OWN = "own"  # made here
    VERIFIED = "verified"  # its maker's key signed it as it stands
    DERIVED = "derived"  # somebody on the way left something out and signed that; the maker signed something else
    UNVERIFIED = "unverified-origin"  # it bears a signature of somebody whose keys are not known here
    UNSIGNED = "unsigned"  # nothing but the word of who brought it
    BAD = "bad-signature"  # never comes in; what is shown so was changed in the store


class Holder(msgspec.Struct, frozen=True):
    """Whose keys are known: ``name`` is a peer's code name, the name of a trusted origin, or ``OWN``."""

    name: str
    keys: tuple[KnownKey, ...]
    peer: str | None  # code name


class Judged(msgspec.Struct, frozen=True):
    """What became of an object's word on who said it. ``creator`` and ``signer`` are STIX identities."""

    state: OriginState
    creator: str | None
    signer: str | None = None
    version: int | None = None  # of the signer's key set


class Keyring:
    """The keys of everybody whose fingerprint two people compared, by STIX identity. For one turn of work."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._holders: dict[str, Holder | None] = {}

    @cached_property
    def _cards(self) -> Mapping[str, tuple[str, str | None, Card]]:
        node = self._node
        cards: dict[str, tuple[str, str | None, Card]] = {
            card.identity_id: (name, None, card) for name, card in trusted_cards(node).items()
        }
        for peer in node.store.peers.list():
            if peer.state is not PeerState.PENDING:  # nothing is believed on first use
                card = read_card(peer.card)
                cards[card.identity_id] = (peer.code_name, peer.code_name, card)
        own = read_card(node.keys.card())
        cards[own.identity_id] = (OWN, None, own)
        return cards

    def of(self, identity: str) -> Holder | None:
        """Whose keys these are; None for a stranger."""
        if identity not in self._holders:
            known = self._cards.get(identity)
            self._holders[identity] = (
                None if known is None else Holder(known[0], known_keys(self._node, known[2]), known[1])
            )
        return self._holders[identity]


def sealer(node: Node) -> Callable[[dict[str, Any], StoredObject], dict[str, Any]]:
    """For ``policy``: signs what this node made, as it leaves; a foreign signature stays where nothing was changed."""
    own = node.keys.identity_id
    signer = node.keys.signer()  # one page is signed with one key

    def sealed(body: dict[str, Any], given: StoredObject) -> dict[str, Any]:
        try:
            if given.origin is None and given.source is None and body.get("created_by_ref") == own:
                return seal(body, signer)
            if MARK not in given.body:
                return body
            if body == msgspec.json.decode(given.body):
                return body
            if "created_by_ref" not in body:
                return without_seal(body)  # nobody may be named: neither the maker nor who passed it on
            return seal(body, signer, derived_by=own)
        except ValueError:  # numbers that cannot be written canonically
            return without_seal(body)

    return sealed


def unsigned(body: dict[str, Any], given: StoredObject) -> dict[str, Any]:
    """For ``policy``, in a circle whose members can prove nothing to others: we sign nothing; what its maker signed
    and nobody changed is its maker's word, not ours."""
    if MARK in given.body and body == msgspec.json.decode(given.body):
        return body
    return without_seal(body)


def resealed(node: Node, body: bytes, released: bytes) -> bytes:
    """What was made of a ``released`` object for its recall, signed by us when that was signed: as its maker, or as who
    passed it on."""
    if MARK not in released:
        return body
    fresh: dict[str, Any] = without_seal(msgspec.json.decode(body))
    own, maker = node.keys.identity_id, fresh.get("created_by_ref")
    return msgspec.json.encode(seal(fresh, node.keys, derived_by=None if maker == own else own), order="sorted")


def judge(
    body: dict[str, Any], keyring: Keyring, *, at: int, held: Callable[[KnownKey], bool], by: str | None
) -> Judged:
    """Steps: (1) the claim is read, (2) its signer's keys are looked up, (3) it holds, (4) the key was good by then.

    ``at``: the moment the object says of itself (microseconds UTC); ``held``: whether it was here before this
    key was known to be stolen; ``by``: the peer that brought it. From its maker's own hand what a stolen key signed is
    as good as unsigned: the line shows who speaks. Raises Refused E-FLOW-430 to 433, E-IDENTITY-096 and E-IDENTITY-097.
    """
    creator = creator_of(body)
    claim = claim_of(body)
    if claim is None:
        return Judged(OriginState.UNSIGNED, creator)
    signer = claim.signed_by if claim.derived else creator
    if signer is None:
        raise Refused("E-FLOW-430", "The object bears a signature and names nobody who made it.")
    holder = keyring.of(signer)
    if holder is None:
        return Judged(OriginState.UNVERIFIED, creator, signer)
    version = _check(claim, holder, at=at, held=held, direct=by is not None and by == holder.peer)
    if version is None:
        return Judged(OriginState.UNSIGNED, creator, signer)
    return Judged(OriginState.DERIVED if claim.derived else OriginState.VERIFIED, creator, signer, version)


def _check(claim: Claim, holder: Holder, *, at: int, held: Callable[[KnownKey], bool], direct: bool) -> int | None:
    """The version of the key set whose key signed; None when that says nothing because the key was stolen."""
    key = next((key for key in holder.keys if claim.matches(key.key)), None)
    if key is None:
        raise Refused("E-FLOW-431", "The object is signed with a key that was never its origin's.")
    check_claim(claim, key.key)
    if key.ends is not None and key.stolen and not held(key):
        if direct:
            return None
        raise Refused(
            "E-FLOW-432", "The object is signed with a key that is in wrong hands; only what came before counts."
        )
    if key.ends is not None and at > key.ends + LATE:
        raise Refused("E-FLOW-433", "The object is signed with a key that had been put away by then.")
    return key.version


def before(key: KnownKey, received: int | None) -> bool:
    """Whether what was ``received`` then (microseconds UTC) came before we learned that ``key`` is stolen."""
    return received is not None and key.learned is not None and received < key.learned


def creator_of(body: dict[str, Any]) -> str | None:
    """The STIX identity that made an object; an identity without a maker speaks of itself."""
    creator = body.get("created_by_ref")
    if isinstance(creator, str):
        return creator
    return str(body.get("id")) if body.get("type") == "identity" else None


def moment_of(version: str) -> int:
    """Microseconds UTC of an object's version; 0 where it has none."""
    try:
        return to_microseconds(parse_moment(version)) if version else 0
    except (Fault, ValueError, OverflowError):
        return 0
