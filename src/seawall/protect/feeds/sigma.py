"""Sigma rules (sigma-specification 2.0), one YAML file of several documents: value lists for any SIEM that takes them.

Every value stands in double quotes as JSON writes it, which is YAML; its end and its undo name follow as a comment.
Queries in a SIEM's own language are made from the same rules by the feeds ``sigma-splunk``, ``sigma-lucene`` and
``sigma-kusto``.
"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from seawall.model.directive import Directive
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection
from seawall.protect.sigma_rules import TYPES, Group, Grouping, condition_of, rules_of
from seawall.protect.text import moment_text

NAME = "sigma"
FILES = ("seawall-sigma.yml",)


class SigmaWriter:
    """One file of rules; a rule is written when it is full, the last ones at the end."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._made_at = heading.made_at
        self._groups = Grouping()
        self._out.write(f"# Seawall, made {moment_text(heading.made_at)}.\n".encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """One value of a rule."""
        found = self._groups.add(directive)
        if isinstance(found, Group):
            _write(self._out, found, self._made_at)
            return None
        return found

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write the rules that are not full."""
        for group in self._groups.rest():
            _write(self._out, group, self._made_at)
        self._out.flush()
        return []


def _write(out: BinaryIO, group: Group, made_at: int) -> None:
    for _, rule, selections in rules_of(group, made_at):
        lines = ["---", *(f"{key}: {_json(value)}" for key, value in rule.items()), "detection:"]
        names = []
        for name, values in selections.items():
            short, field = name.split(" ")
            names.append(short)
            lines += [f"  {short}:", f"    {_json(field)}:"]
            lines += [
                f"    - {_json(text)} # until {moment_text(one.directive.expires_at)} undo {one.directive.undo_id}"
                for text, one in values
            ]
        lines.append(f"  condition: {condition_of(names)}\n")
        out.write("\n".join(lines).encode())


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


FEED = Feed(NAME, TYPES, FILES, folder=False, open=SigmaWriter)
