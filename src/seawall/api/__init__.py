"""The REST API of one node. Comes in: HTTP requests with a bearer token. Goes out: JSON of what this person may see.

Never here: deciding what may be seen (``policy``), reading stores; the node does that behind ``NodeService``. Every
Fault becomes an HTTP answer in one place; what is not a Fault becomes "internal" with a reference number.

>>> from seawall.api import Metric, exposition
>>> print(exposition([Metric("events", "Rows in the lake.", "gauge", 3)]).splitlines()[-1])
seawall_events 3
"""

from seawall.api.app import local_app
from seawall.api.headers import PAGE_POLICY
from seawall.api.interface import (
    Caller,
    CircleView,
    EventCount,
    LedgerHead,
    Metric,
    NodeAbout,
    NodeService,
    NodeStatus,
    PeerView,
    Rows,
)
from seawall.api.metrics import exposition

__all__ = [
    "PAGE_POLICY",
    "Caller",
    "CircleView",
    "EventCount",
    "LedgerHead",
    "Metric",
    "NodeAbout",
    "NodeService",
    "NodeStatus",
    "PeerView",
    "Rows",
    "exposition",
    "local_app",
]
