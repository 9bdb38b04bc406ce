"""What one line shows before it is in the lake: the values compared with indicators, and what a sighting needs."""

from __future__ import annotations

import msgspec


class Glimpse(msgspec.Struct, gc=False):
    """Canonical values of one line. Addresses are texts as logged; ``time_text`` is read for hits only."""

    time_text: str
    sensor: str | None
    kind: str
    src: str | None
    dst: str | None
    domain: str | None
    url: str | None
    others: tuple[tuple[str, str], ...]  # (type, value) of files, fingerprints and the like
    action: str | None
    category: str | None
    signature: str | None
    signature_id: int | str | None
    cve_text: str | None
