"""How large a carried file, and every part of it, may be (rule 10)."""

from __future__ import annotations

import msgspec

from seawall.model.bounds import MAX_OBJECT_BYTES


class DropBounds(msgspec.Struct, frozen=True):
    """All sizes in bytes. What does not fit into one drop goes into the next."""

    objects: int = 1_000_000  # of one drop: a large feed moves in as one file
    plain_bytes: int = 1 << 30  # of one drop, unpacked: a million indicators of about 700 bytes
    file_bytes: int = 1 << 30  # of one drop as it is carried; copied into the node before it is read
    header_bytes: int = 2 << 20  # the first line: a thousand circles with their terms and digests take a tenth
    object_bytes: int = MAX_OBJECT_BYTES  # as over the network (exchange.Bounds)
    nesting: int = 64  # as over the network
    circles: int = 1_000
    page_objects: int = 1_000  # released, recorded, checked and stored together
    window_bytes: int = 8 << 20  # memory that a zstd frame may ask for (RFC 8878 section 3.1.1.1.2 recommends 8 MiB)


DEFAULT_DROP_BOUNDS = DropBounds()
