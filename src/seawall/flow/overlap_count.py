"""The size first: a relay counts, with noise, how many values both hold; only within both sides' bands is more said.

Where both sides have set a relay with the counter role, what follows the greeting is, for each type:

    leader      Key                   the commitment of a key that only this count uses
    other       Key(answer)           its own
    both        Points ...            their lists, masked, padded and shuffled
    both        (to the relay)        the other's list, doubly masked, hashed and sorted
    both        Verdict               whether the noised count lies within its own band

The relay sees random strings and learns one number. If it works together with one side, the loss is the ordinary
overlap. A count costs no guesses, because no answer about a single value comes back; instead it is taken at most
``MOST_COUNTS`` times in an epoch, and the relay keeps its own bound.
"""

from __future__ import annotations

import os
from typing import Annotated

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.epoch import MOST_POINTS, Commitment, EpochTerms
from seawall.exchange.psi.interface import Channel, Multiplier
from seawall.exchange.relay import DEFAULT_BOUNDS
from seawall.flow import relay_delivery
from seawall.flow.node import Node
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_counter import COUNTER_TOKEN, counter_of
from seawall.flow.overlap_masks import multiplying
from seawall.flow.overlap_rounds import STOPPED, begin, choose, say, talk_with
from seawall.flow.overlap_state import Talk, alone_with, channel_of, scalars_of, terms_of, we_lead
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_words import Run, Stop
from seawall.flow.post import post
from seawall.flow.relay_book import token_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import ObservableType, Refused
from seawall.model.message import Message, MessageKind
from seawall.model.psi import TOKEN_BYTES

MOST_COUNTS = 8  # of one type with one peer in an epoch: a handful
COUNT = "overlap-count:{peer}:{type}"
COUNTS = "overlap-counts:{peer}:{type}:{epoch}"
MAX_PART = 5 * 1024 * 1024
OUTSIDE_BAND = "About {count} values match, which is outside of what one side agreed to compare."


class Key(msgspec.Struct, frozen=True, tag="key", tag_field="word"):
    """The key of one count."""

    run: Run
    type: ObservableType
    point: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    proof: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    answer: bool = False


class Points(msgspec.Struct, frozen=True, tag="points", tag_field="word"):
    """One part of a list."""

    run: Run
    type: ObservableType
    part: Annotated[bytes, msgspec.Meta(max_length=MAX_PART)]


class Verdict(msgspec.Struct, frozen=True, tag="verdict", tag_field="word"):
    """Whether one side goes on."""

    run: Run
    type: ObservableType
    good: bool


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """Where a count stands."""

    run: str
    at: int  # microseconds UTC
    theirs: Commitment | None = None
    tagged: bool = False  # the peer's whole list is here
    count: int | None = None  # as the relay told it, noised; None: not yet, or too few to count
    rounded_to: int = 0
    epsilon: float = 0.0
    good: bool | None = None  # within our band
    theirs_good: bool | None = None


def count_first(node: Node, peer: str, type: ObservableType, talk: Talk) -> bool:
    """Whether this run is counted first; then the leader's key is on its way."""
    if not talk.counts or counter_of(node, peer) is None:
        return False
    _allow(node, peer, type, talk)
    keep_counting(node, peer, type, Counting(run=talk.run, at=node.clock()))
    _tell(node, peer, _key(node, peer, type, talk, answer=False))
    return True


def counting_of(node: Node, peer: str, type: ObservableType) -> Counting | None:
    """The last count of a type with a peer."""
    text = node.store.notes.get(COUNT.format(peer=peer, type=type.value))
    return None if text is None else msgspec.json.decode(text, type=Counting)


def keep_counting(node: Node, peer: str, type: ObservableType, counting: Counting) -> None:
    """Remember it; durable when this returns."""
    key = COUNT.format(peer=peer, type=type.value)
    node.store.notes.set(key, msgspec.json.encode(counting).decode())


def hear_count(node: Node, message: Message) -> None:
    """Handle a message of kind ``count``; bears to be repeated. Raises Refused E-FLOW-567 for what cannot be read."""
    try:
        said = msgspec.msgpack.decode(message.body, type=Key | Points | Verdict)
    except msgspec.MsgspecError:
        raise Refused("E-FLOW-567", "The message about a count cannot be read.") from None
    peer = message.peer
    overlap_circles(node, peer)
    require_running(node, peer, said.type)
    with alone_with(node, peer), multiplying() as multiplier:
        talk = talk_with(node, peer, said.type)
        if talk.run != said.run:
            return  # of a run that a later greeting replaced
        counting = counting_of(node, peer, said.type)
        if counting is None or counting.run != said.run:
            counting = Counting(run=said.run, at=node.clock())
        match said:
            case Key():
                _hear_key(node, peer, said, talk, counting, multiplier)
            case Points():
                _hear_points(node, peer, said, talk, counting, multiplier)
            case Verdict():
                heard = msgspec.structs.replace(counting, theirs_good=said.good)
                keep_counting(node, peer, said.type, heard)
                _go_on(node, peer, said.type, talk, heard, multiplier)


def _hear_key(node: Node, peer: str, said: Key, talk: Talk, counting: Counting, multiplier: Multiplier) -> None:
    if counter_of(node, peer) is None:
        raise Refused("E-FLOW-568", "No relay with the counter role is set here for {peer}.", peer=peer)
    if not said.answer:
        _allow(node, peer, said.type, talk)
    counting = msgspec.structs.replace(counting, theirs=Commitment(said.point, said.proof))
    channel = _channel(node, peer, said.type, talk, counting, multiplier)
    keep_counting(node, peer, said.type, counting)
    if not said.answer:
        _tell(node, peer, _key(node, peer, said.type, talk, answer=True))
    lists = channel_of(node, peer, said.type, talk, multiplier)
    values = choose(node, peer, said.type, talk, lists).values
    for part in psi.count_points(channel, values):
        _tell(node, peer, Points(talk.run, said.type, part))


def _hear_points(node: Node, peer: str, said: Points, talk: Talk, counting: Counting, multiplier: Multiplier) -> None:
    channel = _channel(node, peer, said.type, talk, counting, multiplier)
    if psi.count_tags(channel, said.part, lambda _count, _key: None) is None:
        return
    counting = msgspec.structs.replace(counting, tagged=True)
    keep_counting(node, peer, said.type, counting)
    _go_on(node, peer, said.type, talk, counting, multiplier)


def _go_on(node: Node, peer: str, type: ObservableType, talk: Talk, counting: Counting, multiplier: Multiplier) -> None:
    """Ask the relay, tell our verdict once, and let the leader begin when both said yes."""
    if counting.tagged and counting.good is None:
        channel = _channel(node, peer, type, talk, counting, multiplier)
        asked = _ask_relay(node, peer, channel, counting)
        if asked is None:
            return  # the other side has not given its tags yet; its verdict brings us back
        counting = asked
        keep_counting(node, peer, type, counting)
        _record(node, peer, type, counting)
        _tell(node, peer, Verdict(talk.run, type, bool(counting.good)))
        psi.end(channel)
    if counting.good is None or counting.theirs_good is None:
        return
    if not (counting.good and counting.theirs_good):
        reason = OUTSIDE_BAND.format(count=counting.count)
        node.store.notes.set(STOPPED.format(peer=peer, type=type.value), reason)
        say(node, peer, Stop(talk.run, (type,), reason))
    elif we_lead(node, peer, talk.day):
        begin(node, peer, type, multiplier)


def _ask_relay(node: Node, peer: str, channel: Channel, counting: Counting) -> Counting | None:
    """The relay's answer judged by our band; None while the other side's tags are missing there."""
    place = counter_of(node, peer)
    tags = psi.tags_of(channel)
    ours = channel.book.session()
    sizes = (len(tags), ours.ours if ours is not None else 0)
    if place is None or min(sizes) < DEFAULT_BOUNDS.count_least:
        return msgspec.structs.replace(counting, good=True)  # too few to count: a count would say too much of each
    round_id = channel.epoch.digest[:TOKEN_BYTES].hex()
    answer = relay_delivery.connect(place).count(round_id, token_of(node, peer, COUNTER_TOKEN), tags)
    if answer is None:
        return None
    band = node.settings.overlap
    good = band.band_least <= answer.count <= band.band_most
    return msgspec.structs.replace(
        counting, count=answer.count, rounded_to=answer.rounded_to, epsilon=answer.epsilon, good=good
    )


def _allow(node: Node, peer: str, type: ObservableType, talk: Talk) -> None:
    """Take one count off the epoch's handful, durably. Raises Refused E-FLOW-569 when it is used up."""
    key = COUNTS.format(peer=peer, type=type.value, epoch=talk.number)
    text = node.store.notes.get(key)
    runs = msgspec.json.decode(text, type=list[str]) if text else []
    if talk.run in runs:
        return
    if len(runs) >= MOST_COUNTS:
        raise Refused(
            "E-FLOW-569",
            "{type} was counted {most} times with {peer} in this epoch; no more until the next.",
            type=type.value,
            most=MOST_COUNTS,
            peer=peer,
        )
    node.store.notes.set(key, msgspec.json.encode([*runs, talk.run]).decode())


def _record(node: Node, peer: str, type: ObservableType, counting: Counting) -> None:
    details: dict[str, str | int | list[str]] = {
        "type": type.value,
        "count": "too few to count" if counting.count is None else counting.count,
        "within_band": str(bool(counting.good)).lower(),
    }
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_COUNTED, node.clock(), "node", peer, details))


def _terms(node: Node, peer: str, type: ObservableType, talk: Talk) -> EpochTerms:
    """An epoch of its own: the run names it, so both sides know its number without asking."""
    base = terms_of(node, peer, type, talk.number)
    number = int(talk.run[:8], 16) + 1
    return msgspec.structs.replace(base, number=number, most_points=MOST_POINTS, purpose="count")


def _key(node: Node, peer: str, type: ObservableType, talk: Talk, *, answer: bool) -> Key:
    ours = psi.offer(_terms(node, peer, type, talk), node.keys.node_id, scalars_of(node), os.urandom)
    return Key(talk.run, type, ours.point, ours.proof, answer)


def _channel(
    node: Node, peer: str, type: ObservableType, talk: Talk, counting: Counting, multiplier: Multiplier
) -> Channel:
    if counting.theirs is None:
        raise Refused("E-FLOW-570", "{peer} sent a list to count before its key.", peer=peer)
    terms = _terms(node, peer, type, talk)
    ours = psi.offer(terms, node.keys.node_id, scalars_of(node), os.urandom)
    epoch = psi.agree(terms, ours, counting.theirs, node.keys.node_id)
    return Channel(
        epoch=epoch,
        own=node.keys.node_id,
        book=node.store.psi.book(peer, epoch.id),
        scalars=scalars_of(node),
        clock=node.clock,
        multiplier=multiplier,
        randomness=os.urandom,
    )


def _tell(node: Node, peer: str, word: Key | Points | Verdict) -> None:
    post(node, peer, MessageKind.COUNT, msgspec.msgpack.encode(word))
