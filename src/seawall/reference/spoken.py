"""Values as they are read aloud: letters by the ICAO alphabet, digits one by one, names in syllables.

For a telephone: whoever listens writes along. Names of words that can be pronounced are said in syllables and the rest
letter by letter; hashes are too long to say, so both ends are said and compared.
"""

from __future__ import annotations

import re
from functools import cache

from seawall.messages import mark, translate
from seawall.model import ObservableType

_ICAO_WORDS = (
    "Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima", "Mike",
    "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform", "Victor", "Whiskey", "X-ray",
    "Yankee", "Zulu",
)  # fmt: skip
ICAO = {word[0].lower(): word for word in _ICAO_WORDS}
"""ICAO Annex 10, Volume II, 5.2.1.3: the same words in every country."""
MARKS = {
    ".": mark("dot"),
    "-": mark("dash"),
    "_": mark("underscore"),
    "/": mark("slash"),
    ":": mark("colon"),
    "@": mark("at sign"),
    "?": mark("question mark"),
    "=": mark("equals"),
    "&": mark("ampersand"),
    "%": mark("percent"),
    "+": mark("plus"),
    "~": mark("tilde"),
}
KNOWN_ENDS = frozenset({"com", "net", "org", "info", "example", "test", "online", "site", "shop", "biz", "xyz"})
MAX_WORDS = 24  # of a value: at two and a half words a second that leaves half of 20 seconds for the rest
ENDS = 6  # characters said of each end of what is too long
_SYLLABLE = re.compile(r"[^aeiouy]*[aeiouy]+(?:[^aeiouy]*$|[^aeiouy](?=[^aeiouy]))?", re.IGNORECASE)
_VOWEL = re.compile(r"[aeiouy]")
_HARSH = re.compile(r"[^aeiouy]{4,}|q(?!u)|[aeiouy]{4,}|(.)\1\1")


def spoken(type: ObservableType, value: str, lang: str = "en") -> str:
    """The value as one says it, at most MAX_WORDS words; ``...`` stands where its middle is left out.

    The marks are said in ``lang``; the alphabet is the same everywhere.
    """
    words = _words(type, value)
    if len(words) > MAX_WORDS:
        words = [*_letters(value[:ENDS]), "...", *_letters(value[-ENDS:])]
    return " ".join(translate(MARKS[word], lang) if word in MARKS else word for word in words)


def is_shortened(type: ObservableType, value: str) -> bool:
    """Whether the listener hears both ends only, and has to compare the rest in writing."""
    return len(_words(type, value)) > MAX_WORDS


def _words(type: ObservableType, value: str) -> list[str]:
    if type is ObservableType.URL:
        value = value.partition("://")[2] or value
    if type in (ObservableType.DOMAIN, ObservableType.EMAIL, ObservableType.URL, ObservableType.FILE_NAME):
        return [word for piece in re.findall(r"[A-Za-z]+|\d+|.", value[:400]) for word in _piece(piece)]
    return _letters(value[:400])


def _piece(piece: str) -> list[str]:
    if piece.isalpha() and piece.isascii():
        low = piece.lower()
        return [low] if low in KNOWN_ENDS else _name(low)
    return _letters(piece)


@cache
def _name(word: str) -> list[str]:
    """A word in syllables when it can be pronounced, else letter by letter."""
    if len(word) <= 2 or _HARSH.search(word) or not _VOWEL.search(word):
        return _letters(word)
    syllables = _SYLLABLE.findall(word)
    if "".join(syllables) != word:
        return _letters(word)
    return ["-".join(syllables)]


def _letters(text: str) -> list[str]:
    return [ICAO.get(letter.lower(), letter) for letter in text if letter.isprintable() and not letter.isspace()]
