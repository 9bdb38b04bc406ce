"""A node full of secrets: withheld objects of every kind and for every reason, each holding a token to search for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.flow.node import Node
from seawall.model import Pap, Tlp
from seawall.model.circle import SHAREABLE_TYPES
from seawall.model.stix.known_extensions import IEP_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stored import StoredObject

TOKEN = "zq7kelpwrack"
OPEN_WORD = "plainshore"
MOMENT = "2026-03-14T00:00:00.000Z"
POLICY = "marking-definition--99999999-0000-4000-8000-000000000001"
UNKNOWN = "marking-definition--99999999-0000-4000-8000-000000000002"
KINDS = sorted(SHAREABLE_TYPES - {"marking-definition", "extension-definition"})
REASONS = ("red", "excluded", "unknown-marking", "iep-ended", "derived", "pap")
VISIBLE = "malware--11111111-0000-4000-8000-00000000000a"


def object_id(kind: str, number: int) -> str:
    """An id that a search can find too."""
    return f"{kind}--7777{number:04x}-0000-4000-8000-00000000beef"


def _body(kind: str, id: str, word: str, **more: Any) -> dict[str, Any]:
    made = {
        "type": kind,
        "spec_version": "2.1",
        "id": id,
        "created": MOMENT,
        "modified": MOMENT,
        "name": f"{word} name",
        "description": f"about {word} and {word}.example",
        "labels": [f"{word}-label"],
        "external_references": [{"source_name": word, "url": f"https://{word}.example/x"}],
        "value": f"{word}.example",
        "content": word,
        "abstract": word,
        "x_anything": {"deep": [word]},
    }
    return made | more


def hidden(member: str = "north") -> Iterator[StoredObject]:
    """One object of every kind withheld from ``member``, the reason taken in turn; of three kinds, for every reason."""
    wanted = [(kind, REASONS[place % len(REASONS)]) for place, kind in enumerate(KINDS)]
    wanted += [(kind, reason) for kind in ("note", "report", "incident") for reason in REASONS]
    for number, (kind, reason) in enumerate(wanted, 1):
        yield _hidden(kind, reason, object_id(kind, number), member)


def _hidden(kind: str, reason: str, id: str, member: str) -> StoredObject:
    tlp = Tlp.RED if reason == "red" else Tlp.GREEN
    refs = {"unknown-marking": [UNKNOWN], "iep-ended": [POLICY]}.get(reason, [])
    body = _body(kind, id, TOKEN, object_marking_refs=[TLP2_IDS[tlp], *refs], object_refs=[VISIBLE])
    return StoredObject(
        id=id,
        type=kind,
        version=MOMENT,
        created_by=None,
        body=msgspec.json.encode(body),
        tlp=tlp,
        pap=Pap.RED if reason == "pap" else Pap.CLEAR,
        stored_at=1,
        excluded=frozenset({member}) if reason == "excluded" else frozenset(),
        inputs=(object_id("attack-pattern", 1),) if reason == "derived" else (),
    )


def shown() -> Iterator[StoredObject]:
    """What everybody may have; some of it refers to what is withheld."""
    secret = [item.id for item in hidden()]
    indicator = next(id for id in secret if id.startswith("indicator--"))
    yield _shown("malware", VISIBLE, is_family=True)
    yield _shown("note", object_id("note", 901), object_refs=[*secret, VISIBLE])
    yield _shown("report", object_id("report", 902), object_refs=[VISIBLE, secret[0]], published=MOMENT)
    yield _shown("grouping", object_id("grouping", 903), object_refs=[secret[1], VISIBLE], context="unspecified")
    yield _shown("relationship", object_id("relationship", 904), relationship_type="uses", source_ref=VISIBLE,
                 target_ref=secret[0])  # fmt: skip
    yield _shown("sighting", object_id("sighting", 905), sighting_of_ref=indicator, where_sighted_refs=[secret[0]])
    yield _shown("campaign", object_id("campaign", 906), x_related_refs=[VISIBLE, *secret[:5]])


def _shown(kind: str, id: str, **more: Any) -> StoredObject:
    body = _body(kind, id, OPEN_WORD, object_marking_refs=[TLP2_IDS[Tlp.GREEN]], **more)
    return StoredObject(
        id=id, type=kind, version=MOMENT, created_by=None, body=msgspec.json.encode(body), tlp=Tlp.GREEN,
        pap=Pap.CLEAR, stored_at=1,
    )  # fmt: skip


def furnish(node: Node, *, secrets: bool, member: str = "north") -> None:
    """Put it all into a node, or only what everybody may have."""
    node.store.objects.put(shown())
    if secrets:
        ended = {"extension_type": "property-extension", "tlp": "green", "end_date": "2026-01-01T00:00:00Z"}
        policy = {"type": "marking-definition", "spec_version": "2.1", "id": POLICY, "created": MOMENT, "name": TOKEN}
        made = msgspec.json.encode(policy | {"extensions": {IEP_EXTENSION: ended}})
        node.store.objects.put(
            [StoredObject(POLICY, "marking-definition", MOMENT, None, made, Tlp.CLEAR, Pap.CLEAR, stored_at=1)]
        )
        node.store.objects.put(hidden(member))
