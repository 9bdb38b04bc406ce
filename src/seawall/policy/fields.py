"""What leaves, field by field: for each object type the fate of each property, found by sending it through policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.model import Observable, Pap, Tlp
from seawall.model.circle import SHAREABLE_TYPES, CircleTerms
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stored import StoredObject
from seawall.policy.checks import body_tests
from seawall.policy.markings import Markings
from seawall.policy.request import PrivateValues, ReleaseContext, ReleaseRequest

OWN, WITHHELD = "192.0.2.7", "tool--00000000-0000-4000-8000-000000000001"
NAME = "Keelung Port CERT"
US = "identity--00000000-0000-4000-8000-000000000002"
_NUMBERS = (msgspec.inspect.IntType, msgspec.inspect.FloatType, msgspec.inspect.BoolType)
LEAVES, STAYS = "leaves", "the object stays"


class Fate(msgspec.Struct, frozen=True):
    """One property of one type. Each field is what happens to it in that case."""

    property: str
    plain: str  # nothing speaks against it
    private: str  # an own, victim's or secret value stands in it
    redacted: str  # the circle's terms, or the node, redact it
    nameless: str  # we stand in it and are not to be named
    withheld: str  # it refers to something that is withheld


def shareable() -> list[str]:
    """The types that may leave at all, in order."""
    return sorted(SHAREABLE_TYPES & OBJECT_TYPES.keys())


def never() -> list[str]:
    """The types that never leave, in order: raw telemetry and what is in it."""
    return sorted(OBJECT_TYPES.keys() - SHAREABLE_TYPES)


def fates(kind: str) -> Iterator[Fate]:
    """The properties of a type that is known, in the order in which its struct has them."""
    for field in msgspec.inspect.type_info(OBJECT_TYPES[kind]).fields:  # type: ignore[attr-defined]
        name = field.encode_name
        if name in ("type", "more"):
            continue
        numeric = isinstance(_bare(field.type), _NUMBERS)
        refers = name.endswith(("_ref", "_refs"))
        held = _value(name, WITHHELD if refers else "words")
        yield Fate(
            name,
            plain=_tried(kind, name, held, shown=True),
            private="-" if numeric or refers else _tried(kind, name, _value(name, OWN)),
            redacted=_tried(kind, name, held, shown=True, redaction=frozenset({name})),
            nameless="-" if numeric else _tried(kind, name, _value(name, US if refers else NAME), attribution=False),
            withheld=_tried(kind, name, held) if refers else "-",
        )


def _bare(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    if isinstance(kind, msgspec.inspect.UnionType):
        left = [one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)]
        kind = left[0] if len(left) == 1 else kind
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _value(name: str, text: str) -> Any:
    if name == "external_references":
        return [{"source_name": text}]
    return [text] if name.endswith("_refs") else text


def _tried(
    kind: str,
    name: str,
    value: Any,
    *,
    shown: bool = False,
    redaction: frozenset[str] = frozenset(),
    attribution: bool = True,
) -> str:
    """What happens to ``value`` in this property when an object of this type goes out."""
    body = {"type": kind, "id": f"{kind}--00000000-0000-4000-8000-000000000000"} | {name: value}
    terms = CircleTerms(
        name="here",
        members=frozenset({"friend"}),
        tlp_ceiling=Tlp.RED,
        redaction=redaction,
        attribution=attribution,
    )
    context = ReleaseContext(
        at=0,
        node_id="",
        private=PrivateValues(_is_own),
        own_identity=US,
        own_names=frozenset({NAME}),
        may_refer=lambda _id: shown or not attribution,
    )
    stored = StoredObject(str(body["id"]), kind, "", None, msgspec.json.encode(body), Tlp.GREEN, Pap.CLEAR)
    request = ReleaseRequest(object=stored, markings=Markings(Tlp.GREEN), recipient="friend")
    kept: list[dict[str, Any]] = []
    passed = [test.passed for test in body_tests(request, terms, context, context.may_refer, kept.append)]
    if not all(passed):
        return STAYS
    left = kept[0].get(name)
    if left is None:
        return "removed"
    if name == "object_marking_refs":
        return "rewritten: what governs the object"
    return LEAVES if left == value else "replaced"


def _is_own(value: Observable) -> bool:
    return value.value == OWN
