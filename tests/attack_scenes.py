"""A small world of attackers, victims and days whose truth is known: for tests of prediction.

Attackers own addresses that live some days and hit the sectors of one group, side after side with a lag; scanners hit
everybody; noise hits one victim once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seawall.warn.predictors import History, history

DAY = 86_400 * 1_000_000
SECTORS = 4  # victims of each party: one a sector


@dataclass(frozen=True)
class World:
    """Columns of rows as ``history`` takes them; party ``p`` has victims ``p * SECTORS ...``."""

    parties: int
    days: int
    sources: int
    rows: tuple[list[int], ...]

    def history(self) -> History:
        """As predictors take it."""
        party = [victim // SECTORS for victim in range(self.parties * SECTORS)]
        return history(self.sources, self.days, party, self.rows)


def world(*, parties: int = 5, days: int = 20, attackers: int = 150, noise: int = 40, seed: int = 1) -> World:
    """Each attacker goes through one sector at two parties or more, a day or more apart, often party 0."""
    rng = np.random.default_rng(seed)
    cells: list[tuple[int, int, int, int]] = []  # source, victim, day, microseconds
    source = 0

    def meet(number: int, victim: int, day: int) -> None:
        if 0 <= day < days:
            cells.append((number, victim, day, day * DAY + int(rng.integers(DAY))))

    for _ in range(attackers):
        sector, begin = int(rng.integers(SECTORS)), int(rng.integers(-5, days))
        route = rng.permutation(parties)[: int(rng.integers(2, parties + 1))]
        for _ in range(int(rng.integers(2, 6))):  # addresses of one attacker
            for step, party in enumerate(route.tolist()):
                start = begin + step * int(rng.integers(1, 3))
                for day in range(start, start + int(rng.integers(1, 5))):
                    meet(source, party * SECTORS + sector, day)
            source += 1
    for day in range(days):
        for _ in range(noise):
            meet(source, int(rng.integers(parties * SECTORS)), day)
            source += 1
    columns = [list(column) for column in zip(*cells, strict=True)]
    return World(parties, days, source, (columns[0], columns[1], columns[2], list(columns[2]), columns[3]))
