"""From the store to the outboxes: each changed object is decided, recorded, and put where its recipient may read it.

Steps for one circle and one recipient, page by page: (1) read what changed behind the cursor, (2) gather the markings
of each object and all its inputs, (3) ``policy.decide_page``, (4) record releases and refusals in the ledger, (5) put
the released bodies into the outbox, (6) save the cursor. A kill between two steps repeats a page, no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from seawall.codec.frameworks import is_framework
from seawall.codec.sharing import version_of
from seawall.flow.alone import alone
from seawall.flow.circles import agreed_with
from seawall.flow.context import page_markings, release_context
from seawall.flow.entries import as_stored
from seawall.flow.evidence import page_evidence
from seawall.flow.items import page_kinds
from seawall.flow.mail_members import mail_member
from seawall.flow.node import Node
from seawall.flow.recall_marking import take_away, without_taken_back
from seawall.flow.stops import held_back
from seawall.flow.usage import Usage
from seawall.model import NotFound, Release, Unavailable, Withheld
from seawall.model.circle import CircleTerms
from seawall.model.outbox import OutboxRow
from seawall.model.peer import PeerState
from seawall.model.stored import StoredObject
from seawall.policy import Decision, ReleaseRequest, decide_page, policy_version

PAGE = 1_000  # objects decided, recorded and put out together: one ledger leaf
CURSOR = "outgoing:{circle}:{recipient}"
TURN_SECONDS, TURN_LOOK_SECONDS = 5.0, 0.005
GRANULAR = b'"granular_markings"'  # in bodies of which parts may have stayed behind


class Cursor(msgspec.Struct):
    """How far one recipient's outbox has been filled, and under which policy."""

    policy: str = ""
    indicators: int = 0
    objects: int = 0


class Filled(msgspec.Struct, frozen=True):
    """What a fill did: object versions released and withheld."""

    released: int = 0
    withheld: int = 0

    def __add__(self, other: Filled) -> Filled:
        """The sum."""
        return Filled(self.released + other.released, self.withheld + other.withheld)


def fill_outboxes(node: Node, *, circle: str | None = None, recipient: str | None = None) -> Filled:
    """Decide everything that changed since the last fill, for all circles or one, for all members or one."""
    done = Filled()
    for terms in node.store.circles.list():
        if circle is not None and terms.name != circle:
            continue
        for member in sorted(terms.members):
            if (recipient is None or member == recipient) and may_receive(node, terms, member):
                done += fill_one(node, terms, member)
    return done


def may_receive(node: Node, terms: CircleTerms, member: str) -> bool:
    """Seated, not excluded, agreed to these terms, (a peer) verified, and nobody stopped the standing releases."""
    if member in terms.exclusions or not agreed_with(node, terms, member) or held_back(node, terms):
        return False
    try:
        return node.store.peers.get(member).state is PeerState.VERIFIED
    except NotFound:
        return mail_member(node, member) is not False  # a mail peer that is verified, or a local TAXII user


def fill_one(node: Node, terms: CircleTerms, member: str) -> Filled:
    """``fill_outboxes`` for one member of one circle, of whom the caller knows that it may receive.

    One at a time in a circle: two at once would decide and count the same objects twice. Whoever finds another busy for
    longer than ``TURN_SECONDS`` goes without.
    """
    key = CURSOR.format(circle=terms.name, recipient=member)
    text = node.store.notes.get(key)
    cursor = msgspec.json.decode(text, type=Cursor) if text else Cursor()
    if cursor.policy == policy_version(terms) and node.store.reached() == (cursor.indicators, cursor.objects):
        return Filled()  # most asks: nothing to wait for
    busy = Unavailable("E-FLOW-990", "Another process is filling the outboxes of {circle}.", circle=terms.name)
    try:
        with alone(_turn(node, terms.name), busy, seconds=TURN_SECONDS, look=TURN_LOOK_SECONDS):
            return _fill_alone(node, terms, member)
    except Unavailable as fault:
        if fault is not busy:
            raise
        return Filled()


def _turn(node: Node, circle: str) -> Path:
    return node.folder / "store" / f"fill-{hashlib.sha256(circle.encode()).hexdigest()[:16]}.lock"


def _fill_alone(node: Node, terms: CircleTerms, member: str) -> Filled:
    key = CURSOR.format(circle=terms.name, recipient=member)
    text = node.store.notes.get(key)
    cursor = msgspec.json.decode(text, type=Cursor) if text else Cursor()
    policy = policy_version(terms)
    standing_already: frozenset[tuple[str, str]] = frozenset()
    if cursor.policy != policy:
        cursor = Cursor(policy)
        standing_already = standing_in_outbox(node, terms.name, member)
    elif node.store.reached() == (cursor.indicators, cursor.objects):
        return Filled()
    usage = Usage.load(node, terms.name)
    done = Filled()
    for page in changed_pages(node, cursor, usage, terms):
        if held_back(node, terms):  # the key may be turned in the middle of a long fill
            break
        fresh = [
            item
            for item in page.items
            if (item.id, item.version) not in standing_already
            or GRANULAR in item.body  # more of it may go now, or less
        ]
        done += release_page(node, terms, member, fresh, usage)
        cursor = Cursor(policy, page.indicators, page.objects)
        usage.save(node)
        node.store.notes.set(key, msgspec.json.encode(cursor).decode())
    return done


def release_page(node: Node, terms: CircleTerms, member: str, items: Sequence[StoredObject], usage: Usage) -> Filled:
    """Decide, record and put out one page of objects for one recipient."""
    if not items:
        return Filled()
    items = without_taken_back(node, terms.name, member, items)
    decision = decide_items(node, terms, member, items, usage)
    done = record_and_put(node, terms.name, member, decision.releases, decision.withheld, usage)
    take_away(node, terms.name, member, items, decision.withheld)
    return done


def decide_items(
    node: Node,
    terms: CircleTerms,
    member: str,
    items: Sequence[StoredObject],
    usage: Usage,
    *,
    as_if_sent: Collection[str] = (),
    as_if_agreed: bool = False,
) -> Decision:
    """What policy says of these objects for one recipient; nothing is recorded and nothing leaves.

    A dry run asks as if the member had agreed, and as if the objects ``as_if_sent`` stood in its outbox.
    """
    referred = {object_id for item in items for object_id in item.inputs}
    use = usage.as_of(node.clock())
    context = release_context(node, terms, member, standing_use=use, referred=referred)
    if as_if_agreed or as_if_sent:
        may_refer = context.may_refer
        context = msgspec.structs.replace(
            context,
            agreed_with=context.agreed_with | ({member} if as_if_agreed else frozenset()),
            may_refer=lambda id: id in as_if_sent or may_refer(id),
        )
    requests = [
        ReleaseRequest(object=item, markings=markings, recipient=member, evidence=evidence, kinds=kinds)
        for item, markings, evidence, kinds in zip(
            items,
            page_markings(node, items),
            page_evidence(node, items, terms),
            page_kinds(node, items, terms),
            strict=True,
        )
    ]
    return decide_page(requests, terms, context)


def record_and_put(
    node: Node,
    circle: str,
    member: str,
    releases: Sequence[Release],
    withheld: Sequence[Withheld],
    usage: Usage | None = None,
) -> Filled:
    """Steps (4) and (5): nothing stands in an outbox before its leaf is on disk."""
    node.ledger.record_many(withheld)
    count = 0
    for recorded in node.ledger.record_many(releases):
        rows = [
            OutboxRow(item.id, item.version, item.body, recipients=frozenset({member}))
            for item in recorded.value.objects
        ]
        node.store.outbox.add(circle, rows, node.clock())
        count += len(rows)
        if usage is not None and recorded.value.rule.startswith("standing:"):
            usage.add(recorded.value.rule.removeprefix("standing:"), len(rows), node.clock())
    return Filled(count, len(withheld))


class Changed(msgspec.Struct, frozen=True):
    """One page of what changed, and how far the two cursors are behind it."""

    items: list[StoredObject]
    indicators: int
    objects: int


def changed_pages(node: Node, cursor: Cursor, usage: Usage, terms: CircleTerms) -> Iterator[Changed]:
    """Changed indicators first, then all other objects, so that a sighting finds its indicator already there.

    Stops where the standing releases' caps are used up; the rest waits for the next fill. When nothing is left, an
    empty page says how far the numbers have been given out: until they rise, nobody has to look again.
    """
    reached = node.store.reached()
    indicators, objects = cursor.indicators, cursor.objects
    told: frozenset[tuple[str, str]] = frozenset()  # a pattern has an entry for each value: one stands beside the other
    while (room := min(PAGE, usage.room(terms, node.clock()))) > 0:
        changed = node.store.indicators.changed_since(indicators, room)
        if not changed.items:
            indicators = max(indicators, reached[0])
            break
        indicators = changed.last
        found = {(item.id, item.version): item for item in map(as_stored, changed.items)}
        yield Changed([item for key, item in found.items() if key not in told], indicators, objects)
        told = frozenset(found)
    while (room := min(PAGE, usage.room(terms, node.clock()))) > 0:
        page = node.store.objects.changed_since(objects, room)
        if not page.items:
            if (indicators, objects) != reached:
                yield Changed([], indicators, max(objects, reached[1]))
            break
        objects = page.items[-1].sequence
        offered = [item for item in page.items if not is_framework(item)]
        yield Changed(no_entries(node, offered), indicators, objects)


def no_entries(node: Node, items: Sequence[StoredObject]) -> list[StoredObject]:
    """Without the versions of indicators that also stand, and are decided about, as entries of the match keys."""
    held = node.store.indicators.bodies({item.id for item in items if item.type == "indicator"})
    return [item for item in items if item.version not in map(version_of, held.get(item.id, ()))]


def standing_in_outbox(node: Node, circle: str, member: str) -> frozenset[tuple[str, str]]:
    """What stands in the outbox for this member already: (id, version)."""
    found: set[tuple[str, str]] = set()
    following: str | None = None
    while True:
        page = node.store.outbox.manifest_page(circle, member, next=following, limit=1_000)
        found |= {(row.object_id, row.version) for row in page.rows}
        if not page.more:
            return frozenset(found)
        following = page.next
