"""The size first: a relay counts, with noise, how many values both hold; only within both sides' bands is more said.

Where both sides have set a relay with the counter role, what follows the greeting is, for each type:

    leader      Key                   the commitment of a key that only this count uses
    other       Key(answer)           its own
    both        Points ...            their lists, masked, padded and shuffled
    both        (to the relay)        the other's list, doubly masked, hashed and sorted
    both        Verdict               whether the noised count lies within its own band

The relay sees random strings and learns one number. If it works together with one side, the loss is the ordinary
overlap. A count costs no guesses, because no answer about a single value comes back; instead it is taken at most
``overlap_counted.MOST_COUNTS`` times in an epoch of each type, which is also a relay's bound for one pair, all types
together, until its operator sets a higher one ('seawall relay init --counts').

Neither side can have a count anew: each key comes in its turn and once in a run, a run is counted once, and both its
verdicts stand.
"""

from __future__ import annotations

import os
from typing import Annotated

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.epoch import Commitment
from seawall.exchange.psi.interface import Channel, Multiplier
from seawall.exchange.relay import DEFAULT_BOUNDS
from seawall.exchange.relay.faults import COUNTS_SPENT
from seawall.flow import relay_delivery
from seawall.flow.node import Node
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_counted import (
    Counting,
    allow_count,
    count_terms,
    counting_of,
    counts_with,
    keep_counting,
    out_of_turn,
    wipe_count_key,
)
from seawall.flow.overlap_counter import counter_of
from seawall.flow.overlap_masks import multiplying
from seawall.flow.overlap_rounds import STOPPED, begin, choose, refuse_run, say, talk_with
from seawall.flow.overlap_state import Talk, alone_with, channel_of, scalars_of, we_lead
from seawall.flow.overlap_stops import require_running
from seawall.flow.overlap_telling import told_apart
from seawall.flow.overlap_words import Run, Stop
from seawall.flow.post import post
from seawall.flow.relay_book import COUNTER_TOKEN, token_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import ObservableType, Refused
from seawall.model.message import Message, MessageKind
from seawall.model.psi import TOKEN_BYTES
from seawall.model.unreadable import UNREADABLE

MAX_PART = 5 * 1024 * 1024
OUTSIDE_BAND = "About {count} values match, which is outside of what one side agreed to compare."
TOO_FEW = "One list is too short to be counted, and one side compares nothing uncounted."


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


def count_first(node: Node, peer: str, type: ObservableType, talk: Talk) -> bool:
    """Whether this run is counted first; then the leader's key is on its way. What stands of the count stays.

    Raises Refused E-FLOW-569 and 752 as ``allow_count``.
    """
    if not counts_with(node, peer, talk):
        return False
    counting = allow_count(node, peer, type, talk)
    if counting.theirs is None:  # also after a kill: the same key again
        _tell(node, peer, _key(node, peer, type, talk, answer=False))
    return True


def hear_count(node: Node, message: Message) -> None:
    """Handle a message of kind ``count``; bears to be repeated. Raises Refused E-FLOW-567 for what cannot be read."""
    try:
        said = msgspec.msgpack.decode(message.body, type=Key | Points | Verdict)
    except UNREADABLE:
        raise Refused("E-FLOW-567", "The message about a count cannot be read.") from None
    peer = message.peer
    with told_apart(), alone_with(node, peer), multiplying() as multiplier:
        overlap_circles(node, peer)
        require_running(node, peer, said.type)
        talk = talk_with(node, peer, said.type)
        if talk.run != said.run:
            return  # of a run that a later greeting replaced
        if counter_of(node, peer) is None:
            raise Refused("E-FLOW-568", "No relay with the counter role is set here for {peer}.", peer=peer)
        if isinstance(said, Key):
            _hear_key(node, peer, said, talk, multiplier)
            return
        counting = counting_of(node, peer, said.type)
        if counting is None or counting.run != said.run or counting.theirs is None:
            raise _before_key(peer)
        if isinstance(said, Points):
            _hear_points(node, peer, said, talk, counting, multiplier)
        else:
            _hear_verdict(node, peer, said, talk, counting, multiplier)


def _hear_key(node: Node, peer: str, said: Key, talk: Talk, multiplier: Multiplier) -> None:
    """One key a run, from each side in its turn: the leader's first, the other's as its answer."""
    theirs = Commitment(said.point, said.proof)
    leading = we_lead(node, peer, talk.day)
    counting = counting_of(node, peer, said.type)
    begun = counting is not None and counting.run == talk.run
    known = counting.theirs if counting is not None and begun else None
    if said.answer is not leading or (leading and not begun) or known not in (None, theirs):
        raise out_of_turn(said.type)
    try:
        counting = allow_count(node, peer, said.type, talk)
    except Refused as refused:
        refuse_run(node, peer, said.type, talk.run, refused)
        return
    if counting.good is not None:
        return  # counted already: a key that comes again begins nothing
    counting = msgspec.structs.replace(counting, theirs=theirs)
    channel = _channel(node, peer, said.type, talk, counting, multiplier)
    keep_counting(node, peer, said.type, counting)
    if not said.answer:
        _tell(node, peer, _key(node, peer, said.type, talk, answer=True))
    lists = channel_of(node, peer, said.type, talk, multiplier)
    values = choose(node, peer, said.type, talk, lists).values
    for part in psi.count_points(channel, values):
        _tell(node, peer, Points(talk.run, said.type, part))


def _hear_points(node: Node, peer: str, said: Points, talk: Talk, counting: Counting, multiplier: Multiplier) -> None:
    if counting.good is not None:  # also after a kill: what was decided is told once more
        _tell(node, peer, Verdict(talk.run, said.type, counting.good))
        wipe_count_key(node, peer, said.type, counting)
        _go_on(node, peer, said.type, talk, counting, multiplier)
        return
    channel = _channel(node, peer, said.type, talk, counting, multiplier)
    if psi.count_tags(channel, said.part, lambda _count, _key: None) is None:
        return
    counting = msgspec.structs.replace(counting, tagged=True)
    keep_counting(node, peer, said.type, counting)
    _go_on(node, peer, said.type, talk, counting, multiplier)


def _hear_verdict(node: Node, peer: str, said: Verdict, talk: Talk, counting: Counting, multiplier: Multiplier) -> None:
    """A verdict stands: the other side may not say no and then yes."""
    if counting.theirs_good is None:
        counting = msgspec.structs.replace(counting, theirs_good=said.good)
        keep_counting(node, peer, said.type, counting)
    _go_on(node, peer, said.type, talk, counting, multiplier)


def _go_on(node: Node, peer: str, type: ObservableType, talk: Talk, counting: Counting, multiplier: Multiplier) -> None:
    """Ask the relay, tell our verdict once, and let the leader begin when both said yes."""
    if counting.tagged and counting.good is None:
        channel = _channel(node, peer, type, talk, counting, multiplier)
        try:
            asked = _ask_relay(node, peer, channel, counting)
        except Refused as refused:
            if refused.code != COUNTS_SPENT.code:
                raise
            keep_counting(node, peer, type, msgspec.structs.replace(counting, good=False))
            psi.end(channel)
            refuse_run(node, peer, type, talk.run, refused)
            return
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
        reason = TOO_FEW if counting.count is None else OUTSIDE_BAND.format(count=counting.count)
        node.store.notes.set(STOPPED.format(peer=peer, type=type.value), reason)
        say(node, peer, Stop(talk.run, (type,), reason))
    elif we_lead(node, peer, talk.day):
        begin(node, peer, type, multiplier)


def _ask_relay(node: Node, peer: str, channel: Channel, counting: Counting) -> Counting | None:
    """The relay's answer judged by our band; None while the other side's tags are missing there."""
    place, band = counter_of(node, peer), node.settings.overlap
    tags = psi.tags_of(channel)
    ours = channel.book.session()
    sizes = (len(tags), ours.ours if ours is not None else 0)
    if place is None or min(sizes) < DEFAULT_BOUNDS.count_least:  # a count of so few would say too much of each
        return msgspec.structs.replace(counting, good=not band.count_first)
    round_id = channel.epoch.digest[:TOKEN_BYTES].hex()
    relay = relay_delivery.connect(place)
    try:
        answer = relay.count(round_id, token_of(node, peer, COUNTER_TOKEN, place), tags)
    finally:
        relay_delivery.close(relay)
    if answer is None:
        return None
    good = band.band_least <= answer.count <= band.band_most
    return msgspec.structs.replace(
        counting, count=answer.count, rounded_to=answer.rounded_to, epsilon=answer.epsilon, good=good
    )


def _record(node: Node, peer: str, type: ObservableType, counting: Counting) -> None:
    details: dict[str, str | int | list[str]] = {
        "type": type.value,
        "count": "too few to count" if counting.count is None else counting.count,
        "within_band": str(bool(counting.good)).lower(),
    }
    node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_COUNTED, node.clock(), "node", peer, details))


def _key(node: Node, peer: str, type: ObservableType, talk: Talk, *, answer: bool) -> Key:
    terms = count_terms(node, peer, type, talk.run, talk.number)
    ours = psi.offer(terms, node.keys.node_id, scalars_of(node), os.urandom)
    return Key(talk.run, type, ours.point, ours.proof, answer)


def _before_key(peer: str) -> Refused:
    return Refused("E-FLOW-570", "{peer} sent a list to count, or its verdict, before its key.", peer=peer)


def _channel(
    node: Node, peer: str, type: ObservableType, talk: Talk, counting: Counting, multiplier: Multiplier
) -> Channel:
    if counting.theirs is None:
        raise _before_key(peer)
    terms = count_terms(node, peer, type, talk.run, talk.number)
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
