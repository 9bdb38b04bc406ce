"""A peer's hunt at our desk: a person accepts or declines it, and it is run on the lake, day by day, within limits.

The question is a tree of ours by now; it becomes conditions with bound values (``warn.hunt_sql``), runs on DuckDB only
(RE2 never takes more time than the text is long), and stops at the limit of time: what was not searched is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from time import monotonic

import msgspec
import pyarrow as pa

from seawall.flow.hunts import DAY, parts_of
from seawall.flow.lakeless import require_lake
from seawall.flow.node import Node
from seawall.lake.interface import EngineRefusal, LakeSession
from seawall.ledger import EventKind
from seawall.model import Actor, Fault, NotFound, Refused, Tlp
from seawall.model.hunt import Hunt, HuntRun, HuntSide, HuntState
from seawall.model.observable import ObservableType
from seawall.policy import visibility
from seawall.reference.networks import parents, parse_network
from seawall.warn.hunt_sql import HOST, OWN_NAMES, Clause, certain, possible
from seawall.warn.hunts import MOVES, BadHunt

STEP_ROWS = 5_000_000  # that are searched between two looks at the clock
MAX_STEPS = 1_000  # of one day
MAX_EVENTS = 100  # numbers of rows that are kept with a run
_LISTS = 100  # sectors or bases of one run

DAY_SQL = """
WITH met AS (SELECT event, time, sector, basis, sensor, {certain} AS sure, {possible} AS maybe
             FROM {rows} WHERE time >= ? AND time < ?)
SELECT COUNT(*) FILTER (WHERE sure) AS least, COUNT(*) FILTER (WHERE maybe OR sure) AS most,
       MIN(time) FILTER (WHERE sure) AS first, MAX(time) FILTER (WHERE sure) AS last,
       LIST(DISTINCT sector) FILTER (WHERE sure) AS sectors, LIST(DISTINCT basis) FILTER (WHERE sure) AS bases,
       LIST(DISTINCT sensor) FILTER (WHERE sure) AS sensors,
       MIN_BY(event, event, {events}) FILTER (WHERE sure) AS events
FROM met WHERE sure OR maybe
"""


NAMES_SQL = """
SELECT name FROM (SELECT DISTINCT lower(domain) AS name FROM {rows} UNION SELECT DISTINCT {host} AS name FROM {rows})
WHERE name <> ''
"""


def find_hunt(node: Node, beginning: str, *, side: HuntSide | None = None, actor: Actor | None = None) -> Hunt:
    """The one hunt whose id begins so, and that the person may see. Raises NotFound E-FLOW-898, Fault E-FLOW-899."""
    seen = visibility(actor or node.actor)
    held = node.store.hunts.find(beginning.strip()[:200]) if beginning.strip() else []
    found = [one for one in held if one.tlp <= seen.tlp_at_most and side in (None, one.side)]
    if not found:
        raise NotFound("E-FLOW-898", "There is no hunt {id} here.", id=ascii(beginning[:60]))
    if len(found) > 1:
        raise Fault("E-FLOW-899", "Several hunts begin with {id}; give more of it.", id=ascii(beginning[:60]))
    return found[0]


def review(node: Node, id: str, *, accept: bool, reason: str = "") -> Hunt:
    """A person accepts or declines a peer's hunt; two where its marking asks for two. The asker is told nothing.

    Raises Refused E-FLOW-022 without a second person, E-FLOW-900 for a hunt that is past its deadline or was declined.
    """
    person = node.require("release")
    hunt = find_hunt(node, id, side=HuntSide.RECEIVED)
    second = node.approver
    if accept and hunt.tlp > Tlp.AMBER and second is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    at = node.clock()
    people = (person.name,) if second is None else (person.name, second.name)
    if accept and second is not None:
        node.store.approvals.both("hunt", hunt.id, person.name, second.name, at)
    changed = moved(node, hunt, HuntState.ACCEPTED if accept else HuntState.DECLINED)
    changed = msgspec.structs.replace(changed, reviewed_by=people, reviewed_at=at, reason=reason[:1_000])
    node.event(EventKind.HUNT_REVIEWED, hunt.id, peer=hunt.peer, accepted=int(accept), approved_by=list(people))
    node.store.hunts.change(changed)
    return changed


def moved(node: Node, hunt: Hunt, state: HuntState) -> Hunt:
    """The hunt in another state. Raises Refused E-FLOW-900 where it cannot go there."""
    late = node.clock() > hunt.deadline and state is not HuntState.DECLINED
    if late or state not in MOVES[hunt.state]:
        raise Refused(
            "E-FLOW-900",
            "The hunt is {state}, and cannot become {wanted} now.",
            state="past its deadline" if late else hunt.state.value,
            wanted=state.value,
        )
    return msgspec.structs.replace(hunt, state=state)


def run(node: Node, id: str, *, seconds: int | None = None, clock: Callable[[], float] = monotonic) -> Hunt:
    """Search our own lake; the result stays here until somebody answers.

    Raises Refused E-FLOW-900 before it was accepted, E-FLOW-901 for one that may not be answered, Fault E-FLOW-902 for
    one that the lake cannot run.
    """
    person = node.require("read-telemetry")
    node.require("ingest")
    require_lake(node)
    hunt = find_hunt(node, id, side=HuntSide.RECEIVED)
    changed = moved(node, hunt, HuntState.RUN)
    if hunt.objection:
        raise Refused("E-FLOW-901", "It is not run, because {reason}; answer it with --tier not_run.",
                      reason=hunt.objection)  # fmt: skip
    node.event(EventKind.HUNT_RUN, hunt.id, peer=hunt.peer)
    limit = node.settings.hunts.seconds if seconds is None else min(max(seconds, 1), 86_400)
    try:
        question, losses = parts_of(hunt)
        sure, maybe = certain(question), possible(question)
    except BadHunt as bad:
        raise Fault("E-FLOW-880", "This cannot be asked: {reason}.", reason=str(bad)) from None
    over_at = clock() + limit
    with node.lake.reading() as session:
        found = _search(node, session, hunt, sure, maybe, lambda: clock() >= over_at)
    result = msgspec.structs.replace(found, at=node.clock(), by=person.name, losses=losses)
    changed = msgspec.structs.replace(changed, run=result)
    node.store.hunts.change(changed)
    return changed


def _search(
    node: Node, session: LakeSession, hunt: Hunt, sure: Clause, maybe: Clause, is_over: Callable[[], bool]
) -> HuntRun:
    """Newest days first: what is recent matters most when the time does not suffice."""
    own = pa.array(_own_names(node, session, hunt), pa.string())
    session.register(OWN_NAMES, pa.table({"name": own}))
    total = HuntRun(at=0, by="", least=0, most=0)
    sensors: set[str] = set()
    for day, begin, end in _steps(session, hunt):
        if is_over():
            return msgspec.structs.replace(total, complete=False, sensors=len(sensors))
        query = DAY_SQL.format(certain=sure.sql, possible=maybe.sql, rows=session.observations(days=[day]),
                               events=MAX_EVENTS)  # fmt: skip
        try:
            row = session.sql(query, (*sure.values, *maybe.values, begin, end)).to_pylist()[0]
        except EngineRefusal as refusal:
            raise Fault("E-FLOW-902", "The lake cannot run this hunt: {reason}.",
                        reason=str(refusal).split("\n", 1)[0][:200]) from None  # fmt: skip
        sensors.update(str(one) for one in row["sensors"] or () if one is not None)
        total = _added(total, row)
        if begin <= max(day * DAY, hunt.since):  # the last step of its day
            total = msgspec.structs.replace(total, days=total.days + 1)
    return msgspec.structs.replace(total, sensors=len(sensors))


def _own_names(node: Node, session: LakeSession, hunt: Hunt) -> list[str]:
    """The names in the window that are ours, kept out of exchanges, or below one of these; in one pass."""
    ours = {one.value for one in node.own_assets.assets if parse_network(one.value) is None}
    ours |= {value for type, value, _, _ in node.store.exclusions.list() if type == ObservableType.DOMAIN.value}
    days = sorted({day for day, _, _ in _steps(session, hunt)})
    if not ours or not days:
        return []
    found = session.sql(NAMES_SQL.format(rows=session.observations(days=days), host=HOST)).column("name").to_pylist()
    return [name for name in found if any(parent in ours for parent in parents(name))]


def _steps(session: LakeSession, hunt: Hunt) -> Iterator[tuple[int, int, int]]:
    """(day, from, to) of each step, the newest first; a day with very many rows has several."""
    rows: dict[int, int] = {}
    for part in session.parts():
        if part.day is not None:
            rows[part.day] = rows.get(part.day, 0) + part.rows
    for day in sorted(session.days(), reverse=True):
        first, last = max(day * DAY, hunt.since), min((day + 1) * DAY, hunt.until)
        pieces = min(1 + rows.get(day, 0) // STEP_ROWS, MAX_STEPS)
        bounds = [first + (last - first) * number // pieces for number in range(pieces + 1)]
        if first < last:
            yield from ((day, begin, end) for begin, end in reversed(list(pairwise(bounds))))


def _added(total: HuntRun, row: dict[str, object]) -> HuntRun:
    """The result of one more day."""

    def listed(name: str, before: tuple[str, ...]) -> tuple[str, ...]:
        given = row[name]
        fresh = [str(one) for one in given if one is not None] if isinstance(given, list) else []
        return tuple(sorted({*before, *fresh}))[:_LISTS]

    first, last, events = row["first"], row["last"], row["events"]
    seen = [one for one in (total.first, first) if isinstance(one, int)]
    until = [one for one in (total.last, last) if isinstance(one, int)]
    return msgspec.structs.replace(
        total,
        least=total.least + int(str(row["least"])),
        most=total.most + int(str(row["most"])),
        first=min(seen, default=None),
        last=max(until, default=None),
        sectors=listed("sectors", total.sectors),
        bases=listed("bases", total.bases),
        events=(*total.events, *(events if isinstance(events, list) else ()))[:MAX_EVENTS],
    )
