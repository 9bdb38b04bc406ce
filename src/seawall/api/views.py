"""What the API shows, as structs: they are also the schema in OpenAPI. Times are RFC 3339 UTC with six digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seawall.api.interface import CircleView, EventCount, NodeStatus, PeerView
from seawall.model import rfc3339
from seawall.model.indicator import IndicatorEntry


class Listing(msgspec.Struct, frozen=True):
    """A page of rows; ``next`` is the ``after`` of the following page, null at the end."""

    items: Sequence[Mapping[str, object]]
    next: int | None = None


class EventsRow(msgspec.Struct, frozen=True):
    """Events of one sector of one side in one hour."""

    hour: str
    side: str
    sector: str
    count: int
    hostile: int


class EventsListing(msgspec.Struct, frozen=True):
    """Events by hour, side and sector."""

    items: Sequence[EventsRow]
    next: None = None


class IndicatorRow(msgspec.Struct, frozen=True):
    """One indicator."""

    type: str
    value: str
    indicator_id: str
    campaign: str | None
    description: str | None
    confidence: int | None
    tlp: str
    pap: str
    valid_from: str | None
    valid_until: str | None
    origin: str | None
    sources: tuple[str, ...]


class PeerRow(msgspec.Struct, frozen=True):
    """One peer and its last synchronisation."""

    code_name: str
    name: str
    state: str
    url: str
    fingerprint: str
    circles: tuple[str, ...]
    last_sync: str | None
    received: int
    sent: int
    withheld: int
    problem: str | None


class PeersListing(msgspec.Struct, frozen=True):
    """All peers."""

    items: Sequence[PeerRow]
    next: None = None


class CirclesListing(msgspec.Struct, frozen=True):
    """All circles."""

    items: Sequence[CircleView]
    next: None = None


class StatusView(msgspec.Struct, frozen=True):
    """Counts and moments."""

    events: int
    indicators: int
    sightings: int
    warnings: int
    quarantined: int
    last_ingest: str | None
    last_match: str | None
    first_event: str | None
    last_event: str | None


def moment(at: int | None) -> str | None:
    """RFC 3339, or None."""
    return None if at is None else rfc3339(at)


def events_listing(counts: Sequence[EventCount]) -> EventsListing:
    """As the API shows them."""
    return EventsListing([EventsRow(rfc3339(c.hour), c.side, c.sector, c.count, c.hostile) for c in counts])


def indicator_row(entry: IndicatorEntry) -> IndicatorRow:
    """As the API shows it; the STIX body has its own door (TAXII)."""
    return IndicatorRow(
        type=entry.type.value,
        value=entry.value,
        indicator_id=entry.indicator_id,
        campaign=entry.campaign,
        description=entry.description,
        confidence=entry.confidence,
        tlp=entry.tlp.label,
        pap=entry.pap.label,
        valid_from=moment(entry.valid_from),
        valid_until=moment(entry.valid_until),
        origin=entry.origin,
        sources=entry.sources,
    )


def peer_row(peer: PeerView) -> PeerRow:
    """As the API shows it."""
    return PeerRow(
        code_name=peer.code_name,
        name=peer.name,
        state=peer.state,
        url=peer.url,
        fingerprint=peer.fingerprint,
        circles=peer.circles,
        last_sync=moment(peer.last_sync),
        received=peer.received,
        sent=peer.sent,
        withheld=peer.withheld,
        problem=peer.problem,
    )


def status_view(status: NodeStatus) -> StatusView:
    """As the API shows it."""
    return StatusView(
        events=status.events,
        indicators=status.indicators,
        sightings=status.sightings,
        warnings=status.warnings,
        quarantined=status.quarantined,
        last_ingest=moment(status.last_ingest),
        last_match=moment(status.last_match),
        first_event=moment(status.first_event),
        last_event=moment(status.last_event),
    )
