"""Visibility as SQL conditions: policy is applied before paging, so nobody can count what is withheld."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.sql import FromClause

from seawall.model import Visibility
from seawall.store.campaign_tables import campaign_origins, campaigns
from seawall.store.order_tables import orders
from seawall.store.tables import (
    indicator_sources,
    indicators,
    object_origins,
    objects,
    outbox,
    outboxes,
    sightings,
    warning_origins,
    warnings,
)

Condition = ColumnElement[bool]


def visible_objects(visibility: Visibility, table: FromClause = objects) -> list[Condition]:
    """Conditions on rows of ``objects``, or of an alias of it."""
    conditions = _markings(visibility, table)
    if visibility.types is not None:
        conditions.append(table.c.type.in_(sorted(visibility.types)))
    if visibility.excluded_origins:
        conditions.append(
            ~sa.exists().where(
                object_origins.c.id == table.c.id,
                object_origins.c.origin.in_(sorted(visibility.excluded_origins)),
            )
        )
    if visibility.circle is not None:
        conditions.append(_stands(visibility.circle, table.c.id, table.c.id_hash))
    return conditions


def visible_indicators(visibility: Visibility) -> list[Condition]:
    """Conditions on rows of ``indicators``: every source counts, so one excluded origin hides the entry."""
    conditions = _markings(visibility, indicators) + _typed(visibility, "indicator")
    if visibility.excluded_origins:
        conditions.append(
            ~sa.exists().where(
                indicator_sources.c.number == indicators.c.number,
                indicator_sources.c.origin.in_(sorted(visibility.excluded_origins)),
            )
        )
    if visibility.circle is not None:
        conditions.append(_stands(visibility.circle, indicators.c.indicator_id, indicators.c.id_hash))
    return conditions


def visible_orders(visibility: Visibility) -> list[Condition]:
    """Conditions on rows of ``orders``: as on the indicator that each was made from. No circle sees any here."""
    conditions = _markings(visibility, orders) + _typed(visibility, "indicator")
    if visibility.excluded_origins:
        hidden = orders.c.origin.in_(sorted(visibility.excluded_origins))
        conditions.append(sa.or_(orders.c.origin.is_(None), ~hidden))
    if visibility.circle is not None:
        conditions.append(sa.false())
    return conditions


def visible_sightings(visibility: Visibility) -> list[Condition]:
    """Conditions on rows of ``sightings``. They stand in no outbox themselves: a circle sees none here."""
    conditions = _markings(visibility, sightings) + _typed(visibility, "sighting")
    if visibility.excluded_origins:
        conditions.append(sightings.c.origin.not_in(sorted(visibility.excluded_origins)))
    return [*conditions, sa.false()] if visibility.circle is not None else conditions


def visible_warnings(visibility: Visibility) -> list[Condition]:
    """Conditions on rows of ``warnings``. They never leave as such: a circle sees none."""
    conditions = _markings(visibility, warnings)
    if visibility.excluded_origins:
        conditions.append(
            ~sa.exists().where(
                warning_origins.c.number == warnings.c.number,
                warning_origins.c.origin.in_(sorted(visibility.excluded_origins)),
            )
        )
    return [*conditions, sa.false()] if visibility.circle is not None else conditions


def visible_campaigns(visibility: Visibility) -> list[Condition]:
    """Conditions on rows of ``campaigns``. They never leave as such: a circle sees none."""
    conditions = _markings(visibility, campaigns)
    if visibility.excluded_origins:
        conditions.append(
            ~sa.exists().where(
                campaign_origins.c.campaign == campaigns.c.number,
                campaign_origins.c.origin.in_(sorted(visibility.excluded_origins)),
            )
        )
    return [*conditions, sa.false()] if visibility.circle is not None else conditions


def _markings(visibility: Visibility, table: FromClause) -> list[Condition]:
    return [table.c.tlp <= int(visibility.tlp_at_most), table.c.pap <= int(visibility.pap_at_most)]


def _typed(visibility: Visibility, type: str) -> list[Condition]:
    return [] if visibility.types is None or type in visibility.types else [sa.false()]


def _stands(circle: str, object_id: ColumnElement[str], id_hash: ColumnElement[int]) -> Condition:
    """The object stands, not withdrawn, in the circle's outbox."""
    return sa.exists().where(
        outboxes.c.circle == circle,
        outbox.c.circle == outboxes.c.number,
        outbox.c.id_hash == id_hash,
        outbox.c.object_id == object_id,
        outbox.c.withdrawn_at.is_(None),
    )
