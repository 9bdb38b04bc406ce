"""Knowledge, cases, accounts, outboxes: kept in SQLite or PostgreSQL.

Comes in: objects, indicators, sightings, warnings with their markings; people, peers, circles; what became releasable.
Goes out: the same, filtered by a Visibility inside the query, so that absent and withheld look alike.
Never here: a decision about who may see or receive something; HTTP; raw telemetry.

>>> from seawall.model import UserRole
>>> with Store.open("sqlite://") as store:
...     token = store.users.add("mina", UserRole.ANALYST, at=0)
...     store.users.authenticate(token).name
'mina'
"""

from typing import TYPE_CHECKING

from seawall.store.store import Store, sqlite_url
from seawall.store.values import MAX_PAGE

if TYPE_CHECKING:
    from seawall.store.indicator_keys import KEYS_SCHEMA

__all__ = ["KEYS_SCHEMA", "MAX_PAGE", "Store", "sqlite_url"]


def __getattr__(name: str) -> object:
    """KEYS_SCHEMA on first use: it loads Arrow, which most uses of the store do without."""
    if name != "KEYS_SCHEMA":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seawall.store import indicator_keys

    return indicator_keys.KEYS_SCHEMA
