"""What two nodes say to each other while they look for their overlap: bodies of messages of kind ``overlap``.

    asker       Hello                 epoch, key commitments, a checkpoint to cosign
    other       Hello(answer)         the same of its own, and the cosignature
    asker       Ready 1               its cosignature, how much it committed to
    other       Ready 2               how much it committed to, how much it answers
    asker       Ready 3               how much it answers; left out when it leads today
    leader      Masked ...            message 1 of ``exchange.psi``
    other       Masked ...            message 2
    leader      Masked ...            message 3
    either      Stop                  no, and why

Where both offered keys for it, the leader then begins one session more for each lane in which one side's candidates
meet what the other side merely met; parts name their lane (``model.overlap.Lane``) by their epoch's purpose.

Greetings also carry each side's newest checkpoint and the other's cosignature, so that what enters can be vouched for.
Keys are bound into the epoch, so a message of another pair, type or epoch opens nothing.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from seawall.flow.overlap_cosigning import Signed
from seawall.model import ObservableType, Refused
from seawall.model.books import SizeProof
from seawall.model.overlap import MET_LANES, Lane
from seawall.model.unreadable import UNREADABLE

MAX_TYPES = 17  # there are no more
MAX_PART = 5 * 1024 * 1024  # bytes: a part of ``exchange.psi`` is at most 4 MiB
MAX_REASON = 500  # characters

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Note = Annotated[bytes, msgspec.Meta(max_length=64 * 1024)]
Run = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]


class LaneKey(msgspec.Struct, frozen=True):
    """Our key commitment for one lane."""

    point: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    proof: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]


class HelloType(msgspec.Struct, frozen=True):
    """One type: the terms of its epoch, our key commitment, and what we will answer."""

    type: ObservableType
    number: Count
    starts: Moment
    ends: Moment
    most_points: Count
    normalisation: Count
    point: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    proof: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    room: Count = 0  # points that the sender answers now
    hot: Count = 0  # of these, for values younger than the agreed age
    met: Annotated[tuple[LaneKey, ...], msgspec.Meta(max_length=len(MET_LANES))] = ()
    """One for each of ``MET_LANES``; none from whoever compares candidates only, as earlier versions do."""


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="word"):
    """The beginning of a run. ``day``: the asker's UTC day, which decides who leads; the answer repeats it."""

    run: Run
    day: Count
    types: Annotated[tuple[HelloType, ...], msgspec.Meta(max_length=MAX_TYPES)]
    answer: bool = False
    counts: bool = False  # the sender has set a relay that counts for both
    size: SizeProof | None = None
    wish: Note = b""  # our newest checkpoint, for the other side to cosign
    signed: Signed = Signed()  # what came of the other side's wish


class Ready(msgspec.Struct, frozen=True, tag="ready", tag_field="word"):
    """How much the sender answers, by type, now that it knows how much the other side committed to."""

    run: Run
    step: Annotated[int, msgspec.Meta(ge=1, le=3)]  # the asker's, the other's, the asker's again when it does not lead
    rooms: Annotated[dict[ObservableType, tuple[Count, Count]], msgspec.Meta(max_length=MAX_TYPES)]
    size: SizeProof | None = None
    signed: Signed = Signed()
    fresh: Annotated[frozenset[ObservableType], msgspec.Meta(max_length=MAX_TYPES)] = frozenset()
    """Types of which the sender has something new for a lane with what one side merely met."""


class Masked(msgspec.Struct, frozen=True, tag="masked", tag_field="word"):
    """One part of a round, and how much the sender answers now."""

    run: Run
    type: ObservableType
    part: Annotated[bytes, msgspec.Meta(max_length=MAX_PART)]
    room: Count = 0
    hot: Count = 0


class Stop(msgspec.Struct, frozen=True, tag="stop", tag_field="word"):
    """This run does not go on for these types."""

    run: Run
    types: Annotated[tuple[ObservableType, ...], msgspec.Meta(max_length=MAX_TYPES)]
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)]
    lane: Lane = Lane.CANDIDATES


OverlapWord = Hello | Ready | Masked | Stop


def write_word(word: OverlapWord) -> bytes:
    """The body of a message."""
    return msgspec.msgpack.encode(word)


def read_word(body: bytes) -> OverlapWord:
    """What a message says. Raises Refused E-FLOW-554 for what is none of these."""
    try:
        word: OverlapWord = msgspec.msgpack.decode(body, type=OverlapWord)
    except UNREADABLE:
        raise Refused("E-FLOW-554", "The message about the overlap cannot be read.") from None
    return word


def leads(nodes: tuple[str, str], day: int) -> str:
    """The node id that sends the first list on a UTC day: the two take turns, because who leads learns first."""
    return sorted(nodes)[day % 2]
