"""Plain lists and reports: values out of text, streaming for lists.

A list has one value a line (comments after ``#`` or ``//`` or ``;``, hosts-file form allowed). Anything else is a
report. In a report, hashes count wherever they stand; names, addresses and URLs count when they are defanged, because
that is how authors mark them, and links to the authors' own pages are not. Only when a report defangs nothing at all
do its plain addresses, URLs and names count too. File names, CVE numbers and AS numbers in prose are mentions, not
indicators, and are left alone.

What is probably a mistake (``ioc_flags``) is flagged: an import leaves it out and counts it, ``extract`` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

import msgspec

from seawall.codec.detection import detect
from seawall.codec.html_text import looks_like_html, without_tags
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.ioc_flags import Flag, Screen, flag
from seawall.codec.refang import refang
from seawall.model import Observable, ObservableType

SNIFFED_LINES = 200
LIST_SHARE = 0.6  # of the first lines must be a single value for the file to be a list
MAX_LINE = 1 << 20  # characters of a line that are looked at
_COMMENT = re.compile(r"\s*(?:#|//|;|--\s)")
_TRAILING_COMMENT = re.compile(r"\s+(?:#|//|;).*")
_NULL_HOSTS = ("0.0.0.0", "127.0.0.1", "::1", "::")  # noqa: S104 - first column of a hosts file
_SEPARATORS = re.compile(r"[\s|\"'`<>,;\u3000\u3001\u3002\uff0c\uff1b\u300c\u300d\u201c\u201d]+")
MAX_WORD = 8192  # characters of a word that can be a value, as codec.spelling has it
_OPENING, _CLOSING = "+*_({[=", "+*_)}=.:!?"  # marks of markup and punctuation around a value
_DEFANGED = re.compile(r"\[[.:]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\[at\]|\[@\]|\[:?//?\]|hxxp", re.IGNORECASE)
_HASHES = frozenset({ObservableType.MD5, ObservableType.SHA1, ObservableType.SHA256})
_MARKED = frozenset(
    {ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN, ObservableType.URL,
     ObservableType.EMAIL, ObservableType.WALLET}
)  # fmt: skip


class Mention(msgspec.Struct, frozen=True):
    """One value as a text mentions it. ``flagged``: why it is probably no indicator."""

    type: ObservableType
    value: str
    line: int
    defanged: bool = False
    flagged: str | None = None


def read_text(
    lines: Iterable[str], *, screen: Screen | None = None, on_flagged: Callable[[Mention], None] | None = None
) -> Iterator[IndicatorRow | Rejected]:
    """The values of a list or report in order, each once per line; a line of a list without a value is rejected.

    Flagged values of a report are left out and told to ``on_flagged``; a list means what it says. Never raises for
    what the lines contain. A report is held in memory; a list is not.
    """
    head, everything = _opened(lines)
    if _is_list(head):
        yield from _list(everything)
        return
    for mention in _report(list(everything), screen):
        if mention.flagged is None:
            yield IndicatorRow(mention.type, mention.value, mention.line)
        elif on_flagged is not None:
            on_flagged(mention)


def extract(lines: Iterable[str], screen: Screen | None = None) -> Iterator[Mention]:
    """Every value that a list or report mentions, flagged ones as well, in order, each once per line."""
    head, everything = _opened(lines)
    if not _is_list(head):
        yield from _report(list(everything), screen)
        return
    for number, line in enumerate(everything, 1):
        text = _bare(line.removeprefix("\ufeff"))
        found = _single(text) if text else None
        if found is not None:
            defanged = refang(text) != text
            why = flag(found, text, "", defanged=True) or (screen(found) if screen is not None else None)
            yield Mention(found.type, found.value, number, defanged, why)


def _opened(lines: Iterable[str]) -> tuple[list[str], Iterator[str]]:
    """The first lines, and all of them; a web page without its tags."""
    source = iter(lines)
    head = list(islice(source, SNIFFED_LINES))
    if looks_like_html(head):
        source = without_tags(chain(head, source))
        head = list(islice(source, SNIFFED_LINES))
    return head, chain(head, source)


def _is_list(head: list[str]) -> bool:
    lines = [line for line in (_bare(line) for line in head) if line]
    return bool(lines) and sum(_single(line) is not None for line in lines) >= LIST_SHARE * len(lines)


def _bare(line: str) -> str:
    return "" if _COMMENT.match(line) else _TRAILING_COMMENT.sub("", line[:MAX_LINE]).strip()


def _single(line: str) -> Observable | None:
    """The one value of a list line; ``0.0.0.0 name`` is the name."""
    first, *others = line.split(None, 2)
    if len(others) == 1 and first in _NULL_HOSTS:
        return detect(others[0])
    return detect(first) if not others or "," in first or "\t" in line else detect(line)


def _list(lines: Iterable[str]) -> Iterator[IndicatorRow | Rejected]:
    for number, line in enumerate(lines, 1):
        text = _bare(line.removeprefix("\ufeff"))
        if not text:
            continue
        found = _single(text)
        if found is None:
            yield Rejected(number, text[:120], "no value in this line")
        else:
            yield IndicatorRow(found.type, found.value, number)


def _report(lines: list[str], screen: Screen | None) -> Iterator[Mention]:
    defangs = any(_DEFANGED.search(line) for line in lines)
    for number, line in enumerate(lines, 1):
        seen: set[Observable] = set()
        for found, word, before in _mentioned(line[:MAX_LINE]):
            if found not in seen:
                seen.add(found)
                yield _judged(found, word, before, number, screen, defangs=defangs)


def _judged(found: Observable, word: str, before: str, number: int, screen: Screen | None, *, defangs: bool) -> Mention:
    defanged = refang(word) != word
    why = flag(found, word, before, defanged=defanged)
    if why is None and found.type not in _HASHES and defangs and not defanged:
        why = Flag.NOT_DEFANGED
    if why is None and screen is not None:
        why = screen(found)
    return Mention(found.type, found.value, number, defanged, why)


def _mentioned(line: str) -> Iterator[tuple[Observable, str, str]]:
    """(value, the word it was read from, what stands in front of it)."""
    place = 0
    for gap in chain(_SEPARATORS.finditer(line), (None,)):
        start, place = place, gap.end() if gap is not None else len(line)
        word = line[start : gap.start() if gap is not None else len(line)]
        if not 4 <= len(word) <= MAX_WORD:
            continue
        bare = _unwrapped(word)
        if len(bare) < 4 or (found := detect(bare)) is None:
            continue
        if found.type in _HASHES or found.type in _MARKED:
            yield found, bare, line[max(0, start - 60) : start]


def _unwrapped(word: str) -> str:
    """Without the marks of markup and punctuation around it; in time that grows with its length only."""
    while True:
        bare = word.lstrip(_OPENING)
        if not bare[:1].isascii() or not bare[:1].isalnum():
            bare = word
        end = bare.rstrip(_CLOSING)
        if end and (end[-1] in "/])" or (end[-1].isascii() and end[-1].isalnum())):
            bare = end
        if bare == word:
            return word
        word = bare
