"""Plain lists, one value a line, no comments: external dynamic lists of firewalls, maps of rspamd, anything that greps.

Each kind of value has a file, because firewalls take one kind a list. The lists carry no expiry: write them anew before
the earliest one, which the export's summary names.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.lists import ADDRESSES, Kinds, ListWriter, list_names

NAME = "text"
KINDS: Kinds = {
    **ADDRESSES,
    ObservableType.DOMAIN: "domain",
    ObservableType.URL: "url",
    ObservableType.EMAIL: "email",
    ObservableType.MD5: "md5",
    ObservableType.SHA1: "sha1",
    ObservableType.SHA256: "sha256",
}
TYPES = frozenset(KINDS)
FILES = list_names(NAME, KINDS, ".txt")


class TextWriter(ListWriter):
    """One list for each kind of value, to block and to watch."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        del heading  # the lists say nothing about themselves: some readers know no comments
        super().__init__(sink, NAME, KINDS, ".txt")


FEED = Feed(NAME, TYPES, FILES, folder=True, open=TextWriter)
