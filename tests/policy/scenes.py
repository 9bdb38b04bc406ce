"""Scenes of the policy tests: Taipei's node, its circle with Seoul, and objects of its own and of others."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.circle import SEATED, CircleTerms, StandingRelease
from seawall.model.stored import StoredObject
from seawall.policy import Evidence, Markings, Origin, PrivateValues, ReleaseContext, ReleaseRequest

MOMENT = 1_773_446_400_000_000
HOUR = 3_600_000_000
TAIPEI = "identity--11111111-1111-5111-8111-111111111111"
SEOUL = "identity--22222222-2222-5222-8222-222222222222"
BUSAN = "identity--33333333-3333-5333-8333-333333333333"
OWN_NETWORK = ipaddress.IPv4Network("203.0.113.0/24")
NO_EVIDENCE = Evidence()


def is_own(observable: Observable) -> bool:
    """Taipei owns 203.0.113.0/24 and everything below own.example and corp.internal."""
    if observable.type in (ObservableType.IPV4, ObservableType.CIDR):
        network = ipaddress.ip_network(observable.value)
        return isinstance(network, ipaddress.IPv4Network) and network.subnet_of(OWN_NETWORK)
    return f".{observable.value}".endswith((".own.example", ".corp.internal"))


def uuid_text(number: int) -> str:
    """A UUID that a test can count with."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def body(kind: str = "indicator", number: int = 1, **more: Any) -> dict[str, Any]:
    """A STIX object; ``None`` takes a property away."""
    made: dict[str, Any] = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid_text(number)}",
        "created": "2026-03-14T00:00:00.000Z",
        "modified": "2026-03-14T00:00:00.000Z",
        "created_by_ref": TAIPEI,
    }
    if kind == "indicator":
        made |= {"pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix", "confidence": 80}
        made |= {"valid_from": "2026-03-14T00:00:00Z"}
    return {key: value for key, value in (made | more).items() if value is not None}


def stored(made: dict[str, Any] | None = None, **fields: Any) -> StoredObject:
    """The object as the store keeps it; our own unless ``origin`` says otherwise."""
    made = made if made is not None else body()
    plain: dict[str, Any] = {"tlp": Tlp.GREEN, "pap": Pap.CLEAR, "created_by": made.get("created_by_ref")}
    return StoredObject(
        id=made["id"], type=made["type"], version="v1", body=msgspec.json.encode(made), **(plain | fields)
    )


def circle(**fields: Any) -> CircleTerms:
    """Taipei's circle with Seoul and Busan, up to AMBER."""
    plain: dict[str, Any] = {"name": "tw-kr", "members": frozenset({"seoul", "busan"}), "tlp_ceiling": Tlp.AMBER}
    return CircleTerms(**(plain | fields))


def standing(**fields: Any) -> StandingRelease:
    """A standing release of indicators and sightings, approved by two people and signed by this node."""
    plain: dict[str, Any] = {
        "name": "warn",
        "types": frozenset({"indicator", "sighting"}),
        "expires_at": MOMENT + HOUR,
        "approved_by": ("kim", "lin"),
        "signed_by": frozenset({"node-taipei"}),
    }
    return StandingRelease(**(plain | fields))


def knowing(*circles: CircleTerms, **fields: Any) -> ReleaseContext:
    """What Taipei's node knows; everybody agreed to the terms and sits as they ask, and references are fine."""
    plain: dict[str, Any] = {
        "at": MOMENT,
        "node_id": "node-taipei",
        "private": PrivateValues(is_own, frozenset({"Wanhua Hospital"})),
        "own_identity": TAIPEI,
        "own_names": frozenset({"TWCERT"}),
        "identities": {"seoul": SEOUL, "busan": BUSAN},
        "identity_names": {SEOUL: "KrCERT", BUSAN: "Busan Port ISAC"},
        "circles": {terms.name: terms for terms in circles},
        "agreed_with": frozenset({"seoul", "busan", "jeju", "client"}),
        "may_refer": lambda _id: True,
        "seats": {name: min(SEATED[terms.track]) for terms in circles for name in terms.members},
    }
    return ReleaseContext(**(plain | fields))


def asking(
    item: StoredObject | None = None,
    *,
    markings: Markings | None = None,
    recipient: str = "seoul",
    approved_by: tuple[str, ...] = ("lin",),
    evidence: Evidence = NO_EVIDENCE,
) -> ReleaseRequest:
    """A request; markings follow the object, whose origin came through the circle ``tw-kr``."""
    item = item if item is not None else stored()
    if markings is None:
        origins = frozenset({Origin(item.origin, "tw-kr")}) if item.origin is not None else frozenset()
        markings = Markings(tlp=item.tlp, pap=item.pap, excluded=item.excluded, origins=origins)
    return ReleaseRequest(
        object=item, markings=markings, recipient=recipient, approved_by=approved_by, evidence=evidence
    )
