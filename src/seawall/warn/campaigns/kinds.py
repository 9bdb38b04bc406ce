"""How much each kind of common ground is worth, and how common it may be.

A link between two values adds the strongest common feature of each family (``model.campaign.FAMILY``: features of one
family can be wrong together, so they do not add up) and joins them from ``JOIN`` on. A feature that few share counts in
full; from ``few`` sharers on it counts less with the logarithm of their number (the idea of inverse document frequency,
Spärck Jones 1972), and from ``many`` on not at all. Sharers are counted as groups that stand for themselves (all values
of one label or of one registered domain are one), so a large campaign is not punished for being large; machines of ours
that met a feature in ordinary traffic count as sharers too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seawall.model.campaign import FAMILY, Family, Kind
from seawall.warn.campaigns.interface import KINDS

JOIN = 1.0
"""Two values with this much in common belong together."""
TOLD_AT_MOST = 0.5
"""What one peer says adds at most this to a link between values that others know too: never enough alone."""


@dataclass(frozen=True)
class Worth:
    """What one kind is worth, and its bounds. ``absolute``: the bounds do not grow or shrink with the collection."""

    most: float
    few: float
    many: float
    absolute: bool = False


WORTH = {
    # alone enough while few share it, also some weeks apart
    Kind.LABEL: Worth(1.5, 5_000, 50_000, absolute=True),  # a report has thousands of values; a whole feed, more
    Kind.RELATION: Worth(1.2, 50, 5_000, absolute=True),
    Kind.EVENT: Worth(1.5, 10, 100, absolute=True),
    Kind.REGISTERED: Worth(1.5, 200, 5_000, absolute=True),  # names below one domain
    Kind.ADDRESS: Worth(1.2, 3, 50, absolute=True),  # domains at it: a server of one's own has few, shared hosting many
    Kind.CERTIFICATE: Worth(1.3, 10, 1_000),
    # only together with another family
    Kind.RANGE: Worth(0.55, 16, 300),  # 256 addresses
    Kind.AS: Worth(0.3, 16, 2_000),
    Kind.JA4: Worth(0.55, 20, 5_000),
    Kind.JA3: Worth(0.5, 20, 5_000),
    Kind.HASSH: Worth(0.55, 20, 5_000),
    Kind.MALWARE: Worth(0.55, 20, 2_000),
    Kind.SIGNATURE: Worth(0.5, 20, 2_000),
    Kind.FILE_NAME: Worth(0.5, 20, 2_000),
    Kind.PATTERN: Worth(0.5, 20, 2_000),
    Kind.TECHNIQUE: Worth(0.25, 20, 2_000),
    Kind.VICTIM: Worth(0.35, 20, 1_000),
    Kind.SECTORS: Worth(0.15, 20, 2_000),
}
FEW_AT_LEAST, FEW_SHARE = 10, 0.02
MANY_AT_LEAST, MANY_SHARE, MANY_SHARE_AT_LEAST = 40, 0.25, 0.01
FEW_WHOLES, MANY_WHOLES = 2, 12
"""Where bounds are not absolute: ``few`` is at most 2 % of all groups (but 10 always may be), ``many`` at most a
quarter of them (but 40 always may be), and at least 1 %: in a collection of a million, 2,000 are rare. Where whole
groups are compared, 2 and 12 stand in place of 10 and 40: of twelve campaigns, what all have tells none apart."""

FAMILIES = tuple(Family)
FAMILY_OF = np.array([FAMILIES.index(FAMILY[kind]) for kind in KINDS], np.int64)
"""The family, as its place in FAMILIES, of each kind's place in KINDS."""

SAME_PERIOD = 3 * 86_400_000_000
PERIOD_HALVES = 60 * 86_400_000_000
PERIOD_AT_LEAST = 0.5
"""Active periods (first to last seen, microseconds) that lie up to three days apart count as one; further apart, what
is common is worth less, half after 60 days and never less than half: servers are let again to others, tools stay."""


def bounds(kind: Kind, groups: int, *, wholes: bool = False) -> tuple[float, float]:
    """(few, many) sharers of one kind in a collection of so many groups."""
    worth = WORTH[kind]
    few_at_least, many_at_least = (FEW_WHOLES, MANY_WHOLES) if wholes else (FEW_AT_LEAST, MANY_AT_LEAST)
    if worth.absolute:
        return worth.few, worth.many
    few = min(worth.few, max(few_at_least, FEW_SHARE * groups))
    many = max(MANY_SHARE_AT_LEAST * groups, min(worth.many, max(many_at_least, MANY_SHARE * groups)))
    return few, max(many, few + 1)
