"""One run with a peer, from the person's side: begin it, exchange what waits, say how far it came and what was found.

Over TLS it ends within one command. Through a relay it goes as far as messages came; every further
delivery, by whomever it is begun, takes it on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from seawall.flow.budgets import left
from seawall.flow.commitments import committed
from seawall.flow.node import Node
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_counted import counting_of, require_counter
from seawall.flow.overlap_evidence import open_ours, tell
from seawall.flow.overlap_greeting import carried_types, greet, prepare
from seawall.flow.overlap_rounds import STOPPED
from seawall.flow.overlap_settle import permit_all
from seawall.flow.overlap_state import (
    TYPES,
    Begun,
    alone_with,
    begun_with,
    end_old_epochs,
    keep_begun,
    new_run,
    talk_of,
)
from seawall.flow.post import Delivered, deliver
from seawall.model import Fault, ObservableType, Refused, Unavailable, rfc3339
from seawall.model.epoch import DAY, day_of, epoch_of
from seawall.model.overlap import MET_LANES, Lane, OverlapItem, OverlapSession, RunState

NO_KEYS = "E-FLOW-466"  # of ``post``: the peer has told no key that messages are sealed for
NOT_AGREED = "E-FLOW-551"
MAX_DELIVERIES = 256  # of one command; a peer that always has one message more waits for the next
MAX_ROWS = 10_000


def parse_type(given: str) -> ObservableType:
    """Raises Fault E-FLOW-559 for what is no type that can be compared."""
    found = next((type for type in TYPES if type.value == given), None)
    if found is None:
        raise Fault("E-FLOW-559", "There is no type {given} to compare; use one of {known}.", given=repr(given[:40]),
                    known=", ".join(type.value for type in TYPES))  # fmt: skip
    return found


def run_overlap(
    node: Node,
    peer: str,
    *,
    type: ObservableType | None = None,
    limit: int = 1_000,
    after: int = 0,
    on_step: Callable[[], None] = lambda: None,
) -> dict[str, object]:
    """One run, or the rest of one that is under way.

    Raises NotFound and Refused as ``overlap_circles``, ``require_counter`` and ``require_running``; what keeps messages
    from moving is said in the answer, and what was begun goes on with the next delivery.
    """
    node.require("sync")
    ensure_agreed(node, peer)
    require_counter(node, peer)
    begun = _begin(node, peer, type)
    moved, problems = exchange(node, peer, on_step)
    with alone_with(node, peer):
        if permit_all(node, peer):
            open_ours(node, peer)
            tell(node, peer)  # what waited while its type did
    if begun.types:
        again, more = exchange(node, peer, on_step)
        moved, problems = _sum(moved, again), [*problems, *(one for one in more if one not in problems)]
    return _told(node, peer, begun, type, moved, problems, limit, after)


def overlap_job(node: Node) -> str:
    """Once a day, with every peer of a circle that ``overlap.daily`` names; what is over of anybody's epochs is wiped.

    One failing peer does not stop the rest.
    """
    daily = set(node.settings.overlap.daily)
    members = {member for terms in node.store.circles.list() if terms.name in daily for member in terms.members}
    done = []
    for record in node.store.peers.list():
        end_old_epochs(node, record.code_name)
        if record.code_name not in members:
            continue
        try:
            found = run_overlap(node, record.code_name, limit=1)
            done.append(f"{record.code_name}: {found['state']}, {found['common']} in common")
        except Fault as fault:
            done.append(f"{record.code_name}: {fault}")
    return "; ".join(done) or "no circle compares daily"


def exchange(node: Node, peer: str, on_step: Callable[[], None] = lambda: None) -> tuple[Delivered, list[str]]:
    """Deliver until nothing is new; what went wrong as sentences for our own people."""
    total, problems = Delivered(), list[str]()
    for _ in range(MAX_DELIVERIES):
        on_step()
        try:
            moved = deliver(node, peer)
        except Fault as fault:
            return total, [*problems, str(fault)]
        total = _sum(total, moved)
        problems += [problem for problem in moved.problems if problem not in problems]
        if not moved.sent and not moved.received:
            break
    return total, problems


def ensure_agreed(node: Node, peer: str) -> None:
    """Pass when a circle with this peer is agreed on; where its word may only be under way, one delivery fetches it.

    Raises as ``overlap_circles``.
    """
    try:
        overlap_circles(node, peer)
    except Refused as refused:
        if refused.code != NOT_AGREED or not overlap_circles(node, peer, agreed=False):
            raise
        with suppress(Fault):
            deliver(node, peer)
        overlap_circles(node, peer)


def _begin(node: Node, peer: str, type: ObservableType | None) -> Begun:
    """Greet, unless a run over the same types is under way since less than a day.

    Where the peer has told no key to seal for yet, one delivery brings it.
    """
    try:
        return _begin_once(node, peer, type)
    except Unavailable as unavailable:
        if unavailable.code != NO_KEYS:
            raise
    deliver(node, peer)
    return _begin_once(node, peer, type)


def _begin_once(node: Node, peer: str, type: ObservableType | None) -> Begun:
    with alone_with(node, peer):
        begun = begun_with(node, peer)
        if begun is not None and (type is None or type in begun.types) and _under_way(node, peer, begun):
            return begun
        wanted = _worth_comparing(node, carried_types(node, peer, TYPES), type)
        at = node.clock()
        begun = Begun(new_run(), at, tuple(wanted), day_of(at))
        if wanted:
            for each in wanted:
                node.store.notes.delete(STOPPED.format(peer=peer, type=each.value))
            greet(node, peer, begun)
        keep_begun(node, peer, begun)  # last: a process that ends before this greets once more
    return begun


def _worth_comparing(
    node: Node, carried: Sequence[ObservableType], type: ObservableType | None
) -> list[ObservableType]:
    """The type asked for; else those of which we committed to anything: where one side has nothing, nothing matches."""
    prepare(node)
    if type is not None:
        return [type] if type in carried else []
    at = node.clock() + 1
    return [each for each in carried if next(iter(committed(node, each, before=at)), None) is not None]


def _under_way(node: Node, peer: str, begun: Begun) -> bool:
    if node.clock() - begun.at >= DAY:
        return False
    return any(_state(node, peer, begun, type)[0] == "waiting" for type in begun.types)


def _state(node: Node, peer: str, begun: Begun, type: ObservableType) -> tuple[str, str, OverlapSession | None]:
    """(state, why or for what, the session) of one type of a run."""
    stopped = node.store.notes.get(STOPPED.format(peer=peer, type=type.value))
    if stopped is not None:
        return "refused", stopped, None
    talk = talk_of(node, peer, type)
    row = next(iter(node.store.overlaps.sessions(peer, type=type, lane=Lane.CANDIDATES, limit=1)), None)
    if row is None or row.changed_at < begun.at:
        answered = talk is not None and talk.run == begun.run
        return "waiting", "the first list" if answered else "the answer to our greeting", row
    if row.state is RunState.COMPLETE:
        in_lanes = [node.store.overlaps.sessions(peer, type=type, lane=lane, limit=1) for lane in MET_LANES]
        if any(row.state is RunState.WAITING and row.changed_at >= begun.at for rows in in_lanes for row in rows):
            return "waiting", "the comparison with what one side merely met", row
        return "complete", row.reason, row
    if row.state is RunState.REFUSED:
        return "refused", row.reason, row
    return "waiting", "the answers to our list" if row.theirs else "the peer's list", row


def _told(
    node: Node,
    peer: str,
    begun: Begun,
    type: ObservableType | None,
    moved: Delivered,
    problems: Sequence[str],
    limit: int,
    after: int,
) -> dict[str, object]:
    types: dict[str, dict[str, object]] = {}
    waits: list[str] = []
    totals = {"mine": 0, "theirs": 0, "common": 0, "budget_left": 0}
    for each in begun.types:
        state, what, row = _state(node, peer, begun, each)
        talk, counting = talk_of(node, peer, each), counting_of(node, peer, each)
        one = {
            "mine": row.mine if row is not None else 0,
            "theirs": row.theirs if row is not None else 0,
            "common": node.store.overlaps.count(peer, type=each),
            "budget_left": talk.room if talk is not None else 0,
        }
        totals = {name: totals[name] + one[name] for name in totals}
        types[each.value] = {
            **one,
            "state": state,
            "reason": what,
            "part": row.part.value if row is not None else None,
            "counted": counting.count if counting is not None and counting.run == begun.run else None,
            "sent_bytes": row.sent_bytes if row is not None else 0,
            "received_bytes": row.received_bytes if row is not None else 0,
            "peer_budget_before": row.budget_before if row is not None else None,
            "peer_budget_after": row.budget_after if row is not None else None,
            "peer_may_ask": left(node, peer, each).now,
        }
        if state == "waiting":
            waits.append(f"{each.value}: {what}")
    page = node.store.overlaps.list(peer, type=type, after=after, limit=min(limit, MAX_ROWS))
    return {
        "peer": peer,
        "state": "waiting" if waits else "complete",
        "waiting": waits,
        "epoch": epoch_of(node.clock()).number,
        **totals,
        "bytes": moved.bytes_out + moved.bytes_in,
        "size_checked_first": bool(begun.types)
        and all(types[each.value]["counted"] is not None for each in begun.types),
        "types": types,
        "items": [item_row(item) for item in page.items],
        "next": page.next,
        "problems": list(problems),
    }


def item_row(item: OverlapItem) -> dict[str, object]:
    """One value that both hold, as the doors show it."""
    return {
        "type": item.type.value,
        "value": item.value,
        "found_at": rfc3339(item.found_at),
        "ours_said": rfc3339(item.ours_said)[:10],
        "theirs_said": rfc3339(item.theirs_said)[:10],
        "ours_as": item.ours_as.value,
        "theirs_as": item.theirs_as.value,
        "permitted": int(item.permitted),
        "permitted_by": list(item.permitted_by),
        "given": int(item.given),
        "taken": int(item.taken),
        "evidence": item.vouched_at is not None,
        "reason": item.reason or None,
    }


def _sum(one: Delivered, other: Delivered) -> Delivered:
    return Delivered(
        sent=one.sent + other.sent,
        received=one.received + other.received,
        bytes_out=one.bytes_out + other.bytes_out,
        bytes_in=one.bytes_in + other.bytes_in,
        problems=tuple(dict.fromkeys((*one.problems, *other.problems))),
        waiting=other.waiting,
    )


__all__ = ["TYPES", "exchange", "item_row", "overlap_job", "parse_type", "run_overlap"]
