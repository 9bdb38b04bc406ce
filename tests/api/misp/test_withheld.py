"""What a MISP client may not see leaves no trace in what it is answered, told or refused (rules 2 and 12)."""

from __future__ import annotations

import warnings
from typing import Any

from api.misp.conftest import LISTED, Scene
from seawall.flow.context import WHOLE_NODE
from seawall.flow.misp_book import MispBook
from seawall.flow.misp_rows import to_doc
from seawall.model import ObservableType

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pymisp import MISPEvent

EVENT = "5ee2f2a2-0000-4000-8000-000000000001"
RED = "5ee2f2a2-0000-4000-8000-000000000002"
INSIDE = "5ee2f2a2-0000-4000-8000-000000000003"
OBJECT = "5ee2f2a2-0000-4000-8000-000000000004"
OTHER = "5ee2f2a2-0000-4000-8000-000000000005"
SECRET = [{"name": "tlp:red"}, {"name": "secret-operation"}]


def put(scene: Scene, **fields: Any) -> None:
    """An event as the node holds it: GREEN, with one RED attribute and an object that holds nothing but RED."""
    event = {
        "uuid": EVENT, "info": "Wave", "Tag": [{"name": "tlp:green"}],
        "Attribute": [
            {"type": "domain", "value": "open.example", "category": "Network activity", "to_ids": True},
            {"uuid": RED, "type": "domain", "value": "red.example", "category": "Network activity", "to_ids": True,
             "Tag": SECRET},
        ],
        "Object": [{"uuid": OBJECT, "name": "person", "comment": "the source", "Attribute": [
            {"uuid": INSIDE, "type": "text", "value": "a name", "category": "Other", "Tag": SECRET}]}],
        **fields,
    }  # fmt: skip
    MispBook(scene.node).put(event)


def held(scene: Scene, uuid: str = EVENT) -> dict[str, Any]:
    """The whole event."""
    found = MispBook(scene.node).held(uuid)
    assert found is not None
    return to_doc(found)


def test_heads_of_objects_and_reports_are_withheld_with_their_parts(scene: Scene) -> None:
    """Neither an object without a visible attribute, nor a stricter report, nor a reference to either is answered."""
    reports = [{"name": "open words", "content": "x", "distribution": "5"},
               {"name": "inner words", "content": "y", "distribution": "0"}]  # fmt: skip
    reference = [{"referenced_uuid": OBJECT, "relationship_type": "knows"}]
    seen = {"uuid": OTHER, "name": "file", "ObjectReference": reference,
            "Attribute": [{"type": "filename", "value": "a.exe", "category": "Other"}]}  # fmt: skip
    hidden = {"uuid": OBJECT, "name": "person", "comment": "the source", "Attribute": [
        {"uuid": INSIDE, "type": "text", "value": "a name", "category": "Other", "Tag": SECRET}]}  # fmt: skip
    put(scene, EventReport=reports, Object=[seen, hidden])
    text = str(scene.misp("reader").get_event(EVENT)) + str(scene.misp("reader").search(eventid=EVENT))
    text += str(scene.misp("reader").search_index())
    for word in (OBJECT, "the source", "person", "inner words", "knows"):
        assert word not in text
    assert "open words" in text
    text = str(scene.misp("releaser").get_event(EVENT))
    for word in (OBJECT, "the source", "inner words", "knows"):
        assert word in text


def test_a_part_is_not_laxer_than_its_unmarked_event(scene: Scene) -> None:
    """Who may not see the event's title does not find it by an attribute that is tagged laxer, nor does a circle."""
    put(
        scene,
        info="A secret title",
        Tag=[],
        Object=[],
        Attribute=[
            {
                "type": "domain",
                "value": "clear.example",
                "category": "Other",
                "to_ids": True,
                "Tag": [{"name": "tlp:clear"}],
            }
        ],
    )
    reader = scene.misp("reader")
    assert reader.search(controller="attributes", value="clear.example")["Attribute"] == []
    assert reader.search(controller="attributes", eventinfo="secret")["Attribute"] == []
    entry = scene.node.store.indicators.lookup(ObservableType.DOMAIN, "clear.example")
    assert entry is not None
    assert entry.tlp.label == "amber+strict"


def test_tags_of_withheld_or_deleted_parts_are_not_listed(scene: Scene) -> None:
    """A reader is told of tags on what he sees; those on RED parts and in deleted events are absent to him."""
    put(scene)
    MispBook(scene.node).put({"uuid": OTHER, "info": "Gone", "Tag": [{"name": "tlp:green"}, {"name": "gone-tag"}]})
    MispBook(scene.node).delete(OTHER)
    named = {role: {tag["name"] for tag in scene.misp(role).tags()} for role in ("reader", "releaser")}
    assert named["reader"] == {"tlp:green"}
    assert named["releaser"] == {"tlp:green", "tlp:red", "secret-operation"}
    assert scene.misp("reader").search_tags("secret-operation") == []


def test_adding_what_is_there_unseen_is_answered_as_if_it_were_not(scene: Scene) -> None:
    """A value or UUID that a RED attribute holds is taken like any other; both are kept, the RED one as it was."""
    put(scene)
    analyst = scene.misp("analyst")
    same = analyst.add_attribute(EVENT, {"type": "domain", "value": "red.example"}, pythonify=True)
    stolen = analyst.add_attribute(EVENT, {"type": "domain", "value": "new.example", "uuid": RED}, pythonify=True)
    assert (same.value, stolen.value) == ("red.example", "new.example")
    assert RED not in (same.uuid, stolen.uuid)
    before = next(one for one in held(scene)["Attribute"] if one["uuid"] == RED)
    event = {"uuid": EVENT, "Attribute": [{"uuid": RED, "type": "domain", "value": "changed.example", "comment": "x"}]}
    assert "errors" not in analyst._check_json_response(analyst._prepare_request("POST", f"events/edit/{EVENT}", event))
    attributes = held(scene)["Attribute"]
    assert next(one for one in attributes if one["uuid"] == RED) == before
    assert sorted(one["value"] for one in attributes) == [
        "changed.example", "new.example", "open.example", "red.example", "red.example"]  # fmt: skip
    assert analyst.get_attribute(RED)["errors"][0] == 404


def test_an_event_under_the_uuid_of_one_unseen_is_kept_beside_it(scene: Scene) -> None:
    """events/add answers alike whether its UUIDs are free or taken by something RED; nothing RED is touched."""
    put(scene, Tag=[{"name": "tlp:red"}])
    event = MISPEvent()
    event.from_dict(uuid=EVENT, info="Mine", Tag=[{"name": "tlp:green"}])
    event.add_attribute("domain", "mine.example", uuid=RED)
    made = scene.misp("analyst").add_event(event, pythonify=True)
    assert isinstance(made, MISPEvent)
    assert made.uuid != EVENT
    assert [one.value for one in made.attributes] == ["mine.example"]
    assert held(scene)["info"] == "Wave"
    again = scene.misp("releaser").add_event(event)
    assert again["errors"][0] == 403


def test_deleting_an_object_keeps_what_was_not_seen_in_it(scene: Scene) -> None:
    """The attributes that the editor sees are deleted; a RED one in the same object lives on."""
    mixed = {"uuid": OBJECT, "name": "file", "Attribute": [
        {"type": "filename", "value": "a.exe", "category": "Other"},
        {"uuid": INSIDE, "type": "md5", "value": "d" * 32, "category": "Other", "Tag": SECRET}]}  # fmt: skip
    put(scene, Object=[mixed])
    assert "errors" not in scene.misp("analyst").delete_object(OBJECT)
    (obj,) = held(scene)["Object"]
    assert (obj["deleted"], [one["deleted"] for one in obj["Attribute"]]) == (False, [True, False])
    assert [one.uuid for one in scene.node.store.misp.get(EVENT, WHOLE_NODE).attributes if one.deleted] != []


def test_taking_a_listed_indicator_into_an_event_leaves_its_marking(scene: Scene) -> None:
    """A sighting of a GREEN indicator does not make it stricter, nor does it name our organisation."""
    assert "errors" not in scene.misp().add_sighting({"values": [LISTED], "type": "0"})
    entry = scene.node.store.indicators.lookup(ObservableType.IPV4, LISTED)
    assert entry is not None
    assert entry.tlp.label == "green"
    (one,) = scene.misp("reader").search(controller="attributes", value=LISTED, pythonify=True)
    assert "Taipei" not in str(scene.misp("reader").search(value=LISTED)[0]["Event"]["info"])
    assert one.value == LISTED
