"""Guess budgets: how many points of one type a peer may have answered, spent durably and on record before the answer.

A point may be a guess: no search for an overlap can tell. So what bounds a liar is how many are answered at all
(privacy notes 2.2, item 1): an initial sum once an epoch, a daily one, and one for the whole year.

Steps of spending: (1) what is left, under one lock, and the row with what it takes, on disk; (2) its leaf, on disk;
(3) the answer, which is the caller's. A process that ends behind 1 or 2 has answered nothing: the same part again costs
nothing more, another part under its number is refused. Nothing is ever given back.
"""

from __future__ import annotations

import hashlib

import msgspec

from seawall.flow.met_commitments import MET, MOST_MET, met_type
from seawall.flow.node import Node
from seawall.flow.overlap_stops import require_running, stop_of
from seawall.flow.sizes import committed_by, size_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, ObservableType, Refused
from seawall.model.books import BudgetLeft
from seawall.model.epoch import day_of, epoch_of
from seawall.model.peer import PeerState
from seawall.store.budgets import Spend, Spent

INITIAL_SHARE = (6, 5)  # of what the peer committed to: honest lists are padded, and grow between two proofs
INITIAL_MOST_STRICT = 1_000_000
INITIAL_MOST = 5_000_000
STRICT = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.WALLET})
"""Types whose values can be counted through."""
DAILY_LEAST = 2_000
DAILY_SHARE = 50  # one in fifty of what the peer committed to
BURST_DAYS = 3  # a weekend's lists may come on Monday
YEARLY_FACTOR = 12
YEARLY_LEAST = 100_000
"""A small node's padded daily list (128 points) and now and then a larger one; less than two guesses of a /16."""
MAX_REFILL = INITIAL_MOST
NODE = "node"


class Caps(msgspec.Struct, frozen=True):
    """The bounds on one type that follow from how many values the peer committed to."""

    initial: int
    daily: int
    yearly: int
    hot: int


def spend(
    node: Node, peer: str, type: ObservableType, count: int, *, session: str, part: int = 0, digest: str = ""
) -> int:
    """Take ``count`` points off what ``peer`` may ask; how much is left. On disk and on the ledger when this returns.

    (``session``, ``part``) names what is about to be answered, and ``digest`` its content: the same again is free, and
    other content is refused, so give it wherever a part could be sent twice with other points. Raises Refused
    E-FLOW-520 when it is more than is left (then nothing is taken), 522 for another part under this name, 540 or 541
    while stopped.
    """
    require_running(node, peer, type)
    if count < 1:
        return left(node, peer, type).now
    at = node.clock()
    day, epoch = day_of(at), epoch_of(at).number
    caps = caps_of(node, peer, type)

    def decide(spent: Spent, refills: int, before: Spend | None) -> Spend | None:
        if before is not None:
            _require_same(peer, before, count, digest)
            return None
        initial, daily, refilled = _shares(caps, spent, refills, count)
        if initial + daily + refilled < count:
            raise _over(peer, type, count, initial + daily + refilled)
        return Spend(0, peer, type.value, session, part, digest, day, epoch, initial, daily, 0, refilled, at, None)

    row = node.store.budgets.spend(peer, type.value, session, part, decide, day=day, epoch=epoch)
    _record(node, row)
    return left(node, peer, type).now


def spend_hot(node: Node, peer: str, type: ObservableType, count: int, *, session: str, part: int = 0) -> int:
    """Take ``count`` values off those that ``peer`` may open although they are younger than agreed; how many are left
    today.

    As durable as ``spend``, and likewise free for the same (session, part). Raises Refused E-FLOW-523.
    """
    require_running(node, peer, type)
    at, named = node.clock(), f"hot {session}"
    day, epoch, caps = day_of(at), epoch_of(at).number, caps_of(node, peer, type)

    def decide(spent: Spent, refills: int, before: Spend | None) -> Spend | None:
        del refills
        if before is not None:
            _require_same(peer, before, count, "")
            return None
        if count > max(caps.hot - spent.hot, 0):
            raise Refused(
                "E-FLOW-523",
                "{peer} opened {most} values younger than agreed today already; the others wait for their age.",
                peer=peer,
                most=caps.hot,
            )
        return Spend(0, peer, type.value, named, part, "", day, epoch, 0, 0, count, 0, at, None)

    row = node.store.budgets.spend(peer, type.value, named, part, decide, day=day, epoch=epoch)
    _record(node, row)
    return left(node, peer, type).hot


def left(node: Node, peer: str, type: ObservableType) -> BudgetLeft:
    """What ``peer`` may still ask of this type, with the bounds it follows from."""
    at = node.clock()
    epoch, caps = epoch_of(at).number, caps_of(node, peer, type)
    spent, refills = node.store.budgets.spent(peer, type.value, day=day_of(at), epoch=epoch)
    stop = stop_of(node, peer)
    initial, daily, refilled = _shares(caps, spent, refills, INITIAL_MOST + caps.daily * BURST_DAYS + refills)
    return BudgetLeft(
        peer=peer,
        type=type,
        epoch=epoch,
        committed=committed_by(node, peer, type),
        initial=max(caps.initial - spent.initial, 0),
        initial_cap=caps.initial,
        daily=max(caps.daily * BURST_DAYS - spent.daily, 0),
        daily_cap=caps.daily,
        yearly=max(caps.yearly - spent.yearly, 0),
        yearly_cap=caps.yearly,
        hot=max(caps.hot - spent.hot, 0),
        hot_cap=caps.hot,
        refilled=max(refills - spent.refilled, 0),
        now=0 if stop is not None else initial + daily + refilled,
        stopped=stop.reason if stop is not None else "",
    )


def caps_of(node: Node, peer: str, type: ObservableType) -> Caps:
    """The bounds that hold for this peer and type now."""
    committed = committed_by(node, peer, type)
    most = INITIAL_MOST_STRICT if type in STRICT else INITIAL_MOST
    lanes = compares_met(node, peer)
    asked = 2 * committed + met_by(node, peer, type) if lanes else committed
    return Caps(
        initial=min(asked * INITIAL_SHARE[0] // INITIAL_SHARE[1], most),
        daily=max(DAILY_LEAST, min(committed, most) // DAILY_SHARE),
        yearly=max(YEARLY_LEAST * (2 if lanes else 1), YEARLY_FACTOR * min(asked, most)),
        hot=node.settings.overlap.hot_per_day,
    )


def compares_met(node: Node, peer: str) -> bool:
    """Whether both sides compare candidates with what the other merely met: candidates then go into two lists, and a
    third brings what was met, so the sums are larger."""
    return node.settings.overlap.compare_met and any(name.startswith(MET) for name in size_of(node, peer).totals)


def met_by(node: Node, peer: str, type: ObservableType) -> int:
    """How many values that a peer merely met count for its initial sum: what it proved, up to one full list."""
    return min(size_of(node, peer).totals.get(met_type(type), 0), MOST_MET)


def refill(node: Node, peer: str, type: ObservableType, count: int) -> BudgetLeft:
    """Two people add points for this epoch, past every other bound. No message of a peer can.

    Raises Refused E-FLOW-022 without a second person, Fault E-FLOW-524 for no or too many, NotFound for the peer.
    """
    first = node.require("manage-peers")
    node.store.peers.get(peer)
    if not 0 < count <= MAX_REFILL:
        raise Fault("E-FLOW-524", "Add between 1 and {most} points.", most=MAX_REFILL)
    if node.approver is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    people, at = (first.name, node.approver.name), node.clock()
    epoch = epoch_of(at).number
    node.store.approvals.both("budget", f"{peer} {type.value} {epoch} {count}", *people, at)
    node.event(EventKind.BUDGET_REFILLED, peer, type=type.value, epoch=epoch, count=count, approved_by=list(people))
    node.store.budgets.refill(peer, type.value, epoch, count, at, people)
    return left(node, peer, type)


def spend_all(node: Node, at: int) -> list[str]:
    """After a restore: what a backup does not know of may have been asked since, so all that is left counts as spent.

    Epoch and days bring new sums; two people can refill before. Returns which peers' budgets.
    """
    day, epoch, rows = day_of(at), epoch_of(at).number, []
    names = [peer.code_name for peer in node.store.peers.list() if peer.state is not PeerState.SEVERED]
    for peer in names:
        for type in ObservableType:
            caps = caps_of(node, peer, type)
            spent, refills = node.store.budgets.spent(peer, type.value, day=day, epoch=epoch)
            shares = _shares(caps, spent, refills, caps.initial + caps.daily * BURST_DAYS + refills)
            hot = max(caps.hot - spent.hot, 0)
            rows.append(
                Spend(0, peer, type.value, f"restored {at}", 0, "", day, epoch, *shares[:2], hot, shares[2], at, -1)
            )
    node.store.budgets.put(rows)
    return [f"guesses: {peer}" for peer in names]


def finish_spending(node: Node) -> int:
    """Put on the ledger what a process that ended could not; how many. Nothing of it was answered."""
    pending = node.store.budgets.pending()
    for row in pending:
        _record(node, row)
    return len(pending)


def _shares(caps: Caps, spent: Spent, refills: int, count: int) -> tuple[int, int, int]:
    """How ``count`` points divide: initial first, then daily, both within the year; then what two people added."""
    year = max(caps.yearly - spent.yearly, 0)
    initial = min(count, max(caps.initial - spent.initial, 0), year)
    daily = min(count - initial, max(caps.daily * BURST_DAYS - spent.daily, 0), year - initial)
    return initial, daily, min(count - initial - daily, max(refills - spent.refilled, 0))


def _require_same(peer: str, before: Spend, count: int, digest: str) -> None:
    if (before.count, before.digest) != (count, digest):
        raise Refused(
            "E-FLOW-522",
            "{peer} sent another part {part} of a session of which this part came before; it is not answered.",
            peer=peer,
            part=before.part,
        )


def _over(peer: str, type: ObservableType, count: int, most: int) -> Refused:
    return Refused(
        "E-FLOW-520",
        "{peer} asks about {count} values of type {type} and may ask about {most} now; nothing was answered. 'seawall "
        "budgets {peer}' shows its bounds.",
        peer=peer,
        count=count,
        type=type.value,
        most=most,
    )


def _record(node: Node, row: Spend | None) -> None:
    """Step 2; what is on the ledger already stays as it is. The session is named by a hash: its name is the peer's."""
    if row is None or row.leaf is not None:
        return
    named = hashlib.sha256(f"{row.session}\n{row.part}".encode()).hexdigest()[:32]
    details: dict[str, str | int | list[str]] = {
        "type": row.type,
        "session": named,
        "epoch": row.epoch,
        "initial": row.initial,
        "daily": row.daily,
        "hot": row.hot,
        "refilled": row.refilled,
    }
    recorded = node.ledger.record_event(LedgerEvent(EventKind.BUDGET_SPENT, row.at, NODE, row.peer, details))
    node.store.budgets.recorded(row.number, recorded.leaf_index)
