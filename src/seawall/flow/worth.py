"""``seawall worth``: what a link is worth, by circle and month, counted from what the node keeps.

Given and received are objects, counted once, in the month in which they first went out or came in. Everything else is
about *values that a peer told*: each stands in the circle in which it came and in the month in which we were told.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from seawall.flow.lead_pairs import gather_pairs
from seawall.flow.node import Node
from seawall.flow.warning import refresh_warnings
from seawall.model import Actor, Fault, ObservableType, Visibility, to_microseconds
from seawall.model.answer import Answer, Verdict
from seawall.policy import visibility
from seawall.warn.lead.columns import columns
from seawall.warn.lead.screens import screened

MONTHS = 24
"""Months of one answer, the latest ones: what happened before two years is in the ledger."""
NO_CIRCLE = "-"
"""Of values that came by a comparison, whose circle is not told by an object, with a peer in several circles."""
PAGE = 10_000
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def worth(
    node: Node, *, circle: str | None = None, month: str | None = None, actor: Actor | None = None
) -> dict[str, Any]:
    """The document of ``seawall worth --json``: one item a circle and month in which anything happened, latest first.

    Raises Fault E-FLOW-777 when ``month`` is not written as YYYY-MM.
    """
    seen = visibility(actor or node.require("read"))
    if month is not None and _MONTH.fullmatch(month) is None:
        raise Fault("E-FLOW-777", "{given} is no month; write 2026-11.", given=ascii(month[:20]))
    first = node.store.columns.exchanged_since()
    if first is None:
        return {"items": [], "next": None}
    told = _told(node, seen)
    items: list[dict[str, Any]] = []
    for begin, end in _months(first, node.clock(), month):
        counts = node.store.columns.given(begin, end), node.store.columns.received(begin, end)
        of_month = [row for row in told if begin <= row["told"] < end]
        for name in sorted({*counts[0], *counts[1], *(row["circle"] for row in of_month)}):
            if circle is None or name == circle:
                rows = [row for row in of_month if row["circle"] == name]
                plain = {"given": counts[0].get(name, 0), "received": counts[1].get(name, 0)}
                items.append({"circle": name, "month": _text(begin), **plain, **_summed(rows)})
    return {"items": items, "next": None}


def _summed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the told values of one circle and month came to."""
    answers = [row["answer"] for row in rows if row["answer"] is not None]
    times = [max(0, answer.at - row["told"]) / 1e6 for row in rows if (answer := row["answer"]) is not None]
    won = [row["won"] for row in rows if row["won"]]
    blocked = [row["blocked"] for row in rows if row["blocked"]]
    return {
        "told_values": len(rows),
        "warned": sum(row["warned"] for row in rows),
        "confirmed": sum(answer.verdict is Verdict.CONFIRMED for answer in answers),
        "refuted": sum(answer.verdict is Verdict.REFUTED for answer in answers),
        "unanswered": sum(row["warned"] and row["answer"] is None for row in rows),
        "median_answer_seconds": statistics.median(times) if times else None,
        "their_confirmed": sum(row["theirs"] is Verdict.CONFIRMED for row in rows),
        "their_refuted": sum(row["theirs"] is Verdict.REFUTED for row in rows),
        "told_in_time": len(won),
        "usable_hours_won": round(sum(won) / 3600, 3),
        "median_usable_seconds": statistics.median(won) if won else None,
        "blocked_values": len(blocked),
        "blocks_that_hit": sum(blocked),
    }


def _told(node: Node, seen: Visibility) -> list[dict[str, Any]]:
    """One entry a told value and peer: circle, when told, seconds won, answers, blocks."""
    gathered = gather_pairs(node, seen)
    if gathered.one_lake:
        return []
    refresh_warnings(node)
    pairs = gathered.pairs
    at = columns(pairs)
    stays = screened(pairs, at) == ""
    # usable: told before we met it, whoever was first; what was taken out won nothing
    won = np.where(stays & (at.told_us < at.here) & (at.there < at.here), (at.here - at.told_us) / 1e6, 0.0)
    keep = ~np.isnan(at.told_us)
    rows = pairs.filter(pa.array(keep)).select(["party", "type", "value", "told_us"])
    circles = _circles(node)
    only = _only_circles(node)
    warned = _warned(node, seen)
    blocked = _blocked(node)
    found = []
    for row, hours in zip(rows.to_pylist(), won[keep], strict=True):
        value = row["type"], row["value"]
        party = row["party"]
        found.append(
            {
                "key": value, "party": party, "told": row["told_us"], "won": float(np.nan_to_num(hours)),
                "circle": circles.get((party, *value)) or only.get(party, NO_CIRCLE), "warned": value in warned,
                "blocked": sum(count for last, count in blocked.get(value, ()) if last >= row["told_us"]),
            }
        )  # fmt: skip
    answers = node.store.answers.of({(ObservableType(row["key"][0]), row["key"][1]) for row in found})
    for row in found:
        given = answers.get((ObservableType(row["key"][0]), row["key"][1]), [])
        row["answer"] = _of(given, None)
        their = _of(given, row["party"])
        row["theirs"] = None if their is None else their.verdict
    return found


def _of(answers: Sequence[Answer], peer: str | None) -> Answer | None:
    return next((answer for answer in reversed(answers) if answer.peer == peer), None)


def _circles(node: Node) -> dict[tuple[str, str, str], str]:
    table = node.store.columns.told_in()
    return {(row["origin"], row["type"], row["value"]): row["circle"] for row in table.to_pylist()}


def _only_circles(node: Node) -> dict[str, str]:
    """The circle of each peer that we share just one with."""
    shared: dict[str, set[str]] = {}
    for terms in node.store.circles.list():
        for member in terms.members:
            shared.setdefault(member, set()).add(terms.name)
    return {peer: next(iter(names)) for peer, names in shared.items() if len(names) == 1}


def _warned(node: Node, seen: Visibility) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    after: int | None = 0
    while after is not None:
        page = node.store.warnings.list(seen, after=after, limit=PAGE)
        found |= {(item.type.value, item.value) for item in page.items if item.origins}
        after = page.next
    return found


def _blocked(node: Node) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """(type, value) -> (last moment, how often) of blocks that the site's own systems reported."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for row in node.store.columns.blocked().to_pylist():
        found.setdefault((row["type"], row["value"]), []).append((row["last_seen"], row["count"]))
    return found


def _months(first: int, now: int, only: str | None) -> Iterator[tuple[int, int]]:
    """Begin and end of months in microseconds UTC, the latest first."""
    last = datetime.fromtimestamp(now / 1e6, UTC)
    year, month = (last.year, last.month) if only is None else (int(only[:4]), int(only[5:]))
    for _ in range(MONTHS if only is None else 1):
        begin, end = _start(year, month), _start(year + month // 12, month % 12 + 1)
        if end <= first:
            return
        yield begin, end
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _start(year: int, month: int) -> int:
    return to_microseconds(datetime(year, month, 1, tzinfo=UTC))


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1e6, UTC).strftime("%Y-%m")
