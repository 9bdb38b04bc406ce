"""Answers to another community's sighting, as STIX 2.1: confirmed by a sighting, refuted by an opinion.

A false alarm is an ``opinion`` that disagrees (STIX 2.1 section 4.15; MISP has false-positive sightings). Where a
circle takes no opinions it is a sighting with count 0, which section 5.2 defines as "not seen". Our extension says
which of both it is, because a count of 0 is also how we withdraw a sighting of our own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.model import Observable, Pap, Tlp
from seawall.model.answer import Verdict
from seawall.model.stix.ids import derived_id
from seawall.model.stix.known_extensions import EVIDENCE_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.unreadable import UNREADABLE

MAX_REFERENCES = 100  # objects that one received answer may be about
_DISAGREES = frozenset({"strongly-disagree", "disagree"})
_AGREES = frozenset({"strongly-agree", "agree"})


class AnswerFacts(msgspec.Struct, frozen=True):
    """One of our answers, before it has a form. Moments in microseconds UTC."""

    identity: str
    value: Observable
    indicator_id: str  # the other side's, which the answer is about
    at: int
    first_seen: int  # when our own sensors met it; the moment of the answer when they did not
    count: int
    tlp: Tlp
    pap: Pap


def answer_id(facts: AnswerFacts, type: str) -> str:
    """The id of our answer in one form, the same each time it is given."""
    return derived_id(type, facts.identity, facts.indicator_id, facts.value.type.value, facts.value.value, "answer")


def confirming_sighting(facts: AnswerFacts) -> dict[str, Any]:
    """Somebody of ours looked, and it is what the other side says."""
    return _sighting(facts, Verdict.CONFIRMED, max(1, facts.count))


def refuting_sighting(facts: AnswerFacts) -> dict[str, Any]:
    """A false alarm, for those who take no opinions."""
    return _sighting(facts, Verdict.REFUTED, 0)


def refuting_opinion(facts: AnswerFacts) -> dict[str, Any]:
    """A false alarm: we disagree with the indicator."""
    return {
        **_common(facts, "opinion"),
        "opinion": "strongly-disagree",
        "object_refs": [facts.indicator_id],
        "explanation": "Looked at and found to be a false alarm.",
    }


def withdrawn_answer(body: bytes, modified: int) -> dict[str, Any]:
    """The next version of an answer that we no longer stand by. An opinion becomes neutral and is not revoked, because
    nothing may follow a revoked version (STIX 2.1 section 3.6) and people change their minds twice."""
    obj: dict[str, Any] = msgspec.json.decode(body)
    obj["modified"] = max(obj["modified"], timestamp(modified))
    if obj["type"] == "opinion":
        obj |= {"opinion": "neutral", "explanation": "Taken back."}
    else:
        obj["count"] = 0
        obj["extensions"] = {EVIDENCE_EXTENSION: {"extension_type": "property-extension", "withdrawn": True}}
    return obj


class HeardAnswer(msgspec.Struct, frozen=True):
    """A received object read as an answer. ``verdict`` None: it is taken back, or says neither yes nor no."""

    references: tuple[str, ...]
    verdict: Verdict | None
    flagged: bool  # our own kind of answer; else a plain sighting of another product
    note: str = ""


class _Evidence(msgspec.Struct):
    answer: str | None = None
    withdrawn: bool | None = None


class _Read(msgspec.Struct):
    type: str
    opinion: str = ""
    object_refs: list[str] = []
    sighting_of_ref: str = ""
    count: int = 1
    revoked: bool = False
    explanation: str = ""
    extensions: dict[str, msgspec.Raw] = {}


def read_answer(body: bytes) -> HeardAnswer | None:
    """What a received opinion or sighting answers; None for what is no answer: any sighting with evidence of its own.

    The caller still has to see whether the references are to what we know.
    """
    try:
        read = msgspec.json.decode(body, type=_Read)
        evidence = msgspec.json.decode(read.extensions.get(EVIDENCE_EXTENSION, b"null"), type=_Evidence | None)
    except UNREADABLE:
        return None
    if read.type == "opinion":
        verdict = Verdict.REFUTED if read.opinion in _DISAGREES else None
        verdict = Verdict.CONFIRMED if read.opinion in _AGREES else verdict
        references = tuple(read.object_refs[:MAX_REFERENCES])
        return HeardAnswer(references, None if read.revoked else verdict, True, read.explanation)
    if read.type != "sighting":
        return None
    references = (read.sighting_of_ref,)
    if evidence is not None and (evidence.withdrawn or read.revoked):
        return HeardAnswer(references, None, flagged=True)
    if evidence is not None and evidence.answer in tuple(Verdict):
        return HeardAnswer(references, Verdict(evidence.answer), flagged=True)
    if evidence is None:
        return HeardAnswer(references, Verdict.CONFIRMED if read.count else Verdict.REFUTED, flagged=False)
    return None


def _common(facts: AnswerFacts, type: str) -> dict[str, Any]:
    moment = timestamp(facts.at)
    return {
        "type": type,
        "spec_version": "2.1",
        "id": answer_id(facts, type),
        "created_by_ref": facts.identity,
        "created": moment,
        "modified": moment,
        "labels": [f"PAP:{facts.pap.label.upper()}"],
        "object_marking_refs": [TLP2_IDS[facts.tlp]],
    }


def _sighting(facts: AnswerFacts, verdict: Verdict, count: int) -> dict[str, Any]:
    first = min(facts.first_seen, facts.at)
    return {
        **_common(facts, "sighting"),
        "first_seen": timestamp(first),
        "last_seen": timestamp(facts.at),
        "count": min(count, 999_999_999),  # STIX 2.1 section 5.2
        "sighting_of_ref": facts.indicator_id,
        "extensions": {
            EVIDENCE_EXTENSION: {
                "extension_type": "property-extension",
                "first_seen_microseconds": first,
                "bases": ["analyst"],
                "answer": verdict.value,
            }
        },
    }
