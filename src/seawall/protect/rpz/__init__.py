"""Our own hidden primary for DNS response policy zones.

Comes in: changes of the order book; questions and acknowledgements of resolvers.
Goes out: zones to the resolvers named in the settings (AXFR, IXFR, NOTIFY, TSIG), hits from their logs.
Never here: deciding what may be blocked, answering anybody who is not configured, a name without an end.

    primary = RpzPrimary(RpzSettings(folder="rpz", secondaries=(Secondary("127.0.0.1"),)))
    primary.start()
    primary.apply(changes, at=clock())
"""

from seawall.protect.rpz.primary import RpzPrimary
from seawall.protect.rpz.server import Follower
from seawall.protect.rpz.settings import RpzSettings, Secondary, TsigKey, new_key

__all__ = ["Follower", "RpzPrimary", "RpzSettings", "Secondary", "TsigKey", "new_key"]
