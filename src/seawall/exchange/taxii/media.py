"""TAXII media types and their negotiation (TAXII 2.1 section 1.6.8)."""

from __future__ import annotations

from seawall.exchange.faults import ProtocolFault

TAXII_MEDIA_TYPE = "application/taxii+json;version=2.1"
STIX_MEDIA_TYPE = "application/stix+json;version=2.1"
TAXII_VERSION = "2.1"
WILDCARDS = frozenset({"*/*", "application/*"})
MAX_HEADER_ITEMS = 64  # items of one Accept header that are looked at; browsers send fewer than ten


def _parse(item: str) -> tuple[str, dict[str, str]]:
    essence, *parameters = [part.strip() for part in item.split(";")]
    pairs = (parameter.partition("=") for parameter in parameters)
    return essence.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def is_taxii(header: str) -> bool:
    """True for ``application/taxii+json`` with version 2.1 or with none (which means the newest)."""
    essence, parameters = _parse(header)
    return essence == "application/taxii+json" and parameters.get("version", TAXII_VERSION) == TAXII_VERSION


def require_acceptable(accept: str | None) -> None:
    """Raise ProtocolFault E-EXCHANGE-406 unless ``accept`` allows TAXII 2.1; no header allows everything."""
    if accept is None:
        return
    for item in accept.split(",")[:MAX_HEADER_ITEMS]:
        essence, parameters = _parse(item)
        if parameters.get("q") in {"0", "0.0", "0.00", "0.000"}:
            continue
        if essence in WILDCARDS or is_taxii(item):
            return
    raise ProtocolFault(
        406,
        "E-EXCHANGE-406",
        "The answer comes as {media_type}; say so in the Accept header.",
        media_type=TAXII_MEDIA_TYPE,
    )


def require_taxii_content(content_type: str | None) -> None:
    """Raise ProtocolFault E-EXCHANGE-415 unless the posted body is TAXII 2.1."""
    if content_type is None or not is_taxii(content_type):
        raise ProtocolFault(
            415, "E-EXCHANGE-415", "Objects are taken as {media_type} only.", media_type=TAXII_MEDIA_TYPE
        )
