"""A tool in memory, orders, signed words of a node, and limits: what tests of the agent need."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from seawall.identity import dsse
from seawall.model import Observable, ObservableType, Unavailable
from seawall.model.agent import (
    CHANGES_TYPE,
    SNAPSHOT_TYPE,
    AgentLimits,
    Drift,
    Outcome,
    SignedChanges,
    SnapshotPage,
    ToolHit,
)
from seawall.model.directive import Action
from seawall.model.order import Change, Lane, Order, OrderState, Zone
from seawall.protect.gate import undo_name

NODE = "3c5b2d8e-0000-5000-8000-000000000001"
POINT = "gw-1"
AT = 1_773_446_400_000_000
HOUR = 3_600_000_000
ALL = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN})


def now() -> int:
    """The machine's clock, in microseconds."""
    return time.time_ns() // 1000


def order(
    value: str,
    kind: ObservableType | None = None,
    *,
    at: int = AT,
    seconds: float = 3_600,
    action: Action = Action.BLOCK,
    state: OrderState = OrderState.ACTIVE,
    scope: tuple[str, ...] = (),
) -> Order:
    """An order as the book writes it."""
    if kind is None:
        kind = ObservableType.CIDR if "/" in value else ObservableType.IPV6 if ":" in value else ObservableType.IPV4
    name = undo_name(action, Observable(kind, value))
    ends = at + int(seconds * 1_000_000)
    return Order(name, action, kind, value, at, ends, state, Lane.OWN, "seen", "1:ab", "us", scope)


class Signer:
    """A node's signing key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.signing_public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """Ed25519."""
        return self._key.sign(message)


def changes(
    signer: Signer, after: int, listed: Sequence[Change], *, at: int = AT, last: int | None = None, **fields: object
) -> bytes:
    """An envelope as the node signs it; ``fields`` replace some of its words."""
    end = last if last is not None else (listed[-1].sequence if listed else after)
    found = SignedChanges(NODE, POINT, after, end, tuple(listed), at, at + 300_000_000)
    return dsse.sign(
        msgspec.json.encode(msgspec.structs.replace(found, **fields), order="sorted"), CHANGES_TYPE, signer
    )


def page(signer: Signer, number: int, orders: Sequence[Order], *, at: int = AT, **fields: object) -> bytes:
    """One page of a snapshot."""
    found = SnapshotPage(NODE, POINT, "s1", 7, number, True, tuple(orders), at, at + 300_000_000)
    return dsse.sign(
        msgspec.json.encode(msgspec.structs.replace(found, **fields), order="sorted"), SNAPSHOT_TYPE, signer
    )


def limits(**fields: object) -> AgentLimits:
    """Generous ones, at the edge to the Internet."""
    return msgspec.structs.replace(AgentLimits(Zone.INTERNET_EDGE), **fields)


class MemoryTool:
    """A driver of a tool that is a dictionary: it can be down, slow, or restarted empty."""

    def __init__(self, name: str = "memory", types: frozenset[ObservableType] = ALL) -> None:
        self.name, self.types = name, types
        self.held: dict[str, Order] = {}  # undo_id -> order
        self.down = False
        self.slow = 0.0
        self.met: list[ToolHit] = []
        self.cleared = 0
        self.most = 0  # that it ever held
        self.lock = threading.Lock()

    @property
    def values(self) -> set[str]:
        """What it blocks or watches."""
        with self.lock:
            return {one.value for one in self.held.values()}

    def prepare(self) -> None:
        """See ``Driver``."""
        self._reach()

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """See ``Driver``."""
        self._reach()
        with self.lock:
            for change in changes:
                self.held.pop(change.order.undo_id, None)
                if change.op == "put" and change.order.expires_at > at:
                    self.held[change.order.undo_id] = change.order
            self.most = max(self.most, len(self.held))
        return [Outcome(change.sequence, change.order.undo_id) for change in changes]

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """See ``Driver``."""
        self._reach()
        wanted = {one.undo_id: one for one in orders if one.type in self.types}
        with self.lock:
            missing, unexpected = len(wanted.keys() - self.held.keys()), len(self.held.keys() - wanted.keys())
            self.held = wanted
            self.most = max(self.most, len(self.held))
        return Drift(missing, unexpected, len(wanted))

    def expire(self, at: int) -> int:
        """See ``Driver``."""
        self._reach()
        with self.lock:
            over = [name for name, one in self.held.items() if one.expires_at <= at]
            for name in over:
                del self.held[name]
        return len(over)

    def hits(self) -> list[ToolHit]:
        """See ``Driver``."""
        self._reach()
        met, self.met = self.met, []
        return met

    def clear(self) -> None:
        """See ``Driver``."""
        self._reach()
        with self.lock:
            self.held.clear()
        self.cleared += 1

    def close(self) -> None:
        """See ``Driver``."""

    def _reach(self) -> None:
        if self.slow:
            time.sleep(self.slow)
        if self.down:
            raise Unavailable("E-PROTECT-070", "Cannot run {tool}: {reason}.", tool=self.name, reason="it is down")


def soon(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it becomes true within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return true()
