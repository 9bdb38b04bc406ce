"""From the engine's typed rows to complete ones: odd values settled, rows with a wrong value or no time rejected.

Works on whole columns; Python looks at single values only where the engine left a text behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.chunks import Chunk
from seawall.ingest.interface import EARLIEST, LATEST, Flaw, Rejected, Sensors, Typed
from seawall.ingest.values import halves, moment, name_and_url

NO_TYPE = "no-type"
NO_TIME = "no-time"
BAD_TIME = "bad-time"
BAD_ADDRESS = "bad-address"
BAD_NUMBER = "wrong-type"
SHOWN = 60  # characters of a wrong value shown in its reason
KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}", re.ASCII)
CHECKED_TEXTS = ("sensor", "protocol", "action", "signature", "category", "file_name")
LEFT_BEHIND = ("time_text", "src_text", "dst_text", "bad_number", "host_text", "path_text", "port_text")
Complaints = dict[int, tuple[str, str]]


def settle(
    found: Typed,
    flaw: Callable[[bytes], Flaw | None],
    sensors: Sensors | None,
    sensor: str | None,
    timezone: str | None = None,
) -> tuple[Chunk, pa.Table, list[Rejected]]:
    """The good rows and their lines, and the rejected lines.

    ``sensor`` stands for rows that name none, ``timezone`` for sensors whose zone ``sensors`` does not tell.

    The rows have the TYPED columns without those in LEFT_BEHIND, and ``src_high``, ``dst_high``; ``time`` has no NULL.
    """
    chunk, table = found.lines, found.rows
    complaints: Complaints = {}
    if sensor is not None:
        chunk = chunk.of_sensor(sensor, np.asarray(pc.is_null(table.column("sensor"))))
        at = table.schema.get_field_index("sensor")
        table = table.set_column(at, "sensor", table.column("sensor").fill_null(sensor))
    _kinds(chunk, table, flaw, complaints)
    columns = {name: table.column(name) for name in table.column_names if name not in LEFT_BEHIND}
    columns["time"] = _times(table, sensors, timezone, complaints)
    for end in ("src", "dst"):
        columns[f"{end}_high"], columns[f"{end}_low"] = _addresses(table, end, complaints)
    columns["domain"], columns["url"] = _names(table)
    _numbers(table, complaints)
    _texts(chunk, table, flaw, complaints)
    settled = pa.table(columns)
    if not complaints:
        return chunk, settled, []
    rejected = [chunk.reject(index, *complaints[index]) for index in sorted(complaints)]
    keep = np.ones(len(chunk), dtype=bool)
    keep[list(complaints)] = False
    return chunk.only(np.flatnonzero(keep)), settled.filter(pa.array(keep)), rejected


def _kinds(chunk: Chunk, table: pa.Table, flaw: Callable[[bytes], Flaw | None], complaints: Complaints) -> None:
    """A record without its type: the format's own words where it has some."""
    kinds = table.column("kind")
    for kind in pc.unique(kinds).to_pylist():
        if kind is None:
            for index in _where(pc.is_null(kinds)):
                found = flaw(chunk.line(index))
                complaints[index] = (found.code, found.reason) if found else (NO_TYPE, "it has no event type")
        elif not KIND.fullmatch(kind):
            for index in _where(pc.equal(kinds, kind)):
                complaints[index] = (NO_TYPE, f"{_shown(kind)} is no event type")


def _times(table: pa.Table, sensors: Sensors | None, timezone: str | None, complaints: Complaints) -> pa.Array:
    column = table.column("time")
    times = column.fill_null(0).to_numpy().copy()
    if column.null_count:
        indices = _where(pc.is_null(column))
        texts = table.column("time_text").take(indices).to_pylist()
        names = table.column("sensor").take(indices).to_pylist()
        for index, text, name in zip(indices, texts, names, strict=True):
            if text is None:
                complaints.setdefault(index, (NO_TIME, "it has no timestamp"))
                continue
            place = sensors.get(name) if sensors is not None and name is not None else None
            settled = moment(text, (place.timezone if place is not None else None) or timezone)
            if settled is None:
                complaints.setdefault(index, (BAD_TIME, f"the timestamp {_shown(text)} cannot be read"))
            times[index] = EARLIEST if settled is None else settled
    for index in np.flatnonzero((times < EARLIEST) | (times >= LATEST)).tolist():
        complaints.setdefault(index, (BAD_TIME, "the timestamp lies outside 1990 to 2100"))
    return pa.array(times)


def _addresses(table: pa.Table, end: str, complaints: Complaints) -> tuple[pa.Array, pa.Array]:
    column, left = table.column(f"{end}_low"), table.column(f"{end}_text")
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    low = column.fill_null(0).to_numpy()
    high = np.zeros(len(low), dtype=np.int64)
    if left.null_count < len(left):
        texts = left.combine_chunks().dictionary_encode()
        settled = [halves(text) for text in texts.dictionary.to_pylist()]
        codes = texts.indices.fill_null(-1).to_numpy()
        present = np.flatnonzero(codes >= 0)
        good = np.array([pair is not None for pair in settled])[codes[present]]
        pairs = np.array([pair or (0, 0) for pair in settled], dtype=np.int64)[codes[present]]
        low = low.copy()
        high[present], low[present] = pairs[:, 0], pairs[:, 1]
        missing[present] = ~good
        for index in present[~good].tolist():
            text = texts.dictionary[int(codes[index])].as_py()
            complaints.setdefault(index, (BAD_ADDRESS, f"{_shown(text)} is no address"))
    return pa.array(high, mask=missing), pa.array(low, mask=missing)


def _names(table: pa.Table) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    domain, url = table.column("domain"), table.column("url")
    odd = [table.column(name) for name in ("host_text", "path_text", "port_text")]
    if all(column.null_count == len(column) for column in odd):
        return domain, url
    mask = pc.or_(pc.is_valid(odd[0]), pc.is_valid(odd[1]))
    settled = [name_and_url(*texts) for texts in zip(*(c.filter(mask).to_pylist() for c in odd), strict=True)]
    return (
        pc.replace_with_mask(domain, mask.combine_chunks(), pa.array([name for name, _ in settled], pa.string())),
        pc.replace_with_mask(url, mask.combine_chunks(), pa.array([made for _, made in settled], pa.string())),
    )


def _numbers(table: pa.Table, complaints: Complaints) -> None:
    column = table.column("bad_number")
    if column.null_count < len(column):
        indices = _where(pc.is_valid(column))
        for index, text in zip(indices, column.take(indices).to_pylist(), strict=True):
            name, _, value = text.partition("=")
            complaints.setdefault(index, (BAD_NUMBER, f"{name} is {_shown(value)}, no number in its range"))


def _texts(chunk: Chunk, table: pa.Table, flaw: Callable[[bytes], Flaw | None], complaints: Complaints) -> None:
    """An object or list where a text belongs shows as a text that begins like one: look at the line itself."""
    doubtful: set[int] = set()
    for name in CHECKED_TEXTS:
        column = table.column(name)
        if column.null_count < len(column):
            doubtful.update(_begin_like_json(column))
    for index in sorted(doubtful - set(complaints)):
        if (found := flaw(chunk.line(index))) is not None:
            complaints[index] = (found.code, found.reason)


def _begin_like_json(column: pa.ChunkedArray) -> list[int]:
    found, at = [], 0
    for array in column.chunks:
        _, offsets, data = array.buffers()
        if data is not None and data.size:
            starts = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
            octets = np.frombuffer(data, dtype=np.uint8)
            first = octets[np.minimum(starts[:-1], len(octets) - 1)]
            marked = ((first == ord("{")) | (first == ord("["))) & (starts[1:] > starts[:-1])
            found += (np.flatnonzero(marked) + at).tolist()
        at += len(array)
    return found


def _where(mask: pa.ChunkedArray) -> list[int]:
    return np.flatnonzero(mask.to_numpy()).tolist()


def _shown(text: str) -> str:
    return repr(text[:SHOWN] + ("..." if len(text) > SHOWN else ""))
