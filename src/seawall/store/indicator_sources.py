"""One indicator, several sources: what each of them said, and what follows from all together. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from seawall.model.indicator import IndicatorEntry
from seawall.store.values import optional


class SourceFacts(msgspec.Struct, frozen=True):
    """What one source says about one value, as far as it counts when sources are joined."""

    number: int
    source: str
    position: int  # 0: the first source
    content: int
    tlp: int
    pap: int
    origin: str | None
    confidence: int | None
    valid_from: int | None
    valid_until: int | None
    external_id: str | None  # the source's own name for it


class JoinedFacts(msgspec.Struct, frozen=True):
    """What holds when all sources are heard."""

    tlp: int
    pap: int
    origin: str | None
    confidence: int | None
    valid_from: int | None
    valid_until: int | None


def facts(entry: IndicatorEntry, number: int, source: str, position: int, content: int) -> SourceFacts:
    """What this source now says."""
    return SourceFacts(
        number,
        source,
        position,
        content,
        int(entry.tlp),
        int(entry.pap),
        entry.origin,
        entry.confidence,
        entry.valid_from,
        entry.valid_until,
        optional(entry.external_id),
    )


def joined(sources: Sequence[SourceFacts]) -> JoinedFacts:
    """The strictest marking, the highest confidence, and the span in which any source calls the value hostile.

    An open end of the span stays open. The origin is ours as soon as one source is ours, else the first peer.
    """
    ordered = sorted(sources, key=lambda said: said.position)
    starts = [said.valid_from for said in ordered]
    ends = [said.valid_until for said in ordered]
    return JoinedFacts(
        tlp=max(said.tlp for said in ordered),
        pap=max(said.pap for said in ordered),
        origin=None if any(said.origin is None for said in ordered) else ordered[0].origin,
        confidence=max((said.confidence for said in ordered if said.confidence is not None), default=None),
        valid_from=None if None in starts else min(start for start in starts if start is not None),
        valid_until=None if None in ends else max(end for end in ends if end is not None),
    )


def content_of(entry: IndicatorEntry) -> int:
    """A 63-bit digest of all that a source says; equal content needs no write."""
    head = (
        f"{entry.indicator_id}\x1f{entry.campaign}\x1f{entry.description}\x1f{entry.confidence}\x1f{int(entry.tlp)}"
        f"\x1f{int(entry.pap)}\x1f{entry.valid_from}\x1f{entry.valid_until}\x1f{entry.origin}\x1f{entry.external_id}"
    )
    digest = hashlib.blake2b(head.encode("utf-8", "surrogatepass"), digest_size=8)
    digest.update(entry.body)
    return int.from_bytes(digest.digest(), "big") >> 1
