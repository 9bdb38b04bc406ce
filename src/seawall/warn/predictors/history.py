"""Who met which value on which day, as columns of numbers: what every predictor learns from. Pure.

A *victim* is whom a value hits: a side and sector of ours, or of a peer. A *party* is whose word a row is: we (0) or a
peer. ``known`` is the day from which we could know a row, so that nothing is learnt from what was told later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from seawall.model import Fault

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Matrix = Any  # scipy.sparse.csr_array of floats, sources x victims

US = 0
DAY = 86_400 * 1_000_000  # microseconds
MAX_VICTIMS = 4_096
"""Victims are sides and sectors: the widest circle has hundreds. Victim x victim matrices stay under 140 MB."""
MAX_DAYS = 3_660
RECENT_DAYS = 7
"""Meetings older than a week say how alike victims are, not what comes next: addresses last days (the local and global
baselines and the reports of neighbours all look at this window, so that none is compared with a weaker one)."""
TIMES_MEDIAN = 3.0
LEAST_A_DAY = 100
"""A party's word weighs less from three times as many rows a day as the parties' lower median, but at least 100."""


@dataclass(frozen=True)
class History:
    """Rows are distinct (source, victim, day). ``sources`` and ``victims`` are counts; arrays have one item a row,
    ``party`` one a victim. Days count from 0; day ``days`` is the one to predict."""

    sources: int
    days: int
    party: Ints  # of each victim
    source: Ints
    victim: Ints
    day: Ints
    known: Ints
    first: Ints  # microseconds UTC of the first meeting of that row
    begins: int = 0  # microseconds UTC at which day 0 begins

    @property
    def victims(self) -> int:
        """How many victims there are."""
        return len(self.party)

    def before(self, day: int) -> History:
        """What was known when ``day`` began, with ``day`` as the one to predict."""
        kept = (self.day < day) & (self.known < day)
        return self._rows(kept, days=day)

    def since(self, day: int) -> History:
        """Without the rows of days before ``day``; days keep their numbers."""
        return self._rows(self.day >= day, days=self.days)

    def joined(self, victims: Sequence[int]) -> tuple[History, int]:
        """With these victims as one, whose number comes with it: to predict for a whole side or for all of us."""
        into = min(victims)
        number = self.victim.copy()
        number[np.isin(self.victim, np.asarray(victims))] = into
        columns = _distinct(self.source, number, self.day, self.known, self.first)
        return History(self.sources, self.days, self.party, *columns, begins=self.begins), into

    @property
    def recent(self) -> int:
        """The first of the last ``RECENT_DAYS`` days."""
        return max(0, self.days - RECENT_DAYS)

    @cached_property
    def weights(self) -> Floats:
        """Of each row: 1, or less for a party that says far more a day than others do (``TIMES_MEDIAN``)."""
        whose = self.party[self.victim] if len(self.victim) else np.zeros(0, np.int64)
        parties, days = int(self.party.max(initial=0)) + 1, max(self.days, 1)
        table = np.bincount(whose * days + self.day, minlength=parties * days).astype(np.float64).reshape(parties, days)
        active = (table > 0).sum(axis=1)
        usual = np.sort((table.sum(axis=1) / np.maximum(active, 1))[active > 0])
        median = float(usual[(len(usual) - 1) // 2]) if len(usual) else 0.0
        limit = max(float(LEAST_A_DAY), TIMES_MEDIAN * median)
        weight = np.minimum(1.0, limit / np.maximum(table, 1.0))
        weight[US] = 1.0
        return np.asarray(weight[whose, self.day], np.float64)

    @cached_property
    def met(self) -> Matrix:
        """``matrix()``: who ever met what."""
        return self.matrix()

    @cached_property
    def common(self) -> Floats:
        """Victims x victims: how many sources both met; on the diagonal how many each met."""
        return np.asarray((self.met.T @ self.met).toarray(), np.float64)

    def matrix(self, *, weighted: bool = False, since: int = 0) -> Matrix:
        """Sources x victims: 1 (or the row's weight, ``weighted``) where the victim met the source on any day from
        ``since`` on."""
        chosen = self.day >= since
        values = self.weights[chosen] if weighted else np.ones(int(chosen.sum()))
        found = sparse.coo_array(
            (values, (self.source[chosen], self.victim[chosen])), shape=(self.sources, self.victims)
        ).tocsr()  # adds up the days of one pair
        if weighted:
            found.data = np.minimum(found.data, 1.0)
        else:
            found.data[:] = 1.0
        return found

    def _rows(self, kept: Bools, *, days: int) -> History:
        source, victim, day, known, first = (
            column[kept] for column in (self.source, self.victim, self.day, self.known, self.first)
        )
        return History(self.sources, days, self.party, source, victim, day, known, first, begins=self.begins)


def history(
    sources: int,
    days: int,
    party: Sequence[int] | Ints,
    rows: Sequence[Sequence[int]] | Sequence[Ints],
    *,
    begins: int = 0,
) -> History:
    """A History from columns (source, victim, day, known, first) in any order, duplicates joined.

    Rows of days before 0 or after the last, such as from clocks that run ahead, are left out; a row is never known
    before its day. Raises Fault E-WARN-130 for more victims or days than can be held.
    """
    parties = np.asarray(party, np.int64)
    if len(parties) > MAX_VICTIMS or days > MAX_DAYS:
        raise Fault(
            "E-WARN-130",
            "There are {victims} victims over {days} days; at most {most} over {most_days} can be held.",
            victims=len(parties),
            days=days,
            most=MAX_VICTIMS,
            most_days=MAX_DAYS,
        )
    source, victim, day, known, first = (np.asarray(column, np.int64) for column in rows)
    held = (day >= 0) & (day < days)
    columns = [column[held] for column in (source, victim, day, known, first)]
    return History(sources, days, parties, *_distinct(*columns), begins=begins)


def _distinct(source: Ints, victim: Ints, day: Ints, known: Ints, first: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """One row for each (source, victim, day): known as soon as any of its rows was, with their first moment."""
    if not len(source):
        return source, victim, day, known, first
    order = np.lexsort((day, victim, source))
    source, victim, day, known, first = (column[order] for column in (source, victim, day, known, first))
    starts = np.flatnonzero(
        np.concatenate(([True], (np.diff(source) != 0) | (np.diff(victim) != 0) | (np.diff(day) != 0)))
    )
    known, first = np.minimum.reduceat(known, starts), np.minimum.reduceat(first, starts)
    return source[starts], victim[starts], day[starts], np.maximum(known, day[starts]), first
