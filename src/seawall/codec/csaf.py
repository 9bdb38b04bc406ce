"""CSAF 2.0 and 2.1 documents (OASIS csaf-v2.0, -v2.1): advisories and VEX. What STIX has no place for is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from seawall.codec.advisory import Advisory, Flaw, Product, write_advisory
from seawall.codec.converted import Converted, plain, references
from seawall.codec.moments import moment_of
from seawall.model import Fault, Tlp
from seawall.model.stix.versioning import timestamp
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_FILE = 128 << 20  # bytes: the largest public documents have 60 MB
MAX_DEPTH = 64  # of the product tree; vendors use about 6
MAX_PRODUCTS = 200_000
STATES = (
    "known_affected", "first_affected", "last_affected", "known_not_affected", "fixed", "first_fixed", "recommended",
    "under_investigation", "unknown",
)  # fmt: skip
_NOT_CARRIED = ("acknowledgments", "involvements", "first_known_exploitation_dates", "metrics")
_WITHDRAWN = ("csaf_withdrawn", "csaf_superseded")


def read_csaf(data: bytes) -> Converted:
    """The objects of one document. Raises Fault E-ADVISORY-001 when it is damaged or lacks what identifies it."""
    document = opened(data, MAX_FILE, "CSAF")
    head = _part(document, "document")
    tracking, publisher = _part(head, "tracking"), _part(head, "publisher")
    identifier = plain(tracking.get("id"), 500)
    if identifier is None:
        raise Fault("E-ADVISORY-001", "The {form} document cannot be used: {reason}.", form="CSAF",
                    reason="its tracking id is missing")  # fmt: skip
    found = Converted()
    category, status = plain(head.get("category"), 100) or "csaf", plain(tracking.get("status"), 20) or "final"
    name = plain(publisher.get("name"), 500) or "unnamed publisher"
    flaws = _flaws(document, _products(_part(document, "product_tree"), found), found)
    write_advisory(
        Advisory(
            form="csaf",
            publisher=name,
            namespace=plain(publisher.get("namespace"), 500) or name,
            id=identifier,
            title=plain(head.get("title"), 2_000) or identifier,
            version=plain(tracking.get("version"), 50) or "1",
            description=_described(head),
            created=moment(tracking.get("initial_release_date")),
            modified=moment(tracking.get("current_release_date")),
            tlp=_tlp(head),
            withdrawn=category in _WITHDRAWN,
            labels=[f"csaf:category:{category}", f"csaf:status:{status}"],
            references=references(part.get("url", "") for part in listed(head, "references") if part.get("url")),
            flaws=flaws,
        ),
        found,
    )
    return found


def opened(data: bytes, most: int, form: str) -> dict[str, Any]:
    """A JSON object. Raises Fault E-ADVISORY-001."""
    reason = "it is larger than such documents may be" if len(data) > most else None
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf")) if reason is None else None
    except UNREADABLE as error:
        reason = f"it is damaged: {why(error)}"
    if reason is None and not isinstance(document, dict):
        reason = "it is no JSON object"
    if reason is not None or not isinstance(document, dict):
        raise Fault("E-ADVISORY-001", "The {form} document cannot be used: {reason}.", form=form, reason=reason)
    return document


def moment(value: object) -> str | None:
    """An RFC 3339 text as a STIX timestamp; None when it is none."""
    at = moment_of(value) if isinstance(value, str) else None
    return timestamp(at) if at is not None else None


def listed(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The dictionaries in a list that should hold nothing else."""
    value = parent.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _part(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _tlp(head: dict[str, Any]) -> Tlp | None:
    label = _part(_part(head, "distribution"), "tlp").get("label")
    if not isinstance(label, str) or not label.strip():
        return None
    try:
        return Tlp.parse(label)
    except Fault:
        return Tlp.RED  # a level that nobody can read is taken for the strictest


def _described(head: dict[str, Any]) -> str | None:
    notes = listed(head, "notes")
    chosen = [note for note in notes if note.get("category") in ("summary", "description")] or notes[:1]
    return "\n\n".join(text for note in chosen if (text := plain(note.get("text")))) or None


def _products(tree: dict[str, Any], found: Converted) -> dict[str, list[Product]]:
    """Product ids -> products. The tree is walked without recursion."""
    known: dict[str, list[Product]] = {}
    waiting: list[tuple[dict[str, Any], dict[str, str], int]] = [(tree, {}, 0)]
    while waiting:
        branch, above, depth = waiting.pop()
        if depth > MAX_DEPTH or len(known) > MAX_PRODUCTS:
            found.losses.add("csaf:product-tree", "the product tree is deeper or larger than is read")
            break
        for part in listed(branch, "branches"):
            category, name = part.get("category"), plain(part.get("name"), 500)
            waiting.append((part, {**above, str(category): name or ""}, depth + 1))
        for product in (*listed(branch, "full_product_names"), *([branch["product"]] if "product" in branch else [])):
            _name(product, above, known)
    for relation in listed(tree, "relationships"):
        _name(relation.get("full_product_name"), {}, known)
    return known


def _name(product: object, above: dict[str, str], known: dict[str, list[Product]]) -> None:
    if not isinstance(product, dict) or not isinstance(product.get("product_id"), str):
        return
    helper = _part(product, "product_identification_helper")
    purl = (
        helper.get("purl") or next(iter(helper["purls"]), None)
        if isinstance(helper.get("purls"), list)
        else helper.get("purl")
    )
    known[product["product_id"]] = [
        Product(
            plain(product.get("name"), 500) or product["product_id"][:500],
            above.get("vendor") or None,
            above.get("product_version") or None,
            plain(helper.get("cpe"), 500),
            plain(purl, 500),
        )
    ]


def _resolved(ids: object, known: dict[str, list[Product]]) -> Iterator[Product]:
    for id in ids if isinstance(ids, list) else ():
        if isinstance(id, str):
            yield from known.get(id) or (Product(id[:500]),)


def _flaws(document: dict[str, Any], products: dict[str, list[Product]], found: Converted) -> list[Flaw]:
    flaws: list[Flaw] = []
    for index, part in enumerate(listed(document, "vulnerabilities")):
        other = next((plain(id.get("text"), 200) for id in listed(part, "ids")), None)
        name = plain(part.get("cve"), 100) or other or plain(part.get("title"), 200)
        if name is None:
            found.reject(index, None, "the vulnerability has neither a CVE number, nor another id, nor a title")
            continue
        states = _part(part, "product_status")
        flaws.append(
            Flaw(
                name,
                plain(part.get("title"), 2_000),
                {state: list(_resolved(states[state], products)) for state in STATES if state in states},
                list(_remarks(part, products)),
                list(_remedies(part)),
                references(link.get("url", "") for link in listed(part, "references") if link.get("url")),
            )
        )
        for lost in _NOT_CARRIED:
            if part.get(lost):
                found.losses.add(f"csaf:{lost}", f"{name}: STIX has no place for it")
    return flaws


def _remarks(part: dict[str, Any], products: dict[str, list[Product]]) -> Iterator[str]:
    cwes = [part.get("cwe"), *listed(part, "cwes")]
    yield from (f"{cwe.get('id')} {cwe.get('name')}"[:300] for cwe in cwes if isinstance(cwe, dict))
    for score in listed(part, "scores"):
        for name in ("cvss_v3", "cvss_v2", "cvss_v4"):
            if (rated := _part(score, name)).get("vectorString"):
                yield f"CVSS {rated.get('baseScore')} {rated.get('baseSeverity', '')} {rated['vectorString']}"[:300]
    for kind, text in (("flags", "label"), ("threats", "details"), ("notes", "text")):
        for said in listed(part, kind):
            about = ", ".join(product.name for product in islice(_resolved(said.get("product_ids"), products), 20))
            value = plain(said.get(text), 20_000)
            if value:
                head = plain(said.get("category"), 50) or kind.removesuffix("s")
                yield f"{head}{f' ({about[:500]})' if about else ''}: {value}"


def _remedies(part: dict[str, Any]) -> Iterable[tuple[str, str, str | None]]:
    for said in listed(part, "remediations"):
        text = plain(said.get("details"), 20_000)
        if text:
            address = said.get("url")
            fine = isinstance(address, str) and address.startswith(("http://", "https://")) and " " not in address
            yield plain(said.get("category"), 50) or "remedy", text, address if fine else None
