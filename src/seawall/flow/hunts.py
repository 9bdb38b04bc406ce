"""Hunts that we ask: a question becomes a release to one peer, and travels as a sealed message.

Steps: (1) the question is read as the peer will read it, so that its losses are known here first; (2) policy decides it
like any indicator, with the markings of everything it was made from; (3) the release is on the ledger; (4) the message
is queued and, where the peer can be reached, delivered. ``hunts_hear`` is the other side.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated

import msgspec

from seawall.codec.hunts import MAX_NAME, hunt_object
from seawall.codec.sharing import encode
from seawall.flow.circles import agreed_with
from seawall.flow.context import find_objects, release_context, stored_markings
from seawall.flow.node import Node
from seawall.flow.overlap_circles import verified
from seawall.flow.post import deliver, post
from seawall.flow.stops import held_back
from seawall.model import Fault, Pap, Recorded, Refused, Release, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.hunt import Hunt, HuntForm, HuntSide
from seawall.model.message import MessageKind
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject
from seawall.policy import Markings, ReleaseRequest, decide_page, visibility
from seawall.warn.hunt_sigma import read_sigma_rule
from seawall.warn.hunts import MAX_DEADLINE, MAX_WINDOW, BadHunt, Part, read_query, write_query

DAY = 86_400_000_000  # microseconds
MAX_BODY = 262_144  # bytes of one object in a message
MAX_INPUTS = 100


class HuntQuestion(msgspec.Struct, frozen=True, tag="hunt", tag_field="word"):
    """A hunt: an indicator as the circle's terms let it go."""

    circle: Annotated[str, msgspec.Meta(max_length=64)]
    body: Annotated[bytes, msgspec.Meta(max_length=MAX_BODY)]


class HuntReply(msgspec.Struct, frozen=True, tag="answer", tag_field="word"):
    """An answer: a note as the circle's terms let it go."""

    circle: Annotated[str, msgspec.Meta(max_length=64)]
    body: Annotated[bytes, msgspec.Meta(max_length=MAX_BODY)]


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks. Moments in microseconds UTC; one of ``sigma`` (a rule, or the id of one) and ``where``."""

    circle: str
    since: int
    until: int
    deadline: int
    sigma: str = ""
    where: tuple[str, ...] = ()
    name: str = ""
    tlp: str | None = None
    pap: str | None = None
    made_from: tuple[str, ...] = ()
    confirms: str = ""


def request_hunt(node: Node, peer: str, asking: Asking) -> tuple[Hunt, list[str], list[str]]:
    """Ask a peer; the hunt, what of it the peer's lake will not be able to answer, and problems of the way.

    Raises Fault E-FLOW-880 for a question that cannot be asked, E-FLOW-881 for a window or deadline that cannot be,
    Refused E-FLOW-882 when policy keeps it here, NotFound for peer, circle or object.
    """
    person = node.require("release")
    verified(node, peer)
    terms = circle_with(node, asking.circle, peer)
    at = node.clock()
    _check_times(asking, at)
    form, text, title, losses, inputs = _question(node, asking)
    hunt = Hunt(
        side=HuntSide.ASKED, peer=peer, id=f"indicator--{uuid.uuid4()}", circle=terms.name, form=form, text=text,
        name=(asking.name or title)[:MAX_NAME], since=asking.since, until=asking.until, deadline=asking.deadline, at=at,
        tlp=Tlp.parse(asking.tlp) if asking.tlp else min(Tlp.AMBER, terms.tlp_ceiling),
        pap=Pap.parse(asking.pap) if asking.pap else min(Pap.AMBER, terms.pap_ceiling), confirms=asking.confirms[:200],
    )  # fmt: skip
    hunt, item, markings = _inherited(node, hunt, inputs)
    second = node.approver
    people = (person.name,) if second is None else (person.name, second.name)
    if second is not None:
        node.store.approvals.both("release", f"{item.id} {item.version}", person.name, second.name, at)
    recorded = release_to(node, terms, peer, item, markings, people)
    body = recorded.value.objects[0].body
    if msgspec.json.decode(body).get("pattern") != hunt.text:
        raise Refused(
            "E-FLOW-883",
            "The circle {circle} strikes a part of the question, which would then ask something else; nothing was "
            "asked.",
            circle=terms.name,
        )
    said = msgspec.msgpack.encode(HuntQuestion(terms.name, body))
    post(node, peer, MessageKind.HUNT, said, expires_in=hunt.deadline - at)  # it may be refused; then nothing was asked
    node.store.hunts.add(hunt)
    return hunt, losses, carried(node, peer)


def release_to(
    node: Node,
    terms: CircleTerms,
    peer: str,
    item: StoredObject,
    markings: Markings,
    people: tuple[str, ...],
    refers_to: frozenset[str] = frozenset(),
) -> Recorded[Release]:
    """Policy's permission to show one object of ours to one peer, on the ledger. ``refers_to``: ids it knows already.

    Raises Refused E-FLOW-882; the refusal is on the record then.
    """
    context = release_context(node, terms, peer)
    may_refer = context.may_refer
    context = msgspec.structs.replace(context, may_refer=lambda id: id in refers_to or may_refer(id))
    request = ReleaseRequest(object=item, markings=markings, recipient=peer, approved_by=people)
    decision = decide_page([request], terms, context)
    if not decision.releases:
        node.ledger.record_many(decision.withheld)
        raise Refused(
            "E-FLOW-882",
            "Policy keeps it here ({rule}): {reason}. Nothing was sent to {peer}.",
            rule=decision.withheld[0].rule,
            reason=decision.withheld[0].reason,
            peer=peer,
        )
    return node.ledger.record_many(decision.releases[:1])[0]


def circle_with(node: Node, name: str, peer: str) -> CircleTerms:
    """A circle that seats the peer, that both agreed on, and that runs. Raises NotFound, Refused E-FLOW-884."""
    terms = node.store.circles.get(name)
    if (
        peer not in terms.members
        or peer in terms.exclusions
        or not agreed_with(node, terms, peer)
        or held_back(node, terms)
    ):
        raise Refused(
            "E-FLOW-884",
            "The circle {circle} does not seat {peer}, is not agreed on by both sides, or is stopped; 'seawall circles "
            "list' shows what is missing.",
            circle=name,
            peer=peer,
        )
    return terms


def carried(node: Node, peer: str) -> list[str]:
    """Deliver what waits, if the peer can be reached now; sentences for our own people."""
    try:
        return list(deliver(node, peer).problems)
    except Fault as fault:
        return [fault.text.format(**fault.values)]


def parts_of(hunt: Hunt) -> tuple[Part, tuple[str, ...]]:
    """A hunt's question as a tree, and its losses. Raises BadHunt."""
    if hunt.form is HuntForm.SIGMA:
        read = read_sigma_rule(hunt.text)
        return read.question, read.losses
    return read_query(hunt.text), ()


def _question(node: Node, asking: Asking) -> tuple[HuntForm, str, str, list[str], tuple[str, ...]]:
    """(form, text, title, losses, ids it was made from)."""
    if bool(asking.sigma) == bool(asking.where):
        raise Fault("E-FLOW-885", "Ask with a Sigma rule or with conditions, not with both and not with neither.")
    inputs = asking.made_from[:MAX_INPUTS]
    try:
        if asking.where:
            text = write_query(asking.where)
            return HuntForm.QUERY, text, "Hunt: " + " and ".join(asking.where)[:150], [], inputs
        text = asking.sigma
        if text.startswith("indicator--") and "\n" not in text.strip():
            inputs = (text.strip(), *inputs)
            text = _held_rule(node, text.strip())
        read = read_sigma_rule(text)
        return HuntForm.SIGMA, text, read.title, list(read.losses), inputs
    except BadHunt as bad:
        raise Fault("E-FLOW-880", "This cannot be asked: {reason}.", reason=str(bad)) from None


class _Rule(msgspec.Struct):
    pattern: str = ""
    pattern_type: str = ""


def _held_rule(node: Node, id: str) -> str:
    found = find_objects(node, id, visibility(node.actor))
    for item in found:
        rule = msgspec.json.decode(item.body, type=_Rule)
        if rule.pattern_type == "sigma":
            return rule.pattern
    raise Fault("E-FLOW-886", "{id} is no Sigma rule that is held here.", id=ascii(id[:100]))


def _inherited(node: Node, hunt: Hunt, inputs: Sequence[str]) -> tuple[Hunt, StoredObject, Markings]:
    """The hunt with the strictest marking of what it was made from (rule 2), as the object that policy decides on."""
    for id in inputs:
        if not find_objects(node, id, visibility(node.actor)):
            raise Fault("E-FLOW-887", "There is no object {id} here to make a hunt from.", id=ascii(id[:100]))

    def stored(one: Hunt) -> StoredObject:
        identity = node.keys.identity_id
        return StoredObject(
            id=one.id, type="indicator", version=timestamp(one.at), created_by=identity,
            body=encode(hunt_object(one, identity)), tlp=one.tlp, pap=one.pap, stored_at=one.at, inputs=tuple(inputs),
        )  # fmt: skip

    markings = stored_markings(node, stored(hunt))
    tlp = max(hunt.tlp, markings.tlp_at_floor(hunt.tlp))
    hunt = msgspec.structs.replace(hunt, tlp=tlp, pap=max(hunt.pap, markings.pap))
    item = stored(hunt)
    return hunt, item, stored_markings(node, item)


def _check_times(asking: Asking, at: int) -> None:
    if not asking.since < asking.until <= at + DAY or asking.until - asking.since > MAX_WINDOW:
        raise Fault(
            "E-FLOW-881",
            "The window of a hunt begins before it ends, lies behind us and has at most {days} days.",
            days=MAX_WINDOW // DAY,
        )
    if not at < asking.deadline <= at + MAX_DEADLINE:
        raise Fault(
            "E-FLOW-888",
            "The deadline of a hunt lies ahead, by at most {days} days.",
            days=MAX_DEADLINE // DAY,
        )
