"""Domain names that must not be blocked, and names that only look like others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from seawall.protect.bounds import MAX_DOMAIN_LENGTH

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")

# Scripts that people write together in one label (Unicode TS 39 section 5.1, "highly restrictive").
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Scripts whose letters are easily taken for Latin ones: a whole label of look-alikes is flagged too.
_LATIN_LIKE = {
    "CYRILLIC": frozenset("асԁеһіјӏорԛѕԝхуɡ"),
    "GREEK": frozenset("ονγιρυωα"),
    "ARMENIAN": frozenset("օսոհցզ"),
}


def is_name(text: str) -> bool:
    """Whether ``text`` is a domain name in lower-case LDH form (plus underscore) that DNS can carry."""
    return len(text) <= MAX_DOMAIN_LENGTH and _NAME.fullmatch(text) is not None


def ancestors(name: str) -> Iterable[str]:
    """The name itself, then every name above it: ``a.b.c``, ``b.c``, ``c``."""
    while name:
        yield name
        _, _, name = name.partition(".")


def look_alike(name: str) -> bool:
    """Whether an internationalised label mixes scripts that do not belong together, or imitates Latin letters.

    Unicode TS 39 sections 4 and 5, reduced to what fits a flag: a person decides.
    """
    if "xn--" not in name:
        return False
    for label in name.split("."):
        if not label.startswith("xn--"):
            continue
        try:
            text = label[4:].encode("ascii").decode("punycode")
        except (UnicodeError, ValueError):
            return True  # nobody can read it, which is what a look-alike wants
        if _imitates(text):
            return True
    return False


def _imitates(text: str) -> bool:
    letters = [character for character in text if unicodedata.category(character).startswith("L")]
    scripts = {unicodedata.name(character, "UNKNOWN").split(" ")[0] for character in letters}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        return True
    return len(scripts) == 1 and set(letters) <= _LATIN_LIKE.get(next(iter(scripts)), frozenset())


class ProtectedNames:
    """Names that never may be blocked, with everything below them, and therefore nothing above them either."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.strip().lower().rstrip(".") for name in names if name.strip(" ."))
        self._above = {upper: name for name in sorted(self._names) for upper in ancestors(name)}

    def touching(self, name: str) -> str | None:
        """The protected name that blocking ``name`` and all below it would reach, or that stands above it; or None."""
        if name in self._above:
            return self._above[name]
        names, upper = self._names, name  # spelt out: this is asked for every value of every list
        while upper:
            if upper in names:
                return upper
            upper = upper.partition(".")[2]
        return None
