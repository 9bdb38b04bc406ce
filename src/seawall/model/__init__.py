"""The words everyone speaks. Comes in: nothing. Goes out: frozen values. Never here: I/O, policy, formats.

>>> from seawall.model import Tlp
>>> Tlp.parse("TLP:AMBER+STRICT").label
'amber+strict'
"""

from seawall.model.clock import Clock, from_microseconds, rfc3339, system_clock, to_microseconds
from seawall.model.errors import ExitStatus, Fault, NotFound, Refused, Unavailable
from seawall.model.findings import Candidate, IndicatorKey, SightingSummary, Warning
from seawall.model.marking import Pap, Tlp
from seawall.model.observable import Observable, ObservableType
from seawall.model.observation import OBSERVATION_SCHEMA, ROLLUP_SCHEMA, Basis, OwnEnd, Role
from seawall.model.release import Recorded, Release, ReleasedObject, Withheld
from seawall.model.visibility import Actor, UserRole, Visibility

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
