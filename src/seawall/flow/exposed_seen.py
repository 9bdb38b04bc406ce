"""Where a vulnerability was met as exploited: our sensors, peers, STIX objects; lists stand in the store already.

A sensor's alarm about a CVE is an attempt that somebody saw, not a machine that was taken: each source is told as what
it is, and nobody's word is made stronger than it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from seawall.codec.converted import cve
from seawall.codec.sharing import read_sighting
from seawall.flow.node import Node
from seawall.model import Basis, Fault, ObservableType, Visibility, to_microseconds
from seawall.model.exposure import Affected, Exploited, FlawStatus, Remedy, Saying, VersionRange
from seawall.model.moments import parse_moment
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE

PAGE = 5_000  # rows of one look at the store
MAX_CVES = 300_000  # that the lake may name; the NVD holds about as many
MAX_SECTORS = 50
_HOSTILE = (Basis.ALERT.value, Basis.BLOCKED.value, Basis.HONEYPOT.value, Basis.INDICATOR.value, Basis.ANALYST.value)
_USES = frozenset({"exploits", "targets", "uses"})
_HEALS = frozenset({"mitigates", "remediates"})

SEEN = """
SELECT value, side, MIN(first) AS first, MAX(last) AS last, SUM(count) AS count, LIST(DISTINCT sector) AS sectors
FROM {rollup} WHERE type = 'cve' AND basis IN (?, ?, ?, ?, ?) GROUP BY value, side ORDER BY value, side LIMIT {most}
"""


Shape = TypeVar("Shape", bound=msgspec.Struct)


class Linked(msgspec.Struct):
    """What STIX objects say: who exploits, which software is affected, what helps; by CVE number."""

    seen: dict[str, list[Exploited]] = {}
    said: dict[str, list[Saying]] = {}


def seen_by_sensors(node: Node) -> Iterator[Exploited]:
    """CVE numbers in alarms of the lake, one for each number and side."""
    if not node.settings.lake.store_telemetry:
        return
    with node.lake.reading() as session:
        rows = session.sql(SEEN.format(rollup=session.rollup(), most=MAX_CVES), _HOSTILE).to_pylist()
    for row in rows:
        sectors = tuple(sorted(str(one) for one in row["sectors"]))[:MAX_SECTORS]
        if (number := cve(str(row["value"]))) is not None:
            yield Exploited(cve=number, since=row["first"], last=row["last"], count=int(row["count"]), side=row["side"],
                            sectors=sectors, source="sensor")  # fmt: skip


def told_by_peers(node: Node, seen: Visibility) -> Iterator[Exploited]:
    """Sightings of CVE numbers that peers told, and those of our own that the lake does not hold yet."""
    after = 0
    while True:
        page = node.store.sightings.list(seen, type=ObservableType.CVE, after=after, limit=PAGE)
        for one in page.items:
            number = cve(one.value)
            if number is not None and one.count > 0:
                yield Exploited(cve=number, since=one.first_seen, last=one.last_seen, count=one.count, side=one.side,
                                sectors=one.sectors, peer=one.origin or "",
                                source="peer" if one.origin is not None else "sensor")  # fmt: skip
        if page.next is None:
            return
        after = page.next


class _Vulnerability(msgspec.Struct):
    name: str = ""
    external_references: list[dict[str, object]] = []


class _Sighting(msgspec.Struct):
    sighting_of_ref: str = ""
    first_seen: str | None = None
    created: str = ""
    count: int = 1


class _Relation(msgspec.Struct):
    relationship_type: str = ""
    source_ref: str = ""
    target_ref: str = ""
    start_time: str | None = None
    created: str = ""


class _Software(msgspec.Struct):
    name: str = ""
    vendor: str = ""
    version: str = ""
    cpe: str = ""


class _Remedy(msgspec.Struct):
    name: str = ""
    description: str = ""


def linked(node: Node, seen: Visibility) -> Linked:
    """Everything that STIX objects say of vulnerabilities, as far as ``seen`` shows them."""
    found = Linked()
    numbers = {item.id: number for item in _all(node, seen, "vulnerability") if (number := _number(item)) is not None}
    if not numbers:
        return found
    for item in _all(node, seen, "sighting"):
        told = _read(item, _Sighting)
        if told is not None and told.sighting_of_ref in numbers and told.count > 0:
            _met(found, numbers[told.sighting_of_ref], item, told.first_seen or told.created, "sighting")
    pairs: list[tuple[str, str, StoredObject]] = []
    for item in _all(node, seen, "relationship"):
        relation = _read(item, _Relation) if b"vulnerability--" in item.body else None
        if relation is None or relation.target_ref not in numbers:
            continue
        number, kind = numbers[relation.target_ref], relation.source_ref.partition("--")[0]
        if relation.relationship_type in _USES and kind not in ("course-of-action", "software"):
            _met(found, number, item, relation.start_time or relation.created, kind)
        elif (relation.relationship_type == "has" and kind == "software") or relation.relationship_type in _HEALS:
            pairs.append((number, relation.source_ref, item))
    _sources(node, found, pairs)
    return found


def _met(found: Linked, number: str, item: StoredObject, moment: str, kind: str) -> None:
    at = _moment(moment)
    if at is None:
        return
    sectors: tuple[str, ...] = ()
    if kind == "sighting":
        exact, sectors, _ = read_sighting(item.body).evidence()
        at = at if exact is None else exact
    source = "peer" if item.origin is not None else f"stix {kind} {item.source or ''}".strip()
    found.seen.setdefault(number, []).append(
        Exploited(
            cve=number,
            since=at,
            source=source,
            peer=item.origin or "",
            side=item.origin or "",
            sectors=sectors[:MAX_SECTORS],
        )
    )


def _sources(node: Node, found: Linked, pairs: Iterable[tuple[str, str, StoredObject]]) -> None:
    """Software that has a vulnerability, and courses of action against it."""
    several = list(pairs)
    held = node.store.objects.latest({source for _, source, _ in several})
    for number, source, _ in several:
        item = held.get(source)
        if item is None or item.revoked:
            continue
        if item.type == "software" and (software := _read(item, _Software)) is not None and software.name:
            range = VersionRange.only(software.version)
            found.said.setdefault(number, []).append(
                Affected(
                    cve=number,
                    status=FlawStatus.AFFECTED,
                    source="stix",
                    product=software.name,
                    vendor=software.vendor,
                    cpe=software.cpe,
                    range=range,
                )
            )
        elif item.type == "course-of-action" and (remedy := _read(item, _Remedy)) is not None:
            text = remedy.description or remedy.name
            found.said.setdefault(number, []).append(Remedy(cve=number, kind="course-of-action", text=text[:2_000],
                                                            source="stix"))  # fmt: skip


def _all(node: Node, seen: Visibility, kind: str) -> Iterator[StoredObject]:
    after = 0
    while True:
        page = node.store.objects.list(seen, types=[kind], after=after, limit=PAGE)
        yield from (item for item in page.items if not item.revoked)
        if page.next is None:
            return
        after = page.next


def _number(item: StoredObject) -> str | None:
    told = _read(item, _Vulnerability)
    if told is None:
        return None
    named = (str(one.get("external_id")) for one in told.external_references if one.get("source_name") == "cve")
    return cve(told.name) or next((number for text in named if (number := cve(text)) is not None), None)


def _read(item: StoredObject, shape: type[Shape]) -> Shape | None:
    try:
        return msgspec.json.decode(item.body, type=shape)
    except UNREADABLE:
        return None


def _moment(text: str) -> int | None:
    try:
        return to_microseconds(parse_moment(text))
    except Fault:
        return None
