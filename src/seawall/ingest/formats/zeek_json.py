"""Zeek logs as JSON, one record a line: every type of log, in files of one type or mixed by ``_path``.

Times may be seconds, milliseconds or ISO texts (``LogAscii::json_timestamps``). What the fields mean stands in
``ingest.zeek_fields``, which also tells how the type of a log is found when ``_path`` is missing.

Reference: Zeek book, "Zeek JSON Format Logs", and the package ``json-streaming-logs`` for ``_path`` and ``_write_ts``.
"""

from __future__ import annotations

from seawall.ingest.chunks import Chunk
from seawall.ingest.interface import Engine, Reader, Reading
from seawall.ingest.json_lines import JsonLines, array_lines, first_objects, looks_like_objects
from seawall.ingest.salvage import JsonReader
from seawall.ingest.zeek_fields import COLUMNS, SHAPE, STRICT_TEXTS, OneLog

LINES = JsonLines(
    SHAPE,
    COLUMNS,
    telling=("ts", "_path"),
    kind="ts",
    foreign=("not-zeek", "it has no time in a field 'ts'"),
    strict_texts=STRICT_TEXTS,
)
RECOGNISED_BY = (  # beside ts: fields that together stand in no other program's JSON
    {"_path"},
    {"id.orig_h"},
    {"fuid"},
    {"certificate.serial"},
    {"software_type"},
    {"seen.indicator"},
    {"uids", "msg_types"},  # dhcp
    {"note", "actions"},
    {"name", "notice"},  # weird
    {"percent_lost", "acks"},
    {"pkts_proc", "bytes_recv"},
    {"node", "filter", "init"},  # packet_filter
)


class ZeekJson:
    """Zeek JSON; see ``interface.Format`` for what each method promises."""

    name = "zeek-json"

    def recognises(self, head: bytes) -> bool:
        """True when an early line is an object with ``ts`` and fields that only Zeek writes."""
        return any(
            "ts" in event and any(fields <= event.keys() for fields in RECOGNISED_BY)
            for event in first_objects(head, (b'"ts"',))
        )

    def plausible(self, head: bytes) -> bool:
        """True when a line looks like the beginning of a JSON object that speaks of ``ts``."""
        return b'"ts"' in head and looks_like_objects(head)

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of records, one a line."""
        return array_lines(whole)

    def reader(self, engine: Engine) -> Reader:
        """Records need no memory of earlier lines, but for the type of those that do not tell it."""
        return _ZeekReader(LINES, engine)


class _ZeekReader(JsonReader):
    def __init__(self, lines: JsonLines, engine: Engine) -> None:
        super().__init__(lines, engine)
        self._log = OneLog()

    def read(self, chunk: Chunk) -> Reading:
        """One record a line."""
        return self._log.named(super().read(chunk))
