"""``seawall tail``: logs followed while they grow, sightings at once, the lake a moment later."""

from seawall.flow.tail.interface import TailReport, TailWish
from seawall.flow.tail.run import tail

__all__ = ["TailReport", "TailWish", "tail"]
