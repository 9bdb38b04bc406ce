"""How a run begins: both say their epoch's keys, cosign each other's ledger, and say how much they answer.

Nothing about a single value is said here; sizes are those that each side proves to have committed to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.interface import Multiplier
from seawall.flow.commitments import commit_candidates
from seawall.flow.node import Node
from seawall.flow.overlap_circles import carries, overlap_circles
from seawall.flow.overlap_cosigning import grant, keep, wish
from seawall.flow.overlap_count import count_first
from seawall.flow.overlap_counter import counter_of
from seawall.flow.overlap_rounds import begin, room_for, say, talk_with
from seawall.flow.overlap_state import (
    Talk,
    check_terms,
    end_old_epochs,
    epoch_with,
    hello_type,
    keep_talk,
    today,
    we_lead,
)
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_words import Hello, HelloType, Ready, Stop
from seawall.flow.sizes import hear_size, size_proof
from seawall.model import ObservableType, Refused, Unavailable

DAYS_APART = 21  # between the day that a greeting names and ours: messages live so long on slow ways
NOT_CARRIED = "No circle that both agreed on carries this type here."


def carried_types(node: Node, peer: str, types: Iterable[ObservableType]) -> list[ObservableType]:
    """Of these types, those that some circle with this peer carries. Raises as ``overlap_circles``."""
    circles = overlap_circles(node, peer)
    return [type for type in types if any(carries(terms, type) for terms in circles)]


def greet(node: Node, peer: str, types: Sequence[ObservableType], run: str) -> None:
    """The asker's first message. Raises Refused when nothing is compared with this peer now."""
    require_running(node, peer)
    end_old_epochs(node, peer)
    prepare(node)
    hellos = tuple(_hello(node, peer, type) for type in types)
    counts = counter_of(node, peer) is not None
    size, checkpoint = size_proof(node, peer), wish(node, peer)
    say(node, peer, Hello(run, today(node), hellos, counts=counts, size=size, wish=checkpoint))


def hear_hello(node: Node, peer: str, hello: Hello) -> None:
    """A greeting: its keys are checked and its checkpoint is cosigned; then it is answered."""
    if abs(hello.day - today(node)) > DAYS_APART:
        raise Refused("E-FLOW-557", "The greeting of {peer} is of another time; check both clocks.", peer=peer)
    require_running(node, peer)
    end_old_epochs(node, peer)
    keep(node, peer, hello.signed)
    if hello.size is not None:
        hear_size(node, peer, hello.size)
    carried = set(carried_types(node, peer, (said.type for said in hello.types)))
    heard = [said for said in hello.types if said.type in carried]
    for said in heard:
        _agree(node, peer, said, hello)
    signed = grant(node, peer, hello.wish) if hello.wish else msgspec.convert({}, type(hello.signed))
    rooms = {said.type: room_for(node, peer, said.type) for said in heard}
    if hello.answer:
        if heard:
            say(node, peer, Ready(hello.run, 1, rooms, size_proof(node, peer), signed))
        return
    prepare(node)
    answers = tuple(_hello(node, peer, said.type) for said in heard)
    size, checkpoint = size_proof(node, peer), wish(node, peer)
    counts = counter_of(node, peer) is not None
    said_now = Hello(hello.run, hello.day, answers, True, counts, size, checkpoint, signed)
    say(node, peer, said_now)
    if missing := tuple(said.type for said in hello.types if said.type not in carried):
        say(node, peer, Stop(hello.run, missing, NOT_CARRIED))


def hear_ready(node: Node, peer: str, ready: Ready, multiplier: Multiplier) -> None:
    """What the other side answers; who leads begins when both know it of each other."""
    require_running(node, peer)
    keep(node, peer, ready.signed)
    if ready.size is not None:
        hear_size(node, peer, ready.size)
    talks = {type: talk_with(node, peer, type) for type in ready.rooms}
    if any(talk.run != ready.run for talk in talks.values()):
        return  # of a run that a later greeting replaced
    for type, (room, hot) in ready.rooms.items():
        keep_talk(node, peer, type, msgspec.structs.replace(talks[type], room=room, hot=hot))
    leading = [type for type, talk in talks.items() if we_lead(node, peer, talk.day)]
    rooms = {type: room_for(node, peer, type) for type in ready.rooms}
    if ready.step == 1 and rooms:
        say(node, peer, Ready(ready.run, 2, rooms, size_proof(node, peer)))
    elif ready.step == 2 and not leading:
        say(node, peer, Ready(ready.run, 3, rooms))
    elif ready.step > 1:
        for type in leading:
            if not count_first(node, peer, type, talk_with(node, peer, type)):
                begin(node, peer, type, multiplier)


def _agree(node: Node, peer: str, said: HelloType, hello: Hello) -> None:
    check_terms(node, peer, said)
    talk = Talk(
        run=hello.run,
        number=said.number,
        day=hello.day,
        theirs=psi.Commitment(said.point, said.proof),
        room=said.room,
        hot=said.hot,
        counts=hello.counts,
        heard_at=node.clock(),
    )
    epoch_with(node, peer, said.type, talk)  # refuses a key whose proof does not hold
    keep_talk(node, peer, said.type, talk)


def _hello(node: Node, peer: str, type: ObservableType) -> HelloType:
    room, hot = room_for(node, peer, type)
    return hello_type(node, peer, type, room=room, hot=hot)


def prepare(node: Node) -> None:
    """What our sensors found since is committed to; a lake that cannot be read now leaves what was committed before."""
    try:
        commit_candidates(node)
    except Unavailable:
        return
