"""Which values of a row go into the roll-up, and at which role each stood.

The same for rows on their way into the lake and for rows read back from it: ``stored`` finds everything in the columns
of observations, so that a roll-up can be made anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from seawall.ingest.ends import OWN_ENDS, REMOTE, UNKNOWN, Ends, ends
from seawall.ingest.rollup import BITS, Context, Rollup, address_bits
from seawall.model import ObservableType

HALVES = ("src_high", "src_low", "dst_high", "dst_low")
CLIENT_ENDS = ("source", "destination")
HASSH_ENDS = ("client", "server")


class Standing(msgspec.Struct, frozen=True):
    """Rows with what their values stand for. Arrays have one entry a row."""

    observations: pa.Table
    side: pa.DictionaryArray
    sector: pa.DictionaryArray
    basis: pa.DictionaryArray
    sensor_bit: np.ndarray
    numbers: dict[str, np.ndarray]  # of HALVES, 0 where there is no address
    source: np.ndarray  # an address is there
    destination: np.ndarray
    ends: Ends
    client_hassh: np.ndarray  # the hassh is the client's


def sensor_bits(names: Sequence[str | None]) -> np.ndarray:
    """``1 << bit`` for each sensor name; stable: the same in every run."""
    bits = [1 << xxhash.xxh3_64_intdigest((name or "").encode("utf-8")) % BITS for name in names]
    return np.array(bits, dtype=np.int64)


def roll_up(rows: Standing) -> pa.Table:
    """The roll-up of the rows, with the columns of ROLLUP_SCHEMA."""
    found, observations = rows.ends, rows.observations
    any_role = np.where(found.own_source | found.own_destination, REMOTE, UNKNOWN)
    source_bit = address_bits(rows.numbers["src_high"], rows.numbers["src_low"], found.own_source)
    destination_bit = address_bits(rows.numbers["dst_high"], rows.numbers["dst_low"], found.own_destination)
    time = observations.column("time").to_numpy()
    context = Context(time, rows.side, rows.sector, rows.basis, rows.sensor_bit)
    rollup = Rollup(context, np.where(found.own_source, source_bit, destination_bit))
    source = rows.numbers["src_high"], rows.numbers["src_low"], rows.source
    destination = rows.numbers["dst_high"], rows.numbers["dst_low"], rows.destination
    rollup.addresses(*source, found.source_role, destination_bit)
    rollup.addresses(*destination, found.destination_role, source_bit)
    for kind, name, role in (
        (ObservableType.DOMAIN, "domain", found.server_role),
        (ObservableType.URL, "url", found.server_role),
        (ObservableType.EMAIL, "email", any_role),
        (ObservableType.MD5, "md5", found.sender_role),
        (ObservableType.SHA1, "sha1", found.sender_role),
        (ObservableType.SHA256, "sha256", found.sender_role),
        (ObservableType.FILE_NAME, "file_name", found.sender_role),
        (ObservableType.JA3, "ja3", found.client_role),
        (ObservableType.JA4, "ja4", found.client_role),
        (ObservableType.HASSH, "hassh", np.where(rows.client_hassh, found.client_role, found.server_role)),
        (ObservableType.CERTIFICATE, "certificate", found.server_role),
    ):
        rollup.texts(kind, observations.column(name), role)
    rollup.lists(ObservableType.CVE, observations.column("cve"), any_role)
    return rollup.table()


def stored(observations: pa.Table) -> Standing:
    """Rows read back from the lake: own ends, clients and bits follow from their own columns."""
    numbers = {name: observations.column(name).fill_null(0).to_numpy() for name in HALVES}
    source, destination = (np.asarray(pc.is_valid(observations.column(name))) for name in ("src_low", "dst_low"))
    own_end = _places(observations, "own_end", OWN_ENDS)
    own_source = np.isin(own_end, (OWN_ENDS.index("source"), OWN_ENDS.index("both")))
    own_destination = np.isin(own_end, (OWN_ENDS.index("destination"), OWN_ENDS.index("both")))
    client_first = _places(observations, "client_end", CLIENT_ENDS) != CLIENT_ENDS.index("destination")
    cve = observations.schema.get_field_index("cve")
    observations = observations.set_column(cve, "cve", _encoded(observations, "cve"))
    sensor = _encoded(observations, "sensor")
    names: list[str | None] = [*sensor.dictionary.to_pylist(), None]
    return Standing(
        observations,
        _encoded(observations, "side"),
        _encoded(observations, "sector"),
        _encoded(observations, "basis"),
        sensor_bits(names)[sensor.indices.fill_null(len(names) - 1).to_numpy()],
        numbers,
        source,
        destination,
        ends(own_source, own_destination, source, destination, client_first),
        _places(observations, "hassh_of", HASSH_ENDS) == HASSH_ENDS.index("client"),
    )


def _encoded(table: pa.Table, name: str) -> pa.DictionaryArray:
    array = table.column(name).combine_chunks()
    if pa.types.is_dictionary(array.type):
        return array
    return array.dictionary_encode()


def _places(table: pa.Table, name: str, names: Sequence[str]) -> np.ndarray:
    """Each row's text as its place in ``names``; -1 for NULL and for others."""
    array = _encoded(table, name)
    places = [names.index(text) if text in names else -1 for text in array.dictionary.to_pylist()]
    found: np.ndarray = np.array([*places, -1])[array.indices.fill_null(len(places)).to_numpy()]
    return found
