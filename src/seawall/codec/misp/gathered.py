"""What was found of one event, and what several events refer to, before they are put together."""

from __future__ import annotations

from seawall.codec.misp.pieces import uuid_of
from seawall.codec.misp.reading import Json, uuid_in
from seawall.codec.misp.trust import speaks_for


class Gathered:
    """What was found of one event."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.report: Json | None = None
        self.header: Json = {}
        self.attributes: dict[str, tuple[Json, Json, str | None]] = {}  # UUID -> object, what MISP said, object's UUID
        self.objects: dict[str, tuple[Json, Json]] = {}
        self.reports: list[tuple[Json, Json]] = []
        self.sightings: list[tuple[Json, Json, str | None]] = []
        self.references: list[tuple[Json, Json, str | None]] = []
        self.data: dict[str, str] = {}
        self.made: list[Json] = []  # attributes that were made of plain STIX, finished but for their order
        self.made_reports: list[Json] = []
        self.extra_tags: dict[str, list[str]] = {}  # UUID of an attribute, or "" for the event -> tags

    def take(self, obj: Json, part: Json) -> None:
        """One object that carries a part of this event."""
        misp = part.get("misp", {})
        uuid = uuid_of(obj)
        inside = uuid_in(part, "object_uuid")
        kind = part["kind"]
        if kind == "event":
            self.report, self.header = obj, misp
        elif kind == "attribute":
            held = self.attributes.get(uuid)  # an attribute that was for detection once is two objects, one of them old
            if held is None or _age(held[0]) < _age(obj):
                self.attributes[uuid] = obj, misp, inside
        elif kind == "object":
            self.objects[uuid] = obj, misp
        elif kind == "report":
            self.reports.append((obj, misp))
        elif kind == "sighting":
            self.sightings.append((obj, misp, inside))
        elif kind == "reference":
            self.references.append((obj, misp, inside))
        elif isinstance(obj.get("payload_bin"), str) and inside is not None:
            self.data[inside] = obj["payload_bin"]

    def carriers(self) -> list[Json]:
        """The STIX objects of its attributes and objects."""
        return [obj for obj, _, _ in self.attributes.values()] + [obj for obj, _ in self.objects.values()]

    def strangers(self) -> list[Json]:
        """Attributes and objects of another creator than the event's, taken out of it."""
        found: list[Json] = []
        for uuid, (obj, _, _) in list(self.attributes.items()):
            if not speaks_for(obj, self.report):
                found.append(self.attributes.pop(uuid)[0])
        for uuid, (obj, _) in list(self.objects.items()):
            if not speaks_for(obj, self.report):
                found.append(self.objects.pop(uuid)[0])
        return found

    def places(self) -> dict[str, int]:
        """Where the report lists an object, by UUID."""
        refs = self.report.get("object_refs") if self.report is not None else None
        found = [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []
        return {ref.partition("--")[2]: place for place, ref in reversed(list(enumerate(found)))}


def _age(obj: Json) -> tuple[str, bool, str]:
    return str(obj.get("modified")), obj.get("revoked") is not True, str(obj.get("id"))


class Shared:
    """What several events refer to: identities by id, galaxy clusters by the tag that names them."""

    def __init__(self) -> None:
        self.identities: dict[str, Json] = {}
        self.clusters: dict[str, tuple[Json, Json]] = {}  # tag name -> galaxy, cluster
