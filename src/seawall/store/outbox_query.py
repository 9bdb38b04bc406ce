"""One page of an outbox as one range scan, with the recipient check and TAXII's filters inside the query."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from seawall.model import Fault
from seawall.model.outbox import OutboxFilter, OutboxPage, OutboxRow
from seawall.store.tables import outbox
from seawall.store.values import id_hash, text_to_names, version_moment

Condition = ColumnElement[bool]
MANIFEST: Sequence[sa.Column[Any]] = (
    outbox.c.added,
    outbox.c.object_id,
    outbox.c.version,
    outbox.c.spec_version,
    outbox.c.recipients,
)
BODY: Sequence[sa.Column[Any]] = (*MANIFEST, outbox.c.body)


class Query(msgspec.Struct, frozen=True):
    """What a reader asks of one outbox; the same on every page of one walk."""

    circle: str
    recipient: str | None
    added_after: int | None
    match: OutboxFilter

    def digest(self) -> bytes:
        """Eight bytes that differ when the question does; ``added_after`` may be left out on later pages."""
        asked = msgspec.json.encode((self.circle, self.recipient, self.match))
        return hashlib.sha256(asked).digest()[:8]


class _Position(GenericFunction[int]):
    """Where a text stands in another, exactly (LIKE would not tell ``Seoul`` from ``seoul``); 0: nowhere."""

    name = "seawall_position"
    type = sa.Integer()
    inherit_cache = True


@compiles(_Position, "sqlite")
def _instr(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _strpos(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def prepared_page(
    columns: Sequence[sa.Column[Any]], query: Query, circle: int, behind: int | None, limit: int
) -> tuple[Select[tuple[Any, ...]], dict[str, object]]:
    """``page_query`` with a limit, and the values to bind. What pollers ask is made once for all of them."""
    if query.match != OutboxFilter() or query.recipient is None:
        return page_query(columns, query, circle, behind).limit(limit), {}
    asked = {"circle": circle, "behind": -1 if behind is None else behind, "most": limit}
    return _polled(columns is BODY), {**asked, "recipient": quoted_name(query.recipient)}


@lru_cache(maxsize=2)
def _polled(bodies: bool) -> Select[tuple[Any, ...]]:
    """The latest version of each object for one recipient behind a date, with places for values."""
    circle: sa.BindParameter[int] = sa.bindparam("circle")
    recipient: sa.BindParameter[str] = sa.bindparam("recipient")

    def readable(rows: Any) -> list[Condition]:
        return [sa.or_(rows.c.recipients.is_(None), _Position(rows.c.recipients, recipient) > 0)]

    other = outbox.alias()
    newer = sa.exists().where(
        other.c.id_hash == outbox.c.id_hash,
        other.c.circle == circle,
        other.c.object_id == outbox.c.object_id,
        sa.tuple_(other.c.version_at, other.c.added) > sa.tuple_(outbox.c.version_at, outbox.c.added),
        other.c.withdrawn_at.is_(None),
        *readable(other),
    )
    return (
        sa.select(*(BODY if bodies else MANIFEST))
        .where(
            outbox.c.circle == circle,
            outbox.c.added > sa.bindparam("behind"),
            outbox.c.withdrawn_at.is_(None),
            *readable(outbox),
            sa.or_(~outbox.c.in_company, ~newer),
        )
        .order_by(outbox.c.added)
        .limit(sa.bindparam("most"))
    )


def page_query(
    columns: Sequence[sa.Column[Any]], query: Query, circle: int, behind: int | None
) -> Select[tuple[Any, ...]]:
    """Rows of circle number ``circle`` behind a date-added, in its order."""
    match = query.match
    conditions = [outbox.c.withdrawn_at.is_(None), *readable_by(outbox, query.recipient)]
    if behind is not None:
        conditions.append(outbox.c.added > behind)
    if match.types is not None:
        conditions.append(outbox.c.type.in_(match.types))
    if match.spec_versions is not None:
        conditions.append(outbox.c.spec_version.in_(match.spec_versions))
    if match.ids is not None:
        # by number alone: offered the circle, a planner may walk all of it in order of date to save a sort
        conditions.append(outbox.c.number.in_(_rows_of(circle, match.ids)))
    else:
        conditions.append(outbox.c.circle == circle)
    conditions.append(_version(query, circle))
    return sa.select(*columns).where(*conditions).order_by(outbox.c.added)


def _rows_of(circle: int, ids: tuple[str, ...]) -> Select[tuple[int]]:
    inner = outbox.alias("named")
    hashes = [id_hash(id) for id in ids]
    named = [inner.c.id_hash.in_(hashes), inner.c.circle == circle, inner.c.object_id.in_(ids)]
    return sa.select(inner.c.number).where(*named)


def _version(query: Query, circle: int) -> Condition:
    """TAXII 2.1 section 3.4.1, ``match[version]``: any of the asked.

    Whichever is asked, of several rows of one version only the one added last is shown.
    """
    asked = query.match.versions or ("last",)
    again = _other(
        query, circle, lambda other: [other.c.version_at == outbox.c.version_at, other.c.added > outbox.c.added]
    )
    here = sa.tuple_(outbox.c.version_at, outbox.c.added)
    newer = _other(query, circle, lambda other: [sa.tuple_(other.c.version_at, other.c.added) > here])
    older = _other(query, circle, lambda other: [other.c.version_at < outbox.c.version_at])
    if "all" in asked:
        return ~again
    if asked == ("last",):
        return sa.or_(~outbox.c.in_company, ~newer)
    choices: list[Condition] = []
    if "last" in asked:
        choices.append(~newer)
    if "first" in asked:
        choices.append(~older)
    moments = [version_moment(version) for version in asked if version not in ("first", "last")]
    if moments:
        choices.append(outbox.c.version_at.in_(moments))
    return sa.and_(sa.or_(*choices), ~again)


def _other(query: Query, circle: int, conditions: Any) -> Condition:
    """Another row of the same object that the same recipient may read: one probe of ``outbox_by_object``."""
    other = outbox.alias()
    return sa.exists().where(
        other.c.id_hash == outbox.c.id_hash,
        other.c.circle == circle,
        other.c.object_id == outbox.c.object_id,
        *conditions(other),
        other.c.withdrawn_at.is_(None),
        *readable_by(other, query.recipient),
    )


def readable_by(rows: Any, recipient: str | None) -> list[Condition]:
    """The recipient check: rows for everybody, or with this name in their JSON list."""
    if recipient is None:
        return []
    return [sa.or_(rows.c.recipients.is_(None), _Position(rows.c.recipients, quoted_name(recipient)) > 0)]


def quoted_name(recipient: str) -> str:
    """The name as it stands in a JSON list: the quotation marks keep "seoul" apart from "seoul-2"."""
    return msgspec.json.encode(recipient).decode()


def to_page(rows: Sequence[Any], limit: int, query: Query) -> OutboxPage:
    """A page of at most ``limit`` of the rows; one row more than that means there is more."""
    shown = tuple(_row(*row) for row in rows[:limit])
    more = len(rows) > limit
    return OutboxPage(
        rows=shown,
        more=more,
        next=encode_next(shown[-1].added, query) if more else None,
        first_added=shown[0].added if shown else None,
        last_added=shown[-1].added if shown else None,
    )


def _row(
    added: int, object_id: str, version: str, spec_version: str, recipients: str | None, body: bytes = b""
) -> OutboxRow:
    return OutboxRow(object_id, version, bytes(body), _names(recipients), added, spec_version)


@lru_cache(maxsize=1_024)
def _names(recipients: str | None) -> frozenset[str] | None:
    """The same few recipients stand in row after row."""
    return None if recipients is None else frozenset(text_to_names(recipients))


def encode_next(added: int, query: Query) -> str:
    """An opaque mark behind the row added at ``added``, for this question only."""
    return base64.urlsafe_b64encode(query.digest() + added.to_bytes(8, "big", signed=True)).decode().rstrip("=")


def decode_next(next: str, query: Query) -> int:
    """The date-added behind which to go on. Raises Fault E-STORE-070 for anything we did not give out."""
    try:
        raw = base64.urlsafe_b64decode(next + "=" * (-len(next) % 4)) if len(next) <= 32 else b""
    except ValueError:
        raw = b""
    if len(raw) != 16 or raw[:8] != query.digest():
        raise Fault("E-STORE-070", "This 'next' does not belong to this request; start again without it.")
    return int.from_bytes(raw[8:], "big", signed=True)
