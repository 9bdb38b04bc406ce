"""The roll-up of a batch: every value once for each role, basis, day, side and sector, with first, last and count.

Re-matching and overlap read these rows instead of observations. Values become numbers (addresses as they are, texts by
a dictionary), the other keys one more number; one sort of the pair then groups a column.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.ends import ROLES
from seawall.model import ROLLUP_SCHEMA, ObservableType
from seawall.model.observation import IPV4_MAPPED_LOW

DAY_MICROSECONDS = 86_400_000_000
BITS = 62  # sensor_bits and own_bits fit a signed 64-bit integer
MIXER = 1_640_531_527  # odd, below 2^31, so that 32 bits times it stay within 63


Spelling = Callable[[np.ndarray], tuple[pa.Array | None, np.ndarray | None, np.ndarray | None]]
"""Gives text, high and low (None: not of this type) for value numbers."""


CODES = 1 << 29  # context codes; three roles and 32 bits of value then still fit a signed 64-bit key


class Context:
    """What the rows of a batch share: their keys as one number a row, their times and the bits they set."""

    def __init__(
        self,
        time: np.ndarray,
        side: pa.DictionaryArray,
        sector: pa.DictionaryArray,
        basis: pa.DictionaryArray,
        sensor_bit: np.ndarray,
    ) -> None:
        self.time = time
        self.sensor_bit = sensor_bit  # 1 << bit
        day = time // DAY_MICROSECONDS
        first = int(day.min()) if len(day) else 0
        self._days = np.array([first]) if len(day) and first == int(day.max()) else np.unique(day)
        self._keys = (side, sector, basis)
        code = np.searchsorted(self._days, day) if len(self._days) > 1 else np.zeros(len(time), dtype=np.int64)
        size = max(1, len(self._days))
        for key in self._keys:
            code = code * len(key.dictionary) + key.indices.to_numpy()
            size *= max(1, len(key.dictionary))
        self._used: np.ndarray | None = None
        if size >= CODES:
            self._used, code = np.unique(code, return_inverse=True)
        self.code = code.astype(np.int64)

    def spelled(self, code: np.ndarray) -> dict[str, pa.Array]:
        """The columns ``day``, ``side``, ``sector`` and ``basis`` of context codes."""
        code = code if self._used is None else self._used[code]
        columns = {}
        for name, key in reversed(list(zip(("side", "sector", "basis"), self._keys, strict=True))):
            code, index = np.divmod(code, max(1, len(key.dictionary)))
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), key.dictionary)
        return {"day": pa.array(self._days[code].astype(np.int32)), **columns}


def address_bits(high: np.ndarray, low: np.ndarray, present: np.ndarray) -> np.ndarray:
    """``1 << bit`` for each address that is ``present``, 0 for the others. Stable: the same in every run and engine."""
    mixed = ((low ^ high) & 0xFFFF_FFFF) * MIXER >> 20
    return np.where(present, np.left_shift(1, mixed % BITS, dtype=np.int64), 0)


class Rollup:
    """Collects the columns of one batch."""

    def __init__(self, context: Context, own_bit: np.ndarray) -> None:
        self._context = context
        self._own_bit = own_bit  # one a row: 1 << bit of our address in it; 0 without one
        self._pieces: list[pa.Table] = []

    def texts(self, type: ObservableType, column: pa.ChunkedArray, role: np.ndarray) -> None:
        """A column of texts, dictionary-encoded or not; NULL is no value."""
        if column.null_count == len(column):
            return
        array = column.combine_chunks()
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        rows = np.flatnonzero(np.asarray(pc.is_valid(array)))
        self._dictionary(type, rows, array.indices.fill_null(0).to_numpy()[rows], array.dictionary, role)

    def lists(self, type: ObservableType, column: pa.ChunkedArray, role: np.ndarray) -> None:
        """A dictionary-encoded column of comma-separated texts."""
        if column.null_count == len(column):
            return
        array = column.combine_chunks()
        if not pc.any(pc.match_substring(array.dictionary, ",")).as_py():
            self.texts(type, column, role)
            return
        lists = pc.split_pattern(array.cast(pa.string()), ",")
        rows = pc.list_parent_indices(lists).to_numpy()
        parts = lists.flatten().dictionary_encode()
        self._dictionary(type, rows, parts.indices.to_numpy(), parts.dictionary, role)

    def _dictionary(
        self, type: ObservableType, rows: np.ndarray, codes: np.ndarray, dictionary: pa.Array, role: np.ndarray
    ) -> None:
        self._reduce(type, rows, codes, role, self._own_bit, lambda kept: (dictionary.take(pa.array(kept)), None, None))

    def addresses(
        self, high: np.ndarray, low: np.ndarray, present: np.ndarray, role: np.ndarray, own_bit: np.ndarray
    ) -> None:
        """A column of addresses in halves, with the bits of our address at the other end."""
        narrow = present & (high == 0) & (low >> 32 == 0xFFFF)
        rows = np.flatnonzero(narrow)
        if len(rows):
            values = low[rows] & 0xFFFF_FFFF
            self._reduce(
                ObservableType.IPV4,
                rows,
                values,
                role,
                own_bit,
                lambda kept: (None, np.zeros(len(kept), dtype=np.int64), kept | IPV4_MAPPED_LOW),
            )
        rows = np.flatnonzero(present & ~narrow)
        if len(rows):
            pairs, values = np.unique(np.stack([high[rows], low[rows]], axis=1), axis=0, return_inverse=True)
            values = values.reshape(-1).astype(np.int64)
            self._reduce(
                ObservableType.IPV6, rows, values, role, own_bit, lambda kept: (None, pairs[kept, 0], pairs[kept, 1])
            )

    def table(self) -> pa.Table:
        """All rows, with the columns of ROLLUP_SCHEMA; key texts are dictionary-encoded."""
        if not self._pieces:
            return ROLLUP_SCHEMA.empty_table()
        return pa.concat_tables(self._pieces).select(ROLLUP_SCHEMA.names)

    def _reduce(
        self,
        type: ObservableType,
        rows: np.ndarray,
        values: np.ndarray,
        role: np.ndarray,
        own_bit: np.ndarray,
        spell: Spelling,
    ) -> None:
        """Group ``rows`` by (context, role, value). ``values`` has one entry for each of ``rows``, below 2^32."""
        context = self._context
        key = ((context.code[rows] * len(ROLES) + role[rows]) << 32) | values
        order = np.argsort(key)
        key, rows = key[order], rows[order]
        starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        time = context.time[rows]
        kept, keyed = key[starts] & 0xFFFF_FFFF, key[starts] >> 32
        text, high, low = spell(kept)
        count = len(starts)
        self._pieces.append(
            pa.table(
                {
                    "type": _constant(type.value, count),
                    "value": text if text is not None else pa.nulls(count, pa.string()),
                    "high": pa.array(high) if high is not None else pa.nulls(count, pa.int64()),
                    "low": pa.array(low) if low is not None else pa.nulls(count, pa.int64()),
                    "role": pa.DictionaryArray.from_arrays(
                        pa.array((keyed % len(ROLES)).astype(np.int32)), list(ROLES)
                    ),
                    **context.spelled(keyed // len(ROLES)),
                    "first": np.minimum.reduceat(time, starts),
                    "last": np.maximum.reduceat(time, starts),
                    "count": np.diff(np.concatenate((starts, [len(key)]))),
                    "sensor_bits": np.bitwise_or.reduceat(context.sensor_bit[rows], starts),
                    "own_bits": np.bitwise_or.reduceat(own_bit[rows], starts),
                }
            )
        )


def _constant(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), [text])
