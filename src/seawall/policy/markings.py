"""What an object carries: TLP, PAP, IEP, exclusions, origin, whether its provider may be named; how it is inherited.

Derived objects carry the strictest of all their inputs (rule 2): ``strictest`` is a join, so it does not matter in
which order or how often inputs are counted. Of TLP, PAP and IEP on one object the stricter wins; what nobody here can
read is ``unclear``, and nothing that is unclear leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from seawall.model import Pap, Tlp
from seawall.model.stix.known_extensions import IEP_EXTENSION
from seawall.model.stix.tlp import TLP2_EXTENSION, TLP2_IDS, TLP_BY_ID, pap_of_label, tlp_of_label
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.policy.iep import Iep, iep_of_labels, read_iep
from seawall.policy.statements import (
    BOUND_BY_ID,
    BOUND_IDS,
    DO_NOT_NAME,
    OWN_IDS,
    PAP_BY_ID,
    PAP_IDS,
    PLAIN_STATEMENTS,
    Bound,
)

Definitions = Mapping[str, Mapping[str, Any]]
"""Marking-definition objects by id."""
FEW, SHORT = 12, 400  # references and labels, and characters of labels, of what is remembered
PAP_IF_UNCLEAR = Pap.RED  # an unknown marking may bar any action that others could see


class Origin(msgspec.Struct, frozen=True, order=True):
    """A peer, and the circle through which its object came; an empty circle means it is not known any more."""

    peer: str
    circle: str = ""


class Markings(msgspec.Struct, frozen=True):
    """What governs an object. ``tlp`` None: nothing said; ``unmarked``: something it was made from said nothing."""

    tlp: Tlp | None = None
    pap: Pap = Pap.CLEAR
    excluded: frozenset[str] = frozenset()  # code names that must never get it
    origins: frozenset[Origin] = frozenset()  # whose knowledge stands in it, beside our own
    named: bool = True  # False: its provider must not be named
    unmarked: bool = False
    bounds: frozenset[Bound] = frozenset()  # further obligations of an information exchange policy
    begins: int = 0  # microseconds UTC: the latest start of its policies
    ends: int | None = None  # the earliest end of its policies; None: none ends
    unclear: frozenset[str] = frozenset()  # markings that nobody here can read, each as a sentence
    differs: frozenset[str] = frozenset()  # markings that contradict each other, the stricter of which governs

    def tlp_at_floor(self, floor: Tlp) -> Tlp:
        """The TLP that governs where ``floor`` is what unmarked objects are taken for."""
        if self.tlp is None:
            return floor
        return max(self.tlp, floor) if self.unmarked else self.tlp


def strictest(markings: Iterable[Markings]) -> Markings:
    """What something made from all of these carries. Of nothing: unmarked."""
    given = list(markings)
    return Markings(
        tlp=max((item.tlp for item in given if item.tlp is not None), default=None),
        pap=max((item.pap for item in given), default=Pap.CLEAR),
        excluded=frozenset().union(*(item.excluded for item in given)),
        origins=frozenset().union(*(item.origins for item in given)),
        named=all(item.named for item in given),
        unmarked=any(item.unmarked or item.tlp is None for item in given) or not given,
        bounds=frozenset().union(*(item.bounds for item in given)),
        begins=max((item.begins for item in given), default=0),
        ends=min((item.ends for item in given if item.ends is not None), default=None),
        unclear=frozenset().union(*(item.unclear for item in given)),
        differs=frozenset().union(*(item.differs for item in given)),
    )


def markings_of(stored: StoredObject, circle: str = "", definitions: Definitions | None = None) -> Markings:
    """What a stored object itself carries, without its inputs; ``circle``: through which a peer's object came.

    ``definitions``: of the markings that it names, beside the well-known ones.
    """
    origins = frozenset({Origin(stored.origin, circle)}) if stored.origin is not None else _NOBODY
    try:
        marked = msgspec.json.decode(stored.body, type=_Marked)
    except UNREADABLE:
        return Markings(
            stored.tlp, stored.pap, stored.excluded, origins, unclear=frozenset({"its markings cannot be read"})
        )
    refs = marked.object_marking_refs
    if marked.granular_markings:
        refs = [*refs, *(mark.marking_ref for mark in marked.granular_markings if mark.marking_ref is not None)]
    labels = [label for label in marked.labels if _SPEAKING.match(label)]
    if not labels and len(refs) < 2 and _TLP_ONLY.issuperset(refs):
        return Markings(stored.tlp, stored.pap, stored.excluded, origins)
    said = said_by(refs, labels, definitions, whole=len(marked.object_marking_refs))
    return msgspec.structs.replace(
        said,
        tlp=max(stored.tlp, said.tlp or Tlp.CLEAR),
        pap=max(stored.pap, said.pap),
        excluded=stored.excluded,
        origins=origins,
        unmarked=False,
    )


def read_markings(body: Mapping[str, Any], definitions: Definitions | None = None) -> Markings:
    """What a STIX object says of itself: marking references, granular ones, and MISP-style labels.

    A granular marking governs the whole object, until ``granular`` leaves the part out at release.
    ``definitions``: marking-definition objects by id that came along, for markings whose ids are not well known (IEP
    2.0, somebody's own TLP). Of a marking that is neither known nor at hand the object is ``unclear``.
    """
    refs = _list(body.get("object_marking_refs"))
    granular = (mark.get("marking_ref") for mark in _list(body.get("granular_markings")) if isinstance(mark, dict))
    texts = [ref for ref in (*refs, *granular) if isinstance(ref, str)]
    labels = [label for label in _list(body.get("labels")) if isinstance(label, str)]
    said = said_by(texts, labels, definitions, whole=sum(isinstance(ref, str) for ref in refs))
    wrong = refs != [ref for ref in refs if isinstance(ref, str)] or not isinstance(
        body.get("object_marking_refs", []), list
    )
    if not wrong:
        return said
    unclear = said.unclear | {"its markings cannot be read"}
    return msgspec.structs.replace(said, unclear=unclear, pap=PAP_IF_UNCLEAR)


def said_by(
    refs: Sequence[str], labels: Iterable[str], definitions: Definitions | None = None, *, whole: int | None = None
) -> Markings:
    """What marking references and labels say together. The first ``whole`` references mark the whole object."""
    spoken, count = tuple(labels), len(refs) if whole is None else whole
    if _FIXED.issuperset(refs) and len(refs) + len(spoken) <= FEW and sum(map(len, spoken)) <= SHORT:
        return _said_as_ever(tuple(refs), spoken, count)
    return _said_together(refs, spoken, definitions or {}, count)


@lru_cache(maxsize=1_024)
def _said_as_ever(refs: tuple[str, ...], labels: tuple[str, ...], whole: int) -> Markings:
    """Of markings that no definition changes and few labels: most objects of a feed say the same."""
    return _said_together(refs, labels, {}, whole)


def _said_together(refs: Sequence[str], spoken: Sequence[str], known: Definitions, count: int) -> Markings:
    said = [_said_by(ref, known) for ref in refs]
    said += [_said_by_label(label) for label in spoken]
    if (policy := iep_of_labels(spoken)) is not None:
        said.append(_of_policy(policy))
    tlp = max((item.tlp for item in said if item.tlp is not None), default=None)
    joined = strictest(said)
    return msgspec.structs.replace(
        joined,
        tlp=tlp,
        pap=max(joined.pap, PAP_IF_UNCLEAR) if joined.unclear else joined.pap,
        unmarked=tlp is None,
        differs=joined.differs | _contradictions([*said[:count], *said[len(refs) :]]),
    )


def needed_definitions(body: bytes) -> frozenset[str]:
    """The ids of the marking-definitions that it takes to read the markings of ``body``."""
    if b"marking-definition--" not in body:
        return frozenset()
    try:
        marked = msgspec.json.decode(body, type=_Marked)
    except UNREADABLE:
        return frozenset()
    granular = (mark.marking_ref for mark in marked.granular_markings if mark.marking_ref is not None)
    return frozenset(marked.object_marking_refs).union(granular) - WELL_KNOWN


def _contradictions(said: Iterable[Markings]) -> frozenset[str]:
    levels = sorted({item.tlp for item in said if item.tlp is not None})
    if len(levels) < 2:
        return frozenset()
    return frozenset({" beside ".join(f"TLP:{level.label.upper()}" for level in levels)})


def _said_by(ref: str, definitions: Definitions) -> Markings:
    if ref in _TLP_SAID:
        return _TLP_SAID[ref]
    if ref in OWN_IDS:
        bound = BOUND_BY_ID.get(ref)
        return Markings(
            pap=PAP_BY_ID.get(ref, Pap.CLEAR),
            named=ref != DO_NOT_NAME,
            bounds=frozenset({bound}) if bound is not None else frozenset(),
        )
    if ref in definitions:
        return _said_by_definition(ref, definitions[ref])
    return Markings() if ref in PLAIN_STATEMENTS else _unclear(f"{ref[:80]!a} is not known here")


def _said_by_label(label: str) -> Markings:
    spoken = label.strip().lower()
    if spoken == "tlp:ex:chr":  # Chatham House Rule: use it, do not say who said it
        return Markings(named=False)
    tlp, pap = tlp_of_label(label), pap_of_label(label)
    if tlp is None and pap is None and spoken.startswith(("tlp:", "pap:")):
        return _unclear(f"the label {label[:40]!a} is no level that is known")
    return Markings(tlp=tlp, pap=pap or Pap.CLEAR)


def _said_by_definition(ref: str, definition: Mapping[str, Any]) -> Markings:
    """What a definition says; one that says something else, or nothing, is unclear."""
    extensions = definition.get("extensions")
    said: list[Markings] = []
    for name, content in extensions.items() if isinstance(extensions, dict) else ():
        if name == IEP_EXTENSION and isinstance(content, dict):
            said.append(_of_policy(read_iep(content)))
        elif name == TLP2_EXTENSION and isinstance(content, dict):
            said.append(_level(ref, content.get("tlp_2_0")))
        else:
            said.append(_unclear(f"{ref[:80]!a} speaks in the extension {str(name)[:80]!a}"))
    kind, own = definition.get("definition_type"), definition.get("definition")
    if kind == "tlp" or (isinstance(own, dict) and "tlp" in own):
        said.append(_level(ref, own.get("tlp") if isinstance(own, dict) else None))
    elif kind == "statement":
        said.append(Markings())
    elif kind is not None or not said:
        said.append(_unclear(f"{ref[:80]!a} is a marking of the kind {str(kind)[:40]!a}"))
    return strictest(said)


def _level(ref: str, text: object) -> Markings:
    level = tlp_of_label(f"tlp:{text}") if isinstance(text, str) else None
    return Markings(tlp=level) if level is not None else _unclear(f"{ref[:80]!a} states no TLP that is known")


def _of_policy(policy: Iep) -> Markings:
    return Markings(
        tlp=policy.tlp,
        pap=policy.pap,
        named=policy.named,
        bounds=policy.bounds,
        begins=policy.begins,
        ends=policy.ends,
        unclear=policy.unclear,
    )


def _unclear(sentence: str) -> Markings:
    return Markings(unclear=frozenset({sentence}))


def write_markings(
    body: dict[str, Any], tlp: Tlp, pap: Pap, *, named: bool, bounds: frozenset[Bound] = frozenset()
) -> None:
    """Make ``body`` say what governs it. A TLP 1 reference of the same level stays as it came; weaker ones go."""
    if body.get("type") == "marking-definition":
        return
    refs = [ref for ref in _list(body.get("object_marking_refs")) if isinstance(ref, str)]
    refs = [ref for ref in refs if TLP_BY_ID.get(ref, tlp) == tlp]
    if not any(ref in TLP_BY_ID for ref in refs):
        refs.append(TLP2_IDS[tlp])
    refs = [ref for ref in refs if PAP_BY_ID.get(ref, pap) == pap]
    if pap > Pap.CLEAR and PAP_IDS[pap] not in refs:
        refs.append(PAP_IDS[pap])
    if not named and DO_NOT_NAME not in refs:
        refs.append(DO_NOT_NAME)
    refs += sorted({BOUND_IDS[bound] for bound in bounds} - set(refs))
    body["object_marking_refs"] = refs


class _Part(msgspec.Struct):
    marking_ref: str | None = None


class _Marked(msgspec.Struct):
    object_marking_refs: list[str] = []
    granular_markings: list[_Part] = []
    labels: list[str] = []


_NOBODY: frozenset[Origin] = frozenset()
_TLP_SAID = {id: Markings(tlp=level) for id, level in TLP_BY_ID.items()}
_TLP_ONLY = frozenset(TLP_BY_ID)
_FIXED = _TLP_ONLY | OWN_IDS  # what these say, no definition that comes along can change
WELL_KNOWN = _FIXED | PLAIN_STATEMENTS
"""Markings that every node reads without their definitions."""
_SPEAKING = re.compile(r"\s*(?:tlp:|pap:|iep2-)", re.IGNORECASE)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
