"""STIX objects that did not come from MISP, gathered into events.

A report or grouping is an event of what it lists. What stands in none goes into one event for each creator, day and
marking, in at most ``PARTS`` pieces of it: an event of a hundred thousand attributes opens in no browser. UUIDs derive
from these, so that an export of the same objects gives the same events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.codec.misp.extension import carried
from seawall.codec.misp.gathered import Gathered, Shared
from seawall.codec.misp.pieces import Losses, seconds_of, uuid_of
from seawall.codec.misp.reading import Json, text_of, uuid_from
from seawall.codec.misp.remark import marking_refs
from seawall.codec.misp.single import attributes_of, observable_attributes, tag_names
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS, tlp_of_refs

PARTS = 16
PART_OVER = 5_000  # attributes of one creator, day and marking that still go into one event
_NAMED = frozenset({"threat-actor", "intrusion-set", "malware", "tool", "attack-pattern", "campaign",
                    "course-of-action", "infrastructure"})  # fmt: skip
_SILENT = frozenset({"marking-definition", "extension-definition", "identity", "language-content"})
"""What governs or names other objects; tags and organisations say it."""


class Plain:
    """Collects what carries no extension of ours until everything is read."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.shared = Shared()
        self.clusters: dict[str, Json] = {}
        self.attributes: dict[str, tuple[Json, list[Json]]] = {}  # STIX id -> its outline, its attributes
        self.containers: dict[str, Json] = {}
        self.observables: dict[str, Json] = {}
        self.observed: list[Json] = []
        self.named: dict[str, Json] = {}
        self.relations: list[Json] = []
        self.sightings: list[Json] = []
        self.notes: list[Json] = []

    def take(self, obj: Json) -> None:
        """One object."""
        kind, identifier = obj["type"], obj["id"]
        if kind == "indicator":
            self.attributes[identifier] = _outline(obj), attributes_of(obj, self.losses)
        elif kind == "vulnerability" and isinstance(name := obj.get("name"), str) and name:
            pattern = {**obj, "type": "indicator", "pattern_type": "other", "pattern": name}
            made = attributes_of(pattern, [])
            self.attributes[identifier] = _outline(obj), [{**made[0], "type": "vulnerability", "to_ids": False,
                                                 "category": "External analysis"}]  # fmt: skip
        elif kind in ("report", "grouping"):
            self.containers[identifier] = obj
        elif kind == "observed-data":
            self.observed.append(obj)
        elif kind in _NAMED:
            self.named[identifier] = obj
        elif kind == "relationship":
            self.relations.append(obj)
        elif kind == "sighting":
            self.sightings.append(obj)
        elif kind in ("note", "opinion"):
            self.notes.append(obj)
        elif "modified" not in obj and "created" not in obj:
            self.observables[identifier] = obj
        elif kind not in _SILENT:
            self.losses.append((identifier, f"MISP has no place for {kind[:40]} objects"))
        if kind == "identity":
            self.shared.identities[identifier] = obj

    def into(self, known: dict[str, Gathered]) -> None:
        """Add everything to ``known`` (UUID -> event)."""
        self._name_clusters()
        carriers = {uuid: gathered for gathered in known.values() for uuid in gathered.attributes}
        brought = [obj for gathered in known.values() for obj in gathered.carriers()]
        self._observe({ref for obj in brought for ref in _refs(obj)})
        self._relate(carriers)
        home = self._contain(known)
        self._gather(known, {identifier for identifier in self.attributes if identifier not in home})
        self._see(known, carriers)
        self._annotate(known)

    def _name_clusters(self) -> None:
        for cluster in self.clusters.values():
            misp = (carried(cluster) or {}).get("misp", {})
            galaxy = misp.get("Galaxy") if isinstance(misp.get("Galaxy"), dict) else {}
            name = text_of(misp, "tag_name", 250) or f'misp-galaxy:{text_of(misp, "type", 100)}="{misp.get("value")}"'
            told = {key: value for key, value in misp.items() if key != "Galaxy"} | {"tag_name": name}
            text = cluster.get("content") if cluster["type"] == "note" else cluster.get("description")
            if isinstance(text, str):
                told["description"] = text
            self.shared.clusters[name] = galaxy, told

    def _observe(self, recorded: set[str]) -> None:
        """Observed data and what it refers to; observables that MISP attributes brought are known already."""
        used = set(recorded)
        for obj in self.observed:
            made: list[Json] = []
            for ref in _refs(obj):
                used.add(ref)
                if (sco := self.observables.get(ref)) is not None:
                    made += observable_attributes(obj, sco, self.losses)
            used.update(inner for ref in _refs(obj) for inner in _inner(self.observables.get(ref)))
            self.attributes[obj["id"]] = _outline(obj), made
        used.update(inner for ref in recorded for inner in _inner(self.observables.get(ref)))
        listed = {ref for obj in self.containers.values() for ref in _refs(obj)}
        for identifier in sorted(self.observables.keys() - used):
            sco = self.observables[identifier]
            if identifier in listed:
                self.attributes[identifier] = _outline(sco), observable_attributes(sco, sco, self.losses)
            else:
                self.losses.append((identifier, "no observed-data and no report refers to it"))

    def _relate(self, carriers: dict[str, Gathered]) -> None:
        """What an indicator indicates is a tag of its attributes."""
        for obj in self.relations:
            source, target = str(obj.get("source_ref")), str(obj.get("target_ref"))
            tag = self._tag(target)
            listed = self.attributes.get(source, (None, []))[1]
            known = carriers.get(uuid_of({"id": source})) if tag is not None else None
            if tag is None or (not listed and known is None):
                self.losses.append((obj["id"], "MISP has no place for this relationship between these two"))
                continue
            for made in listed:
                _add_tag(made, tag)
            if known is not None and target not in self.clusters:
                known.extra_tags.setdefault(uuid_of({"id": source}), []).append(tag)

    def _tag(self, identifier: str) -> str | None:
        """The galaxy tag of an object; its name stays in the namespace of where it came from."""
        if (cluster := self.clusters.get(identifier)) is not None:
            return text_of((carried(cluster) or {}).get("misp", {}), "tag_name", 250) or None
        obj = self.named.get(identifier)
        if obj is None:
            return None
        name = str(obj.get("name"))[:200].replace('"', "'")
        references = obj.get("external_references")
        for part in references if isinstance(references, list) else ():
            if isinstance(part, dict) and part.get("source_name") == "mitre-attack" and part.get("external_id"):
                kind = {"malware": "malware", "tool": "tool"}.get(obj["type"], obj["type"])
                return f'misp-galaxy:mitre-{kind}="{name} - {str(part["external_id"])[:20]}"'
        return f'misp-galaxy:stix-2.1-{obj["type"]}="{name}"'

    def _contain(self, known: dict[str, Gathered]) -> set[str]:
        """Events of reports and groupings; an object that two of them list belongs to the first by id."""
        home: set[str] = set()
        for identifier, obj in sorted(self.containers.items()):
            gathered = Gathered(uuid_of(obj))
            gathered.report = obj
            listed = [ref for ref in _refs(obj) if ref in self.attributes and ref not in home]
            home.update(listed)
            tags = [tag for ref in _refs(obj) if (tag := self._tag(ref)) is not None]
            self._fill(gathered, obj, listed, tag_names(obj) + tags)
            known.setdefault(gathered.uuid, gathered)
            self._link(gathered, obj)
            if isinstance(text := obj.get("description"), str) and text.strip():
                gathered.made_reports.append({
                    "uuid": uuid_from(identifier, "description"), "name": "Description", "content": text,
                    "timestamp": seconds_of(obj), "deleted": False,
                })  # fmt: skip
        return home

    def _link(self, gathered: Gathered, obj: Json) -> None:
        references = obj.get("external_references")
        for part in references if isinstance(references, list) else ():
            if isinstance(part, dict) and isinstance(url := part.get("url"), str):
                gathered.made.append({
                    "uuid": uuid_from(gathered.uuid, "link", url), "type": "link", "category": "External analysis",
                    "to_ids": False, "value": url, "timestamp": seconds_of(obj), "deleted": False,
                    "comment": str(part.get("description") or part.get("source_name") or "")[:1000],
                    "disable_correlation": False, "Tag": [],
                })  # fmt: skip

    def _gather(self, known: dict[str, Gathered], loose: Iterable[str]) -> None:
        """One event for each creator, day and marking."""
        days: dict[tuple[str, str, Tlp], list[str]] = {}
        for identifier in sorted(loose):
            obj = self.attributes[identifier][0]
            level = tlp_of_refs(marking_refs(obj))
            key = (
                str(obj.get("created_by_ref") or ""),
                str(obj.get("modified"))[:10],
                level if level is not None else Tlp.RED,
            )
            days.setdefault(key, []).append(identifier)
        for (creator, day, level), listed in sorted(days.items()):
            pieces: dict[str, list[str]] = {}
            for identifier in listed:
                piece = identifier.partition("--")[2][:1] if len(listed) > PART_OVER else ""
                pieces.setdefault(piece, []).append(identifier)
            name = str(self.shared.identities.get(creator, {}).get("name") or "Unnamed source")[:200]
            for piece, some in sorted(pieces.items()):
                gathered = Gathered(uuid_from("day", creator, day, level.label, piece))
                newest = max(str(self.attributes[identifier][0].get("modified")) for identifier in some)
                gathered.report = {
                    "id": f"report--{gathered.uuid}", "name": f"{name}: {day}" + (f", part {piece}" if piece else ""),
                    "created_by_ref": creator, "published": f"{day}T00:00:00Z", "modified": newest,
                    "object_marking_refs": [TLP2_IDS[level]],
                }  # fmt: skip
                self._fill(gathered, gathered.report, some, [])
                known.setdefault(gathered.uuid, gathered)

    def _fill(self, gathered: Gathered, obj: Json, listed: list[str], tags: list[str]) -> None:
        """Attributes and tags; the event's marking is the strictest of what it holds."""
        levels = [
            tlp_of_refs(marking_refs(obj)),
            *(tlp_of_refs(marking_refs(self.attributes[ref][0])) for ref in listed),
        ]
        level = max((found for found in levels if found is not None), default=None)
        names = [name for name in dict.fromkeys(tags) if not name.lower().startswith("tlp:")]
        if level is not None:
            names.insert(0, f"tlp:{level.label}")
        gathered.header = {"Tag": [{"name": name} for name in names], "analysis": "2"}
        for ref in listed:
            for made in self.attributes[ref][1]:
                made["Tag"] = [tag for tag in made["Tag"] if level is None or tag["name"] != f"tlp:{level.label}"]
                gathered.made.append(made)

    def _see(self, known: dict[str, Gathered], carriers: dict[str, Gathered]) -> None:
        """Sightings of what became attributes."""
        homes = {made["uuid"]: gathered for gathered in known.values() for made in gathered.made}
        for obj in self.sightings:
            about = str(obj.get("sighting_of_ref"))
            uuids = [made["uuid"] for made in self.attributes.get(about, (None, []))[1]] or [uuid_of({"id": about})]
            found = [(uuid, gathered) for uuid in uuids
                     if (gathered := homes.get(uuid) or carriers.get(uuid)) is not None]  # fmt: skip
            if not found:
                self.losses.append((obj["id"], "what it saw is not among the exported objects"))
            for uuid, gathered in found[:1]:
                seen = {"modified": obj.get("last_seen") or obj.get("modified")}
                count = obj.get("count")
                misp: dict[str, Any] = {"type": "0", "date_sighting": seconds_of(seen)}
                if isinstance(count, int) and count > 1:
                    misp["source"] = f"seen {count} times"
                gathered.sightings.append((obj, misp, uuid))

    def _annotate(self, known: dict[str, Gathered]) -> None:
        """A note about a report is an event report; other notes and opinions have no place."""
        for obj in self.notes:
            gathered = next(
                (found for ref in _refs(obj) if (found := known.get(uuid_of({"id": ref}))) is not None), None
            )
            if gathered is None or obj["type"] == "opinion":
                self.losses.append((obj["id"], f"MISP has no place for this {obj['type']}"))
                continue
            gathered.made_reports.append({
                "uuid": uuid_of(obj), "name": str(obj.get("abstract") or "Note")[:250],
                "content": str(obj.get("content")), "timestamp": seconds_of(obj), "deleted": obj.get("revoked") is True,
            })  # fmt: skip


def _outline(obj: Json) -> Json:
    """What is still needed of an object once its attributes are made; a million of them must fit."""
    return {name: obj[name] for name in ("created_by_ref", "modified", "object_marking_refs") if name in obj}


def _add_tag(made: Json, name: str) -> None:
    if all(tag["name"] != name for tag in made["Tag"]):
        made["Tag"] = [*made["Tag"], {"name": name}]


def _refs(obj: Json) -> list[str]:
    refs = obj.get("object_refs")
    return [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []


def _inner(sco: Json | None) -> Iterable[str]:
    """What an observable refers to: the address of a connection, the addresses of a name."""
    for key, value in (sco or {}).items():
        if key.endswith("_ref") and isinstance(value, str):
            yield value
        elif key.endswith("_refs") and isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))
