"""Lists of what an organisation runs: CSV, CPE names line by line, CycloneDX and SPDX 2.3 documents -> assets.

Every row that cannot be used is told with its place; nothing is guessed about versions.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from seawall.codec.converted import plain
from seawall.codec.csaf import listed
from seawall.codec.indicators import Rejected
from seawall.codec.product_names import NOTHING, Cpe, Purl, parse_cpe, parse_purl
from seawall.codec.value_types import word_key
from seawall.model.exposure import Asset
from seawall.model.unreadable import UNREADABLE

MAX_ASSETS = 500_000  # of one list
MAX_CELL = 2_000  # characters of one cell
MAX_DEPTH = 40  # of components within components (CycloneDX)
MAX_UNITS = 1_000_000
COLUMNS = {
    "name": "host hostname host-name asset asset-name asset-id name device device-name fqdn ip ip-address system "
            "server computer computer-name machine serial serial-number node",
    "product": "product product-name software software-name application app package package-name component model title",
    "version": "version product-version software-version installed-version package-version firmware firmware-version "
               "release build os-version",
    "vendor": "vendor vendor-name manufacturer publisher supplier maker brand vendorproject",
    "cpe": "cpe cpe23 cpe-23 cpe-2-3 cpe-name cpe-uri cpe23uri",
    "purl": "purl package-url",
    "sector": "sector industry business-unit",
    "criticality": "criticality importance priority tier business-criticality impact",
    "facing": "internet-facing internetfacing facing internet-exposed exposed external public externally-facing "
              "internet reachable",
    "units": "units count quantity number qty instances installations",
}  # fmt: skip
OF_COLUMN = {alias: field for field, aliases in COLUMNS.items() for alias in aliases.split()}
_YES = frozenset({"1", "y", "yes", "true", "t", "x", "external", "public", "internet", "exposed", "facing"})
_NO = frozenset({"0", "n", "no", "false", "f", "internal", "private", "none"})


class Inventory:
    """What a list said: assets, and what could not be used."""

    def __init__(self) -> None:
        self.assets: list[Asset] = []
        self.rejected: list[Rejected] = []

    def add(self, place: int, asset: Asset | None, reason: str = "it names no product") -> None:
        """Keep an asset, or say why there is none."""
        if asset is None:
            self.rejected.append(Rejected(place, None, reason))
        elif len(self.assets) >= MAX_ASSETS:
            self.rejected.append(Rejected(place, None, f"one list holds {MAX_ASSETS} assets"))
        else:
            self.assets.append(asset)


def table_rows(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """(header keys, (line, cells) of each further row) of a CSV with commas, semicolons, tabs or bars."""
    first = text.lstrip("\ufeff\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    csv.field_size_limit(1 << 20)  # of the process: all who read CSV set the same
    reader = csv.reader(text.lstrip("\ufeff").splitlines(keepends=True), delimiter=delimiter)
    header = next((row for row in reader if any(cell.strip() for cell in row)), [])

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for row in reader:
                if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                    yield reader.line_num, [cell.strip()[:MAX_CELL] for cell in row]
        except csv.Error:
            yield reader.line_num, []

    return [word_key(cell) for cell in header], rows()


def fields_of(header: Sequence[str]) -> dict[str, int]:
    """Field of an asset -> its column; a header that names none gives nothing."""
    found: dict[str, int] = {}
    for place, key in enumerate(header):
        if (field := OF_COLUMN.get(key)) is not None:
            found.setdefault(field, place)
    return found


def read_inventory_csv(text: str) -> Inventory:
    """A CSV whose header names at least one of product, cpe and purl."""
    found = Inventory()
    header, rows = table_rows(text)
    fields = fields_of(header)
    for line, cells in rows:
        row = {field: cells[place] for field, place in fields.items() if place < len(cells)}
        found.add(line, _from_row(row, line))
    return found


def read_cpe_list(text: str) -> Inventory:
    """One CPE name a line; what follows a blank names the asset. Lines that begin with # are remarks."""
    found = Inventory()
    for line, content in enumerate(text.splitlines(), start=1):
        words = content.strip().lstrip("\ufeff").split(None, 1)
        if not words or words[0].startswith("#"):
            continue
        row = {"cpe": words[0].strip(',;"'), "name": words[1].strip()[:MAX_CELL] if len(words) > 1 else ""}
        found.add(line, _from_row(row, line), "it is no CPE name")
    return found


def read_cyclonedx_parts(document: dict[str, Any]) -> Inventory:
    """The components of a CycloneDX document (ECMA-424), nested ones included; the described one names the asset."""
    found = Inventory()
    metadata = document["metadata"] if isinstance(document.get("metadata"), dict) else {}
    about = metadata["component"] if isinstance(metadata.get("component"), dict) else {}
    owner = plain(about.get("name"), MAX_CELL) or plain(document.get("serialNumber"), MAX_CELL) or "unnamed system"
    waiting = [
        (part, 0) for part in reversed([*([about] if about.get("version") else []), *listed(document, "components")])
    ]
    place = 0
    while waiting:
        part, depth = waiting.pop()
        place += 1
        supplier = part["supplier"] if isinstance(part.get("supplier"), dict) else {}
        row = {
            "name": owner,
            "product": plain(part.get("name"), MAX_CELL) or "",
            "version": plain(part.get("version"), MAX_CELL) or "",
            "vendor": plain(supplier.get("name"), MAX_CELL) or plain(part.get("publisher"), MAX_CELL)
            or plain(part.get("group"), MAX_CELL) or "",
            "cpe": plain(part.get("cpe"), MAX_CELL) or "",
            "purl": plain(part.get("purl"), MAX_CELL) or "",
        }  # fmt: skip
        found.add(place, _from_row(row, place))
        if depth < MAX_DEPTH:
            waiting += [(inner, depth + 1) for inner in reversed(listed(part, "components"))]
    return found


def read_spdx_parts(document: dict[str, Any]) -> Inventory:
    """The packages of an SPDX 2.3 document (ISO/IEC 5962); ``externalRefs`` bring CPE names and package URLs."""
    found = Inventory()
    owner = plain(document.get("name"), MAX_CELL) or "unnamed system"
    for place, part in enumerate(listed(document, "packages"), start=1):
        named: dict[str, str] = {}
        for reference in listed(part, "externalRefs"):
            kind, locator = (
                plain(reference.get("referenceType"), 200) or "",
                plain(reference.get("referenceLocator"), MAX_CELL),
            )
            field = "purl" if kind.endswith("purl") else "cpe" if kind.endswith(("cpe23Type", "cpe22Type")) else ""
            if field and locator:
                named.setdefault(field, locator)
        supplier = plain(part.get("supplier"), MAX_CELL) or ""
        row = {
            "name": owner,
            "product": plain(part.get("name"), MAX_CELL) or "",
            "version": _asserted(plain(part.get("versionInfo"), MAX_CELL)),
            "vendor": _asserted(supplier.partition(":")[2].strip() or supplier),
            **named,
        }
        found.add(place, _from_row(row, place))
    return found


def _asserted(text: str | None) -> str:
    return "" if text is None or text.upper() in ("NOASSERTION", "NONE") else text


def _from_row(row: Mapping[str, str], place: int) -> Asset | None:
    cpe, purl = parse_cpe(row.get("cpe", "")), parse_purl(row.get("purl", ""))
    product = row.get("product", "") or (purl.name if purl is not None else cpe.product if cpe is not None else "")
    if not product:
        return None
    facing = row.get("facing", "").lower()
    units = row.get("units", "")
    return Asset(
        name=row.get("name", "") or f"line {place}",
        product=product,
        vendor=row.get("vendor", "") or (cpe.vendor if cpe is not None and cpe.vendor not in ("*", NOTHING) else ""),
        version=_version(row.get("version", ""), cpe, purl),
        cpe=row.get("cpe", "") if cpe is not None else "",
        purl=row.get("purl", "") if purl is not None else "",
        sector=row.get("sector", ""),
        criticality=row.get("criticality", ""),
        facing=True if facing in _YES else False if facing in _NO else None,
        units=min(int(units), MAX_UNITS)
        if units.isascii() and units.isdigit() and len(units) < 10 and int(units)
        else 1,
    )


def _version(said: str, cpe: Cpe | None, purl: Purl | None) -> str:
    """What a column says, else the package URL, else the CPE; a word for "unknown" says nothing."""
    for text in (said, purl.version if purl is not None else "", cpe.full_version if cpe is not None else ""):
        if text and text.strip().lower() not in (
            "unknown",
            "n/a",
            "na",
            "-",
            "*",
            "?",
            "none",
            "any",
            "tbd",
            "noassertion",
        ):
            return text.strip()
    return ""


def documents_in(data: bytes) -> list[dict[str, Any]]:
    """A JSON object, the objects of a list, or of JSON lines. Raises one of ``UNREADABLE``."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        found = msgspec.json.decode(data)
    except UNREADABLE:
        found = [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict)]
