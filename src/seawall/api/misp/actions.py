"""The actions of MISP's controllers that this door knows, each a few lines over ``flow.misp_changing``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from seawall.api.misp.answers import (
    MISP_VERSION,
    Answer,
    answer,
    as_csv,
    as_text,
    done,
    listed,
    not_saved,
    plain,
    user_document,
)
from seawall.api.misp.query import read_query
from seawall.exchange.misp import Doc, describe_types, truth
from seawall.flow.misp_changing import MispChanging
from seawall.flow.misp_reading import MAX_ATTRIBUTES, MAX_EVENTS
from seawall.messages import translate
from seawall.model import Actor, Fault, NotFound, UserRole

INDEX_LIMIT = 10_000  # events of one index


class Call(msgspec.Struct, frozen=True):
    """One request, read."""

    desk: MispChanging
    actor: Actor
    url: str
    action: str
    arguments: tuple[str, ...]
    named: dict[str, Any]
    given: Any

    def first(self) -> str:
        """The id or UUID in the path. Raises NotFound E-API-456."""
        if not self.arguments:
            raise NotFound("E-API-456", "Name what is meant by its id or UUID.")
        return self.arguments[0]

    def document(self, name: str) -> Doc:
        """The JSON object of the body, unwrapped. Raises Fault E-API-457."""
        given = self.given.get(name, self.given) if isinstance(self.given, dict) else None
        if not isinstance(given, dict):
            raise Fault("E-API-457", "The body of this request is no {name}.", name=name)
        return given

    def filters(self) -> dict[str, Any]:
        """Filters of the body and of the path."""
        return {**self.named, **(self.given if isinstance(self.given, dict) else {})}


Action = Callable[[Call], Answer]


def _version(call: Call) -> Answer:
    may = call.actor.role in (UserRole.ANALYST, UserRole.RELEASER, UserRole.ADMIN)
    return answer(
        {
            "version": MISP_VERSION,
            "pymisp_recommended_version": MISP_VERSION,
            "perm_sync": False,
            "perm_sighting": may,
            "perm_galaxy_editor": False,
            "request_encoding": [],
            "filter_sightings": False,
        }
    )


def _pymisp_version(_call: Call) -> Answer:
    return answer({"version": MISP_VERSION})


def _me(call: Call) -> Answer:
    if call.first() != "me":
        raise NotFound("E-API-458", "Only the user behind the token is shown.")
    call.desk.tags(call.actor, "-")  # whoever may read may see that they may
    return answer(user_document(call.actor, call.desk.organisation()))


def _types(_call: Call) -> Answer:
    return answer(b'{"result":' + describe_types() + b"}")


def _search_attributes(call: Call) -> Answer:
    asked = read_query(call.filters(), int(time.time()), MAX_ATTRIBUTES)
    found = call.desk.attributes(
        call.actor,
        asked.query,
        offset=asked.offset,
        limit=asked.limit,
        context=asked.context,
        enforce_warninglist=asked.enforce_warninglist,
        attachments=asked.attachments and asked.form == "json",
    )
    if asked.form == "csv":
        return plain(as_csv(found, headerless=asked.headerless), "text/csv", len(found))
    if asked.form in ("text", "cache"):
        return plain(as_text(found), "text/plain", len(found))
    _only_json(asked.form)
    return answer(b'{"response":{"Attribute":' + listed(found) + b"}}", count=len(found))


def _search_events(call: Call) -> Answer:
    asked = read_query(call.filters(), int(time.time()), MAX_EVENTS)
    if asked.form in ("csv", "text", "cache"):
        return _search_attributes(call)
    _only_json(asked.form)
    found = call.desk.events(
        call.actor,
        asked.query,
        offset=asked.offset,
        limit=asked.limit,
        deleted=asked.deleted,
        metadata=asked.metadata,
        attachments=asked.attachments,
    )
    return answer(b'{"response":' + listed(found) + b"}", count=len(found))


def _only_json(form: str) -> None:
    if form != "json":
        raise Fault("E-API-459", "The form {form} is not made here; use json, csv or text.", form=ascii(form))


def _index(call: Call) -> Answer:
    asked = read_query(call.filters(), int(time.time()), INDEX_LIMIT)
    found = call.desk.index(call.actor, asked.query, offset=asked.offset, limit=asked.limit, minimal=asked.minimal)
    return answer(listed(found), count=len(found))


def _view_event(call: Call) -> Answer:
    deleted = call.filters().get("deleted")
    wanted = truth(deleted) or (isinstance(deleted, list) and any(map(truth, deleted)))
    return answer(call.desk.event(call.actor, call.first(), deleted=wanted))


def _add_event(call: Call) -> Answer:
    kept = call.desk.add_event(call.actor, call.document("Event"))
    return _with_rejected(call.desk.event(call.actor, kept.doc["uuid"]), kept.rejected)


def _edit_event(call: Call) -> Answer:
    given = call.document("Event")
    key = call.arguments[0] if call.arguments else str(given.get("uuid") or given.get("id") or "")
    uuid, rejected = call.desk.edit_event(call.actor, key, given)
    return _with_rejected(call.desk.event(call.actor, uuid), rejected)


def _with_rejected(event: bytes, rejected: list[tuple[str, str]]) -> Answer:
    """MISP adds the errors of parts that it did not take to the event's own document."""
    if not rejected:
        return answer(event)
    told = dict(rejected[:1000])
    return answer(event[:-1] + b',"errors":' + msgspec.json.encode({"Attribute": told}) + b"}")


def _delete_event(call: Call) -> Answer:
    call.desk.delete_event(call.actor, call.first())
    return done("Event deleted.", call.url)


def _publish(call: Call) -> Answer:
    call.desk.publish(call.actor, call.first(), done=True)
    return done("Event published.", call.url)


def _unpublish(call: Call) -> Answer:
    call.desk.publish(call.actor, call.first(), done=False)
    return done("Event unpublished.", call.url)


def _add_attribute(call: Call) -> Answer:
    given = call.given.get("Attribute", call.given) if isinstance(call.given, dict) else call.given
    many = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else [given]
    if not many or not all(isinstance(one, dict) for one in many):
        raise Fault("E-API-457", "The body of this request is no {name}.", name="Attribute")
    update = str(call.named.get("breakOnDuplicate", "1")) == "0"
    added, errors = call.desk.add_attributes(call.actor, call.first(), many, update=update)
    told = {str(place): {"value": [translate(fault.text, "en", **fault.values)]} for place, fault in errors.items()}
    if not added:
        return not_saved("Attribute", told["0"] if not isinstance(given, list) else told, call.url)
    shown = [call.desk.attribute(call.actor, uuid) for uuid in added]
    if len(many) == 1:
        return answer(shown[0])
    attributes = listed([one[len(b'{"Attribute":') : -1] for one in shown])
    return answer(b'{"Attribute":' + attributes + b',"errors":' + msgspec.json.encode(told) + b"}" if told
                  else b'{"Attribute":' + attributes + b"}")  # fmt: skip


def _edit_attribute(call: Call) -> Answer:
    uuid = call.desk.edit_attribute(call.actor, call.first(), call.document("Attribute"))
    return answer(call.desk.attribute(call.actor, uuid))


def _view_attribute(call: Call) -> Answer:
    return answer(call.desk.attribute(call.actor, call.first()))


def _delete_attribute(call: Call) -> Answer:
    call.desk.edit_attribute(call.actor, call.first(), {"deleted": True})
    return done("Attribute deleted.", call.url)


def _restore_attribute(call: Call) -> Answer:
    uuid = call.desk.edit_attribute(call.actor, call.first(), {"deleted": False})
    return answer(call.desk.attribute(call.actor, uuid))


def _view_object(call: Call) -> Answer:
    return answer(call.desk.object(call.actor, call.first()))


def _add_object(call: Call) -> Answer:
    uuid = call.desk.add_object(call.actor, call.first(), call.document("Object"))
    return answer(call.desk.object(call.actor, uuid))


def _edit_object(call: Call) -> Answer:
    given = call.document("Object")
    uuid = str(given.get("uuid") or call.first())
    call.desk.edit_object(call.actor, uuid, given)
    return answer(call.desk.object(call.actor, uuid))


def _delete_object(call: Call) -> Answer:
    call.desk.delete_object(call.actor, call.first())
    return done("Object deleted", call.url)


def _tag(call: Call) -> Answer:
    return _tagging(call, attach=True)


def _untag(call: Call) -> Answer:
    return _tagging(call, attach=False)


def _tagging(call: Call, *, attach: bool) -> Answer:
    given = {**call.named, **(call.given if isinstance(call.given, dict) else {})}
    names = given.get("tag")
    for name in names if isinstance(names, list) else [names]:
        kind = call.desk.tag(call.actor, str(given.get("uuid") or ""), str(name or ""), attach=attach)
    what = f"Tag {'attached to' if attach else 'removed from'} {kind}."
    return done(what, call.url, check_publish=kind == "Event")


def _tags(call: Call) -> Answer:
    text = str(call.filters().get("searchall") or "")
    return answer({"Tag": call.desk.tags(call.actor, f"%{text}%" if text else "%")})


def _search_tags(call: Call) -> Answer:
    names = call.filters().get("tagname", call.arguments[0] if call.arguments else "")
    found = [tag for name in (names if isinstance(names, list) else [names])
             for tag in call.desk.tags(call.actor, str(name))]  # fmt: skip
    return answer([{"Tag": tag} for tag in found])


def _sighting(call: Call) -> Answer:
    given = call.document("Sighting")
    said, count = call.desk.sighting(call.actor, given, call.arguments[0] if call.arguments else None)
    return answer({"Sighting": said, "message": f"{count} {'sighting' if count == 1 else 'sightings'} added"})


def _warninglists(call: Call) -> Answer:
    given = call.given if isinstance(call.given, list) else [call.given]
    values = [one for one in given if isinstance(one, str)][:MAX_ATTRIBUTES]
    return answer(call.desk.warninglists(call.actor, values))


ACTIONS: dict[tuple[str, str], Action] = {
    ("servers", "getversion"): _version,
    ("servers", "getpymispversion"): _pymisp_version,
    ("users", "view"): _me,
    ("attributes", "describetypes"): _types,
    ("attributes", "restsearch"): _search_attributes,
    ("attributes", "view"): _view_attribute,
    ("attributes", "add"): _add_attribute,
    ("attributes", "edit"): _edit_attribute,
    ("attributes", "delete"): _delete_attribute,
    ("attributes", "restore"): _restore_attribute,
    ("events", "restsearch"): _search_events,
    ("events", "index"): _index,
    ("events", "view"): _view_event,
    ("events", "add"): _add_event,
    ("events", "edit"): _edit_event,
    ("events", "delete"): _delete_event,
    ("events", "publish"): _publish,
    ("events", "alert"): _publish,
    ("events", "unpublish"): _unpublish,
    ("objects", "view"): _view_object,
    ("objects", "add"): _add_object,
    ("objects", "edit"): _edit_object,
    ("objects", "delete"): _delete_object,
    ("tags", "attachtagtoobject"): _tag,
    ("tags", "removetagfromobject"): _untag,
    ("tags", "index"): _tags,
    ("tags", "search"): _search_tags,
    ("sightings", "add"): _sighting,
    ("warninglists", "checkvalue"): _warninglists,
}
"""Controller and action, in lower case as CakePHP compares them."""
