"""A web page as lines of text: tags, scripts and styles gone, line numbers kept. Nothing is fetched or run."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

_START = re.compile(
    r"\s*(?:\ufeff)?\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_SILENT = frozenset({"script", "style", "template", "noscript"})
_INLINE = frozenset(
    {"a", "b", "code", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "tt", "u", "wbr"}
)


def looks_like_html(head: list[str]) -> bool:
    """Whether these first lines begin a web page."""
    return _START.match("".join(head)[:8192]) is not None


def without_tags(lines: Iterable[str]) -> Iterator[str]:
    """The text of each line; an indicator with tags inside it (``evil<wbr>[.]com``) stays in one piece."""
    reader = _Reader()
    for line in lines:
        reader.feed(line)
        yield reader.taken() + "\n"
    reader.close()
    if rest := reader.taken():
        yield rest + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._silent = 0
        self._parts: list[str] = []

    def taken(self) -> str:
        """What has been read since the last call."""
        text, self._parts = "".join(self._parts), []
        return text.replace("\n", " ")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        self._gap(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._gap(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        self._gap(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(data)

    def handle_charref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&#{name[:10]};"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&{name[:40]};"))

    def _gap(self, tag: str) -> None:
        if tag not in _INLINE:
            self._parts.append(" ")
