"""Logs taken in while they grow.

Comes in: paths of files, folders and patterns; blocks of complete lines. Goes out: rows in the lake by the ordinary
batches, positions that outlive a kill, rejected lines in quarantine. Never here: matching, a line lost or stored twice.

    follower = Follower(["/var/log/suricata/eve.json"], live.positions, None, print)
    blocks, files = follower.poll()
    live.take(blocks, files)
"""

from seawall.ingest.live.blocks import Block
from seawall.ingest.live.follow import Follower
from seawall.ingest.live.spool import Backlog
from seawall.ingest.live.state import Position, load_positions, only_tail
from seawall.ingest.live.taking import LiveIngest, Taken
from seawall.ingest.live.watched import Followed

__all__ = [
    "Backlog",
    "Block",
    "Followed",
    "Follower",
    "LiveIngest",
    "Position",
    "Taken",
    "load_positions",
    "only_tail",
]
