"""What a finished round tells people: each bin with its interval, or why it is not told."""

from __future__ import annotations

import msgspec

from seawall.exchange.aggregate.catalogue import Catalogue, Query
from seawall.exchange.aggregate.rounds import Sums, rates
from seawall.exchange.aggregate.shares import deviation, margin
from seawall.exchange.aggregate.weeks import Period


class Bin(msgspec.Struct, frozen=True):
    """One bin. Suppressed ones have neither count nor interval: ``suppressed`` says why."""

    week: str
    bin: str
    count: int | None
    low: int | None  # of a 95 % interval for the noise alone
    high: int | None
    nodes: int | None  # members that have some, each judged with a noise of its own
    suppressed: str | None  # "too few nodes" | "too small"


class Published(msgspec.Struct, frozen=True):
    """All bins of a round, and the noise in them."""

    bins: tuple[Bin, ...]
    deviation: float  # standard deviation of the noise in one count
    margin: int  # half the width of the interval


def published(sums: Sums, query: Query, period: Period, catalogue: Catalogue, members: int) -> Published:
    """A bin is told when enough members have some and its noised count is large enough; two members: both."""
    rate = rates(query)[0]
    wide, least_nodes = margin(rate, members), min(catalogue.least_nodes, members)
    bins = []
    for (week, name), count, nodes in zip(query.labels(period), sums.counts, sums.presence, strict=True):
        reason = "too few nodes" if nodes < least_nodes else "too small" if count < catalogue.least_count else None
        if reason is not None:
            bins.append(Bin(week, name, None, None, None, None, reason))
        else:
            bins.append(Bin(week, name, count, max(0, count - wide), count + wide, nodes, None))
    return Published(tuple(bins), deviation(rate, members), wide)
