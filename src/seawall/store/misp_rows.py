"""MISP events and attributes between their rows and the values that the rest of the program knows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from seawall.model import Pap, Tlp
from seawall.model.misp import MispAttribute, MispEvent
from seawall.store.misp_query import parts_of
from seawall.store.values import clean, id_hash, optional

Values = dict[str, Any]


def event_values(event: MispEvent) -> Values:
    """The columns of an event, but for its number and change."""
    return {
        "uuid": event.uuid,
        "timestamp": event.timestamp,
        "publish_timestamp": event.publish_timestamp,
        "published": event.published,
        "date": clean(event.date),
        "info": clean(event.info).lower(),
        "tlp": int(event.tlp),
        "pap": int(event.pap),
        "origin": event.origin,
        "deleted": event.deleted,
        "body": event.body,
    }


def attribute_values(one: MispAttribute) -> Values:
    """The columns of an attribute, but for its number and event."""
    first, second = parts_of(one.value)
    return {
        "uuid": one.uuid,
        "object": one.object,
        "object_name": optional(one.object_name),
        "type": clean(one.type),
        "category": clean(one.category),
        "value": clean(one.value).lower(),
        "hash1": id_hash(first),
        "hash2": id_hash(second) if second else 0,
        "to_ids": one.to_ids,
        "deleted": one.deleted,
        "timestamp": one.timestamp,
        "tlp": int(one.tlp),
        "pap": int(one.pap),
        "body": one.body,
    }


def event_of(row: Row[Any], attributes: tuple[MispAttribute, ...]) -> MispEvent:
    """Its tags stand in the body."""
    return MispEvent(
        uuid=row.uuid,
        timestamp=row.timestamp,
        publish_timestamp=row.publish_timestamp,
        published=row.published,
        date=row.date,
        info=row.info,
        tlp=Tlp(row.tlp),
        pap=Pap(row.pap),
        body=bytes(row.body),
        attributes=attributes,
        origin=row.origin,
        deleted=row.deleted,
        number=row.number,
        change=row.change,
    )


def head_of(row: Row[Any]) -> MispEvent:
    """The event of a row of ``BOTH``."""
    return MispEvent(
        uuid=row.event_uuid,
        timestamp=row.event_timestamp,
        publish_timestamp=row.event_publish_timestamp,
        published=row.event_published,
        date=row.event_date,
        info=row.event_info,
        tlp=Tlp(row.event_tlp),
        pap=Pap(row.event_pap),
        body=bytes(row.event_body),
        number=row.event,
    )


def attribute_of(row: Row[Any]) -> MispAttribute:
    """Its tags stand in the body."""
    return MispAttribute(
        uuid=row.uuid,
        type=row.type,
        category=row.category,
        value=row.value,
        to_ids=row.to_ids,
        deleted=row.deleted,
        timestamp=row.timestamp,
        tlp=Tlp(row.tlp),
        pap=Pap(row.pap),
        body=bytes(row.body),
        object=row.object,
        object_name=row.object_name,
        number=row.number,
        event=row.event,
    )
