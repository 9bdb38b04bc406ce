"""Nodes that verified each other, in one process and without a network; their notices cross by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from exchange.scenes import record_of
from seawall.codec.indicators import IndicatorRow
from seawall.codec.sharing import encode
from seawall.codec.value_indicator import ValueIndicators
from seawall.exchange.notices import Heard
from seawall.flow.incoming import inbound_desk
from seawall.flow.node import Node, create_node
from seawall.flow.notices import NoticeBook, send_before
from seawall.flow.service import NodeExchange
from seawall.flow.terms import terms_digest
from seawall.identity import Reason
from seawall.identity.rotation import activate, prepare
from seawall.model import Fault, ObservableType, Pap, Tlp, system_clock
from seawall.model.circle import CircleTerms, StandingRelease
from seawall.model.notice import Notice, NoticeKind
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject

DAY = 86_400_000_000
AT = 1_773_446_400_000_000
HEARD: list[Notice] = []


def hear(node: Node, notice: Notice) -> None:
    """A handler for these tests."""
    del node
    if "bad" in notice.body:
        raise Fault("E-TEST-001", "This is not wanted here.")
    HEARD.append(notice)


class Clock:
    """Moved by hand; two things never happen at once."""

    def __init__(self) -> None:
        self.moment = AT

    def __call__(self) -> int:
        self.moment += 1
        return self.moment


@contextmanager
def neighbours(folder: Path, *names: str) -> Iterator[dict[str, Node]]:
    """Open nodes by name, each a verified peer of all others under that name, all with one clock."""
    clock = Clock()
    with ExitStack() as stack:
        nodes: dict[str, Node] = {}
        for name in names:
            create_node(folder / name, name=name, economy="TW", sector="unknown", timezone="UTC", lang="en")
            nodes[name] = stack.enter_context(Node.open(folder / name, clock=clock))
        for name, node in nodes.items():
            for other, peer in nodes.items():
                if other != name:
                    node.store.peers.add(record_of(peer.keys, other, "https://127.0.0.1:1"))
        yield nodes


def agree(nodes: dict[str, Node], circle: str, *members: str, tlp: Tlp = Tlp.AMBER, held_data: str = "keep") -> None:
    """The members share a circle whose standing release lets indicators and techniques go at once."""
    for name in members:
        node, others = nodes[name], frozenset(members) - {name}
        rule = StandingRelease(
            name="all",
            types=frozenset({"indicator", "attack-pattern", "sighting"}),
            tlp_at_most=tlp,
            expires_at=AT + 10**15,
            approved_by=("lin", "park"),
            signed_by=frozenset(nodes[member].keys.node_id for member in members),
        )
        version = max((held.version for held in node.store.circles.list() if held.name == circle), default=0) + 1
        terms = CircleTerms(
            name=circle, version=version, members=others, tlp_ceiling=tlp, tlp_floor=tlp, standing=(rule,),
            onward_at_most=Tlp.AMBER,
        )  # fmt: skip
        node.store.circles.save(terms, node.clock())
        for other in others:
            node.store.notes.set(f"agreed:{circle}:{other}", terms_digest(terms))


def say(node: Node, value: str, *, tlp: Tlp = Tlp.GREEN, kind: str = "indicator", inputs: tuple[str, ...] = ()) -> str:
    """The node's own people name an address, or describe a technique; returns its id."""
    if kind == "indicator":
        entry = ValueIndicators(tlp=tlp, pap=Pap.GREEN).entry(IndicatorRow(ObservableType.IPV4, value, 1), ("ours",))
        node.store.indicators.put([entry], source="ours", at=node.clock())
        return entry.indicator_id
    at = node.clock()
    body = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(uuid.NAMESPACE_URL, value)}",
        "created_by_ref": node.keys.identity_id,
        "created": timestamp(at),
        "modified": timestamp(at),
        "name": value,
        "description": value,
        "object_marking_refs": [TLP2_IDS[tlp]],
    }
    item = StoredObject(
        id=str(body["id"]),
        type=kind,
        version=str(body["modified"]),
        created_by=node.keys.identity_id,
        body=encode(body),
        tlp=tlp,
        pap=Pap.GREEN,
        stored_at=at,
        inputs=inputs,
    )
    node.store.objects.put([item])
    return item.id


def push(nodes: dict[str, Node], circle: str, sender: str, receiver: str) -> int:
    """What policy releases goes to the receiver's inbound desk, as a synchronisation would bring it; how much."""
    taken, more = 0, True
    while more:
        kept = nodes[sender].store.sync.cursor(receiver, circle, "send")
        outgoing = NodeExchange(nodes[sender]).pending(receiver, circle, kept, 1_000)
        if outgoing.released is not None:
            bodies = [item.body for item in outgoing.released.value.objects]
            taken += inbound_desk(nodes[receiver]).take(sender, circle, bodies).counts.total
        if outgoing.cursor is not None:
            nodes[sender].store.sync.set_cursor(receiver, circle, "send", outgoing.cursor)
        more = outgoing.more
    return taken


def carry(nodes: dict[str, Node], sender: str, receiver: str) -> Heard:
    """All that waits at ``sender`` goes to ``receiver``, as one synchronisation would move it."""
    ours, theirs = NoticeBook(nodes[sender]), NoticeBook(nodes[receiver])
    ours.settle(receiver, theirs.standing(sender), ())
    envelopes, _ = ours.waiting(receiver, theirs.standing(sender).number, 20)
    heard = theirs.take(sender, envelopes)
    ours.settle(receiver, heard.taken, heard.problems)
    return heard


def rotated(node: Node, reason: Reason = Reason.ROTATED) -> None:
    """The node's keys are replaced and its peers are told, as two people would have it."""
    now = system_clock()
    fresh = prepare(node.keys, at=now, expires=now + 700 * DAY, overlap_until=now + DAY, reason=reason)
    body = {"version": fresh.keys.version, "card": fresh.card.decode()}
    told = dict.fromkeys([peer.code_name for peer in node.store.peers.list()], body)
    send_before(node, NoticeKind.KEYS, told, lambda: activate(node.keys, fresh))
