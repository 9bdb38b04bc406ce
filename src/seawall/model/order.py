"""The order book: directives in force at enforcement points, and the changes by which agents follow it.

A directive says what may be done with one value until when; an *order* is that directive at certain points, with its
state and the lane by which it came. Every alteration of the book is a ``Change`` with the next sequence number, so an
agent that knows number n asks for what lies behind n.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

from seawall.model.directive import Action
from seawall.model.marking import Pap, Tlp
from seawall.model.observable import ObservableType


class Zone(StrEnum):
    """What lies behind an enforcement point. In ``ot`` and ``safety`` a wrong block can hurt people."""

    INTERNET_EDGE = "internet-edge"
    OFFICE = "office"
    OT = "ot"
    SAFETY = "safety"

    @property
    def alert_only(self) -> bool:
        """Whether nothing is stopped here without the plant's owner (and no peer can override that)."""
        return self in (Zone.OT, Zone.SAFETY)


class Place(StrEnum):
    """Where a consumer stands: what leaves our own machines tells somebody else what we look for (PAP)."""

    OWN = "own"
    CLOUD = "cloud"
    COUNTRY = "country"  # operated by somebody else of our economy


class OrderState(StrEnum):
    """``watch`` and ``canary`` stop nothing; ``withdrawn`` and ``expired`` are over."""

    WATCH = "watch"
    CANARY = "canary"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Lane(StrEnum):
    """How a directive came into force."""

    OWN = "own"  # our own indicator
    FAST = "fast"  # a peer's single address or name under a standing acceptance that two people signed
    PERSON = "person"
    CANARY = "canary"  # watched first, then blocked


PEERS_LANES = (Lane.FAST, Lane.CANARY)
"""Lanes by which only peers' values come, without a person."""


class Rank(IntEnum):
    """Who goes first where a point has no room for all; among equals the higher score, then who came first."""

    WATCHED = 0  # a peer's word that only watches
    PEER = 1  # a peer's word that acts, or is on trial
    OWN = 2
    PERSON = 3  # put in force by people


class Window(msgspec.Struct, frozen=True):
    """A maintenance window of a plant, from its beginning to before its end. Moments in microseconds UTC."""

    begins_at: int
    ends_at: int


class Point(msgspec.Struct, frozen=True):
    """A place where tools act. ``fingerprint``: SHA-256 of the agent's certificate, lower-case hex; None: no agent."""

    name: str
    zone: Zone
    place: Place = Place.OWN
    tools: tuple[str, ...] = ()  # names of drivers and feeds
    fingerprint: str | None = None
    owner: str | None = None  # of the plant, a person of this node; nobody else permits a block in ``ot`` or ``safety``
    windows: tuple[Window, ...] = ()
    most: int | None = None  # orders that may stand there at the same time; None: what its zone is given
    per_hour: int | None = None  # orders that may be new there within an hour; None: what its zone is given
    peer_action: Action = Action.BLOCK  # at the most what a peer's word alone does here


class Order(msgspec.Struct, frozen=True, gc=False):
    """One directive in the book. Moments in microseconds UTC."""

    undo_id: str  # as ``Directive.undo_id``: stable for (action, type, value)
    action: Action
    type: ObservableType
    value: str  # canonical
    starts_at: int
    expires_at: int
    state: OrderState
    lane: Lane
    reason: str  # somebody else's words: data
    release: str  # "leaf-index:leaf-hash" of the ledger entry that permits it
    source: str  # who named it: our words for them
    scope: tuple[str, ...] = ()  # names of points; empty: all of zones where it may act
    score: float | None = None  # 0..100, ``warn.score``
    tlp: Tlp = Tlp.RED
    pap: Pap = Pap.RED  # not said: the strictest
    held: dict[str, str] = {}  # point -> which of its caps holds the order back there, "size" or "rate"

    @property
    def acts(self) -> Action:
        """What it does while it stands so: what is not active only watches."""
        return self.action if self.state is OrderState.ACTIVE else Action.WATCH

    @property
    def hinders(self) -> bool:
        """Whether it stops or slows anything while it stands so."""
        return self.state is OrderState.ACTIVE and self.action.hinders


class Booked(msgspec.Struct, frozen=True, gc=False):
    """An order as the book keeps it: with what only this node needs to know."""

    order: Order
    indicator_id: str
    origin: str | None  # the peer's code name; None: our own
    digest: bytes  # 16 bytes over everything it was made from: while that stays, so does the order
    rule: str  # of its lane, e.g. "fast", "peer", "wide"
    why: str  # English sentence, key of the message catalogues, for the screen
    values: dict[str, str] = {}  # fills its places
    since: int = 0  # microseconds UTC: in this state
    flags: tuple[str, ...] = ()  # of the directive
    rank: int = 0  # who goes first where a point has no room for all: a ``Rank``


class Leave(msgspec.Struct, frozen=True):
    """A plant owner's leave to block by one order at one point of zone ``ot`` or ``safety``. Microseconds UTC."""

    point: str
    undo_id: str
    given_by: str
    window_from: int
    window_to: int
    dry_run_at: int | None  # when what it does there was last tried without effect; None: never


class Kill(msgspec.Struct, frozen=True):
    """A kill switch that is thrown: nothing is enforced at ``point`` (empty: anywhere) until a person lifts it."""

    point: str
    at: int  # microseconds UTC
    by: str
    reason: str = ""


class Change(msgspec.Struct, frozen=True, gc=False):
    """One step of the book. ``put`` adds or replaces the order of its ``undo_id``, ``remove`` takes it out."""

    sequence: int  # from 1, no gaps
    op: str  # put | remove
    order: Order


LEAVE_FRESH = 86_400_000_000
"""Microseconds for which a dry run at a plant counts: one day, the usual length of a window."""


def reaches(order: Order, point: Point) -> bool:
    """Whether ``order`` is meant for ``point`` at all. What may not be shown outside does not go to a cloud."""
    if order.scope and point.name not in order.scope:
        return False
    return point.place is not Place.CLOUD or (order.pap <= Pap.GREEN and order.tlp < Tlp.RED)


def at_point(order: Order, point: Point, leave: Leave | None = None, at: int | None = None) -> Order | None:
    """What ``order`` is at ``point``: itself, something less, or None when it does not act there.

    A peer's word that no person put in force does there what the point says (``peer_action``); the order keeps its
    name. In zones ``ot`` and ``safety`` whatever stops or slows (a block, a sinkhole, a rate limit) is a watch,
    whatever lane it came by, unless the plant's named owner gave leave; then it ends with the maintenance window and
    with the dry run's day (``at``, microseconds UTC: it is told whether that is over). What may not be shown outside
    (PAP above GREEN, TLP:RED) does not go to a cloud.
    """
    if not reaches(order, point) or point.name in order.held:
        return None
    if order.lane in PEERS_LANES and order.action is not point.peer_action and order.action.hinders:
        order = msgspec.structs.replace(order, action=point.peer_action)
    if not point.zone.alert_only or not order.hinders:
        return order
    if leave is None or leave.dry_run_at is None or point.owner is None or leave.given_by != point.owner:
        return msgspec.structs.replace(order, state=OrderState.WATCH)
    ends = min(order.expires_at, leave.window_to, leave.dry_run_at + LEAVE_FRESH)
    if at is not None and ends <= at:
        return msgspec.structs.replace(order, state=OrderState.WATCH)
    return msgspec.structs.replace(order, starts_at=max(order.starts_at, leave.window_from), expires_at=ends)
