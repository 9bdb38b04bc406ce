"""Predictions as the doors show them: which peers saw a value, which of those most like us, how lately."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seawall.flow.predict_history import Gathered
from seawall.flow.predict_states import Reason, date_of
from seawall.messages import mark
from seawall.warn.predictors import History, alone
from seawall.warn.predictors.history import US, Floats, Ints

MAX_NAMED = 3  # neighbours named in a reason


class Rows:
    """Makes the rows of one list. ``neighbours``: the method's weights of victims for ``us``."""

    def __init__(self, gathered: Gathered, past: History, us: int, neighbours: Floats) -> None:
        self._gathered = gathered
        self._past = past
        self._us = us
        self._first = gathered.last_day - past.days + 1
        self._weights = neighbours.copy()
        self._weights[us] = 0.0
        if (total := self._weights.sum()) > 0:
            self._weights /= total

    def of(self, listed: Sequence[int] | Ints) -> tuple[list[dict[str, object]], list[list[Reason]]]:
        """Rows and the reasons of each, in order; scores are filled in by whoever has them."""
        past = self._past
        chosen = np.isin(past.source, listed)
        source, victim, day = past.source[chosen], past.victim[chosen], past.day[chosen]
        lone = alone(past)
        items: list[dict[str, object]] = []
        reasons: list[list[Reason]] = []
        for rank, number in enumerate(listed, 1):
            mine = source == number
            single = int(lone[number]) != US
            why = self._why(victim[mine], day[mine], alone=single)
            row = self._row(int(number), victim[mine], day[mine], alone=single)
            items.append({"rank": rank} | row | {"reasons": [one.why for one in why]})
            reasons.append(why)
        return items, reasons

    def _row(self, source: int, victims: Ints, days: Ints, *, alone: bool) -> dict[str, object]:
        here = victims == self._us
        key = self._gathered.keys[source]
        return {
            "type": key[0].value,
            "value": key[1],
            "score": 0.0,
            "attention": None,
            "met_here": bool(here.any()),
            "days_here": len(np.unique(days[here])),
            "seen_by": self._peers(victims),
            "neighbours": [{"name": name, "weight": round(weight, 4)} for name, weight in self._near(victims)],
            "last_day": date_of(self._first + int(days.max())),
            "rests_on_one_peer": alone,
        }

    def _peers(self, victims: Ints) -> list[str]:
        return [self._gathered.peers[party] for party in np.unique(self._past.party[victims]) if party != US]

    def _near(self, victims: Ints) -> list[tuple[str, float]]:
        """Those most like us among the victims, with their share of all neighbours' weight."""
        met = np.unique(victims[victims != self._us])
        order = met[np.argsort(-self._weights[met], kind="stable")][:MAX_NAMED]
        return [(self._gathered.victims[v].name, float(self._weights[v])) for v in order if self._weights[v] > 0]

    def _why(self, victims: Ints, days: Ints, *, alone: bool) -> list[Reason]:
        why: list[Reason] = []
        here = victims == self._us
        theirs = self._past.party[victims] != US
        if peers := self._peers(victims):
            last = date_of(self._first + int(days[theirs].max()))
            why.append(Reason(mark("Met by {peers}, last on {day}."), {"peers": ", ".join(peers), "day": last}))
        if near := self._near(victims):
            names = ", ".join(f"{name} ({weight:.0%})" for name, weight in near)
            why.append(Reason(mark("Met by those most like us: {names}."), {"names": names}))
        if here.any():
            last = date_of(self._first + int(days[here].max()))
            counted: dict[str, str | int] = {"count": len(np.unique(days[here])), "day": last}
            why.append(Reason(mark("Days on which it came here: {count}; the last was {day}."), counted))
        else:
            why.append(Reason(mark("It has not been met here in these days."), {}))
        if alone:
            why.append(Reason(mark("It rests on the word of one peer alone."), {}))
        return why
