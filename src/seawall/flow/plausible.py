"""The plausibility gate: an overlap that is far from the past waits for two people before anything of it is kept.

Looked at, once the numbers are large enough to say anything: (1) the peer's list became much longer at once, (2) much
more matched at once, (3) the share that matched is far above or far below what it was. The first figures with a peer
have no past and pass: budgets, commitments and decoys bound them.
"""

from __future__ import annotations

from statistics import median

import msgspec

from seawall.flow.node import Node
from seawall.flow.overlap_stops import PAUSED, Pause, pause_of, waits
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import NotFound, ObservableType, Refused

PAST = "overlap-past:{peer}:{type}"
KEPT = 30  # sessions that are remembered: about a month of daily ones
LEAST_SIZE = 100  # values of the smaller side below which a share says nothing
RISE = 3  # times the usual size or number of matches
RISE_SIZE = 2_000  # values more than usual: a day's budget of a small node
RISE_COMMON = 50  # matches more than usual
SHARE_TIMES, SHARE_MORE = 2, 0.05  # the share: more than twice the usual one and five points besides
SHARE_PART, SHARE_EXPECTED = 4, 20  # or under a fourth of it, where twenty matches were to be expected


class Seen(msgspec.Struct, frozen=True):
    """The figures of one session."""

    mine: int
    theirs: int
    common: int

    @property
    def share(self) -> float:
        """The part of the smaller side that both hold."""
        return self.common / max(min(self.mine, self.theirs), 1)


def plausible(node: Node, peer: str, type: ObservableType, mine: int, theirs: int, common: int) -> None:
    """Pass and remember these figures, or pause this type with this peer. Numbers of values in the epoch so far.

    Raises Refused E-FLOW-541 while two people have to approve; once they did, the same figures pass.
    """
    pause = pause_of(node, peer, type)
    if pause is not None:
        raise waits(peer, type, pause)
    seen, past = Seen(mine, theirs, common), past_of(node, peer, type)
    reason = objection(seen, past)
    if reason is not None:
        pause = Pause(node.clock(), reason, mine, theirs, common)
        node.store.notes.set(PAUSED.format(peer=peer, type=type.value), msgspec.json.encode(pause).decode())
        details: dict[str, str | int | list[str]] = {
            "type": type.value, "reason": reason, "mine": mine, "theirs": theirs, "common": common
        }  # fmt: skip
        node.ledger.record_event(LedgerEvent(EventKind.OVERLAP_PAUSED, node.clock(), "node", peer, details))
        raise waits(peer, type, pause)
    if not past or past[-1] != seen:
        _remember(node, peer, type, [*past, seen][-KEPT:])


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
    _remember(node, peer, type, [Seen(pause.mine, pause.theirs, pause.common)])
    node.store.notes.delete(PAUSED.format(peer=peer, type=type.value))
    return {"peer": peer, "type": type.value, "reason": pause.reason, "approved_by": list(people)}


def objection(seen: Seen, past: list[Seen]) -> str | None:
    """Why these figures are not believed at once, in plain words; None: they are. Pure."""
    if not past:
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


def past_of(node: Node, peer: str, type: ObservableType) -> list[Seen]:
    """The figures of earlier sessions, oldest first."""
    text = node.store.notes.get(PAST.format(peer=peer, type=type.value))
    return msgspec.json.decode(text, type=list[Seen]) if text else []


def _remember(node: Node, peer: str, type: ObservableType, past: list[Seen]) -> None:
    node.store.notes.set(PAST.format(peer=peer, type=type.value), msgspec.json.encode(past).decode())
