"""Checks of ``extensions`` (7.3): the predefined ones by their declared shape, the others by their frame."""

from __future__ import annotations

import re
from typing import Any

from seawall.codec.stix.formats import EXTENSION_ID, FORMATS
from seawall.codec.stix.values import compile_shape
from seawall.codec.stix.verdict import Findings, shown
from seawall.model.stix.extensions import PREDEFINED_EXTENSIONS
from seawall.model.stix.known_extensions import KNOWN_EXTENSIONS
from seawall.model.stix.vocabularies import VOCABULARIES

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-ext")
_PROPERTY = re.compile(r"^(?:[a-z][a-z0-9_]{2,249})|id$|^[a-z][a-z0-9_]{0,245}_(?:bin|hex)$")
_TYPES = VOCABULARIES["extension-type-enum"]
_SHAPES = {
    kind: {name: compile_shape(shape) for name, shape in shapes.items()}
    for kind, shapes in PREDEFINED_EXTENSIONS.items()
}
_KNOWN_SHAPES = {name: compile_shape(known.shape) for name, known in KNOWN_EXTENSIONS.items()}
_KNOWN = {
    kind: {name: frozenset(shape.__struct_fields__) for name, shape in shapes.items()}
    for kind, shapes in PREDEFINED_EXTENSIONS.items()
}


def check_extensions(obj: dict[str, Any], found: Findings) -> None:
    """The content of ``extensions``; that it is a non-empty object was checked with the property itself."""
    extensions, kind = obj["extensions"], str(obj["type"])
    if not isinstance(extensions, dict):
        return
    shapes = _SHAPES.get(kind, {})
    known = _KNOWN.get(kind, {})
    extended = False
    for name, part in extensions.items():
        place = f"extensions.{name}" if len(name) < 80 else "extensions"
        if not isinstance(part, dict) or not part:
            found.errors.append(f"{place}: {shown(part)} is not an object with properties")
        elif (shape := shapes.get(name)) is not None:
            shape(place, part, found)
            _check_names(place, {key: part[key] for key in part.keys() - known[name]}, found)
        elif EXTENSION_ID.fullmatch(name):
            _check_defined(place, part, found)
            _check_known(name, kind, place, part, found)
            extended |= part.get("extension_type") == "property-extension"
        elif _NAME.fullmatch(name) and kind != "marking-definition":
            _check_names(place, part, found)
            extended |= part.get("extension_type") == "property-extension"
            if shapes and not extended:
                found.warnings.append(f"{place}: should be an extension with an extension-definition")
        else:
            found.errors.append(f"extensions: {shown(name)} is neither an extension-definition id nor ends in '-ext'")


def _check_defined(place: str, part: dict[str, Any], found: Findings) -> None:
    _check_names(place, part, found)
    kind = part.get("extension_type")
    if kind is None:
        found.errors.append(f"{place}: 'extension_type' is a required property")
    elif not isinstance(kind, str) or kind not in _TYPES:
        found.errors.append(f"{place}.extension_type: {shown(kind)} is not one of {', '.join(sorted(_TYPES))}")


def _check_known(name: str, kind: str, place: str, part: dict[str, Any], found: Findings) -> None:
    """What stands in an extension that we know; drafts of others earn warnings, see ``known_extensions``."""
    known = KNOWN_EXTENSIONS.get(name)
    if known is None:
        return
    inner = Findings()
    _KNOWN_SHAPES[name](place, part, inner)
    if known.on and kind not in known.on:
        inner.warnings.append(f"{place}: {known.name} belongs to {' or '.join(known.on)}, not to {shown(kind)}")
    (found.errors if known.firm else found.warnings).extend(inner.errors)
    found.warnings.extend(inner.warnings)


def _check_names(place: str, part: dict[str, Any], found: Findings) -> None:
    for name, value in part.items():
        if not _PROPERTY.search(name):
            found.errors.append(f"{place}: {shown(name)} is not a property name")
        elif value is None or value == []:
            found.errors.append(f"{place}.{name}: null and empty lists are not allowed")
        elif name.endswith(("_bin", "_hex")) and (
            not isinstance(value, str) or FORMATS["binary" if name.endswith("_bin") else "hex"](value)
        ):
            found.errors.append(f"{place}.{name}: {shown(value)} is not what its name says")
