"""What people said of one item: which kinds of information it is, and how long it may be kept on which ground."""

from __future__ import annotations

import msgspec


class ItemTerms(msgspec.Struct, frozen=True):
    """Kept beside the object under its id, whatever its versions say. Times in microseconds UTC."""

    id: str
    kinds: frozenset[str] = frozenset()  # labels of ``reference.sharing_kinds``
    basis: str | None = None  # id in ``reference.legal_bases``; None: nobody said any
    basis_source: str | None = None  # the basis' source as it read then: laws change
    kept_until: int | None = None  # None: no clock runs
    said_by: str = ""
    said_at: int = 0
