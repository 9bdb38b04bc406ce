"""The feeds, one file each, alike in shape; ``FEEDS`` holds them by the name that ``--to`` takes."""

from seawall.protect.feeds import csv, nftables, rpz, suricata
from seawall.protect.interface import Feed

FEEDS: dict[str, Feed] = {feed.name: feed for feed in (rpz.FEED, nftables.FEED, suricata.FEED, csv.FEED)}

__all__ = ["FEEDS"]
