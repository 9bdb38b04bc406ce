"""For ``doctor``: who fetches from this node and who enforces for it, what is old, silent, wider than it should be.

A consumer is a tool that fetches a served feed; a point is where an agent acts. Nothing here says whether a tool
works: only when it was last heard of, and what its own words do not agree with.
"""

from __future__ import annotations

from seawall.flow.agent_reports import STALE_SECONDS, AgentStanding, standing
from seawall.flow.book_epoch import epoch_of
from seawall.flow.node import Node
from seawall.flow.served_feeds_kept import TLP_UNLESS_SAID
from seawall.flow.served_feeds_seen import last_seen
from seawall.model import NotFound, rfc3339
from seawall.model.order import Place, Point
from seawall.model.served_feed import ServedFeed
from seawall.policy import TLP_BY_PLACE

DAY = 86_400_000_000  # microseconds
STALE_DAYS = 2  # tools fetch every few minutes; over a weekend somebody may have switched one off
TOKEN_DAYS = 365  # the longest that secrets of machines usually live before they are replaced


def list_consumers(node: Node) -> list[dict[str, object]]:
    """Every consumer of a served feed, by name, with what is wrong with it: one clause each, none when all is well."""
    at = node.clock()
    return [_consumer(node, feed, at) for feed in node.store.served_feeds.list()]


def list_standing(node: Node) -> list[dict[str, object]]:
    """Every enforcement point, by name: its agent, how far behind it is, and the drift that was found there."""
    at, last = node.clock(), node.store.orders.last()
    return [_point(point, standing(node, point.name), last, at) for point in node.store.orders.points()]


def consumers_told(node: Node) -> tuple[bool, str]:
    """Whether all is well with all consumers, and with whom not."""
    found = list_consumers(node)
    said = [f"{one['name']} {clause}" for one in found for clause in _clauses(one)]
    if not found:
        return True, "no tool fetches a feed"
    return not said, "; ".join(said) or f"{len(found)} fetch, each cleared for its place"


def waits_told(node: Node) -> tuple[bool, str]:
    """Whether agents may follow this node's book."""
    epoch = epoch_of(node)
    agents = [point.name for point in node.store.orders.points() if point.fingerprint is not None]
    if epoch.backup_at is None or epoch.approved_at is not None or not agents:
        return True, "no agent waits for people's word"
    moment = rfc3339(epoch.begun_at)[:19] + "Z"
    return False, f"restored at {moment}: {', '.join(agents)} wait until two people run 'seawall agent resume'"


def _consumer(node: Node, feed: ServedFeed, at: int) -> dict[str, object]:
    seen, age = last_seen(node, feed.number), (at - feed.token_since) // DAY
    wrong = []
    if seen is None and at - feed.created_at > STALE_DAYS * DAY:
        wrong.append("never fetched")
    elif seen is not None and at - seen > STALE_DAYS * DAY:
        wrong.append(f"has not fetched for {(at - seen) // DAY} days")
    if age > TOKEN_DAYS:
        wrong.append(f"has a token of {age} days; 'seawall feeds rotate {feed.name}' gives another")
    wrong += _clearance(node, feed)
    return {
        "name": feed.name,
        "format": feed.terms.format,
        "place": feed.terms.place.value,
        "point": feed.terms.point,
        "tlp_at_most": feed.terms.tlp_at_most.label,
        "wider_than_usual": feed.terms.tlp_at_most > TLP_UNLESS_SAID[feed.terms.place],
        "last_seen": None if seen is None else rfc3339(seen),
        "token_days": age,
        "wrong": wrong,
    }


def _clearance(node: Node, feed: ServedFeed) -> list[str]:
    """A point may have been moved since its consumer was added."""
    place: Place = feed.terms.place
    if feed.terms.point is not None:
        try:
            place = node.store.orders.point(feed.terms.point).place
        except NotFound:
            return [f"is for the point {feed.terms.point}, which is gone"]
    if feed.terms.tlp_at_most > TLP_BY_PLACE[place]:
        cleared, most = feed.terms.tlp_at_most.label.upper(), TLP_BY_PLACE[place].label.upper()
        return [f"is cleared for TLP:{cleared}, and its place {place.value} for at most TLP:{most}"]
    if place is not feed.terms.place:
        return [f"was added for place {feed.terms.place.value}, and its point stands at {place.value} now"]
    return []


def _point(point: Point, found: AgentStanding | None, last: int, at: int) -> dict[str, object]:
    told: dict[str, object] = {"name": point.name, "zone": point.zone.value, "place": point.place.value}
    if found is None:
        wrong = [] if point.fingerprint is None else ["its agent never reported"]
        nothing = dict.fromkeys(("last_seen", "behind", "missing", "unexpected", "refused"))
        return told | {"agent": point.fingerprint is not None} | nothing | {"wrong": wrong}
    wrong = [f"{tool.name} is down" for tool in found.tools if tool.condition == "down"]
    if (silent := found.silent_seconds(at)) > STALE_SECONDS:
        wrong.append(f"its agent is silent for {silent:.0f} seconds")
    if found.trouble:
        wrong.append(found.trouble)
    return told | {
        "agent": point.fingerprint is not None,
        "last_seen": rfc3339(found.heard_at),
        "behind": max(0, last - found.sequence),
        "missing": sum(tool.missing for tool in found.tools),
        "unexpected": sum(tool.unexpected for tool in found.tools),
        "refused": found.refused,
        "wrong": wrong,
    }


def _clauses(told: dict[str, object]) -> list[str]:
    wrong = told["wrong"]
    return wrong if isinstance(wrong, list) else []
