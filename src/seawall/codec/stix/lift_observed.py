"""The observables inside a STIX 2.0 observed-data become objects of their own, with 2.1 names and ids."""

from __future__ import annotations

import hashlib
from typing import Any

from seawall.codec.losses import LossCounter
from seawall.model.stix import OBJECT_TYPES, observable_id
from seawall.model.stix.ids import random_id
from seawall.model.stix.objects import ObservableObject

_FILE_TIMES = {"created": "ctime", "modified": "mtime", "accessed": "atime"}
_RENAMED = {
    "file": _FILE_TIMES,
    "directory": _FILE_TIMES,
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "windows-registry-key": {"modified": "modified_time"},
    "user-account": {"password_last_changed": "credential_last_changed"},
}
_REMOVED = {
    "file": ("is_encrypted", "encryption_algorithm", "decryption_key"),
    "process": ("name", "arguments"),
}


def lift_observed_data(observed: dict[str, Any], losses: LossCounter) -> list[dict[str, Any]]:
    """The observed-data with ``object_refs`` first, then its observables in the order of their keys."""
    lifter = _Lifter(str(observed.get("id")), observed.pop("objects"), losses)
    observables = [obj for key in lifter.objects if (obj := lifter.lifted(key)) is not None]
    observed["object_refs"] = list(dict.fromkeys(obj["id"] for obj in observables))
    unique = {obj["id"]: obj for obj in observables}
    return [observed, *unique.values()]


class _Lifter:
    """Lifts by key, because an object's id may depend on the ids of those it refers to."""

    def __init__(self, owner: str, objects: dict[str, Any], losses: LossCounter) -> None:
        self.owner, self.objects, self.losses = owner, objects, losses
        self.done: dict[str, dict[str, Any] | None] = {}

    def lifted(self, key: str) -> dict[str, Any] | None:
        if key in self.done:
            return self.done[key]
        self.done[key] = None  # a circle of references ends here
        if key not in self.objects:
            return None  # the reference to it is what is lost
        source = self.objects[key]
        if not isinstance(source, dict) or not isinstance(kind := source.get("type"), str):
            self.losses.add("stix20:observable", f"{self.owner}: objects.{key} has no type")
            return None
        fresh = self._renamed(kind, source)
        for name in [name for name in fresh if name.endswith(("_ref", "_refs"))]:
            self._resolve(kind, fresh, name)
        self._nested_refs(fresh)
        fresh = {"type": kind, "spec_version": "2.1", "id": self._id(kind, key, fresh), **fresh}
        self.done[key] = fresh
        return fresh

    def _renamed(self, kind: str, source: dict[str, Any]) -> dict[str, Any]:
        names, removed = _RENAMED.get(kind, {}), _REMOVED.get(kind, ())
        for name in removed:
            if name in source:
                self.losses.add(f"stix20:{kind}.{name}", f"{self.owner}: {name}={source[name]!r}")
        return {
            names.get(name, name): value for name, value in source.items() if name not in removed and name != "type"
        }

    def _resolve(self, kind: str, fresh: dict[str, Any], name: str) -> None:
        value = fresh[name]
        keys = value if isinstance(value, list) else [value]
        ids = [obj["id"] for key in keys if isinstance(key, str) and (obj := self.lifted(key)) is not None]
        if len(ids) < len(keys):
            self.losses.add("stix20:reference", f"{self.owner}: {kind}.{name} refers to something that is not there")
        if not ids:
            del fresh[name]
        else:
            fresh[name] = ids if isinstance(value, list) else ids[0]

    def _nested_refs(self, fresh: dict[str, Any]) -> None:
        """References inside mail parts and extensions."""
        parts = [part for part in fresh.get("body_multipart") or () if isinstance(part, dict)]
        extensions = fresh.get("extensions")
        inner = [part for part in extensions.values() if isinstance(part, dict)] if isinstance(extensions, dict) else []
        for part in (*parts, *inner):
            for name in [name for name in part if name.endswith(("_ref", "_refs"))]:
                self._resolve("nested", part, name)

    def _id(self, kind: str, key: str, properties: dict[str, Any]) -> str:
        known = OBJECT_TYPES.get(kind)
        if known is not None and issubclass(known, ObservableObject):
            found = observable_id(kind, properties, known.id_from)
            if found is not None:
                return found
        seed = hashlib.sha256(f"{self.owner}\0{key}".encode()).digest()  # random by the standard; the same again here
        return random_id(kind, lambda size: seed[:size])
