"""How the exchange with each peer goes: one word, why, since when, and how much waits."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.exchange import RECEIVE, SEND, Busy
from seawall.flow.conduct import conduct_of
from seawall.flow.node import Node
from seawall.model import Fault
from seawall.model.circle import CircleTerms
from seawall.model.peer import PeerRecord, PeerState

HEALTH = "health:{peer}"
FAREWELL = "farewell:{peer}"
"""Key of the note that holds with which words a peer ended the relation."""
LAST_SYNC = "last-sync:{peer}"
"""Key of the note that holds when the last exchange with a peer ended well."""
CARRIED = "drop"
"""The direction of what was written into drops, beside those of sync."""
MOST_COUNTED = 100_000  # objects waiting are counted up to here: more is "very many", and counting costs time


class State(StrEnum):
    """One word for each peer. The first four are ways in which no exchange is meant to happen."""

    PENDING = "pending"
    SUSPENDED = "suspended"
    QUARANTINED = "quarantined"
    SEVERED = "severed"
    THROTTLED = "throttled"  # it misbehaved lately
    NEVER = "never"  # nobody tried yet
    FAILING = "failing"  # the last attempt failed
    BEHIND = "behind"  # the last attempt went well, but something waits
    OK = "ok"


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the last attempts met; kept only while they fail. Moments in microseconds UTC."""

    since: int
    failures: int = 1
    code: str = ""
    reason: str = ""
    not_before: int = 0  # the peer asked not to be called earlier


class Health(msgspec.Struct, frozen=True):
    """How one peer stands. Moments in microseconds UTC, None: never or not now."""

    state: State
    reason: str = ""
    last_success: int | None = None
    failing_since: int | None = None
    failures: int = 0
    waiting: int = 0  # objects released to it that it has not been sent (counted up to MOST_COUNTED)
    lag_seconds: int = 0  # how long the oldest of them waits
    misdeeds: int = 0


def succeeded(node: Node, peer: str) -> None:
    """An exchange ended well."""
    if trouble_of(node, peer) is not None:
        node.store.notes.delete(HEALTH.format(peer=peer))
    node.store.notes.set(LAST_SYNC.format(peer=peer), str(node.clock()))


def remember_totals(node: Node, peer: str, **more: int) -> None:
    """Add to the sums that metrics show for a peer: ``received``, ``sent``, ``withheld``."""
    for name, count in more.items():
        if count:
            key = f"{name}:{peer}"
            node.store.notes.set(key, str(int(node.store.notes.get(key) or 0) + count))


def failed(node: Node, peer: str, fault: Fault) -> None:
    """An exchange failed."""
    at, before = node.clock(), trouble_of(node, peer)
    trouble = Trouble(
        since=before.since if before is not None else at,
        failures=before.failures + 1 if before is not None else 1,
        code=fault.code,
        reason=fault.text.format(**fault.values),
        not_before=at + fault.seconds * 1_000_000 if isinstance(fault, Busy) else 0,
    )
    node.store.notes.set(HEALTH.format(peer=peer), msgspec.json.encode(trouble).decode())


def trouble_of(node: Node, peer: str) -> Trouble | None:
    """What the last attempts met; None when the last one went well."""
    text = node.store.notes.get(HEALTH.format(peer=peer))
    return msgspec.json.decode(text, type=Trouble) if text else None


def may_be_called(node: Node, peer: str) -> bool:
    """Whether the schedule calls this peer now: not while it is throttled or asked us to wait."""
    trouble = trouble_of(node, peer)
    if trouble is not None and node.clock() < trouble.not_before:
        return False
    return not conduct_of(node, peer).is_throttled(node.clock())


def health_of(node: Node, peer: PeerRecord) -> Health:
    """How the exchange with this peer goes."""
    last = node.store.notes.get(LAST_SYNC.format(peer=peer.code_name))
    trouble, conduct = trouble_of(node, peer.code_name), conduct_of(node, peer.code_name)
    waiting, oldest, interrupted = _waiting(node, peer.code_name)
    state, reason = State.OK, ""
    if peer.state is not PeerState.VERIFIED:
        state, reason = State(peer.state.value), conduct.reason if peer.state is PeerState.QUARANTINED else ""
    elif conduct.is_throttled(node.clock()):
        state, reason = State.THROTTLED, conduct.reason
    elif trouble is not None:
        state, reason = State.FAILING, f"{trouble.code}: {trouble.reason}"
    elif last is None:
        state = State.NEVER
    elif waiting or interrupted:
        state = State.BEHIND
    return Health(
        state=state,
        reason=reason,
        last_success=int(last) if last else None,
        failing_since=trouble.since if trouble is not None else None,
        failures=trouble.failures if trouble is not None else 0,
        waiting=waiting,
        lag_seconds=max(0, node.clock() - oldest) // 1_000_000 if oldest is not None else 0,
        misdeeds=sum(conduct.counts.values()),
    )


def _waiting(node: Node, peer: str) -> tuple[int, int | None, bool]:
    """Objects waiting to go out, the oldest one's date, and whether a walk through the peer's was cut short."""
    total, oldest, interrupted = 0, None, False
    for terms in node.store.circles.list():
        if not _seats(terms, peer):
            continue
        sent = [node.store.sync.cursor(peer, terms.name, way) for way in (SEND, CARRIED)]
        reached = max((int(cursor) for cursor in sent if cursor), default=None)
        count, first = node.store.outbox.waiting(terms.name, peer, reached, MOST_COUNTED)
        total += count
        oldest = first if oldest is None else oldest if first is None else min(first, oldest)
        interrupted = interrupted or '"next"' in (node.store.sync.cursor(peer, terms.name, RECEIVE) or "")
    return total, oldest, interrupted


def _seats(terms: CircleTerms, peer: str) -> bool:
    return peer in terms.members and peer not in terms.exclusions
