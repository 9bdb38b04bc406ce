"""Listing what was found: sightings and warnings, as far as the acting person may see them."""

from __future__ import annotations

from seawall.flow.listing import Listing
from seawall.flow.live_rows import own_sightings
from seawall.flow.node import Node
from seawall.match import summaries
from seawall.model import Actor, SightingSummary, Warning, rfc3339
from seawall.policy import visibility

MAX_PAGE = 10_000  # rows of one answer


def list_sightings(node: Node, *, limit: int, after: int, actor: Actor | None = None) -> Listing:
    """Sightings by our own sensors first (by type, value, side), then what peers told us; ``after`` counts rows."""
    seen = visibility(actor or node.require("read"))
    limit = max(1, min(limit, MAX_PAGE))
    with node.lake.reading() as session:
        table = own_sightings(node, session, node.store.indicators.keys())
    ours = table.num_rows
    items: list[SightingSummary] = []
    if after < ours:
        items = [item for item in summaries(table.slice(after, limit)) if item.tlp <= seen.tlp_at_most]
        following: int | None = after + limit if after + limit < ours else ours
    else:
        page = node.store.sightings.list(seen, after=after - ours, limit=limit)
        items = [item for item in page.items if item.origin is not None]
        following = ours + page.next if page.next is not None else None
    if after < ours and following == ours and not node.store.sightings.list(seen, limit=1).items:
        following = None
    return Listing([sighting_row(item) for item in items], following)


def list_warnings(node: Node, *, limit: int, after: int, actor: Actor | None = None) -> Listing:
    """Warnings, drawn anew when anything they rest on has changed; newest change last."""
    from seawall.flow.warning import refresh_warnings

    seen = visibility(actor or node.require("read"))
    refresh_warnings(node)
    page = node.store.warnings.list(seen, after=after, limit=max(1, min(limit, MAX_PAGE)))
    return Listing([warning_row(item) for item in page.items], page.next)


def sighting_row(item: SightingSummary) -> dict[str, object]:
    """One sighting as the doors show it."""
    return {
        "type": item.type.value,
        "value": item.value,
        "side": item.side,
        "first_seen": rfc3339(item.first_seen),
        "last_seen": rfc3339(item.last_seen),
        "count": item.count,
        "sectors": list(item.sectors),
        "indicator_id": item.indicator_id,
        "basis": list(item.basis),
        "tlp": item.tlp.label,
        "pap": item.pap.label,
        "origin": item.origin,
    }


def warning_row(item: Warning) -> dict[str, object]:
    """One warning as the doors show it (keys of DESIGN section 5, then the explanation)."""
    return {
        "value": item.value,
        "type": item.type.value,
        "first_side": item.first_side,
        "first_seen": rfc3339(item.first_seen),
        "other_side": item.other_side,
        "other_first_seen": _moment(item.other_first_seen),
        "told_at": _moment(item.told_at),
        "raw_lead_seconds": item.raw_lead_seconds,
        "usable_lead_seconds": item.usable_lead_seconds,
        "sectors": list(item.sectors),
        "confidence": item.confidence,
        "indicators": list(item.indicator_ids),
        "campaigns": list(item.campaigns),
        "reasons": list(item.reasons),
    }


def _moment(value: int | None) -> str | None:
    return rfc3339(value) if value is not None else None
