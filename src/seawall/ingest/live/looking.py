"""Blocks looked through before they are stored: what each line shows, for comparing it with indicators at once.

EVE is decoded line by line. Other formats, and odd EVE lines, go through their ordinary reader in small batches. What
is found here decides nothing for good: the lake's own rows do, when they are stored.
"""

from __future__ import annotations

import io

import msgspec
import numpy as np
import pyarrow as pa

from seawall.ingest.chunks import Buffer, EngineFile, chunks
from seawall.ingest.ends import DEFAULT_OWN, Ranges
from seawall.ingest.enrich import Places, Rows, enrich
from seawall.ingest.formats.suricata_eve import SuricataEve
from seawall.ingest.interface import Engine, IngestOptions, Reader
from seawall.ingest.live.blocks import Block
from seawall.ingest.live.eve import glimpse
from seawall.ingest.live.glimpse import Glimpse
from seawall.ingest.live.taking import prime, written_at
from seawall.ingest.live.watched import Followed
from seawall.ingest.meaning import ENGINE_SIGNATURES, meaning
from seawall.ingest.settle import settle
from seawall.ingest.values import moment
from seawall.lake import LakeSession

BUFFER_BYTES = 4 << 20
TAKEN_FOR_UNKNOWN = 0


class Circumstances(msgspec.Struct, frozen=True):
    """When and where a line was seen, and why it counts as hostile."""

    time: int  # microseconds UTC
    side: str
    sector: str
    sensor: str | None
    basis: str
    cve: str | None  # comma-separated


class Looked(msgspec.Struct):
    """What a block shows: glimpses of single lines, and rows (OBSERVATION_SCHEMA without ``event``) of the others."""

    glimpses: list[Glimpse]
    rows: list[pa.Table]


class Looker:
    """Looks through blocks. One thread uses it; ``close`` it."""

    def __init__(self, options: IngestOptions, session: LakeSession) -> None:
        self._options = options
        self._session = session
        self._places = Places(options)
        self._ranges = Ranges([*DEFAULT_OWN, *(options.own.networks() if options.own is not None else ())])
        self._engine_file = EngineFile()
        self._buffer = Buffer(BUFFER_BYTES)
        self._readers: dict[str, Reader] = {}

    def look(self, block: Block, followed: Followed) -> Looked:
        """What the lines of a block show. A line that will be rejected may show something until then."""
        data = block.data or b""
        if followed.format.name != SuricataEve.name:
            return Looked([], self._rows(data, block.first_line, followed))
        found: list[Glimpse] = []
        odd: list[bytes] = []
        for line in data.split(b"\n"):
            if (seen := glimpse(line)) is not None:
                found.append(seen)
            elif line.strip():
                odd.append(line)
        return Looked(found, self._rows(b"\n".join(odd), block.first_line, followed) if odd else [])

    def circumstances(self, seen: Glimpse, followed: Followed) -> Circumstances | None:
        """What a sighting needs of a line that hit; None when its time cannot be read."""
        options = self._options
        sensor = seen.sensor if seen.sensor is not None else followed.sensor or options.sensor
        place = options.sensors.get(sensor) if options.sensors is not None and sensor is not None else None
        time = moment(seen.time_text, (place.timezone if place is not None else None) or options.timezone)
        if time is None:
            return None
        side, sector = self._places.find(sensor)
        number = _number(seen.signature_id)
        told = meaning(
            seen.kind, seen.action, seen.category, seen.signature, seen.cve_text, None, None, None,
            number in ENGINE_SIGNATURES,
        )  # fmt: skip
        return Circumstances(time, side, sector, sensor, str(told.basis), told.cve)

    def cves(self, seen: Glimpse, followed: Followed) -> tuple[str, ...]:
        """The CVEs that a line names."""
        if seen.action is None and seen.kind not in ("alert", "drop"):
            return ()
        found = self.circumstances(seen, followed)
        return tuple(found.cve.split(",")) if found is not None and found.cve else ()

    def close(self) -> None:
        """Let go of memory."""
        self._engine_file.close()

    def _rows(self, data: bytes, first_line: int, followed: Followed) -> list[pa.Table]:
        reader = self._readers.get(followed.key)
        if reader is None:
            engine = Engine(self._session, self._engine_file, written_at(followed.path))
            reader = self._readers[followed.key] = followed.format.reader(engine)
            if first_line > 1:
                prime(reader, followed.path, BUFFER_BYTES >> 4, self._buffer)
        options = self._options
        made: list[pa.Table] = []
        for chunk in chunks(io.BytesIO(data), self._buffer):
            if not len(chunk):
                continue
            for found in reader.read(chunk).found:
                sensor = followed.sensor or options.sensor
                good, settled, _ = settle(found, reader.flaw, options.sensors, sensor, options.timezone)
                if len(good):
                    zeros = np.zeros(len(good), dtype=np.int32)
                    rows = Rows(
                        settled, zeros, [followed.label], good.numbers, good.digest_high, good.digest_low, zeros
                    )
                    made.append(enrich(rows, self._places, self._ranges, None).observations)
        return made


def _number(signature: int | str | None) -> int:
    if isinstance(signature, str):
        return int(signature) if signature.isascii() and signature.isdigit() else TAKEN_FOR_UNKNOWN
    return signature or TAKEN_FOR_UNKNOWN
