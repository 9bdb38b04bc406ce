"""Simulated events as columns: every value is a row number of a table in ``World``; texts appear only when written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class Kind(IntEnum):
    """What one line of the log will be. Alerts carry the object that their signature looked at."""

    FLOW = 0
    FLOW_UDP = 1
    DNS_QUERY = 2
    DNS_ANSWER = 3
    DNS_NXDOMAIN = 4
    HTTP = 5
    TLS = 6
    FILE = 7
    SSH = 8
    SMTP = 9
    SMB = 10
    ANOMALY = 11
    STATS = 12
    ALERT = 13
    ALERT_HTTP = 14
    ALERT_TLS = 15
    ALERT_FILE = 16
    ALERT_SSH = 17
    ALERT_SMTP = 18
    ALERT_SMB = 19
    ALERT_DNS = 20


ALERTS = frozenset(kind for kind in Kind if kind.name.startswith("ALERT"))
NAMES_HOST = frozenset({Kind.HTTP, Kind.ALERT_HTTP, Kind.FILE, Kind.ALERT_FILE})
NAMES_SERVER = frozenset({Kind.TLS, Kind.ALERT_TLS})
NAMES_QUERY = frozenset({Kind.DNS_QUERY, Kind.DNS_ANSWER, Kind.DNS_NXDOMAIN, Kind.ALERT_DNS})
HOLDS_FILE = frozenset({Kind.FILE, Kind.ALERT_FILE})


@dataclass(frozen=True)
class Rows:
    """Equal-length int64 columns.

    ``time`` true microseconds UTC; ``sensor``, ``client``, ``server``, ``site``, ``path``, ``file``, ``ja3``,
    ``answer`` (the address in a DNS answer), ``signature`` row numbers of the world's tables (-1: none); ``port`` the
    server's; ``flow`` the flow id.
    """

    time: Integers
    sensor: Integers
    kind: Integers
    client: Integers
    server: Integers
    site: Integers
    path: Integers
    file: Integers
    ja3: Integers
    answer: Integers
    signature: Integers
    port: Integers
    flow: Integers

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Rows:
        """The rows at ``index``, in that order."""
        return Rows(*(getattr(self, column.name)[index] for column in fields(self)))

    @staticmethod
    def join(parts: Sequence[Rows]) -> Rows:
        """All rows of ``parts``, one after the other."""
        return Rows(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Rows)))

    @staticmethod
    def build(count: int, **columns: npt.ArrayLike) -> Rows:
        """``count`` rows; a scalar fills its column, a column that is not given is -1."""
        full = {
            column.name: np.broadcast_to(np.asarray(columns.get(column.name, -1), dtype=np.int64), (count,))
            for column in fields(Rows)
        }
        return Rows(**full)
