"""Living beside a MISP: one spelling for its events, a merge that both sides agree on, a client that trusts nothing.

Comes in: MISP events as MISP, PyMISP or a feed writes them. Goes out: the same events, merged, to the one MISP that the
operator named. Never here: deciding what may be shown (``policy``), keeping anything (``store``): ``flow`` hands in
the book of events and the desk that records releases.

>>> from seawall.exchange.misp import canonical
>>> canonical({"info": "x", "uuid": "5ee2f2a2-0000-4000-8000-000000000001"}, now=0, new_uuid=str)["date"]
'1970-01-01'
"""

from seawall.exchange.misp.changes import Changes, changes
from seawall.exchange.misp.client import MispClient
from seawall.exchange.misp.documents import (
    MAX_TAG,
    Doc,
    all_attributes,
    canonical,
    canonical_attribute,
    is_uuid,
    seconds,
    tags,
    truth,
)
from seawall.exchange.misp.merge import merge
from seawall.exchange.misp.parties import Cursor, Offer, Sighted, Taken
from seawall.exchange.misp.sync import Done, MispSync, encode
from seawall.exchange.misp.types import describe_types, with_defaults

__all__ = [
    "MAX_TAG",
    "Changes",
    "Cursor",
    "Doc",
    "Done",
    "MispClient",
    "MispSync",
    "Offer",
    "Sighted",
    "Taken",
    "all_attributes",
    "canonical",
    "canonical_attribute",
    "changes",
    "describe_types",
    "encode",
    "is_uuid",
    "merge",
    "seconds",
    "tags",
    "truth",
    "with_defaults",
]
