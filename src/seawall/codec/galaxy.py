"""MISP galaxy cluster files (misp-galaxy, clusters/*.json) as STIX objects in a namespace of their own.

A cluster's UUID often is that of the ATT&CK object it was made from. Ids of such galaxies derive from galaxy and UUID
together, so that neither replaces the other; all others bear the UUID, as in MISP events. The UUID itself stands among
the external references, and so do MISP's tag and number.
"""

from __future__ import annotations

from typing import Any

from seawall.codec.converted import FIXED, Converted, plain, references
from seawall.codec.csaf import listed, opened
from seawall.codec.misp.galaxies import type_of
from seawall.codec.rule_indicator import proper_uuid
from seawall.model.stix.ids import derived_id

MAX_FILE = 128 << 20  # bytes: the largest public cluster file has 30 MB
MAX_CLUSTERS = 200_000
MAX_NAMES = 200  # aliases of one cluster
GALAXY = "misp-galaxy"
_MORE_KINDS = {  # beside those that events name
    "country": "location", "region": "location", "target-information": "identity", "malware": "malware",
    "intrusion-set": "intrusion-set", "attack-pattern": "attack-pattern", "techniques": "attack-pattern",
    "technique": "attack-pattern", "course-of-action": "course-of-action", "campaign": "campaign",
}  # fmt: skip
OTHER = "x-misp-galaxy-cluster"
_REQUIRED: dict[str, dict[str, Any]] = {
    "malware": {"is_family": True},
    "identity": {"identity_class": "class"},
    "location": {},
}
_WITH_ALIASES = frozenset({"threat-actor", "intrusion-set", "malware", "tool", "attack-pattern", "campaign"})


def read_galaxy(data: bytes) -> Converted:
    """The clusters of one file. Raises Fault E-ADVISORY-001 when the document is damaged as a whole."""
    document = opened(data, MAX_FILE, "MISP galaxy")
    found = Converted()
    galaxy = plain(document.get("type"), 100) or plain(document.get("name"), 100) or "unnamed"
    found.framework = f"{GALAXY}:{galaxy}"
    kind = kind_of(galaxy)
    clusters = listed(document, "values")
    here: dict[str, str] = {}
    for index, cluster in enumerate(clusters[:MAX_CLUSTERS]):
        name = plain(cluster.get("value"), 1_000)
        if name is None:
            found.reject(index, None, "the cluster has no value")
            continue
        own = plain(cluster.get("uuid"), 60) or name
        here[own] = cluster_id(kind, galaxy, own)
        found.objects.append(_object(kind, here[own], name, cluster, galaxy))
    if len(clusters) > MAX_CLUSTERS:
        found.reject(MAX_CLUSTERS, galaxy, f"one file may hold {MAX_CLUSTERS} clusters")
    for cluster in clusters[:MAX_CLUSTERS]:
        _relations(cluster, here, galaxy, found)
    return found


def kind_of(galaxy: str) -> str:
    """The STIX type of a galaxy's clusters, the same as for those in events."""
    lower = galaxy.lower()
    return type_of(lower) or _MORE_KINDS.get(lower) or _MORE_KINDS.get(lower.rpartition("-")[2]) or OTHER


def cluster_id(kind: str, galaxy: str, own: str) -> str:
    """As events name the cluster; but galaxies made from ATT&CK, whose UUIDs are MITRE's, get ids of their own."""
    proper = proper_uuid(own)
    if proper is None or galaxy.lower().startswith("mitre-"):
        return derived_id(kind, GALAXY, galaxy, own)
    return f"{kind}--{proper}"


def _object(kind: str, identifier: str, name: str, cluster: dict[str, Any], galaxy: str) -> dict[str, Any]:
    meta = cluster["meta"] if isinstance(cluster.get("meta"), dict) else {}
    own, number = plain(cluster.get("uuid"), 60), _first(meta.get("external_id"))
    known = [{"source_name": GALAXY, "external_id": own}] if own else []
    if number:
        known.append({"source_name": f"{GALAXY}:{galaxy}", "external_id": number})
    labels = [f'misp-galaxy:{galaxy}="{name}"'[:500]]
    labels += [f"{key}:{text}" for key in ("country", "cfr-suspected-state-sponsor", "status", "revoked")
               if (text := _first(meta.get(key)))]  # fmt: skip
    names = [text for text in _texts(meta.get("synonyms")) if text != name][:MAX_NAMES]
    body: dict[str, Any] = {
        "type": kind,
        "spec_version": "2.1",
        "id": identifier,
        "created": FIXED,
        "modified": FIXED,
        "name": name,
        "description": plain(cluster.get("description")),
        "external_references": [*known, *references(_texts(meta.get("refs")))],
        "labels": labels,
        "kill_chain_phases": _phases(meta.get("kill_chain"), galaxy),
        "revoked": cluster.get("revoked") is True,
    }
    if kind in _WITH_ALIASES:
        body["aliases"] = names
    if kind == "location":
        body |= {"region": name} if galaxy.lower() == "region" else {"country": _first(meta.get("ISO")) or name}
    return {key: value for key, value in body.items() if value} | _REQUIRED.get(kind, {})


def _phases(value: object, galaxy: str) -> list[dict[str, str]]:
    """``mitre-attack:execution`` of the ATT&CK galaxies; other galaxies name phases within themselves."""
    phases = []
    for text in _texts(value)[:50]:
        chain, _, phase = text.rpartition(":")
        own = chain if chain.startswith("mitre-") and galaxy.startswith("mitre-") else galaxy
        phases.append({"kill_chain_name": own, "phase_name": phase.strip().lower().replace(" ", "-")})
    return [phase for phase in phases if phase["phase_name"]]


def _relations(cluster: dict[str, Any], here: dict[str, str], galaxy: str, found: Converted) -> None:
    source = here.get(plain(cluster.get("uuid"), 60) or "")
    for related in listed(cluster, "related"):
        target, relation = here.get(str(related.get("dest-uuid"))), plain(related.get("type"), 100) or "related-to"
        if source is None or target is None:
            found.losses.add("galaxy:related-elsewhere", f"{str(cluster.get('value'))[:80]} {relation}")
            continue
        found.objects.append(
            {
                "type": "relationship",
                "spec_version": "2.1",
                "id": derived_id("relationship", GALAXY, galaxy, source, relation, target),
                "created": FIXED,
                "modified": FIXED,
                "relationship_type": relation.lower().replace("_", "-").replace(" ", "-"),
                "source_ref": source,
                "target_ref": target,
            }
        )


def _texts(value: object) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text for item in given if (text := plain(item, 2_000)) is not None))


def _first(value: object) -> str | None:
    return next((text[:200] for text in _texts(value)), None)
