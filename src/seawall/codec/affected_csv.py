"""CSV with one vulnerability a row: catalogues of known exploited ones, and CPE match lists -> sentences."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.codec.affected import STATUS, cpe_range
from seawall.codec.converted import cve
from seawall.codec.indicators import Rejected
from seawall.codec.inventory import OF_COLUMN, table_rows
from seawall.codec.moments import moment_of
from seawall.codec.product_names import parse_cpe, parse_purl
from seawall.codec.version_ranges import read_ranges
from seawall.model.exposure import Affected, Exploited, FlawStatus, Remedy, Saying, VersionRange

MAX_ROWS = 2_000_000  # of one list
_COLUMNS = {
    "cve": "cve cveid cve-id vulnerability vulnerability-id cve-number",
    "since": "dateadded date-added exploited-since exploited first-exploited exploitation-date kev-date added",
    "range": "affected affected-versions versions version-range range vulnerable-versions",
    "fixed": "fixed fixed-version fixed-in first-fixed patched patched-version",
    "status": "status state",
    "remedy": "requiredaction required-action remediation remedy mitigation action solution",
    "url": "url reference link",
    "versionStartIncluding": "versionstartincluding version-start-including start-including",
    "versionStartExcluding": "versionstartexcluding version-start-excluding start-excluding",
    "versionEndIncluding": "versionendincluding version-end-including end-including",
    "versionEndExcluding": "versionendexcluding version-end-excluding end-excluding",
    "cpe": "criteria matchstring match-string",
}
_OF = {alias: field for field, aliases in _COLUMNS.items() for alias in aliases.split()}


def columns_of(header: list[str]) -> dict[str, int]:
    """Field -> column; empty when no column names vulnerabilities."""
    found: dict[str, int] = {}
    for place, key in enumerate(header):
        field = _OF.get(key) or OF_COLUMN.get(key)
        if field is not None:
            found.setdefault(field, place)
    return found if "cve" in found else {}


def read_flaw_csv(text: str) -> tuple[list[Saying], list[Rejected]]:
    """What the rows say. A row without a CVE number is told with its line."""
    header, rows = table_rows(text)
    columns = columns_of(header)
    said: list[Saying] = []
    rejected: list[Rejected] = []
    for count, (line, cells) in enumerate(rows):
        row = {field: cells[place] for field, place in columns.items() if place < len(cells) and cells[place]}
        number = cve(row.get("cve", ""))
        if number is None:
            rejected.append(Rejected(line, None, "it names no CVE number"))
        elif count >= MAX_ROWS:
            rejected.append(Rejected(line, number, f"one list holds {MAX_ROWS} rows"))
        else:
            said += _sayings(number, row, kev="since" in columns)
    return said, rejected


def _sayings(number: str, row: Mapping[str, str], *, kev: bool) -> list[Saying]:
    source = "kev" if kev else "match list"
    found: list[Saying] = []
    since = moment_of(row.get("since", ""))
    if since is not None:
        found.append(Exploited(cve=number, since=since, source=source))
    if text := row.get("remedy"):
        url = row.get("url", "")
        fine = url.startswith(("http://", "https://")) and " " not in url
        found.append(Remedy(cve=number, kind="required_action" if kev else "remedy", text=text, source=source,
                            url=url if fine else ""))  # fmt: skip
    return found + _products(number, row, source)


def _products(number: str, row: Mapping[str, str], source: str) -> list[Saying]:
    cpe, purl = parse_cpe(row.get("cpe", "")), parse_purl(row.get("purl", ""))
    product = row.get("product", "") or (purl.name if purl is not None else cpe.product if cpe is not None else "")
    if not product:
        return []
    scheme = purl.type if purl is not None else ""

    def said(status: FlawStatus, range: VersionRange) -> Affected:
        return Affected(
            cve=number, status=status, source=source, product=product,
            vendor=row.get("vendor", "") or (cpe.vendor if cpe is not None and cpe.vendor not in "*-" else ""),
            cpe=row.get("cpe", "") if cpe is not None else "", purl=row.get("purl", "") if purl is not None else "",
            range=range,
        )  # fmt: skip

    status = STATUS.get(row.get("status", "affected").lower().replace(" ", "_").replace("-", "_"), FlawStatus.AFFECTED)
    fixed = row.get("fixed", "")
    return [
        *(said(status, one) for one in _ranges(row, scheme, fixed)),
        *([said(FlawStatus.FIXED, VersionRange(start=fixed, scheme=scheme))] if fixed[:1].isalnum() else []),
    ]


def _ranges(row: Mapping[str, str], scheme: str, fixed: str) -> list[VersionRange]:
    if any(row.get(name) for name in _COLUMNS if name.startswith("version")):
        return [cpe_range("", row)]
    if text := row.get("range") or row.get("version"):
        return read_ranges(text, scheme)
    if fixed:
        return [VersionRange(end=fixed, scheme=scheme)]
    return [cpe_range(row.get("cpe", ""), row)]
