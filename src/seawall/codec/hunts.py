"""Hunts and their answers as STIX 2.1: an indicator that asks to be looked for, and a note that answers it.

What STIX has no place for stands in extensions of ours: the window of a hunt, the tier of an answer.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.codec.converted import plain
from seawall.codec.moments import moment_of
from seawall.model import Pap, Tlp
from seawall.model.hunt import AnswerTier, Hunt, HuntAnswer, HuntForm, HuntSide
from seawall.model.stix.ids import derived_id
from seawall.model.stix.known_extensions import HUNT_ANSWER_EXTENSION, HUNT_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.unreadable import UNREADABLE

PATTERN_TYPES = {HuntForm.SIGMA: "sigma", HuntForm.QUERY: "seawall-query"}
MAX_NAME = 200  # characters
MAX_LISTED = 50  # sectors or bases of one answer


class NoHunt(ValueError):
    """The object is no hunt or no answer to one; its message is a clause for a person."""


def hunt_object(hunt: Hunt, identity: str) -> dict[str, Any]:
    """The indicator under which a hunt travels; ``valid_until`` is its deadline."""
    moment = timestamp(hunt.at)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": hunt.id,
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "name": hunt.name[:MAX_NAME],
        "indicator_types": ["unknown"],
        "pattern": hunt.text,
        "pattern_type": PATTERN_TYPES[hunt.form],
        "valid_from": moment,
        "valid_until": timestamp(hunt.deadline),
        "labels": [f"PAP:{hunt.pap.label.upper()}", "hunt"],
        "object_marking_refs": [TLP2_IDS[hunt.tlp]],
        "extensions": {
            HUNT_EXTENSION: {
                "extension_type": "property-extension",
                "form": hunt.form.value,
                "since": timestamp(hunt.since),
                "until": timestamp(hunt.until),
            }
        },
    }


class _HuntPart(msgspec.Struct):
    form: HuntForm
    since: str
    until: str


class _Indicator(msgspec.Struct):
    id: str
    pattern: str
    pattern_type: str
    valid_until: str
    name: str = ""
    extensions: dict[str, msgspec.Raw] = {}


def read_hunt(body: bytes, *, peer: str, circle: str, at: int, tlp: Tlp, pap: Pap) -> Hunt:
    """The hunt that a peer's indicator is. Raises NoHunt."""
    try:
        read = msgspec.json.decode(body, type=_Indicator)
        part = msgspec.json.decode(read.extensions.get(HUNT_EXTENSION, b"{}"), type=_HuntPart)
    except UNREADABLE:
        raise NoHunt("it is no hunt") from None
    since, until, deadline = (moment_of(text) for text in (part.since, part.until, read.valid_until))
    if since is None or until is None or deadline is None or PATTERN_TYPES[part.form] != read.pattern_type:
        raise NoHunt("its window, deadline or form cannot be read")
    return Hunt(
        side=HuntSide.RECEIVED, peer=peer, id=read.id, circle=circle, form=part.form, text=read.pattern,
        name=plain(read.name, MAX_NAME) or "unnamed hunt", since=since, until=until, deadline=deadline, at=at, tlp=tlp,
        pap=pap,
    )  # fmt: skip


def answer_object(answer: HuntAnswer, identity: str, tlp: Tlp, pap: Pap) -> dict[str, Any]:
    """The note under which an answer travels; what the tier does not tell is not in it."""
    moment = timestamp(answer.at)
    part: dict[str, Any] = {"extension_type": "property-extension", "tier": answer.tier.value}
    if answer.band is not None:
        part["band"] = [number for number in answer.band if number is not None]
    given = {"count": answer.count, "noise": answer.noise or None, "sectors": list(answer.sectors) or None,
             "bases": list(answer.bases) or None}  # fmt: skip
    part |= {name: value for name, value in given.items() if value is not None}
    part |= {name: timestamp(at) for name, at in (("first_seen", answer.first), ("last_seen", answer.last)) if at}
    words = answer.tier.value.replace("_", " ")
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": answer.object_id,
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "abstract": f"Answer to a hunt: {words}",
        "content": f"Answer to a hunt: {words}.",
        "object_refs": [answer.hunt],
        "labels": [f"PAP:{pap.label.upper()}", "hunt-answer"],
        "object_marking_refs": [TLP2_IDS[tlp]],
        "extensions": {HUNT_ANSWER_EXTENSION: part},
    }


def answer_id(identity: str, hunt: str, tier: AnswerTier, at: int) -> str:
    """The id of one answer."""
    return derived_id("note", identity, "hunt-answer", hunt, tier.value, str(at))


class _AnswerPart(msgspec.Struct):
    tier: AnswerTier
    band: list[int] | None = None
    count: int | None = None
    noise: str = ""
    first_seen: str = ""
    last_seen: str = ""
    sectors: list[str] = []
    bases: list[str] = []


class _Note(msgspec.Struct):
    id: str
    object_refs: list[str]
    extensions: dict[str, msgspec.Raw] = {}


def read_answer(body: bytes, *, peer: str, at: int) -> HuntAnswer:
    """The answer that a peer's note is. Raises NoHunt."""
    try:
        read = msgspec.json.decode(body, type=_Note)
        part = msgspec.json.decode(read.extensions.get(HUNT_ANSWER_EXTENSION, b"{}"), type=_AnswerPart)
    except UNREADABLE:
        raise NoHunt("it is no answer to a hunt") from None
    if len(read.object_refs) != 1 or len(part.band or ()) > 2 or part.band == []:
        raise NoHunt("it does not answer one hunt, or its band cannot be read")
    band = (part.band[0], part.band[1] if len(part.band) > 1 else None) if part.band else None
    return HuntAnswer(
        side=HuntSide.ASKED, peer=peer, hunt=read.object_refs[0], at=at, tier=part.tier, object_id=read.id, band=band,
        count=part.count, noise=part.noise[:20], first=moment_of(part.first_seen), last=moment_of(part.last_seen),
        sectors=tuple(str(one)[:64] for one in part.sectors[:MAX_LISTED]),
        bases=tuple(str(one)[:64] for one in part.bases[:MAX_LISTED]),
    )  # fmt: skip
