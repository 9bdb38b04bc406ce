"""What the API needs from the node: one Protocol, which ``flow`` implements by wrapping store, lake and ledger.

Rows of listings are plain JSON-ready mappings, the same that the command line prints with ``--json``: times as RFC 3339
UTC with six digits, enums as their labels. Every method gets the ``Caller``: who asks, and what policy lets them see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from seawall.model import Actor, ObservableType, Visibility
from seawall.model.indicator import IndicatorEntry


class Caller(msgspec.Struct, frozen=True):
    """A named person of this node and what policy lets them see."""

    actor: Actor
    visibility: Visibility


class Rows(Protocol):
    """One page of a listing; ``next`` is the ``after`` of the following page, None at the end."""

    @property
    def items(self) -> Sequence[Mapping[str, object]]:
        """JSON-ready rows."""

    @property
    def next(self) -> int | None:
        """Where to go on."""


class EventCount(msgspec.Struct, frozen=True):
    """How many events one sector of one side had in one hour (lake roll-up or observations)."""

    hour: int  # its beginning, microseconds UTC
    side: str
    sector: str
    count: int
    hostile: int = 0  # of these, with a basis other than none


class NodeAbout(msgspec.Struct, frozen=True):
    """Who this node is; nothing secret."""

    node_id: str
    name: str
    economy: str
    sector: str
    timezone: str
    language: str
    fingerprint: str
    version: str


class NodeStatus(msgspec.Struct, frozen=True):
    """Counts and moments that tell whether the node is at work. Moments in microseconds UTC, None: never."""

    events: int
    indicators: int
    sightings: int
    warnings: int
    quarantined: int
    last_ingest: int | None
    last_match: int | None
    first_event: int | None = None
    last_event: int | None = None


class PeerView(msgspec.Struct, frozen=True):
    """One peer as our own people see it. Moments in microseconds UTC, None: never."""

    code_name: str
    name: str
    state: str
    url: str
    fingerprint: str
    circles: tuple[str, ...]
    last_sync: int | None
    received: int
    sent: int
    withheld: int
    problem: str | None = None  # of the last synchronisation, one sentence
    health: str = ""  # one word: never, ok, behind, failing, throttled, quarantined, suspended, pending, severed
    waiting: int = 0  # objects released to it and not sent yet
    lag_seconds: int = 0  # how long the oldest of these waits


class CircleView(msgspec.Struct, frozen=True):
    """One circle's terms in short."""

    name: str
    version: int
    members: tuple[str, ...]
    exclusions: tuple[str, ...]
    tlp_ceiling: str
    tlp_floor: str
    pap_ceiling: str
    types: tuple[str, ...]
    agreed: bool
    standing: int  # standing releases in force


class LedgerHead(msgspec.Struct, frozen=True):
    """How long the ledger is and the root hash (hex) over all of it."""

    size: int
    root: str


class Metric(msgspec.Struct, frozen=True):
    """One figure for ``/metrics``: ``name`` without the ``seawall_`` prefix, ``kind`` "gauge" or "counter"."""

    name: str
    help: str
    kind: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class NodeService(Protocol):
    """The node behind the API. Methods may be called from several threads at once.

    They raise ``Refused`` for a missing right, ``NotFound`` alike for absent and withheld, ``Unavailable``, ``Fault``.
    """

    def authenticate(self, token: str) -> Actor:
        """Who holds this token (``store.users.authenticate``); raises Refused."""

    def visibility(self, actor: Actor) -> Visibility:
        """What policy lets this actor see (``policy.visibility``)."""

    def about(self) -> NodeAbout:
        """Who we are."""

    def status(self, caller: Caller) -> NodeStatus:
        """Counts and moments."""

    def events(self, caller: Caller, since: int | None, until: int | None) -> Sequence[EventCount]:
        """Events by hour, side and sector, ``since`` <= hour < ``until`` (microseconds); None: the last day."""

    def observations(self, caller: Caller, where: Sequence[str], *, after: int, limit: int) -> Rows:
        """Lake rows that meet every ``column=value`` condition; raises Fault for a condition that cannot be read."""

    def sightings(self, caller: Caller, *, after: int, limit: int) -> Rows:
        """What was seen, on which side, when, in which sectors."""

    def warnings(self, caller: Caller, *, after: int, limit: int) -> Rows:
        """What matters to both sides, who saw it first, and the lead times."""

    def indicator(self, caller: Caller, kind: ObservableType, value: str) -> IndicatorEntry:
        """The indicator of this canonical value; raises NotFound. Must be quick: it runs on the event loop."""

    def peers(self, caller: Caller) -> Sequence[PeerView]:
        """All peers."""

    def circles(self, caller: Caller) -> Sequence[CircleView]:
        """All circles."""

    def ledger_head(self, caller: Caller) -> LedgerHead:
        """The ledger's size and root."""

    def metrics(self) -> Sequence[Metric]:
        """Figures without content: counts and durations only, never names or values."""
