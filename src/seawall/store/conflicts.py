"""What others say of an object that is held already: the same version with other content, or in another's name.

Kept beside what is held, never in its place; see docs/explanation/versions-and-conflicts.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import Pap, Tlp, Visibility
from seawall.model.stored import Conflict, Page
from seawall.model.unreadable import UNREADABLE
from seawall.store.ancestry import insert_new
from seawall.store.database import Database
from seawall.store.tables import conflicts, objects
from seawall.store.values import bounded
from seawall.store.visible import visible_objects

MAX_PER_OBJECT = 20  # claims kept beside one object: whoever says more says it to fill the store
SAME_VERSION = "same-version"
ANOTHER_CREATOR = "another-creator"
Values = Mapping[str, object]


class Conflicts:
    """The group ``store.conflicts``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, visibility: Visibility, *, after: int = 0, limit: int = 100) -> Page[Conflict]:
        """Claims that the asker may see, in order of arrival; those about an object that he may not see are absent."""
        limit = bounded(limit)
        held = objects.alias("held")
        query = (
            sa.select(conflicts, held.c.source.label("held_source"), held.c.origin.label("held_origin"),
                      held.c.created_by.label("held_created_by"), held.c.version.label("held_version"))
            .join(held, sa.and_(held.c.id_hash == conflicts.c.id_hash, held.c.id == conflicts.c.id))
            .where(
                held.c.latest,
                *visible_objects(visibility, held),
                conflicts.c.tlp <= int(visibility.tlp_at_most),
                conflicts.c.pap <= int(visibility.pap_at_most),
                conflicts.c.number > after,
            )
            .order_by(conflicts.c.number)
            .limit(limit + 1)
        )  # fmt: skip
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(
            Conflict(
                number=row.number,
                id=row.id,
                type=row.type,
                version=row.version,
                reason=row.reason,
                created_by=row.created_by,
                body=bytes(row.body),
                tlp=Tlp(row.tlp),
                pap=Pap(row.pap),
                origin=row.origin,
                source=row.source,
                at=row.at,
                held_version=row.held_version,
                held_created_by=row.held_created_by,
                held_origin=row.held_origin,
                held_source=row.held_source,
            )
            for row in rows[:limit]
        )
        return Page(items, items[-1].number if len(rows) > limit else None)


def conflict_of(latest: Values, same_version: Values | None, given: Values) -> str | None:
    """Why ``given`` must not change what is held; None when it may.

    ``latest`` is the version held as the latest, ``same_version`` the one of the same moment, if there is one. Whoever
    said what is held may correct it. Our own imports are believed about whom they name as creator, a peer is not. An
    object without versions (an observable) has no creator to protect.
    """
    if not given["version"]:
        return None
    if latest["created_by"] != given["created_by"] and not _same_speaker(latest, given):
        return ANOTHER_CREATOR
    if same_version is not None and not _same_speaker(same_version, given) and not same_content(same_version, given):
        return SAME_VERSION
    if given["origin"] is not None and not _same_speaker(latest, given) and not _says_it_again(same_version, given):
        return ANOTHER_CREATOR
    return None


def is_echo(held: Values, given: Values) -> bool:
    """Whether a peer says again, word for word, what we hold from somebody else: it stays ours, with our marking."""
    return given["origin"] is not None and not _same_speaker(held, given) and same_content(held, given)


def _says_it_again(same_version: Values | None, given: Values) -> bool:
    return same_version is not None and same_content(same_version, given)


def same_content(one: Values, other: Values) -> bool:
    """Whether two bodies say the same, in whatever order their properties stand."""
    if one["body"] == other["body"]:
        return True
    try:
        left, right = (msgspec.json.decode(bytes(values["body"])) for values in (one, other))  # type: ignore[call-overload]
    except UNREADABLE:
        return False
    return bool(left == right)


def keep_conflicts(connection: Connection, found: Sequence[tuple[str, Values]]) -> None:
    """Keep claims with their reasons, each once and at most ``MAX_PER_OBJECT`` of one object."""
    rows: list[dict[str, object]] = []
    room: dict[str, int] = {}
    for reason, values in found:
        id = str(values["id"])
        if id not in room:
            count = sa.select(sa.func.count()).where(conflicts.c.id_hash == values["id_hash"], conflicts.c.id == id)
            room[id] = MAX_PER_OBJECT - int(connection.execute(count).scalar_one())
        if room[id] <= 0:
            continue
        room[id] -= 1
        names = ("id", "id_hash", "type", "version", "created_by", "body", "tlp", "pap", "origin", "source")
        row = {name: values[name] for name in names} | {"reason": reason, "at": values["stored_at"]}
        said = msgspec.json.encode([row[name] for name in ("id", "version", "origin", "source")])
        row["digest"] = hashlib.sha256(said + bytes(row["body"])).digest()  # type: ignore[call-overload]
        rows.append(row)
    if rows:
        insert_new(connection, conflicts, rows)


def _same_speaker(one: Values, other: Values) -> bool:
    """The same peer; among our own imports, the same source."""
    return one["origin"] == other["origin"] and (one["origin"] is not None or one["source"] == other["source"])
