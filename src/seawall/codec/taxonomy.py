"""MISP taxonomies (machinetag.json): reference data, kept beside the node's warninglists."""

from __future__ import annotations

import re

import msgspec

from seawall.codec.csaf import listed, opened
from seawall.model import Fault

MAX_FILE = 16 << 20  # bytes: the largest public one has 400 kB
MAX_TAGS = 100_000
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


class Taxonomy(msgspec.Struct, frozen=True):
    """One taxonomy: its namespace, version, and what each machine tag means."""

    namespace: str
    version: int
    description: str
    tags: dict[str, str]  # 'rsit:fraud="phishing"' -> "Phishing"
    raw: bytes


def read_taxonomy(data: bytes) -> Taxonomy:
    """One machinetag.json. Raises Fault E-ADVISORY-001 (damaged), E-TAXONOMY-001 (no usable namespace)."""
    document = opened(data, MAX_FILE, "MISP taxonomy")
    namespace = document.get("namespace")
    if not isinstance(namespace, str) or _NAMESPACE.fullmatch(namespace) is None:
        raise Fault("E-TAXONOMY-001", "The taxonomy has no namespace of letters, digits, dots and hyphens.")
    version = document.get("version")
    tags: dict[str, str] = {}
    below = {str(part.get("predicate")): listed(part, "entry") for part in listed(document, "values")}
    for predicate in listed(document, "predicates"):
        name = str(predicate.get("value"))[:500]
        for entry in below.get(name) or ():
            value = str(entry.get("value"))[:500]
            tags[f'{namespace}:{name}="{value}"'] = str(entry.get("expanded") or value)[:1_000]
        if not below.get(name):
            tags[f"{namespace}:{name}"] = str(predicate.get("expanded") or name)[:1_000]
        if len(tags) > MAX_TAGS:
            raise Fault(
                "E-TAXONOMY-002", "The taxonomy has more than the {most} tags that one may have.", most=MAX_TAGS
            )
    return Taxonomy(
        namespace,
        version if isinstance(version, int) else 0,
        str(document.get("description", ""))[:2_000],
        tags,
        data,
    )
