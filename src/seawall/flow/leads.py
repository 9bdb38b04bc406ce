"""``seawall leads``: who saw it first, how much of that was usable, and what chance alone would show."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.flow.lead_pairs import gather_pairs
from seawall.flow.lead_pairs import since as pairs_since
from seawall.flow.node import Node
from seawall.messages import mark
from seawall.model import Actor, Fault, rfc3339, to_microseconds
from seawall.model.moments import parse_moment
from seawall.policy import visibility
from seawall.warn.lead import LEAST_BOTH, By, LeadGroup, LeadOptions, Null, State, analyse

Kind = TypeVar("Kind", bound=StrEnum)
MAX_PAGE = 10_000  # rows of one answer
SAYS = {
    State.EMPTY: mark(
        "Not enough data: nothing was met here and nothing was told by a peer; take in telemetry of both sides, "
        "or exchange with a peer."
    ),
    State.ONE_SIDED: mark("Not enough data: values were met on one side only, so nobody was first."),
    State.NOT_ENOUGH: mark(
        "Not enough data: {both} values were met on both sides, and medians and tests need {least}."
    ),
    State.MEASURED: mark("{both} values were met on both sides."),
}
"""What each state says; sentences for people."""


def leads(
    node: Node,
    *,
    by: str = "peer",
    since: str | None = None,
    peer: str | None = None,
    null: str = "permute",
    limit: int = 1000,
    after: int = 0,
    actor: Actor | None = None,
) -> dict[str, Any]:
    """The document of ``seawall leads --json``. ``after`` counts groups, or observables.

    Raises Fault E-FLOW-776 for a grouping or null model that there is not, NotFound E-FLOW-775 for an unknown peer.
    """
    seen = visibility(actor or node.require("read"))
    wanted, model = _choice(By, by), _choice(Null, null)
    begin = to_microseconds(parse_moment(since)) if since is not None else None
    gathered = gather_pairs(node, seen, peer)
    pairs = gathered.pairs if begin is None else pairs_since(gathered.pairs, begin)
    report = analyse(pairs, LeadOptions(by=wanted, null=model, one_lake=gathered.one_lake, until=gathered.until))
    limit = max(1, min(limit, MAX_PAGE))
    if wanted is By.OBSERVABLE:
        items, total = observables(pairs, limit=limit, after=after), len(pairs)
    else:
        items, total = [group_row(one) for one in report.groups[after : after + limit]], len(report.groups)
    whole = report.whole
    return {
        "items": items,
        "next": after + limit if after + limit < total else None,
        "by": wanted.value,
        "null": report.null,
        "draws": report.draws,
        "seed": report.seed,
        "least_both": LEAST_BOTH,
        "source": "sides" if gathered.one_lake else "peers",
        "here": gathered.here,
        "parties": list(report.parties),
        "since": rfc3339(begin) if begin is not None else None,
        "until": rfc3339(report.until) if report.until is not None else None,
        "state": whole.state.value,
        "says": SAYS[whole.state].format(both=whole.both, least=LEAST_BOTH),
        "whole": group_row(whole),
        "clocks": [msgspec.to_builtins(clock) for clock in report.clocks],
        "corrected_sensors": gathered.corrected_sensors,
    }


def group_row(group: LeadGroup) -> dict[str, Any]:
    """One group as the doors show it."""
    plain: dict[str, Any] = msgspec.to_builtins(group)
    return plain


def observables(pairs: pa.Table, *, limit: int, after: int) -> list[dict[str, Any]]:
    """Single values, the latest met first: both moments, both leads, and why one is taken out."""
    from seawall.warn.lead.columns import columns
    from seawall.warn.lead.screens import screened

    reasons = pa.array(screened(pairs, columns(pairs)).tolist(), pa.string())
    first = pc.min_element_wise(pairs["there_first"], pairs["here_first"], pairs["proved_there"])
    told = pairs.append_column("taken_out", reasons).append_column("first", first)
    rows = told.sort_by(
        [("first", "descending"), ("party", "ascending"), ("type", "ascending"), ("value", "ascending")]
    )
    return [_observable(row) for row in rows.slice(after, limit).to_pylist()]


def _observable(row: dict[str, Any]) -> dict[str, Any]:
    there = row["there_first"] if row["there_first"] is not None else row["proved_there"]
    here, told = row["here_first"], row["told_us"]
    both = there is not None and here is not None
    raw = (here - there) / 1_000_000 if both else None
    usable = None
    if both and raw is not None and raw > 0:
        usable = max(0.0, (here - told) / 1_000_000) if told is not None else 0.0
    return {
        "type": row["type"],
        "value": row["value"],
        "peer": row["party"],
        "campaign": row["campaign"],
        "sectors": row["sectors"],
        "first": None if raw is None else "there" if raw > 0 else "here" if raw < 0 else "same",
        "there_first_seen": _text(row["there_first"]),
        "here_first_seen": _text(here),
        "told_at": _text(told),
        "proved_at": _text(row["proved_there"]),
        "raw_lead_seconds": raw,
        "usable_lead_seconds": usable,
        "sharing_delay_seconds": None if told is None or there is None else (told - there) / 1_000_000,
        "taken_out": row["taken_out"] or None,
    }


def _text(moment: int | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _choice(kinds: type[Kind], given: str) -> Kind:
    try:
        return kinds(given)
    except ValueError:
        raise Fault(
            "E-FLOW-776",
            "{given} cannot be chosen here; use one of {known}.",
            given=ascii(given[:40]),
            known=", ".join(kind.value for kind in kinds),
        ) from None
