"""The catalogues: gettext ``.po`` files inside the package, read once by Babel (loaded for other languages only)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

LANGUAGES = ("en", "zh-Hant", "ko")  # as --lang and SEAWALL_NODE_LANG spell them; English needs no catalogue
_BY_PREFIX = {"en": "en", "zh": "zh-Hant", "ko": "ko"}


def canonical_language(tag: str) -> str:
    """One of ``LANGUAGES`` for any spelling (``zh_TW``, ``ko-KR``, ``zh-hant``); English for what we do not speak."""
    return _BY_PREFIX.get(_prefix(tag), "en")


def is_spoken(tag: str) -> bool:
    """Whether ``tag`` is some spelling of one of ``LANGUAGES``."""
    return _prefix(tag) in _BY_PREFIX


def _prefix(tag: str) -> str:
    return tag.strip().lower().replace("_", "-").split("-")[0].split(".")[0]


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Translations by English sentence; empty for English. Fuzzy and empty entries are left out."""
    language = canonical_language(lang)
    if language == "en":
        return {}
    from babel.messages.pofile import read_po

    name = language.replace("-", "_")
    raw = files("seawall.messages").joinpath("locale", f"{name}.po").read_bytes()
    read = read_po(BytesIO(raw), locale=name, abort_invalid=True)
    return {
        str(message.id): str(message.string)
        for message in read
        if message.id and message.string and not message.fuzzy and isinstance(message.id, str)
    }


class _Given(dict[str, object]):
    """Leaves a place as it stands when no value was given: a wrong sentence must not hide the error it tells of."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def translate(text: str, lang: str, **values: object) -> str:
    """The sentence ``text`` in ``lang`` with its ``{named}`` places filled.

    ``text`` is one of our own literals, never data; values are only ever inserted, never interpreted (rule 7).
    """
    return catalogue(lang).get(text, text).format_map(_Given(values))


def mark(text: str) -> str:
    """The sentence unchanged: marks a literal that is translated later, where it is shown."""
    return text
