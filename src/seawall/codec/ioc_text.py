"""Plain lists and reports: values out of text, streaming for lists.

A list has one value a line (comments after ``#`` or ``//`` or ``;``, hosts-file form allowed). Anything else is a
report. In a report, hashes count wherever they stand; names, addresses and URLs count when they are defanged, because
that is how authors mark them, and links to the authors' own pages are not. Only when a report defangs nothing at all
do its plain addresses, URLs and names count too. File names, CVE numbers and AS numbers in prose are mentions, not
indicators, and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from seawall.codec.detection import detect
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.refang import refang
from seawall.model import Observable, ObservableType

SNIFFED_LINES = 200
LIST_SHARE = 0.6  # of the first lines must be a single value for the file to be a list
MAX_LINE = 1 << 20  # characters of a line that are looked at
_COMMENT = re.compile(r"\s*(?:#|//|;|--\s)")
_TRAILING_COMMENT = re.compile(r"\s+(?:#|//|;).*")
_NULL_HOSTS = ("0.0.0.0", "127.0.0.1", "::1", "::")  # noqa: S104 - first column of a hosts file
_SEPARATORS = re.compile(r"[\s|\"'`<>,;\u3000\u3001\u3002\uff0c\uff1b\u300c\u300d\u201c\u201d]+")
_WRAPPED = re.compile(r"^[+*_({\[=]+(?=[A-Za-z0-9])|(?<=[A-Za-z0-9/\])])[+*_)}=.:!?]+$")
_DEFANGED = re.compile(r"\[[.:]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\[at\]|\[@\]|\[:?//?\]|hxxp", re.IGNORECASE)
_HASHES = frozenset({ObservableType.MD5, ObservableType.SHA1, ObservableType.SHA256})
_MARKED = frozenset(
    {ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN, ObservableType.URL,
     ObservableType.EMAIL, ObservableType.WALLET}
)  # fmt: skip


def read_text(lines: Iterable[str]) -> Iterator[IndicatorRow | Rejected]:
    """The values of a list or report in order, each once per line; a line of a list without a value is rejected.

    Never raises for what the lines contain. A report is held in memory; a list is not.
    """
    source = iter(lines)
    head = list(islice(source, SNIFFED_LINES))
    everything = chain(head, source)
    yield from _list(everything) if _is_list(head) else _report(list(everything))


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


def _report(lines: list[str]) -> Iterator[IndicatorRow]:
    defanged = any(_DEFANGED.search(line) for line in lines)
    for number, line in enumerate(lines, 1):
        for found in dict.fromkeys(_mentioned(line[:MAX_LINE], only_defanged=defanged)):
            yield IndicatorRow(found.type, found.value, number)


def _mentioned(line: str, *, only_defanged: bool) -> Iterator[Observable]:
    for word in _SEPARATORS.split(line):
        bare = _unwrapped(word)
        if len(bare) < 4 or (found := detect(bare)) is None:
            continue
        counts = not only_defanged or refang(bare) != bare
        if found.type in _HASHES or (found.type in _MARKED and counts):
            yield found


def _unwrapped(word: str) -> str:
    """Without the marks of markup and punctuation around it."""
    while (bare := _WRAPPED.sub("", word)) != word:
        word = bare
    return word
