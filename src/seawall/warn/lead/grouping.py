"""Which rows stand in which group: entries (row, group), so that a value may stand in several."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.warn.lead.columns import Codes, Columns, Flags, coded
from seawall.warn.lead.report import By

UNGROUPED = "-"
"""Values of no campaign, or of no known sector."""
MAX_GROUPS = 100_000
"""Groups of one analysis; more would be read by nobody. The issue's scale is 10,000 campaigns."""


class Grouping(msgspec.Struct, frozen=True):
    """``row`` and ``group`` are entries in order of group; ``names`` of the groups."""

    row: Codes
    group: Codes
    names: tuple[str, ...]

    def only(self, rows: Flags) -> Grouping:
        """The entries of these rows."""
        kept = rows[self.row]
        return Grouping(self.row[kept], self.group[kept], self.names)

    def counts(self, rows: Flags) -> Codes:
        """How many of these rows each group has."""
        return np.bincount(self.group[rows[self.row]], minlength=len(self.names)).astype(np.int64)

    def bounds(self) -> Codes:
        """Where each group's entries begin; one more for the end."""
        return np.searchsorted(self.group, np.arange(len(self.names) + 1))


def grouped(pairs: pa.Table, at: Columns, by: By) -> Grouping:
    """Entries of all rows by campaign, sector, peer or type; ``By.ALL`` is one group.

    Beyond ``MAX_GROUPS`` the smallest groups are left out of the answer (never out of the whole).
    """
    rows = np.arange(len(at), dtype=np.int64)
    if by is By.PEER:
        return _ordered(rows, at.party, at.parties)
    if by is By.TYPE:
        return _ordered(rows, at.type, at.types)
    if by is By.CAMPAIGN:
        return _ordered(rows, at.campaign, at.campaigns)
    if by is By.SECTOR:
        lists = pairs["sectors"].combine_chunks()
        named, names = coded(pa.chunked_array([pc.list_flatten(lists)]))
        return _ordered(np.asarray(pc.list_parent_indices(lists).to_numpy(), np.int64), named, names)
    return Grouping(rows, np.zeros(len(rows), np.int64), ("all",))


def _ordered(row: Codes, group: Codes, names: tuple[str, ...]) -> Grouping:
    if (group < 0).any():
        names = (*names, UNGROUPED)
        group = np.where(group < 0, len(names) - 1, group)
    if len(names) > MAX_GROUPS:
        size = np.bincount(group, minlength=len(names))
        kept = np.sort(np.argsort(-size, kind="stable")[:MAX_GROUPS])
        place = np.full(len(names), -1, np.int64)
        place[kept] = np.arange(len(kept))
        row, group = row[place[group] >= 0], place[group][place[group] >= 0]
        names = tuple(names[one] for one in kept)
    order = np.argsort(group, kind="stable")
    return Grouping(row[order], group[order], names)
