"""STIX objects on their way to the store: markings read, match keys drawn from patterns, campaigns named."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.codec.losses import LossCounter
from seawall.codec.moments import moment_of
from seawall.codec.pattern import match_keys as keys_of_pattern
from seawall.codec.stix import ParsedBundle
from seawall.codec.value_indicator import CAMPAIGN_LABEL
from seawall.intel.interface import ImportOptions
from seawall.model import Observable, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.stix import Campaign, Indicator, IntrusionSet, Relationship, StixObject, version_of
from seawall.model.stix.tlp import TLP_BY_ID, pap_of_label, tlp_of_label, tlp_of_refs
from seawall.model.stored import StoredObject
from seawall.policy import Markings, said_by

_SPEAKING = frozenset({"tlp:", "pap:", "iep2"})  # how labels begin that mark
_HARMLESS = frozenset({"benign"})


def campaigns_of(objects: Iterable[StixObject]) -> dict[str, str]:
    """Which indicator belongs to which campaign (or, failing that, intrusion set), by the bundle's relationships."""
    names: dict[str, tuple[int, str]] = {}
    found: dict[str, tuple[int, str]] = {}
    listed = list(objects)
    for obj in listed:
        if isinstance(obj, (Campaign, IntrusionSet)):
            names[obj.id] = (0 if isinstance(obj, Campaign) else 1, obj.name)
    for obj in listed:
        if isinstance(obj, Relationship) and obj.relationship_type == "indicates" and obj.target_ref in names:
            found[obj.source_ref] = min(names[obj.target_ref], found.get(obj.source_ref, (9, "")))
    return {indicator: name for indicator, (_, name) in found.items()}


def markings_of(obj: StixObject, options: ImportOptions) -> tuple[Tlp, Pap]:
    """The strictest TLP that the object carries anywhere, and its PAP; the options' where it says nothing."""
    if obj.id in TLP_BY_ID:
        return Tlp.CLEAR, Pap.CLEAR  # the markings themselves are public
    labels = getattr(obj, "labels", None) or ()
    granular = [mark.get("marking_ref", "") for mark in obj.granular_markings or ()]
    levels = [tlp_of_refs([*(obj.object_marking_refs or ()), *granular]), *map(tlp_of_label, labels)]
    paps = [level for level in map(pap_of_label, labels) if level is not None]
    if (said := further_markings(obj, options)) is not None:
        levels.append(said.tlp)
        paps += [said.pap] if said.pap > Pap.CLEAR else []
    tlp = max((level for level in levels if level is not None), default=options.tlp)
    return tlp, max(paps, default=options.pap)


def further_markings(obj: StixObject, options: ImportOptions) -> Markings | None:
    """What markings beyond the well-known TLP ones say; None for an object that carries none."""
    refs = [ref for ref in marking_refs(obj) if ref not in TLP_BY_ID]
    labels = [label for label in getattr(obj, "labels", None) or () if label.lstrip()[:4].lower() in _SPEAKING]
    return said_by(refs, labels, options.definitions) if refs or labels else None


def marking_refs(obj: StixObject) -> list[str]:
    """The markings of the object and of its parts."""
    granular = [mark.get("marking_ref", "") for mark in obj.granular_markings or ()]
    return [*(obj.object_marking_refs or ()), *(ref for ref in granular if ref)]


def stored(obj: StixObject, body: bytes, source: str, options: ImportOptions) -> StoredObject:
    """The object as the store keeps it."""
    tlp, pap = markings_of(obj, options)
    return StoredObject(
        id=obj.id,
        type=obj.type,
        version=version_of(obj) or "",  # type: ignore[arg-type]
        created_by=getattr(obj, "created_by_ref", None),
        body=body,
        tlp=tlp,
        pap=pap,
        origin=options.origin,
        source=source,
        stored_at=options.at,
        revoked=bool(getattr(obj, "revoked", None)),
    )


def match_keys(indicator: Indicator, losses: LossCounter) -> list[Observable]:
    """What the pattern looks for: values, or itself as a whole; what cannot be matched is kept and reported."""
    if indicator.indicator_types and _HARMLESS.issuperset(indicator.indicator_types):
        return []
    if indicator.pattern_type != "stix":
        losses.add(f"pattern:{indicator.pattern_type[:20]}", f"{indicator.id}: kept, not matched")
        return []
    keys = keys_of_pattern(indicator.pattern)
    if not keys:
        losses.add("pattern:not-yet-matched", f"{indicator.id}: {indicator.pattern[:120]}")
    return keys


def entries(
    indicator: Indicator, body: bytes, keys: list[Observable], campaign: str | None, source: str, options: ImportOptions
) -> list[IndicatorEntry]:
    """One entry for each value of the indicator."""
    tlp, pap = markings_of(indicator, options)
    labelled = next((text for text in indicator.labels or () if text.startswith(CAMPAIGN_LABEL)), "")
    said = further_markings(indicator, options)
    until = moment_of(indicator.valid_until) if indicator.valid_until else None
    if said is not None and said.ends is not None:  # where a policy ends, its permission to act ends
        until = said.ends if until is None else min(until, said.ends)
    campaign = campaign or labelled.removeprefix(CAMPAIGN_LABEL) or None
    return [
        IndicatorEntry(
            type=key.type,
            value=key.value,
            indicator_id=indicator.id,
            campaign=campaign,
            description=indicator.description or indicator.name,
            confidence=indicator.confidence,
            tlp=tlp,
            pap=pap,
            valid_from=moment_of(indicator.valid_from),
            valid_until=until,
            origin=options.origin,
            external_id=indicator.id,
            sources=(source,),
            body=body,
        )
        for key in keys
    ]


def indicators_in(parsed: ParsedBundle) -> Iterable[tuple[int, Indicator]]:
    """The indicators of a bundle with their positions."""
    return ((place, obj) for place, obj in enumerate(parsed.objects) if isinstance(obj, Indicator))
