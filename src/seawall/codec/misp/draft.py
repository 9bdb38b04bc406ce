"""The STIX objects of one event while they are made: what all of them share, and the verdict on each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from seawall.codec.indicators import Loss, Rejected
from seawall.codec.losses import LossCounter
from seawall.codec.misp.marking import Said, distribution_of, floor_of, said_by, tags_of
from seawall.codec.misp.reading import Json, moment_in, text_of, uuid_from, uuid_in
from seawall.codec.stix.check import check
from seawall.codec.value_indicator import CAMPAIGN_LABEL
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp as _timestamp

BEGINNING = "1970-01-01T00:00:00.000Z"
"""``created`` of what MISP gives no moment: organisations, galaxy clusters. Equal input must give equal objects."""
MAX_TITLE = 200
timestamp = lru_cache(maxsize=4096)(_timestamp)  # the parts of an event share their moments


class FromMisp(msgspec.Struct, frozen=True):
    """What was made of events: valid STIX 2.1 objects, the parts that could not be used, what could not be carried."""

    objects: list[dict[str, Any]]
    rejected: list[Rejected]
    losses: list[Loss]
    events: int = 1


class Draft:
    """One event on its way to STIX."""

    def __init__(self, event: Json, tlp: Tlp) -> None:
        self.event = event
        self.title = text_of(event, "info")
        self.uuid = uuid_in(event) or uuid_from("event", self.title or repr(event)[:100_000], text_of(event, "date"))
        self.report_id = f"report--{self.uuid}"
        self.tags = tags_of(event)
        self.said = said_by(tuple(tag["name"] for tag in self.tags))
        self.unmarked = tlp
        self.floor = floor_of(distribution_of(event))
        moment = moment_in(event, "timestamp", "publish_timestamp", "date") or 0
        self.modified = timestamp(moment)
        self.created = min(timestamp(moment_in(event, "date") or moment), self.modified)
        self.creator: str | None = None
        self.campaign = [f"{CAMPAIGN_LABEL}{self.title[:MAX_TITLE]}"] if self.title else []
        self.objects: list[Json] = []
        self.refs: list[str] = []
        self.ids: set[str] = set()
        self.where: dict[str, str] = {}  # UUID of an attribute or object -> id of the STIX object that carries it
        self.levels: dict[str, Tlp] = {}  # id of an object -> its marking, where it was framed
        self.rejected: list[Rejected] = []
        self.losses = LossCounter()
        self.levels[self.report_id] = self.level(Said())
        self.position = 0

    def level(self, said: Said, *floors: Tlp) -> Tlp:
        """The marking of a part with these tags: the strictest of everything that was said about it and its event.

        What the importer says of an event without a tag counts for its parts too: each names the event's title.
        """
        event = self.said.tlp if self.said.tlp is not None else self.unmarked
        return max(event, said.tlp if said.tlp is not None else Tlp.CLEAR, self.floor, *floors)

    def labels(self, names: list[str], said: Said) -> list[str]:
        """Tags as labels, and what the event's tags say that STIX has no property for."""
        labels = list(names)
        if self.said.pap is not None and (said.pap is None or self.said.pap > said.pap):
            labels.append(f"PAP:{self.said.pap.label.upper()}")
        labels += [tag["name"] for tag in self.tags if tag["name"].lower() == "tlp:ex:chr"]
        return list(dict.fromkeys(labels))

    def frame(self, kind: str, uuid: str, holder: Json, level: Tlp) -> Json:
        """What every SDO and SRO begins with; its version is the moment that MISP says it was changed."""
        moment = moment_in(holder, "timestamp", "date_sighting")
        modified = timestamp(moment) if moment is not None else self.modified
        obj: Json = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{uuid}",
            "created": min(self.created, modified),
            "modified": modified,
        }
        if self.creator is not None:
            obj["created_by_ref"] = self.creator
        obj["object_marking_refs"] = [TLP2_IDS[level]]
        self.levels[obj["id"]] = level
        return obj

    def keep(self, obj: Json, *, listed: bool = True) -> str | None:
        """Take an object that is valid; its first fault otherwise. What is held already stays as it is."""
        identifier: str = obj["id"]
        if identifier in self.ids:
            return None
        verdict = check(obj)
        if verdict.errors:
            return "; ".join(verdict.errors[:3])
        self.ids.add(identifier)
        self.objects.append(obj)
        if listed:
            self.refs.append(identifier)
        return None

    def reject(self, part: Json, reason: str) -> None:
        """A part that could not be used."""
        uuid = part.get("uuid")
        self.rejected.append(Rejected(self.position, uuid[:64] if isinstance(uuid, str) else None, reason))
