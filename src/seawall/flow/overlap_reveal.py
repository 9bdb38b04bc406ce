"""A person tells more of what both hold: a tier for one value or for all, within policy and after evidence."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.codec.values import detect, refang
from seawall.flow.node import Node
from seawall.flow.overlap import exchange, item_row
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.overlap_evidence import open_ours, tell
from seawall.flow.overlap_state import alone_with
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, ObservableType
from seawall.model.overlap import OverlapItem, Tier

PAGE = 10_000


def reveal(
    node: Node,
    peer: str,
    tier: int,
    *,
    value: str | None = None,
    type: ObservableType | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> dict[str, object]:
    """Permit a tier, in the acting person's name, and begin to tell; what evidence holds up is told later by itself.

    Raises Refused E-FLOW-004 for who may not release, Fault E-FLOW-560 for another tier, NotFound E-FLOW-552 for a
    value that is not held by both.
    """
    person, second = node.require("release"), node.approver
    if tier not in (Tier.SEEN, Tier.SECTOR, Tier.DETAILS):
        raise Fault("E-FLOW-560", "Tier {given} cannot be revealed; use 2 (when), 3 (sectors) or 4 (details).",
                    given=tier)  # fmt: skip
    overlap_circles(node, peer)
    people = (person.name,) if second is None else (person.name, second.name)
    with alone_with(node, peer):
        items = _chosen(node, peer, value, type)
        if second is not None:
            subject = f"{peer} tier {tier} {len(items)}"
            node.store.approvals.both("overlap", subject, person.name, second.name, node.clock())
        node.event(EventKind.OVERLAP_PERMITTED, peer, tier=int(tier), values=len(items), approved_by=list(people))
        permitted = [
            msgspec.structs.replace(item, permitted=max(item.permitted, Tier(tier)), permitted_by=people, reason="")
            for item in items
        ]
        node.store.overlaps.change(permitted)
        open_ours(node, peer, [item for item in permitted if item.opened_at is None])
        tell(node, peer)
    _, problems = exchange(node, peer, on_step)
    now = {(item.type, item.value): item for item in _chosen(node, peer, value, type)}
    shown = [now[item.type, item.value] for item in items if (item.type, item.value) in now]
    return {
        "peer": peer,
        "tier": int(tier),
        "values": len(shown),
        "told": sum(item.given >= min(tier, Tier.DETAILS) for item in shown),
        "waiting": sum(item.given < tier and not item.reason for item in shown),
        "held_back": sum(item.given < tier and bool(item.reason) for item in shown),
        "approved_by": list(people),
        "items": [item_row(item) for item in shown[:PAGE]],
        "next": None,
        "problems": problems,
    }


def _chosen(node: Node, peer: str, value: str | None, type: ObservableType | None) -> list[OverlapItem]:
    if value is None:
        return _all(node, peer, type)
    plain = refang(value.strip())
    found = detect(plain)
    types = [type] if type is not None else [found.type] if found is not None else []
    canonical = found.value if found is not None else plain
    items = list(node.store.overlaps.find(peer, [(one, canonical) for one in types]))
    if not items:
        raise NotFound("E-FLOW-552", "{value} is not among what {peer} and you both hold.", value=ascii(value[:100]),
                       peer=peer)  # fmt: skip
    return items


def _all(node: Node, peer: str, type: ObservableType | None) -> list[OverlapItem]:
    items: list[OverlapItem] = []
    after: int | None = 0
    while after is not None:
        page = node.store.overlaps.list(peer, type=type, after=after, limit=PAGE)
        items += page.items
        after = page.next
    return items
