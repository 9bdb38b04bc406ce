"""Access tables for Postfix (access(5), cidr_table(5)): who may not connect, and which senders are refused.

    smtpd_client_restrictions = check_client_access cidr:FOLDER/client.cidr
    smtpd_sender_restrictions = check_sender_access texthash:FOLDER/sender.map

A name stands for itself and for what lies below it (``parent_domain_matches_subdomains`` holds smtpd_access_maps by
default). A refusal names the directive, so that a line of the mail log leads back to it; what may only be watched gets
``WARN``, which Postfix writes to its log.
"""

from __future__ import annotations

from typing import BinaryIO

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect import objections
from seawall.protect.forms import token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.lists import verb
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "postfix"
CLIENT, SENDER = "client.cidr", "sender.map"
_TABLES = {
    ObservableType.IPV4: CLIENT,
    ObservableType.IPV6: CLIENT,
    ObservableType.CIDR: CLIENT,
    ObservableType.DOMAIN: SENDER,
    ObservableType.EMAIL: SENDER,
}
TYPES = frozenset(_TABLES)
FILES = (CLIENT, SENDER)


class PostfixWriter:
    """Two tables. In a cidr table the first match counts: networks are written last, after every single address."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._files: dict[str, BinaryIO] = {name: sink(name) for name in FILES}
        self._networks: list[bytes] = []
        made = moment_text(heading.made_at)
        for file in self._files.values():
            file.write(f"# Seawall, made {made}. Write it anew before the earliest end.\n".encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """One row: value, answer."""
        kind, text = directive.observable.type, token(directive.observable)
        if text is None:
            return objections.FORMAT
        answer = "REJECT" if verb(directive.action) == "block" else "WARN"
        until = moment_text(directive.expires_at)
        row = f"{text.lower()} {answer} Seawall directive {directive.undo_id} until {until}\n".encode("ascii")
        if kind is ObservableType.CIDR:
            self._networks.append(row)
        else:
            self._files[_TABLES[kind]].write(row)
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write the networks (the gate bounds how many)."""
        self._files[CLIENT].writelines(self._networks)
        for file in self._files.values():
            file.flush()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=True, open=PostfixWriter)
