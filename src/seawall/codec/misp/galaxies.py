"""Galaxy clusters: threat actors, malware, techniques ... each in the namespace of its own galaxy.

A cluster's STIX id carries the cluster's UUID, which for ATT&CK is MITRE's own. It says little and is older than
everything else (its version counts seconds from the beginning, its content microseconds), so that it never displaces
what the galaxy's publisher says of the same object.
"""

from __future__ import annotations

from zlib import crc32

from seawall.codec.misp.draft import BEGINNING, Draft
from seawall.codec.misp.extension import extension
from seawall.codec.misp.marking import distribution_of, floor_of
from seawall.codec.misp.reading import MAX_TEXT, Json, flag_of, parts, text_of, uuid_from, uuid_in, uuid_text
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

_TYPES: dict[str, str] = {
    "threat-actor": "threat-actor",
    "microsoft-activity-group": "threat-actor",
    "360net-threat-actor": "threat-actor",
    "mitre-intrusion-set": "intrusion-set",
    "mitre-campaign": "campaign",
    "mitre-malware": "malware",
    "malpedia": "malware",
    "ransomware": "malware",
    "rat": "malware",
    "banker": "malware",
    "stealer": "malware",
    "backdoor": "malware",
    "botnet": "malware",
    "android": "malware",
    "cryptominers": "malware",
    "stalkerware": "malware",
    "mitre-tool": "tool",
    "tool": "tool",
    "exploit-kit": "tool",
    "mitre-attack-pattern": "attack-pattern",
    "mitre-atlas-attack-pattern": "attack-pattern",
    "disarm-techniques": "attack-pattern",
    "misinformation-pattern": "attack-pattern",
    "attck4fraud": "attack-pattern",
    "mitre-course-of-action": "course-of-action",
    "mitre-atlas-course-of-action": "course-of-action",
    "preventive-measure": "course-of-action",
    "disarm-countermeasures": "course-of-action",
    "branded-vulnerability": "vulnerability",
    "sector": "identity",
}
_ENDINGS = {  # mitre-enterprise-attack-malware, mitre-mobile-attack-tool ...
    "-attack-pattern": "attack-pattern",
    "-course-of-action": "course-of-action",
    "-intrusion-set": "intrusion-set",
    "-malware": "malware",
    "-tool": "tool",
}
_ALIASED = frozenset({"threat-actor", "intrusion-set", "malware", "tool", "campaign", "attack-pattern"})
_FIELDS = ("type", "tag_name", "source", "version", "collection_uuid", "default", "distribution")
_GALAXY_FIELDS = ("uuid", "name", "type", "description", "version", "icon", "namespace")
MAX_CLUSTERS = 2000  # of one holder
MAX_ELEMENTS = 2000  # of one cluster: synonyms, references, countries
KEEPER = f"identity--{uuid_from('galaxies')}"


def take_clusters(draft: Draft, holder: Json, misp: Json, named: set[str]) -> list[str]:
    """Make the clusters of an event or attribute; returns their ids. ``misp`` lists what the tags do not name."""
    found: list[str] = []
    listed: list[str] = []
    for galaxy in parts(holder, "Galaxy"):
        for cluster in parts(galaxy, "GalaxyCluster")[:MAX_CLUSTERS]:
            identifier = _take(draft, galaxy, cluster)
            if identifier is None:
                draft.losses.add("misp:GalaxyCluster", f"{text_of(cluster, 'value', 80)!r} has no name or is malformed")
                continue
            found.append(identifier)
            if (tag := _tag_of(galaxy, cluster)) not in named:
                listed.append(tag)
            if parts(cluster, "GalaxyClusterRelation"):
                draft.losses.add("misp:GalaxyClusterRelation", f"of {text_of(cluster, 'value', 80)!r}")
    if listed:
        misp["galaxies"] = listed
    return found


def type_of(galaxy: str) -> str | None:
    """The STIX type for the clusters of a galaxy; None when STIX has none."""
    found = _TYPES.get(galaxy)
    return found or next((type for ending, type in _ENDINGS.items() if galaxy.endswith(ending)), None)


def _tag_of(galaxy: Json, cluster: Json) -> str:
    kind = text_of(cluster, "type", 100) or text_of(galaxy, "type", 100)
    return text_of(cluster, "tag_name", 250) or f'misp-galaxy:{kind}="{text_of(cluster, "value", 200)}"'


def _take(draft: Draft, galaxy: Json, cluster: Json) -> str | None:
    name = text_of(cluster, "value", 250)
    if not name:
        return None
    kind = text_of(cluster, "type", 100) or text_of(galaxy, "type", 100)
    type = type_of(kind) or "note"
    identifier = f"{type}--{_own_uuid(cluster) or uuid_from('cluster', _tag_of(galaxy, cluster))}"
    if identifier in draft.ids:
        return identifier
    misp = _carried(galaxy, cluster)
    description = text_of(cluster, "description")
    content = crc32(repr((name, description, misp)).encode("utf-8", "replace")) % 1_000_000
    obj: Json = {
        "type": type,
        "spec_version": "2.1",
        "id": identifier,
        "created": BEGINNING,
        "modified": timestamp(min(int(_version(cluster) or 0), 1 << 31) * 1_000_000 + content),
        "external_references": [{"source_name": kind or "misp-galaxy", "external_id": _external_id(cluster) or name}],
        "extensions": extension("cluster", None, misp),
    }
    if flag_of(cluster, "default") is False or text_of(cluster, "distribution", 4):
        level = draft.level(draft.said, floor_of(distribution_of(cluster)), Tlp.CLEAR)
        obj["object_marking_refs"] = [TLP2_IDS[level]]
    if type == "note":
        _keep_keeper(draft)
        obj |= {"abstract": name, "content": description or name, "object_refs": [KEEPER]}
    else:
        obj["name"] = name
        if description:
            obj["description"] = description
    if type == "malware":
        obj["is_family"] = True
    elif type == "identity":
        obj["identity_class"] = "class"
    synonyms = _elements(cluster, "synonyms")
    if synonyms and type in _ALIASED:
        obj["aliases"] = synonyms
    return identifier if draft.keep(obj) is None else None


def _own_uuid(cluster: Json) -> str | None:
    """The cluster's UUID. Older servers wrote that of the whole collection there, and its own at best in meta."""
    if "galaxy_id" in cluster and "collection_uuid" not in cluster:
        return next((uuid for text in _elements(cluster, "uuid") if (uuid := uuid_text(text)) is not None), None)
    return uuid_in(cluster)


def _keep_keeper(draft: Draft) -> None:
    """What notes about clusters without a STIX type are attached to."""
    draft.keep(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": KEEPER,
            "created": BEGINNING,
            "modified": BEGINNING,
            "name": "MISP galaxies",
            "identity_class": "class",
        },
        listed=False,
    )


def _version(cluster: Json) -> str:
    found = text_of(cluster, "version", 10)
    return found if found.isascii() and found.isdigit() else ""


def _external_id(cluster: Json) -> str:
    """The galaxy's own number for it; numbers of CVE and CAPEC belong to other source names."""
    numbers = _elements(cluster, "external_id")
    return next((number for number in numbers if not number.upper().startswith(("CVE-", "CAPEC-"))), "")


def _elements(cluster: Json, key: str) -> list[str]:
    """The values of one key, from ``meta`` or the list of elements."""
    meta = cluster.get("meta")
    found = meta.get(key) if isinstance(meta, dict) else None
    values = found if isinstance(found, list) else [found]
    values += [part.get("value") for part in parts(cluster, "GalaxyElement")[:MAX_ELEMENTS] if part.get("key") == key]
    return list(dict.fromkeys(value[:250] for value in values[:MAX_ELEMENTS] if isinstance(value, str) and value))


def _carried(galaxy: Json, cluster: Json) -> Json:
    """The cluster as a MISP server would tell it again."""
    misp: Json = {"value": text_of(cluster, "value", 250)}
    misp |= {name: value for name in _FIELDS if (value := _plain(cluster.get(name))) is not None}
    if uuid := _own_uuid(cluster):
        misp["uuid"] = uuid
    authors = cluster.get("authors")
    if isinstance(authors, list) and (names := [name[:250] for name in authors[:100] if isinstance(name, str)]):
        misp["authors"] = names
    if (meta := _meta(cluster.get("meta"))) or isinstance(cluster.get("meta"), dict):
        misp["meta"] = meta
    if elements := [
        {"key": key, "value": value}
        for part in parts(cluster, "GalaxyElement")[:MAX_ELEMENTS]
        if (key := text_of(part, "key", 100)) and (value := text_of(part, "value", 4096))
    ]:
        misp["GalaxyElement"] = elements
    misp["Galaxy"] = {name: value for name in _GALAXY_FIELDS if (value := _plain(galaxy.get(name))) is not None}
    return misp


def _meta(meta: object) -> dict[str, list[str]]:
    if not isinstance(meta, dict):
        return {}
    found: dict[str, list[str]] = {}
    for key, values in list(meta.items())[:200]:
        listed = values if isinstance(values, list) else [values]
        texts = [value[:4096] for value in listed[:MAX_ELEMENTS] if isinstance(value, str)]
        if texts:
            found[key[:100]] = texts
    return found


def _plain(value: object) -> str | int | bool | None:
    if isinstance(value, str):
        return value[:MAX_TEXT] or None
    return value if isinstance(value, (bool, int)) else None
