"""Pattern files for HAProxy's ``acl ... -f FILE`` (configuration manual, section 7.1).

    http-request set-var(txn.name) req.hdr(host),lower,field(1,:),rtrim(.)
    acl seawall_ip   src -f block-ip.acl
    acl seawall_host var(txn.name) -m str -f block-host.acl
    acl seawall_host var(txn.name),field(-1,.,2) -m str -f block-host.acl
    acl seawall_host var(txn.name),field(-1,.,3) -m str -f block-host.acl
    acl seawall_url  base -m str -f block-url.acl
    http-request deny if seawall_ip or seawall_host or seawall_url
    acl slow src -f rate-limit-ip.acl          (with: stick-table type ip size 64k expire 1m store http_req_rate(10s))
    http-request track-sc0 src if slow
    http-request deny deny_status 429 if slow { sc_http_req_rate(0) gt 100 }
    http-request set-log-level alert if { src -f alert-ip.acl }

``field(-1,.,2)`` looks up the name's last two labels, so a listed name stands for what lies below it; add lines up to
as many labels as listed names have. (``-m dom`` would compare one name after the other, and find them in the middle of
a longer name too.) A URL is compared as host and path, so one with a query is left out. The files carry no expiry; the
running proxy takes single values with their ends over its socket (driver ``haproxy``).
"""

from __future__ import annotations

from seawall.model import Observable, ObservableType
from seawall.protect.forms import host_and_path, token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.lists import ADDRESSES, Kinds, ListWriter, list_names

NAME = "haproxy"
KINDS: Kinds = {**ADDRESSES, ObservableType.DOMAIN: "host", ObservableType.URL: "url"}
TYPES = frozenset(KINDS)
FILES = list_names(NAME, KINDS, ".acl")


class HaproxyWriter(ListWriter):
    """One pattern file for each kind of value, to deny, slow down, and log."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        del heading  # a comment would be one more thing to parse in a file that is read at every reload
        super().__init__(sink, NAME, KINDS, ".acl", form=pattern)


def pattern(observable: Observable) -> str | None:
    """What HAProxy compares: an address, a network, a host name, or host and path of a URL."""
    text = token(observable)
    return host_and_path(text) if text is not None and observable.type is ObservableType.URL else text


FEED = Feed(NAME, TYPES, FILES, folder=True, open=HaproxyWriter)
