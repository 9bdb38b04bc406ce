"""How names are built: the registered domain is asked of others; the pattern of generated labels is told here."""

from __future__ import annotations

import re

MIN_STEM = 6
"""Shorter beginnings are common words."""
COMMON_STEMS = frozenset(
    {
        *("account", "accounts", "amazon", "android", "billing", "client", "cloudflare", "customer", "delivery"),
        *("dropbox", "facebook", "google", "hotmail", "instagram", "linkedin", "microsoft", "mobile", "netflix"),
        *("notification", "office", "online", "outlook", "paypal", "portal", "secure", "security", "server", "service"),
        *("services", "signin", "support", "system", "telegram", "update", "updates", "verify", "whatsapp", "windows"),
    }
)
"""Beginnings that attackers who know nothing of each other choose: brands and words of trust."""
MIN_LABEL = 7
"""Shorter labels are built alike by chance."""
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz0-9]{5,}")


def name_pattern(name: str) -> str | None:
    """The pattern of a name's longest label, for names that look generated or numbered; None for the rest.

    >>> name_pattern("xkqzvbnmrt.top")
    'random letters, 10 long, .top'
    >>> name_pattern("update-mail17.example.net")
    'update-mail + 2 digits, .net'
    >>> name_pattern("www.example.com")
    """
    labels = name.split(".")
    if len(labels) < 2:
        return None
    label, top = max(labels[:-1], key=len), labels[-1]
    if numbered := re.fullmatch(r"([a-z][a-z-]{3,}?)[-_]?([0-9]{1,4})", label):
        return f"{numbered[1]} + {len(numbered[2])} digits, .{top}"
    if len(label) < MIN_LABEL:
        return None
    if looks_random(label):
        letters, digits = any(c.isalpha() for c in label), any(c.isdigit() for c in label)
        made_of = "letters and digits" if letters and digits else "letters" if letters else "digits"
        return f"random {made_of}, {len(label)} long, .{top}"
    return None


def name_stem(registered: str | None) -> str | None:
    """How a registered domain of several words begins, for names that one hand seems to have made; None for the rest.

    >>> name_stem("grofinbel-mobrige.example")
    'grofinbel-...'
    >>> name_stem("microsoft-login.example")
    >>> name_stem("example.com")
    """
    first, hyphen, rest = (registered or "").partition(".")[0].partition("-")
    if not hyphen or not rest or len(first) < MIN_STEM or not first.isalpha() or first in COMMON_STEMS:
        return None
    return f"{first}-..."


def looks_random(label: str) -> bool:
    """Whether a label reads as drawn by lot: a long run without a vowel, or hardly any vowel at all."""
    vowels = sum(c in "aeiouy" for c in label)
    return len(label) >= MIN_LABEL and (_CONSONANTS.search(label) is not None or vowels < 0.22 * len(label))
