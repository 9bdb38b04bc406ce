"""Our extensions published: their extension-definitions as a bundle, and the JSON schema of what stands in each."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from seawall.codec.stix.formats import TIMESTAMP_TEXT, UUID_TEXT
from seawall.model.stix.kinds import Kind
from seawall.model.stix.known_extensions import KNOWN_EXTENSIONS, KnownExtension
from seawall.model.stix.vocabularies import VOCABULARIES

PUBLISHER = "identity--0d6f3c1e-7b7d-4d57-9c4e-5a8f1e2b6c90"
PUBLISHED = "2026-11-01T00:00:00.000Z"
SCHEMA_FOLDER = "docs/schemas"
_TIMESTAMP = TIMESTAMP_TEXT.replace("(?!0000)", "")
_TEXTS: dict[str, dict[str, object]] = {
    "timestamp": {"pattern": f"^(?:{_TIMESTAMP}|[0-9]{{4}}-02-29T[0-9:.]+Z)$"},
    "identifier": {"pattern": f"^[a-z][a-z0-9-]+[a-z0-9]--{UUID_TEXT}$"},
    "binary": {"pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$"},
}


def extension_bundle() -> dict[str, Any]:
    """The extension-definitions of our own extensions, with who publishes them: a bundle that stands alone."""
    publisher = {
        "type": "identity",
        "spec_version": "2.1",
        "id": PUBLISHER,
        "created": PUBLISHED,
        "modified": PUBLISHED,
        "name": "Seawall",
        "identity_class": "system",
    }
    own = [_definition(name, known) for name, known in KNOWN_EXTENSIONS.items() if known.own]
    return {"type": "bundle", "id": "bundle--2f6d9a3b-4c1e-4f7a-8b0d-6e5c9f1a7d34", "objects": [publisher, *own]}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> JSON schema (draft 2020-12) of the content of each extension that we know."""
    return {f"{known.name}.json": _schema(name, known) for name, known in KNOWN_EXTENSIONS.items()}


def _definition(name: str, known: KnownExtension) -> dict[str, Any]:
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": name,
        "created_by_ref": PUBLISHER,
        "created": PUBLISHED,
        "modified": PUBLISHED,
        "name": f"Seawall {known.name}",
        "description": known.description,
        "schema": f"{SCHEMA_FOLDER}/{known.name}.json",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


def _schema(name: str, known: KnownExtension) -> dict[str, Any]:
    hints = get_type_hints(known.shape, include_extras=True)
    fields = msgspec.structs.fields(known.shape)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:seawall:extension:{known.name}",
        "title": known.name,
        "description": f"{known.description} Content of the extension {name}.",
        "type": "object",
        "properties": {field.name: _of(hints[field.name]) for field in fields},
        "required": [field.name for field in fields if field.required],
    }


def _of(annotation: Any) -> dict[str, object]:
    """The schema of one annotated type of ``model.stix``."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _of(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is Annotated:
        base, *notes = get_args(annotation)
        schema = _of(base)
        for note in notes:
            if isinstance(note, msgspec.Meta):
                bounds = {"minimum": note.ge, "maximum": note.le}
                schema |= {word: bound for word, bound in bounds.items() if bound is not None}
            elif isinstance(note, Kind):
                words = VOCABULARIES.get(note.vocabulary)
                schema |= {"enum": sorted(words)} if words is not None else _TEXTS[note.name]
        return schema
    if origin is list:
        return {"type": "array", "items": _of(get_args(annotation)[0]), "minItems": 1}
    if origin is dict:
        return {"type": "object", "minProperties": 1}
    return {"type": {str: "string", bool: "boolean", int: "integer"}[annotation]}
