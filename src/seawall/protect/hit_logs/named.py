"""Any log whose lines name the directive: Postfix, YARA, CrowdSec, whatever wrote our words where it stopped something.

... NOQUEUE: reject: ... Sender address rejected: Seawall directive 0f3a6c1e9b2d4f58 until 2026-12-01T...
seawall_block_0f3a6c1e9b2d4f58 ./attachment.bin          (yara RULES FILE, with a moment before it)
2026-11-22T17:57:01Z ban 203.0.113.7 seawall 0f3a6c1e9b2d4f58

Whoever can make a tool log a text of their choice can forge such a line: that is why a hit is no alarm.
"""

from __future__ import annotations

import re
from datetime import tzinfo

from seawall.protect.hit_logs.interface import HitLog, Met
from seawall.protect.hit_logs.moments import moment_of

NAME = "named"
_NAMED = re.compile(r"(?i:seawall)(?:[ _](?:block|watch|directive|undo))*[ _]([0-9a-f]{16})(?![0-9a-f])")


def read(line: str, now: int, zone: tzinfo) -> Met | None:
    """The directive that the line names."""
    found = _NAMED.search(line)
    return Met(moment_of(line, now, zone), undo_id=found.group(1)) if found else None


LOG = HitLog(NAME, read)
