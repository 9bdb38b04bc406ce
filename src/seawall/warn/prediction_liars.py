"""What one lying peer could do to predictions: a history with one more party that lies in a known way. Pure.

Three ways, each told on time and every day: it claims to have met *everything* that anybody ever names; it *floods*
with values that nobody else meets; it names given harmless values (*partners*, say our suppliers' addresses), and to
look like us it repeats what we met on the same day.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from seawall.warn.predictors import History, history
from seawall.warn.predictors.history import DAY, US, Ints

FLOOD_TIMES = 20
"""The flooding peer names twenty times what we meet on a usual day, and at least a thousand values, each day."""
LEAST_FLOOD = 1_000
PARTNERS = 60
SECTORS = 4
"""It tells its lies as several sectors' meetings: small sets that look alike weigh more than one large one."""


class Lie(StrEnum):
    """How the additional party lies."""

    EVERYTHING = "everything"
    FLOOD = "flood"
    PARTNERS = "partners"


def with_liar(honest: History, lie: Lie) -> History:
    """The same history with one more party. What it invents are new sources behind the honest ones."""
    days = np.arange(honest.days, dtype=np.int64)
    if lie is Lie.EVERYTHING:
        invented, (source, day) = 0, _each_day(np.arange(honest.sources, dtype=np.int64), days)
    else:
        invented = PARTNERS if lie is Lie.PARTNERS else max(LEAST_FLOOD, FLOOD_TIMES * _usual(honest))
        source, day = _each_day(np.arange(honest.sources, honest.sources + invented, dtype=np.int64), days)
    if lie is Lie.PARTNERS:
        ours = honest.party[honest.victim] == US
        source = np.concatenate((source, honest.source[ours]))
        day = np.concatenate((day, honest.day[ours]))
    party = np.append(honest.party, np.full(SECTORS, int(honest.party.max(initial=0)) + 1))
    victim = honest.victims + (source + day) % SECTORS  # in a week each lie is told of every sector
    columns = [
        np.concatenate((honest.source, source)),
        np.concatenate((honest.victim, victim)),
        np.concatenate((honest.day, day)),
        np.concatenate((honest.known, day)),
        np.concatenate((honest.first, honest.begins + day * DAY)),
    ]
    return history(honest.sources + invented, honest.days, party, columns, begins=honest.begins)


def _usual(honest: History) -> int:
    """How many rows of ours a day has on average."""
    return int((honest.party[honest.victim] == US).sum()) // max(honest.days, 1) if honest.victims else 0


def _each_day(sources: Ints, days: Ints) -> tuple[Ints, Ints]:
    return np.repeat(sources, len(days)), np.tile(days, len(sources))
