"""Rows of the order book as values, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.model import ObservableType, Pap, Tlp
from seawall.model.directive import Action
from seawall.model.order import Booked, Lane, Order, OrderState

_ACTIONS = {each.value: each for each in Action}  # a third of the time of asking the class
_TYPES = {each.value: each for each in ObservableType}
_STATES = {each.value: each for each in OrderState}
_LANES = {each.value: each for each in Lane}
_TLPS = {each.value: each for each in Tlp}
_PAPS = {each.value: each for each in Pap}


def as_order(row: Any) -> Order:
    """One row, every column in the table's order, as an order."""
    return as_booked(row).order


def as_booked(row: Any) -> Booked:
    """The same with what only this node needs."""
    (_, undo_id, action, type, value, starts_at, expires_at, state, lane, reason, release, source, scope, score, tlp,
     pap, indicator_id, origin, digest, rule, why, places, since, flags, held, rank) = row  # fmt: skip
    order = Order(
        undo_id,
        _ACTIONS[action],
        _TYPES[type],
        value,
        starts_at,
        expires_at,
        _STATES[state],
        _LANES[lane],
        reason,
        release,
        source,
        () if scope == "[]" else msgspec.json.decode(scope, type=tuple[str, ...]),
        score,
        _TLPS[tlp],
        _PAPS[pap],
        {} if held == "{}" else msgspec.json.decode(held, type=dict[str, str]),
    )
    return Booked(
        order,
        indicator_id,
        origin,
        bytes(digest),
        rule,
        why,
        {} if places == "{}" else msgspec.json.decode(places, type=dict[str, str]),
        since,
        () if flags == "[]" else msgspec.json.decode(flags, type=tuple[str, ...]),
        rank,
    )


def as_row(sequence: int, booked: Booked) -> tuple[object, ...]:
    """Every column of the table, in its order."""
    order = booked.order
    return (
        sequence,
        order.undo_id,
        order.action.value,
        order.type.value,
        order.value,
        order.starts_at,
        order.expires_at,
        order.state.value,
        order.lane.value,
        order.reason,
        order.release,
        order.source,
        _json(order.scope),
        order.score,
        int(order.tlp),
        int(order.pap),
        booked.indicator_id,
        booked.origin,
        booked.digest,
        booked.rule,
        booked.why,
        _json(booked.values),
        booked.since,
        _json(booked.flags),
        _json(order.held),
        booked.rank,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
