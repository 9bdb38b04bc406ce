"""What would leave without a click, before anybody agrees to it: the very decisions of a fill, and nothing is written.

The order is that of ``outgoing.fill_outboxes``: changed indicators, then other objects, page by page, each page decided
by ``outgoing.decide_items``. Two things are supposed: that the member has agreed to the terms as they are now, and that
what an earlier page would have sent stands in its outbox. So what a dry run lists is what the next fill puts out.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from seawall.codec.value_indicator import CREATED
from seawall.flow.node import Node
from seawall.flow.outgoing import Cursor, changed_pages, decide_items, standing_in_outbox
from seawall.flow.usage import Usage
from seawall.model import NotFound, Release, rfc3339
from seawall.model.circle import CircleTerms
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE

DAY = 86_400_000_000  # microseconds
MAX_ITEMS = 10_000  # listed; all are counted
SHOWN = 200  # characters of what an object says
UNDATED = frozenset({CREATED})  # lists without dates: nobody knows, so it counts as new
Progress = Callable[[int], None]


class _Says(msgspec.Struct):
    """The property by which people know an object."""

    pattern: str = ""
    name: str = ""
    value: str = ""
    sighting_of_ref: str = ""
    modified: str = ""


def dry_run(
    node: Node,
    circle: str,
    *,
    member: str | None = None,
    days: int = 30,
    limit: int = 1_000,
    on_page: Progress | None = None,
) -> dict[str, object]:
    """What the standing releases of ``circle`` would send now, to one member or to all.

    ``would_send`` counts what changed in the last ``days`` (STIX ``modified``), ``earlier`` what is older and would go
    too; ``items`` lists the newest ``limit`` of both. ``stopped_by_cap``: more waits behind the caps. Raises NotFound
    for the circle, NotFound E-FLOW-406 for somebody who is not in it.
    """
    node.require("preview")
    terms = node.store.circles.get(circle)
    members = sorted(terms.members - terms.exclusions) if member is None else [_seated(terms, member)]
    since = rfc3339(node.clock() - days * DAY)
    tally = _Tally(min(limit, MAX_ITEMS), since)
    capped = [name for name in members if _run(node, terms, name, tally, on_page)]
    return {
        "circle": circle,
        "version": terms.version,
        "days": days,
        "would_send": tally.recent,
        "earlier": tally.earlier,
        "by_recipient": dict(sorted(tally.recipients.items())),
        "by_type": dict(sorted(tally.types.items())),
        "by_rule": dict(sorted(tally.rules.items())),
        "stays": dict(sorted(tally.stays.items())),
        "stopped_by_cap": capped,
        "items": tally.items(),
    }


def _said(body: bytes) -> _Says:
    try:
        return msgspec.json.decode(body, type=_Says)
    except UNREADABLE:
        return _Says()


class _Tally:
    """Counts of everything, and the newest few themselves."""

    def __init__(self, most: int, since: str) -> None:
        self.recent = self.earlier = 0
        self.recipients: Counter[str] = Counter()
        self.types: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.stays: Counter[str] = Counter()
        self._most, self._since = most, since
        self._newest: list[tuple[str, int, dict[str, object]]] = []
        self._number = 0

    def add(self, release: Release) -> None:
        """Everything that one release would let go."""
        for item in release.objects:
            said = _said(item.body)
            if said.modified >= self._since or said.modified in UNDATED:
                self.recent += 1
            else:
                self.earlier += 1
            kind = item.id.partition("--")[0]
            self.recipients[release.recipient] += 1
            self.types[kind] += 1
            self.rules[release.rule] += 1
            what = said.pattern or said.name or said.value or said.sighting_of_ref
            shown: dict[str, object] = {
                "recipient": release.recipient,
                "id": item.id,
                "type": kind,
                "version": item.version,
                "rule": release.rule,
                "what": what[:SHOWN],
            }
            self._number += 1
            entry = (said.modified, self._number, shown)
            if len(self._newest) < self._most:
                heapq.heappush(self._newest, entry)
            elif self._most:
                heapq.heappushpop(self._newest, entry)

    def items(self) -> list[dict[str, object]]:
        """The newest first."""
        return [shown for _, _, shown in sorted(self._newest, key=lambda entry: entry[:2], reverse=True)]


def _seated(terms: CircleTerms, member: str) -> str:
    if member not in terms.members or member in terms.exclusions:
        raise NotFound("E-FLOW-406", "{name} is not seated in the circle {circle}.", name=repr(member[:64]),
                       circle=terms.name)  # fmt: skip
    return member


def _run(node: Node, terms: CircleTerms, member: str, tally: _Tally, on_page: Progress | None) -> bool:
    """One member; True when the caps were used up before the end."""
    usage = Usage.load(node, terms.name)
    there = standing_in_outbox(node, terms.name, member)
    sent: set[str] = set()
    looked = 0
    for page in changed_pages(node, Cursor(), usage, terms):
        fresh = [item for item in page.items if (item.id, item.version) not in there]
        _decide(node, terms, member, fresh, usage, sent, tally)
        looked += len(page.items)
        if on_page is not None:
            on_page(looked)
    return usage.room(terms, node.clock()) <= 0


def _decide(
    node: Node,
    terms: CircleTerms,
    member: str,
    items: Sequence[StoredObject],
    usage: Usage,
    sent: set[str],
    tally: _Tally,
) -> None:
    if not items:
        return
    decision = decide_items(node, terms, member, items, usage, as_if_sent=sent, as_if_agreed=True)
    tally.stays.update(refused.rule for refused in decision.withheld)
    for release in decision.releases:
        tally.add(release)
        sent |= {item.id for item in release.objects}
        usage.add(release.rule.removeprefix("standing:"), len(release.objects), node.clock())
