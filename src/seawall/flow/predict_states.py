"""What a prediction lacks, and what its reader should know: each in one sentence that can be translated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from seawall.flow.node import Node
from seawall.flow.predict_history import Gathered
from seawall.messages import mark
from seawall.model import Fault
from seawall.warn.predictors.history import DAY, US

LEAST_OWN = 10
"""Meetings of ours below which nobody can be said to be like us."""


class Reason(msgspec.Struct, frozen=True):
    """One sentence about a prediction: ``text`` with its places is the key of the message catalogues."""

    text: str
    values: dict[str, str | int]

    @property
    def why(self) -> str:
        """In English."""
        return self.text.format(**self.values)


def of_fault(fault: Fault) -> Reason:
    """The sentence of a fault, as a remark."""
    values = {name: value if isinstance(value, int) else str(value) for name, value in fault.values.items()}
    return Reason(fault.text, values)


def missing(gathered: Gathered, us: int) -> list[Reason]:
    """What must be there before anything is said."""
    past = gathered.past
    if not len(past.source):
        return [Reason(mark("Neither our sensors nor peers have told of anything hostile in these days."), {})]
    if us < 0:
        return [
            Reason(mark("Our own sensors met nothing hostile in these days, so nobody can be said to be like us."), {})
        ]
    days = len(np.unique(past.day))
    if days < 2:
        return [Reason(mark("Everything is of one day; at least two days are needed."), {})]
    own = int((past.party[past.victim] == US).sum())
    if own < LEAST_OWN:
        text = mark("Our own sensors met hostile values {count} times in these days; at least {least} are needed.")
        return [Reason(text, {"count": own, "least": LEAST_OWN})]
    return []


def notes(node: Node, gathered: Gathered) -> list[Reason]:
    """What the reader should know about the data behind a list: one-sided, old, dated ahead, screened."""
    found = []
    theirs = gathered.past.party[gathered.past.victim] != US
    if not theirs.any():
        found.append(Reason(mark("No peer told of anything in these days: only our own past speaks."), {}))
    late = int((theirs & (gathered.past.known >= gathered.past.days)).sum())
    if 2 * late > int(theirs.sum()):
        text = mark(
            "Peers told {count} of their {total} meetings after the last day here: no earlier day could use them."
        )
        found.append(Reason(text, {"count": late, "total": int(theirs.sum())}))
    if node.clock() // DAY - gathered.last_day > 1:
        text = mark("The newest record is of {day}; the list is for the day after it.")
        found.append(Reason(text, {"day": date_of(gathered.last_day)}))
    if gathered.left_out.get("dated_ahead"):
        text = mark("{count} moments lie in the future and do not count.")
        found.append(Reason(text, {"count": gathered.left_out["dated_ahead"]}))
    if gathered.left_out.get("screened"):
        text = mark("{count} values of peers are our own or on a warninglist and do not count.")
        found.append(Reason(text, {"count": gathered.left_out["screened"]}))
    return found


def date_of(day: int) -> str:
    """``2026-03-14`` of a day since 1970-01-01."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()
