"""OpenVEX (openvex.dev 0.2.0) and the VEX part of CycloneDX (1.4 and later) as advisories."""

from __future__ import annotations

from typing import Any

from seawall.codec.advisory import Advisory, Flaw, Product, write_advisory
from seawall.codec.converted import Converted, plain, references
from seawall.codec.csaf import listed, moment, opened
from seawall.model import Fault

MAX_FILE = 128 << 20  # bytes
_REMARKS = ("justification", "impact_statement", "status_notes", "detail", "action_statement")


def read_openvex(data: bytes) -> Converted:
    """The objects of one OpenVEX document. Raises Fault E-ADVISORY-001."""
    document = opened(data, MAX_FILE, "OpenVEX")
    identifier = plain(document.get("@id"), 500)
    if identifier is None:
        raise Fault("E-ADVISORY-001", "The {form} document cannot be used: {reason}.", form="OpenVEX",
                    reason="its @id is missing")  # fmt: skip
    found = Converted()
    author = plain(document.get("author"), 500) or "unnamed author"
    flaws: dict[str, Flaw] = {}
    for index, said in enumerate(listed(document, "statements")):
        name, status = _vulnerability(said.get("vulnerability")), plain(said.get("status"), 50)
        if name is None or status is None:
            found.reject(index, name, "the statement lacks a vulnerability or a status")
            continue
        flaw = flaws.setdefault(name, Flaw(name))
        about = said.get("products")
        flaw.status.setdefault(status, []).extend(_product(part) for part in about if part) if isinstance(
            about, list
        ) else None
        flaw.remarks += [f"{key}: {text}" for key in _REMARKS if (text := plain(said.get(key), 20_000))]
    write_advisory(
        Advisory(
            form="openvex",
            publisher=author,
            namespace=author,
            id=identifier,
            title=f"VEX {identifier}"[:500],
            version=str(document.get("version", 1))[:50],
            created=moment(document.get("timestamp")),
            modified=moment(document.get("last_updated")) or moment(document.get("timestamp")),
            flaws=list(flaws.values()),
        ),
        found,
    )
    return found


def _vulnerability(value: object) -> str | None:
    if isinstance(value, dict):
        return plain(value.get("name"), 200) or plain(value.get("@id"), 200)
    return plain(value, 200)


def _product(value: object) -> Product:
    if not isinstance(value, dict):
        text = str(value)[:500]
        return Product(text, purl=text if text.startswith("pkg:") else None)
    given = value.get("identifiers")
    helper: dict[str, Any] = given if isinstance(given, dict) else {}
    own = plain(value.get("@id"), 500)
    purl = plain(helper.get("purl"), 500) or (own if own and own.startswith("pkg:") else None)
    return Product(own or purl or "unnamed product", cpe=plain(helper.get("cpe23"), 500), purl=purl)


def read_cyclonedx(data: bytes) -> Converted:
    """The vulnerabilities of one CycloneDX document; its parts list is not taken in. Raises Fault E-ADVISORY-001."""
    document = opened(data, MAX_FILE, "CycloneDX")
    flaws_given = listed(document, "vulnerabilities")
    if not flaws_given:
        raise Fault("E-ADVISORY-001", "The {form} document cannot be used: {reason}.", form="CycloneDX",
                    reason="it names no vulnerability")  # fmt: skip
    found = Converted()
    components = _components(document)
    metadata = document["metadata"] if isinstance(document.get("metadata"), dict) else {}
    supplier: dict[str, Any] = next((metadata[key] for key in ("supplier", "manufacturer", "manufacture")
                     if isinstance(metadata.get(key), dict)), {})  # fmt: skip
    publisher = plain(supplier.get("name"), 500) or "unnamed supplier"
    serial = plain(document.get("serialNumber"), 200)
    about = metadata.get("component")
    subject = plain(about.get("name"), 300) if isinstance(about, dict) else None
    if listed(document, "components"):
        found.losses.add("cyclonedx:components", "the parts list is not taken in, only what is said of its flaws")
    flaws = [flaw for index, part in enumerate(flaws_given) if (flaw := _flaw(index, part, components, found))]
    at = moment(metadata.get("timestamp"))
    write_advisory(
        Advisory(
            form="cyclonedx",
            publisher=publisher,
            namespace=publisher,
            id=serial or f"{subject or publisher} {','.join(sorted(flaw.name for flaw in flaws))[:500]}",
            title=f"VEX {subject or serial or publisher}",
            version=str(document.get("version", 1))[:50],
            created=at,
            modified=at,
            flaws=flaws,
        ),
        found,
    )
    return found


def _components(document: dict[str, Any]) -> dict[str, Product]:
    known: dict[str, Product] = {}
    for part in listed(document, "components"):
        reference, name = plain(part.get("bom-ref"), 500), plain(part.get("name"), 500)
        if reference and name:
            known[reference] = Product(
                name,
                plain(part.get("publisher"), 300),
                plain(part.get("version"), 100),
                plain(part.get("cpe"), 500),
                plain(part.get("purl"), 500),
            )
    return known


def _flaw(index: int, part: dict[str, Any], components: dict[str, Product], found: Converted) -> Flaw | None:
    name = plain(part.get("id"), 200)
    if name is None:
        found.reject(index, None, "the vulnerability has no id")
        return None
    analysis = part["analysis"] if isinstance(part.get("analysis"), dict) else {}
    state = plain(analysis.get("state"), 50) or "affected"
    refs = [plain(item.get("ref"), 500) or "unnamed product" for item in listed(part, "affects")]
    remarks = [f"{key}: {text}" for key in _REMARKS if (text := plain(analysis.get(key), 20_000))]
    for rated in listed(part, "ratings"):
        shown = " ".join(str(rated[key])[:100] for key in ("method", "score", "severity", "vector") if key in rated)
        remarks.append(f"rating {shown}")
    text = plain(part.get("recommendation"), 20_000)
    return Flaw(
        name,
        plain(part.get("description"), 20_000),
        {state: [components.get(ref) or Product(ref.rpartition("#")[2] or ref) for ref in refs]},
        remarks,
        [("recommendation", text, None)] if text else [],
        references(link.get("url", "") for link in listed(part, "advisories") if link.get("url")),
    )
