"""Pairs as numpy columns: what the statistics read. Moments are float64 microseconds UTC, NaN where there is none
(exact up to the year 2255); names are codes, -1 where there is none.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seawall.warn.lead.intervals import Floats

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SECOND = 1_000_000.0
DAY = 86_400 * SECOND


class Columns(msgspec.Struct, frozen=True):
    """Arrays of one length, one entry for each row of PAIR_SCHEMA."""

    party: Codes
    type: Codes
    campaign: Codes
    parties: tuple[str, ...]
    types: tuple[str, ...]
    campaigns: tuple[str, ...]
    there: Floats  # first seen there, as told
    here: Floats
    told_us: Floats
    told_them: Floats
    proved: Floats  # when we had evidence that it was held there
    there_count: Floats
    here_count: Floats
    there_sensors: Floats
    here_sensors: Floats
    there_last: Floats
    here_last: Floats
    imported: Flags

    def __len__(self) -> int:
        return len(self.party)

    @property
    def seen_there(self) -> Flags:
        """Held there: told, or found by a comparison."""
        return ~(np.isnan(self.there) & np.isnan(self.proved))

    @property
    def both(self) -> Flags:
        """Met on both sides."""
        return self.seen_there & ~np.isnan(self.here)


def columns(pairs: pa.Table) -> Columns:
    """The columns of a table of PAIR_SCHEMA."""
    party, parties = coded(pairs["party"])
    kind, types = coded(pairs["type"])
    campaign, campaigns = coded(pairs["campaign"])
    return Columns(
        party, kind, campaign, parties, types, campaigns,
        there=_floats(pairs["there_first"]), here=_floats(pairs["here_first"]),
        told_us=_floats(pairs["told_us"]), told_them=_floats(pairs["told_them"]),
        proved=_floats(pairs["proved_there"]),
        there_count=_floats(pairs["there_count"]), here_count=_floats(pairs["here_count"]),
        there_sensors=_floats(pairs["there_sensors"]), here_sensors=_floats(pairs["here_sensors"]),
        there_last=_floats(pairs["there_last"]), here_last=_floats(pairs["here_last"]),
        imported=np.asarray(pc.fill_null(pairs["imported"], False).to_numpy(), np.bool_),
    )  # fmt: skip


def coded(column: pa.ChunkedArray) -> tuple[Codes, tuple[str, ...]]:
    """Names as codes in alphabetical order, and the names; -1 for none."""
    whole = column.combine_chunks()
    names = sorted(name for name in pc.unique(whole).to_pylist() if name is not None)
    found = pc.index_in(whole, value_set=pa.array(names, pa.string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64), tuple(names)


def _floats(column: pa.ChunkedArray) -> Floats:
    whole = column.cast(pa.int64()).combine_chunks()
    values = np.asarray(pc.fill_null(whole, 0).to_numpy(zero_copy_only=False), np.float64)
    values[np.asarray(pc.is_null(whole).to_numpy(zero_copy_only=False), np.bool_)] = np.nan
    return values
