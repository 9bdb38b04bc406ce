"""Musts of single types that no table can say: patterns, TLP markings, references, and the like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seawall.codec.pattern import Comparison, PatternError, comparisons, is_ordinary, parse
from seawall.codec.stix.formats import FORMATS, IDENTIFIER
from seawall.codec.stix.verdict import Findings, shown
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stix.objects import ObservableObject
from seawall.model.stix.tlp import TLP1_IDS, tlp1_object

Special = Callable[[dict[str, Any], Findings], None]

_OBJECT_TYPE = re.compile(r"-?[a-z0-9]+(?:-[a-z0-9]+)*-?")
_PROPERTY = re.compile(r"[a-z0-9_]{3,250}")
_CVE = re.compile(r"CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,})")
_CAPEC = re.compile(r"CAPEC-\d+")
_INDEX = re.compile(r"\[(\d{1,9})\]")
_TLP1 = {id: tlp1_object(level) for level, id in TLP1_IDS.items()}
_HEADERS = frozenset({"date", "received_lines", "content_type", "from_ref", "sender_ref", "to_refs", "cc_refs",
                      "bcc_refs", "subject"})  # fmt: skip


def pattern(obj: dict[str, Any], found: Findings) -> None:
    """4.7, 9: a STIX pattern parses, and names types and properties that can exist."""
    text = obj.get("pattern")
    if obj.get("pattern_type") != "stix" or not isinstance(text, str) or is_ordinary(text):
        return
    try:
        tree = parse(text)
    except PatternError as error:
        found.errors.append(f"pattern: {error}")
        return
    for comparison in comparisons(tree):
        _path(comparison, found)


def _path(comparison: Comparison, found: Findings) -> None:
    kind, first = comparison.path.type, comparison.path.steps[0]
    known = OBJECT_TYPES.get(kind)
    if known is None or not issubclass(known, ObservableObject):
        if not _OBJECT_TYPE.fullmatch(kind) or not 3 <= len(kind) <= 250:
            found.errors.append(f"pattern: {shown(kind)} is not an object type")
    elif first in known.__struct_fields__:
        return
    if isinstance(first, str) and first != "id" and not _PROPERTY.fullmatch(first):
        found.errors.append(f"pattern: {shown(first)} is not a property name")


def malware(obj: dict[str, Any], found: Findings) -> None:
    """4.11: a family has a name."""
    if obj.get("is_family") is True and "name" not in obj:
        found.errors.append("a malware family needs a 'name'")


def location(obj: dict[str, Any], found: Findings) -> None:
    """4.10: a point needs both co-ordinates."""
    if "latitude" in obj and "longitude" not in obj and "region" not in obj and "country" not in obj:
        found.errors.append("at least one of region, country, or latitude and longitude must be present")


def email_message(obj: dict[str, Any], found: Findings) -> None:
    """6.6: ``body`` goes with one part, ``body_multipart`` with several."""
    multipart = obj.get("is_multipart")
    if multipart is False and "body_multipart" in obj:
        found.errors.append("'body_multipart' must not be present when 'is_multipart' is false")
    if multipart is True and "body" in obj:
        found.errors.append("'body' must not be present when 'is_multipart' is true")
    fields = obj.get("additional_header_fields")
    if isinstance(fields, dict):
        for name, value in fields.items():
            if not isinstance(value, str) and not (
                isinstance(value, list) and len(value) > 1 and all(isinstance(part, str) for part in value)
            ):
                found.errors.append(f"additional_header_fields.{name}: must be a string or several")
        if fields and _HEADERS.issuperset(fields):
            found.errors.append("additional_header_fields: these headers have properties of their own")


def network_traffic(obj: dict[str, Any], found: Findings) -> None:
    """6.12: what is going on has no end."""
    if obj.get("is_active") is True and "end" in obj:
        found.errors.append("'end' must not be present when 'is_active' is true")


def uuid_version(*contributing: str) -> Special:
    """2.9: an SCO without any contributing property has a random id."""

    def check(obj: dict[str, Any], found: Findings) -> None:
        identifier = obj.get("id")
        if (
            isinstance(identifier, str)
            and IDENTIFIER.fullmatch(identifier)
            and identifier[-22] != "4"
            and obj.keys().isdisjoint(contributing)
        ):
            found.errors.append("id: without id contributing properties a UUIDv4 must be used")

    return check


def marking_definition(obj: dict[str, Any], found: Findings) -> None:
    """7.2: TLP 1 markings are the published ones, letter by letter; others have a definition or an extension."""
    kind, definition = obj.get("definition_type"), obj.get("definition")
    if kind == "tlp":
        if dict(obj) != _TLP1.get(str(obj.get("id"))):
            found.errors.append("TLP marking-definitions must match one of those defined in the specification")
        return
    if kind is None and "extensions" not in obj:
        found.errors.append("'definition_type' and 'definition' are required without an extension")
    if kind == "statement" and not (isinstance(definition, dict) and isinstance(definition.get("statement"), str)):
        found.errors.append("definition: a statement marking needs a 'statement'")
    own = obj.get("id")
    refs = obj.get("object_marking_refs")
    if isinstance(refs, list) and own in refs:
        found.errors.append("object_marking_refs: a marking must not mark itself")
    for marking in _list(obj.get("granular_markings")):
        if isinstance(marking, dict) and marking.get("marking_ref") == own:
            found.errors.append("granular_markings: a marking must not mark itself")


def extension_definition(obj: dict[str, Any], found: Findings) -> None:
    """7.3: ``extension_properties`` only for top-level property extensions."""
    kinds = obj.get("extension_types")
    if "extension_properties" in obj and not (isinstance(kinds, list) and "toplevel-property-extension" in kinds):
        found.errors.append("'extension_properties' needs the type toplevel-property-extension")


def language_content(obj: dict[str, Any], found: Findings) -> None:
    """7.1: languages, and below each the translated properties."""
    contents = obj.get("contents")
    if not isinstance(contents, dict):
        return
    for language, translated in contents.items():
        if FORMATS["language"](language) is not None:
            found.errors.append(f"contents: {shown(language)} is not an RFC 5646 language code")
        if not isinstance(translated, dict):
            found.errors.append(f"contents.{language}: must be an object")
            continue
        for name in translated:
            if not _PROPERTY.fullmatch(name):
                found.errors.append(f"contents.{language}: {shown(name)} is not a property name")


def external_references(obj: dict[str, Any], found: Findings) -> None:
    """2.5: CVE and CAPEC references have their own form; others say something beside the source's name."""
    references = obj.get("external_references")
    if not isinstance(references, list):
        return
    for index, part in enumerate(references):
        if not isinstance(part, dict) or not isinstance(source := part.get("source_name"), str):
            continue
        text = part.get("external_id")
        number = text if isinstance(text, str) else ""
        if source == "cve":
            good = bool(_CVE.fullmatch(number))
        elif source == "capec":
            good = bool(_CAPEC.fullmatch(number))
        else:
            good = not (_CVE.fullmatch(number) or _CAPEC.fullmatch(number)) and not part.keys().isdisjoint(
                ("external_id", "description", "url")
            )
        if not good:
            found.errors.append(f"external_references[{index}]: not a well-formed reference to {shown(source)}")


def observed_objects(obj: dict[str, Any], found: Findings) -> None:
    """4.14 (deprecated form): the objects inside obey the rules of their types and refer to each other."""
    from seawall.codec.stix.embedded import check_embedded

    objects = obj.get("objects")
    if isinstance(objects, dict):
        check_embedded(objects, found)


def check_markings(obj: dict[str, Any], found: Findings) -> None:
    """7.2.3: selectors point at something that is there."""
    for index, marking in enumerate(_list(obj.get("granular_markings"))):
        selectors = marking.get("selectors") if isinstance(marking, dict) else None
        for selector in _list(selectors):
            if isinstance(selector, str) and not _selects(obj, selector):
                found.errors.append(f"granular_markings[{index}]: {shown(selector)} selects nothing")


def _list(value: Any) -> list[Any]:
    """A list, or none: its type was judged with the property itself."""
    return value if isinstance(value, list) else []


def _selects(obj: Any, selector: str) -> bool:
    for step in selector.split("."):
        if (match := _INDEX.fullmatch(step)) is not None:
            if not isinstance(obj, list) or int(match[1]) >= len(obj):
                return False
            obj = obj[int(match[1])]
        elif isinstance(obj, dict) and step in obj:
            obj = obj[step]
        else:
            return False
    return True


_REFERENCED = (external_references,)
_VERSIONED_TYPES = [name for name, kind in OBJECT_TYPES.items() if "external_references" in kind.__struct_fields__]
SPECIAL: dict[str, tuple[Special, ...]] = dict.fromkeys(_VERSIONED_TYPES, _REFERENCED)
for _name, _special in {
    "indicator": pattern,
    "malware": malware,
    "location": location,
    "email-message": email_message,
    "network-traffic": network_traffic,
    "marking-definition": marking_definition,
    "extension-definition": extension_definition,
    "language-content": language_content,
    "observed-data": observed_objects,
    "artifact": uuid_version("hashes", "payload_bin"),
    "user-account": uuid_version("account_type", "user_id", "account_login"),
    "windows-registry-key": uuid_version("key", "values"),
    "x509-certificate": uuid_version("hashes", "serial_number"),
    "process": uuid_version(),
}.items():
    SPECIAL[_name] = (*SPECIAL.get(_name, ()), _special)
CONCERNS: dict[Special, tuple[str, ...]] = {
    external_references: ("external_references",),
    pattern: ("pattern",),
    malware: ("is_family",),
    observed_objects: ("objects",),
}
"""Musts that cannot be broken by an object without any of these properties."""
SPECIAL["email-message"] = (*SPECIAL["email-message"], uuid_version("from_ref", "subject", "body"))
