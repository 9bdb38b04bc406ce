"""Where a node stands with a peer over one type: the epoch both agreed on, what the peer answers, and the channel."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.epoch import MOST_POINTS, NORMALISATION, Commitment, Epoch, EpochTerms
from seawall.exchange.psi.interface import Channel, Multiplier, Progress
from seawall.exchange.psi.scalars import FOLDER
from seawall.flow.node import Node
from seawall.flow.overlap_words import HelloType, LaneKey, leads
from seawall.model import ObservableType, Refused
from seawall.model.epoch import day_of, epoch_number, epoch_of
from seawall.model.overlap import MET_LANES, Hold, Lane, OverlapSession, Part

TALK = "overlap:{peer}:{type}"
RUN = "overlap-run:{peer}"
YOUNG = "overlap-young:{peer}:{type}"
TYPES: tuple[ObservableType, ...] = tuple(type for type in ObservableType if type is not ObservableType.PATTERN)


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side last said about one type."""

    run: str
    before: str = ""  # the run that this one replaced: its last messages may still be on their way
    number: int  # of the epoch
    day: int  # which decides who leads
    theirs: Commitment
    theirs_met: tuple[Commitment, ...] = ()  # one for each of ``MET_LANES``; none: only candidates are compared
    fresh: bool = False  # the peer has something new for a lane with what one side merely met
    room: int = 0  # points that the peer answers now
    hot: int = 0
    counts: bool = False  # the peer has set a relay that counts for both
    heard_at: int  # microseconds UTC


class Begun(msgspec.Struct, frozen=True):
    """A run that this node asked for."""

    run: str
    at: int  # microseconds UTC
    types: tuple[ObservableType, ...]
    day: int = -1  # that the greeting named, and that its answer must repeat


def begun_with(node: Node, peer: str) -> Begun | None:
    """The run that this node asked this peer for last."""
    text = node.store.notes.get(RUN.format(peer=peer))
    return None if text is None else msgspec.json.decode(text, type=Begun)


def keep_begun(node: Node, peer: str, begun: Begun) -> None:
    """Remember it; durable when this returns."""
    node.store.notes.set(RUN.format(peer=peer), msgspec.json.encode(begun).decode())


def new_run() -> str:
    """A name for one run, for messages and screens."""
    return secrets.token_hex(8)


def talk_of(node: Node, peer: str, type: ObservableType) -> Talk | None:
    """What the peer last said about a type; None before it said anything."""
    text = node.store.notes.get(TALK.format(peer=peer, type=type.value))
    return None if text is None else msgspec.json.decode(text, type=Talk)


def keep_talk(node: Node, peer: str, type: ObservableType, talk: Talk) -> None:
    """Remember it; durable when this returns."""
    node.store.notes.set(TALK.format(peer=peer, type=type.value), msgspec.json.encode(talk).decode())


def end_old_epochs(node: Node, peer: str) -> int:
    """Wipe the keys and lists of epochs that are over; how many there were."""
    keys = {TALK.format(peer=peer, type=type.value): type for type in TYPES}
    ended = 0
    for key, text in node.store.notes.several(list(keys)).items():
        talk = msgspec.json.decode(text, type=Talk)
        if talk.number < epoch_now(node):
            for lane in lanes_of(talk):
                psi.end(channel_of(node, peer, keys[key], talk, psi.Here(), lane=lane))
            node.store.notes.delete(key)
            ended += 1
    return ended


def young_today(node: Node, peer: str, type: ObservableType) -> int:
    """How many values younger than agreed we brought to this peer today."""
    text = node.store.notes.get(YOUNG.format(peer=peer, type=type.value))
    day, brought = msgspec.json.decode(text, type=tuple[int, dict[str, int]]) if text else (0, {})
    return sum(brought.values()) if day == today(node) else 0


def bring_young(node: Node, peer: str, type: ObservableType, session: str, count: int) -> None:
    """Remember how many a session brings, before they leave; the same session counts once."""
    key = YOUNG.format(peer=peer, type=type.value)
    text = node.store.notes.get(key)
    day, brought = msgspec.json.decode(text, type=tuple[int, dict[str, int]]) if text else (0, {})
    held = brought if day == today(node) else {}
    fresh = held | {session: max(count, held.get(session, 0))}
    node.store.notes.set(key, msgspec.json.encode((today(node), fresh)).decode())


def lanes_of(talk: Talk) -> tuple[Lane, ...]:
    """The lanes that both agreed on, in the order in which they are gone through."""
    return (Lane.CANDIDATES, *MET_LANES) if talk.theirs_met else (Lane.CANDIDATES,)


def terms_of(node: Node, peer: str, type: ObservableType, number: int, lane: Lane = Lane.CANDIDATES) -> EpochTerms:
    """The terms of an epoch, as both sides know them without asking."""
    epoch = epoch_number(number)
    ids = sorted((node.keys.node_id, node.store.peers.get(peer).node_id))
    return EpochTerms(
        type=type,
        number=number,
        nodes=(ids[0], ids[1]),
        most_points=MOST_POINTS,
        starts=epoch.start,
        ends=epoch.end,
        purpose=lane.value,
    )


def hello_type(node: Node, peer: str, type: ObservableType, *, room: int, hot: int) -> HelloType:
    """Our part of an epoch's beginning."""
    terms = terms_of(node, peer, type, epoch_of(node.clock()).number)
    ours = _offer(node, terms)
    met = MET_LANES if node.settings.overlap.compare_met else ()
    keys = [_offer(node, terms_of(node, peer, type, terms.number, lane)) for lane in met]
    return HelloType(
        type=type,
        number=terms.number,
        starts=terms.starts,
        ends=terms.ends,
        most_points=terms.most_points,
        normalisation=NORMALISATION,
        point=ours.point,
        proof=ours.proof,
        room=room,
        hot=hot,
        met=tuple(LaneKey(key.point, key.proof) for key in keys),
    )


def check_terms(node: Node, peer: str, said: HelloType) -> None:
    """Raises Refused E-FLOW-555 when the peer means another epoch than ours."""
    ours = terms_of(node, peer, said.type, epoch_of(node.clock()).number)
    theirs = (said.number, said.starts, said.ends, said.most_points, said.normalisation)
    if theirs != (ours.number, ours.starts, ours.ends, ours.most_points, ours.normalisation):
        raise Refused(
            "E-FLOW-555",
            "{peer} means epoch {theirs} of {type} and we {ours}, or other bounds; check both clocks and versions.",
            peer=peer,
            type=said.type.value,
            theirs=said.number,
            ours=ours.number,
        )


def epoch_with(node: Node, peer: str, type: ObservableType, talk: Talk, lane: Lane = Lane.CANDIDATES) -> Epoch:
    """The epoch that both agreed on. Raises Refused when the peer's commitment does not hold, E-FLOW-755 for a lane
    that both did not agree on."""
    if lane not in lanes_of(talk):
        raise Refused(
            "E-FLOW-755",
            "What one side merely met is compared only where both sides want it (overlap.compare_met); {peer} and we "
            "did not agree on it.",
            peer=peer,
        )
    theirs = talk.theirs if lane is Lane.CANDIDATES else talk.theirs_met[MET_LANES.index(lane)]
    terms = terms_of(node, peer, type, talk.number, lane)
    return psi.agree(terms, _offer(node, terms), theirs, node.keys.node_id)


def _offer(node: Node, terms: EpochTerms) -> Commitment:
    return psi.offer(terms, node.keys.node_id, scalars_of(node), os.urandom)


def channel_of(
    node: Node,
    peer: str,
    type: ObservableType,
    talk: Talk,
    multiplier: Multiplier,
    progress: Progress | None = None,
    *,
    lane: Lane = Lane.CANDIDATES,
) -> Channel:
    """The channel of the epoch that both agreed on."""
    epoch = epoch_with(node, peer, type, talk, lane)
    return Channel(
        epoch=epoch,
        own=node.keys.node_id,
        book=node.store.psi.book(peer, epoch.id),
        scalars=scalars_of(node),
        clock=node.clock,
        multiplier=multiplier,
        randomness=os.urandom,
        progress=progress,
    )


def scalars_of(node: Node) -> psi.FileScalars:
    """This node's secret scalars."""
    return psi.FileScalars(node.folder / FOLDER)


def we_lead(node: Node, peer: str, day: int) -> bool:
    """Whether we send the first list on a day."""
    return leads((node.keys.node_id, node.store.peers.get(peer).node_id), day) == node.keys.node_id


def epoch_now(node: Node) -> int:
    """The number of the epoch now."""
    return epoch_of(node.clock()).number


def today(node: Node) -> int:
    """The UTC day now."""
    return day_of(node.clock())


def lane_of(channel: Channel) -> Lane:
    """The lane of a channel."""
    return Lane(channel.epoch.terms.purpose)


def held_as(channel: Channel) -> tuple[Hold, Hold]:
    """How we hold, and how the other side holds, what is found in a channel's lane."""
    lane = lane_of(channel)
    if lane is Lane.CANDIDATES:
        return Hold.CANDIDATE, Hold.CANDIDATE
    suspecting = channel.epoch.terms.nodes[MET_LANES.index(lane)]
    return (Hold.CANDIDATE, Hold.MET) if suspecting == channel.own else (Hold.MET, Hold.CANDIDATE)


def session_name(peer: str, channel: Channel, number: int) -> str:
    """Under which id a session stands in our book: the epoch's own id is in it, so a new key begins anew."""
    return f"{peer}/{channel.epoch.terms.type.value}/{channel.epoch.id[:16]}/{number}"


def session_of(node: Node, peer: str, channel: Channel, number: int) -> OverlapSession | None:
    """A session in our book."""
    return node.store.overlaps.session(session_name(peer, channel, number))


def part_of(we_are_first: bool) -> Part:
    """The part we play."""
    return Part.FIRST if we_are_first else Part.SECOND


@contextmanager
def alone_with(node: Node, peer: str) -> Iterator[None]:
    """One process, and one thread, at a time takes a step of a run with this peer; waits for the others."""
    name = "".join(letter if letter.isalnum() else f"_{ord(letter):x}_" for letter in peer)
    with (node.folder / f"overlap-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
