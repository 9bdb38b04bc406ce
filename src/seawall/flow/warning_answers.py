"""Answers to warnings: kept here at once, and sent back to whom the warning came from, as far as policy permits.

An answer leaves like any object: it is stored as ours, made from what the peer told (so it inherits that marking),
closed to everybody else, and waits in the outbox of a circle that takes it. Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.codec.answering import (
    AnswerFacts,
    answer_id,
    confirming_sighting,
    refuting_opinion,
    refuting_sighting,
    withdrawn_answer,
)
from seawall.codec.sharing import encode
from seawall.flow.authority import require
from seawall.flow.live_arrivals import arrived
from seawall.flow.node import Node
from seawall.flow.outgoing import decide_items, may_receive
from seawall.flow.read_out import find_warning
from seawall.flow.usage import Usage
from seawall.flow.warning_desk import refresh_desk
from seawall.messages import mark, translate
from seawall.model import Actor, Fault, NotFound, Observable, Pap, SightingSummary, Warning, rfc3339, to_microseconds
from seawall.model.answer import ANSWERS, Answer, Verdict
from seawall.model.circle import CircleTerms
from seawall.model.moments import parse_moment
from seawall.model.stored import StoredObject
from seawall.policy import Rule

MAX_NOTE = 2_000  # characters
WAITS = mark("It waits for a person: seawall release {id} --circle {circle}")
GOES = mark("It goes with the next exchange.")
STAYS = mark("It stays here: {reason}.")
NOWHERE = mark("No circle that we share with {peer} may be used now, so it stays here.")
NOBODY = mark("No peer told us of it, so the answer is for ourselves.")


class WayBack(msgspec.Struct, frozen=True):
    """What becomes of an answer on its way to one peer. ``state``: goes, waits or stays."""

    peer: str
    state: str
    text: str
    values: dict[str, str]
    id: str | None = None
    circle: str | None = None


class Answered(msgspec.Struct, frozen=True):
    """One answer, and its ways back."""

    warning: Warning
    verdict: Verdict | None  # None: taken back
    ways: tuple[WayBack, ...]


def answer_warning(node: Node, value: str, verdict: Verdict, note: str = "", actor: Actor | None = None) -> Answered:
    """Confirm or refute a warning. The note stays here: it is for ourselves.

    Raises Refused E-FLOW-004, NotFound E-FLOW-281, Fault E-FLOW-831 for a note that is too long.
    """
    person = _person(node, actor)
    if len(note) > MAX_NOTE:
        raise Fault("E-FLOW-831", "A note has at most {most} characters.", most=MAX_NOTE)
    warning = find_warning(node, value, person)
    answer = Answer(warning.type, warning.value, verdict, node.clock(), person.name, None, note)
    node.store.answers.put([answer])
    arrived(node, [Observable(warning.type, warning.value)])
    told = _told(node, warning)
    ways = tuple(_send_back(node, warning, answer, one) for one in told)
    return Answered(warning, verdict, ways or (WayBack("", "stays", NOBODY, {}),))


def answered_document(done: Answered, lang: str) -> dict[str, object]:
    """An answer as the doors show it."""
    return {
        "value": done.warning.value,
        "type": done.warning.type.value,
        "answer": done.verdict.value if done.verdict is not None else None,
        "goes_back": [
            {
                "peer": way.peer or None, "state": way.state, "text": translate(way.text, lang, **way.values),
                "id": way.id, "circle": way.circle,
            }
            for way in done.ways
        ],
    }  # fmt: skip


def undo_warning(node: Node, value: str, actor: Actor | None = None) -> Answered:
    """Take back our answer or snooze; what was told of it is withdrawn by a next version.

    Raises Refused E-FLOW-004, NotFound E-FLOW-281, E-FLOW-832 when there is nothing to take back.
    """
    person = _person(node, actor)
    warning = find_warning(node, value, person)
    was_answered = node.store.answers.remove(warning.type, warning.value)
    was_snoozed = _set_snooze(node, warning, None, person)
    arrived(node, [Observable(warning.type, warning.value)])
    if not was_answered and not was_snoozed:
        raise NotFound("E-FLOW-832", "Nobody here answered or snoozed {value}.", value=ascii(warning.value[:100]))
    told = _told(node, warning)
    gone = [_withdraw(node, item) for item in _given(node, warning, told)]
    ways = tuple(_way(node, peer, item) for item in gone if (peer := _peer_of(item, told)) is not None)
    return Answered(warning, None, ways)


def snooze_warning(node: Node, value: str, until: str, actor: Actor | None = None) -> Warning:
    """Let a warning sleep until a moment (RFC 3339).

    Raises Refused E-FLOW-004, NotFound E-FLOW-281, Fault E-FLOW-833 for a moment that has passed, and what
    ``parse_moment`` raises.
    """
    person = _person(node, actor)
    moment = to_microseconds(parse_moment(until))
    if moment <= node.clock():
        raise Fault("E-FLOW-833", "{until} has passed; give a moment to come.", until=rfc3339(moment))
    warning = find_warning(node, value, person)
    refresh_desk(node)
    _set_snooze(node, warning, moment, person)
    return warning


def _person(node: Node, actor: Actor | None) -> Actor:
    person = node.actor if actor is None else actor
    require(person, "match")
    return person


def _set_snooze(node: Node, warning: Warning, until: int | None, person: Actor) -> bool:
    """Whether it was asleep before."""
    place = node.store.desk.of([(warning.type, warning.value)]).get((warning.type, warning.value))
    if place is None:
        return False
    by = person.name if until is not None else None
    node.store.desk.put([msgspec.structs.replace(place, snoozed_until=until, snoozed_by=by)])
    return place.snoozed_until is not None


def _told(node: Node, warning: Warning) -> list[SightingSummary]:
    """What peers told us of the value, one a peer and indicator."""
    told = node.store.sightings.told([(warning.type, warning.value)])
    found = {(one.origin, one.indicator_id): one for one in told if one.origin and one.indicator_id}
    return list(found.values())


def _facts(node: Node, warning: Warning, told: SightingSummary, at: int) -> AnswerFacts:
    met = [moment for moment in (warning.first_seen, warning.other_first_seen) if moment is not None]
    ours = [moment for moment in met if moment != told.first_seen]
    return AnswerFacts(
        identity=node.keys.identity_id,
        value=Observable(warning.type, warning.value),
        indicator_id=str(told.indicator_id),
        at=at,
        first_seen=min(ours, default=at) if warning.other_first_seen is not None else at,
        count=1,
        tlp=told.tlp,
        pap=max(told.pap, Pap.CLEAR),
    )


def _send_back(node: Node, warning: Warning, answer: Answer, told: SightingSummary) -> WayBack:
    facts, peer = _facts(node, warning, told, answer.at), str(told.origin)
    circles = [terms for terms in node.store.circles.list() if peer in terms.members]
    if answer.verdict is Verdict.CONFIRMED:
        body = confirming_sighting(facts)
    elif any("opinion" in terms.types for terms in circles) or not any("sighting" in terms.types for terms in circles):
        body = refuting_opinion(facts)
    else:
        body = refuting_sighting(facts)
    for item in _given(node, warning, [told]):
        if item.id != body["id"]:
            _withdraw(node, item)
    held = node.store.objects.latest([str(body["id"])]).get(str(body["id"]))
    if held is not None:  # ``created`` never changes between versions (STIX 2.1 section 3.6)
        body["created"] = msgspec.json.decode(held.body)["created"]
    item = StoredObject(
        id=str(body["id"]),
        type=str(body["type"]),
        version=str(body["modified"]),
        created_by=facts.identity,
        body=encode(body),
        tlp=told.tlp,
        pap=facts.pap,
        source=ANSWERS,
        stored_at=answer.at,
        inputs=(facts.indicator_id,),
        excluded=everybody_but(node, peer) | told.excluded,
    )
    node.store.objects.put([item])
    return _way(node, peer, item)


def everybody_but(node: Node, *peers: str) -> frozenset[str]:
    """Everybody that is known here, beside these."""
    known = {peer.code_name for peer in node.store.peers.list()}
    known |= {peer.code_name for peer in node.store.mail_peers.list()}
    known |= {member for terms in node.store.circles.list() for member in terms.members}
    return frozenset(known - set(peers))


def _way(node: Node, peer: str, item: StoredObject) -> WayBack:
    """What policy says of the answer in each circle with the peer: the best of them."""
    ways = [
        _in_circle(node, terms, peer, item)
        for terms in node.store.circles.list()
        if peer in terms.members and may_receive(node, terms, peer)
    ]
    order = ("goes", "waits", "stays")
    if not ways:
        return WayBack(peer, "stays", NOWHERE, {"peer": peer}, item.id)
    return min(ways, key=lambda way: order.index(way.state))


def _in_circle(node: Node, terms: CircleTerms, peer: str, item: StoredObject) -> WayBack:
    decision = decide_items(node, terms, peer, [item], Usage.load(node, terms.name))
    if decision.releases:
        return WayBack(peer, "goes", GOES, {}, item.id, terms.name)
    refused = decision.withheld[0]
    if refused.rule == Rule.PERMISSION.value:
        return WayBack(peer, "waits", WAITS, {"id": item.id, "circle": terms.name}, item.id, terms.name)
    return WayBack(peer, "stays", STAYS, {"reason": refused.reason}, item.id, terms.name)


def _given(node: Node, warning: Warning, told: Iterable[SightingSummary]) -> list[StoredObject]:
    """The objects that carry our answers to these peers now, those that were withdrawn left out."""
    ids = []
    for one in told:
        facts = _facts(node, warning, one, 0)
        ids += [answer_id(facts, type) for type in ("sighting", "opinion")]
    held = node.store.objects.latest(ids).values()
    return [item for item in held if b'"withdrawn":true' not in item.body and b'"opinion":"neutral"' not in item.body]


def _withdraw(node: Node, item: StoredObject) -> StoredObject:
    at = node.clock()
    body = withdrawn_answer(item.body, at)
    gone = msgspec.structs.replace(item, body=encode(body), version=str(body["modified"]), stored_at=at)
    node.store.objects.put([gone])
    return gone


def _peer_of(item: StoredObject, told: Iterable[SightingSummary]) -> str | None:
    return next((str(one.origin) for one in told if one.indicator_id in item.inputs), None)
