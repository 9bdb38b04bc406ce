"""Writes a batch of indicators in one transaction: compare, insert the new, join the known."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import PutCounts
from seawall.store.bulk import insert_rows, rows_for, update_rows
from seawall.store.database import Database
from seawall.store.indicator_sources import SourceFacts, content_of, facts, joined
from seawall.store.tables import indicator_bodies, indicator_sources, indicators
from seawall.store.values import clean, id_hash, optional

CHUNK = 500  # numbers in one query
MAX_TWINS = 16  # indicators that one source may hold on one value; further ones replace the last
Key = tuple[str, str]

HELD = """
SELECT given.position, held.number, said.source IS NOT NULL, said.content, said.external_id
FROM {given} JOIN indicators AS held ON held.type = given.a AND held.value = given.b
LEFT JOIN indicator_sources AS said ON said.number = held.number AND said.source = :source
ORDER BY given.position, held.twin
"""


class Held(msgspec.Struct, frozen=True, gc=False):
    """An entry held on a value, and whether and what this source said in it."""

    number: int
    spoken: bool
    content: int | None
    external_id: str | None


def put_batch(
    database: Database, connection: Connection, batch: Sequence[IndicatorEntry], source: str, at: int
) -> PutCounts:
    """Write a batch; a value that stands in it twice is taken in the order given."""
    source = clean(source)
    counts = PutCounts()
    while batch:
        once: dict[Key, IndicatorEntry] = {}
        again = []
        for entry in batch:
            key = (entry.type.value, clean(entry.value))
            if key in once:
                again.append(entry)
            else:
                once[key] = entry
        counts += _put_distinct(database, connection, once, source, at)
        batch = again
    return counts


def _put_distinct(
    database: Database, connection: Connection, batch: dict[Key, IndicatorEntry], source: str, at: int
) -> PutCounts:
    keys = sorted(batch)  # index pages are then touched in order
    # the numbers are reserved first: their lock keeps two writers from inserting one value at once
    number = database.numbers(connection, "indicators", len(keys))
    held: dict[Key, list[Held]] = {}
    for place, *found in rows_for(connection, keys, HELD, source=source):
        held.setdefault(keys[place], []).append(Held(*found))
    fresh, changed = [], []
    for key in keys:
        entry, twins = batch[key], held.get(key, ())
        content = content_of(entry)
        mine = _mine(entry, twins)
        if mine is None:
            fresh.append((key, len(twins), entry, content))
        elif mine.content != content:
            changed.append((entry, mine.number, content))
    _insert(connection, fresh, number, source, at)
    _join(connection, changed, number + len(fresh), source, at)
    return PutCounts(len(fresh), len(changed), len(keys) - len(fresh) - len(changed))


def _mine(entry: IndicatorEntry, twins: Sequence[Held]) -> Held | None:
    """The entry in which this source's word belongs; None: it is a new one.

    Another source joins the first entry it has not spoken in yet. A source that names its indicators by different ids
    of its own on one value (two campaigns on one network, say) keeps one entry for each.
    """
    name = optional(entry.external_id)
    spoken = [twin for twin in twins if twin.spoken]
    silent = [twin for twin in twins if not twin.spoken]
    same = next((twin for twin in spoken if twin.external_id == name), None)
    if same is not None or not twins:
        return same
    if silent:
        return silent[0]
    if name is None or spoken[0].external_id is None:
        return spoken[0]
    return None if len(twins) < MAX_TWINS else spoken[-1]


def _insert(
    connection: Connection, fresh: Sequence[tuple[Key, int, IndicatorEntry, int]], number: int, source: str, at: int
) -> None:
    """New values: their number is also their first change number."""
    rows, bodies, said = [], [], []
    for place, (key, twin, entry, content) in enumerate(fresh, number):
        id = clean(entry.indicator_id)
        tlp, pap, name = int(entry.tlp), int(entry.pap), optional(entry.external_id)
        rows.append(
            (
                place,
                *key,
                twin,
                id,
                id_hash(id),
                optional(entry.campaign),
                optional(entry.description),
                entry.confidence,
                tlp,
                pap,
                entry.valid_from,
                entry.valid_until,
                entry.origin,
                name,
                place,
                at,
            )
        )
        bodies.append((place, entry.body))
        ends = (entry.confidence, entry.valid_from, entry.valid_until, name)
        said.append((place, source, 0, content, tlp, pap, entry.origin, *ends))
    insert_rows(connection, indicators, rows)
    insert_rows(connection, indicator_bodies, bodies)
    insert_rows(connection, indicator_sources, said)


def _join(
    connection: Connection, changed: Sequence[tuple[IndicatorEntry, int, int]], change: int, source: str, at: int
) -> None:
    """Known values: let this source say its new word, then join what all of them say."""
    held = _sources(connection, [number for _, number, _ in changed])
    rows, bodies, said = [], [], []
    for place, (entry, number, content) in enumerate(changed, change):
        sources = held[number]
        mine = next((one for one in sources if one.source == source), None)
        position = mine.position if mine is not None else max(one.position for one in sources) + 1
        word = facts(entry, number, source, position, content)
        sources = [one for one in sources if one.source != source] + [word]
        said.append(word)
        first = position == min(one.position for one in sources)
        rows.append(
            {
                "number": number,
                **msgspec.structs.asdict(joined(sources)),
                # the first source names the entry; the others fill in what it left open
                "indicator_id": clean(entry.indicator_id) if first else None,
                "id_hash": id_hash(clean(entry.indicator_id)) if first else None,
                "campaign": optional(entry.campaign),
                "description": optional(entry.description),
                "external_id": optional(entry.external_id),
                "first": first,
                "change": place,
                "stored_at": at,
            }
        )
        if first:
            bodies.append({"number": number, "body": entry.body})
    _say(connection, said)
    _rewrite(connection, rows)
    update_rows(connection, indicator_bodies, bodies)


def _rewrite(connection: Connection, rows: list[dict[str, object]]) -> None:
    open_ends = ("indicator_id", "id_hash", "campaign", "description", "external_id")
    update_rows(connection, indicators, [_without(row, "first") for row in rows if row["first"]])
    filling = [row for row in rows if not row["first"]]
    if not filling:
        return
    change = {
        name: sa.func.coalesce(indicators.c[name], sa.bindparam(f"_{name}"))
        if name in open_ends
        else sa.bindparam(f"_{name}")
        for name in filling[0]
        if name not in ("number", "first")
    }
    update = sa.update(indicators).where(indicators.c.number == sa.bindparam("_number")).values(change)
    connection.execute(
        update, [{f"_{name}": value for name, value in _without(row, "first").items()} for row in filling]
    )


def _without(row: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != name}


def _sources(connection: Connection, numbers: Sequence[int]) -> dict[int, list[SourceFacts]]:
    found: dict[int, list[SourceFacts]] = {}
    for start in range(0, len(numbers), CHUNK):
        query = sa.select(indicator_sources).where(indicator_sources.c.number.in_(numbers[start : start + CHUNK]))
        for row in connection.execute(query):
            found.setdefault(row.number, []).append(SourceFacts(*row))
    return found


def _say(connection: Connection, said: list[SourceFacts]) -> None:
    """Replace or add what one source says."""
    for start in range(0, len(said), CHUNK):
        chunk = said[start : start + CHUNK]
        connection.execute(
            sa.delete(indicator_sources).where(
                indicator_sources.c.source == chunk[0].source,
                indicator_sources.c.number.in_([word.number for word in chunk]),
            )
        )
    insert_rows(connection, indicator_sources, [msgspec.structs.astuple(word) for word in said])


class Word(msgspec.Struct, frozen=True):
    """What is to be taken back: all that a source said about a value, or what it said under one name of its own."""

    type: ObservableType
    value: str
    source: str
    external_id: str | None = None


def withdraw_source(database: Database, connection: Connection, word: Word) -> bool:
    """Drop what one source said about a value, and every entry with its last source."""
    source = word.source
    query = (
        sa.select(indicators.c.number)
        .join(indicator_sources, indicator_sources.c.number == indicators.c.number)
        .where(
            indicators.c.type == word.type.value,
            indicators.c.value == word.value,
            indicator_sources.c.source == source,
        )
    )
    if word.external_id is not None:
        query = query.where(indicator_sources.c.external_id == optional(word.external_id))
    numbers = list(connection.execute(query).scalars())
    change = database.numbers(connection, "indicators", max(len(numbers), 1))
    for place, number in enumerate(numbers, change):
        said = sa.and_(indicator_sources.c.number == number, indicator_sources.c.source == source)
        mine = min(one.position for one in _sources(connection, [number])[number] if one.source == source)
        connection.execute(sa.delete(indicator_sources).where(said))
        left = _sources(connection, [number]).get(number)
        if left:
            row = {"number": number, **msgspec.structs.asdict(joined(left)), "change": place}
            update_rows(connection, indicators, [row])
            if mine < min(one.position for one in left):
                _rename(connection, number, word, left)
        else:
            connection.execute(sa.delete(indicator_bodies).where(indicator_bodies.c.number == number))
            connection.execute(sa.delete(indicators).where(indicators.c.number == number))
    return bool(numbers)


def _rename(connection: Connection, number: int, word: Word, left: Sequence[SourceFacts]) -> None:
    """The entry's id, body and description were the word that was taken back: the first that is left names it, in a
    body that says no more than its value, because of later sources no body is kept."""
    first = min(left, key=lambda one: one.position)
    facts = joined(left)
    plain = ValueIndicators(tlp=Tlp(facts.tlp), pap=Pap(facts.pap)).entry(
        IndicatorRow(
            word.type,
            word.value,
            0,
            confidence=facts.confidence,
            valid_from=facts.valid_from,
            valid_until=facts.valid_until,
        ),
        (),
    )
    id, body = plain.indicator_id, plain.body
    if first.external_id is not None and first.external_id.startswith("indicator--"):
        named = msgspec.json.decode(body, type=dict[str, object]) | {"id": first.external_id}
        id, body = first.external_id, msgspec.json.encode(named)
    change = {"indicator_id": id, "id_hash": id_hash(id), "campaign": None, "description": None}
    change["external_id"] = first.external_id
    connection.execute(sa.update(indicators).where(indicators.c.number == number).values(change))
    connection.execute(sa.update(indicator_bodies).where(indicator_bodies.c.number == number).values(body=body))


def rejoin(database: Database, connection: Connection, numbers: Sequence[int]) -> None:
    """Let what holds of these entries follow from what their sources now say."""
    change = database.numbers(connection, "indicators", len(numbers))
    held = _sources(connection, numbers)
    rows = [
        {"number": number, **msgspec.structs.asdict(joined(held[number])), "change": place}
        for place, number in enumerate(numbers, change)
        if number in held
    ]
    update_rows(connection, indicators, rows)
