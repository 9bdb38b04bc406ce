"""The columns of observations and of their roll-up, as Arrow schemas.

Telemetry travels as Arrow batches of these, never as one Python object per event (except in the live tail).
Addresses are two signed 64-bit integers (IPv4 is IPv4-mapped: high 0, low 0xFFFF00000000 | address), times are integer
microseconds since 1970-01-01T00:00:00Z, and no column is unsigned or wider than 64 bits, so that every engine reads
the Parquet files alike.
"""

from __future__ import annotations

import pyarrow as pa

OBSERVATION_SCHEMA = pa.schema(
    [
        pa.field("event", pa.int64(), nullable=False),  # unique in the lake, stable through compaction
        pa.field("time", pa.int64(), nullable=False),  # microseconds UTC
        pa.field("side", pa.string(), nullable=False),
        pa.field("sensor", pa.string()),
        pa.field("sector", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # the source's own event type: alert, dns, conn ...
        pa.field("basis", pa.string(), nullable=False),
        pa.field("own_end", pa.string(), nullable=False),
        pa.field("client_end", pa.string()),  # source or destination: who began the conversation
        pa.field("rsit", pa.string()),  # "class:type" of the RSIT machine version 1003
        pa.field("src_high", pa.int64()),
        pa.field("src_low", pa.int64()),
        pa.field("src_port", pa.int32()),
        pa.field("dst_high", pa.int64()),
        pa.field("dst_low", pa.int64()),
        pa.field("dst_port", pa.int32()),
        pa.field("protocol", pa.string()),
        pa.field("domain", pa.string()),  # lower case, no trailing dot: HTTP host, DNS name or TLS SNI
        pa.field("url", pa.string()),
        pa.field("email", pa.string()),  # the remote correspondent only
        pa.field("md5", pa.string()),
        pa.field("sha1", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("file_name", pa.string()),
        pa.field("ja3", pa.string()),
        pa.field("ja4", pa.string()),
        pa.field("hassh", pa.string()),
        pa.field("hassh_of", pa.string()),  # client or server
        pa.field("certificate", pa.string()),  # SHA-1 or SHA-256 fingerprint, lower hex without separators
        pa.field("username", pa.string()),  # honeypot
        pa.field("command", pa.string()),  # honeypot
        pa.field("signature_id", pa.int64()),
        pa.field("signature", pa.string()),
        pa.field("severity", pa.int32()),
        pa.field("category", pa.string()),
        pa.field("cve", pa.string()),  # comma-separated, upper case
        pa.field("technique", pa.string()),  # comma-separated ATT&CK ids
        pa.field("country", pa.string()),  # of the remote end, ISO 3166-1 alpha-2
        pa.field("asn", pa.int64()),  # of the remote end
        pa.field("digest_high", pa.int64(), nullable=False),  # seeded 128-bit digest of the raw line
        pa.field("digest_low", pa.int64(), nullable=False),
        pa.field("occurrence", pa.int32(), nullable=False),  # 0 for the first equal line of a file, 1 for the next ...
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_line", pa.int64(), nullable=False),
    ]
)

ROLLUP_SCHEMA = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),  # ObservableType
        pa.field("value", pa.string()),  # text types; NULL for addresses
        pa.field("high", pa.int64()),  # addresses only
        pa.field("low", pa.int64()),
        pa.field("role", pa.string(), nullable=False),
        pa.field("basis", pa.string(), nullable=False),
        pa.field("day", pa.int32(), nullable=False),  # days since 1970-01-01, UTC
        pa.field("side", pa.string(), nullable=False),
        pa.field("sector", pa.string(), nullable=False),
        pa.field("first", pa.int64(), nullable=False),  # microseconds UTC
        pa.field("last", pa.int64(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("sensor_bits", pa.int64(), nullable=False),  # bit (hash(sensor) mod 62) of each sensor that saw it
        pa.field("own_bits", pa.int64(), nullable=False),  # likewise of each own address at the other end
    ]
)
