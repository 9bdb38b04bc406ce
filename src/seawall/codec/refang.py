"""Defanged values made whole again: ``hxxp[:]//evil[.]example`` is ``http://evil.example``."""

from __future__ import annotations

import re

# Only a character that somebody put in brackets so that nobody clicks: . : / @ and the words dot, at, colon, slash.
_BRACKETED = re.compile(
    r"[\[({]\s?(?P<mark>\.|:(?://)?|://|//?|@|dot|at|colon|slash)\s?[\])}]"
    r"|\\(?P<escaped>\.)"  # evil\.example
    r"|(?P<half>\[\.|\.\](?!\]))",  # evil[.example and evil.]example are common slips
    re.IGNORECASE,
)
_SPACED = re.compile(r"\s+(?:dot|\[dot\])\s+", re.IGNORECASE)
_SCHEME = re.compile(r"^(?P<scheme>h(?:xx|tx|xt|\*\*|XX)ps?|fxp|h__ps?)(?=:)", re.IGNORECASE)
_EMBEDDED_SCHEME = re.compile(r"\bh(?:xx|tx|xt|\*\*)p(s?)(?=:|\[:)", re.IGNORECASE)
_WORDS = {"dot": ".", "at": "@", "colon": ":", "slash": "/"}
_SUSPECT = frozenset("[({\\*")


def refang(text: str) -> str:
    """Undo the usual ways of defanging; text without any comes back unchanged."""
    if _SUSPECT.isdisjoint(text) and "xp" not in text.lower() and "h_" not in text and "tx" not in text:
        return text
    whole = _BRACKETED.sub(_mark, text)
    whole = _SCHEME.sub(_scheme, whole)
    return _EMBEDDED_SCHEME.sub(lambda match: f"http{match[1].lower()}", whole)


def _mark(match: re.Match[str]) -> str:
    if match["escaped"] or match["half"]:
        return "."
    mark = match["mark"].lower()
    return _WORDS.get(mark, mark)


def _scheme(match: re.Match[str]) -> str:
    scheme = match["scheme"].lower()
    if scheme.startswith("f"):
        return "ftp"
    return "https" if scheme.endswith("s") else "http"
