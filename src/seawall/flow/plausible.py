"""The plausibility gate: an overlap that is far from the past waits for two people before anything of it is kept.

Looked at, once the numbers are large enough to say anything: (1) the peer's list became much longer at once, (2) much
more matched at once, (3) the share that matched is far above or far below what it was. The first figures with a peer
have no past and pass: budgets, commitments and decoys bound them. Until there are figures of ``LEAST_DAYS`` days, only
(1) is looked at, and widely: a young circle compares the few values that are old enough first, then all at once, and
what is usual is not known yet; a list far beyond what the peer had proved to hold before is none of that. In a lane
with what one side merely met, figures count as past once a list is longer than a day's budget: before, it is still
being filled.
"""

from __future__ import annotations

from statistics import median

import msgspec

from seawall.flow.met_commitments import MET
from seawall.flow.node import Node
from seawall.flow.overlap_stops import PAUSED, Pause, pause_of, waits
from seawall.flow.sizes import committed_by, size_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import NotFound, ObservableType, Refused
from seawall.model.epoch import day_of
from seawall.model.overlap import Lane

PAST = "overlap-past:{peer}:{type}"
"""Key of the figures of a type; behind it the lane, where it is not that of the candidates."""
KEPT = 30  # days whose last figures are remembered
LEAST_DAYS = 7  # with figures, before they say what is usual: a week has its weekend
LEAST_SIZE = 100  # values of the smaller side below which a share says nothing
RISE = 3  # times the usual size or number of matches
RISE_SIZE = 2_000  # values more than usual: a day's budget of a small node
RISE_YOUNG = 10_000  # the same before anything is usual: far below the 65,536 points of the smallest sweep worth it
RISE_COMMON = 50  # matches more than usual
SHARE_TIMES, SHARE_MORE = 2, 0.05  # the share: more than twice the usual one and five points besides
SHARE_PART, SHARE_EXPECTED = 4, 20  # or under a fourth of it, where twenty matches were to be expected


class Seen(msgspec.Struct, frozen=True):
    """The figures of one day's last session."""

    mine: int
    theirs: int
    common: int
    day: int = 0  # UTC
    committed: int = 0  # values that the peer had proved to have committed to
    approved: bool = False  # by two people, who know what is usual

    @property
    def share(self) -> float:
        """The part of the smaller side that both hold."""
        return self.common / max(min(self.mine, self.theirs), 1)


def plausible(
    node: Node,
    peer: str,
    type: ObservableType,
    mine: int,
    theirs: int,
    common: int,
    *,
    lane: Lane = Lane.CANDIDATES,
) -> None:
    """Pass and remember these figures, or pause this type with this peer. Numbers of values in the epoch so far.

    Raises Refused E-FLOW-541 while two people have to approve; once they did, the same figures pass.
    """
    pause = pause_of(node, peer, type)
    if pause is not None:
        raise waits(peer, type, pause)
    committed = committed_by(node, peer, type) + size_of(node, peer).totals.get(MET + type.value, 0)
    seen, past = Seen(mine, theirs, common, day_of(node.clock()), committed), past_of(node, peer, type, lane)
    reason = objection(seen, past)
    if reason is not None:
        pause = Pause(node.clock(), reason, mine, theirs, common, lane)
        node.store.notes.set(PAUSED.format(peer=peer, type=type.value), msgspec.json.encode(pause).decode())
        details: dict[str, str | int | list[str]] = {
            "type": type.value, "reason": reason, "mine": mine, "theirs": theirs, "common": common
        }  # fmt: skip
        node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_PAUSED, node.clock(), "node", peer, details))
        raise waits(peer, type, pause)
    filled = lane is Lane.CANDIDATES or max(mine, theirs) > RISE_SIZE
    if filled:
        _remember(node, peer, type, lane, [*_before(past, seen.day), seen][-KEPT:])


def approve_pause(node: Node, peer: str, type: ObservableType) -> dict[str, object]:
    """Two people looked into the figures: they are the past from now on.

    Raises NotFound E-FLOW-544 when nothing waits, Refused E-FLOW-022 without a second person.
    """
    first, pause = node.require("manage-peers"), pause_of(node, peer, type)
    if pause is None:
        raise NotFound("E-FLOW-544", "Nothing of type {type} waits with {peer}.", type=type.value, peer=peer)
    if node.approver is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    people = (first.name, node.approver.name)
    subject = f"{peer} {type.value} {pause.mine} {pause.theirs} {pause.common}"
    node.store.approvals.both("overlap", subject, *people, node.clock())
    node.event(EventKind.OVERLAP_RESUMED, peer, type=type.value, reason=pause.reason, approved_by=list(people))
    _remember(node, peer, type, pause.lane, [_approved(node, pause)])
    node.store.notes.delete(PAUSED.format(peer=peer, type=type.value))
    return {"peer": peer, "type": type.value, "reason": pause.reason, "approved_by": list(people)}


def objection(seen: Seen, past: list[Seen]) -> str | None:
    """Why these figures are not believed at once, in plain words; None: they are. Pure."""
    if not past:
        return None
    if len({each.day for each in past}) < LEAST_DAYS and not any(each.approved for each in past):
        held = max(max(each.theirs, each.committed) for each in past)
        if seen.theirs > RISE * held + RISE_YOUNG:
            return f"its list has {seen.theirs} values, and it had {held} before"
        return None
    theirs, common = median(each.theirs for each in past), median(each.common for each in past)
    if seen.theirs > RISE * theirs + RISE_SIZE:
        return f"its list has {seen.theirs} values, and {theirs:.0f} were usual"
    if seen.common > RISE * common + RISE_COMMON:
        return f"{seen.common} values matched, and {common:.0f} were usual"
    measured = [each.share for each in past if min(each.mine, each.theirs) >= LEAST_SIZE]
    if min(seen.mine, seen.theirs) < LEAST_SIZE or not measured:
        return None
    usual = median(measured)
    low = seen.share * SHARE_PART < usual and usual * min(seen.mine, seen.theirs) >= SHARE_EXPECTED
    if seen.share > SHARE_TIMES * usual + SHARE_MORE or low:
        return f"{seen.share:.1%} of the smaller list matched, and {usual:.1%} was usual"
    return None


def _before(past: list[Seen], day: int) -> list[Seen]:
    """The figures of earlier days, and what two people approved today."""
    return [each for each in past if each.day != day or each.approved]


def _approved(node: Node, pause: Pause) -> Seen:
    return Seen(pause.mine, pause.theirs, pause.common, day_of(node.clock()), approved=True)


def past_of(node: Node, peer: str, type: ObservableType, lane: Lane = Lane.CANDIDATES) -> list[Seen]:
    """The figures of earlier days, oldest first."""
    text = node.store.notes.get(_key(peer, type, lane))
    return msgspec.json.decode(text, type=list[Seen]) if text else []


def _remember(node: Node, peer: str, type: ObservableType, lane: Lane, past: list[Seen]) -> None:
    node.store.notes.set(_key(peer, type, lane), msgspec.json.encode(past).decode())


def _key(peer: str, type: ObservableType, lane: Lane) -> str:
    key = PAST.format(peer=peer, type=type.value)
    return key if lane is Lane.CANDIDATES else f"{key}:{lane.value}"
