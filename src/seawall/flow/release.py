"""One object at a time: release by a person, and the reasons."""

from __future__ import annotations

import msgspec

from seawall.flow.authority import require
from seawall.flow.context import find_objects, release_context, stored_markings
from seawall.flow.evidence import page_evidence
from seawall.flow.items import page_kinds
from seawall.flow.node import Node
from seawall.flow.origin_shown import origin_lines, origin_of
from seawall.flow.outgoing import record_and_put
from seawall.flow.stops import in_force
from seawall.flow.usage import Usage
from seawall.messages import translate
from seawall.model import Actor, NotFound
from seawall.model.circle import CircleTerms
from seawall.model.stored import StoredObject
from seawall.policy import (
    Explanation,
    ReleaseRequest,
    Rule,
    changes,
    decide_page,
    explain,
    meaning,
    policy_version,
    visibility,
)


def release_object(node: Node, object_id: str, circle: str) -> dict[str, object]:
    """Release one object to every member of a circle whom its terms permit; each refusal is on the record."""
    person = node.require("release")
    terms = node.store.circles.get(circle)
    item = _only(node, object_id, person)
    second = node.approver
    people = (person.name,) if second is None else (person.name, second.name)
    if second is not None:
        node.store.approvals.both("release", f"{item.id} {item.version}", person.name, second.name, node.clock())
    released: list[str] = []
    withheld: list[str] = []
    for member in sorted(terms.members):
        request = _request(node, item, terms, member, people)
        decision = decide_page([request], terms, release_context(node, terms, member))
        done = record_and_put(node, terms.name, member, decision.releases, decision.withheld)
        (released if done.released else withheld).append(member)
    reasons = {member: _explained(node, item, terms, member, people).rule for member in withheld}
    return {
        "id": item.id,
        "version": item.version,
        "circle": circle,
        "released": bool(released),
        "recipients": released,
        "withheld": reasons,
        "approved_by": list(people),
    }


def preview_release(node: Node, object_id: str, circle: str, *, actor: Actor | None = None) -> dict[str, object]:
    """What releasing an object would do, recipient by recipient: the very bytes, and what was struck by which rule.

    Decided as ``release_object`` decides, with the people who ask as the people who approve; nothing is recorded and
    nothing leaves. Raises as ``release_object``.
    """
    person = node.require("release") if actor is None else actor
    require(person, "release")
    terms = node.store.circles.get(circle)
    item = _only(node, object_id, person)
    second = node.approver if actor is None else None
    people = (person.name,) if second is None else (person.name, second.name)
    recipients = [_previewed(node, item, terms, member, people) for member in sorted(terms.members)]
    return {
        "id": item.id,
        "version": item.version,
        "circle": circle,
        "policy_version": policy_version(terms),
        "would_release": sum(bool(recipient["allowed"]) for recipient in recipients),
        "recipients": recipients,
    }


def _previewed(
    node: Node, item: StoredObject, terms: CircleTerms, member: str, people: tuple[str, ...]
) -> dict[str, object]:
    request, context = _request(node, item, terms, member, people), release_context(node, terms, member)
    decision = decide_page([request], terms, context)
    leaving = [item for release in decision.releases for item in release.objects]
    answer = decision.releases[0] if decision.releases else decision.withheld[0]
    return {
        "recipient": member,
        "allowed": bool(leaving),
        "rule": answer.rule,
        "reason": None if leaving else decision.withheld[0].reason,
        "bytes": sum(len(item.body) for item in leaving),
        "leaves": [{"id": item.id, "version": item.version, "body": item.body.decode()} for item in leaving],
        "changes": [
            {"path": change.path, "did": change.did, "rule": change.rule} for change in changes(request, terms, context)
        ],
    }


def explain_object(
    node: Node, object_id: str, peer: str, *, lang: str = "en", actor: Actor | None = None
) -> dict[str, object]:
    """Every test between an object and a peer, in every circle that seats the peer, in the reader's language.

    Raises NotFound E-STORE-010 alike for an object that is not here and for one that the asker may not see.
    """
    asker = node.require("read") if actor is None else actor
    require(asker, "read")
    item = _only(node, object_id, asker)
    origin = origin_of(node, item)
    circles = [terms for terms in node.store.circles.list() if peer in terms.members]
    if not circles:
        line = translate("no circle seats {peer}: nothing may go there", lang, peer=peer)
        told = {"rule": Rule.MEMBER.value, "passed": False, "meaning": meaning(Rule.MEMBER, lang), "detail": line}
        return {
            "id": item.id,
            "version": item.version,
            "peer": peer,
            "origin": origin,
            "allowed": False,
            "rule": Rule.MEMBER.value,
            "circle": None,
            "policy_version": None,
            "tests": [told],
            "circles": [],
            "lines": [line, *origin_lines(origin)],
        }
    answers = [_explained(node, item, terms, peer, ()) for terms in circles]
    best = next((answer for answer in answers if answer.released), answers[0])
    return {
        "id": item.id,
        "version": item.version,
        "peer": peer,
        "origin": origin,
        "allowed": best.released,
        "rule": best.rule,
        "circle": best.circle,
        "policy_version": best.policy_version,
        "tests": _told(best, lang),
        "circles": [
            {
                "circle": answer.circle,
                "allowed": answer.released,
                "rule": answer.rule,
                "policy_version": answer.policy_version,
                "tests": _told(answer, lang),
            }
            for answer in answers
        ],
        "lines": [*(line for answer in answers for line in answer.lines(lang)), *origin_lines(origin)],
    }


def _told(answer: Explanation, lang: str) -> list[dict[str, object]]:
    return [
        {
            "rule": test.rule.value,
            "passed": test.passed,
            "meaning": meaning(test.rule, lang),
            "detail": test.detail,
        }
        for test in answer.tests
    ]


def _explained(node: Node, item: StoredObject, terms: CircleTerms, member: str, people: tuple[str, ...]) -> Explanation:
    terms = in_force(node, terms)
    usage = Usage.load(node, terms.name).as_of(node.clock())
    context = release_context(node, terms, member, standing_use=usage)
    evidence = page_evidence(node, [item], terms)[0]
    request = msgspec.structs.replace(_request(node, item, terms, member, people), evidence=evidence)
    return explain(request, terms, context)


def _request(
    node: Node, item: StoredObject, terms: CircleTerms, member: str, people: tuple[str, ...]
) -> ReleaseRequest:
    return ReleaseRequest(
        object=item,
        markings=stored_markings(node, item),
        recipient=member,
        approved_by=people,
        kinds=page_kinds(node, [item], terms)[0],
    )


def _only(node: Node, object_id: str, asker: Actor) -> StoredObject:
    found = find_objects(node, object_id, visibility(asker))
    if not found:
        raise NotFound("E-STORE-010", "There is no object {id} here.", id=ascii(object_id[:100]))
    return found[0]
