"""Words in a circle's terms, checked as a person types them: kinds of information, properties and paths."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seawall.model import Fault
from seawall.model.circle import HeldData, Proof
from seawall.reference import sharing_kinds

MAX_WORDS = 1_000  # in one term, as in what a peer may say
_PROPERTY = re.compile(r"[a-z0-9_-]{1,250}(?:\.[a-z0-9_-]{1,250}){0,15}")  # STIX 2.1 section 3.1: names of properties


def checked_kinds(given: Iterable[str]) -> frozenset[str]:
    """The same kinds; raises Fault E-FLOW-460 for one that no scheme knows."""
    known = {kind.label for kind in sharing_kinds()}
    for kind in (found := frozenset(given)):
        if kind not in known:
            raise Fault("E-FLOW-460", "{given} is no kind of information; use {known}.", given=repr(kind[:40]),
                        known=", ".join(sorted(known)))  # fmt: skip
    return found


def checked_properties(given: Iterable[str]) -> frozenset[str]:
    """The same names and dotted paths; raises Fault E-FLOW-461 for one that no STIX property can have."""
    found = frozenset(given)
    for name in found:
        if not _PROPERTY.fullmatch(name) or len(found) > MAX_WORDS:
            raise Fault("E-FLOW-461", "{given} is neither a property's name nor a path like extensions.x.y.",
                        given=repr(name[:60]))  # fmt: skip
    return found


def checked_held_data(given: str) -> HeldData:
    """What becomes of held data; raises Fault E-FLOW-320 for another word."""
    try:
        return HeldData(given.lower())
    except ValueError:
        raise Fault("E-FLOW-320", "Held data is kept, expired or deleted: use keep, expire or delete, not {given}.",
                    given=repr(given[:40])) from None  # fmt: skip


def checked_proof(given: str) -> Proof:
    """What a recipient can show others; raises Fault E-FLOW-469 for another word."""
    try:
        return Proof(given.lower())
    except ValueError:
        raise Fault("E-FLOW-469", "What is said in a circle is transferable or between-us, not {given}.",
                    given=repr(given[:40])) from None  # fmt: skip
