"""What is shown of who said an object. What came in was judged then; here it is judged again, by the keys known now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from seawall.flow.context import find_objects
from seawall.flow.node import Node
from seawall.flow.origin import Judged, Keyring, OriginState, before, creator_of, judge, moment_of
from seawall.model import NotFound, Refused, rfc3339
from seawall.model.stored import StoredObject
from seawall.policy import visibility


def origin_of(node: Node, item: StoredObject, keyring: Keyring | None = None) -> dict[str, object]:
    """What ``why`` and the object view say of who said it: state, maker, signer, and the hands it went through."""
    ring = keyring or Keyring(node)
    body: dict[str, Any] = msgspec.json.decode(item.body)
    received = node.store.received.first_at(item.origin, item.id, item.version) if item.origin is not None else None
    try:
        judged = judge(body, ring, at=moment_of(item.version), held=lambda key: before(key, received), by=item.origin)
    except Refused:
        judged = Judged(OriginState.BAD, creator_of(body))
    own = judged.creator == node.keys.identity_id and item.origin is None and item.source is None
    if own and judged.state is OriginState.UNSIGNED:
        judged = msgspec.structs.replace(judged, state=OriginState.OWN)
    return {
        "state": judged.state.value,
        "creator": judged.creator,
        "creator_name": _name(ring, judged.creator),
        "signed_by": judged.signer,
        "key_version": judged.version,
        "received_from": item.origin,
        "received_at": None if received is None else rfc3339(received),
        "hops": _hops(ring, judged, item),
    }


def show_origin(node: Node, object_id: str) -> dict[str, object]:
    """``origin_of`` for the acting person. Raises NotFound E-STORE-010 alike for what is absent and what is hidden."""
    found = find_objects(node, object_id, visibility(node.require("read")))
    if not found:
        raise NotFound("E-STORE-010", "There is no object {id} here.", id=ascii(object_id[:100]))
    return {"id": found[0].id, "version": found[0].version} | origin_of(node, found[0])


def origin_lines(found: Mapping[str, object]) -> list[str]:
    """The same for a screen."""
    maker = found["creator_name"] or found["creator"] or "not said"
    lines = [f"origin {found['state']}: {maker}"]
    hops = found["hops"]
    if isinstance(hops, list) and hops:
        lines.append("came by " + ", then ".join(str(hop) for hop in hops))
    return lines


def _hops(ring: Keyring, judged: Judged, item: StoredObject) -> list[str]:
    """The hands we know of, the maker first; hands between that changed nothing left no trace."""
    known = [judged.creator, judged.signer if judged.state is OriginState.DERIVED else None]
    hands = [_name(ring, identity) or identity for identity in known if identity is not None]
    if item.origin is not None:
        hands.append(item.origin)
    return [hand for place, hand in enumerate(hands) if place == 0 or hand != hands[place - 1]]


def _name(ring: Keyring, identity: str | None) -> str | None:
    holder = ring.of(identity) if identity is not None else None
    return None if holder is None else holder.name or "this node"
