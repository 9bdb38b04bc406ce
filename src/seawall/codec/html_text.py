"""A web page as lines of text: tags, scripts and styles gone, line numbers kept. Nothing is fetched or run.

Not a parser of HTML: a scanner that looks at each character once, whatever the page says.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

_START = re.compile(r"[\s\ufeff]*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,20})")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_SILENT = frozenset({"script", "style", "template", "noscript"})
_INLINE = frozenset(
    {"a", "b", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "tt", "u", "wbr"}
)


def looks_like_html(head: list[str]) -> bool:
    """Whether these first lines begin a web page."""
    return _START.match("".join(head)[:8192]) is not None


def without_tags(lines: Iterable[str]) -> Iterator[str]:
    """The text of each line; an indicator with tags inside it (``evil<wbr>[.]com``) stays in one piece."""
    page = _Page()
    for line in lines:
        yield _ENTITY.sub(lambda match: html.unescape(match[0]), page.text_of(line.rstrip("\r\n"))) + "\n"


class _Page:
    """What the scanner is inside of, from line to line."""

    def __init__(self) -> None:
        self._until = ""  # "": text; else what ends the tag, comment or silent element
        self._silent = ""  # the element whose contents are not text

    def text_of(self, line: str) -> str:
        """What a reader sees of one line."""
        parts: list[str] = []
        place = 0
        while place < len(line):
            place = self._leave(line, place) if self._until else self._read(line, place, parts)
        return "".join(parts)

    def _leave(self, line: str, place: int) -> int:
        end = line.find(self._until, place)
        if end < 0:
            return len(line)
        found, self._until = self._until, ""
        return end + len(found)

    def _read(self, line: str, place: int, parts: list[str]) -> int:
        start = line.find("<", place)
        start = len(line) if start < 0 else start
        if not self._silent:
            parts.append(line[place:start])
        if start == len(line):
            return start
        if line.startswith("<!--", start):
            self._until = "-->"
            return start + 4
        tag = _TAG.match(line, start)
        if tag is None:
            if line.startswith(("<!", "<?"), start):
                self._until = ">"
            elif not self._silent:
                parts.append("<")
            return start + 1
        self._until = ">"
        self._enter(tag[1].lower(), closing=line.startswith("</", start), parts=parts)
        return tag.end()

    def _enter(self, name: str, *, closing: bool, parts: list[str]) -> None:
        if self._silent:
            if closing and name == self._silent:
                self._silent = ""
            else:
                self._until = ""  # within a script '<' is no tag
        elif not closing and name in _SILENT:
            self._silent = name
        if name not in _INLINE and not self._silent:
            parts.append(" ")
