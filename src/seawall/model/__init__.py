"""The words everyone speaks. Comes in: nothing. Goes out: frozen values. Never here: I/O, policy, formats.

>>> from seawall.model import Tlp
>>> Tlp.parse("TLP:AMBER+STRICT").label
'amber+strict'
"""

from typing import TYPE_CHECKING

from seawall.model.clock import Clock, from_microseconds, rfc3339, system_clock, to_microseconds
from seawall.model.errors import ExitStatus, Fault, NotFound, Refused, Unavailable
from seawall.model.findings import Candidate, IndicatorKey, SightingSummary, Warning
from seawall.model.marking import Pap, Tlp
from seawall.model.observable import Observable, ObservableType
from seawall.model.observation import Basis, OwnEnd, Role
from seawall.model.release import Recorded, Release, ReleasedObject, Withheld
from seawall.model.visibility import Actor, UserRole, Visibility

if TYPE_CHECKING:
    from seawall.model.observation_table import OBSERVATION_SCHEMA, ROLLUP_SCHEMA

__all__ = [
    "OBSERVATION_SCHEMA",
    "ROLLUP_SCHEMA",
    "Actor",
    "Basis",
    "Candidate",
    "Clock",
    "ExitStatus",
    "Fault",
    "IndicatorKey",
    "NotFound",
    "Observable",
    "ObservableType",
    "OwnEnd",
    "Pap",
    "Recorded",
    "Refused",
    "Release",
    "ReleasedObject",
    "Role",
    "SightingSummary",
    "Tlp",
    "Unavailable",
    "UserRole",
    "Visibility",
    "Warning",
    "Withheld",
    "from_microseconds",
    "rfc3339",
    "system_clock",
    "to_microseconds",
]


def __getattr__(name: str) -> object:
    """The Arrow schemas on first use: most commands need no lake, and loading Arrow takes longer than they do."""
    if name not in ("OBSERVATION_SCHEMA", "ROLLUP_SCHEMA"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seawall.model import observation_table

    return getattr(observation_table, name)
