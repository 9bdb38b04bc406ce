"""VEX answers: are we affected by this? Told to one circle as a release that names no asset, product or version.

An answer is a note on the vulnerability; both objects go only to the circle that the person names, decided member by
member as any release. They stand in that circle's outbox and nowhere else here, so no standing release takes them to
another circle.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.codec.converted import cve as cve_number
from seawall.codec.sharing import encode
from seawall.flow.context import release_context
from seawall.flow.node import Node
from seawall.flow.outgoing import record_and_put
from seawall.flow.stops import in_force
from seawall.model import Fault, Pap, Refused, Tlp, Visibility, rfc3339
from seawall.model.circle import CircleTerms
from seawall.model.exposure import FlawAnswer, FlawStatus
from seawall.model.stix.ids import derived_id
from seawall.model.stix.known_extensions import FLAW_ANSWER_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.policy import ReleaseRequest, decide_page, markings_of

JUSTIFICATIONS = (
    "component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
)  # fmt: skip
"""OpenVEX 0.2.0, status justifications: only for not_affected."""
MAX_COUNT = 999_999_999
PAGE = 5_000


def answer(
    node: Node,
    cve: str,
    *,
    status: str,
    circle: str,
    justification: str = "",
    count: int | None = None,
    tlp: str | None = None,
) -> dict[str, object]:
    """Tell the members of a circle whether we are affected; each refusal is on the record.

    ``count``: installations, told only where the circle's terms do not strike counts. Raises Fault E-FLOW-873 for no
    CVE number, E-FLOW-874 for a status or justification that VEX does not know, NotFound for the circle.
    """
    person = node.require("release")
    number = cve_number(cve)
    if number is None:
        raise Fault("E-FLOW-873", "{given} is no CVE number.", given=ascii(cve[:40]))
    said = _status(status, justification)
    if count is not None and not 0 <= count <= MAX_COUNT:
        raise Fault("E-FLOW-875", "A count is a number from 0 to {most}.", most=MAX_COUNT)
    terms = node.store.circles.get(circle)
    marking = Tlp.parse(tlp) if tlp is not None else min(Tlp.AMBER, terms.tlp_ceiling)
    second = node.approver
    people = (person.name,) if second is None else (person.name, second.name)
    at = node.clock()
    objects = _objects(node, number, said, circle, justification, count, marking, min(Pap.AMBER, terms.pap_ceiling), at)
    if second is not None:
        node.store.approvals.both("release", f"{objects[1].id} {objects[1].version}", person.name, second.name, at)
    released: list[str] = []
    withheld: dict[str, str] = {}
    for member in sorted(terms.members):
        reason = tell_member(node, terms, member, objects, people)
        if reason is None:
            released.append(member)
        else:
            withheld[member] = reason
    if released:
        node.store.exposure.put_answer(
            FlawAnswer(
                cve=number,
                status=said,
                at=at,
                circle=circle,
                justification=justification,
                by=person.name,
                object_id=objects[1].id,
            )
        )
    if not released and withheld:
        raise Refused(
            "E-FLOW-876",
            "Nobody in {circle} may be told: {reason}.",
            circle=circle,
            reason="; ".join(f"{member}: {why}" for member, why in withheld.items())[:1_000],
        )
    return {
        "id": objects[1].id, "cve": number, "status": said.value, "circle": circle, "recipients": released,
        "withheld": withheld, "tlp": marking.label, "approved_by": list(people),
    }  # fmt: skip


def answers_about(node: Node, cve: str, seen: Visibility) -> list[dict[str, object]]:
    """Our answers and those of peers, newest first."""
    found = [*node.store.exposure.answers(cve), *(one for one in told(node, seen) if one.cve == cve)]
    return [answer_row(one) for one in sorted(found, key=lambda one: -one.at)]


def answer_row(one: FlawAnswer) -> dict[str, object]:
    """One answer as the doors show it."""
    return {
        "cve": one.cve, "status": one.status.value, "peer": one.peer or None, "circle": one.circle or None,
        "justification": one.justification or None, "at": rfc3339(one.at), "by": one.by or None,
    }  # fmt: skip


def told(node: Node, seen: Visibility) -> Iterator[FlawAnswer]:
    """What peers answered: their notes with our extension."""
    after = 0
    while True:
        page = node.store.objects.list(seen, types=["note"], after=after, limit=PAGE)
        for item in page.items:
            if item.origin is not None and not item.revoked and (found := _read(item)) is not None:
                yield found
        if page.next is None:
            return
        after = page.next


class _Part(msgspec.Struct):
    status: str
    cve: str
    justification: str = ""


class _Extended(msgspec.Struct):
    extensions: dict[str, msgspec.Raw] = {}


def _read(item: StoredObject) -> FlawAnswer | None:
    if FLAW_ANSWER_EXTENSION.encode() not in item.body:
        return None
    try:
        part = msgspec.json.decode(
            msgspec.json.decode(item.body, type=_Extended).extensions[FLAW_ANSWER_EXTENSION], type=_Part
        )
        status = FlawStatus(part.status)
    except (KeyError, ValueError, *UNREADABLE):
        return None
    number = cve_number(part.cve)
    if number is None:
        return None
    return FlawAnswer(cve=number, status=status, at=item.stored_at, circle="", peer=item.origin or "",
                      justification=part.justification[:100], object_id=item.id)  # fmt: skip


def _status(status: str, justification: str) -> FlawStatus:
    known = ", ".join(FlawStatus)
    try:
        said = FlawStatus(status.strip().lower().replace("-", "_"))
    except ValueError:
        raise Fault("E-FLOW-874", "{given} is no answer; use one of {known}.", given=ascii(status[:40]),
                    known=known) from None  # fmt: skip
    if justification and (said is not FlawStatus.NOT_AFFECTED or justification not in JUSTIFICATIONS):
        raise Fault(
            "E-FLOW-877",
            "A justification goes with not_affected and is one of {known}.",
            known=", ".join(JUSTIFICATIONS),
        )
    return said


def _objects(
    node: Node, number: str, status: FlawStatus, circle: str, justification: str, count: int | None, tlp: Tlp, pap: Pap,
    at: int,
) -> tuple[StoredObject, StoredObject]:  # fmt: skip
    """The vulnerability and the note on it, as they are decided; ids are the same each time we answer in a circle."""
    identity, moment = node.keys.identity_id, timestamp(at)
    common: dict[str, object] = {
        "spec_version": "2.1", "created_by_ref": identity, "created": moment, "modified": moment,
        "object_marking_refs": [TLP2_IDS[tlp]],
    }  # fmt: skip
    part: dict[str, object] = {"extension_type": "property-extension", "status": status.value, "cve": number}
    part |= {"justification": justification} if justification else {}
    part |= {"count": count} if count is not None else {}
    words = status.value.replace("_", " ")
    note = common | {
        "type": "note",
        "id": derived_id("note", identity, "answer", circle, number),
        "abstract": f"{number}: {words}",
        "content": f"Our answer on {number}: {words}." + (f" ({justification})" if justification else ""),
        "object_refs": [flaw_id(node, number, circle)],
        "labels": [f"PAP:{pap.label.upper()}", f"vex:{status.value}"],
        "extensions": {FLAW_ANSWER_EXTENSION: part},
    }
    return flaw_object(node, number, circle, tlp, pap, at), stored(note, tlp, pap, at)


def flaw_id(node: Node, number: str, circle: str) -> str:
    """The id of a vulnerability as we speak of it in one circle, the same each time."""
    return derived_id("vulnerability", node.keys.identity_id, "answer", circle, number)


def flaw_object(node: Node, number: str, circle: str, tlp: Tlp, pap: Pap, at: int) -> StoredObject:
    """The vulnerability that an answer or a sighting is about."""
    moment = timestamp(at)
    body: dict[str, object] = {
        "type": "vulnerability",
        "spec_version": "2.1",
        "id": flaw_id(node, number, circle),
        "created_by_ref": node.keys.identity_id,
        "created": moment,
        "modified": moment,
        "name": number,
        "external_references": [{"source_name": "cve", "external_id": number}],
        "labels": [f"PAP:{pap.label.upper()}"],
        "object_marking_refs": [TLP2_IDS[tlp]],
    }
    return stored(body, tlp, pap, at)


def stored(body: dict[str, object], tlp: Tlp, pap: Pap, at: int) -> StoredObject:
    """An object of ours as policy decides on it."""
    return StoredObject(
        id=str(body["id"]), type=str(body["type"]), version=str(body["modified"]),
        created_by=str(body["created_by_ref"]), body=encode(body), tlp=tlp, pap=pap, stored_at=at,
    )  # fmt: skip


def tell_member(
    node: Node, terms: CircleTerms, member: str, objects: tuple[StoredObject, StoredObject], people: tuple[str, ...]
) -> str | None:
    """None when the second object, which says something of the first, may go to this member; else the rule that keeps
    it here."""
    held = in_force(node, terms)
    requests = [
        ReleaseRequest(object=item, markings=markings_of(item, "", {}), recipient=member, approved_by=people)
        for item in objects
    ]
    decision = decide_page(requests, held, release_context(node, held, member))
    going = {one.id for release in decision.releases for one in release.objects}
    if objects[1].id not in going:  # the vulnerability alone says nothing that anybody asked
        node.ledger.record_many(decision.withheld)
        return next((one.rule for one in decision.withheld if one.object_id == objects[1].id), "withheld")
    record_and_put(node, terms.name, member, decision.releases, decision.withheld)
    return None
