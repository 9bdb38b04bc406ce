"""Files taken in before, known by their whole content: such a file needs no line-by-line look.

A fingerprint says that every line of a content is in the lake; contents with rejected lines get none. Whoever removes
observations must empty the derived data set INGESTED_FILES in the same commit.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import xxhash
import zstandard

from seawall.ingest.compression import GZIP_MAGIC, ZSTD_MAGIC
from seawall.lake import LakeSession, LakeWriter

INGESTED_FILES = "ingested_files"
PIECE = 1 << 20
GZIP_MODULUS = 1 << 32  # RFC 1952 2.3.1: ISIZE is the size modulo 2^32
SCHEMA = pa.schema(
    [
        ("digest", pa.string()),  # XXH3 128 bit of the decompressed content
        ("bytes", pa.int64()),  # decompressed
        ("format", pa.string()),
        ("events", pa.int64()),
        ("by_type", pa.string()),  # JSON
    ]
)


class Fingerprint(msgspec.Struct, frozen=True):
    """A content and what its lines were."""

    digest: str
    bytes: int
    format: str
    events: int
    by_type: dict[str, int]


class Fingerprints:
    """The contents known to the lake, and those to be made known with the next commit."""

    def __init__(self, session: LakeSession) -> None:
        self._known: dict[tuple[str, int, str], Fingerprint] = {}
        self._sizes: set[int] = set()
        self._pending: list[Fingerprint] = []
        if (relation := session.derived(INGESTED_FILES)) is not None:
            for row in session.sql(f"SELECT * FROM {relation}").to_pylist():
                self._know(Fingerprint(**{**row, "by_type": msgspec.json.decode(row["by_type"])}))

    def worth_a_look(self, path: Path, size: int) -> bool:
        """True when a known content has the size that this file seems to unfold to."""
        if not self._sizes:
            return False
        with path.open("rb") as file:
            start = file.read(64)
            if start[:2] == GZIP_MAGIC:
                file.seek(max(0, size - 4))
                claimed = int.from_bytes(file.read(4), "little")
                return any(known % GZIP_MODULUS == claimed for known in self._sizes)
            if start[:4] == ZSTD_MAGIC:
                try:
                    return zstandard.get_frame_parameters(start).content_size in self._sizes
                except zstandard.ZstdError:
                    return False
        return size in self._sizes

    def find(self, digest: str, size: int, format: str) -> Fingerprint | None:
        """What is known of this content read in this format."""
        return self._known.get((digest, size, format))

    def add(self, fingerprint: Fingerprint) -> None:
        """Have a content made known with the next commit."""
        if self.find(fingerprint.digest, fingerprint.bytes, fingerprint.format) is None:
            self._pending.append(fingerprint)
            self._know(fingerprint)

    def write(self, writer: LakeWriter) -> None:
        """Put what is pending into ``writer``; call it in the commit that holds the last of these lines."""
        if not self._pending:
            return
        rows = [
            {**msgspec.structs.asdict(one), "by_type": msgspec.json.encode(one.by_type).decode("utf-8")}
            for one in self._pending
        ]
        writer.append_derived(INGESTED_FILES, pa.Table.from_pylist(rows, schema=SCHEMA))
        self._pending = []

    @property
    def pending(self) -> bool:
        """True when something waits for a commit."""
        return bool(self._pending)

    def _know(self, fingerprint: Fingerprint) -> None:
        self._known[(fingerprint.digest, fingerprint.bytes, fingerprint.format)] = fingerprint
        self._sizes.add(fingerprint.bytes)


def new_hasher() -> xxhash.xxh3_128:
    """The hash of a whole content."""
    return xxhash.xxh3_128(seed=0)
