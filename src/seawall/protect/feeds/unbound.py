"""Local zones for Unbound (unbound.conf(5)): names answered with NXDOMAIN or led to a sinkhole.

    include: "seawall.unbound"

For a resolver that does not follow a policy zone: it is read at start and at ``unbound-control reload``. BIND, Knot,
PowerDNS and Unbound itself take the zone of feed ``rpz`` too, which changes without a reload.
"""

from __future__ import annotations

import ipaddress

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.actions import done_by
from seawall.protect.forms import token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "unbound"
TYPES = frozenset({ObservableType.DOMAIN})
FILES = ("seawall.unbound",)


class UnboundWriter:
    """One file of local zones."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._sinkhole = heading.sinkhole
        self._out.write(f"# Seawall, made {moment_text(heading.made_at)}.\nserver:\n".encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """A name and everything below it; a watched name is answered, and the asking is logged."""
        name = token(directive.observable)
        if name is None:
            return objections.FORMAT
        until = f"# until {moment_text(directive.expires_at)} undo {directive.undo_id}"
        # Type "inform" answers as usual and logs who asked; it is how Unbound watches. Type "redirect" answers for all
        # names below with what is said of the zone's own.
        done = done_by(NAME, directive.action)
        led = self._sinkhole if done is Action.SINKHOLE else ()
        stopped = "redirect" if led else "always_nxdomain"
        kind = stopped if done is not None and done.hinders else "inform"
        lines = [f'    local-zone: "{name}." {kind} {until}\n']
        lines += [f'    local-data: "{name}. {_record(target)}"\n' for target in led]
        self._out.write("".join(lines).encode("ascii"))
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last name."""
        self._out.flush()
        return []


def _record(target: str) -> str:
    try:
        return f"{'A' if ipaddress.ip_address(target).version == 4 else 'AAAA'} {target}"
    except ValueError:
        return f"CNAME {target}."


FEED = Feed(NAME, TYPES, FILES, folder=False, open=UnboundWriter)
