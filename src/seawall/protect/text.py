"""Somebody else's words made harmless for the files we write (rule 7)."""

from __future__ import annotations

from functools import lru_cache

from seawall.model import rfc3339

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_BLANKS = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233, 8206, 8207, 65279), " ")
_BLANKS |= dict.fromkeys((*range(8234, 8239), *range(8294, 8298)), " ")  # bidirectional overrides


@lru_cache(maxsize=4096)  # the directives of one export share few ends
def moment_text(moment: int) -> str:
    """Microseconds UTC as RFC 3339."""
    return rfc3339(moment)


def one_line(text: str) -> str:
    """The text on one line: control and direction characters become blanks, lone surrogates ``?``."""
    return text.translate(_BLANKS).encode("utf-8", "replace").decode("utf-8").strip()


def spreadsheet_cell(text: str) -> str:
    """One line that no spreadsheet takes for a formula: such a cell gets a leading apostrophe (OWASP CSV injection)."""
    line = one_line(text)
    return "'" + line if text.startswith(_FORMULA_STARTS) or line.startswith(_FORMULA_STARTS) else line
