"""Indicator keys -> three small tables inside the lake session: addresses, ranges and texts.

Addresses become two signed 64-bit halves as in the lake. A range becomes (prefix length, prefix bits): an event's
address lies in it exactly when its own first bits are equal, so containment is an equality join per prefix length and
nested ranges all match. ASOF joins and longest-prefix tries would lose the outer ones.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.codec.values import address_halves, cidr_halves
from seawall.match.interface import LakeSession
from seawall.model import Fault

EVERLASTING = np.iinfo(np.int64).max  # ``until`` of an indicator without valid_until
TEXT_COLUMNS = ("url", "email", "md5", "sha1", "sha256", "file_name", "ja3", "ja4", "hassh", "certificate")
"""Observation columns compared by equality with the indicators of the same type; domain and cve are matched apart."""

_NEEDED = ("number", "type", "value")


def load_keys(session: LakeSession, keys: pa.Table, prefix: str) -> dict[str, int]:
    """Register ``{prefix}_address``, ``{prefix}_range`` and ``{prefix}_text``; how many keys there are by type.

    Raises Fault E-MATCH-001 when a column is missing, E-MATCH-002 for a value that is no address of its type.
    """
    keys = _checked(keys)
    kinds = pc.value_counts(keys["type"])
    counts = {entry["values"]: entry["counts"] for entry in kinds.to_pylist()}
    session.register(f"{prefix}_address", _addresses(keys))
    session.register(f"{prefix}_range", _ranges(keys))
    addressed = pc.is_in(keys["type"], value_set=pa.array(["ipv4", "ipv6", "cidr"]))
    session.register(f"{prefix}_text", keys.filter(pc.invert(addressed)))
    return counts


def range_lengths(session: LakeSession, prefix: str) -> list[int]:
    """The distinct prefix lengths (0-128) of the registered ranges, ascending."""
    found = session.sql(f"SELECT DISTINCT length FROM {prefix}_range ORDER BY length")
    return [int(length) for length in found["length"].to_pylist()]


def _checked(keys: pa.Table) -> pa.Table:
    missing = [name for name in _NEEDED if name not in keys.column_names]
    if missing:
        raise Fault(
            "E-MATCH-001",
            "The indicator keys lack the column {column}; export them with the store's keys().",
            column=", ".join(missing),
        )
    until = (
        pc.fill_null(keys["valid_until"].cast(pa.int64()), EVERLASTING)
        if "valid_until" in keys.column_names
        else pa.chunked_array([pa.array(np.full(keys.num_rows, EVERLASTING))])
    )
    numbers = keys["number"].cast(pa.int64())
    table = pa.table({"number": numbers, "type": _plain(keys["type"]), "value": _plain(keys["value"]), "until": until})
    if pc.count_distinct(numbers).as_py() == table.num_rows:
        return table
    # the same key twice is one indicator: a hit is a distinct (event, indicator) pair
    return (
        table.group_by(["number", "type", "value"])
        .aggregate([("until", "max")])
        .rename_columns(["number", "type", "value", "until"])
    )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _of_type(keys: pa.Table, kind: str) -> pa.Table:
    return keys.filter(pc.equal(keys["type"], kind)).combine_chunks()


def _addresses(keys: pa.Table) -> pa.Table:
    version4, version6 = _of_type(keys, "ipv4"), _of_type(keys, "ipv6")
    halves = [_halves(text) for text in version6["value"].to_pylist()]
    high = np.concatenate(
        [np.zeros(version4.num_rows, np.int64), np.array([high for high, _ in halves], dtype=np.int64)]
    )
    low = np.concatenate([_ipv4_lows(version4["value"]), np.array([low for _, low in halves], dtype=np.int64)])
    both = pa.concat_tables([version4, version6])
    return pa.table({"number": both["number"], "type": both["type"], "high": high, "low": low, "until": both["until"]})


def _ipv4_lows(texts: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if len(texts) == 0:
        return np.empty(0, np.int64)
    parts = pc.list_flatten(pc.split_pattern(texts, ".")).combine_chunks()
    try:
        octets = np.asarray(parts.cast(pa.int64())).reshape(-1, 4)
    except (pa.ArrowInvalid, ValueError):
        octets = np.empty((0, 4), np.int64)
    if len(octets) != len(texts) or octets.min() < 0 or octets.max() > 255:
        # one of them is no dotted quad: read them one by one to name it
        return np.array([_halves(text)[1] for text in texts.to_pylist()], dtype=np.int64)
    weights = np.array([1 << 24, 1 << 16, 1 << 8, 1], dtype=np.int64)
    return np.asarray(octets @ weights + 0xFFFF_0000_0000, dtype=np.int64)


def _halves(text: str) -> tuple[int, int]:
    try:
        return address_halves(text)
    except Fault as fault:
        raise _unreadable(text) from fault


def _ranges(keys: pa.Table) -> pa.Table:
    ranges = _of_type(keys, "cidr")
    rows = []
    for text in ranges["value"].to_pylist():
        try:
            rows.append(cidr_halves(text))
        except Fault as fault:
            raise _unreadable(text) from fault
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    high, low, length = columns[:, 0], columns[:, 1], columns[:, 2]
    return pa.table(
        {
            "number": ranges["number"],
            "type": ranges["type"],
            "length": length,
            # the bits that decide within each half; numpy shifts signed integers arithmetically, as SQL engines do
            "high": np.where(length == 0, 0, high >> np.clip(64 - length, 0, 63)),
            "low": np.where(length <= 64, 0, low >> np.clip(128 - length, 0, 63)),
            "until": ranges["until"],
        }
    )


def _unreadable(text: str) -> Fault:
    return Fault(
        "E-MATCH-002",
        "The indicator value {given} cannot be read as an address or network; remove it or import it again.",
        given=repr(text[:80]),
    )
