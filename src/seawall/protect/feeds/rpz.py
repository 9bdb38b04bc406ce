"""A DNS response policy zone (draft-vixie-dnsop-dns-rpz-00): names that resolvers answer otherwise.

    name    CNAME .              ; until 2026-04-13T00:00:00.000000Z undo 0f3a...: does not exist
    *.name  CNAME .
    name    A 192.0.2.66         a sinkhole, where addresses or a name (CNAME) are configured; else as a block
    name    CNAME rpz-passthru.  an alert or a watch: answered as ever, and the resolver logs it

Nothing is written below a name that is blocked or led away: that name speaks for all below it, and the longer one would
open a hole (beside ``*.bad.example`` a record of ``deep.mid.bad.example`` lets ``mid.bad.example`` pass: RFC 4592
section 2.2.2, measured with BIND 9.18).

Zone transfers carry no expiry per name: the zone is written anew before the earliest one, and resolvers compare the
serial, which is the moment of the export in seconds.
"""

from __future__ import annotations

import ipaddress
from itertools import chain

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.actions import done_by
from seawall.protect.bounds import MAX_DOMAIN_LENGTH
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.names import ancestors, is_name
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "rpz"
TYPES = frozenset({ObservableType.DOMAIN})
FILES = ("seawall.rpz",)

TTL_SECONDS = 300  # how long a resolver's clients may remember the answer, so an undo is felt within five minutes
REFRESH_SECONDS, RETRY_SECONDS, EXPIRE_SECONDS, NEGATIVE_SECONDS = 300, 60, 86_400, 60
_BLOCKED, _PASSED = "CNAME .", "CNAME rpz-passthru."
_TRIGGERS = ("rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname", "rpz-passthru", "rpz-drop", "rpz-tcp-only")


class RpzWriter:
    """One zone file."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._zone = heading.zone
        self._sinkhole = [_answer(target) for target in heading.sinkhole] or [_BLOCKED]
        self._hindered: dict[str, tuple[list[str], str, Directive]] = {}
        self._passed: list[tuple[str, str, Directive]] = []
        serial = heading.made_at // 1_000_000 % 2**32
        self._out.write(
            f"$ORIGIN {self._zone}.\n"
            f"$TTL {TTL_SECONDS}\n"
            f"@ IN SOA localhost. hostmaster.localhost. "
            f"{serial} {REFRESH_SECONDS} {RETRY_SECONDS} {EXPIRE_SECONDS} {NEGATIVE_SECONDS}\n"
            f"@ IN NS localhost.\n".encode("ascii")
        )

    def add(self, directive: Directive) -> Objection | None:
        """A name and everything below it; written at the end, when every name above it is known."""
        name = directive.observable.value
        if not is_name(name):
            return objections.MALFORMED
        if (last := name.rpartition(".")[2]).startswith("rpz-") or last in _TRIGGERS:
            return objections.TRIGGER.about(last)
        if len(name) + len(self._zone) + len("*..") > MAX_DOMAIN_LENGTH:
            return objections.ZONE_NAME.about(self._zone)
        note = f"until {moment_text(directive.expires_at)} undo {directive.undo_id}"
        done = done_by(NAME, directive.action)
        if done is not None and done.hinders:
            if name in self._hindered:
                return objections.INSIDE.about(name)
            self._hindered[name] = self._sinkhole if done is Action.SINKHOLE else [_BLOCKED], note, directive
        else:
            self._passed.append((name, note, directive))
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Every name that lies below no hindered one; what is only seen comes last."""
        left: list[tuple[Directive, Objection]] = []
        hindered = ((name.partition(".")[2], name, *rest) for name, rest in self._hindered.items())
        passed = ((name, name, [_PASSED], note, directive) for name, note, directive in self._passed)
        for first, name, answers, note, directive in chain(hindered, passed):
            above = next((one for one in ancestors(first) if one in self._hindered), None)
            if above is None:
                self._write(name, answers, note)
            else:
                left.append((directive, objections.INSIDE.about(above)))
        self._out.flush()
        return left

    def _write(self, name: str, answers: list[str], note: str) -> None:
        lines = [f"{owner} {answer}" for owner in (name, f"*.{name}") for answer in answers]
        self._out.write("\n".join([f"{lines[0]} ; {note}", *lines[1:], ""]).encode("ascii"))


def _answer(target: str) -> str:
    try:
        return f"{'A' if ipaddress.ip_address(target).version == 4 else 'AAAA'} {target}"
    except ValueError:
        return f"CNAME {target}."


FEED = Feed(NAME, TYPES, FILES, folder=False, open=RpzWriter)
