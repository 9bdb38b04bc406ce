"""Which values enter the lanes in which one side's candidates meet what the other side merely met.

As suspect we bring the candidates that stood the tests of age in the candidates' own lane, so that nothing enters here
that did not there. As the side that met them we bring what was met and committed to long enough ago, the latest first;
the small budget for young values is for candidates only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.exchange.psi.interface import Channel, Multiplier
from seawall.exchange.psi.padding import most_items
from seawall.flow.commitments import lists_changed
from seawall.flow.decoys import decoys
from seawall.flow.excluded import Gate
from seawall.flow.met_commitments import MOST_MET
from seawall.flow.node import Node
from seawall.flow.overlap_circles import carries, commitment_age, overlap_circles
from seawall.flow.overlap_cosigning import covered
from seawall.flow.overlap_set import UNBOUNDED, LeftOut, OwnSet, Room, marked_stricter, own_set
from seawall.flow.overlap_state import Talk, channel_of, held_as, lanes_of, talk_of
from seawall.model import Observable, ObservableType
from seawall.model.circle import CircleTerms
from seawall.model.epoch import day_of
from seawall.model.overlap import Hold
from seawall.store.met import RankedMet

MET_ONLY = "it was only met here: there is no sighting to tell"
"""Why nothing above tier 1 is told of a value that we do not suspect."""


def lane_set(node: Node, peer: str, type: ObservableType, talk: Talk, channel: Channel) -> OwnSet:
    """Our values for the next list of a lane with what one side merely met, within what the peer answers."""
    circles, sent = overlap_circles(node, peer), sent_in(channel)
    room = Room(max(most_items(talk.room), 0), 0)
    if held_as(channel)[0] is Hold.MET:
        return met_set(node, peer, type, circles, room, sent)
    among_candidates = channel_of(node, peer, type, talk, channel.multiplier)
    return own_set(node, peer, type, circles, room, sent, brought=sent_in(among_candidates))


def met_set(
    node: Node,
    peer: str,
    type: ObservableType,
    circles: Sequence[CircleTerms],
    room: Room,
    sent: frozenset[bytes] = frozenset(),
) -> OwnSet:
    """What we merely met and bring; ``sent`` values were answered before in this epoch and cost nothing again.

    Tests, in this order: (1) some circle carries the type, (2) no stricter marking, (3) the peer cosigned a checkpoint
    over the commitment long enough ago, (4) at most ``MOST_MET`` new ones in a list, (5) the budget is not used up.
    Raises NotFound for an unknown peer.
    """
    carrying = [terms for terms in circles if carries(terms, type)]
    old = covered(node, peer, node.clock() - commitment_age(carrying)) if carrying else 0
    stricter = marked_stricter(node, type, carrying)
    made_up = decoys(node, type) if carrying else frozenset()
    free = room.values - len(made_up - sent) if room.values is not None else UNBOUNDED
    values: list[bytes] = []
    out = LeftOut()
    fresh = 0
    for one in committed_met(node, type, before=node.clock() + 1):
        value = one.value.encode()
        if not carrying:
            out.add("no-circle", value)
        elif value in stricter:
            out.add("marked-stricter", value)
        elif value in sent:
            values.append(value)
        elif one.at > old and room.values is not None:
            out.add("met-too-young", value)
        elif fresh >= MOST_MET:
            out.add("met-earlier", value)
        elif free <= 0:
            out.add("over-budget", value)
        else:
            values.append(value)
            free, fresh = free - 1, fresh + 1
    return OwnSet(type=type, values=tuple(values), decoys=len(made_up), left_out=out.counts, sample=out.sample)


def committed_met(node: Node, type: ObservableType, *, before: int) -> Iterator[RankedMet]:
    """What was met and may enter, its leaf not younger than ``before`` (microseconds UTC), the latest first.

    When own assets, warninglists or the list of exclusions changed since the last run of the job, each value is
    compared with them here.
    """
    gate = Gate(node) if lists_changed(node) else None
    for one in node.store.met.ranked(type.value, before):
        if gate is None or gate.reason(Observable(type, one.value)) is None:
            yield one


def sent_in(channel: Channel) -> frozenset[bytes]:
    """Our values that were answered in a channel, over the whole epoch."""
    return frozenset(value for _, part in channel.book.sent_parts() for value in part.values)


def lane_due(node: Node, talk: Talk, channel: Channel, chosen: OwnSet) -> bool:
    """Whether a session of such a lane is begun by us now: the first of a UTC day, or one with something new of either.

    Every list costs at least 128 guesses; runs that follow each other within minutes would use them up for nothing.
    """
    newest = channel.book.session()
    if newest is None or talk.fresh or day_of(newest.opened_at) != day_of(node.clock()):
        return True
    return not sent_in(channel).issuperset(chosen.values)


def has_new(node: Node, peer: str, type: ObservableType, multiplier: Multiplier) -> bool:
    """Whether we have something for a lane of this type that the peer did not answer yet in this epoch."""
    talk = talk_of(node, peer, type)
    if talk is None:
        return False
    for lane in lanes_of(talk)[1:]:
        channel = channel_of(node, peer, type, talk, multiplier, lane=lane)
        if not sent_in(channel).issuperset(lane_set(node, peer, type, talk, channel).values):
            return True
    return False
