"""Hearing hunts and answers: everything is checked as if a stranger sent it, counted, and kept for a person.

A hunt that asks about one of our own values is kept like any other and looks like any other to its sender; our people
are told why it can only be answered with ``not_run``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import msgspec

from seawall.codec.hunts import NoHunt, read_answer, read_hunt
from seawall.codec.values import detect
from seawall.exchange import Declined
from seawall.flow.excluded import Gate
from seawall.flow.hunts import DAY, HuntQuestion, HuntReply, circle_with, parts_of
from seawall.flow.incoming import admit_one
from seawall.flow.node import Node
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import NotFound, Observable, ObservableType, Refused
from seawall.model.hunt import AnswerTier, Hunt, HuntSide, HuntState
from seawall.model.message import Message
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.reference.assets import ALWAYS_OWN
from seawall.reference.networks import host_of
from seawall.warn.hunts import MAX_DEADLINE, MAX_WINDOW, BadHunt, Op, Part, tests_of

_PRIVATE = tuple(ipaddress.ip_network(text) for text in ALWAYS_OWN)


def hear_hunt(node: Node, message: Message) -> None:
    """Handle a message of kind ``hunt``; bears to be repeated. Raises Refused for what cannot be taken."""
    try:
        said = msgspec.msgpack.decode(message.body, type=HuntQuestion | HuntReply)
    except UNREADABLE:
        raise Refused("E-FLOW-890", "The hunt or its answer cannot be read.") from None
    try:
        terms = circle_with(node, said.circle, message.peer)
    except (NotFound, Refused):  # which of the two, the sender need not know
        raise Refused("E-FLOW-891", "The circle does not carry hunts between us now.") from None
    item = _admitted(node, message.peer, terms.name, said.body)
    if isinstance(said, HuntQuestion):
        _question(node, message, terms.name, item)
    else:
        _reply(node, message, item)


def _admitted(node: Node, peer: str, circle: str, body: bytes) -> StoredObject:
    try:
        found = admit_one(node, peer, circle, body)
    except (NotFound, *UNREADABLE):
        raise Refused("E-FLOW-890", "The hunt or its answer cannot be read.") from None
    if isinstance(found, Declined):
        raise Refused("E-FLOW-892", "The hunt or its answer was not taken in ({reason}).", reason=found.sentence)
    return found


def _question(node: Node, message: Message, circle: str, item: StoredObject) -> None:
    at = node.clock()
    try:
        hunt = read_hunt(item.body, peer=message.peer, circle=circle, at=at, tlp=item.tlp, pap=item.pap)
        question, _ = parts_of(hunt)
    except (NoHunt, BadHunt) as bad:
        raise Refused("E-FLOW-893", "The hunt cannot be used: {reason}.", reason=str(bad)) from None
    if not 0 < hunt.until - hunt.since <= MAX_WINDOW or not at < hunt.deadline <= at + MAX_DEADLINE + DAY:
        raise Refused("E-FLOW-894", "The window of the hunt is too long, or its deadline is past or too far.")
    held = node.store.hunts.get(HuntSide.RECEIVED, hunt.peer, hunt.id)
    if held is not None:
        if (held.text, held.since, held.until, held.deadline) != (hunt.text, hunt.since, hunt.until, hunt.deadline):
            raise Refused("E-FLOW-895", "Another hunt came under this id before; this one was not taken in.")
        return
    most = node.settings.hunts.per_day
    if node.store.hunts.spend(hunt.peer, hunt.id, "asked", 1, at, since=at - DAY, most=most) is None:
        raise Refused("E-FLOW-896", "At most {most} hunts a day are taken in; send it tomorrow.", most=most)
    details: dict[str, str | int | list[str]] = {"circle": circle, "form": hunt.form.value}
    node.ledger.record_event(LedgerEvent(EventKind.HUNT_RECEIVED, at, hunt.peer, hunt.id, details))
    node.store.hunts.add(msgspec.structs.replace(hunt, objection=objection(node, question)))


def objection(node: Node, question: Part) -> str:
    """Why a question may not be answered: it names a value of ours or of an ongoing operation. Empty: it may."""
    gate = Gate(node)
    for test in tests_of(question):
        for value in test.values if test.op in (Op.EQUALS, Op.IN_NETWORK, Op.ENDS, Op.CONTAINS) else ():
            for found in _meant(test.field, value):
                if gate.is_own(found):
                    return "it asks about a value of your own"
                if gate.operation(found):
                    return "it asks about a value that is kept out of exchanges"
    return ""


def _meant(field: str, value: str) -> Iterator[Observable]:
    """The values that a test may be about; ranges that everybody has are nobody's."""
    text = value.strip().strip(".*").lower()
    if field == "domain":
        yield Observable(ObservableType.DOMAIN, text)
    elif field in ("url", "uri") and (host := host_of(text if "://" in text else f"http://{text}")):
        yield Observable(ObservableType.DOMAIN, host)
    found = detect(value.strip())
    if found is not None and not _is_private(found.value):
        yield found


def _is_private(value: str) -> bool:
    """Ranges that everybody has say nothing about us; filters of honest rules are full of them."""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return any(network.version == own.version and network.subnet_of(own) for own in _PRIVATE)  # type: ignore[arg-type]


def _reply(node: Node, message: Message, item: StoredObject) -> None:
    at = node.clock()
    try:
        answer = read_answer(item.body, peer=message.peer, at=at)
    except NoHunt as bad:
        raise Refused("E-FLOW-893", "The hunt cannot be used: {reason}.", reason=str(bad)) from None
    hunt = node.store.hunts.get(HuntSide.ASKED, message.peer, answer.hunt)
    if hunt is None or at > hunt.deadline + DAY:
        raise Refused("E-FLOW-897", "No hunt of ours waits for this answer.")
    if node.store.hunts.put_answer(answer):
        node.store.hunts.change(msgspec.structs.replace(hunt, state=HuntState.ANSWERED))
        _confirm(node, hunt, answer.tier)


def _confirm(node: Node, hunt: Hunt, tier: AnswerTier) -> None:
    """A yes confirms the technique match that the hunt was sent for, a no refutes it; not_run says nothing."""
    if not hunt.confirms or tier is AnswerTier.NOT_RUN:
        return
    details: dict[str, str | int | list[str]] = {
        "match": hunt.confirms, "verdict": "refuted" if tier is AnswerTier.NO else "confirmed", "peer": hunt.peer,
    }  # fmt: skip
    node.ledger.record_event(LedgerEvent(EventKind.HUNT_TOLD, node.clock(), hunt.peer, hunt.id, details))
