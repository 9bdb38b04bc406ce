"""A MISP 2.5.34 in memory, over real HTTP: it answers the calls that a synchronisation makes as MISP's documents say.

Made from MISP's OpenAPI document, PyMISP 2.5.34 and the shapes of recorded events (``misp-events`` of the real data).
Its rules are MISP's: an edit counts only when newer, tags are added and taken away one by one, deletion is soft for
attributes and final for events, whose UUID stays blocked. It shares no code with the product.
"""

from __future__ import annotations

import copy
import json
import ssl
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION = "2.5.34"
KEY = "k" * 40
Json = dict[str, Any]
ATTRIBUTE = ("type", "category", "value", "to_ids", "comment", "deleted", "distribution", "disable_correlation",
             "first_seen", "last_seen", "object_relation")  # fmt: skip
EVENT = ("info", "date", "threat_level_id", "analysis", "distribution", "extends_uuid")


class RecordedMisp:
    """The events, and what people of that MISP do with them. ``now`` gives its own seconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.events: dict[str, Json] = {}
        self.blocked: set[str] = set()
        self.calls: list[str] = []
        self._number = 0
        self._lock = threading.RLock()

    def number(self) -> str:
        """The next id of a row."""
        self._number += 1
        return str(self._number)

    # What its own people do

    def new_event(self, info: str, **fields: Any) -> str:
        """Add an event by hand; its UUID."""
        event = {"uuid": str(uuid.uuid4()), "info": info, "timestamp": str(self.now()), **fields}
        self.add(event)
        return str(event["uuid"])

    def new_attribute(self, event: str, kind: str, value: str, **fields: Any) -> str:
        """Add an attribute by hand; its UUID."""
        one = {"uuid": str(uuid.uuid4()), "type": kind, "value": value, "timestamp": str(self.now()), **fields}
        held = self.events[event]
        held["Attribute"].append(self._attribute(one, held["id"]))
        self._touch(held)
        return str(one["uuid"])

    def change_attribute(self, event: str, uuid: str, **fields: Any) -> None:
        """Edit an attribute by hand."""
        held = self.events[event]
        one = next(one for one in held["Attribute"] if one["uuid"] == uuid)
        one |= {**fields, "timestamp": str(max(self.now(), int(one["timestamp"]) + 1))}
        self._touch(held)

    def _touch(self, event: Json) -> None:
        event["timestamp"] = str(max(self.now(), int(event["timestamp"]) + 1))
        event["published"] = False

    # The REST API

    def answer(self, path: str, given: Json) -> tuple[int, Any]:
        """Status and document of a call."""
        with self._lock:
            self.calls.append(path)
            parts = path.strip("/").split("/")
            name = "/".join(parts[:2])
            argument = parts[2] if len(parts) > 2 else ""
            match name:
                case "servers/getVersion":
                    return 200, {"version": VERSION, "perm_sync": True, "pymisp_recommended_version": VERSION}
                case "events/index":
                    return 200, self._index(given)
                case "events/restSearch":
                    return 200, {"response": [{"Event": self._shown(uuid, given)} for uuid in given["uuid"]
                                              if uuid in self.events]}  # fmt: skip
                case "events/add":
                    return self._add(given["Event"])
                case "events/edit":
                    return self._edit(argument, given["Event"])
                case "events/delete":
                    return self._delete(argument)
                case "sightings/add":
                    return self._sight(given)
                case "tags/attachTagToObject" | "tags/removeTagFromObject":
                    return self._tag(given, attach=name.endswith("attachTagToObject"))
            return 404, {"name": "Not Found", "message": "Not Found", "url": path}

    def _index(self, given: Json) -> list[Json]:
        since = int(given.get("timestamp", -1))
        limit, page = int(given.get("limit", 60)), int(given.get("page", 1))
        found = [event for event in self.events.values() if int(event["timestamp"]) > since]
        short = ("id", "uuid", "timestamp", "published")
        return [{name: event[name] for name in short} for event in found[(page - 1) * limit : page * limit]]

    def _shown(self, uuid: str, given: Json) -> Json:
        event = copy.deepcopy(self.events[uuid])
        if given.get("deleted") != [0, 1]:
            for holder in (event, *event["Object"]):
                holder["Attribute"] = [one for one in holder["Attribute"] if not one["deleted"]]
        for one in event["Attribute"] if not given.get("withAttachments") else ():
            one.pop("data", None)
        return event

    def _add(self, given: Json) -> tuple[int, Any]:
        if given["uuid"] in self.events or given["uuid"] in self.blocked:
            message = "Event blocked by event blocklist." if given["uuid"] in self.blocked else "Event already exists."
            return 403, {"name": message, "message": message, "url": "/events/add", "errors": message}
        self.add(given)
        return 200, {"Event": self._shown(given["uuid"], {"deleted": [0, 1]})}

    def add(self, given: Json) -> None:
        """Keep a new event with MISP's defaults."""
        number = self.number()
        event = {
            "id": number,
            "uuid": given["uuid"],
            "orgc_id": "1",
            "org_id": "1",
            "date": given.get("date", "2026-01-01"),
            "threat_level_id": str(given.get("threat_level_id", "4")),
            "info": given["info"],
            "published": False,
            "analysis": str(given.get("analysis", "0")),
            "distribution": str(given.get("distribution", "1")),
            "timestamp": str(given["timestamp"]),
            "publish_timestamp": "0",
            "sharing_group_id": "0",
            "extends_uuid": given.get("extends_uuid", ""),
            "Org": {"id": "1", "name": "CERT", "uuid": "57586e9a-4a64-4f79-9009-4dc1c0a83866", "local": True},
            "Orgc": {"id": "1", "name": "CERT", "uuid": "57586e9a-4a64-4f79-9009-4dc1c0a83866", "local": True},
            "Attribute": [],
            "ShadowAttribute": [],
            "RelatedEvent": [],
            "Galaxy": [],
            "Object": [],
            "EventReport": [],
            "Tag": [self._tag_document(tag["name"]) for tag in given.get("Tag", [])],
        }
        self.events[given["uuid"]] = event
        event["Attribute"] = [self._attribute(one, number) for one in given.get("Attribute", [])]
        event["Object"] = [self._object(one, number) for one in given.get("Object", [])]

    def _attribute(self, given: Json, event: str, obj: str = "0") -> Json:
        return {
            "id": self.number(),
            "event_id": event,
            "object_id": obj,
            "object_relation": given.get("object_relation"),
            "category": given.get("category", "Network activity"),
            "type": given["type"],
            "to_ids": bool(given.get("to_ids", True)),
            "uuid": given["uuid"],
            "timestamp": str(given.get("timestamp") or self.now()),
            "distribution": str(given.get("distribution", "5")),
            "sharing_group_id": "0",
            "comment": given.get("comment", ""),
            "deleted": bool(given.get("deleted", False)),
            "disable_correlation": bool(given.get("disable_correlation", False)),
            "first_seen": given.get("first_seen"),
            "last_seen": given.get("last_seen"),
            "value": given["value"],
            "Galaxy": [],
            "ShadowAttribute": [],
            "Tag": [self._tag_document(tag["name"]) for tag in given.get("Tag", [])],
            **({"data": given["data"]} if "data" in given else {}),
        }

    def _object(self, given: Json, event: str) -> Json:
        number = self.number()
        kept = ("name", "meta-category", "description", "template_uuid", "template_version", "comment", "uuid",
                "distribution", "first_seen", "last_seen")  # fmt: skip
        obj = {name: given.get(name) for name in kept}
        obj |= {"id": number, "event_id": event, "deleted": bool(given.get("deleted", False)),
                "timestamp": str(given["timestamp"]), "ObjectReference": given.get("ObjectReference", [])}  # fmt: skip
        obj["Attribute"] = [self._attribute(one, event, number) for one in given.get("Attribute", [])]
        return obj

    def _edit(self, uuid: str, given: Json) -> tuple[int, Any]:
        event = self.events.get(uuid)
        if event is None:
            return 404, {"name": "Invalid event", "message": "Invalid event", "url": f"/events/edit/{uuid}"}
        if int(given.get("timestamp", self.now())) <= int(event["timestamp"]):
            message = "Event could not be saved: Event in the request not newer than the local copy."
            return 403, {"name": message, "message": message, "url": f"/events/edit/{uuid}"}
        event |= {name: given[name] for name in EVENT if name in given}
        event |= {"timestamp": str(given.get("timestamp", self.now())), "published": False}
        self._add_tags(event, given)
        self._edit_attributes(event, given, event["id"])
        held = {obj["uuid"]: obj for obj in event["Object"]}
        for obj in given.get("Object", []):
            if obj["uuid"] not in held:
                event["Object"].append(self._object(obj, event["id"]))
                continue
            mine = held[obj["uuid"]]
            if int(obj["timestamp"]) > int(mine["timestamp"]):
                mine |= {name: obj[name] for name in ("comment", "deleted", "timestamp", "name") if name in obj}
            self._edit_attributes(mine, obj, event["id"], mine["id"])
        return 200, {"Event": self._shown(uuid, {"deleted": [0, 1]})}

    def _edit_attributes(self, holder: Json, given: Json, event: str, obj: str = "0") -> None:
        held = {one["uuid"]: one for one in holder["Attribute"]}
        for one in given.get("Attribute", []):
            mine = held.get(one["uuid"])
            if mine is None:
                holder["Attribute"].append(self._attribute(one, event, obj))
            elif int(one.get("timestamp", self.now())) > int(mine["timestamp"]):
                mine |= {name: one[name] for name in (*ATTRIBUTE, "data") if name in one}
                mine["timestamp"] = str(one.get("timestamp", self.now()))
                self._add_tags(mine, one)

    def _sight(self, given: Json) -> tuple[int, Any]:
        held = [one for event in self.events.values() for one in event["Attribute"]
                if one["value"] in given["values"] and not one["deleted"]]  # fmt: skip
        if not held:
            name, error = "Could not add Sighting", "No valid attributes found that match the criteria."
            return 403, {"saved": False, "name": name, "message": name, "url": "/sightings/add", "errors": error}
        for one in held:
            said = {"uuid": str(uuid.uuid4()), "type": given["type"], "source": given["source"],
                    "date_sighting": str(given["timestamp"]), "Organisation": {"name": "CERT"}}  # fmt: skip
            one.setdefault("Sighting", []).append(said)
        return 200, {"message": "Sighting added"}

    def _delete(self, uuid: str) -> tuple[int, Any]:
        if self.events.pop(uuid, None) is None:
            return 404, {"name": "Invalid event", "message": "Invalid event", "url": f"/events/delete/{uuid}"}
        self.blocked.add(uuid)
        return 200, {"saved": True, "success": True, "name": "Event deleted.", "message": "Event deleted."}

    def delete(self, uuid: str) -> None:
        """Delete an event by hand."""
        self._delete(uuid)

    def _add_tags(self, holder: Json, given: Json) -> None:
        names = {tag["name"] for tag in holder["Tag"]}
        holder["Tag"] += [self._tag_document(tag["name"]) for tag in given.get("Tag", []) if tag["name"] not in names]

    def _tag_document(self, name: str) -> Json:
        return {"id": self.number(), "name": name, "colour": "#ffffff", "exportable": True, "local": False}

    def _tag(self, given: Json, *, attach: bool) -> tuple[int, Any]:
        for event in self.events.values():
            holders = [event, *event["Attribute"], *(one for obj in event["Object"] for one in obj["Attribute"])]
            holder = next((one for one in holders if one["uuid"] == given["uuid"]), None)
            if holder is None:
                continue
            self.tag_by_hand(event, holder, given["tag"], attach=attach)
            return 200, {"saved": True, "success": "Tag attached." if attach else "Tag removed."}
        return 404, {"name": "Invalid Target.", "message": "Invalid Target.", "url": "/tags"}

    def tag_by_hand(self, event: Json, holder: Json, name: str, *, attach: bool) -> None:
        """Attach or remove; the holder and its event become newer."""
        if attach:
            self._add_tags(holder, {"Tag": [{"name": name}]})
        else:
            holder["Tag"] = [tag for tag in holder["Tag"] if tag["name"] != name]
        holder["timestamp"] = str(max(self.now(), int(holder["timestamp"])))
        self._touch(event)


class MispServer:
    """It listens on loopback. ``mischief``: called before each answer; bytes it gives are sent instead."""

    def __init__(self, misp: RecordedMisp, tls: ssl.SSLContext | None = None) -> None:
        self.misp = misp
        self.mischief: Callable[[BaseHTTPRequestHandler, str], bool] = lambda _handler, _path: False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if outer.mischief(self, self.path):
                    self.close_connection = True
                    return
                if self.headers.get("Authorization") != KEY:
                    status, document = 403, {"name": "Authentication failed.", "message": "Authentication failed."}
                else:
                    status, document = outer.misp.answer(self.path, json.loads(body) if body else {})
                raw = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> MispServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
