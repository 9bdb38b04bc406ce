"""Where a count stands, how often one may be taken, and whether a comparison may begin without one.

A band binds both sides alike: who leads asks the relay before it sends a list, and who does not lead answers no list of
a run that was not counted here and found within its own band. ``overlap.count_first`` goes further: then nothing is
compared with a peer with which no relay counts, nor of lists too short to be counted.
"""

from __future__ import annotations

import msgspec

from seawall.exchange.psi.epoch import MOST_POINTS, Commitment, EpochTerms, name_of
from seawall.exchange.relay import DEFAULT_BOUNDS
from seawall.flow.node import Node
from seawall.flow.overlap_counter import counter_of
from seawall.flow.overlap_state import Talk, scalars_of, terms_of
from seawall.model import ObservableType, Refused

MOST_COUNTS = DEFAULT_BOUNDS.counts_per_epoch
"""Of one type with one peer in an epoch: as many as a relay answers for one pair unless its operator says otherwise."""
COUNT = "overlap-count:{peer}:{type}"
COUNTS = "overlap-counts:{peer}:{type}:{epoch}"


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """Where a count stands."""

    run: str
    epoch: int = 0  # during which it is taken
    at: int  # microseconds UTC
    theirs: Commitment | None = None
    tagged: bool = False  # the peer's whole list is here
    count: int | None = None  # as the relay told it, noised; None: not yet, or too few to count
    rounded_to: int = 0
    epsilon: float = 0.0
    good: bool | None = None  # within our band
    theirs_good: bool | None = None


def counting_of(node: Node, peer: str, type: ObservableType) -> Counting | None:
    """The last count of a type with a peer."""
    text = node.store.notes.get(COUNT.format(peer=peer, type=type.value))
    return None if text is None else msgspec.json.decode(text, type=Counting)


def keep_counting(node: Node, peer: str, type: ObservableType, counting: Counting) -> None:
    """Remember it; durable when this returns."""
    key = COUNT.format(peer=peer, type=type.value)
    node.store.notes.set(key, msgspec.json.encode(counting).decode())


def counts_with(node: Node, peer: str, talk: Talk) -> bool:
    """Whether runs with this peer are counted first: both sides have set a relay."""
    return talk.counts and counter_of(node, peer) is not None


def require_counter(node: Node, peer: str, *, theirs: bool = True) -> None:
    """Pass unless our people want every comparison counted first and one side (``theirs``: the peer) has no counter.

    Raises Refused E-FLOW-750.
    """
    if node.settings.overlap.count_first and not (theirs and counter_of(node, peer) is not None):
        raise Refused(
            "E-FLOW-750",
            "Nothing is compared before a relay counted it (overlap.count_first): both sides set the same counter with "
            "'seawall peers counter'.",
        )


def require_counted(node: Node, peer: str, type: ObservableType, talk: Talk) -> None:
    """Pass when this run may compare: it was counted within our band, or neither side's people want a count.

    Raises Refused E-FLOW-750 as ``require_counter``, E-FLOW-751 for a run that was not counted, or not found good.
    """
    require_counter(node, peer, theirs=talk.counts)
    if not counts_with(node, peer, talk):
        return
    counting = counting_of(node, peer, type)
    if counting is None or counting.run != talk.run or not counting.good:
        raise Refused(
            "E-FLOW-751",
            "A list of {type} came although this run was not counted here and found within the band; it is not "
            "answered.",
            type=type.value,
        )


def allow_count(node: Node, peer: str, type: ObservableType, talk: Talk) -> Counting:
    """Take one count off the epoch's handful, durably, unless it is the one under way; where it stands.

    Raises Refused E-FLOW-569 when the handful is used up, E-FLOW-752 for a run that was counted before another one.
    """
    key = COUNTS.format(peer=peer, type=type.value, epoch=talk.number)
    text = node.store.notes.get(key)
    runs = msgspec.json.decode(text, type=list[str]) if text else []
    held = counting_of(node, peer, type)
    if talk.run in runs:
        if runs[-1] != talk.run:
            raise Refused(
                "E-FLOW-752", "This run of {type} was counted before; a count takes a new run.", type=type.value
            )
        if held is not None and held.run == talk.run:
            return held
    elif len(runs) >= MOST_COUNTS:
        raise Refused(
            "E-FLOW-569",
            "{type} was counted {most} times with {peer} in this epoch, which is all that a node and a relay count; no "
            "more until the next.",
            type=type.value,
            most=MOST_COUNTS,
            peer=peer,
        )
    else:
        node.store.notes.set(key, msgspec.json.encode([*runs, talk.run]).decode())
    if held is not None and held.run != talk.run:
        wipe_count_key(node, peer, type, held)  # of one that nobody finished
    fresh = Counting(run=talk.run, epoch=talk.number, at=node.clock())
    keep_counting(node, peer, type, fresh)
    return fresh


def count_terms(node: Node, peer: str, type: ObservableType, run: str, epoch: int) -> EpochTerms:
    """An epoch of its own: the run names it, so both sides know its number without asking."""
    base = terms_of(node, peer, type, epoch)
    return msgspec.structs.replace(base, number=int(run[:15], 16) + 1, most_points=MOST_POINTS, purpose="count")


def wipe_count_key(node: Node, peer: str, type: ObservableType, counting: Counting) -> None:
    """Our key of a count is gone when this returns; a count that ended well has none any more."""
    scalars_of(node).wipe(name_of(count_terms(node, peer, type, counting.run, counting.epoch)))


def out_of_turn(type: ObservableType) -> Refused:
    """What is said to a message that another step, or the other side, has to send now."""
    return Refused(
        "E-FLOW-753",
        "A list, key or answer of {type} came out of its run or out of turn; it is not taken.",
        type=type.value,
    )
