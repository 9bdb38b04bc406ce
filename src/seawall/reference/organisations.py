"""Names of organisations, whatever their spelling: one normal form for all ways to write a name, and a search in texts.

The normal form: compatibility forms made plain (NFKC: full width, ㈜, half-width Hangul), case folded, accents gone,
Hangul taken apart into letters (so that composed, decomposed and compatibility letters are equal), traditional
characters as simplified ones (OpenCC's tables), no spaces, punctuation or invisible characters, and no legal form
(股份有限公司, 주식회사, Co., Ltd.) at either end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache

LEAST_LATIN = 3  # characters of a normal form that is looked for in texts; shorter ones stand in other words
LEAST_OTHER = 2  # likewise where characters carry more; letters of Hangul count by the syllable
SEPARATOR = "|"  # between the names of one organisation in a table: TSMC|台積電
_LEADING = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"  # U+1100 ...
_TRAILING = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"  # U+11A8 ...
_JAMO = {0x1100 + at: letter for at, letter in enumerate(_LEADING)}
_JAMO |= {0x1161 + at: chr(0x314F + at) for at in range(21)}
_JAMO |= {0x11A8 + at: letter for at, letter in enumerate(_TRAILING)}
_BRACKETED = re.compile(r"\((?:주|유|사|재|합|株|有)\)")
_LATIN_FORMS = frozenset(
    {"co", "company", "corp", "corporation", "inc", "incorporated", "ltd", "limited", "llc", "llp", "plc", "pte", "pty"}
    | {"gmbh", "ag", "sa", "nv", "bv", "kk"}
)
_FORMS = (
    "股份有限公司", "有限責任公司", "有限责任公司", "有限公司", "股份公司", "株式会社", "株式會社", "有限会社",
    "주식회사", "유한책임회사", "유한회사", "합자회사", "합명회사", "사단법인", "재단법인",
)  # fmt: skip
Fold = Callable[[str], str]
"""Gives the simplified form of one character."""


def names_in(cell: str) -> tuple[str, ...]:
    """The names of one organisation as a table's cell lists them."""
    return tuple(name for part in cell.split(SEPARATOR) if (name := part.strip()))


def normal(name: str, fold: Fold | None = None) -> str:
    """The normal form of a name without its legal form; of a name that is nothing else, with it."""
    plain = _BRACKETED.sub(" ", unicodedata.normalize("NFKC", name).casefold())
    words = [word for word in re.split(r"[\W_]+", plain) if word]
    while len(words) > 1 and words[-1] in _LATIN_FORMS:
        words.pop()
    core = "".join(words)
    for form in _FORMS:
        if len(core) > len(form):
            core = core.removesuffix(form).removeprefix(form)
    return _spelt(core, fold)


def same(one: str, other: str, fold: Fold | None = None) -> bool:
    """True when two spellings are one name."""
    return normal(one, fold) == normal(other, fold)


class Names:
    """Organisations' names, to be found in texts. What is found is the name itself; a legal form beside it may stay."""

    def __init__(self, names: Iterable[str], fold: Fold | None = None) -> None:
        self._table = _Table(fold)
        forms = {normal(name, fold) for name in names}
        self._forms = sorted(filter(_is_long_enough, forms), key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Where the names stand in ``text``: (start, end) in order, not overlapping."""
        spelt = text.translate(self._table)
        present = [form for form in self._forms if form in spelt]
        if not present:
            return []
        letters: list[int] = []  # which character of the text each letter of ``spelt`` is of
        for at, character in enumerate(text):
            letters += [at] * len(self._table[ord(character)])
        found: list[tuple[int, int]] = []
        for start, end in sorted(_places(spelt, letters, present, text), key=lambda place: (place[0], -place[1])):
            if not found or start >= found[-1][1]:
                found.append((start, end))
        return found

    def replace(self, text: str, by: str) -> str:
        """``text`` with every name replaced."""
        at = 0
        pieces = []
        for start, end in self.find(text):
            pieces += [text[at:start], by]
            at = end
        return "".join([*pieces, text[at:]]) if pieces else text


class _Table(dict[int, str]):
    """For ``str.translate``: the letters of each character, filled as characters are met."""

    def __init__(self, fold: Fold | None) -> None:
        super().__init__()
        self._fold = fold

    def __missing__(self, code: int) -> str:
        self[code] = letters = _letters(chr(code), self._fold)
        return letters


def _places(spelt: str, letters: list[int], forms: list[str], text: str) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = spelt.find(form)
        while at >= 0:
            last = at + len(form)
            # a name begins and ends with a whole character, and is no part of a longer Latin word
            whole = (at == 0 or letters[at - 1] != letters[at]) and (
                last == len(letters) or letters[last] != letters[last - 1]
            )
            start, end = letters[at], letters[last - 1] + 1
            if whole and not _inside_word(text, start, end):
                yield start, end
            at = spelt.find(form, at + 1)


def _inside_word(text: str, start: int, end: int) -> bool:
    return (start > 0 and _is_latin(text[start - 1]) and _is_latin(text[start])) or (
        end < len(text) and _is_latin(text[end]) and _is_latin(text[end - 1])
    )


def _is_latin(character: str) -> bool:
    plain = unicodedata.normalize("NFKC", character)[:1]
    return plain.isalnum() and plain < "ɐ"  # letters and digits before the IPA block


def _is_long_enough(form: str) -> bool:
    if all(_is_latin(letter) for letter in form):
        return len(form) >= LEAST_LATIN
    syllables = sum(1 for letter in form if not "ㄱ" <= letter <= "ㅎ")  # each has one vowel
    return syllables >= LEAST_OTHER


def _spelt(text: str, fold: Fold | None) -> str:
    return "".join(_letters(character, fold) for character in text)


def _letters(character: str, fold: Fold | None) -> str:
    """What a character is in a normal form: no letter, one, or several. Accents go, as keyboards lack them."""
    letters = []
    for letter in unicodedata.normalize("NFKD", character).casefold():
        if ord(letter) in _JAMO:
            letters.append(_JAMO[ord(letter)])
        elif letter.isascii():
            letters.append(letter if letter.isalnum() else "")
        elif letter.isalnum():
            letters.append((fold or _opencc())(letter))
    return "".join(letters)


@cache
def _opencc() -> Fold:
    """Loaded when the first name is folded: its tables take a while."""
    import opencc

    convert: Fold = opencc.OpenCC("t2s").convert
    return lru_cache(65_536)(convert)
