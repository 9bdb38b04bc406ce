"""Taking objects back from everybody who ever had a version of them, and keeping what each of them answers.

The order of one recall: (1) who may have had it is read from the outboxes, withdrawn rows too; (2) the ledger says what
is taken back from whom; (3) the outboxes show a stripped, revoked version, which reaches mail, MISP and third parties;
(4) a row for each receiver; (5) a signed notice to each receiver with a node, which answers with a signed receipt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.notices import BOUNDS, NODE, send_notice
from seawall.flow.recall import revoked_rows
from seawall.flow.recall_told import ToldOf, keep_taken_back, told_in, told_of
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, NotFound, Refused, to_microseconds
from seawall.model.moments import parse_moment
from seawall.model.notice import Notice, NoticeKind
from seawall.model.overlap import OverlapItem
from seawall.model.peer import PeerState
from seawall.model.recall import RecallCause, RecallRow, RecallState, SentRow

IN_ONE_NOTICE = 500  # objects: about 100 kB
DAY = 86_400_000_000  # microseconds
MAX_SAID = 300  # characters of a receiver's word that are kept
BY_TIERS = frozenset({RecallCause.RECALLED, RecallCause.DERIVED})
"""Causes that also take back what tiers told: what one circle's marking bars may have been told by another's."""
DONE = frozenset({"withdrawn", "nothing-held"})
KEPT = "kept"  # it may keep it: we share it in another circle


class Asked(msgspec.Struct, frozen=True):
    """One object of a recall notice."""

    id: str
    version: str
    circles: tuple[str, ...]
    told: str = ""  # the candidate, when tiers of an overlap told of it: what they told is taken back too


class Answer(msgspec.Struct, frozen=True):
    """One object of a receipt. ``what``: withdrawn, nothing-held, kept or refused."""

    id: str
    version: str
    what: str
    said: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """The body of a receipt. ``at``: RFC 3339, when it was done."""

    act: str
    at: str
    objects: tuple[Answer, ...]


class TakenBack(msgspec.Struct, frozen=True):
    """What a recall did."""

    circles: tuple[str, ...]
    withdrawn: int
    receivers: tuple[str, ...]


def recall_object(node: Node, object_id: str, circle: str | None) -> dict[str, object]:
    """Take an object back from one circle, or from all it ever stood in, and from whom tiers of an overlap told of it.

    Raises NotFound E-FLOW-060.
    """
    node.require("release")
    only = None if circle is None else {circle}
    by_tiers = _told_by_tiers(node, told_of(node, [object_id]).get(object_id), only, None)
    if not by_tiers and not any(circle in (None, row.circle) for row in node.store.recalls.sent(object_id)):
        raise NotFound("E-FLOW-060", "{id} stands in no circle's outbox.", id=ascii(object_id[:100]))
    done = take_back(node, [object_id], RecallCause.RECALLED, circles=only)
    return {
        "id": object_id,
        "circles": list(done.circles),
        "withdrawn": done.withdrawn,
        "receivers": list(done.receivers),
    }


def take_back(
    node: Node,
    object_ids: Iterable[str],
    cause: RecallCause,
    *,
    circles: Collection[str] | None = None,
    members: Collection[str] | None = None,
    behind: str | None = None,
    reveal: bool = True,
) -> TakenBack:
    """Take objects back; ``circles`` and ``members``: only there and only from these; ``behind``: the peer whose recall
    this passes on, which is not told itself; ``reveal``: put the revoked version into the outboxes."""
    at = node.clock()
    asked: dict[str, list[Asked]] = {}
    places: dict[str, list[str]] = {}  # circle -> objects
    events: list[LedgerEvent] = []
    taken: list[OverlapItem] = []
    wanted = list(dict.fromkeys(object_ids))
    by_tiers = told_of(node, wanted) if cause in BY_TIERS else {}
    for object_id in wanted:
        sent = [row for row in node.store.recalls.sent(object_id) if circles is None or row.circle in circles]
        told = _told_by_tiers(node, by_tiers.get(object_id), circles, members)
        if not sent and not told:
            continue
        by_member = _joined(told, _by_member(node, sent, members))
        by_member.pop(behind or "", None)
        taken += [item for item in by_tiers[object_id].items if item.peer in by_member] if told else []
        reached = sorted({row.circle for row in sent})
        events.append(_event(node, object_id, cause, reached, sorted(by_member), behind))
        for circle in reached:
            places.setdefault(circle, []).append(object_id)
        for member, (version, circles_of) in by_member.items():
            about = by_tiers[object_id].candidate if member in told else ""
            asked.setdefault(member, []).append(Asked(object_id, version, circles_of, about))
    node.ledger.record_many(events)
    keep_taken_back(node, taken)
    withdrawn = 0
    if reveal:
        for circle, ids in sorted(places.items()):
            withdrawn += _withdraw(node, circle, ids, members, asked)
    for member, objects in sorted(asked.items()):
        for start in range(0, len(objects), IN_ONE_NOTICE):
            _tell(node, member, objects[start : start + IN_ONE_NOTICE], cause, behind, at)
    return TakenBack(tuple(sorted(places)), withdrawn, tuple(sorted(asked)))


def _told_by_tiers(
    node: Node, told: ToldOf | None, circles: Collection[str] | None, members: Collection[str] | None
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """As ``_by_member``, of those whom tiers told."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    if told is None:
        return found
    for item in told.items:
        places = told_in(node, item.peer, circles)
        if (places or circles is None) and (members is None or item.peer in members):
            found[item.peer] = (told.version, places)
    return found


def _joined(
    told: Mapping[str, tuple[str, tuple[str, ...]]], sent: Mapping[str, tuple[str, tuple[str, ...]]]
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who was told by either way: the version that stood in an outbox, where one did, and the circles of both."""
    found = {**told, **sent}
    for member in told.keys() & sent.keys():
        found[member] = sent[member][0], tuple(sorted({*told[member][1], *sent[member][1]}))
    return found


def _by_member(
    node: Node, sent: Sequence[SentRow], members: Collection[str] | None
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Who may have read any of these rows: the newest version, and the circles."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for row in sent:
        names = row.recipients if row.recipients is not None else node.store.circles.get(row.circle).members
        for name in names:
            if members is None or name in members:
                _, places = found.get(name, ("", ()))
                found[name] = (row.version, tuple(sorted({*places, row.circle})))
    return found


def _event(
    node: Node, object_id: str, cause: RecallCause, circles: list[str], receivers: list[str], behind: str | None
) -> LedgerEvent:
    details: dict[str, str | int | list[str]] = {"cause": cause.value, "circles": circles, "receivers": receivers}
    if behind is not None:
        details["behind"] = behind
    actor = node.actor.name if cause is RecallCause.RECALLED and behind is None else NODE
    return LedgerEvent(EventKind.RECALL, node.clock(), actor, object_id, details)


def _withdraw(
    node: Node, circle: str, ids: Sequence[str], members: Collection[str] | None, asked: Mapping[str, object]
) -> int:
    """Hide what stands in a circle, and put the revoked versions there; returns how many rows that hid."""
    rows = [row for member in sorted(asked) for row in revoked_rows(node, ids, circle, member)]
    at, hidden = node.clock(), 0
    for member in sorted(members) if members is not None else (None,):
        hidden += node.store.recalls.hide(circle, ids, member, at)
    node.store.outbox.add(circle, rows, node.clock())
    return hidden


def _tell(node: Node, member: str, objects: Sequence[Asked], cause: RecallCause, behind: str | None, at: int) -> None:
    act = hashlib.sha256(msgspec.json.encode([node.keys.node_id, member, at, cause, objects])).hexdigest()[:32]
    state = _state_of(node, member)
    node.store.recalls.add(
        RecallRow(
            act=act,
            object_id=item.id,
            peer=member,
            version=item.version,
            circles=item.circles,
            cause=cause,
            behind=behind,
            at=at,
            state=state,
        )
        for item in objects
    )
    if state is RecallState.WAITING:
        send_notice(node, member, NoticeKind.RECALL, {"act": act, "cause": cause.value, "objects": objects})


def _state_of(node: Node, member: str) -> RecallState:
    try:
        state = node.store.peers.get(member).state
    except NotFound:
        return RecallState.UNSIGNED
    full = node.store.notices.count_waiting(member) >= BOUNDS.waiting  # it has not called for long
    ended = state in (PeerState.SEVERED, PeerState.PENDING)
    return RecallState.UNREACHABLE if ended or full else RecallState.WAITING


def told(node: Node, notice: Notice) -> None:
    """Hears that a peer has taken a recall of ours."""
    node.store.recalls.told(str(notice.body.get("act", "")), notice.peer, node.clock())


def hear_receipt(node: Node, notice: Notice) -> None:
    """Keeps a receiver's signed answers: all of them, or none and one sentence why.

    Raises Refused E-FLOW-315 (unreadable), -306 (nobody asked it), -307 (another version), -308 (answered before),
    -309 (older than the recall).
    """
    try:
        receipt = msgspec.convert(notice.body, Receipt)
        at = to_microseconds(parse_moment(receipt.at))
    except (msgspec.ValidationError, Fault):
        raise Refused("E-FLOW-315", "This is no receipt that this version can read.") from None
    rows = [(answer, _answerable(node, notice.peer, receipt.act, answer, at)) for answer in receipt.objects]
    answers: list[tuple[RecallRow, RecallState, str]] = []
    for answer, row in rows:
        fine = answer.what in DONE or (answer.what == KEPT and len(_standing(node, row)) > 0)
        state = RecallState.CONFIRMED if fine else RecallState.REFUSED
        said = f"{answer.what}: {answer.said}" if answer.said else answer.what
        answers.append((row, state, said[:MAX_SAID]))
    node.store.recalls.answered(answers, notice.at, notice.envelope)


def _answerable(node: Node, peer: str, act: str, answer: Answer, at: int) -> RecallRow:
    row = node.store.recalls.get(act, answer.id, peer, ours=True)
    if row is None:
        raise Refused("E-FLOW-306", "You were never asked to take back {id} by this recall.", id=ascii(answer.id[:100]))
    if row.version != answer.version:
        raise Refused(
            "E-FLOW-307",
            "The receipt is for version {given} of {id}; version {asked} was taken back.",
            given=ascii(answer.version[:40]),
            id=ascii(answer.id[:100]),
            asked=row.version,
        )
    if row.state is RecallState.CONFIRMED:
        raise Refused(
            "E-FLOW-308",
            "A receipt for {id} under this recall came before; that one stands.",
            id=ascii(answer.id[:100]),
        )
    if at < row.at - DAY:
        raise Refused(
            "E-FLOW-309",
            "The receipt for {id} bears a moment before its recall; compare both clocks.",
            id=ascii(answer.id[:100]),
        )
    return row


def _standing(node: Node, row: RecallRow) -> list[str]:
    """Circles beside those of the recall in which the receiver may keep the object."""
    return [
        terms.name
        for terms in node.store.circles.list()
        if terms.name not in row.circles and node.store.outbox.standing(terms.name, row.peer, [row.object_id])
    ]
