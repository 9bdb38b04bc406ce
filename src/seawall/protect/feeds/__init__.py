"""The feeds, one file each, alike in shape; ``FEEDS`` holds them by the name that ``--to`` takes."""

from seawall.protect.feeds import (
    crowdsec,
    csv,
    elastic,
    haproxy,
    nftables,
    nginx,
    postfix,
    rpz,
    sigma,
    sigma_queries,
    splunk,
    squid,
    suricata,
    suricata_iprep,
    text,
    unbound,
    yara,
)
from seawall.protect.interface import Feed

_ALL = (
    # DNS, packet filter, IDS
    *(rpz.FEED, unbound.FEED, nftables.FEED, crowdsec.FEED, suricata.FEED, suricata_iprep.FEED),
    # proxies, web servers, mail
    *(haproxy.FEED, squid.FEED, nginx.FEED, postfix.FEED),
    # SIEM and scanners
    *(splunk.FEED, elastic.FEED, sigma.FEED, *sigma_queries.QUERY_FEEDS, yara.FEED),
    # whatever else reads a list
    *(text.FEED, csv.FEED),
)
FEEDS: dict[str, Feed] = {feed.name: feed for feed in _ALL}

__all__ = ["FEEDS"]
