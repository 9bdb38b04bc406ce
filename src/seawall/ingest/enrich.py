"""From settled rows to rows of the lake: where the sensor stands, what an alert means, which end is ours.

Comes in: the new rows of a batch. Goes out: observations ready to store, and their roll-up. Repeating texts stay
dictionary-encoded all the way into the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.ends import OWN, OWN_ENDS, Ends, Ranges, ends
from seawall.ingest.interface import Geography, IngestOptions, Sensors
from seawall.ingest.meaning import ENGINE_SIGNATURES, SILENT, meaning
from seawall.ingest.roles import CLIENT_ENDS, HALVES, HASSH_ENDS, Standing, roll_up, sensor_bits
from seawall.model import Basis

ALERTING = ("alert", "drop")
MEANING_COLUMNS = ("kind", "action", "category", "signature", "cve_text", "technique_text", "basis", "rsit")
SAME = (
    "time",
    "src_port",
    "dst_port",
    "domain",
    "url",
    "md5",
    "sha1",
    "sha256",
    "file_name",
    "ja3",
    "ja4",
    "certificate",
    "signature_id",
    "severity",
)
EMAIL = r"(?P<email>[^\s<>\"\[\],:;]{1,64}@[^\s<>\"\[\],:;@]{1,255})"  # RFC 5321 4.5.3.1 lengths


class Rows(msgspec.Struct, frozen=True):
    """The new rows of a batch: settled columns, and where each came from. Arrays have one entry a row."""

    table: pa.Table
    file: np.ndarray  # index into ``labels``
    labels: Sequence[str]
    number: np.ndarray
    high: np.ndarray
    low: np.ndarray
    occurrence: np.ndarray


class Enriched(msgspec.Struct, frozen=True):
    """What is written for a batch."""

    observations: pa.Table
    rollup: pa.Table


class Places:
    """Sides and sectors of sensors, and which sensors the table did not know."""

    def __init__(self, options: IngestOptions) -> None:
        self._sensors: Sensors | None = options.sensors
        self._side = options.side or options.node_side
        self._sector = options.sector or options.node_sector
        self.unknown: set[str | None] = set()

    def find(self, sensor: str | None) -> tuple[str, str]:
        """Side and sector of a sensor; ours for one that the table does not know, which is remembered."""
        place = self._sensors.get(sensor) if self._sensors is not None and sensor is not None else None
        if place is None:
            self.unknown.add(sensor)
            return self._side, self._sector
        return place.side, place.sector


class _Batch:
    """One batch on its way; each step reads what the steps before it found."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.table = rows.table
        self.encoded = {name: _encoded(self.table.column(name)) for name in (*MEANING_COLUMNS, "sensor", "protocol")}
        self.halves = {name: self.table.column(name).combine_chunks() for name in HALVES}
        self.numbers = {name: array.fill_null(0).to_numpy() for name, array in self.halves.items()}
        self.source = np.asarray(pc.is_valid(self.halves["src_low"]))
        self.destination = np.asarray(pc.is_valid(self.halves["dst_low"]))

    def place(self, places: Places) -> None:
        """Side, sector and bit of each row's sensor."""
        array = self.encoded["sensor"]
        names: list[str | None] = [*array.dictionary.to_pylist(), None]
        codes = array.indices.fill_null(len(names) - 1).to_numpy()
        used = np.unique(codes).tolist()
        found = {code: places.find(names[code]) for code in used}
        self.side = _relabelled({code: place[0] for code, place in found.items()}, codes, len(names))
        self.sector = _relabelled({code: place[1] for code, place in found.items()}, codes, len(names))
        self.sensor_bit = sensor_bits(names)[codes]

    def understand(self) -> None:
        """What the alert of each row says."""
        silent = np.zeros(len(self.table), dtype=np.int64)
        self.meanings, self.meaning_of = [SILENT], silent
        rows = _alerting(self.encoded)
        if len(rows):
            signature = self.table.column("signature_id").fill_null(0).to_numpy()[rows]
            engine = (signature >= ENGINE_SIGNATURES.start) & (signature < ENGINE_SIGNATURES.stop)
            arrays = [self.encoded[name] for name in MEANING_COLUMNS]
            first, back = _distinct([*(_codes(array)[rows] for array in arrays), engine.astype(np.int64)])
            for at in first.tolist():
                texts = [array[int(rows[at])].as_py() for array in arrays]
                self.meanings.append(meaning(*texts, bool(engine[at])))
            silent[rows] = back + 1
        names = [str(basis) for basis in Basis]
        codes = np.array([names.index(one.basis) for one in self.meanings], dtype=np.int32)
        self.basis = pa.DictionaryArray.from_arrays(pa.array(codes[self.meaning_of]), names)

    def judge(self, ranges: Ranges) -> None:
        """Own ends and roles."""
        own_source = ranges.contains(self.numbers["src_high"], self.numbers["src_low"], self.source)
        own_destination = ranges.contains(self.numbers["dst_high"], self.numbers["dst_low"], self.destination)
        self.client_first = np.asarray(self.table.column("client_is_source").fill_null(True))
        self.client_hassh = np.asarray(pc.is_valid(self.table.column("hassh_client")))
        self.ends = ends(own_source, own_destination, self.source, self.destination, self.client_first)

    def told(self, field: str) -> pa.DictionaryArray:
        """A column of what the alerts name."""
        values = pa.array([getattr(one, field) for one in self.meanings], pa.string())
        return values.take(pa.array(self.meaning_of)).dictionary_encode()


def enrich(rows: Rows, places: Places, ranges: Ranges, geography: Geography | None) -> Enriched:
    """Complete the rows and roll them up."""
    batch = _Batch(rows)
    batch.place(places)
    batch.understand()
    batch.judge(ranges)
    observations = _observations(batch, geography)
    standing = Standing(
        observations, batch.side, batch.sector, batch.basis, batch.sensor_bit, batch.numbers, batch.source,
        batch.destination, batch.ends, batch.client_hassh,
    )  # fmt: skip
    return Enriched(observations, roll_up(standing))


def _observations(batch: _Batch, geography: Geography | None) -> pa.Table:
    table, rows = batch.table, batch.rows
    country, asn = _geography(batch, geography)
    return pa.table(
        {
            **{name: table.column(name) for name in SAME},
            **{name: batch.encoded[name] for name in ("sensor", "kind", "protocol", "signature", "category")},
            **batch.halves,
            "side": batch.side,
            "sector": batch.sector,
            "basis": batch.basis,
            "own_end": pa.DictionaryArray.from_arrays(pa.array(batch.ends.own_end), list(OWN_ENDS)),
            "client_end": _either(~batch.client_first, CLIENT_ENDS),
            **{name: batch.told(name) for name in ("rsit", "cve", "technique")},
            "email": _email(table, batch.ends),
            "hassh": pc.coalesce(table.column("hassh_client"), table.column("hassh_server")),
            "hassh_of": _hassh_of(batch),
            "username": table.column("username"),
            "command": table.column("command"),
            "country": country,
            "asn": asn,
            "digest_high": rows.high,
            "digest_low": rows.low,
            "occurrence": rows.occurrence,
            "source_file": _relabelled(
                {code: rows.labels[code] for code in np.unique(rows.file).tolist()}, rows.file, len(rows.labels)
            ),
            "source_line": rows.number,
        }
    )


def _either(second: np.ndarray, names: tuple[str, str], absent: np.ndarray | None = None) -> pa.DictionaryArray:
    """The first or the second name, row by row; NULL where ``absent``."""
    return pa.DictionaryArray.from_arrays(pa.array(second.astype(np.int8), mask=absent), list(names))


def _hassh_of(batch: _Batch) -> pa.Array:
    server = batch.table.column("hassh_server")
    if server.null_count == len(server) and not batch.client_hassh.any():
        return pa.nulls(len(server), pa.string())
    absent = ~batch.client_hassh & np.asarray(pc.is_null(server))
    return _either(~batch.client_hassh, HASSH_ENDS, absent)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.combine_chunks().dictionary_encode()


def _codes(array: pa.DictionaryArray) -> np.ndarray:
    codes: np.ndarray = array.indices.fill_null(len(array.dictionary)).to_numpy().astype(np.int64)
    return codes


def _relabelled(labels: dict[int, str], codes: np.ndarray, size: int) -> pa.DictionaryArray:
    """One label a row: ``labels`` by code, repeated labels made one."""
    names = sorted(set(labels.values()))
    table = np.zeros(size, dtype=np.int32)
    for code, label in labels.items():
        table[code] = names.index(label)
    return pa.DictionaryArray.from_arrays(pa.array(table[codes]), pa.array(names, pa.string()))


def _alerting(encoded: dict[str, pa.DictionaryArray]) -> np.ndarray:
    """Rows that may say something: alerts, drops, and whatever else carries an action or is classed by its format."""
    kinds = encoded["kind"].dictionary.to_pylist()
    marked = np.array([kind in ALERTING for kind in kinds] or [False])
    alerting: np.ndarray = marked[encoded["kind"].indices.to_numpy()]
    for name in ("action", "basis", "rsit"):
        if encoded[name].null_count < len(alerting):
            alerting = alerting | np.asarray(pc.is_valid(encoded[name]))
    return np.flatnonzero(alerting)


def _distinct(codes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct combination stands first, and which one each row has."""
    key = codes[0]
    size = int(key.max()) + 1
    for more in codes[1:]:
        width = int(more.max()) + 1
        if size * width >= 1 << 62:
            _, key = np.unique(key, return_inverse=True)
            size = int(key.max()) + 1
        key, size = key * width + more, size * width
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    return first, back.reshape(-1)


def _email(table: pa.Table, found: Ends) -> pa.Array:
    """The remote correspondent: who sent to us, or the first whom we sent to. Our own people's addresses stay out."""
    sender, recipient = table.column("sender"), table.column("recipient")
    if sender.null_count == len(table) and recipient.null_count == len(table):
        return pa.nulls(len(table), pa.string())
    ours = found.client_role == OWN
    ours_only = ours & ~(found.own_source & found.own_destination)
    chosen = pc.if_else(pa.array(ours), pc.if_else(pa.array(ours_only), recipient, None), sender)
    return pc.struct_field(pc.extract_regex(pc.utf8_lower(chosen), EMAIL), "email")


def _geography(batch: _Batch, geography: Geography | None) -> tuple[pa.Array, pa.Array]:
    """Country and network of the remote end, where one end is ours and the other is not."""
    size = len(batch.table)
    found = batch.ends
    outbound = found.own_source & batch.destination & ~found.own_destination
    inbound = found.own_destination & batch.source & ~found.own_source
    rows = np.flatnonzero(outbound | inbound)
    if geography is None or not len(rows):
        return pa.nulls(size, pa.string()), pa.nulls(size, pa.int64())
    high, low = (
        np.where(outbound, batch.numbers[f"dst_{half}"], batch.numbers[f"src_{half}"])[rows] for half in ("high", "low")
    )
    order, back = _distinct_addresses(high, low)
    countries, networks = geography.lookup_many(low[order], high[order])
    at = np.full(size, len(order), dtype=np.int64)
    at[rows] = back
    positions = pa.array(at, mask=at == len(order))
    return (
        pa.array(countries, pa.string()).take(positions).dictionary_encode(),
        pa.array(networks, pa.int64()).take(positions),
    )


def _distinct_addresses(high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct address stands first, and which one each row has."""
    if not high.any():
        _, first, back = np.unique(low, return_index=True, return_inverse=True)
    else:
        _, first, back = np.unique(np.stack([high, low], axis=1), axis=0, return_index=True, return_inverse=True)
    return first, back.reshape(-1)
