"""Drafts: what verified mails hold, until a named person accepts or discards it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import msgspec

from seawall.codec.pattern import pattern_for
from seawall.codec.sharing import candidate_id, encode
from seawall.codec.value_indicator import ALWAYS
from seawall.exchange.mail import SENTENCES
from seawall.flow.alone import alone
from seawall.flow.incoming import inbound_desk
from seawall.flow.listing import Listing
from seawall.flow.mail_incoming import Quarantined
from seawall.flow.mail_members import mail_identity
from seawall.flow.mail_peers import require_mail_verified
from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.messages import translate
from seawall.model import Fault, NotFound, Observable, Refused, Tlp, Unavailable, rfc3339
from seawall.model.circle import CircleTerms
from seawall.model.mail import Draft, DraftValue, MailPeer, MailRecord, MailState
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

BATCH = 1_000  # objects that go over the inbound desk together
MAX_PROBLEMS = 20
LOCK_SECONDS = 30.0  # another decision is waited for so long: a mail of ten thousand values takes a few


def list_drafts(node: Node, *, decided: bool, limit: int, after: int) -> Listing:
    """Drafts that wait, or with ``decided`` those that somebody decided about; oldest first."""
    node.require("read")
    states = (MailState.ACCEPTED, MailState.DISCARDED) if decided else (MailState.WAITING,)
    page = node.store.mails.list("in", states=states, after=after, limit=limit)
    return Listing([_row(mail, _draft(mail)) for mail in page.items], page.next)


def show_draft(node: Node, number: int) -> dict[str, object]:
    """One draft whole: its values with what speaks against them, its attachments, the beginning of its text."""
    node.require("read")
    mail = _incoming(node, number)
    draft = _draft(mail)
    return {
        **_row(mail, draft),
        "items": [_value_row(value) for value in draft.values],
        "attachments": [msgspec.to_builtins(attachment) for attachment in draft.attachments],
        "problems": list(draft.problems),
        "text": draft.text,
        "decided_by": mail.decided_by,
    }


def list_quarantine(node: Node, lang: str, *, limit: int, after: int) -> Listing:
    """Mails that were not believed, with the reason and, where one helps, an answer in the sender's language."""
    node.require("read")
    page = node.store.mails.list("in", states=(MailState.QUARANTINED,), after=after, limit=limit)
    rows: list[dict[str, object]] = []
    for mail in page.items:
        why = msgspec.json.decode(mail.body, type=Quarantined)
        rows.append(
            {
                "number": mail.number,
                "at": rfc3339(mail.at),
                "sender": why.sender,
                "peer": mail.peer,
                "subject": mail.subject,
                "reason": why.reason.value,
                "sentence": translate(SENTENCES[why.reason], lang),
                "size": why.size,
                "file": why.file,
                "answer": why.answer,
            }
        )
    return Listing(rows, page.next)


def accept_draft(node: Node, number: int, *, circle: str | None, without_flagged: bool) -> dict[str, object]:
    """Import a draft as its peer's word, under its circle's floor; the person who accepts is on the record.

    Raises Fault E-FLOW-271 when the circle is not clear, Refused E-FLOW-272 when the mail is marked above the circle's
    ceiling, Fault E-FLOW-273 when the peer has no seat in it, Refused E-STORE-164 when it was decided about before,
    Unavailable E-FLOW-277 while another process decides.
    """
    node.require("import")
    with _deciding(node):
        return _accept(node, number, circle, without_flagged=without_flagged)


def _accept(node: Node, number: int, circle: str | None, *, without_flagged: bool) -> dict[str, object]:
    person, mail = node.actor, _incoming(node, number)
    peer = require_mail_verified(node.store.mail_peers.get(str(mail.peer)))
    draft, terms = _draft(mail), _circle(node, mail, peer, circle)
    tlp = max(draft.tlp, terms.tlp_floor)
    if mail.state is not MailState.WAITING:
        raise Refused("E-STORE-164", "Mail number {number} is not {state} any more.", number=number, state="waiting")
    if tlp > terms.tlp_ceiling or draft.pap > terms.pap_ceiling:
        raise Refused(
            "E-FLOW-272",
            "The mail is marked TLP:{tlp} PAP:{pap}, above what the circle {circle} may hold; accept it into another.",
            tlp=tlp.label.upper(),
            pap=draft.pap.label.upper(),
            circle=terms.name,
        )
    values = [value for value in draft.values if not (without_flagged and value.flags)]
    bodies = [text.encode() for text in draft.objects]
    bodies += [encode(_indicator(value, peer, mail, tlp, draft)) for value in values]
    desk = inbound_desk(node, at_least=(tlp, draft.pap))
    taken = [desk.take(peer.code_name, terms.name, bodies[at : at + BATCH]) for at in range(0, len(bodies), BATCH)]
    outcomes = [outcome for one in taken for outcome in one.outcomes]
    declined = [outcome for outcome in outcomes if outcome.problem is not None]
    decided = msgspec.structs.replace(
        mail, state=MailState.ACCEPTED, circle=terms.name, decided_by=person.name, decided_at=node.clock()
    )
    node.store.mails.decide(number, MailState.WAITING, decided)
    node.event(EventKind.SYNC_RECEIPT, peer.code_name, mail=number, received=len(outcomes) - len(declined))
    return {
        "number": number,
        "peer": peer.code_name,
        "circle": terms.name,
        "tlp": tlp.label,
        "new": sum(one.counts.new for one in taken),
        "updated": sum(one.counts.updated for one in taken),
        "unchanged": sum(one.counts.unchanged for one in taken),
        "left_out": len(draft.values) - len(values),
        "declined": len(declined),
        "problems": [f"{outcome.id}: {outcome.problem}" for outcome in declined[:MAX_PROBLEMS]],
        "accepted_by": person.name,
    }


def discard_draft(node: Node, number: int) -> dict[str, object]:
    """Let a draft go; its mail stays in the inbox, and the books say who decided.

    Raises Refused E-STORE-164 when it was decided about before, Unavailable E-FLOW-277 while another process decides.
    """
    person = node.require("import")
    with _deciding(node):
        mail = _incoming(node, number)
        decided = msgspec.structs.replace(
            mail, state=MailState.DISCARDED, decided_by=person.name, decided_at=node.clock()
        )
        node.store.mails.decide(number, MailState.WAITING, decided)
    return {"number": number, "peer": mail.peer, "state": decided.state.value, "discarded_by": person.name}


def _deciding(node: Node) -> AbstractContextManager[None]:
    """One decision at a time: what one person discards, another must not be importing."""
    busy = Unavailable("E-FLOW-277", "Another process decides about a draft; try again when it has finished.")
    return alone(node.folder / "store" / "drafts.lock", busy, seconds=LOCK_SECONDS)


def _incoming(node: Node, number: int) -> MailRecord:
    mail = node.store.mails.get(number)
    if mail.direction != "in" or mail.state is MailState.QUARANTINED:
        raise NotFound("E-FLOW-274", "Mail number {number} is no draft.", number=number)
    return mail


def _draft(mail: MailRecord) -> Draft:
    return msgspec.json.decode(mail.body, type=Draft)


def _circle(node: Node, mail: MailRecord, peer: MailPeer, wanted: str | None) -> CircleTerms:
    name = wanted or mail.circle
    if name is None:
        raise Fault("E-FLOW-271", "{name} sits in several circles; say which one with --circle.", name=peer.code_name)
    terms = node.store.circles.get(name)
    if peer.code_name not in terms.members or peer.code_name in terms.exclusions:
        raise Fault("E-FLOW-273", "{name} has no seat in the circle {circle}.", name=peer.code_name, circle=terms.name)
    return terms


def _indicator(value: DraftValue, peer: MailPeer, mail: MailRecord, tlp: Tlp, draft: Draft) -> dict[str, Any]:
    """A value as the peer's own indicator; told again in a later mail it is the same object, newer."""
    identity = mail_identity(peer)
    observable = Observable(value.type, value.value)
    moment = timestamp(mail.at)
    body: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": candidate_id(identity, observable),
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "name": value.value,
        "indicator_types": ["malicious-activity"],
        "pattern": pattern_for(observable),
        "pattern_type": "stix",
        "valid_from": timestamp(value.valid_from) if value.valid_from is not None else ALWAYS,
        "labels": [f"PAP:{draft.pap.label.upper()}"],
        "object_marking_refs": [TLP2_IDS[tlp]],
    }
    if value.valid_until is not None and (value.valid_from is None or value.valid_until > value.valid_from):
        body["valid_until"] = timestamp(value.valid_until)
    if value.description:
        body["description"] = value.description
    if value.confidence is not None:
        body["confidence"] = value.confidence
    if mail.ticket:
        body["external_references"] = [{"source_name": "ticket", "external_id": mail.ticket}]
    return body


def _row(mail: MailRecord, draft: Draft) -> dict[str, object]:
    return {
        "number": mail.number,
        "at": rfc3339(mail.at),
        "peer": mail.peer,
        "ticket": mail.ticket,
        "circle": mail.circle,
        "tlp": draft.tlp.label,
        "pap": draft.pap.label,
        "subject": mail.subject,
        "values": len(draft.values),
        "flagged": sum(bool(value.flags) for value in draft.values),
        "objects": len(draft.objects),
        "state": mail.state.value,
    }


def _value_row(value: DraftValue) -> dict[str, object]:
    return {
        "type": value.type.value,
        "value": value.value,
        "found_in": value.found_in,
        "description": value.description,
        "flags": list(value.flags),
    }
