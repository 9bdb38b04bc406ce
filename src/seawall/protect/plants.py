"""A plant owner's leave, and what people may call a point or a state: each refusal with its own sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seawall.model import Fault, Refused
from seawall.model.order import LEAVE_FRESH, Leave, Order, OrderState, Point, Window

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")  # what stands in logs, certificates and tools' own tables too


def check_in_force(value: str, order: Order | None) -> None:
    """Nothing is permitted at a plant that is not in force elsewhere. Raises Refused E-PROTECT-011."""
    if order is None or order.state is not OrderState.ACTIVE:
        raise Refused(
            "E-PROTECT-011",
            "{value} is in force nowhere, so it is not permitted at a plant; put it in force at other points first.",
            value=ascii(value[:100]),
        )


def leave_of(point: Point, undo_id: str, by: str, window: Window | None, tried: int | None, at: int) -> Leave:
    """The leave that ``by`` gives. ``window``: the open one; ``tried``: the last dry run (microseconds UTC).

    Raises Refused E-PROTECT-012 for anybody but the owner, -013 outside of a window, -014 without a fresh dry run.
    """
    if point.owner is None or by != point.owner:
        raise Refused(
            "E-PROTECT-012",
            "Only the named owner of {point} may permit a block there; the owner is {owner}.",
            point=point.name,
            owner=point.owner or "nobody yet",
        )
    if window is None:
        raise Refused(
            "E-PROTECT-013",
            "No maintenance window is open at {point}; 'seawall points change {point} --window FROM/TO' opens one.",
            point=point.name,
        )
    if tried is None or not 0 <= at - tried <= LEAVE_FRESH:
        raise Refused(
            "E-PROTECT-014",
            "No dry run of the last day shows what this would do at {point}; see 'seawall protect preview'.",
            point=point.name,
        )
    return Leave(point.name, undo_id, by, window.begins_at, window.ends_at, tried)


def check_point_name(name: str) -> None:
    """Raises Fault E-PROTECT-015 for what logs and tools could not carry."""
    if not _NAME.fullmatch(name):
        raise Fault(
            "E-PROTECT-015",
            "{given} cannot be the name of a point; use up to 63 lower-case letters, digits and hyphens.",
            given=ascii(name[:64]),
        )


def check_state(given: str, known: Iterable[str]) -> None:
    """Raises Fault E-PROTECT-016 for a word that is no state of an order."""
    names = tuple(known)
    if given not in names:
        raise Fault(
            "E-PROTECT-016",
            "{given} is no state; use one of {known}.",
            given=ascii(given[:40]),
            known=", ".join(names),
        )
