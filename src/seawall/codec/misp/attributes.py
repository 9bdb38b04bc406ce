"""One MISP attribute as STIX: an indicator when it is for detection, what was observed otherwise, a note at worst."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.codec.misp.draft import Draft, timestamp
from seawall.codec.misp.extension import ATTRIBUTE_FIELDS, extension, kept
from seawall.codec.misp.galaxies import take_clusters
from seawall.codec.misp.marking import Said, distribution_of, floor_of, is_deleted, said_by, tags_of
from seawall.codec.misp.reading import MAX_VALUE, Json, flag_of, moment_in, parts, text_of, uuid_from, uuid_in
from seawall.codec.misp.types import KNOWN_TYPES, RULES
from seawall.codec.misp.values import observables_of, pattern_of
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS

MAX_DATA = 64 << 20  # characters of base64 in one attachment
MAX_NAME = 250
_INDICATES = frozenset(
    {"attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool"}
)
_SDO_TYPES = {"vulnerability": "vulnerability", "campaign-name": "campaign", "threat-actor": "threat-actor"}


class Place(msgspec.Struct, frozen=True):
    """Where an attribute stands: directly in the event, or in an object of it."""

    object_uuid: str | None = None
    floor: Tlp = Tlp.CLEAR
    deleted: bool = False


TOP = Place()


def take_attribute(draft: Draft, attribute: Json, place: Place = TOP) -> str | None:
    """Make the attribute's objects; returns the id of the one that carries it, None when it was rejected."""
    draft.position += 1
    kind, text = attribute.get("type"), attribute.get("value")
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(kind, str) or not isinstance(text, str) or not kind or not text.strip():
        draft.reject(attribute, "the attribute has no type or value")
        return None
    if len(text) > MAX_VALUE:
        draft.reject(attribute, f"its value has {len(text)} characters, more than {MAX_VALUE}")
        return None
    uuid = uuid_in(attribute) or uuid_from(draft.uuid, place.object_uuid or "", kind, text)
    if uuid in draft.where:
        draft.reject(attribute, "another attribute or object of the event has the same UUID")
        return None
    made = _Attribute(draft, attribute, place, kind, text, uuid)
    carrier = made.make()
    if carrier is not None:
        draft.where[uuid] = carrier
    return carrier


class _Attribute:
    """One attribute on its way."""

    def __init__(self, draft: Draft, attribute: Json, place: Place, kind: str, text: str, uuid: str) -> None:
        self.draft, self.attribute, self.kind, self.text, self.uuid = draft, attribute, kind[:100], text, uuid
        self.place = place
        tags = tags_of(attribute)
        names = [tag["name"] for tag in tags]
        self.said: Said = said_by(tuple(names))
        distribution = distribution_of(attribute)
        self.level = draft.level(self.said, floor_of(distribution), place.floor)
        self.labels = draft.labels(names, self.said)
        self.misp = kept(attribute, ATTRIBUTE_FIELDS, draft.losses, "attribute")
        self.misp["type"], self.misp["value"] = self.kind, text
        if tags:
            self.misp["Tag"] = tags
        if uuid_in(attribute) is None and (given := text_of(attribute, "uuid", 64)):
            draft.losses.add("misp:uuid", f"{given!r} is no UUID; {uuid} stands for it")
        self.clusters = take_clusters(draft, attribute, self.misp, {*names}) if attribute.get("Galaxy") else []
        share_group(draft, attribute, self.misp, distribution)
        for name in attribute:
            if name[:1].isupper() and name not in _TAKEN:
                self.lose(name)

    def lose(self, name: str) -> None:
        """A part of the attribute that is not carried."""
        reason = _REASONS.get(name)
        if reason is None:
            self.draft.losses.add(f"misp:attribute:{name[:40]}", f"attribute {self.uuid}")
        for _ in parts(self.attribute, name) if reason is not None else ():
            self.draft.losses.add(f"misp:{name}", f"attribute {self.uuid}: {reason}")

    def make(self) -> str | None:
        """The carrier's id, None when nothing could be made."""
        detect = flag_of(self.attribute, "to_ids")
        if detect is None:
            detect = KNOWN_TYPES.get(self.kind, ("", False))[1]
        self.misp["to_ids"] = detect
        carrier = self.indicator() if detect else self.context()
        if carrier is not None:
            self.data(carrier)
            for cluster in self.clusters if carrier.startswith("indicator") else ():
                if cluster.partition("--")[0] in _INDICATES:
                    self.indicates(carrier, cluster)
        return carrier

    def frame(self, type: str) -> Json:
        obj = self.draft.frame(type, self.uuid, self.attribute, self.level)
        if self.labels:
            obj["labels"] = self.labels
        confidence = self.said.confidence if self.said.confidence is not None else self.draft.said.confidence
        if confidence is not None:
            obj["confidence"] = confidence
        if is_deleted(self.attribute) or self.place.deleted:
            obj["revoked"] = True
        obj["extensions"] = extension("attribute", self.draft.uuid, self.misp, self.place.object_uuid)
        return obj

    def indicator(self) -> str | None:
        pattern_type = RULES.get(self.kind, "stix")
        try:
            whole = self.kind in RULES or self.kind == "stix2-pattern"
            pattern = self.text.strip() if whole else pattern_of(self.kind, self.text)
        except ValueError as error:
            self.draft.reject(self.attribute, f"it is not a {self.kind[:40]}: {self.text[:80]!r} ({str(error)[:120]})")
            return None
        if pattern is None:
            self.draft.losses.add(
                f"misp:{self.kind[:40]}", f"{self.text[:80]}: for detection, but no pattern can say it"
            )
            return self.note()
        obj = self.frame("indicator")
        obj["labels"] = [*self.labels, *self.draft.campaign]
        if not obj["labels"]:
            del obj["labels"]
        since = moment_in(self.attribute, "first_seen", "timestamp")
        obj |= {
            "name": self.text.strip()[:MAX_NAME],
            "indicator_types": ["malicious-activity"],
            "pattern": pattern,
            "pattern_type": pattern_type,
            "valid_from": timestamp(since) if since is not None else self.draft.modified,
        }
        if pattern_type == "stix":
            obj["pattern_version"] = "2.1"
        if comment := text_of(self.attribute, "comment", 4096):
            obj["description"] = comment
        return self.kept_or_rejected(obj)

    def context(self) -> str | None:
        """Not for detection: observed data, a named thing, or a note."""
        if self.kind in _SDO_TYPES:
            return self.named(_SDO_TYPES[self.kind])
        try:
            observables = observables_of(self.kind, self.text, self.uuid)
        except (ValueError, OverflowError):
            observables = []
        marking = [TLP2_IDS[self.level]]
        for part in observables:
            part["object_marking_refs"] = marking
        if not observables or any(self.draft.keep(part, listed=False) is not None for part in observables):
            return self.note()
        seen = moment_in(self.attribute, "first_seen", "timestamp")
        first = timestamp(seen) if seen is not None else self.draft.modified
        last = moment_in(self.attribute, "last_seen")
        obj = self.frame("observed-data")
        obj |= {
            "first_observed": first,
            "last_observed": max(first, timestamp(last)) if last is not None else first,
            "number_observed": 1,
            "object_refs": [part["id"] for part in observables],
        }
        return self.kept_or_rejected(obj)

    def named(self, type: str) -> str | None:
        obj = self.frame(type)
        obj["name"] = self.text.strip()[:MAX_NAME]
        if comment := text_of(self.attribute, "comment", 4096):
            obj["description"] = comment
        if type == "vulnerability":
            try:
                from_cve = pattern_of("vulnerability", self.text) is not None
            except ValueError:
                from_cve = False
            if from_cve:
                obj["external_references"] = [{"source_name": "cve", "external_id": self.text.strip().upper()}]
        return self.kept_or_rejected(obj)

    def note(self) -> str | None:
        obj = self.frame("note")
        comment = text_of(self.attribute, "comment", 4096)
        obj["content"] = f"{self.kind}: {self.text}" + (f"\n{comment}" if comment else "")
        obj["object_refs"] = [self.draft.report_id]
        if self.kind == "link":
            linked = {**obj, "external_references": [{"source_name": "link", "url": self.text.strip()}]}
            if self.draft.keep(linked) is None:
                return str(obj["id"])
        return self.kept_or_rejected(obj)

    def data(self, carrier: str) -> None:
        """The attached file, as an artifact; malware comes as the zip that MISP made of it."""
        payload = self.attribute.get("data")
        if not payload:
            return
        artifact: dict[str, Any] = {
            "type": "artifact",
            "spec_version": "2.1",
            "id": f"artifact--{self.uuid}",
            "object_marking_refs": [TLP2_IDS[self.level]],
            "payload_bin": payload,
            "extensions": extension("data", self.draft.uuid, {}, self.uuid),
        }
        if self.kind == "malware-sample":
            artifact |= {
                "mime_type": "application/zip",
                "encryption_algorithm": "mime-type-indicated",
                "decryption_key": "infected",
            }
        bad = not isinstance(payload, str) or len(payload) > MAX_DATA or self.draft.keep(artifact) is not None
        if bad:
            self.draft.losses.add("misp:data", f"the file attached to {carrier} is too large or no base64")

    def indicates(self, carrier: str, cluster: str) -> None:
        obj = self.frame("relationship")
        del obj["extensions"]
        obj.pop("confidence", None)
        obj["id"] = f"relationship--{uuid_from('indicates', carrier, cluster)}"
        obj |= {"relationship_type": "indicates", "source_ref": carrier, "target_ref": cluster}
        self.draft.keep(obj)

    def kept_or_rejected(self, obj: Json) -> str | None:
        fault = self.draft.keep(obj)
        if fault is None:
            return str(obj["id"])
        self.draft.reject(self.attribute, fault[:300])
        return None


_REASONS = {
    "ShadowAttribute": "a proposal is not part of the event until somebody accepts it",
    "Note": "an analyst's note is not carried",
    "Opinion": "an analyst's opinion is not carried",
    "Relationship": "an analyst's relationship is not carried",
}
_TAKEN = frozenset({"Tag", "Galaxy", "Sighting", "SharingGroup", "Event", "Object", "AttributeTag", "RelatedAttribute"})


def share_group(draft: Draft, holder: Json, misp: Json, distribution: str) -> None:
    """Name and UUID of a sharing group are carried, its members are not: whom a community holds is its own matter."""
    if distribution != "4":
        return
    if number := text_of(holder, "sharing_group_id", 20):
        misp["sharing_group_id"] = number
    group = holder.get("SharingGroup")
    if isinstance(group, dict):
        found = {name: text for name in ("uuid", "name", "releasability") if (text := text_of(group, name, 250))}
        if found:
            misp["SharingGroup"] = found
    draft.losses.add("misp:SharingGroup", f"{text_of(misp.get('SharingGroup', {}), 'name', 80)!r}: its members are not "
                     "carried; marked TLP:AMBER+STRICT or stricter")  # fmt: skip
