"""Lead time, statistically: who saw it first, how much earlier, and whether that is more than chance.

Comes in: findings of two parties as Arrow tables, or plain numbers. Goes out: shares and medians with their intervals,
curves, p-values, and what was taken out. Never here: a database, a lake, a clock of its own, a verdict. Every draw
takes its seed.

>>> from seawall.warn.lead import wilson
>>> share = wilson(7, 10)
>>> f"{share.low:.3f}-{share.high:.3f}"
'0.397-0.892'
"""

from seawall.warn.lead.analyse import LeadOptions, analyse
from seawall.warn.lead.clocks import Skew, estimate_skew
from seawall.warn.lead.intervals import Interval, bootstrap_median, wilson
from seawall.warn.lead.multiple import benjamini_hochberg
from seawall.warn.lead.nulls import Null
from seawall.warn.lead.pairs import PAIR_SCHEMA, PROOF_SCHEMA, pairs_of_sides, pairs_with_peers
from seawall.warn.lead.report import FLAGS, LEAST_BOTH, By, Clock, LeadGroup, LeadReport, State, WithinDays
from seawall.warn.lead.screens import REASONS as TAKEN_OUT
from seawall.warn.lead.survival import Curve, Within, kaplan_meier

__all__ = [
    "FLAGS",
    "LEAST_BOTH",
    "PAIR_SCHEMA",
    "PROOF_SCHEMA",
    "TAKEN_OUT",
    "By",
    "Clock",
    "Curve",
    "Interval",
    "LeadGroup",
    "LeadOptions",
    "LeadReport",
    "Null",
    "Skew",
    "State",
    "Within",
    "WithinDays",
    "analyse",
    "benjamini_hochberg",
    "bootstrap_median",
    "estimate_skew",
    "kaplan_meier",
    "pairs_of_sides",
    "pairs_with_peers",
    "wilson",
]
