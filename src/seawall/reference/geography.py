"""Country and network (AS) of an address, from one file in the package. Looks nothing up anywhere else (rule 6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.model.observation import IPV4_MAPPED_LOW
from seawall.reference.tables import unreadable

PACKAGED = Path(__file__).parent / "data" / "geography.parquet"
ATTRIBUTION = (
    "Country data by the Number Resource Organization (nro.net), AS data by Route Views (routeviews.org), NRO and "
    "DB-IP (https://db-ip.com), as compiled and modified by ip-location-db; CC BY 4.0."
)
Integers = np.ndarray[Any, np.dtype[np.int64]]
Places = tuple[Sequence[str | None], Sequence[int | None]]


class Geography:
    """Ranges of addresses by where they begin. Coarse by nature: where a network is registered, not where a person is.

    >>> Geography.packaged().lookup_many(np.array([0xA85F0101]))  # 168.95.1.1
    (['TW'], [3462])
    """

    def __init__(self, table: pa.Table) -> None:
        """``table``: family (4 or 6), start, country, asn, as ``scripts/build_geography.py`` writes it."""
        self._families = {family: _Steps(table, family) for family in (4, 6)}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of ``scripts/build_geography.py``. Raises Fault E-REFERENCE-001."""
        try:
            return cls(pq.read_table(path, columns=["family", "start", "country", "asn"]))
        except (OSError, pa.ArrowException, KeyError):
            raise unreadable(path, "it is no geography table") from None

    @classmethod
    def packaged(cls) -> Geography:
        """The data that came with this version; read once in a process."""
        return _packaged()

    def lookup_many(self, low: Integers, high: Integers | None = None) -> Places:
        """Countries (ISO 3166-1 alpha-2) and AS numbers, None where unknown, in the order given.

        Without ``high``: IPv4 addresses as integers. With it: the lake's two signed 64-bit halves, in which IPv4 is
        IPv4-mapped.
        """
        low = np.asarray(low, np.int64)
        if high is None:
            return self._families[4].at(low & 0xFFFF_FFFF)
        high = np.asarray(high, np.int64)
        is_ipv4 = (high == 0) & (low >> 32 == IPV4_MAPPED_LOW >> 32)
        countries = np.empty(len(low), object)
        networks = np.empty(len(low), object)
        for family, chosen, places in ((4, is_ipv4, low & 0xFFFF_FFFF), (6, ~is_ipv4, high.view(np.uint64))):
            if chosen.any():
                rows = self._families[family].rows(places[chosen])
                countries[chosen] = self._families[family].countries[rows]
                networks[chosen] = self._families[family].networks[rows]
        return countries.tolist(), networks.tolist()


class _Steps:
    """One family: what holds from each start up to the next."""

    def __init__(self, table: pa.Table, family: int) -> None:
        rows = table.filter(pa.compute.equal(table["family"], family))
        starts = rows["start"].to_numpy()
        self.starts = starts.view(np.uint64) if family == 6 else starts
        self.countries = np.array([country or None for country in rows["country"].to_pylist()], object)
        self.networks = np.array([number or None for number in rows["asn"].to_pylist()], object)

    def rows(self, places: Any) -> Any:
        """The row that holds at each place."""
        return np.maximum(np.searchsorted(self.starts, places, side="right") - 1, 0)

    def at(self, places: Any) -> Places:
        rows = self.rows(places)
        return self.countries[rows].tolist(), self.networks[rows].tolist()


@cache
def _packaged() -> Geography:
    return Geography.load(PACKAGED)
