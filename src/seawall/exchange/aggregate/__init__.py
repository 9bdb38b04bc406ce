"""Masked sums: three or more nodes learn a sum of their counts, and nobody sees another's.

Comes in: our own counts, bounded (``rounds``), and other members' signed documents. Goes out: our masked vectors, and
the noised sums of complete rounds. Never here: counting (``flow``), sockets, the store, a clock; a member's numbers
in the clear; unmasking anybody.

Only questions of the signed catalogue, at most so many a year. What it does not do, in plain words:
docs/how-to/compare-without-revealing.md.

>>> from seawall.exchange.aggregate import catalogue, read_period
>>> len(catalogue().query("attacks-by-sector").labels(read_period("2026-W12"))) > 20
True
"""

from seawall.exchange.aggregate.bounds import MAX_BUNDLE_BYTES, MAX_DAYS, MAX_MEMBERS
from seawall.exchange.aggregate.catalogue import Catalogue, Query, catalogue, check_period
from seawall.exchange.aggregate.documents import (
    Agreement,
    Contribution,
    Document,
    Proposal,
    SetUp,
    Signed,
    open_signed,
    pack,
    reopened,
    seal,
    unpack,
)
from seawall.exchange.aggregate.masks import Binding, new_key, public_of
from seawall.exchange.aggregate.published import Bin, Published, published
from seawall.exchange.aggregate.rounds import (
    Input,
    Sums,
    binding_of,
    check_contribution,
    check_proposal,
    check_set_up,
    commitment_of,
    contribute,
    draw,
    result,
    roster_of,
    without_noise_unsafe,
)
from seawall.exchange.aggregate.weeks import Period, read_period, week_name

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_DAYS",
    "MAX_MEMBERS",
    "Agreement",
    "Bin",
    "Binding",
    "Catalogue",
    "Contribution",
    "Document",
    "Input",
    "Period",
    "Proposal",
    "Published",
    "Query",
    "SetUp",
    "Signed",
    "Sums",
    "binding_of",
    "catalogue",
    "check_contribution",
    "check_period",
    "check_proposal",
    "check_set_up",
    "commitment_of",
    "contribute",
    "draw",
    "new_key",
    "open_signed",
    "pack",
    "public_of",
    "published",
    "read_period",
    "reopened",
    "result",
    "roster_of",
    "seal",
    "unpack",
    "week_name",
    "without_noise_unsafe",
]
