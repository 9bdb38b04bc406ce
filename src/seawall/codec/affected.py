"""What is said of vulnerabilities, products and versions: CSAF, CVE records, the NVD's JSON, OSV, VEX -> sentences.

Read for one question only, "does this concern what we run?"; as knowledge the same files go in with
``seawall intel import``. KEV lists and CPE match lists as CSV are in ``affected_csv``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seawall.codec.affected_csaf import anything, csaf_sayings
from seawall.codec.converted import cve, plain
from seawall.codec.csaf import listed
from seawall.codec.moments import moment_of
from seawall.codec.product_names import ANY, NOTHING, parse_cpe, parse_purl
from seawall.codec.version_ranges import read_ranges
from seawall.model.exposure import Affected, Exploited, FlawStatus, Remedy, Saying, VersionRange

MAX_TEXT = 2_000  # characters of a remedy
MAX_DEPTH = 12  # of nodes within nodes (NVD 1.1)
STATUS = {
    "affected": FlawStatus.AFFECTED, "exploitable": FlawStatus.AFFECTED, "known_affected": FlawStatus.AFFECTED,
    "not_affected": FlawStatus.NOT_AFFECTED, "false_positive": FlawStatus.NOT_AFFECTED,
    "unaffected": FlawStatus.NOT_AFFECTED, "known_not_affected": FlawStatus.NOT_AFFECTED,
    "fixed": FlawStatus.FIXED, "resolved": FlawStatus.FIXED, "resolved_with_pedigree": FlawStatus.FIXED,
    "under_investigation": FlawStatus.UNDER_INVESTIGATION, "in_triage": FlawStatus.UNDER_INVESTIGATION,
    "unknown": FlawStatus.UNDER_INVESTIGATION,
}  # fmt: skip


def sayings_of(document: dict[str, Any]) -> tuple[str, list[Saying]] | None:
    """(form, what it says) of one JSON document; None when it is none that says anything of vulnerabilities."""
    for form, knows, read in _FORMS:
        if knows(document):
            return form, list(read(document))
    return None


def _is_csaf(document: Mapping[str, Any]) -> bool:
    head = document.get("document")
    return isinstance(head, dict) and ("csaf_version" in head or "tracking" in head)


def _nvd(document: dict[str, Any]) -> Iterator[Saying]:
    """API 2.0 (``vulnerabilities``) and the feeds of version 1.1 (``CVE_Items``)."""
    for item in listed(document, "vulnerabilities"):
        body = item["cve"] if isinstance(item.get("cve"), dict) else {}
        if (number := cve(str(body.get("id")))) is None:
            continue
        for configuration in listed(body, "configurations"):
            yield from _nodes(number, listed(configuration, "nodes"), 0)
        added = moment_of(str(body.get("cisaExploitAdd", "")))
        if added is not None:
            yield Exploited(cve=number, since=added, source="kev (nvd)")
        if text := plain(body.get("cisaRequiredAction"), MAX_TEXT):
            yield Remedy(cve=number, kind="required_action", text=text, source="kev (nvd)")
    for item in listed(document, "CVE_Items"):
        meta = item.get("cve", {}).get("CVE_data_meta", {}) if isinstance(item.get("cve"), dict) else {}
        if isinstance(meta, dict) and (number := cve(str(meta.get("ID")))) is not None:
            configurations = item.get("configurations")
            yield from _nodes(number, listed(configurations, "nodes") if isinstance(configurations, dict) else [], 0)


def _nodes(number: str, nodes: list[dict[str, Any]], depth: int) -> Iterator[Affected]:
    for node in nodes:
        for match in (*listed(node, "cpeMatch"), *listed(node, "cpe_match")):
            name = plain(match.get("criteria"), 1_000) or plain(match.get("cpe23Uri"), 1_000) or ""
            cpe = parse_cpe(name)
            if cpe is not None and match.get("vulnerable", True) is True:
                yield Affected(
                    cve=number, status=FlawStatus.AFFECTED, source="nvd", product=cpe.product,
                    vendor="" if cpe.vendor in (ANY, NOTHING) else cpe.vendor, cpe=name,
                    range=cpe_range(name, {key: str(value) for key, value in match.items()}),
                )  # fmt: skip
        if depth < MAX_DEPTH:
            yield from _nodes(number, listed(node, "children"), depth + 1)


def cpe_range(name: str, bounds: Mapping[str, str]) -> VersionRange:
    """The versions that a match criterion means: its bounds, else the version of the name, else all of them."""
    cpe = parse_cpe(name)
    start = bounds.get("versionStartIncluding") or bounds.get("versionStartExcluding") or ""
    end = bounds.get("versionEndIncluding") or bounds.get("versionEndExcluding") or ""
    if start or end:
        return VersionRange(
            start=start, start_included="versionStartIncluding" in bounds or not start,
            end=end, end_included="versionEndIncluding" in bounds,
        )  # fmt: skip
    if cpe is not None and cpe.full_version:
        return VersionRange.only(cpe.full_version)
    return VersionRange(every=cpe is not None and cpe.version == ANY)


def _record(document: dict[str, Any]) -> Iterator[Saying]:
    """A CVE record (JSON 5)."""
    meta, parts = document.get("cveMetadata"), document.get("containers")
    number = cve(str(meta.get("cveId"))) if isinstance(meta, dict) else None
    if number is None or not isinstance(parts, dict):
        return
    main = [parts["cna"]] if isinstance(parts.get("cna"), dict) else []
    for container in (*main, *listed(parts, "adp")):
        for product in listed(container, "affected"):
            yield from _product(number, product)
        for said in listed(container, "solutions"):
            if text := plain(said.get("value"), MAX_TEXT):
                yield Remedy(cve=number, kind="vendor_fix", text=text, source="cve record")
        for said in listed(container, "workarounds"):
            if text := plain(said.get("value"), MAX_TEXT):
                yield Remedy(cve=number, kind="workaround", text=text, source="cve record")


def _product(number: str, product: dict[str, Any]) -> Iterator[Affected]:
    name = plain(product.get("product"), 500) or plain(product.get("packageName"), 500)
    if name is None:
        return
    cpe = next((one for one in anything(product, "cpes") if isinstance(one, str)), "")
    vendor = plain(product.get("vendor"), 500) or ""
    default = STATUS.get(str(product.get("defaultStatus")))

    def said(status: FlawStatus, range: VersionRange) -> Affected:
        return Affected(cve=number, status=status, source="cve record", product=name, vendor=vendor,
                        cpe=cpe if parse_cpe(cpe) is not None else "", range=range)  # fmt: skip

    versions = listed(product, "versions")
    for entry in versions:
        status = STATUS.get(str(entry.get("status")), FlawStatus.UNDER_INVESTIGATION)
        for one in _entry_ranges(entry):
            yield said(status, one)
    if not versions and default is not None:
        yield said(default, VersionRange(every=True))
    elif default is FlawStatus.AFFECTED and not any(entry.get("status") == "affected" for entry in versions):
        yield said(FlawStatus.AFFECTED, VersionRange())  # all but those named; the others are not listed


def _entry_ranges(entry: Mapping[str, Any]) -> list[VersionRange]:
    start = plain(entry.get("version"), 200) or ""
    below, until = plain(entry.get("lessThan"), 200), plain(entry.get("lessThanOrEqual"), 200)
    end = below or until or ""
    if not end:
        return read_ranges(start)
    low = "" if start in ("0", "*", "-", "unspecified", "n/a") else start
    if end == "*":
        return [VersionRange(start=low)] if low else [VersionRange(every=True)]
    if end.endswith(".*"):
        return read_ranges(end) if not low else [VersionRange(text=f"{low} to {end}")]
    return [VersionRange(start=low, end=end, end_included=below is None)]


def _osv(document: dict[str, Any]) -> Iterator[Saying]:
    """An OSV record (schema 1.6)."""
    names = [str(document.get("id")), *(str(one) for one in anything(document, "aliases") if isinstance(one, str))]
    numbers = list(dict.fromkeys(number for name in names if (number := cve(name)) is not None))
    for number in numbers:
        for part in listed(document, "affected"):
            package = part["package"] if isinstance(part.get("package"), dict) else {}
            purl, name = plain(package.get("purl"), 1_000) or "", plain(package.get("name"), 500) or ""
            scheme = {"PyPI": "pypi", "Debian": "deb"}.get(str(package.get("ecosystem")).partition(":")[0], "")
            ranges = [one for given in listed(part, "ranges") for one in _events(given, scheme)]
            ranges += [VersionRange.only(str(one)[:200], scheme) for one in anything(part, "versions")[:2_000]]
            if name or purl:
                for one in ranges or [VersionRange()]:
                    yield Affected(cve=number, status=FlawStatus.AFFECTED, source=f"osv {names[0]}"[:100],
                                   product=name, purl=purl if parse_purl(purl) else "", range=one)  # fmt: skip


def _events(given: Mapping[str, Any], scheme: str) -> Iterator[VersionRange]:
    """``introduced`` opens, ``fixed`` and ``last_affected`` close; commits are no versions."""
    if given.get("type") == "GIT":
        return
    start: str | None = None
    for event in anything(given, "events"):
        if not isinstance(event, dict):
            continue
        if isinstance(event.get("introduced"), str):
            start = event["introduced"][:200]
        for key, included in (("fixed", False), ("last_affected", True)):
            if isinstance(event.get(key), str) and start is not None:
                low = "" if start == "0" else start
                yield VersionRange(start=low, end=event[key][:200], end_included=included, scheme=scheme)
                start = None
    if start is not None:
        yield VersionRange(start=start, scheme=scheme) if start != "0" else VersionRange(every=True)


def _kev(document: dict[str, Any]) -> Iterator[Saying]:
    """The JSON of a catalogue of known exploited vulnerabilities."""
    for item in listed(document, "vulnerabilities"):
        number, added = cve(str(item.get("cveID"))), moment_of(str(item.get("dateAdded", "")))
        if number is None:
            continue
        product, vendor = plain(item.get("product"), 500), plain(item.get("vendorProject"), 500)
        if added is not None:
            yield Exploited(cve=number, since=added, source="kev")
        if product:
            yield Affected(cve=number, status=FlawStatus.AFFECTED, source="kev", product=product, vendor=vendor or "")
        if text := plain(item.get("requiredAction"), MAX_TEXT):
            yield Remedy(cve=number, kind="required_action", text=text, source="kev")


def _openvex(document: dict[str, Any]) -> Iterator[Saying]:
    source = f"openvex {plain(document.get('@id'), 200) or ''}".strip()
    for said in listed(document, "statements"):
        given = said.get("vulnerability")
        name = given.get("name") if isinstance(given, dict) else given
        number, status = cve(str(name)), STATUS.get(str(said.get("status")))
        if number is None or status is None:
            continue
        for part in anything(said, "products"):
            helper = part.get("identifiers") if isinstance(part, dict) else None
            own = str(part.get("@id", "") if isinstance(part, dict) else part)[:1_000]
            named = helper if isinstance(helper, dict) else {}
            yield from _named(number, status, source, str(named.get("purl") or own), str(named.get("cpe23") or ""), "")
        if (text := plain(said.get("action_statement"), MAX_TEXT)) is not None:
            yield Remedy(cve=number, kind="action", text=text, source=source)


def _named(number: str, status: FlawStatus, source: str, purl: str, cpe: str, product: str) -> Iterator[Affected]:
    package, name = parse_purl(purl), parse_cpe(cpe)
    product = product or (package.name if package is not None else name.product if name is not None else "")
    if not product:
        return
    version = package.version if package is not None and package.version else name.full_version if name else ""
    scheme = package.type if package is not None and package.type in ("pypi", "deb") else ""
    yield Affected(
        cve=number, status=status, source=source[:200], product=product, purl=purl if package is not None else "",
        vendor=name.vendor if name is not None else "", cpe=cpe if name is not None else "",
        range=VersionRange.only(version, scheme) if version else VersionRange(every=status is FlawStatus.AFFECTED),
    )  # fmt: skip


def _cyclonedx(document: dict[str, Any]) -> Iterator[Saying]:
    """The ``vulnerabilities`` of a CycloneDX document, about the components that it names."""
    parts = {str(part.get("bom-ref")): part for part in listed(document, "components")}
    source = f"cyclonedx {plain(document.get('serialNumber'), 100) or ''}".strip()
    for said in listed(document, "vulnerabilities"):
        number = cve(str(said.get("id")))
        analysis = said["analysis"] if isinstance(said.get("analysis"), dict) else {}
        status = STATUS.get(str(analysis.get("state", "affected")))
        if number is None or status is None:
            continue
        for target in listed(said, "affects"):
            part = parts.get(str(target.get("ref")), {})
            ranges = [one for entry in listed(target, "versions")
                      if STATUS.get(str(entry.get("status", "affected"))) is status
                      for one in read_ranges(str(entry.get("version") or entry.get("range") or ""))]  # fmt: skip
            purl, cpe = str(part.get("purl") or ""), str(part.get("cpe") or "")
            for found in _named(number, status, source, purl, cpe, plain(part.get("name"), 500) or ""):
                exact = [VersionRange.only(str(part["version"])[:200])] if part.get("version") else [found.range]
                for one in ranges or exact:
                    yield Affected(cve=number, status=status, source=source, product=found.product, purl=found.purl,
                                   vendor=found.vendor, cpe=found.cpe, range=one)  # fmt: skip
        if (text := plain(said.get("recommendation"), MAX_TEXT)) is not None:
            yield Remedy(cve=number, kind="recommendation", text=text, source=source)


def _is_kev(document: Mapping[str, Any]) -> bool:
    given = document.get("vulnerabilities")
    return isinstance(given, list) and any(isinstance(one, dict) and "cveID" in one for one in given[:20])


def _is_nvd(document: Mapping[str, Any]) -> bool:
    given = document.get("vulnerabilities")
    fits = isinstance(given, list) and any(
        isinstance(one, dict) and isinstance(one.get("cve"), dict) for one in given[:20]
    )
    return fits or isinstance(document.get("CVE_Items"), list)


_FORMS: tuple[tuple[str, Any, Any], ...] = (
    ("csaf", _is_csaf, csaf_sayings),
    ("cyclonedx", lambda one: one.get("bomFormat") == "CycloneDX", _cyclonedx),
    ("openvex", lambda one: "openvex" in str(one.get("@context", "")).lower(), _openvex),
    ("cve record", lambda one: one.get("dataType") == "CVE_RECORD" or "cveMetadata" in one, _record),
    ("kev", _is_kev, _kev),
    ("nvd", _is_nvd, _nvd),
    ("osv", lambda one: isinstance(one.get("affected"), list) and "id" in one, _osv),
)
"""(name, whether a document is of this form, how it is read), the most telling first."""


def documents_say(documents: Iterable[dict[str, Any]]) -> Iterator[tuple[str, list[Saying]]]:
    """``sayings_of`` of each document that says anything."""
    for document in documents:
        if (found := sayings_of(document)) is not None:
            yield found
