"""What STIX has no place for, carried beside it: the property extension of everything made from MISP.

Each STIX object made from a part of a MISP event has it::

    "extensions": {EXTENSION: {"extension_type": "property-extension",
                               "kind": "attribute",  # event, object, report, sighting, reference, cluster, data
                               "event_uuid": "...", "object_uuid": "...",
                               "misp": {"type": "ip-dst|port", "category": "Network activity", ...}}}

``misp`` holds properties under the names and in the spelling of MISP's core format. Numbers that one server gave its
rows, organisations (they are identities) and empty values are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seawall.codec.losses import LossCounter
from seawall.codec.misp.reading import MAX_TEXT, MAX_VALUE, Json
from seawall.model.stix.known_extensions import MISP_EXTENSION

EXTENSION = MISP_EXTENSION
KINDS = frozenset({"event", "attribute", "object", "report", "sighting", "reference", "cluster", "data"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ATTRIBUTE_FIELDS = _words(
    "type category value to_ids comment distribution first_seen last_seen timestamp object_relation "
    "disable_correlation deleted"
)
EVENT_FIELDS = _words(
    "date threat_level_id analysis published distribution timestamp publish_timestamp extends_uuid "
    "disable_correlation sighting_timestamp"
)
OBJECT_FIELDS = _words(
    "name meta-category description template_uuid template_version distribution comment first_seen last_seen "
    "timestamp deleted"
)
REPORT_FIELDS = _words("name distribution timestamp deleted")
SIGHTING_FIELDS = _words("type source date_sighting")
REFERENCE_FIELDS = _words("relationship_type comment deleted timestamp referenced_uuid")
LOCAL_FIELDS = _words(
    "id event_id object_id org_id orgc_id sharing_group_id attribute_id old_id attribute_count proposal_email_lock "
    "locked protected referenced_id referenced_type source_uuid object_uuid attribute_uuid event_uuid uuid galaxies "
    "event_info info content data event_creator_email correlation_exclusion warnings value1 value2 fingerprint user_id "
    "edited"
)
"""Numbers and notes of the server that a document came from, and what stands elsewhere; never carried."""
_FALSE: tuple[object, ...] = (None, "", [], {}, False)  # defaults of MISP: an export without them says the same


def kept(part: Json, fields: frozenset[str], losses: LossCounter, kind: str) -> Json:
    """The properties of ``part`` that are carried: scalars under the known names, nothing empty.

    Texts that are too long and properties that nobody knows are losses.
    """
    found: Json = {}
    for name, value in part.items():
        if name in fields:
            if value in _FALSE and not (name == "to_ids" and value is False):
                continue
            if isinstance(value, str) and len(value) > MAX_TEXT and name != "value":
                losses.add(f"misp:{kind}:{name}-too-long", f"{len(value)} characters, the first {MAX_TEXT} are kept")
                found[name] = value[:MAX_TEXT]
            elif isinstance(value, (str, int, float)) and len(str(value)[: MAX_VALUE + 1]) <= MAX_VALUE:
                found[name] = value
            else:
                losses.add(f"misp:{kind}:{name[:40]}", "it is no plain value")
        elif name not in LOCAL_FIELDS and not name[:1].isupper() and value not in _FALSE:
            losses.add(f"misp:{kind}:{name[:40]}", f"{str(value)[:80]!r}")
    return found


def extension(kind: str, event_uuid: str | None, misp: Json, object_uuid: str | None = None) -> Json:
    """The ``extensions`` property of one object."""
    part: Json = {"extension_type": "property-extension", "kind": kind}
    if event_uuid is not None:
        part["event_uuid"] = event_uuid
    if object_uuid is not None:
        part["object_uuid"] = object_uuid
    if misp:
        part["misp"] = misp
    return {EXTENSION: part}


def carried(obj: Mapping[str, Any]) -> Json | None:
    """The extension of an object made from MISP, in order enough to be read; None for all other objects."""
    extensions = obj.get("extensions")
    part = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    if not isinstance(part, dict) or part.get("kind") not in KINDS or not isinstance(part.get("misp", {}), dict):
        return None
    return part


def without_extension(obj: Json) -> Json:
    """The object as its plain STIX says it."""
    extensions = {name: part for name, part in obj.get("extensions", {}).items() if name != EXTENSION}
    bare = {name: value for name, value in obj.items() if name != "extensions"}
    return {**bare, "extensions": extensions} if extensions else bare
