"""A DNS response policy zone (draft-vixie-dnsop-dns-rpz-00): names that resolvers answer with NXDOMAIN.

    name    CNAME .      ; until 2026-04-13T00:00:00.000000Z undo 0f3a...
    *.name  CNAME .

Zone transfers carry no expiry per name: the zone is written anew before the earliest one, and resolvers compare the
serial, which is the moment of the export in seconds.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.bounds import MAX_DOMAIN_LENGTH
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.names import is_name
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "rpz"
TYPES = frozenset({ObservableType.DOMAIN})
FILES = ("seawall.rpz",)

TTL_SECONDS = 300  # how long a resolver's clients may remember the answer, so an undo is felt within five minutes
REFRESH_SECONDS, RETRY_SECONDS, EXPIRE_SECONDS, NEGATIVE_SECONDS = 300, 60, 86_400, 60
_TRIGGERS = ("rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname", "rpz-passthru", "rpz-drop", "rpz-tcp-only")


class RpzWriter:
    """One zone file."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._zone = heading.zone
        serial = heading.made_at // 1_000_000 % 2**32
        self._out.write(
            f"$ORIGIN {self._zone}.\n"
            f"$TTL {TTL_SECONDS}\n"
            f"@ IN SOA localhost. hostmaster.localhost. "
            f"{serial} {REFRESH_SECONDS} {RETRY_SECONDS} {EXPIRE_SECONDS} {NEGATIVE_SECONDS}\n"
            f"@ IN NS localhost.\n".encode("ascii")
        )

    def add(self, directive: Directive) -> Objection | None:
        """A name and everything below it; a watched name as a comment."""
        name = directive.observable.value
        if not is_name(name):
            return objections.MALFORMED
        if (last := name.rpartition(".")[2]).startswith("rpz-") or last in _TRIGGERS:
            return objections.TRIGGER.about(last)
        if len(name) + len(self._zone) + len("*..") > MAX_DOMAIN_LENGTH:
            return objections.ZONE_NAME.about(self._zone)
        note = f"until {moment_text(directive.expires_at)} undo {directive.undo_id}"
        if directive.action is Action.WATCH:
            text = f"; watch {name} {note}\n"
        else:
            text = f"{name} CNAME . ; {note}\n*.{name} CNAME .\n"
        self._out.write(text.encode("ascii"))
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last name."""
        self._out.flush()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=False, open=RpzWriter)
