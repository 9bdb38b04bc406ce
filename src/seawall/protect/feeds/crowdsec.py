"""Decisions for CrowdSec's ``cscli decisions import``: address, how long, why; its bouncers do the rest.

    cscli decisions import -i FOLDER/addresses.json
    cscli decisions import -i FOLDER/ranges.json --scope Range

Two files, because cscli 1.4.6 takes the scope from its command line alone, whatever a decision says (measured). A
decision lives as long as its directive, counted from the import, and names the directive as its reason.
"""

from __future__ import annotations

import msgspec

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.actions import done_by
from seawall.protect.forms import token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection

NAME = "crowdsec"
ADDRESSES, RANGES = "addresses.json", "ranges.json"
_PLACES = {
    ObservableType.IPV4: (ADDRESSES, "ip"),
    ObservableType.IPV6: (ADDRESSES, "ip"),
    ObservableType.CIDR: (RANGES, "range"),
}
DECISIONS = {Action.BLOCK: "ban", Action.RATE_LIMIT: "throttle"}
"""A component obeys the types that it knows, and passes over the others."""
TYPES = frozenset(_PLACES)
FILES = (ADDRESSES, RANGES)


class CrowdsecWriter:
    """Two JSON lists, written as values come."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._files = {name: sink(name) for name in FILES}
        self._before = dict.fromkeys(FILES, b"[")
        self._made_at = heading.made_at

    def add(self, directive: Directive) -> Objection | None:
        """One ban, or throttle; CrowdSec has no decision that only watches."""
        if (done := done_by(NAME, directive.action)) is None:
            return objections.PASSIVE
        text = token(directive.observable)
        if text is None:
            return objections.FORMAT
        name, scope = _PLACES[directive.observable.type]
        decision = {
            "duration": f"{max(1, (directive.expires_at - self._made_at) // 1_000_000)}s",
            "scope": scope,
            "type": DECISIONS[done],
            "value": text,
            "reason": f"seawall {directive.undo_id}",
        }
        self._files[name].write(self._before[name] + msgspec.json.encode(decision))
        self._before[name] = b",\n"
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Close the lists."""
        for name, file in self._files.items():
            file.write(b"[]\n" if self._before[name] == b"[" else b"]\n")
            file.flush()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=True, open=CrowdsecWriter)
