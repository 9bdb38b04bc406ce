"""The ricochet of this node's campaigns: from sector to sector and from side to side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.flow.authority import require
from seawall.flow.campaigns_shown import grouped_at
from seawall.flow.node import Node
from seawall.model import Actor, Fault, rfc3339
from seawall.model.campaign import Campaign
from seawall.policy import visibility

if TYPE_CHECKING:
    from seawall.warn.lead import Interval
    from seawall.warn.ricochet import Hit, Ricochet

BY = ("sector", "side", "side-sector")
HOUR = 3_600_000_000
MAX_HOURS = 24 * 366
PAGE = 10_000
UNKNOWN = "unknown"  # the sector of sensors that nobody described: no place to be warned


def picture(
    node: Node, *, by: str = "sector", hours: float = 24 * 7, actor: Actor | None = None
) -> tuple[Ricochet, int]:
    """The ricochet over all campaigns that the asker may see, and how many were left out as one peer's word alone.

    Raises Fault E-FLOW-807 for another ``by``, E-FLOW-808 for a bound that is no time.
    """
    from seawall.warn.ricochet import ricochet

    who = node.require("read") if actor is None else actor
    require(who, "read")
    if by not in BY:
        raise Fault("E-FLOW-807", "There is no {given} to group by; use one of {known}.", given=repr(by[:40]),
                    known=", ".join(BY))  # fmt: skip
    if not 0 < hours <= MAX_HOURS:
        raise Fault("E-FLOW-808", "A next hit is waited for more than 0 and at most {most} hours.", most=MAX_HOURS)
    campaigns = list(_campaigns(node, who))
    counted = [one for one in campaigns if one.only_from is None]
    until = max((one.last_seen for one in campaigns), default=0)
    found = ricochet([list(_hits(one, by)) for one in counted], bound=round(hours * HOUR), observed_until=until)
    return found, len(campaigns) - len(counted)


def describe(
    node: Node,
    *,
    by: str = "sector",
    hours: float = 24 * 7,
    origin: str | None = None,
    actor: Actor | None = None,
) -> tuple[dict[str, object], Ricochet]:
    """As JSON: campaigns, chains, bound_hours, observed_until, weakest, items, places ...; and the picture itself."""
    found, told_only = picture(node, by=by, hours=hours, actor=actor)
    shown = [one for one in found.transitions if origin is None or one.origin == origin]
    from seawall.warn.ricochet import MIN_CAMPAIGNS, MIN_DELAYS

    ranked = (one for one in found.places if one.share_first is not None and one.first > one.expected_first)
    weakest = next((one.place for one in ranked), None)
    document: dict[str, object] = {
        "by": by,
        "from": origin,
        "grouped_at": grouped_at(node),
        "campaigns": found.campaigns,
        "chains": found.chains,
        "left_out_one_peer_alone": told_only,
        "bound_hours": found.bound_hours,
        "observed_until": rfc3339(found.observed_until) if found.observed_until else None,
        "min_campaigns": MIN_CAMPAIGNS,
        "min_delays": MIN_DELAYS,
        "weakest": weakest,
        "items": [
            {
                "from": one.origin,
                "to": one.target,
                "count": one.count,
                "campaigns": one.campaigns,
                "expected_by_chance": one.expected,
                "share": one.share,
                "share_interval": _pair(one.interval),
                "median_hours": one.median_hours,
                "median_interval": _pair(one.median_interval),
                "warn_within_hours": one.warn_within_hours,
                "not_enough": one.short_of,
            }
            for one in shown
        ],
        "next": None,
        "places": [
            {
                "place": one.place,
                "campaigns": one.campaigns,
                "chains": one.chains,
                "first": one.first,
                "expected_first_by_chance": one.expected_first,
                "share_first": one.share_first,
                "share_first_interval": _pair(one.first_interval),
                "goes_on": one.goes_on,
                "goes_on_interval": _pair(one.goes_on_interval),
            }
            for one in found.places
            if origin is None or one.place == origin
        ],
        "places_left_out": found.places_left_out,
    }
    return document, found


def _campaigns(node: Node, who: Actor) -> Iterator[Campaign]:
    after: int | None = 0
    while after is not None:
        page = node.store.campaigns.list(visibility(who), after=after, limit=PAGE)
        yield from page.items
        after = page.next


def _hits(campaign: Campaign, by: str) -> Iterator[Hit]:
    from seawall.warn.ricochet import Hit

    for one in campaign.arrivals:
        if by == "side":
            yield Hit(one.side, one.first_seen)
        elif one.sector != UNKNOWN:
            yield Hit(one.sector if by == "sector" else f"{one.side} {one.sector}", one.first_seen)


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]
