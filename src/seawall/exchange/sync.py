"""One synchronisation with one peer: fetch what is new, then push what is new; only the difference travels.

Notices go first, both ways. Then for each circle we share: (1) walk the peer's collection from the kept cursor; (2)
each page goes through the inbound desk; (3) the cursor is saved after the page is stored, so a kill repeats at most
one page; (4) the release service says what may go out, already recorded in the ledger; (5) it is posted to the peer's
collection of that circle, which is its inbox; (6) the sending cursor is saved after the peer has decided. A Fault at
any step leaves both cursors where they were.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from seawall.exchange.bounds import DEFAULT_BOUNDS, Bounds
from seawall.exchange.inbound import InboundDesk
from seawall.exchange.interface import collection_id
from seawall.exchange.notices import NoticeDesk
from seawall.exchange.peers import require_verified
from seawall.exchange.taxii.paths import API_ROOT_PATH
from seawall.model import NotFound, Recorded, Release
from seawall.model.peer import PeerRecord

if TYPE_CHECKING:
    from seawall.exchange.taxii import Crossing, TaxiiClient

RECEIVE = "receive"
SEND = "send"


class Outgoing(msgspec.Struct, frozen=True):
    """The next part of what may go to a peer in a circle. ``cursor`` is saved once the peer has it."""

    released: Recorded[Release] | None = None
    cursor: str | None = None
    more: bool = False
    withheld: int = 0


class CursorStore(Protocol):
    """``store.sync``: where each direction of each circle with each peer stands."""

    def cursor(self, peer: str, circle: str, direction: str) -> str | None:
        """The kept cursor, None at the beginning."""

    def set_cursor(self, peer: str, circle: str, direction: str, cursor: str) -> None:
        """Keep it; durable when this returns."""


class ReleaseService(Protocol):
    """Policy, ledger and outbox on the sending side."""

    def pending(self, peer: str, circle: str, after: str | None, limit: int) -> Outgoing:
        """At most ``limit`` objects added to our outbox of ``circle`` for ``peer`` after cursor ``after``."""


class SyncDeps(msgspec.Struct, frozen=True):
    """What ``flow`` hands down. ``context`` is our TLS client side: our certificate, trust in this peer's."""

    circles: Sequence[str]
    cursors: CursorStore
    desk: InboundDesk
    releases: ReleaseService
    context: ssl.SSLContext
    bounds: Bounds = DEFAULT_BOUNDS
    on_crossing: Callable[[Crossing], None] | None = None
    notices: NoticeDesk | None = None
    same_keys: Callable[[], bool] = lambda: True  # asked after the notices: whether both sides' keys are what they were


class SyncReport(msgspec.Struct, frozen=True):
    """``received`` and ``sent``: objects accepted here and there; ``problems``: sentences for our own people."""

    received: int
    sent: int
    withheld: int
    seconds: float
    unchanged: int = 0  # received before
    rejected: int = 0  # received and not accepted by us
    refused: int = 0  # sent and not accepted by the peer
    problems: tuple[str, ...] = ()
    again: bool = False  # a notice changed the keys of one side: nothing more was exchanged under the former ones


class _Tally:
    def __init__(self) -> None:
        self.received = self.unchanged = self.rejected = self.sent = self.withheld = self.refused = 0
        self.problems: list[str] = []


def sync(peer: PeerRecord, deps: SyncDeps) -> SyncReport:
    """Synchronise once. Raises Refused E-EXCHANGE-023, Unavailable or Refused E-EXCHANGE-1xx.

    A circle that the peer does not offer (yet) is a problem in the report, not an end.
    """
    # an HTTP client, which whoever only asks how the last one went does without
    from seawall.exchange.notices import exchange_notices
    from seawall.exchange.taxii import TaxiiClient, Wire

    started = time.monotonic()
    require_verified(peer)
    tally = _Tally()
    wire = Wire(
        peer.code_name,
        bounds=deps.bounds,
        context=deps.context,
        pin=peer.certificate_sha256,
        on_crossing=deps.on_crossing,
    )
    with TaxiiClient(wire, deps.bounds) as client:
        if deps.notices is not None:
            tally.problems += exchange_notices(wire, peer, deps.notices)
        again = not deps.same_keys()
        for circle in () if again else deps.circles:
            try:
                _receive(client, peer, circle, deps, tally)
                _send(client, peer, circle, deps, tally)
            except NotFound:
                tally.problems.append(f"{peer.code_name} does not offer the circle {circle} to us yet")
    return SyncReport(
        received=tally.received,
        sent=tally.sent,
        withheld=tally.withheld,
        seconds=time.monotonic() - started,
        unchanged=tally.unchanged,
        rejected=tally.rejected,
        refused=tally.refused,
        problems=tuple(tally.problems),
        again=again,
    )


def _root(peer: PeerRecord) -> str:
    return f"{peer.url.rstrip('/')}{API_ROOT_PATH}/"


def _receive(client: TaxiiClient, peer: PeerRecord, circle: str, deps: SyncDeps, tally: _Tally) -> None:
    kept = deps.cursors.cursor(peer.code_name, circle, RECEIVE)
    for page in client.walk(_root(peer), collection_id(peer.node_id, circle), kept):
        taken = deps.desk.take(peer.code_name, circle, page.bodies)
        deps.cursors.set_cursor(peer.code_name, circle, RECEIVE, page.cursor)
        tally.received += taken.counts.new + taken.counts.updated
        tally.unchanged += taken.counts.unchanged
        tally.rejected += taken.rejected
        if page.doubt is not None and page.doubt not in tally.problems:
            tally.problems.append(page.doubt)


def _send(client: TaxiiClient, peer: PeerRecord, circle: str, deps: SyncDeps, tally: _Tally) -> None:
    while True:
        kept = deps.cursors.cursor(peer.code_name, circle, SEND)
        outgoing = deps.releases.pending(peer.code_name, circle, kept, deps.bounds.page_objects)
        tally.withheld += outgoing.withheld
        if outgoing.released is not None:
            status = client.add_objects(_root(peer), collection_id(peer.node_id, circle), outgoing.released)
            tally.sent += status.success_count
            tally.refused += status.failure_count
            if status.failure_count:
                said = "; ".join(status.reasons) or "it names none"
                tally.problems.append(
                    f"{peer.code_name} did not take {status.failure_count} objects of the circle {circle}: {said}"
                )
        if outgoing.cursor is not None and outgoing.cursor != kept:
            deps.cursors.set_cursor(peer.code_name, circle, SEND, outgoing.cursor)
        elif outgoing.more:
            raise RuntimeError("the release service does not advance")
        if not outgoing.more:
            return
