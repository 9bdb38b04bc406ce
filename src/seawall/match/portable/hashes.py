"""Files and fingerprints: equality of hashes, file names, JA3, JA4, hassh and certificates."""

from __future__ import annotations

from seawall.match.keys import TEXT_COLUMNS
from seawall.match.portable.stage import Stage, by_equality


def hash_hits(stage: Stage) -> list[str]:
    """SQL for the hits of everything compared by equality beside URLs and e-mail addresses."""
    return by_equality(stage, [kind for kind in TEXT_COLUMNS if kind not in ("url", "email")])
