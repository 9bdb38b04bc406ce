"""Tags and distribution of MISP as markings, and markings as tags. Never wider than the event was.

- ``tlp:`` tags of both versions and ``PAP:`` tags; the strictest of event and attribute counts. ``tlp:ex:chr`` stays a
  label, which policy reads as "do not name the provider".
- distribution 0 (your organisation only) is at least TLP:RED, 4 (a sharing group, whose members our circles do not
  know) at least TLP:AMBER+STRICT; 1, 2 and 3 say which servers pass it on and leave the level to tag and importer.
- the words of a confidence scale become STIX confidence, never the number that MISP's taxonomy gives them: the two
  columns differ (STIX 2.1 appendix A). Likelihood is another axis than confidence and stays a label.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from seawall.codec.misp.reading import MAX_TAGS, Json, flag_of, text_of
from seawall.codec.misp.types import CREDIBILITY
from seawall.model import Pap, Tlp
from seawall.model.stix.tlp import pap_of_label, tlp_of_label

MAX_TAG = 250  # characters; MISP's column has 255
INHERIT = "5"
_TAG_FIELDS = ("name", "colour", "local", "relationship_type", "numerical_value")
_PLAIN_TAG = {"local": (False, 0, "0"), "relationship_type": ("",), "numerical_value": ()}
_PREDICATE = re.compile(r'([a-z0-9-]+):([a-z0-9-]+)="([^"]*)"', re.IGNORECASE)

# MISP taxonomies admiralty-scale v5, estimative-language v5, misp v13: their words in STIX 2.1 appendix A's terms
_WORDS: dict[tuple[str, str], dict[str, int]] = {
    ("admiralty-scale", "information-credibility"): CREDIBILITY,
    ("estimative-language", "confidence-in-analytic-judgment"): {"low": 15, "moderate": 50, "high": 85},
    ("misp", "confidence-level"): {
        "completely-confident": 90,
        "usually-confident": 70,
        "fairly-confident": 50,
        "rarely-confident": 30,
        "unconfident": 10,
    },
}


class Said(msgspec.Struct, frozen=True):
    """What tags say; None: nothing."""

    tlp: Tlp | None = None
    pap: Pap | None = None
    confidence: int | None = None


def tags_of(holder: Json) -> list[Json]:
    """The tags with what is not a server's own: name, colour, whether local, how related."""
    tags = holder.get("Tag")
    if not isinstance(tags, list):
        return []
    found: list[Json] = []
    for tag in tags[:MAX_TAGS]:
        if isinstance(tag, str):
            tag = {"name": tag}
        name = text_of(tag, "name", MAX_TAG) if isinstance(tag, dict) else ""
        if not name:
            continue
        plain: Json = {"name": name}
        for field in _TAG_FIELDS[1:]:
            value = tag.get(field)
            if isinstance(value, (str, int)) and value not in _PLAIN_TAG.get(field, ("",)):
                plain[field] = value[:MAX_TAG] if isinstance(value, str) else value
        found.append(plain)
    return found


@lru_cache(maxsize=4096)
def said_by(names: tuple[str, ...]) -> Said:
    """What these tags say together: the strictest marking, the lowest confidence."""
    return Said(
        max((level for level in map(tlp_of_label, names) if level is not None), default=None),
        max((level for level in map(pap_of_label, names) if level is not None), default=None),
        min((found for found in map(_confidence, names) if found is not None), default=None),
    )


def _confidence(name: str) -> int | None:
    match = _PREDICATE.fullmatch(name)
    return _WORDS.get((match[1].lower(), match[2].lower()), {}).get(match[3].lower()) if match is not None else None


def distribution_of(holder: Json) -> str:
    """0-5 as text; what is not said or makes no sense inherits."""
    found = text_of(holder, "distribution", 4)
    return found if found in ("0", "1", "2", "3", "4") else INHERIT


def floor_of(distribution: str) -> Tlp:
    """The loosest marking that keeps what this distribution promised."""
    return {"0": Tlp.RED, "4": Tlp.AMBER_STRICT}.get(distribution, Tlp.CLEAR)


def credibility_tag(confidence: int) -> str:
    """The word of the Admiralty scale for a STIX confidence (STIX 2.1 appendix A), not a number."""
    word = "1" if confidence >= 80 else "2" if confidence >= 60 else "3" if confidence >= 40 else "4"
    return f'admiralty-scale:information-credibility="{word if confidence >= 20 else "5"}"'


def is_deleted(holder: Json) -> bool:
    """Whether MISP calls it (softly) deleted."""
    return flag_of(holder, "deleted") is True
