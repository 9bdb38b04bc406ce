"""What a peer holds of ours: what left for it by the ledger, and what stands or stood in an outbox for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from seawall.codec.sharing import indicator_values
from seawall.flow.node import Node
from seawall.model import Fault, Tlp, rfc3339
from seawall.model.recall import RecallState
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.unreadable import UNREADABLE
from seawall.policy import visibility

PAGE = 1_000
OUTBOX_RULE = "outbox"  # of the leaf that a page writes when it leaves; what filled the outbox is named otherwise
TLP_OF = {id: tlp for tlp, id in TLP2_IDS.items()}

Progress = Callable[[int], None]
"""Called now and then with the leaves and rows looked at so far."""


class _Held(msgspec.Struct):
    """One object as the peer may hold it. Moments in microseconds UTC."""

    id: str
    type: str
    tlp: Tlp
    circles: set[str]
    versions: set[str]
    withdrawn: bool
    values: list[str]
    first_sent: int | None = None
    last_sent: int | None = None


class _Marked(msgspec.Struct):
    object_marking_refs: list[str] = []


def exposure(
    node: Node, name: str, *, limit: int = 100, after: int = 0, progress: Progress | None = None
) -> dict[str, object]:
    """Counts by type, marking and circle, and a page of objects (by id).

    An object counts as sent once a leaf says that it left; one that only stands in an outbox waits. ``values`` are
    shown to whom the object's marking permits them. Raises NotFound E-STORE-051 for nobody.
    """
    person = node.require("read")
    if node.store.mail_peers.find(name) is None and not any(user.name == name for user in node.store.users.list()):
        node.store.peers.get(name)
    seen = visibility(person)
    held = _from_outboxes(node, name, progress)
    _from_ledger(node, name, held, progress)
    sent = {id: one for id, one in held.items() if one.first_sent is not None}
    recalled = {row.object_id: row.state for row in _recalls(node, name)}
    order = sorted(sent)
    shown = [
        _shown(sent[id], recalled.get(id), sent[id].tlp <= seen.tlp_at_most) for id in order[after : after + limit]
    ]
    firsts = [one.first_sent for one in sent.values() if one.first_sent is not None]
    lasts = [one.last_sent for one in sent.values() if one.last_sent is not None]
    return {
        "peer": name,
        "objects": len(sent),
        "waiting": len(held) - len(sent),
        "by_type": dict(sorted(Counter(one.type for one in sent.values()).items())),
        "by_tlp": dict(sorted(Counter(one.tlp.label for one in sent.values()).items())),
        "by_circle": dict(sorted(Counter(circle for one in sent.values() for circle in one.circles).items())),
        "first_sent": rfc3339(min(firsts)) if firsts else None,
        "last_sent": rfc3339(max(lasts)) if lasts else None,
        "recalled": sum(1 for id in sent if id in recalled or sent[id].withdrawn),
        "confirmed": sum(1 for id in sent if recalled.get(id) is RecallState.CONFIRMED),
        "items": shown,
        "next": after + limit if after + limit < len(order) else None,
    }


def _from_outboxes(node: Node, name: str, progress: Progress | None) -> dict[str, _Held]:
    held: dict[str, _Held] = {}
    seated = {terms.name for terms in node.store.circles.list() if name in terms.members}
    after = 0
    while rows := node.store.recalls.sent_to(name, after=after, limit=PAGE):
        for _, row, body in rows:
            if row.recipients is None and row.circle not in seated:
                continue
            one = held.setdefault(
                row.object_id,
                _Held(row.object_id, row.object_id.partition("--")[0], Tlp.CLEAR, set(), set(), False, []),
            )
            one.tlp = max(one.tlp, _tlp_of(body))
            one.circles.add(row.circle)
            one.versions.add(row.version)
            one.withdrawn = row.withdrawn_at is not None or b'"revoked":true' in body
            one.values = one.values or _values(body)
        after = rows[-1][0]
        if progress is not None:
            progress(after)
    return held


def _from_ledger(node: Node, name: str, held: dict[str, _Held], progress: Progress | None) -> None:
    after: int | None = -1
    while after is not None:
        page = node.ledger.show(PAGE, after)
        for leaf in page.items:
            if leaf.kind != "release" or leaf.recipient != name or leaf.rule != OUTBOX_RULE or leaf.at is None:
                continue
            for item in leaf.event.get("objects", ()):
                one = held.get(item[0])
                if one is not None:
                    one.first_sent = leaf.at if one.first_sent is None else min(one.first_sent, leaf.at)
                    one.last_sent = leaf.at if one.last_sent is None else max(one.last_sent, leaf.at)
        after = page.next
        if progress is not None and after is not None:
            progress(after)


def _recalls(node: Node, name: str) -> list[_Recalled]:
    found: list[_Recalled] = []
    after: int | None = 0
    while after is not None:
        page = node.store.recalls.list(after=after, limit=10_000)
        found += [_Recalled(row.object_id, row.state) for row in page.items if row.peer == name]
        after = page.next
    return found


class _Recalled(msgspec.Struct, frozen=True):
    object_id: str
    state: RecallState


def _shown(one: _Held, state: RecallState | None, may_see: bool) -> dict[str, object]:
    return {
        "id": one.id,
        "type": one.type,
        "tlp": one.tlp.label,
        "circles": sorted(one.circles),
        "versions": len(one.versions),
        "first_sent": None if one.first_sent is None else rfc3339(one.first_sent),
        "last_sent": None if one.last_sent is None else rfc3339(one.last_sent),
        "recalled": state is not None or one.withdrawn,
        "recall": None if state is None else state.value,
        "values": one.values if may_see else None,
    }


def _tlp_of(body: bytes) -> Tlp:
    """The TLP of a body that left; released bodies are marked, and one that is not counts as the strictest."""
    try:
        refs = msgspec.json.decode(body, type=_Marked).object_marking_refs
    except UNREADABLE:
        refs = []
    return max((TLP_OF[ref] for ref in refs if ref in TLP_OF), default=Tlp.CLEAR if refs else Tlp.RED)


def _values(body: bytes) -> list[str]:
    if b'"indicator"' not in body:
        return []
    try:
        return [value.value for value in indicator_values(body)]
    except (Fault, *UNREADABLE):
        return []
