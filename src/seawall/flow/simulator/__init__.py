"""A day of two sides' traffic in real Suricata EVE format, with attackers whose every step is known.

Comes in: a folder, a scale, a seed. Goes out: log files by side and time slice, sensors, assets, and the truth, which
no node ever sees. Never here: matching, grading, a clock of its own. The proportions are in ``parameters``, fixed
before any matcher was tuned.

Example::

    day = write_day(Path("day"), scale=0.01, seed=7)
    for part in day.of("TW"):
        print(part.path, part.events)
"""

from seawall.flow.simulator.day import BEGINS, DAY_MICROSECONDS, Day, Slice, counts, require_feasible, write_day
from seawall.flow.simulator.own import SIDES
from seawall.flow.simulator.parameters import PARAMETERS, SECTORS, Parameters
from seawall.flow.simulator.truth import (
    FINDABLE_TYPES,
    FORMAT,
    CampaignTruth,
    SideTruth,
    Trap,
    Truth,
    ValueTruth,
    read_truth,
    write_truth,
)

__all__ = [
    "BEGINS",
    "DAY_MICROSECONDS",
    "FINDABLE_TYPES",
    "FORMAT",
    "PARAMETERS",
    "SECTORS",
    "SIDES",
    "CampaignTruth",
    "Day",
    "Parameters",
    "SideTruth",
    "Slice",
    "Trap",
    "Truth",
    "ValueTruth",
    "counts",
    "read_truth",
    "require_feasible",
    "write_day",
    "write_truth",
]
