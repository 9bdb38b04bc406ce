"""Exploited somewhere, and run by us: which of our assets a vulnerability concerns, how surely, and what can be done.

Pure. Every asset is compared with every sentence about the vulnerability:

1. Is it the same product? By package URL, by CPE, by vendor and product, or by the product's name alone, where one
   side names no vendor; the rule and its confidence are told.
2. Is the version concerned? (``versions``) A version or range that nobody can compare is "possibly", never "not".
3. Within one source an exact version counts more than a range, a range more than "all versions". Between sources the
   strictest counts, and that they differ is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from seawall.codec.product_names import ANY, Cpe, Purl, parse_cpe, parse_purl
from seawall.model.exposure import Affected, Asset, Exploited, FlawStatus, Remedy, Saying
from seawall.warn.versions import contains

MAX_SENTENCES = 20_000  # about one vulnerability that are compared; the largest CSAF documents have some thousand
_LEGAL = re.compile(
    r"\b(?:inc|ltd|llc|corp|corporation|co|company|gmbh|foundation|project|software|systems|technologies|the)\b"
)
_OTHER = re.compile(r"[^a-z0-9\u0080-\uffff]+")


class Concern(StrEnum):
    """What is known of one asset and one vulnerability; the strictest first."""

    AFFECTED = "affected"
    POSSIBLY = "possibly"
    FIXED = "fixed"
    NOT_AFFECTED = "not_affected"
    OUTSIDE = "outside"  # its version lies in no range that anybody names


class Rule(StrEnum):
    """Why an asset's product is taken for the one that a sentence is about."""

    PURL = "package-url"
    CPE = "cpe"
    NAMES = "vendor-and-product"
    PRODUCT = "product-name"


CONFIDENCE = {Rule.PURL: 95, Rule.CPE: 90, Rule.NAMES: 75, Rule.PRODUCT: 50}
"""How sure the same product is meant, 0-100: our own scale, chosen by how often each identifier is ambiguous."""
_ORDER = tuple(Concern)


class Exposure(msgspec.Struct, frozen=True):
    """One of our assets and what is known of it."""

    asset: Asset
    concern: Concern
    rule: Rule
    confidence: int
    range: str  # the versions that the deciding sentence names
    source: str  # whose sentence that is
    reason: str
    differ: tuple[str, ...] = ()  # sources that say otherwise


class ExposedFlaw(msgspec.Struct, frozen=True, kw_only=True):
    """One exploited vulnerability beside our exposure list. Moments in microseconds UTC."""

    cve: str
    since: int | None  # first exploitation known; None: nobody says that it is exploited
    seen: tuple[Exploited, ...]
    exposures: tuple[Exposure, ...]  # affected and possibly affected first
    remedies: tuple[Remedy, ...]
    known_products: bool  # whether anything says which products it concerns

    def units(self, *concerns: Concern) -> int:
        """How many of our installations are in one of these states."""
        return sum(one.asset.units for one in self.exposures if one.concern in concerns)


class Named(msgspec.Struct, frozen=True):
    """Names of one product, read once."""

    purl: Purl | None
    cpe: Cpe | None
    vendor: str
    product: str


def names_of(one: Asset | Affected) -> Named:
    """The names of an asset, or of what a sentence is about, as they compare."""
    purl, cpe = parse_purl(one.purl) if one.purl else None, parse_cpe(one.cpe) if one.cpe else None
    said = one.vendor or (cpe.vendor if cpe is not None and cpe.vendor != ANY else "")
    vendor = _plain(_LEGAL.sub(" ", said.lower())) or _plain(said)
    product = _plain(one.product)
    if vendor and product.startswith(vendor) and len(product) > len(vendor) + 1:  # "Example Gateway" of Example
        product = product[len(vendor) :]
    return Named(purl, cpe, vendor, product)


def same_product(ours: Named, theirs: Named) -> Rule | None:
    """By which rule two names mean one product; None when they do not. Package URLs and CPEs that differ decide."""
    if ours.purl is not None and theirs.purl is not None:
        return Rule.PURL if ours.purl.package == theirs.purl.package else None
    if ours.cpe is not None and theirs.cpe is not None:
        return Rule.CPE if _same_cpe(ours.cpe, theirs.cpe) else None
    if not ours.product or ours.product != theirs.product:
        return None
    if ours.vendor and theirs.vendor:
        return Rule.NAMES if ours.vendor == theirs.vendor else None
    return Rule.PRODUCT


class Shelf:
    """Assets by what names them, so that a sentence meets only those that could be meant."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._of: dict[tuple[str, str], list[tuple[Asset, Named]]] = {}
        self.count = 0
        for asset in assets:
            named = names_of(asset)
            self.count += 1
            for key in _keys(named):
                self._of.setdefault(key, []).append((asset, named))

    def meant(self, said: Affected) -> Iterator[tuple[Asset, Rule]]:
        """Our assets of the product that a sentence is about, each once."""
        theirs, told = names_of(said), set[int]()
        for key in _keys(theirs):
            for asset, named in self._of.get(key, ()):
                rule = same_product(named, theirs)
                if rule is not None and id(asset) not in told:
                    told.add(id(asset))
                    yield asset, rule


def concerned(cve: str, sayings: Sequence[Saying], seen: Sequence[Exploited], shelf: Shelf) -> ExposedFlaw:
    """One vulnerability against our whole list; ``seen``: where it was met, beside what ``sayings`` know."""
    about = [one for one in sayings if isinstance(one, Affected)][:MAX_SENTENCES]
    found: dict[int, tuple[Asset, list[tuple[Affected, Rule]]]] = {}
    for said in about:
        for asset, rule in shelf.meant(said):
            found.setdefault(id(asset), (asset, []))[1].append((said, rule))
    exposures = sorted(
        (judge(asset, said) for asset, said in found.values()),
        key=lambda one: (_ORDER.index(one.concern), -one.confidence, one.asset.facing is not True, one.asset.name),
    )
    evidence = sorted({*seen, *(one for one in sayings if isinstance(one, Exploited))}, key=lambda one: one.since)
    return ExposedFlaw(
        cve=cve,
        since=evidence[0].since if evidence else None,
        seen=tuple(evidence),
        exposures=tuple(exposures),
        remedies=tuple(dict.fromkeys(one for one in sayings if isinstance(one, Remedy))),
        known_products=bool(about),
    )


def judge(asset: Asset, said: Sequence[tuple[Affected, Rule]]) -> Exposure:
    """What all sentences about one asset's product together say of it; at least one sentence."""
    of_source: dict[str, list[tuple[Affected, Rule]]] = {}
    for one, rule in said:
        of_source.setdefault(one.source, []).append((one, rule))
    verdicts = [_of_source(asset, several) for several in of_source.values()]
    # who names no versions at all (a list of exploited products) says nothing beside somebody who does
    speaking = [one for one in verdicts if one.range or one.concern is not Concern.POSSIBLY] or verdicts
    best = min(speaking, key=lambda one: (_ORDER.index(one.concern), -one.confidence))
    clear = {one.source for one in verdicts if _clear(one.concern) and _clear(one.concern) != _clear(best.concern)}
    return msgspec.structs.replace(best, differ=tuple(sorted(clear))) if _clear(best.concern) else best


def _clear(concern: Concern) -> str:
    """Yes, no, or nothing."""
    if concern is Concern.POSSIBLY:
        return ""
    return "yes" if concern is Concern.AFFECTED else "no"


_OF_STATUS = {
    FlawStatus.AFFECTED: Concern.AFFECTED,
    FlawStatus.FIXED: Concern.FIXED,
    FlawStatus.NOT_AFFECTED: Concern.NOT_AFFECTED,
    FlawStatus.UNDER_INVESTIGATION: Concern.POSSIBLY,
}


def _of_source(asset: Asset, said: Sequence[tuple[Affected, Rule]]) -> Exposure:
    """One source's verdict: the most exact sentence that fits; else possibly; else outside."""
    fitting: list[tuple[int, int, Affected, Rule]] = []
    unclear: list[tuple[Affected, Rule]] = []
    outside: list[tuple[Affected, Rule]] = []
    for one, rule in said:
        inside = contains(one.range, asset.version)
        if inside is True:
            fitting.append((_exactness(one), -_ORDER.index(_OF_STATUS[one.status]), one, rule))
        elif inside is None and one.status in (FlawStatus.AFFECTED, FlawStatus.UNDER_INVESTIGATION):
            unclear.append((one, rule))
        elif inside is False:
            outside.append((one, rule))
    if fitting:
        _, _, one, rule = max(fitting, key=lambda row: (row[0], row[1]))
        return _exposure(asset, _OF_STATUS[one.status], one, rule, _why(asset, one))
    if unclear:
        one, rule = unclear[0]
        return _exposure(asset, Concern.POSSIBLY, one, rule, _why_unclear(asset, one))
    if outside and any(one.status is FlawStatus.AFFECTED for one, _ in outside):
        one, rule = next(pair for pair in outside if pair[0].status is FlawStatus.AFFECTED)
        named = ", ".join(dict.fromkeys(str(one.range) for one, _ in outside if one.status is FlawStatus.AFFECTED))
        return _exposure(asset, Concern.OUTSIDE, one, rule, f"version {asset.version} is not in {named[:300]}")
    one, rule = said[0]
    return _exposure(asset, Concern.POSSIBLY, one, rule, "it is not said which versions are affected")


def _exactness(said: Affected) -> int:
    """2 one version, 1 a range, 0 all versions."""
    if said.range.every:
        return 0
    return 2 if said.range.start and said.range.start == said.range.end else 1


def _exposure(asset: Asset, concern: Concern, said: Affected, rule: Rule, reason: str) -> Exposure:
    certain = CONFIDENCE[rule] if concern is not Concern.POSSIBLY else CONFIDENCE[rule] // 2
    return Exposure(asset, concern, rule, certain, str(said.range), said.source, reason)


def _why(asset: Asset, said: Affected) -> str:
    if said.status is FlawStatus.UNDER_INVESTIGATION:
        return "its maker is still investigating"
    if said.range.every:
        return "all versions"
    return f"version {asset.version} is in {said.range}"


def _why_unclear(asset: Asset, said: Affected) -> str:
    if not asset.version:
        return "nobody knows its version"
    if said.range.unsaid:
        return "it is not said which versions are affected"
    return f"version {asset.version} cannot be compared with {str(said.range)[:200]}"


def _same_cpe(ours: Cpe, theirs: Cpe) -> bool:
    return (
        ours.product == theirs.product
        and (ours.vendor == theirs.vendor or ANY in (ours.vendor, theirs.vendor))
        and (ours.part == theirs.part or ANY in (ours.part, theirs.part))
        and (ours.target_sw == theirs.target_sw or not {ours.target_sw, theirs.target_sw}.isdisjoint({ANY, "-"}))
    )


def _keys(named: Named) -> list[tuple[str, str]]:
    keys = [("name", named.product)] if named.product else []
    if named.cpe is not None:
        keys.append(("cpe", named.cpe.product))
    if named.purl is not None:
        keys.append(("purl", named.purl.name))
    return keys


def _plain(text: str) -> str:
    """``PAN-OS``, ``pan_os`` and ``Pan OS`` are one name."""
    return _OTHER.sub("", text.lower())


def partners(flaw: ExposedFlaw, own_side: str) -> tuple[tuple[str, ...], int | None]:
    """At which peers, or on which sides but ours, it was seen exploited, and since when (microseconds UTC)."""
    others = [one for one in flaw.seen if one.peer or one.side not in ("", own_side)]
    names = dict.fromkeys(one.peer or one.side for one in others)
    return tuple(names), min((one.since for one in others), default=None)
