"""PyMISP, the client of MISP's own project, against a listening node."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.misp.conftest import LISTED, Scene
from counting import calls, database_steps, lines
from seawall.api.misp import actions
from seawall.flow import misp_reading
from seawall.flow.context import WHOLE_NODE
from seawall.flow.intel import import_paths
from seawall.model import ObservableType
from seawall.store import misp as misp_store

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pymisp import MISPAttribute, MISPEvent, MISPObject, MISPSighting, PyMISP
    from pymisp.exceptions import PyMISPError


MOST_CALLS = 3_000


def the_event(title: str = "Phishing wave") -> MISPEvent:
    """An event with attributes, an object and tags."""
    event = MISPEvent()
    event.info = title
    event.add_tag("tlp:green")
    address: Any = event.add_attribute("ip-dst", "198.51.100.7", to_ids=True, comment="c2")
    address.add_tag("kill-chain:command-and-control")
    event.add_attribute("domain", "evil.example", to_ids=True)
    event.add_attribute("text", "what the mail said")
    file = MISPObject("file", standalone=False)
    file.add_attribute("filename", "invoice.exe")
    file.add_attribute("sha256", "a" * 64)
    event.add_object(file)
    return event


def added(misp: Any, event: MISPEvent | None = None) -> Any:
    """The event as the server answers it."""
    answer = misp.add_event(event or the_event(), pythonify=True)
    assert isinstance(answer, MISPEvent), answer
    return answer


def found(misp: Any, **asked: Any) -> list[str]:
    """Values of an attribute search."""
    answer = misp.search(controller="attributes", pythonify=True, **asked)
    assert isinstance(answer, list), answer
    return [one.value for one in answer]


def test_pymisp_connects_and_learns_version_and_role(scene: Scene) -> None:
    """PyMISP's own checks of version, user and role pass, with the table of types that MISP serves."""
    misp = scene.misp()
    assert misp.misp_instance_version["version"] == "2.5.34"
    assert misp._current_role.name == "analyst"
    assert "ip-dst" in misp.types


def test_an_event_comes_back_as_it_was_added(scene: Scene) -> None:
    """Attributes, object, tags and UUIDs of an added event are what events/view answers."""
    misp, event = scene.misp(), the_event()
    added(misp, event)
    seen = misp.get_event(event.uuid, pythonify=True)
    assert isinstance(seen, MISPEvent)
    assert seen.info == event.info
    assert {tag.name for tag in seen.tags} == {"tlp:green"}
    assert {(one.uuid, one.type, one.value) for one in seen.attributes} == {
        (one.uuid, one.type, one.value) for one in event.attributes
    }
    assert [(obj.uuid, obj.name, {one.value for one in obj.attributes}) for obj in seen.objects] == [
        (event.objects[0].uuid, "file", {"invoice.exe", "a" * 64})
    ]
    assert misp.event_exists(event.uuid)
    assert not misp.event_exists("5ee2f2a2-0000-4000-8000-000000000001")


def test_what_was_added_is_an_indicator_here(scene: Scene) -> None:
    """An attribute for detection is a match key of the node, under the UUID that MISP gave it."""
    event = added(scene.misp())
    entry = scene.node.store.indicators.lookup(ObservableType.DOMAIN, "evil.example")
    attribute = next(one for one in event.attributes if one.value == "evil.example")
    assert entry is not None
    assert entry.indicator_id == f"indicator--{attribute.uuid}"
    assert entry.tlp.label == "green"


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"value": "EVIL.example"}, ["evil.example"]),
        ({"value": "198.51.100.%"}, ["198.51.100.7"]),
        ({"value": ["evil.example", "nothing.example"]}, ["evil.example"]),
        ({"type_attribute": "sha256"}, ["a" * 64]),
        ({"type_attribute": ["filename", "domain"]}, ["evil.example", "invoice.exe"]),
        ({"tags": "kill-chain:command-and-control"}, ["198.51.100.7"]),
        ({"tags": "kill-chain:%"}, ["198.51.100.7"]),
        ({"tags": ["tlp:green", "!kill-chain:%"], "type_attribute": "domain"}, ["evil.example"]),
        ({"timestamp": "1h", "type_attribute": "domain"}, ["evil.example"]),
        ({"timestamp": ("10d", "1d"), "type_attribute": "domain"}, []),
        ({"date_from": "2020-01-01", "type_attribute": "domain"}, ["evil.example"]),
        ({"date_from": "2099-01-01"}, []),
        ({"to_ids": 0, "type_attribute": "text"}, ["what the mail said"]),
        ({"published": True}, []),
        ({"eventinfo": "phishing"}, ["198.51.100.7", "evil.example", "what the mail said", "invoice.exe", "a" * 64]),
    ],
)
def test_searches_answer_what_was_asked(scene: Scene, asked: dict[str, Any], values: list[str]) -> None:
    """restSearch by value, type, tag, time, date and title."""
    misp = scene.misp()
    added(misp)
    assert sorted(found(misp, **asked)) == sorted(values)


def test_pages_together_are_the_whole(scene: Scene) -> None:
    """Pages of two hold every attribute once, the indicator outside of events too."""
    misp = scene.misp()
    added(misp)
    pages = [found(misp, limit=2, page=page) for page in range(1, 6)]
    assert [len(page) for page in pages] == [2, 2, 2, 0, 0]
    assert LISTED in pages[2]
    assert len({value for page in pages for value in page}) == 6


def test_pages_larger_than_an_answer_skip_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for more than one answer holds goes on behind what he got, with a limit or without."""
    misp = scene.misp()
    added(misp)
    monkeypatch.setattr(actions, "MAX_ATTRIBUTES", 2)
    for asked in ({"limit": 50_000}, {}):
        values = [value for page in range(1, 4) for value in found(misp, page=page, **asked)]
        assert len(values) == len(set(values)) == 6


@pytest.mark.parametrize(
    "asked",
    [{"from": "1e17"}, {"timestamp": "1e300"}, {"timestamp": "-1"}, {"to": "99999999999999999999"},
     {"publish_timestamp": ["0", "1e30"]}, {"timestamp": "2026-99-99"}],
)  # fmt: skip
def test_moments_outside_of_our_time_are_refused(scene: Scene, asked: dict[str, Any]) -> None:
    """A number that is no moment is one sentence, not an error of the server."""
    headers = {"Authorization": scene.tokens["analyst"]}
    answer = httpx.post(f"{scene.url}attributes/restSearch", headers=headers, json=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, "E-API-452")


def test_ages_before_our_time_are_the_beginning(scene: Scene) -> None:
    """An age of a million years asks for everything; an event dated in the year 30,000 is kept as of now."""
    misp = scene.misp()
    added(misp)
    assert "evil.example" in found(misp, date_from="999999999d")
    far = {"info": "Far", "timestamp": "1000000000000", "Attribute": [{"type": "domain", "value": "far.example"}]}
    headers = {"Authorization": scene.tokens["analyst"]}
    answer = httpx.post(f"{scene.url}events/add", headers=headers, json=far)
    assert answer.status_code == 200
    assert int(answer.json()["Event"]["timestamp"]) < 1 << 33


def test_ten_thousand_attributes_are_added_in_one_call(scene: Scene) -> None:
    """The cost grows with what is given, not with what the event holds times that."""
    from seawall.flow.misp_changing import MispChanging

    desk, actor = MispChanging(scene.node), scene.node.actor
    event = desk.add_event(actor, {"info": "Many", "Attribute": []}).doc["uuid"]
    costs = []
    for number, size in enumerate((500, 4_000)):
        given = [{"type": "text", "value": f"{number} {n}"} for n in range(size)]
        with database_steps(scene.node.store._database.engine) as steps:
            gone = lines(lambda given=given: desk.add_attributes(actor, event, given))  # type: ignore[misc]
        costs.append((gone / size, steps.n / size))
    assert costs[1][0] < 1.5 * costs[0][0]
    assert costs[1][1] < 1.5 * costs[0][1] + 1


def test_attached_files_are_answered_when_asked_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches leave files out unless they ask for them, a view has them; an answer above the bound is a sentence."""
    misp = scene.misp()
    event = MISPEvent()
    event.from_dict(info="Files", Tag=[{"name": "tlp:green"}])
    event.add_attribute("attachment", "note.txt", data="b3Vycw==")
    uuid = added(misp, event).uuid
    headers = {"Authorization": scene.tokens["analyst"]}

    def asked(controller: str, **more: Any) -> httpx.Response:
        given = {"type": "attachment", **more}
        return httpx.post(f"{scene.url}{controller}/restSearch", headers=headers, json=given)

    for controller in ("attributes", "events"):
        assert "b3Vycw==" not in asked(controller).text
        assert "b3Vycw==" in asked(controller, withAttachments=1).text
    assert "b3Vycw==" in str(misp.get_event(uuid))
    monkeypatch.setattr(misp_reading, "MAX_ANSWER", 100)
    monkeypatch.setattr(misp_store, "MAX_ANSWER", 100)
    codes = {asked(controller).json()["code"] for controller in ("attributes", "events")}
    assert codes == {"E-STORE-083", "E-FLOW-171"}


def test_events_are_found_by_their_attributes(scene: Scene) -> None:
    """events/restSearch finds an event by a value in it, by its tag, and not by what it lacks."""
    misp, event = scene.misp(), the_event()
    added(misp, event)
    assert [one.uuid for one in misp.search(value="evil.example", pythonify=True)] == [event.uuid]
    assert [one.uuid for one in misp.search(tags="tlp:green", pythonify=True)] == [event.uuid]
    assert misp.search(value="other.example", pythonify=True) == []
    assert [one["uuid"] for one in misp.search_index(minimal=True)] == [event.uuid]


def test_an_indicator_outside_of_events_is_found_and_can_be_tagged(scene: Scene) -> None:
    """What came from a list answers a search; tagging it makes it an attribute with the same UUID."""
    misp = scene.misp()
    (one,) = misp.search(controller="attributes", value=LISTED, pythonify=True)
    assert one.type == "ip-dst"
    assert "errors" not in misp.tag(one.uuid, "checked")
    (again,) = misp.search(controller="attributes", tags="checked", pythonify=True)
    assert (again.uuid, again.value) == (one.uuid, LISTED)
    assert found(misp, value=LISTED) == [LISTED]


def test_an_event_that_came_as_a_file_is_found_and_can_be_tagged(scene: Scene, tmp_path: Path) -> None:
    """What 'intel import' read is answered by UUID as the event it was; tagging an attribute keeps it as one."""
    event = the_event("From a file")
    (tmp_path / "event.json").write_text(json.dumps({"Event": json.loads(event.to_json())}))
    import_paths(scene.node, [tmp_path / "event.json"], tlp=None, source=None)
    misp = scene.misp()
    (one,) = misp.search(controller="attributes", value="evil.example", pythonify=True)
    assert one.uuid == event.attributes[1].uuid
    seen = misp.get_event(event.uuid, pythonify=True)
    assert {each.uuid for each in seen.attributes} == {each.uuid for each in event.attributes}
    assert [obj.name for obj in seen.objects] == ["file"]
    assert "errors" not in misp.tag(one.uuid, "checked")
    assert found(misp, tags="checked") == ["evil.example"]
    assert [each.uuid for each in misp.search(eventinfo="from a file", pythonify=True)] == [event.uuid]
    assert found(misp, value="evil.example") == ["evil.example"]
    assert misp.get_event("5ee2f2a2-0000-4000-8000-000000000009")["errors"][0] == 404


def test_tags_come_and_go(scene: Scene) -> None:
    """A tag attached to an event and to an attribute is found, and is gone once removed; others stay."""
    misp, event = scene.misp(), the_event()
    added(misp, event)
    attribute = event.attributes[1]
    assert "errors" not in misp.tag(event.uuid, "seen-here")
    assert "errors" not in misp.tag(attribute.uuid, "tlp:amber")
    assert found(misp, tags="tlp:amber") == ["evil.example"]
    entry = scene.node.store.indicators.lookup(ObservableType.DOMAIN, "evil.example")
    assert entry is not None
    assert entry.tlp.label == "amber"
    assert {tag.name for tag in misp.search_tags("seen%", pythonify=True)} == {"seen-here"}
    misp.untag(event.uuid, "seen-here")
    misp.untag(attribute.uuid, "tlp:amber")
    seen = misp.get_event(event.uuid, pythonify=True)
    assert {tag.name for tag in seen.tags} == {"tlp:green"}
    assert found(misp, tags="tlp:amber") == []


def test_a_sighting_by_value_stands_with_the_attribute(scene: Scene) -> None:
    """A sighting of a value is kept with the attribute that holds it; a sighting of nothing is refused."""
    misp, event = scene.misp(), the_event()
    added(misp, event)
    sighting = MISPSighting()
    sighting.from_dict(values=["evil.example"], type="0", source="sensor 1")
    assert "errors" not in misp.add_sighting(sighting)
    seen = misp.get_event(event.uuid)["Event"]["Attribute"]
    assert [one["source"] for each in seen for one in each.get("Sighting", [])] == ["sensor 1"]
    sighting.from_dict(values=["nowhere.example"], type="0")
    assert misp.add_sighting(sighting)["errors"][0] == 404


def test_edits_deletions_and_restores(scene: Scene) -> None:
    """An edited attribute is the new one, a deleted one is gone from searches and matching, a restored one is back."""
    misp, event = scene.misp(), the_event()
    event = added(misp, event)
    one = next(one for one in event.attributes if one.value == "evil.example")
    one.value = "worse.example"
    assert isinstance(misp.update_attribute(one, pythonify=True), MISPAttribute)
    assert found(misp, value="evil.example") == []
    assert scene.node.store.indicators.lookup(ObservableType.DOMAIN, "evil.example") is None
    misp.delete_attribute(one)
    assert found(misp, value="worse.example") == []
    assert scene.node.store.indicators.lookup(ObservableType.DOMAIN, "worse.example") is None
    misp.restore_attribute(one)
    assert found(misp, value="worse.example") == ["worse.example"]
    assert scene.node.store.indicators.lookup(ObservableType.DOMAIN, "worse.example") is not None
    event = misp.get_event(event.uuid, pythonify=True)
    event.info = "Renamed"
    event.add_attribute("domain", "third.example")
    assert isinstance(misp.update_event(event, pythonify=True), MISPEvent)
    assert misp.get_event(event.uuid)["Event"]["info"] == "Renamed"
    assert found(misp, value="third.example") == ["third.example"]
    misp.delete_event(event.uuid)
    assert found(misp, type_attribute="domain") == []
    assert scene.node.store.indicators.lookup(ObservableType.DOMAIN, "third.example") is None


def test_attributes_and_objects_are_added_to_an_event(scene: Scene) -> None:
    """attributes/add takes one or several, names what it does not take, and refuses a similar one; objects/add too."""
    misp = scene.misp()
    event = added(misp)
    one = misp.add_attribute(event, {"type": "domain", "value": "one.example"}, pythonify=True)
    assert isinstance(one, MISPAttribute)
    assert one.category == "Network activity"
    again = misp.add_attribute(event, {"type": "domain", "value": "one.example"})
    assert again["errors"][0] == 403
    many = misp.add_attribute(event, [{"type": "domain", "value": "two.example"}, {"type": "domain", "value": " "}])
    assert [one["value"] for one in many["Attribute"]] == ["two.example"]
    assert list(many["errors"]) == ["1"]
    url = MISPObject("url", standalone=False)
    url.add_attribute("url", "http://evil.example/x")
    assert isinstance(misp.add_object(event, url, pythonify=True), MISPObject)
    assert found(misp, value="http://evil.example/x") == ["http://evil.example/x"]


def test_csv_and_text_forms(scene: Scene) -> None:
    """restSearch as CSV has MISP's columns and no formula; as text a value a line."""
    misp = scene.misp()
    event = added(misp)
    misp.add_attribute(event, {"type": "text", "value": "=HYPERLINK(1)"})
    rows = misp.search(controller="attributes", return_format="csv", type_attribute=["domain", "text"], pythonify=True)
    assert {row["value"] for row in rows} == {"evil.example", "what the mail said", "'=HYPERLINK(1)"}
    text = misp.search(controller="attributes", return_format="text", type_attribute="domain")
    assert text.splitlines() == ["evil.example"]


def test_warninglists_answer_for_values(scene: Scene) -> None:
    """A value on a list that ships with the node is named with its list; others are not."""
    answer = scene.misp().values_in_warninglist(["8.8.8.8", "45.77.1.9"])
    assert list(answer) == ["8.8.8.8"]


def test_wrong_tokens_and_missing_rights(scene: Scene) -> None:
    """A wrong token is 401, a reader who adds is 403, a TAXII client is 403, and nothing of theirs lands."""
    with pytest.raises(PyMISPError, match=r"Unable to connect|valid token"):
        PyMISP(scene.url, "wrong" * 8, ssl=False)
    answer = httpx.get(f"{scene.url}servers/getVersion", headers={"Authorization": "x" * 40})
    assert answer.status_code == 401
    reader = scene.misp("reader")
    assert reader.add_event(the_event())["errors"][0] == 403
    assert found(reader, type_attribute="domain") == []
    with pytest.raises(PyMISPError):
        scene.misp("taxii")


def test_policy_decides_what_is_seen(scene: Scene) -> None:
    """A reader does not see what is RED, nor that it is there; a releaser does, and a tag change lifts it."""
    misp = scene.misp("releaser")
    event = added(misp)
    misp.tag(event.uuid, "tlp:red")
    assert found(scene.misp("reader"), value="evil.example") == []
    assert scene.misp("reader").get_event(event.uuid)["errors"][0] == 404
    assert found(misp, value="evil.example") == ["evil.example"]
    misp.untag(event.uuid, "tlp:red")
    assert found(scene.misp("reader"), value="evil.example") == ["evil.example"]


def test_every_answer_is_on_record(scene: Scene) -> None:
    """A search that finds something writes a leaf of own use; one that finds nothing writes none."""
    misp = scene.misp()
    before = scene.node.ledger.size
    found(misp, value="nothing.example")
    assert scene.node.ledger.size == before
    found(misp, value=LISTED)
    assert scene.node.ledger.size == before + 1
    (leaf,) = scene.node.ledger.show(after=before - 1).items
    assert "own-use" in str(leaf)


def test_a_look_up_costs_the_same_among_many_events(scene: Scene) -> None:
    """One value asked for among events looks at its own rows, and writes one leaf of the ledger."""
    from seawall.flow.misp_changing import MispChanging
    from seawall.model.misp import MispQuery, Words

    added(scene.misp())
    desk, actor = MispChanging(scene.node), scene.node.actor
    query = MispQuery(values=Words(any=("evil.example",)))
    assert len(desk.attributes(actor, query, offset=0, limit=100)) == 1
    costs = []
    for _ in range(2):
        before = scene.node.ledger.size
        with database_steps(scene.node.store._database.engine) as steps:
            gone = calls(lambda: desk.attributes(actor, query, offset=0, limit=100))
        costs.append((gone, steps.n))
        assert scene.node.ledger.size == before + 1
        many = desk.add_event(actor, {"info": "Many", "Attribute": []}).doc["uuid"]
        desk.add_attributes(actor, many, [{"type": "text", "value": f"other {n}"} for n in range(3_000)])
    assert costs[1][0] < 1.2 * costs[0][0] < 1.2 * MOST_CALLS
    assert costs[1][1] <= costs[0][1] + 5
    assert scene.node.store.misp.count(query, WHOLE_NODE) == 1
