"""Two nodes on a real line that look for their overlap: suspects in their lakes, a circle, and the line itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from flow.books_scenes import address, alarm, observe
from flow.neighbours import AT, neighbours
from flow.post_scenes import know_keys
from seawall.flow.doors import PeerDoor
from seawall.flow.node import Node
from seawall.flow.overlap_hear import hear_overlap
from seawall.flow.terms import terms_digest
from seawall.model import Tlp
from seawall.model.circle import CircleTerms, StandingRelease
from seawall.model.message import Message

Nodes = dict[str, Node]
HEARD: list[tuple[Node, Message]] = []
"""Messages about the overlap that ``remembering`` handled."""


def remembering(node: Node, message: Message) -> None:
    """A handler that keeps what it hears."""
    HEARD.append((node, message))
    hear_overlap(node, message)


def share(
    nodes: Nodes, *, age: int = 0, auto: tuple[str, ...] = ("indicator", "sighting"), tlp: Tlp = Tlp.AMBER
) -> None:
    """Taipei and Seoul agree on a circle: ``age`` of commitments in seconds, ``auto`` goes without a click."""
    for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
        node = nodes[name]
        rule = StandingRelease(
            name="all",
            types=frozenset(auto),
            tlp_at_most=tlp,
            expires_at=AT + 10**15,
            approved_by=("lin", "park"),
            signed_by=frozenset(nodes[each].keys.node_id for each in (name, other)),
        )
        terms = CircleTerms(
            name="tw-kr",
            version=max((held.version for held in node.store.circles.list()), default=0) + 1,
            members=frozenset({other}),
            tlp_ceiling=tlp,
            tlp_floor=Tlp.GREEN,
            standing=(rule,) if auto else (),
            commitment_age_seconds=age,
        )
        node.store.circles.save(terms, node.clock())
        node.store.notes.set(f"agreed:tw-kr:{other}", terms_digest(terms))


def suspect(node: Node, numbers: Iterable[int]) -> None:
    """Alarms about these attackers, two each so that they are candidates."""
    wanted = list(numbers)
    observe(
        node,
        *(
            alarm(address(number), host=f"10.0.{number % 200}.{host}", sensor=sensor)
            for number in wanted
            for host, sensor in ((5, "s-1"), (6, "s-2"))
        ),
    )


@contextmanager
def lined(folder: Path) -> Iterator[Nodes]:
    """Both know each other's keys, and each serves its peer listener."""
    with neighbours(folder, "taipei", "seoul") as nodes:
        know_keys(nodes)
        doors = {name: PeerDoor(node, host="127.0.0.1", port=0) for name, node in nodes.items()}
        for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
            record = nodes[name].store.peers.get(other)
            url = f"https://127.0.0.1:{doors[other].listener.port}"
            nodes[name].store.peers.replace(msgspec.structs.replace(record, url=url))
        for door in doors.values():
            door.start()
        try:
            yield nodes
        finally:
            for door in doors.values():
                door.stop()
