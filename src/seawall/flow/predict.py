"""Who comes here next among what peers see: the node's history through a predictor, with reasons; and its grades."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np

from seawall.flow.node import Node
from seawall.flow.predict_history import Gathered, gather
from seawall.flow.predict_rows import Rows
from seawall.flow.predict_states import Reason, date_of, of_fault
from seawall.flow.predict_states import missing as missing_of
from seawall.flow.predict_states import notes as notes_of
from seawall.flow.scores import scores_of
from seawall.messages import mark
from seawall.model import Fault, Visibility
from seawall.model.answer import Verdict
from seawall.policy import visibility
from seawall.warn.prediction_grade import LEAST_TEST_DAYS, Grade, Task, days_to_test, grade
from seawall.warn.prediction_liars import Lie, with_liar
from seawall.warn.predictors import METHODS, History, NotEnough, Predictor, method, top
from seawall.warn.predictors.history import Floats, Ints

AUTO = ("ranker", "knn", "gwol")
"""Without ``--method`` the first of these that has something to say: measured best first (docs/how-to)."""
TESTED_DAYS = 7
MAX_ASKED = 50_000  # values at the head of the list whose answers are looked up


class Prediction(msgspec.Struct, frozen=True):
    """The list for one day: rows as the doors show them, what it rests on, and what is missing."""

    document: dict[str, object]
    items: list[dict[str, object]]
    reasons: list[list[Reason]]  # of each item
    notes: list[Reason]
    missing: list[Reason]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants predicted."""

    days: int = 30
    top: int = 20
    method: str | None = None
    side: str | None = None
    sector: str | None = None
    unmet: bool = False


def predict(node: Node, asked: Asked) -> Prediction:
    """The values most likely to come to us (or one side or sector of ours) on the day after the newest record.

    Raises Fault E-FLOW-790 for a side or sector that is not ours, E-WARN-135 for an unknown method.
    """
    seen = visibility(node.require("read"))
    gathered, past, us, ours = _prepared(node, asked, seen)
    notes, missing = notes_of(node, gathered), missing_of(gathered, us)
    document = _document(gathered, asked, ours)
    if missing:
        return Prediction(document | {"method": None, "state": "not enough data"}, [], [], notes, missing)
    name, chosen, scores, why = _chosen(past, us, asked, gathered)
    notes += why
    refuted = _refuted(node, gathered, scores)
    wanted = np.ones(past.sources, np.bool_)
    wanted[refuted] = False
    if asked.unmet:
        wanted[past.source[past.victim == us]] = False
    listed = top(scores, past, asked.top, wanted=wanted)
    if len(refuted):
        notes.append(
            Reason(mark("{count} values are left out because our people refuted them."), {"count": len(refuted)})
        )
    if not len(listed):
        missing = [Reason(mark("No method finds anything that others met and that is likely to come here."), {})]
    shown = Rows(gathered, past, us, chosen.neighbours(us) if chosen is not None else np.zeros(past.victims))
    items, reasons = shown.of(listed)
    if items and (most := float(scores[listed[0]])) > 0:
        attention = scores_of(node, [gathered.keys[source] for source in listed], seen=seen)
        for item, source in zip(items, listed, strict=True):
            item["score"] = round(float(scores[source]) / most, 4)
            item["attention"] = round(attention[gathered.keys[source]].value, 1)
    state = "ok" if items else "not enough data"
    return Prediction(document | {"method": name, "state": state}, items, reasons, notes, missing)


class Evaluation(msgspec.Struct, frozen=True):
    """Every method on the node's own history."""

    document: dict[str, object]
    items: list[dict[str, object]]
    notes: list[Reason]
    missing: list[Reason]


def evaluate(
    node: Node, asked: Asked, *, liars: bool = False, progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Grade every method (or the one asked for) on the last days, each learning only from what was known before.

    ``liars``: also with one more peer that lies, in each of three ways. Raises as ``predict``.
    """
    gathered, past, us, ours = _prepared(node, asked, visibility(node.require("read")))
    notes, missing = notes_of(node, gathered), missing_of(gathered, us)
    days = days_to_test(past, most=TESTED_DAYS)
    arrivals = [day for day in days if ((past.victim == us) & (past.day == day)).any()]
    if not missing and len(arrivals) < LEAST_TEST_DAYS:
        missing = [
            Reason(
                mark("Values came here on {count} of the last days; at least {least} such days are needed to measure."),
                {"count": len(arrivals), "least": LEAST_TEST_DAYS},
            )
        ]
    document = _document(gathered, asked, ours) | {
        "test_days": len(days),
        "state": "not enough data" if missing else "ok",
    }
    if missing:
        return Evaluation(document, [], notes, missing)
    names = METHODS if asked.method is None else (asked.method,)
    task = Task(victim=us, k=asked.top, test_days=days, unmet=asked.unmet)
    rows = []
    for place, name in enumerate(names):
        make = partial(method, name, gathered.compared)
        row = _graded(grade(make, past, task))
        if liars:
            row["hits_with_liar"] = {lie.value: grade(make, with_liar(past, lie), task).hits for lie in Lie}
        rows.append(row)
        if progress is not None:
            progress(place + 1, len(names))
    return Evaluation(document, rows, notes, missing)


class _Prepared(NamedTuple):
    """A history in which the victims that are asked for are one, ``us`` (-1: there is none of ours)."""

    gathered: Gathered
    past: History
    us: int
    ours: list[int]


def _prepared(node: Node, asked: Asked, seen: Visibility) -> _Prepared:
    if asked.method is not None and asked.method not in METHODS:
        method(asked.method)  # raises
    gathered = gather(node, days=asked.days, seen=seen)
    side = asked.side
    if side is None and node.side in (sides := gathered.sides()) and len(sides) > 1:
        side = node.side  # a lake of two sides is a test or a joint site: the other side counts as a neighbour
    ours = gathered.ours(side, asked.sector)
    if not ours and gathered.sides() and (asked.side or asked.sector):
        known = ", ".join(sorted({victim.name for victim in gathered.victims if not victim.peer}))
        raise Fault(
            "E-FLOW-790", "Nothing hostile was met at {given}; there is {known}.",
            given=ascii("/".join(part for part in (asked.side, asked.sector) if part)[:80]), known=known[:400],
        )  # fmt: skip
    if not ours:
        return _Prepared(gathered, gathered.past, -1, [])
    joined, us = gathered.past.joined(ours)
    return _Prepared(gathered, joined, us, ours)


def _document(gathered: Gathered, asked: Asked, ours: list[int]) -> dict[str, object]:
    past = gathered.past
    return {
        "for_day": date_of(gathered.last_day + 1),
        "for": sorted(gathered.victims[number].name for number in ours),
        "days": asked.days,
        "values": len(np.unique(past.source)),
        "meetings": len(past.source),
        "victims": len(gathered.victims),
        "peers": len(gathered.peers) - 1,
        "left_out": dict(gathered.left_out),
    }


def _chosen(
    past: History, us: int, asked: Asked, gathered: Gathered
) -> tuple[str | None, Predictor | None, Floats, list[Reason]]:
    """The method asked for, or the first of ``AUTO`` that says something; with why others did not."""
    why: list[Reason] = []
    for name in AUTO if asked.method is None else (asked.method,):
        predictor = method(name, gathered.compared)
        try:
            predictor.fit(past)
            scores = predictor.scores(us)
        except NotEnough as fault:
            why.append(of_fault(fault))
            continue
        except Fault as fault:
            if asked.method is not None:
                raise
            why.append(of_fault(fault))
            continue
        if scores.any() or asked.method is not None:
            return name, predictor, scores, why
    return None, None, np.zeros(past.sources), why


def _refuted(node: Node, gathered: Gathered, scores: Floats) -> Ints:
    """Sources that our own people refuted, of those that could be listed."""
    places = np.flatnonzero(scores > 0)
    places = places[np.argsort(-scores[places], kind="stable")][:MAX_ASKED]
    answers = node.store.answers.of(gathered.keys[place] for place in places)
    found = [
        place
        for place in places
        if any(one.peer is None and one.verdict is Verdict.REFUTED for one in answers.get(gathered.keys[place], ()))
    ]
    return np.asarray(found, np.int64)


def _graded(found: Grade) -> dict[str, object]:
    """A grade as the doors show it; rounded, with sample sizes beside every share."""
    row = msgspec.structs.asdict(found)
    for name in ("precision", "recall", "recall_of_reachable", "f1", "false_positives_a_day"):
        row[name] = round(row[name], 4)
    for name in ("precision_between", "recall_between"):
        row[name] = [round(row[name].low, 4), round(row[name].high, 4)]
    lead = found.median_lead_hours
    row["median_lead_hours"] = None if lead is None else round(lead, 2)
    if not found.test_days:
        row |= dict.fromkeys(("precision", "recall", "recall_of_reachable", "f1", "false_positives_a_day"))
    return row
