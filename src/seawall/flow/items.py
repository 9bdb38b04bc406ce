"""Single items: which kinds of information each is, and until when it may be kept on which legal basis.

Steps when an item's time is over: (1) take it back from every circle that it went to, (2) put that on the record,
(3) erase it here. A kill between two steps repeats the item, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from seawall.flow.context import find_objects
from seawall.flow.node import Node
from seawall.flow.term_words import checked_kinds
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, rfc3339
from seawall.model.circle import CircleTerms
from seawall.model.item_terms import ItemTerms
from seawall.model.recall import RecallCause
from seawall.model.stored import StoredObject
from seawall.policy import kinds_in, visibility
from seawall.reference import LegalBasis, legal_bases

DAY = 86_400_000_000  # microseconds
MAX_DAYS = 36_525  # a hundred years
NOTHING: frozenset[str] = frozenset()


def set_item(
    node: Node, object_id: str, *, kinds: Sequence[str] | None = None, basis: str | None = None, days: int | None = None
) -> dict[str, object]:
    """Say an item's kinds, or start its clock anew on a legal basis; what is None stays as it is.

    Raises NotFound E-STORE-010, Fault E-FLOW-460 (unknown kind), E-FLOW-470 (unknown basis), E-FLOW-471 (a basis that
    is not in force), E-FLOW-472 (no period), E-FLOW-473 (nothing said).
    """
    person = node.require("release")
    item = _held(node, object_id)
    said = node.store.items.of([item.id]).get(item.id, ItemTerms(item.id))
    if kinds is None and basis is None and days is None:
        raise Fault("E-FLOW-473", "Say something of the item: --kinds, --basis or --days.")
    if kinds is not None:
        said = msgspec.structs.replace(said, kinds=checked_kinds(kinds))
    if basis is not None or days is not None:
        ground = _basis(basis or said.basis, node.clock())
        until = node.clock() + _days(ground, days) * DAY
        said = msgspec.structs.replace(said, basis=ground.id, basis_source=ground.source, kept_until=until)
    at = node.clock()
    node.store.items.put(msgspec.structs.replace(said, said_by=person.name, said_at=at))
    return show_item(node, object_id)


def show_item(node: Node, object_id: str) -> dict[str, object]:
    """What is said of an item: its kinds, the basis as it reads now and read then, and when its time ends."""
    node.require("read")
    item = _held(node, object_id)
    return _told(node.store.items.of([item.id]).get(item.id, ItemTerms(item.id)), item, node.clock())


def due_items(node: Node, days: int) -> list[dict[str, object]]:
    """Items whose time ends within so many days, the earliest first; only those that the asker may see."""
    seen = visibility(node.require("read"))
    now = node.clock()
    found = node.store.items.due(now + days * DAY)
    held = {said.id: find_objects(node, said.id, seen) for said in found}
    return [_told(said, held[said.id][0], now) for said in found if held[said.id]]


def page_kinds(node: Node, items: Sequence[StoredObject], terms: CircleTerms) -> list[frozenset[str]]:
    """The kinds that people gave these items; asked only when the circle takes certain kinds."""
    if not terms.sharing_kinds:
        return [NOTHING] * len(items)
    said = node.store.items.of(item.id for item in items)
    return [said[item.id].kinds if item.id in said else NOTHING for item in items]


def expire_items(node: Node) -> dict[str, object]:
    """Let go of every item whose time is over: taken back wherever it went, and erased here."""
    node.require("maintain")
    gone, taken = 0, 0
    while due := node.store.items.due(node.clock()):
        for said in due:
            taken += len(take_back_expired(node, said))
            gone += 1
    return {"result": f"{gone} items erased, {taken} receivers told", "erased": gone, "receivers": taken}


def take_back_expired(node: Node, said: ItemTerms) -> tuple[str, ...]:
    """Steps (1) to (3) for one item; returns who was told."""
    from seawall.flow.recall_sending import take_back  # which brings exchange's doors

    told = take_back(node, [said.id], RecallCause.RECALLED)
    ended = rfc3339(said.kept_until or 0)
    node.event(EventKind.PAYLOAD_ERASED, said.id, basis=said.basis or "", kept_until=ended)
    for entry in node.store.indicators.by_id(said.id):
        for source in entry.sources:
            node.store.indicators.withdraw(entry.type, entry.value, source=source)
    node.store.items.forget(said.id)
    return told.receivers


def _held(node: Node, object_id: str) -> StoredObject:
    found = find_objects(node, object_id, visibility(node.actor))
    if not found:
        raise NotFound("E-STORE-010", "There is no object {id} here.", id=ascii(object_id[:100]))
    return found[0]


def _basis(name: str | None, at: int) -> LegalBasis:
    known = {basis.id: basis for basis in legal_bases()}
    if name is None or name not in known:
        raise Fault("E-FLOW-470", "{given} is no legal basis; use one of {known}.", given=repr((name or "")[:40]),
                    known=", ".join(known))  # fmt: skip
    basis, today = known[name], rfc3339(at)[:10]
    if basis.valid_from > today or (basis.valid_to is not None and basis.valid_to <= today):
        raise Fault("E-FLOW-471", "The legal basis {basis} is not in force today; it is from {begin} to {end}.",
                    basis=name, begin=basis.valid_from, end=basis.valid_to or "-")  # fmt: skip
    return basis


def _days(basis: LegalBasis, days: int | None) -> int:
    wanted = basis.days if days is None else days
    if wanted is None or not 0 < wanted <= MAX_DAYS:
        raise Fault("E-FLOW-472", "The legal basis {basis} states no period: give --days, 1 to {most}.",
                    basis=basis.id, most=MAX_DAYS)  # fmt: skip
    return wanted


def _told(said: ItemTerms, item: StoredObject, now: int) -> dict[str, object]:
    basis = _by_id(legal_bases(), said.basis)
    return {
        "id": said.id,
        "type": item.type,
        "kinds": sorted(said.kinds | kinds_in(item.body)),
        "basis": said.basis,
        "basis_title": basis.title if basis is not None else None,
        "basis_source": said.basis_source,
        "basis_verified": basis.verified if basis is not None else None,
        "kept_until": rfc3339(said.kept_until) if said.kept_until is not None else None,
        "days_left": None if said.kept_until is None else max((said.kept_until - now) // DAY, 0),
        "said_by": said.said_by or None,
        "said_at": rfc3339(said.said_at) if said.said_at else None,
    }


def _by_id(bases: Iterable[LegalBasis], id: str | None) -> LegalBasis | None:
    return next((basis for basis in bases if basis.id == id), None)
