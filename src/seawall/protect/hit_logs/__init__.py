"""What tools write when a directive of ours met something: a file a kind, alike; ``HIT_LOGS`` by the name of ``--as``.

For points without an agent: exports go out as files, and what the tools log comes back as hits. A reader only says what
a line may be about; whether a value is one of ours is decided by whoever knows our directives.
"""

from seawall.protect.hit_logs import named, rpz, suricata
from seawall.protect.hit_logs.interface import HitLog, Met

HIT_LOGS: dict[str, HitLog] = {log.name: log for log in (rpz.LOG, suricata.LOG, named.LOG)}

__all__ = ["HIT_LOGS", "HitLog", "Met"]
