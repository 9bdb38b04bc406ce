"""Campaigns that were released: what became of each since, so that nobody holds a grouping that we gave up.

Campaigns merge, grow and end with every run; what was released stays as it was told until a person acts. This says
which need one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from seawall.flow.campaigns_told import TOLD_AT
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.messages import mark, translate
from seawall.model import NotFound, Visibility, rfc3339
from seawall.model.campaign import Campaign
from seawall.model.campaign_source import CAMPAIGNS
from seawall.model.stored import StoredObject
from seawall.policy import visibility

PAGE = 500
STATES = {
    "current": "",
    "changed": mark("Release it again, so that its readers know what it holds now."),
    "merged": mark("It went into {into}: recall it, and release that one instead."),
    "ended": mark("It holds no value any more: recall it."),
    "recalled": "",
}
"""What may have become of a released campaign, and what a person should do then."""


class _Released(NamedTuple):
    told: StoredObject
    at: int
    id: str
    circles: tuple[str, ...]  # in which it still stands
    campaign: Campaign | None  # None: all were grouped anew, and none has this id

    @property
    def into(self) -> str | None:
        """The campaign that took it in."""
        return None if self.campaign is None else self.campaign.merged_into


def released_campaigns(node: Node, *, lang: str = "en") -> list[dict[str, object]]:
    """Own campaigns that were released, those that need a person first.

    JSON of a row: id, campaign (its STIX id), name (as told), told_at, circles (where it stands), values
    (now), state (current, changed, merged, ended, recalled), merged_into, to_do (a sentence in the reader's language;
    empty: nothing).
    """
    rows: list[dict[str, object]] = []
    for one in _released(node, visibility(node.require("read"))):
        state = _state(node, one)
        rows.append(
            {
                "id": one.id,
                "campaign": one.told.id,
                "name": str(msgspec.json.decode(one.told.body).get("name", "")),
                "told_at": rfc3339(one.at),
                "circles": list(one.circles),
                "values": 0 if one.campaign is None else one.campaign.values,
                "state": state,
                "merged_into": one.into,
                "to_do": translate(STATES[state], lang, into=one.into or "-") if STATES[state] else "",
            }
        )
    return sorted(rows, key=lambda row: (not row["to_do"], str(row["told_at"])))


def count_stale(node: Node) -> int:
    """How many released campaigns need a person, for the node's own job."""
    return sum(bool(STATES[_state(node, one)]) for one in _released(node, WHOLE_NODE))


def _released(node: Node, seen: Visibility) -> Iterator[_Released]:
    after: int | None = 0
    while after is not None:
        page = node.store.objects.list(seen, types=["campaign"], after=after, limit=PAGE)
        ours = [item for item in page.items if item.source == CAMPAIGNS]
        notes = node.store.notes.several([TOLD_AT + item.id for item in ours])
        for item in ours:
            at, _, id = notes.get(TOLD_AT + item.id, "").partition(" ")
            if not at:
                continue  # made, and let through to nobody
            sent = node.store.recalls.sent(item.id)
            circles = {row.circle for row in sent if row.version == item.version and row.withdrawn_at is None}
            kept = _kept(node, id, WHOLE_NODE)
            if kept is None or _kept(node, id, seen) is not None:
                yield _Released(item, int(at), id, tuple(sorted(circles)), kept)
        after = page.next


def _kept(node: Node, id: str, seen: Visibility) -> Campaign | None:
    try:
        return node.store.campaigns.get(id, visibility=seen)
    except NotFound:
        return None


def _state(node: Node, one: _Released) -> str:
    if one.told.revoked or not one.circles:
        return "recalled"
    if one.into is not None:
        return "merged"
    if one.campaign is None or not one.campaign.values:
        return "ended"
    since = any(entry.at > one.at for entry in node.store.campaigns.history(one.id))
    return "changed" if since else "current"
