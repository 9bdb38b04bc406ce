"""Lists for Squid's ``dstdomain`` and ``dst`` (squid.conf): where its clients may not go.

    acl seawall_name dstdomain "FOLDER/block-dstdomain.acl"
    acl seawall_ip   dst       "FOLDER/block-dst.acl"
    http_access deny seawall_name
    http_access deny seawall_ip

A leading dot stands for the name and everything below it. Where one entry lies inside another Squid says so at start
and keeps the greater. The lists carry no expiry: write them anew before the earliest one, then ``squid -k reconfigure``
(with an absolute path to its configuration: a relative one ends Squid 5).
"""

from __future__ import annotations

from seawall.model import Observable, ObservableType
from seawall.protect.forms import token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.lists import Kinds, ListWriter, list_names

NAME = "squid"
KINDS: Kinds = {
    ObservableType.DOMAIN: "dstdomain",
    ObservableType.IPV4: "dst",
    ObservableType.IPV6: "dst",
    ObservableType.CIDR: "dst",
}
TYPES = frozenset(KINDS)
FILES = list_names(NAME, KINDS, ".acl")


class SquidWriter(ListWriter):
    """Two lists to deny, two to log."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        del heading  # lists are lists
        super().__init__(sink, NAME, KINDS, ".acl", form=pattern)


def pattern(observable: Observable) -> str | None:
    """What Squid compares: ``.name``, an address or a network."""
    text = token(observable)
    return f".{text}" if text is not None and observable.type is ObservableType.DOMAIN else text


FEED = Feed(NAME, TYPES, FILES, folder=True, open=SquidWriter)
