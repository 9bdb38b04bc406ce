"""How many own systems each security control guards, as people found out: what ``baseline-coverage`` counts.

Answers come from whoever asked (a survey, an audit, a scanner): for each control how many systems it guards, and how
many systems were asked. Neither systems nor their owners are kept. A set of answers holds from its moment until the
next one; a week takes the set that held at its end, if that is not older than a year.

Controls are the 22 categories of the NIST Cybersecurity Framework 2.0 (CSWP 29, 26 February 2024): what national
baselines are compared by, and coarse enough that one system changes few counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.exchange.aggregate import Period, Query, catalogue
from seawall.flow.node import Node
from seawall.model import Fault, Refused, rfc3339
from seawall.reference.tables import rows

NOTE = "aggregate-coverage"
QUERY = "baseline-coverage"
SYSTEMS = "systems"  # the bin of all that were asked
KEPT = 60  # sets of answers
DAY = 86_400_000_000
OLDEST = 366 * DAY
MOST_DIGITS = 9


class Answers(msgspec.Struct, frozen=True):
    """One set. ``at``: microseconds UTC from which it holds."""

    at: int
    systems: int
    guarded: dict[str, int]  # by control; what is not named guards none


def keep_answers(node: Node, path: Path, *, systems: int, at: int | None = None) -> dict[str, object]:
    """Take in a CSV with the columns ``control`` and ``guarded``; a set of the same moment is replaced.

    Keys as ``show_answers``. Raises Fault E-REFERENCE-001 to -003 for a file that cannot be used, E-FLOW-996 for a line
    that cannot be, E-FLOW-997 for a number of systems or a moment that cannot be.
    """
    node.require("import")
    moment = node.clock() if at is None else at
    if not 0 < systems < 10**MOST_DIGITS or moment > node.clock():
        raise Fault("E-FLOW-997", "Say how many systems were asked (1 or more), and a moment that is not to come.")
    query = next(one for one in catalogue().queries if one.name == QUERY)
    guarded: dict[str, int] = {}
    for line, row in rows(path, [("control",), ("guarded",)]):
        control, number = query.bin_of(row["control"]), row["guarded"].strip()
        fits = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS and int(number) <= systems
        if control is None or control == SYSTEMS or control in guarded or not fits:
            raise Fault(
                "E-FLOW-996",
                "{path}, line {line}: each of the controls {first} to {last} stands there at most once, with 0 to "
                "{systems} systems that it guards.",
                path=path.name,
                line=line,
                first=query.bins[0].upper(),
                last=query.bins[-2].upper(),
                systems=systems,
            )
        guarded[control] = int(number)
    others = [one for one in _kept(node) if one.at != moment]
    _keep(node, sorted([*others, Answers(moment, systems, guarded)], key=lambda one: one.at)[-KEPT:])
    return show_answers(node)


def forget_answers(node: Node) -> dict[str, object]:
    """Let go of all sets. Keys as ``show_answers``."""
    node.require("import")
    node.store.notes.delete(NOTE)
    return show_answers(node)


def show_answers(node: Node) -> dict[str, object]:
    """The set that holds now. Keys: at, systems, sets, items (control, guarded, share)."""
    node.require("read")
    kept = _kept(node)
    if not kept:
        return {"at": None, "systems": 0, "sets": 0, "items": []}
    newest = kept[-1]
    items = [
        {"control": name.upper(), "guarded": count, "share": round(count / newest.systems, 4)}
        for name, count in sorted(newest.guarded.items())
    ]
    return {"at": rfc3339(newest.at), "systems": newest.systems, "sets": len(kept), "items": items}


def answers_for(node: Node, period: Period) -> Answers:
    """The set that held at the end of a period. Raises Refused E-FLOW-998 without one, or for one older than a year."""
    held = [one for one in _kept(node) if one.at < period.ends]
    if not held or held[-1].at < period.ends - OLDEST:
        raise Refused(
            "E-FLOW-998",
            "No answers about controls of the year before the end of {period} are kept; take some in with 'seawall "
            "aggregates coverage FILE --systems N'.",
            period=str(period),
        )
    return held[-1]


def counts_of(answers: Answers, query: Query, period: Period) -> Mapping[tuple[int, str], int]:
    """The counts by (week, bin) of each week of the period."""
    weeks = range(period.first, period.first + period.weeks)
    by_bin = {**answers.guarded, SYSTEMS: answers.systems}
    return {(week, name): by_bin.get(name, 0) for week in weeks for name in query.bins}


def _kept(node: Node) -> list[Answers]:
    text = node.store.notes.get(NOTE)
    return msgspec.json.decode(text, type=list[Answers]) if text else []


def _keep(node: Node, kept: list[Answers]) -> None:
    node.store.notes.set(NOTE, msgspec.json.encode(kept).decode())
