"""MISP's search terms as SQL conditions; visibility stands among them, so nobody can count what is withheld."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from seawall.model import Visibility
from seawall.model.misp import MispQuery, Span, Words
from seawall.store.tables import misp_attributes, misp_events, misp_tags
from seawall.store.values import clean, id_hash

Condition = ColumnElement[bool]


def parts_of(value: str) -> tuple[str, str]:
    """The two halves of a composite value ("name|hash"), in lower case as MISP compares; the second may be empty."""
    first, _, second = clean(value).lower().partition("|")
    return first, second


def visible(visibility: Visibility, table: sa.Table) -> list[Condition]:
    """What policy lets the asker see. MISP events are indicators to policy; a circle sees its outbox, never these."""
    conditions = [table.c.tlp <= int(visibility.tlp_at_most), table.c.pap <= int(visibility.pap_at_most)]
    if visibility.types is not None and "indicator" not in visibility.types:
        conditions.append(sa.false())
    if visibility.circle is not None or visibility.excluded_origins:
        conditions.append(sa.false())
    return conditions


def attribute_conditions(query: MispQuery) -> list[Condition]:
    """Conditions on rows of ``misp_attributes``."""
    table = misp_attributes
    found = [*_words(query.values, _value_is), *_words(query.types, lambda word: _like(table.c.type, word))]
    found += _words(query.categories, lambda word: _like(table.c.category, word))
    found += _words(query.tags, _tagged)
    if query.to_ids is not None:
        found.append(table.c.to_ids.is_(query.to_ids))
    if query.deleted is not None:
        found.append(table.c.deleted.is_(query.deleted))
    if query.object_name is not None:
        found.append(_like(table.c.object_name, query.object_name))
    return found


def event_conditions(query: MispQuery) -> list[Condition]:
    """Conditions on rows of ``misp_events``, without those that need an attribute."""
    table = misp_events
    found = [table.c.deleted.is_(False), *_words(query.event_tags, _event_tagged)]
    found += span(table.c.timestamp, query.event_changed) + span(table.c.publish_timestamp, query.published_at)
    if query.published is not None:
        found.append(table.c.published.is_(query.published))
    if query.date_from is not None:
        found.append(table.c.date >= query.date_from)
    if query.date_until is not None:
        found.append(table.c.date <= query.date_until)
    if query.events:
        numbers = [int(word) for word in query.events if word.isdecimal() and len(word) < 19]
        found.append(table.c.number.in_(numbers) | table.c.uuid.in_([word.lower() for word in query.events]))
    if query.info is not None:
        text = f"%{_escaped(query.info.strip('%').lower())}%"
        found.append(table.c.info.like(text, escape="\\"))
    return found


def span(column: ColumnElement[int], asked: Span) -> list[Condition]:
    """The column lies within it."""
    found = [column >= asked.since] if asked.since is not None else []
    return found + ([column <= asked.until] if asked.until is not None else [])


def event_tag_or_any_attribute(query: MispQuery) -> list[Condition]:
    """As MISP asks events: a tag counts on the event and on each of its attributes."""

    def tagged(word: str) -> Condition:
        return sa.exists().where(misp_tags.c.event == misp_events.c.number, _name(word))

    return _words(query.tags, tagged)


def _words(words: Words, condition: Callable[[str], Condition]) -> list[Condition]:
    found = [condition(word) for word in words.all]
    if words.any:
        found.append(sa.or_(*(condition(word) for word in words.any)))
    return found + [~condition(word) for word in words.none]


def _value_is(word: str) -> Condition:
    table = misp_attributes
    first, second = parts_of(word)
    if "%" in word:
        return table.c.value.like(_pattern(clean(word).lower()), escape="\\")
    if second:
        return sa.and_(table.c.hash1 == id_hash(first), table.c.value == f"{first}|{second}")
    half = _escaped(first)
    return sa.or_(
        sa.and_(
            table.c.hash1 == id_hash(first),
            sa.or_(table.c.value == first, table.c.value.like(f"{half}|%", escape="\\")),
        ),
        sa.and_(table.c.hash2 == id_hash(first), table.c.value.like(f"%|{half}", escape="\\")),
    )


def _like(column: ColumnElement[str], word: str) -> Condition:
    return column.like(_pattern(clean(word)), escape="\\") if "%" in word else column == clean(word)


def _name(word: str) -> Condition:
    return _like(misp_tags.c.name, word)


def _tagged(word: str) -> Condition:
    on = sa.or_(misp_tags.c.attribute == misp_attributes.c.number, misp_tags.c.attribute == 0)
    return sa.exists().where(misp_tags.c.event == misp_attributes.c.event, on, _name(word))


def _event_tagged(word: str) -> Condition:
    return sa.exists().where(misp_tags.c.event == misp_events.c.number, misp_tags.c.attribute == 0, _name(word))


def _escaped(word: str) -> str:
    return clean(word).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _pattern(word: str) -> str:
    """``%`` stays MISP's wildcard, everything else is meant literally."""
    return word.replace("\\", "\\\\").replace("_", "\\_")


BOTH = sa.select(
    misp_attributes,
    *(column.label(f"event_{column.name}") for column in misp_events.c if column.name not in ("number", "change")),
)
"""An attribute and its event, of which the columns are called ``event_...``."""

LOOK_UP = (
    BOTH.join(misp_events, misp_events.c.number == misp_attributes.c.event)
    .where(
        sa.or_(
            sa.and_(
                misp_attributes.c.hash1 == sa.bindparam("hash"),
                sa.or_(
                    misp_attributes.c.value == sa.bindparam("value"),
                    misp_attributes.c.value.like(sa.bindparam("before"), escape="\\"),
                ),
            ),
            sa.and_(
                misp_attributes.c.hash2 == sa.bindparam("hash"),
                misp_attributes.c.value.like(sa.bindparam("behind"), escape="\\"),
            ),
        ),
        misp_attributes.c.deleted.is_(False),
        misp_events.c.deleted.is_(False),
        misp_attributes.c.tlp <= sa.bindparam("tlp"),
    )
    .order_by(misp_attributes.c.number)
    .offset(sa.bindparam("offset"))
    .limit(sa.bindparam("limit"))
)
"""Made once, for the question that scripts ask thousands of times: is this one value known?"""


def exact_value(query: MispQuery) -> str | None:
    """The one value that a query asks for, when it asks for nothing else."""
    word = query.values.any[0] if len(query.values.any) == 1 else ""
    plain = word and "%" not in word and "|" not in word and query == MispQuery(values=Words(any=(word,)))
    return word if plain else None


def look_up_values(word: str) -> dict[str, object]:
    """The parameters of ``LOOK_UP`` for a value."""
    value = clean(word).lower()
    half = _escaped(value)
    return {"hash": id_hash(value), "value": value, "before": f"{half}|%", "behind": f"%|{half}"}
