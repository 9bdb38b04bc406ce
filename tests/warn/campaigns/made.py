"""Made collections with known truth: campaigns that share means, strangers, and hosting that everybody shares."""

from __future__ import annotations

from collections import Counter

import numpy as np

from seawall.model.campaign import Kind
from seawall.warn.campaigns import EvidenceBook
from seawall.warn.campaigns.interface import Evidence, Integers

DAY = 86_400_000_000


def made(
    campaigns: int, members: int, *, seed: int, strangers: int = 0, hosting: int = 5
) -> tuple[Evidence, list[int]]:
    """Evidence, and of each item its campaign (-1: none). Each campaign has a certificate, two servers, a range, a
    fingerprint and one of ten tools; a tenth of everything lies on shared hosting, all in one AS."""
    random = np.random.default_rng(seed)
    book, truth = EvidenceBook(), []
    for number in range(campaigns * members + strangers):
        campaign = number // members if number < campaigns * members else -1
        key = ("domain", f"{'c' if campaign >= 0 else 's'}{number:05d}-{random.integers(1 << 30):x}.example")
        start = (campaign % 20 if campaign >= 0 else int(random.integers(20))) * DAY
        first = start + int(random.integers(3 * DAY))
        book.item(key, first=first, last=first + DAY)
        truth.append(campaign)
        book.link(key, Kind.AS, "3462")
        own = campaign if campaign >= 0 else 10_000 + number
        book.link(key, Kind.SIGNATURE, f"tool {own % 10}")
        if random.random() < 0.6:
            book.link(key, Kind.CERTIFICATE, f"certificate {own}")
        if random.random() < 0.6:
            book.link(key, Kind.ADDRESS, f"server {own} {random.integers(2)}")
        if random.random() < 0.6:
            book.link(key, Kind.RANGE, f"range {own}")
        if random.random() < 0.6:
            book.link(key, Kind.JA4, f"ja4 {own % 30}")
        if random.random() < 0.1:
            book.link(key, Kind.ADDRESS, f"hosting {random.integers(hosting)}")
    for place in range(hosting):
        book.background(Kind.ADDRESS, f"hosting {place}", 200)
    return book.evidence(), truth


def pairs(label: Integers, truth: list[int]) -> tuple[float, float]:
    """(precision, recall) over pairs of items that stand together."""
    real = np.array(truth)
    together = [(int(a), int(b)) for a, b in zip(label, real, strict=True) if a >= 0 and b >= 0]
    both = _pairs(Counter(together).values())
    said = _pairs(Counter(label[label >= 0].tolist()).values())
    meant = _pairs(Counter(real[real >= 0].tolist()).values())
    return both / max(1, said), both / max(1, meant)


def _pairs(sizes: object) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)  # type: ignore[attr-defined]
