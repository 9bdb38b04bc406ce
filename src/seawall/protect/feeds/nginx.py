"""A ``geo`` block for nginx: the client's address is looked up in a tree, so a million values cost one look-up.

    http   { include seawall-geo.conf; }
    server { if ($seawall = block) { return 403; }
             limit_req zone=seawall burst=20 nodelay; limit_req_status 429; }

A list of ``deny`` lines would be walked line by line for every request. ``$seawall`` is empty, ``block``, ``watch`` or
``rate-limit`` (``limit_req`` counts no empty key). The file carries the end of each value as a comment; write it
anew before the earliest one, then reload.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect import objections
from seawall.protect.actions import done_by
from seawall.protect.forms import token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "nginx"
TYPES = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})
FILES = ("seawall-geo.conf",)


class NginxWriter:
    """One geo block."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._rate = heading.rate.per_second
        made = moment_text(heading.made_at)
        self._out.write(f'# Seawall, made {made}.\ngeo $seawall {{\n    default "";\n'.encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """One address or network and what to do with it."""
        text = token(directive.observable)
        if text is None:
            return objections.FORMAT
        note = f"until {moment_text(directive.expires_at)} undo {directive.undo_id}"
        self._out.write(f"    {text} {done_by(NAME, directive.action)}; # {note}\n".encode("ascii"))
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Close the block; the key and zone by which ``limit_req`` slows down."""
        self._out.write(b'}\nmap $seawall $seawall_slow {\n    default "";\n')
        self._out.write(b"    rate-limit $binary_remote_addr;\n}\n")
        self._out.write(f"limit_req_zone $seawall_slow zone=seawall:10m rate={self._rate}r/s;\n".encode("ascii"))
        self._out.flush()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=False, open=NginxWriter)
