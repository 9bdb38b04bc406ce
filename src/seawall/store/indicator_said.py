"""What each source says about given values: for scores, which weigh sources apart."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.model import ObservableType, Tlp
from seawall.store.bulk import rows_for
from seawall.store.database import Database
from seawall.store.values import clean

Key = tuple[ObservableType, str]

# CROSS JOIN: else SQLite, which knows nothing of sizes, reads all indicators to find these few
SAID = """
SELECT held.type, held.value, said.source, said.origin, said.tlp, said.confidence, said.valid_from, said.valid_until,
said.external_id
FROM {given} CROSS JOIN indicators AS held CROSS JOIN indicator_sources AS said
WHERE held.type = given.a AND held.value = given.b AND said.number = held.number ORDER BY held.number, said.position
"""


_TYPES = {each.value: each for each in ObservableType}  # quicker than asking the class
_TLPS = {each.value: each for each in Tlp}


class Said(msgspec.Struct, frozen=True, gc=False):
    """One source's word about one value. Moments in microseconds UTC."""

    source: str
    origin: str | None  # None: our own import; else the peer's code name
    tlp: Tlp
    confidence: int | None
    valid_from: int | None
    valid_until: int | None
    external_id: str | None  # the source's own name for it


def said(database: Database, keys: Iterable[Key]) -> dict[Key, list[Said]]:
    """Every source's word about these values, first source first; values that nobody names are left out.

    For the node's own jobs: no visibility applies, so look at ``tlp`` before showing any of it.
    """
    wanted = sorted({(type.value, clean(value)) for type, value in keys})
    found: dict[Key, list[Said]] = {}
    with database.reading() as connection:
        rows = rows_for(connection, wanted, SAID)
    for type, value, source, origin, tlp, confidence, valid_from, valid_until, external_id in rows:
        word = Said(source, origin or None, _TLPS[tlp], confidence, valid_from, valid_until, external_id)
        found.setdefault((_TYPES[type], value), []).append(word)
    return found
