"""What a peer takes back leaves this node: its words, its objects, what rests on them alone, and those we passed it to.

Only what that very peer sent goes: what we or others said about the same stays. The answer is a signed receipt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seawall.codec.sharing import keys_of, read_sighting
from seawall.flow.context import find_objects
from seawall.flow.live_arrivals import arrived, told_together
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.recall import emptied
from seawall.flow.recall_sending import IN_ONE_NOTICE, Answer, Asked, take_back
from seawall.flow.recall_told import forget_told, taken_from
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Observable, Refused, rfc3339
from seawall.model.notice import Notice, NoticeKind
from seawall.model.overlap import OverlapItem
from seawall.model.recall import RecallCause, RecallRow, RecallState
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE

MAX_ID, MAX_ACT, MAX_CIRCLES = 300, 64, 1_000
NOTHING, WITHDRAWN, KEPT = "nothing-held", "withdrawn", "kept"


class _Recall(msgspec.Struct, frozen=True):
    act: str
    cause: RecallCause
    objects: tuple[Asked, ...]


def obey(node: Node, notice: Notice) -> None:
    """Takes out what the notice names and answers. Raises Refused E-FLOW-310 for a notice that cannot be read."""
    asked = _read(notice)
    told = taken_from(node, notice.peer) if any(item.told for item in asked.objects) else {}
    with told_together(node):
        answers = [_one(node, notice.peer, asked, item, told) for item in asked.objects]
    gone = [answer.id for answer in answers if answer.what == WITHDRAWN]
    details: dict[str, str | int | list[str]] = {
        "act": asked.act,
        "cause": asked.cause.value,
        "objects": len(answers),
        "withdrawn": gone,
    }
    at = node.clock()
    node.ledger.record_event(LedgerEvent(EventKind.RECALL_OBEYED, at, notice.peer, notice.peer, details))
    body = {"act": asked.act, "at": rfc3339(at), "objects": answers}
    send_notice(node, notice.peer, NoticeKind.RECEIPT, body)
    pass_on(node, gone, notice.peer)


def _read(notice: Notice) -> _Recall:
    try:
        asked = msgspec.convert(notice.body, _Recall)
    except msgspec.ValidationError:
        asked = None
    if (
        asked is None
        or len(asked.act) > MAX_ACT
        or len(asked.objects) > IN_ONE_NOTICE
        or any(max(len(item.id), len(item.told)) > MAX_ID or len(item.version) > MAX_ACT for item in asked.objects)
        or any(len(item.circles) > MAX_CIRCLES for item in asked.objects)
    ):
        raise Refused("E-FLOW-310", "This is no recall that this version can read.")
    return asked


def _one(node: Node, peer: str, asked: _Recall, item: Asked, told: Mapping[str, OverlapItem]) -> Answer:
    kept = node.store.recalls.get(asked.act, item.id, peer, ours=False)
    if kept is not None:  # done before, and killed before the receipt was on its way
        return Answer(item.id, item.version, kept.said or NOTHING)
    what = withdraw_from_us(node, peer, item.id, item.circles)
    if what != KEPT and item.told in told and forget_told(node, peer, item.told, told[item.told]):
        what = WITHDRAWN
    at = node.clock()
    row = RecallRow(
        act=asked.act,
        object_id=item.id,
        peer=peer,
        ours=False,
        version=item.version,
        circles=item.circles,
        cause=asked.cause,
        at=at,
        state=RecallState.CONFIRMED,
        answered_at=at,
        said=what,
    )
    node.store.recalls.add([row])
    return Answer(item.id, item.version, what)


def withdraw_from_us(node: Node, peer: str, object_id: str, circles: Sequence[str] | None) -> str:
    """Take out what this peer said under this id, in these circles or in all; what came of it in one word."""
    back = node.store.taking_back
    came = back.came_in(peer, object_id)
    if not came or (circles is not None and not set(circles) & set(came)):
        return NOTHING
    words = back.words(peer, object_id, circles)
    told = _told(node, peer, object_id)
    for value, source in words:
        node.store.indicators.withdraw(value.type, value.value, source=source, external_id=object_id)
    if circles is not None and set(came) - set(circles) and (words or find_objects(node, object_id)):
        arrived(node, [value for value, _ in words])
        return KEPT  # it reached us through another circle too
    gone = back.erase_object(peer, object_id, emptied, node.clock())
    if told is not None:
        gone += back.forget_sightings(peer, told)
    named = {value for value, _ in words} or set(_named(node, object_id))
    gone += back.forget_sightings(peer, named, object_id)
    arrived(node, [*sorted(named), *(told or ())])
    return WITHDRAWN if words or gone else NOTHING


def _told(node: Node, peer: str, object_id: str) -> list[Observable] | None:
    """The values that a peer's sighting told of; None for anything else."""
    if not object_id.startswith("sighting--"):
        return None
    held = [item for item in find_objects(node, object_id) if item.origin == peer]
    return [value for item in held for value in _named(node, read_sighting(item.body).sighting_of_ref)]


def _named(node: Node, indicator_id: str) -> list[Observable]:
    entries = node.store.indicators.by_id(indicator_id)
    if entries:
        return [Observable(entry.type, entry.value) for entry in entries]
    return [
        value for item in find_objects(node, indicator_id) if item.type == "indicator" for value in _plain_values(item)
    ]


def _plain_values(item: StoredObject) -> list[Observable]:
    try:
        return keys_of(item.body)
    except (Fault, *UNREADABLE):
        return []


def pass_on(node: Node, object_ids: Sequence[str], peer: str) -> None:
    """Take back from our own receivers what nobody else vouches for, and what of ours rests on it alone."""
    gone = [object_id for object_id in object_ids if not _still_held(node, object_id)]
    take_back(node, gone, RecallCause.RECALLED, behind=peer)
    resting = _resting_on(node, gone)
    for object_id in resting:
        node.store.objects.revoke(object_id, node.clock())
    take_back(node, resting, RecallCause.DERIVED, behind=peer)


def _still_held(node: Node, object_id: str) -> bool:
    return any(not item.revoked for item in find_objects(node, object_id))


def _resting_on(node: Node, object_ids: Sequence[str]) -> list[str]:
    """Objects of ours all of whose inputs are gone, and those made of these; sightings are drawn anew by themselves."""
    found: list[str] = []
    waiting = list(object_ids)
    while waiting:
        made = sorted({id for ids in node.store.descent.derived(waiting).values() for id in ids} - set(found))
        waiting = []
        for object_id, item in sorted(node.store.objects.latest(made).items()):
            ours = item.origin is None and item.type != "sighting" and not item.revoked
            if ours and not any(_still_held(node, source) for source in item.inputs if source not in found):
                found.append(object_id)
                waiting.append(object_id)
    return found
