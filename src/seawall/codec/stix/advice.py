"""Shoulds of the specification: what is allowed, but will make somebody else's life harder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seawall.codec.stix.registries import registry
from seawall.codec.stix.verdict import Findings, shown
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stix.countries import COUNTRIES
from seawall.model.stix.objects import ObservableObject
from seawall.model.stix.vocabularies import COMMON_RELATIONSHIPS, SUGGESTED_RELATIONSHIPS, VOCABULARIES

Advice = Callable[[dict[str, Any], Findings], None]

CONCERNS: dict[Advice, tuple[str, ...]] = {}
"""Advice that has nothing to say about an object without any of these properties."""

_NOT_SUGGESTED_FOR = frozenset({"bundle", "language-content", "marking-definition", "sighting", "relationship",
                                "extension-definition"})  # fmt: skip
_PRODUCT = re.compile(r"[a-z0-9-]+")
_NEW_OBJECT = frozenset({"new-sdo", "new-sco", "new-sro"})
_RANDOM_IDS = frozenset({"process"})
OBSERVABLES = frozenset(name for name, kind in OBJECT_TYPES.items() if issubclass(kind, ObservableObject))


def advise_id(kind: str, identifier: str, found: Findings) -> None:
    """2.9: UUIDv5 for observables, UUIDv4 for everything else."""
    version = identifier[-22:-21]
    if kind in OBSERVABLES and kind not in _RANDOM_IDS:
        if version != "5":
            found.warnings.append("id: a cyber-observable should have a UUIDv5")
    elif version != "4" and (kind in OBJECT_TYPES or kind == "bundle"):
        found.warnings.append("id: should have a UUIDv4")


def advise_custom_type(kind: str, obj: dict[str, Any], found: Findings) -> None:
    """7.3: new types come by extension."""
    extensions = obj.get("extensions")
    if isinstance(extensions, dict):
        for part in extensions.values():
            if isinstance(part, dict) and isinstance(word := part.get("extension_type"), str) and word in _NEW_OBJECT:
                return
    found.warnings.append(f"type: {shown(kind)} should be introduced by an extension")


def indicator(obj: dict[str, Any], found: Findings) -> None:
    """4.7: a name and a description."""
    if "name" not in obj or "description" not in obj:
        found.warnings.append("both 'name' and 'description' should be present")


def kill_chain(obj: dict[str, Any], found: Findings) -> None:
    """2.11: names in lower case with hyphens."""
    phases = obj.get("kill_chain_phases")
    for index, phase in enumerate(phases if isinstance(phases, list) else ()):
        if isinstance(phase, dict):
            for name in ("kill_chain_name", "phase_name"):
                if isinstance(text := phase.get(name), str) and _not_a_word(text):
                    found.warnings.append(f"kill_chain_phases[{index}].{name}: should be lower case with hyphens")


def open_words(*names: str) -> Advice:
    """2.12: values of open vocabularies are lower case with hyphens."""

    def advise(obj: dict[str, Any], found: Findings) -> None:
        for name in names:
            value = obj.get(name)
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str) and _not_a_word(text):
                    found.warnings.append(f"{name}: {shown(text)} should be lower case with hyphens")

    CONCERNS[advise] = names
    return advise


def _not_a_word(text: str) -> bool:
    return not text.islower() or "_" in text or " " in text


def relationship(obj: dict[str, Any], found: Findings) -> None:
    """3.7, part 4: the suggested relationships."""
    name, source, target = obj.get("relationship_type"), obj.get("source_ref"), obj.get("target_ref")
    if not (isinstance(name, str) and isinstance(source, str) and isinstance(target, str)):
        return
    one, other = source.partition("--")[0], target.partition("--")[0]
    if name in COMMON_RELATIONSHIPS or one in _NOT_SUGGESTED_FOR or other in _NOT_SUGGESTED_FOR:
        return
    if other not in SUGGESTED_RELATIONSHIPS.get(one, {}).get(name, ()):
        found.warnings.append(f"{shown(name)} is not a suggested relationship of {shown(one)} to {shown(other)}")


def deprecated_objects(obj: dict[str, Any], found: Findings) -> None:
    """4.14: ``objects`` is deprecated."""
    if "objects" in obj:
        found.warnings.append("objects: is deprecated, use object_refs")


def location(obj: dict[str, Any], found: Findings) -> None:
    """4.10: countries by ISO 3166-1 alpha-2."""
    country = obj.get("country")
    if isinstance(country, str) and country.upper() not in COUNTRIES:
        found.warnings.append(f"country: {shown(country)} should be an ISO 3166-1 ALPHA-2 code")


def malware_analysis(obj: dict[str, Any], found: Findings) -> None:
    """4.12: the product in lower case with hyphens."""
    product = obj.get("product")
    if isinstance(product, str) and not _PRODUCT.fullmatch(product):
        found.warnings.append("product: should be lower case with hyphens")


def extension_definition(obj: dict[str, Any], found: Findings) -> None:
    """7.3: a description; property names for top-level extensions."""
    if "description" not in obj:
        found.warnings.append("the 'description' property should be there")
    kinds = obj.get("extension_types")
    if isinstance(kinds, list) and "toplevel-property-extension" in kinds and "extension_properties" not in obj:
        found.warnings.append("'extension_properties' should name the properties")


def marking_definition(obj: dict[str, Any], found: Findings) -> None:
    """7.2: new kinds of markings come by extension."""
    if "extensions" not in obj and obj.get("definition_type") not in ("statement", "tlp"):
        found.warnings.append("custom marking definitions should use an extension")


def network_traffic(obj: dict[str, Any], found: Findings) -> None:
    """6.12: both ports; known flow fields."""
    if "src_port" not in obj or "dst_port" not in obj:
        found.warnings.append("both 'src_port' and 'dst_port' should be present")
    flow = obj.get("ipfix")
    for name in flow if isinstance(flow, dict) else ():
        if name not in registry("flow-elements"):
            found.warnings.append(f"ipfix: {shown(name)} is not an IPFIX element")


def process(obj: dict[str, Any], found: Findings) -> None:
    """6.13.2: priorities end in _CLASS."""
    extensions = obj.get("extensions")
    inner = extensions.get("windows-process-ext") if isinstance(extensions, dict) else None
    priority = inner.get("priority") if isinstance(inner, dict) else None
    if isinstance(priority, str) and not priority.endswith("_CLASS"):
        found.warnings.append("windows-process-ext.priority: should end in _CLASS")


def file(obj: dict[str, Any], found: Findings) -> None:
    """6.7.6: known kinds of PE files."""
    extensions = obj.get("extensions")
    inner = extensions.get("windows-pebinary-ext") if isinstance(extensions, dict) else None
    kind = inner.get("pe_type") if isinstance(inner, dict) else None
    if isinstance(kind, str) and kind not in VOCABULARIES["windows-pebinary-type-ov"]:
        found.warnings.append(f"windows-pebinary-ext.pe_type: {shown(kind)} is not in windows-pebinary-type-ov")


def reference_hashes(obj: dict[str, Any], found: Findings) -> None:
    """2.5: what a URL points at may change; a digest says what it was."""
    references = obj.get("external_references")
    for index, part in enumerate(references if isinstance(references, list) else ()):
        if isinstance(part, dict) and "url" in part and "hashes" not in part:
            found.warnings.append(f"external_references[{index}]: has a URL but no hash")


_BY_TYPE: dict[str, tuple[Advice, ...]] = {
    "attack-pattern": (kill_chain,),
    "indicator": (indicator, kill_chain, open_words("indicator_types")),
    "infrastructure": (kill_chain, open_words("infrastructure_types")),
    "malware": (
        kill_chain,
        open_words("malware_types", "architecture_execution_envs", "implementation_languages", "capabilities"),
    ),
    "tool": (kill_chain, open_words("tool_types")),
    "identity": (open_words("identity_class", "sectors"),),
    "intrusion-set": (open_words("resource_level", "primary_motivation", "secondary_motivations"),),
    "threat-actor": (
        open_words("threat_actor_types", "roles", "sophistication", "resource_level", "primary_motivation",
                   "secondary_motivations", "personal_motivations"),
    ),
    "report": (open_words("report_types"),),
    "malware-analysis": (malware_analysis, open_words("result")),
    "location": (location, open_words("region")),
    "relationship": (relationship,),
    "observed-data": (deprecated_objects,),
    "extension-definition": (extension_definition,),
    "marking-definition": (marking_definition,),
    "network-traffic": (network_traffic,),
    "process": (process,),
    "file": (file,),
}  # fmt: skip
CONCERNS |= {
    kill_chain: ("kill_chain_phases",),
    reference_hashes: ("external_references",),
    deprecated_objects: ("objects",),
    location: ("country",),
    malware_analysis: ("product",),
    process: ("extensions",),
    file: ("extensions",),
}
ADVICE: dict[str, tuple[Advice, ...]] = {
    name: (*_BY_TYPE.get(name, ()), *((reference_hashes,) if "external_references" in kind.__struct_fields__ else ()))
    for name, kind in OBJECT_TYPES.items()
}
