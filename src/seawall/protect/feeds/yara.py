"""YARA rules (4.x): files by their digest, and files that mention a name or URL. A rule a value, named by directive.

What YARA can honestly do: a digest finds the very file; a name or URL inside a file says that the file mentions it, no
more, and the rule's tag says so. Addresses are left out: four numbers with dots stand in too many harmless files. The
digests need YARA's ``hash`` module (Debian's and yara-python's have it). Nothing is blocked by YARA itself.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect import objections
from seawall.protect.forms import HASH_LENGTHS, token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.lists import verb
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text, one_line

NAME = "yara"
TYPES = frozenset({*HASH_LENGTHS, ObservableType.DOMAIN, ObservableType.URL})
FILES = ("seawall.yar",)
MAX_RULES = 100_000
"""Measured with 4.2.3: as many compile in seconds; a scan asks each rule."""
SHORTEST = 6  # characters of a name: YARA searches for four bytes at a time, and shorter names stand in everything


class YaraWriter:
    """One file of rules."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._count = 0
        self._out.write(f'// Seawall, made {moment_text(heading.made_at)}.\nimport "hash"\n'.encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """One rule."""
        kind, value = directive.observable.type, token(directive.observable)
        if value is None or len(value) < SHORTEST:
            return objections.FORMAT
        if self._count >= MAX_RULES:
            return objections.TOO_MANY.about(MAX_RULES)
        self._count += 1
        if kind in HASH_LENGTHS:
            tag, strings = "file", ""
            condition = f'hash.{kind.value}(0, filesize) == "{value}"'
        else:
            tag, condition = "mention", "$value"
            strings = f"    strings:\n        $value = {quoted(value)} ascii wide nocase fullword\n"
        self._out.write(
            (
                f"\nrule seawall_{verb(directive.action)}_{directive.undo_id} : {tag}\n{{\n"
                f"    meta:\n"
                f"        undo = {quoted(directive.undo_id)}\n"
                f"        until = {quoted(moment_text(directive.expires_at))}\n"
                f"        source = {quoted(directive.source)}\n"
                f"        reason = {quoted(directive.reason)}\n"
                f"{strings}    condition:\n        {condition}\n}}\n"
            ).encode("ascii")
        )
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last rule."""
        self._out.flush()
        return []


def quoted(text: str) -> str:
    """A YARA text string: quotes and backslashes escaped, all beyond ASCII as bytes of UTF-8 (``\\xNN``)."""
    found = []
    for byte in one_line(text).encode("utf-8"):
        character = chr(byte)
        if character in ('"', "\\"):
            found.append("\\" + character)
        else:
            found.append(character if 32 <= byte < 127 else f"\\x{byte:02x}")
    return f'"{"".join(found)}"'


FEED = Feed(NAME, TYPES, FILES, folder=False, open=YaraWriter)
