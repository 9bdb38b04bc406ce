"""How a run begins: both say their epoch's keys, cosign each other's ledger, and say how much they answer.

Nothing about a single value is said here; sizes are those that each side proves to have committed to.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.interface import Multiplier
from seawall.flow.commitments import commit_candidates
from seawall.flow.node import Node
from seawall.flow.overlap_circles import carries, overlap_circles
from seawall.flow.overlap_cosigning import grant, keep, wish
from seawall.flow.overlap_count import count_first
from seawall.flow.overlap_counted import require_counter
from seawall.flow.overlap_counter import counter_of
from seawall.flow.overlap_met import has_new
from seawall.flow.overlap_rounds import STOPPED, begin, refuse_run, room_for, say, talk_with
from seawall.flow.overlap_state import (
    Begun,
    Talk,
    begun_with,
    check_terms,
    end_old_epochs,
    epoch_with,
    hello_type,
    keep_talk,
    lanes_of,
    talk_of,
    today,
    we_lead,
)
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_words import Hello, HelloType, Ready, Stop
from seawall.flow.sizes import hear_size, size_proof
from seawall.model import ObservableType, Refused, Unavailable
from seawall.model.overlap import MET_LANES

HOUR = 3_600_000_000  # microseconds
DAYS_APART = 1
"""Between the day that a greeting names and ours: what two honest clocks and a delivery within the day can come to. The
day decides who leads, and who leads learns first; a wider window would leave that to the asker for weeks. Within a day
either side it still may choose, which wins it the first look and nothing more: a greeting that was longer on its way is
refused, and the next one counts."""
CROSSING = HOUR  # for which a greeting of ours that nobody answered makes another one wait
NOT_CARRIED = "No circle that both agreed on carries this type here."


def carried_types(node: Node, peer: str, types: Iterable[ObservableType]) -> list[ObservableType]:
    """Of these types, those that some circle with this peer carries. Raises as ``overlap_circles``."""
    circles = overlap_circles(node, peer)
    return [type for type in types if any(carries(terms, type) for terms in circles)]


def greet(node: Node, peer: str, begun: Begun) -> None:
    """The asker's first message. Raises Refused when nothing is compared with this peer now."""
    require_running(node, peer)
    end_old_epochs(node, peer)
    prepare(node)
    hellos = tuple(_hello(node, peer, type) for type in begun.types)
    counts = counter_of(node, peer) is not None
    size, checkpoint = size_proof(node, peer), wish(node, peer)
    say(node, peer, Hello(begun.run, begun.day, hellos, counts=counts, size=size, wish=checkpoint))


def hear_hello(node: Node, peer: str, hello: Hello) -> None:
    """A greeting: its keys are checked and its checkpoint is cosigned; then it is answered.

    Raises Refused E-FLOW-557 for one of another day, 540 while stopped, 750 where nothing is compared uncounted. An
    answer to no greeting of ours, or to an earlier one, changes nothing, nor does a greeting that crossed ours and has
    to give way.
    """
    begun = begun_with(node, peer)
    if hello.answer and (begun is None or begun.run != hello.run):
        return
    if not hello.answer and begun is not None and _ours_goes_on(node, peer, begun, hello):
        return
    if hello.answer and begun is not None and begun.day >= 0:
        near = hello.day == begun.day
    else:
        near = abs(hello.day - today(node)) <= DAYS_APART
    if not near:
        raise Refused("E-FLOW-557", "The greeting of {peer} is of another time; check both clocks.", peer=peer)
    require_running(node, peer)
    require_counter(node, peer, theirs=hello.counts)
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


def _ours_goes_on(node: Node, peer: str, begun: Begun, hello: Hello) -> bool:
    """Of two greetings that crossed the one with the lower name goes on: the other side finds the same."""
    types = {said.type for said in hello.types}
    if begun.run >= hello.run or not types <= set(begun.types) or node.clock() - begun.at >= CROSSING:
        return False
    answered = any((talk := talk_of(node, peer, type)) is not None and talk.run == begun.run for type in types)
    ended = any(node.store.notes.get(STOPPED.format(peer=peer, type=type.value)) is not None for type in types)
    return not answered and not ended


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
        fresh = type in ready.fresh
        keep_talk(node, peer, type, msgspec.structs.replace(talks[type], room=room, hot=hot, fresh=fresh))
    leading = [type for type, talk in talks.items() if we_lead(node, peer, talk.day)]
    rooms = {type: room_for(node, peer, type) for type in ready.rooms}
    if ready.step == 1 and rooms:
        fresh_of_ours = _fresh(node, peer, rooms, multiplier)
        say(node, peer, Ready(ready.run, 2, rooms, size_proof(node, peer), fresh=fresh_of_ours))
    elif ready.step == 2 and not leading:
        say(node, peer, Ready(ready.run, 3, rooms, fresh=_fresh(node, peer, rooms, multiplier)))
    elif ready.step > 1:
        for type in leading:
            try:
                counted = count_first(node, peer, type, talk_with(node, peer, type))
            except Refused as refused:
                refuse_run(node, peer, type, ready.run, refused)
                continue
            if not counted:
                begin(node, peer, type, multiplier)


def _agree(node: Node, peer: str, said: HelloType, hello: Hello) -> None:
    check_terms(node, peer, said)
    last = talk_of(node, peer, said.type)
    before = "" if last is None else last.before if last.run == hello.run else last.run
    talk = Talk(
        run=hello.run,
        before=before,
        number=said.number,
        day=hello.day,
        theirs=psi.Commitment(said.point, said.proof),
        theirs_met=_met_keys(node, said),
        room=said.room,
        hot=said.hot,
        counts=hello.counts,
        heard_at=node.clock(),
    )
    for lane in lanes_of(talk):
        epoch_with(node, peer, said.type, talk, lane)  # refuses a key whose proof does not hold
    keep_talk(node, peer, said.type, talk)


def _fresh(node: Node, peer: str, types: Iterable[ObservableType], multiplier: Multiplier) -> frozenset[ObservableType]:
    return frozenset(type for type in types if has_new(node, peer, type, multiplier))


def _met_keys(node: Node, said: HelloType) -> tuple[psi.Commitment, ...]:
    """Their keys for what one side merely met, where both offer them; an older version, or one that does not want it,
    offers none."""
    if not node.settings.overlap.compare_met or len(said.met) != len(MET_LANES):
        return ()
    return tuple(psi.Commitment(key.point, key.proof) for key in said.met)


def _hello(node: Node, peer: str, type: ObservableType) -> HelloType:
    room, hot = room_for(node, peer, type)
    return hello_type(node, peer, type, room=room, hot=hot)


def prepare(node: Node) -> None:
    """What our sensors found since is committed to; a lake that cannot be read now leaves what was committed before."""
    try:
        commit_candidates(node)
    except Unavailable:
        return
