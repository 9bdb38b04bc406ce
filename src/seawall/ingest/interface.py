"""What ingest is asked, what it answers, and what a log format must provide (one file per format in ``formats/``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import msgspec
import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from seawall.ingest.chunks import Chunk, EngineFile
    from seawall.lake import LakeSession

LINE_BOUND = 1 << 20  # bytes; Suricata's own output buffer limit for a record is far below (eve-log, 64 KiB default)
CHUNK_BYTES = 48 << 20  # of lines given to the engine at once: enough for two threads
RAW_KEPT = 4096  # bytes of a rejected line kept in quarantine
EARLIEST = 631_152_000_000_000  # 1990-01-01T00:00:00Z in microseconds; nothing older was logged in these formats
LATEST = 4_102_444_800_000_000  # 2100-01-01T00:00:00Z

Progress = Callable[[int, int | None, int], None]
"""Called now and then with bytes read, bytes in all (None: unknown, a stream) and events read."""

OnWait = Callable[[str], None]


class SensorPlace(Protocol):
    """Where a sensor stands."""

    @property
    def side(self) -> str: ...
    @property
    def sector(self) -> str: ...
    @property
    def timezone(self) -> str | None: ...


class Sensors(Protocol):
    """The sensor table: ``reference.sensors.SensorTable`` in the product."""

    def get(self, sensor: str, /) -> SensorPlace | None:
        """The sensor's place; None for one that is not in the table."""


class OwnNetworks(Protocol):
    """What is ours: ``reference.assets.OwnAssets`` in the product."""

    def networks(self) -> Iterable[object]:
        """Our address ranges; ``str`` of each is a CIDR."""


class Geography(Protocol):
    """Country and network of an address, from data on disk."""

    def lookup_many(
        self, low: np.ndarray, high: np.ndarray | None = None
    ) -> tuple[Sequence[str | None], Sequence[int | None]]:
        """Countries (ISO 3166-1 alpha-2) and AS numbers of addresses in signed halves, None where unknown."""


class IngestOptions(msgspec.Struct, frozen=True):
    """How to take logs in. ``side`` and ``sector`` stand for sensors that the table does not know."""

    quarantine: Path
    node_side: str
    format: str = "auto"
    mapping: Path | None = None  # a mapping file instead of a format
    side: str | None = None
    sector: str | None = None
    sensor: str | None = None  # of lines that name none
    node_sector: str = "unknown"
    timezone: str | None = None  # of sensors whose zone the table does not tell, for times without offset
    sensors: Sensors | None = None
    own: OwnNetworks | None = None  # None: private, loopback and link-local ranges
    geography: Geography | None = None
    batch_lines: int = 500_000  # lines held, and committed, at once
    remember: bool = True  # the content of whole files, so that the same file is not read again
    chunk_bytes: int = CHUNK_BYTES
    stdin: BinaryIO | None = None  # None: the process's own standard input


class IngestReport(msgspec.Struct, frozen=True):
    """What became of the input. ``events`` is the sum of stored, duplicates and rejected."""

    files: int
    events: int
    stored: int
    duplicates: int
    rejected: int
    unknown_sensors: int  # distinct names; a missing name counts as one
    by_type: dict[str, int]  # of the events stored or already held
    problems: list[str]


class Rejected(msgspec.Struct, frozen=True):
    """A line that cannot be taken, with its reason. ``code`` is stable, ``reason`` an English sentence part."""

    line: int
    code: str
    reason: str
    raw: bytes  # at most RAW_KEPT bytes
    length: int  # of the whole line in bytes


class Flaw(msgspec.Struct, frozen=True):
    """Why one line is no event."""

    code: str
    reason: str


class Engine(msgspec.Struct, frozen=True):
    """What a reader may use: SQL on what it registers, and memory that SQL can open as a file."""

    session: LakeSession
    file: EngineFile
    written: int | None = None  # microseconds UTC: the last change of the file that is read; None: unknown


class Typed(msgspec.Struct, frozen=True):
    """Lines and their rows with the columns of TYPED, equally long. A line of several records stands several times."""

    lines: Chunk
    rows: pa.Table


class Reading(msgspec.Struct, frozen=True):
    """What a chunk held. A line that is neither found nor rejected carries no record, such as a header."""

    found: list[Typed]
    rejected: list[Rejected]


class Reader(Protocol):
    """Reads one file of one format from its first chunk to its last; may remember a header."""

    def read(self, chunk: Chunk) -> Reading:
        """The chunk's records."""

    def flaw(self, line: bytes) -> Flaw | None:
        """A second look at a line in whose row a text begins like JSON; None when nothing is wrong with its shape."""


class Format(Protocol):
    """One log format."""

    @property
    def name(self) -> str:
        """As ``--format`` spells it."""

    def recognises(self, head: bytes) -> bool:
        """True when the beginning of a file (complete lines, at most 256 KiB) is this format."""

    def plausible(self, head: bytes) -> bool:
        """True when a file that a person named could be a broken or unusual one of this format."""

    def unfold(self, whole: bytes) -> bytes | None:
        """For what is no list of lines, such as a JSON array: the lines it stands for. None: it has lines already."""

    def reader(self, engine: Engine) -> Reader:
        """A reader for one file."""


# The columns of a typed row. Text columns named *_text hold the original text of a
# value that SQL could not type; they are NULL on ordinary lines, and ``values.py`` settles them in Python.
TYPED = (
    "kind",  # event type as logged
    "sensor",
    "time",  # microseconds UTC
    "time_text",
    "src_low",  # low half of an IPv4 address
    "src_text",
    "src_port",
    "dst_low",
    "dst_text",
    "dst_port",
    "bad_number",  # "field=text" of a number that is none
    "protocol",
    "domain",
    "url",
    "host_text",
    "path_text",
    "port_text",
    "sender",
    "recipient",
    "md5",
    "sha1",
    "sha256",
    "file_name",
    "ja3",
    "ja4",
    "hassh_client",
    "hassh_server",
    "certificate",
    "action",
    "signature_id",
    "signature",
    "severity",
    "category",
    "cve_text",
    "technique_text",
    "username",
    "command",
    "basis",  # NULL: ``meaning`` decides by action and category
    "rsit",  # NULL likewise
    "client_is_source",  # False where the row's source is the server's end of the conversation
)
