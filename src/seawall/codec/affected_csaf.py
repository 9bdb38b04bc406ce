"""CSAF 2.0 and 2.1: product tree with version ranges, statuses, remedies, exploitation -> sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from seawall.codec.converted import cve, plain
from seawall.codec.csaf import MAX_DEPTH, MAX_PRODUCTS, listed
from seawall.codec.moments import moment_of
from seawall.codec.product_names import parse_cpe, parse_purl
from seawall.codec.version_ranges import read_ranges
from seawall.model.exposure import Affected, Exploited, FlawStatus, Remedy, Saying, VersionRange

MAX_TEXT = 2_000  # characters of a remedy
STATES: dict[str, tuple[FlawStatus, str]] = {  # CSAF 2.0, 3.2.3.9 -> status, and which end of versions it names
    "known_affected": (FlawStatus.AFFECTED, ""),
    "first_affected": (FlawStatus.AFFECTED, "from"),
    "last_affected": (FlawStatus.AFFECTED, "until"),
    "known_not_affected": (FlawStatus.NOT_AFFECTED, ""),
    "fixed": (FlawStatus.FIXED, ""),
    "first_fixed": (FlawStatus.FIXED, "from"),
    "recommended": (FlawStatus.FIXED, ""),
    "under_investigation": (FlawStatus.UNDER_INVESTIGATION, ""),
}


_EXPLOITED = (
    "exploited in the wild", "actively exploited", "active exploitation", "known to be exploited", "been exploited",
)  # fmt: skip


class TreeProduct(msgspec.Struct, frozen=True):
    """One product of the tree: its names and the versions that its branch means."""

    product: str
    vendor: str
    cpe: str
    purl: str
    ranges: tuple[VersionRange, ...]


def csaf_sayings(document: dict[str, Any]) -> Iterator[Saying]:
    """What one document says. Parts that cannot be read are left out; nothing is raised for what it holds."""
    head = document["document"] if isinstance(document.get("document"), dict) else {}
    tracking = head["tracking"] if isinstance(head.get("tracking"), dict) else {}
    source = f"csaf {plain(tracking.get('id'), 200) or ''}".strip()
    tree = document["product_tree"] if isinstance(document.get("product_tree"), dict) else {}
    products = _tree(tree)
    for part in listed(document, "vulnerabilities"):
        number = cve(str(part.get("cve"))) or next(
            (found for id in listed(part, "ids") if (found := cve(str(id.get("text")))) is not None), None
        )
        if number is not None:
            yield from _statuses(number, part, products, source)
            yield from _remedies(number, part, source)
            yield from _exploitation(number, part, tracking, source)


def anything(parent: Mapping[str, Any], name: str) -> list[Any]:
    """The list under a name; empty when there is something else."""
    value = parent.get(name)
    return value if isinstance(value, list) else []


def _statuses(
    number: str, part: dict[str, Any], products: dict[str, list[TreeProduct]], source: str
) -> Iterator[Affected]:
    given = part["product_status"] if isinstance(part.get("product_status"), dict) else {}
    for state, (status, end) in STATES.items():
        for id in anything(given, state):
            for product in products.get(str(id), ()):
                for range in product.ranges:
                    yield Affected(
                        cve=number, status=status, source=source, product=product.product, vendor=product.vendor,
                        cpe=product.cpe, purl=product.purl, range=_opened(range, end),
                    )  # fmt: skip


def _opened(range: VersionRange, end: str) -> VersionRange:
    """The first affected, or first fixed, version and all behind it; the last affected and all before it."""
    exact = bool(range.start) and range.start == range.end
    if not exact or not end:
        return range
    if end == "from":
        return VersionRange(start=range.start, scheme=range.scheme)
    return VersionRange(end=range.end, end_included=True, scheme=range.scheme)


def _remedies(number: str, part: dict[str, Any], source: str) -> Iterator[Remedy]:
    for said in listed(part, "remediations"):
        if (text := plain(said.get("details"), MAX_TEXT)) is not None:
            address = said.get("url")
            fine = isinstance(address, str) and address.startswith(("http://", "https://")) and " " not in address
            kind = plain(said.get("category"), 50) or "remedy"
            yield Remedy(cve=number, kind=kind, text=text, source=source, url=str(address)[:2_000] if fine else "")


def _exploitation(number: str, part: dict[str, Any], tracking: dict[str, Any], source: str) -> Iterator[Exploited]:
    """``first_known_exploitation_dates`` of CSAF 2.1; in 2.0 a threat of the category exploit_status that says so."""
    dates = [moment_of(str(said.get("date", ""))) for said in listed(part, "first_known_exploitation_dates")]
    known = [at for at in dates if at is not None]
    if known:
        yield Exploited(cve=number, since=min(known), source=source)
        return
    for said in listed(part, "threats"):
        text = (plain(said.get("details"), MAX_TEXT) or "").lower()
        if said.get("category") == "exploit_status" and _says_exploited(text):
            at = moment_of(str(said.get("date") or tracking.get("current_release_date") or ""))
            if at is not None:
                yield Exploited(cve=number, since=at, source=source)
                return


def _says_exploited(text: str) -> bool:
    """``Exploited:Yes``, "exploited in the wild", "active exploitation"; a "no" or "not" beside it says otherwise."""
    if "exploited:yes" in text.replace(" ", ""):
        return True
    if any(
        word in text for word in ("not aware", "no known", "not been", "no evidence", "not exploited", "exploited:no")
    ):
        return False
    return any(word in text for word in _EXPLOITED)


def _tree(tree: dict[str, Any]) -> dict[str, list[TreeProduct]]:
    """Product ids -> products, the parts of relationships included. Walked without recursion, within bounds."""
    known: dict[str, list[TreeProduct]] = {}
    waiting: list[tuple[dict[str, Any], dict[str, str], int]] = [(tree, {}, 0)]
    while waiting and len(known) <= MAX_PRODUCTS:
        branch, above, depth = waiting.pop()
        if depth > MAX_DEPTH:
            continue
        for part in listed(branch, "branches"):
            name = plain(part.get("name"), 500) or ""
            waiting.append((part, {**above, str(part.get("category")): name}, depth + 1))
        for product in (*listed(branch, "full_product_names"), *([branch["product"]] if "product" in branch else [])):
            if isinstance(product, dict) and isinstance(product.get("product_id"), str):
                known[product["product_id"]] = [_product(product, above)]
    for relation in listed(tree, "relationships"):
        whole = relation.get("full_product_name")
        if isinstance(whole, dict) and isinstance(whole.get("product_id"), str):
            parts = known.get(str(relation.get("product_reference")), [])
            known[whole["product_id"]] = parts or [_product(whole, {})]
    return known


def _product(product: dict[str, Any], above: dict[str, str]) -> TreeProduct:
    helper = (
        product["product_identification_helper"]
        if isinstance(product.get("product_identification_helper"), dict)
        else {}
    )
    several = helper.get("purls")
    purl = str(helper.get("purl") or (several[0] if isinstance(several, list) and several else ""))[:1_000]
    cpe = str(helper.get("cpe") or "")[:1_000]
    package, name = parse_purl(purl), parse_cpe(cpe)
    scheme = package.type if package is not None else ""
    said = above.get("product_version_range") or above.get("product_version") or ""
    if not said:
        said = package.version if package is not None and package.version else name.full_version if name else ""
    exact = bool(said) and not above.get("product_version_range")
    ranges = (
        [VersionRange.only(said, scheme)]
        if exact and said[:1].isalnum() and " " not in said
        else read_ranges(said, scheme)
    )
    return TreeProduct(
        above.get("product_name") or plain(product.get("name"), 500) or "",
        above.get("vendor") or (name.vendor if name is not None else ""),
        cpe if name is not None else "",
        purl if package is not None else "",
        tuple(ranges),
    )
