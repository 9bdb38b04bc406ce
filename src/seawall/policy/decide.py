"""The decisions. ``Release`` and ``Withheld`` are constructed in this file only (rule 1; a test reads the tree).

Pure functions over frozen values: no clock, no store, no network. Deny by default: a release needs every test to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from seawall.model import Actor, Release, ReleasedObject, Tlp, UserRole, Withheld
from seawall.model.circle import SEATED, CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.model.outbox import OutboxRow
from seawall.model.unreadable import UNREADABLE
from seawall.policy.checks import Permission, circle_tests, first_failure, permission_for
from seawall.policy.companions import companions
from seawall.policy.enforcement import Standpoint, enforcement_tests
from seawall.policy.granular import lowered
from seawall.policy.request import ReleaseContext, ReleaseRequest, StandingUse
from seawall.policy.rules import MEANING, Rule, Test, policy_version
from seawall.policy.seating import seat_of
from seawall.policy.settle import settle
from seawall.policy.statements import BOUND_IDS, Bound
from seawall.policy.visibility import visibility

OWN_USE = "own-use"
_MUST_ENCRYPT = BOUND_IDS[Bound.ENCRYPT].encode()
_ENCODER = msgspec.json.Encoder(order="sorted")


class Decision(msgspec.Struct, frozen=True):
    """A page decided: one release for each thing that permitted it, and a refusal for each object that stays."""

    releases: tuple[Release, ...]
    withheld: tuple[Withheld, ...]


class Enforcement(msgspec.Struct, frozen=True):
    """Indicators decided for tools: what may block (or do ``action``), what may only watch, what may do neither."""

    block: Release | None
    watch: Release | None
    withheld: tuple[Withheld, ...]
    action: Action = Action.BLOCK  # what was asked for

    def by_action(self) -> dict[Action, Release]:
        """The releases there are."""
        pairs = ((self.action, self.block), (Action.WATCH, self.watch))
        return {action: release for action, release in pairs if release is not None}


def decide(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> Release | Withheld:
    """One object, one recipient. References outside the object are judged by ``context.may_refer``."""
    decision = decide_page([request], terms, context)
    return decision.releases[0] if decision.releases else decision.withheld[0]


def decide_page(requests: Sequence[ReleaseRequest], terms: CircleTerms, context: ReleaseContext) -> Decision:
    """Objects that go together to one recipient: they may refer to each other, and to nothing withheld here.

    Caps of standing releases count what this page itself lets go. Raises ValueError for several recipients.
    """
    if len({request.recipient for request in requests}) > 1:
        raise ValueError("one page goes to one recipient")
    given = [request.object for request in requests]
    requests = [lowered(request, terms, context.definitions) for request in requests]
    refused: dict[int, Withheld] = {}
    permitted: dict[int, Permission] = {}
    use = dict(context.standing_use)
    for number, request in enumerate(requests):
        moment = msgspec.structs.replace(context, standing_use=use)
        failed = first_failure(circle_tests(request, terms, moment))
        permission, _ = permission_for(request, terms, moment)
        if failed is not None or permission is None:
            refused[number] = _refusal(request, terms, context, failed)
            continue
        permitted[number] = permission
        if permission.standing is not None:
            before = use.get(permission.standing, StandingUse())
            use[permission.standing] = StandingUse(before.last_hour + 1, before.last_day + 1)
    bodies, broken = settle({number: requests[number] for number in permitted}, requests, terms, context)
    refused |= {number: _refusal(requests[number], terms, context, failed) for number, failed in broken.items()}
    releases: dict[Permission, list[ReleasedObject]] = {}
    told = {requests[number].object.id for number in bodies}
    for number, body in bodies.items():
        stored = requests[number].object
        leaving = releases.setdefault(permitted[number], [])
        leaving += companions(requests[number], body, terms, context, told)
        sealed = context.seal(body, given[number])
        leaving.append(ReleasedObject(stored.id, stored.version, _ENCODER.encode(sealed)))
    return Decision(
        tuple(
            Release(
                recipient=requests[0].recipient,
                circle=terms.name,
                rule=permission.rule,
                policy_version=policy_version(terms),
                at=context.at,
                objects=tuple(objects),
                approved_by=permission.people,
            )
            for permission, objects in releases.items()
        ),
        tuple(refused[number] for number in sorted(refused)),
    )


def page_release(
    rows: Sequence[OutboxRow], recipient: str, terms: CircleTerms, context: ReleaseContext
) -> Release | None:
    """Permission to read rows that an earlier decision put into this circle's outbox; None when none is for them.

    The rows' bodies leave as they stand (objects or manifest records). Membership, exclusion, agreement and each row's
    recipients are checked again, because they may have changed since; through a channel that is not encrypted go only
    rows whose markings do not ask for one.
    """
    if recipient not in terms.members or recipient in terms.exclusions or recipient not in context.agreed_with:
        return None
    if seat_of(recipient, context.seats) not in SEATED[terms.track]:
        return None
    if context.in_clear:
        rows = [row for row in rows if _MUST_ENCRYPT not in row.body]
    objects = [  # a list grows faster than a tuple from a generator, and this is done for every object read
        ReleasedObject(row.object_id, row.version, row.body)
        for row in rows
        if row.recipients is None or recipient in row.recipients
    ]
    return (
        None
        if not objects
        else Release(
            recipient=recipient,
            circle=terms.name,
            rule="outbox",
            policy_version=policy_version(terms),
            at=context.at,
            objects=tuple(objects),
        )
    )


class OwnUseItem(msgspec.Struct, frozen=True):
    """Something a person exports for their own organisation."""

    object: ReleasedObject
    type: str  # STIX type
    tlp: Tlp
    pap: int = 0


def own_use(actor: Actor, items: Iterable[OwnUseItem], at: int) -> Decision:
    """An export for one's own organisation: all that the person may see, recorded as such."""
    seen = visibility(actor)
    shown: list[ReleasedObject] = []
    withheld: list[Withheld] = []
    for item in items:
        may = (
            item.tlp <= seen.tlp_at_most
            and item.pap <= seen.pap_at_most
            and (seen.types is None or item.type in seen.types)
        )
        if may and actor.role not in (None, UserRole.TAXII):
            shown.append(item.object)
        else:
            failed = Test(Rule.OWN_USE, passed=False, detail=f"{item.tlp.label} for {actor.role or 'a peer'}")
            withheld.append(_withheld(actor.name, OWN_USE, None, at, item.object, failed))
    release = Release(
        recipient=actor.name,
        circle=OWN_USE,
        rule=Rule.OWN_USE.value,
        policy_version=policy_version(None),
        at=at,
        objects=tuple(shown),
        purpose="own-use",
    )
    return Decision((release,) if shown else (), tuple(withheld))


def may_enforce(
    entry: IndicatorEntry, action: Action, terms: CircleTerms | None, consumer: str, at: int
) -> Release | Withheld:
    """May a tool of ours block, or watch for, this indicator? ``terms``: the circle it came through, if a peer's."""
    failed = first_failure(enforcement_tests(entry, action, terms))
    item = ReleasedObject(entry.indicator_id, _version(entry.body), entry.body)
    if failed is not None:
        return _withheld(consumer, OWN_USE, None, at, item, failed)
    return _enforce((item,), action, consumer, at)


def enforcement(
    entries: Iterable[IndicatorEntry],
    terms_of: Callable[[str], CircleTerms | None] | Mapping[str, CircleTerms],
    consumer: str,
    at: int,
    people: tuple[str, ...] = (),
    action: Action = Action.BLOCK,
) -> Enforcement:
    """Sort many indicators into block, watch and neither. ``terms_of``: origin's code name -> the terms it came under.

    ``action``: what is asked for in place of a block; the release names it, and permits just that.
    ``people``: of ours who decided that these very values are to be blocked; the releases carry their names.
    One entry that may not block but may watch is watched; an indicator with several values is decided by each of them,
    and blocks only where all may.
    """
    look_up = terms_of.get if isinstance(terms_of, Mapping) else terms_of
    objects: dict[str, ReleasedObject] = {}
    failures: dict[str, Test] = {}
    actions: dict[str, Action | None] = {}
    alike: dict[tuple[int, int, str | None], tuple[Action | None, Test | None]] = {}  # the tests look at nothing else
    for entry in entries:
        marks = (entry.tlp, entry.pap, entry.origin)
        if marks not in alike:
            terms = look_up(entry.origin) if entry.origin is not None else None
            alike[marks] = _strongest(entry, terms, people, action)
        permitted, failed = alike[marks]
        if failed is not None:
            failures[entry.indicator_id] = failed
        if entry.indicator_id not in objects:
            objects[entry.indicator_id] = ReleasedObject(entry.indicator_id, _version(entry.body), entry.body)
            actions[entry.indicator_id] = permitted
        else:
            actions[entry.indicator_id] = _weaker(actions[entry.indicator_id], permitted)
    block = tuple(objects[id] for id, permitted in actions.items() if permitted is action)
    watch = tuple(objects[id] for id, permitted in actions.items() if permitted is Action.WATCH is not action)
    return Enforcement(
        _enforce(block, action, consumer, at, people) if block else None,
        _enforce(watch, Action.WATCH, consumer, at, people) if watch else None,
        tuple(
            _withheld(consumer, OWN_USE, None, at, objects[id], failures[id])
            for id, permitted in actions.items()
            if permitted is None
        ),
        action,
    )


def _strongest(
    entry: IndicatorEntry, terms: CircleTerms | None, people: tuple[str, ...], action: Action
) -> tuple[Action | None, Test | None]:
    """``action`` where policy permits it, else a watch; without either, the test that failed."""
    if first_failure(enforcement_tests(entry, action, terms, people=people)) is None:
        return action, None
    failed = first_failure(enforcement_tests(entry, Action.WATCH, terms))
    return (Action.WATCH if failed is None else None), failed


def hand_out(
    entries: Iterable[IndicatorEntry],
    action: Action,
    standpoint: Standpoint,
    terms_of: Mapping[str, CircleTerms],
    consumer: str,
    at: int,
) -> Decision:
    """May values that are in force here be handed to a consumer of ours, to be blocked or watched there?

    That they are in force (and by whose word) was decided and recorded before; here TLP, clearance, place and PAP are
    asked. An indicator with several values goes only when all may.
    """
    objects: dict[str, ReleasedObject] = {}
    failures: dict[str, Test] = {}
    alike: dict[tuple[int, int, str | None], Test | None] = {}  # the tests look at nothing else of an entry
    for entry in entries:
        objects[entry.indicator_id] = ReleasedObject(entry.indicator_id, _version(entry.body), entry.body)
        marks = (entry.tlp, entry.pap, entry.origin)
        if marks not in alike:
            terms = terms_of.get(entry.origin) if entry.origin is not None else None
            alike[marks] = first_failure(enforcement_tests(entry, action, terms, standpoint))
        if (failed := alike[marks]) is not None:
            failures[entry.indicator_id] = failed
    leaving = tuple(item for id, item in objects.items() if id not in failures)
    return Decision(
        (_enforce(leaving, action, consumer, at),) if leaving else (),
        tuple(_withheld(consumer, OWN_USE, None, at, objects[id], failed) for id, failed in failures.items()),
    )


def _refusal(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext, failed: Test | None) -> Withheld:
    item = ReleasedObject(request.object.id, request.object.version, b"")
    failed = failed or Test(Rule.PERMISSION, passed=False, detail="nothing permits it")
    return _withheld(request.recipient, terms.name, terms, context.at, item, failed)


def _withheld(
    recipient: str, circle: str, terms: CircleTerms | None, at: int, item: ReleasedObject, failed: Test
) -> Withheld:
    return Withheld(
        recipient=recipient,
        circle=circle,
        rule=failed.rule.value,
        policy_version=policy_version(terms),
        at=at,
        object_id=item.id,
        object_version=item.version,
        reason=f"not so: {MEANING[failed.rule]} ({failed.detail})",
    )


def _enforce(
    objects: tuple[ReleasedObject, ...], action: Action, consumer: str, at: int, people: tuple[str, ...] = ()
) -> Release:
    return Release(
        recipient=consumer,
        circle=OWN_USE,
        rule=f"enforce:{action.value}",
        policy_version=policy_version(None),
        at=at,
        objects=objects,
        approved_by=people,
        purpose="enforce",
    )


def _weaker(one: Action | None, other: Action | None) -> Action | None:
    if one is None or other is None:
        return None
    return min(one, other, key=lambda action: action.strictness)


class _Versioned(msgspec.Struct):
    modified: str = ""
    created: str = ""


def _version(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=_Versioned)
    except UNREADABLE:
        return ""
    return found.modified or found.created
