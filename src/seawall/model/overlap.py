"""What a run that finds the overlap leaves behind: its sessions, and the values that both sides hold."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

from seawall.model.observable import ObservableType


class Tier(IntEnum):
    """How much one side tells the other about a value that both hold; each tier contains those below it."""

    MATCHED = 1  # that both hold it: both learn this from the run itself
    SEEN = 2  # when it was first seen
    SECTOR = 3  # in which sectors
    DETAILS = 4  # the indicator and the sighting as they are


class Part(StrEnum):
    """Which part a node plays in one session; who is first learns the result first, so the parts alternate daily."""

    FIRST = "first"
    SECOND = "second"


class Lane(StrEnum):
    """Which lists a session compares; the spelling is the purpose of its epoch, so every lane has keys of its own.

    Nodes stand in the order of their ids. What both merely met is in no lane.
    """

    CANDIDATES = "overlap"  # the candidates of both
    FIRST_SUSPECTS = "met-0"  # the first node's candidates with what the second merely met
    SECOND_SUSPECTS = "met-1"  # the second node's candidates with what the first merely met


MET_LANES = (Lane.FIRST_SUSPECTS, Lane.SECOND_SUSPECTS)
"""In the order of the nodes that bring candidates."""


class Hold(StrEnum):
    """How a side holds a value that both hold."""

    CANDIDATE = "candidate"
    MET = "met"  # at the remote end of its own observations, and no candidate


class RunState(StrEnum):
    """How far one session of one type came."""

    ASKED = "asked"  # the other side begins today, and was asked to
    WAITING = "waiting"  # for a message of the other side
    COMPLETE = "complete"
    REFUSED = "refused"  # by either side, with a reason


class OverlapSession(msgspec.Struct, frozen=True, kw_only=True):
    """One run with one peer over one type. Moments in microseconds UTC; counts of values; bytes before sealing."""

    id: str
    peer: str
    type: ObservableType
    epoch: str
    part: Part
    state: RunState
    begun_at: int
    changed_at: int
    mine: int = 0  # values of ours that this session sent, without padding
    theirs: int = 0  # points of theirs that were answered, with their padding
    common: int = 0  # values that this session found to be held by both
    sent_bytes: int = 0
    received_bytes: int = 0
    budget_before: int = 0  # what the peer had left here before this session
    budget_after: int = 0
    reason: str = ""
    lane: Lane = Lane.CANDIDATES


class OverlapItem(msgspec.Struct, frozen=True, kw_only=True):
    """One value that both sides hold. Moments in microseconds UTC; None: not yet."""

    peer: str
    type: ObservableType
    value: str
    session: str
    found_at: int
    ours_said: int  # the day on which we first put it into a run
    theirs_said: int  # the day on which they did
    permitted: Tier = Tier.MATCHED  # how far people here let us tell
    permitted_by: tuple[str, ...] = ()
    opened_at: int | None = None  # when our commitment was opened to the peer
    vouched_at: int | None = None  # when the peer's commitment was opened to us and held
    given: Tier = Tier.MATCHED
    given_at: int | None = None
    taken: Tier = Tier.MATCHED
    taken_at: int | None = None
    reason: str = ""  # why nothing more is told, for our own people
    ours_as: Hold = Hold.CANDIDATE  # how we hold it, and how they do
    theirs_as: Hold = Hold.CANDIDATE
