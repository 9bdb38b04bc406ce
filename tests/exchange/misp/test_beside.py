"""One step at a time beside a MISP: what goes which way, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.misp.conftest import Beside
from exchange.misp.recorded_misp import KEY
from seawall.exchange.misp import MispClient
from seawall.flow.misp_desk import OwnDesk
from seawall.flow.misp_servers import add_server, server
from seawall.flow.misp_sync import exchange
from seawall.model import ObservableType, Tlp


def key_of(beside: Beside) -> Path:
    """The file in which the node keeps its key."""
    return beside.node.folder / "keys" / "misp-own.key"


def test_what_the_misp_has_is_known_here_and_not_told_back(beside: Beside) -> None:
    """An event of the MISP becomes indicators here; the next run asks once and tells nothing."""
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:amber"}])
    beside.misp.new_attribute(uuid, "domain", "theirs.example")
    report = beside.sync()
    assert (report["pulled"], report["pushed"]) == (1, 0)
    entry = beside.node.store.indicators.lookup(ObservableType.DOMAIN, "theirs.example")
    assert entry is not None
    assert (entry.tlp.label, entry.sources) == ("amber", ("misp:own",))
    before = len(beside.misp.calls)
    report = beside.sync()
    assert (report["pulled"], report["pushed"]) == (0, 0)
    assert beside.misp.calls[before:] == ["/events/index"]


def test_what_we_add_goes_there_and_is_recognised(beside: Beside) -> None:
    """Our event stands on the MISP under its UUIDs, on record, and comes back as nothing new."""
    uuid = beside.add()
    leaves = beside.node.ledger.size
    report = beside.sync()
    assert (report["pulled"], report["pushed"]) == (0, 1)
    assert beside.node.ledger.size == leaves + 1
    event = beside.misp.events[uuid]
    assert [one["value"] for one in event["Attribute"]] == ["ours.example"]
    assert [tag["name"] for tag in event["Tag"]] == ["tlp:green"]
    report = beside.sync()
    assert (report["pulled"], report["pushed"], report["recognised"]) == (0, 0, 0)


def test_edits_of_both_sides_meet(beside: Beside) -> None:
    """They edit one attribute, we another, both tag: each side holds both."""
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:green"}])
    one = beside.misp.new_attribute(uuid, "domain", "one.example")
    two = beside.misp.new_attribute(uuid, "domain", "two.example", Tag=[{"name": "old"}])
    beside.sync()
    beside.clock.on(5)
    beside.misp.change_attribute(uuid, one, value="one-theirs.example")
    beside.door.edit_attribute(beside.actor, two, {"value": "two-ours.example"})
    beside.door.tag(beside.actor, two, "old", attach=False)
    beside.door.tag(beside.actor, uuid, "ours", attach=True)
    beside.misp.tag_by_hand(beside.misp.events[uuid], beside.misp.events[uuid], "theirs", attach=True)
    beside.sync()
    beside.sync()
    theirs = {each["uuid"]: each for each in beside.misp.events[uuid]["Attribute"]}
    ours = {each["uuid"]: each for each in beside.ours(uuid)["Attribute"]}
    for side in (theirs, ours):
        assert (side[one]["value"], side[two]["value"]) == ("one-theirs.example", "two-ours.example")
        assert [tag["name"] for tag in side[two]["Tag"]] == []
    assert {tag["name"] for tag in beside.misp.events[uuid]["Tag"]} == {"tlp:green", "ours", "theirs"}
    assert {tag["name"] for tag in beside.ours(uuid)["Tag"]} == {"tlp:green", "ours", "theirs"}
    assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, "one.example") is None


def test_the_later_edit_of_one_attribute_wins(beside: Beside) -> None:
    """Both edit the same attribute; whoever did it later is right on both sides."""
    uuid = beside.misp.new_event("Theirs")
    one = beside.misp.new_attribute(uuid, "domain", "one.example")
    beside.sync()
    beside.clock.on(5)
    beside.misp.change_attribute(uuid, one, value="earlier.example")
    beside.clock.on(5)
    beside.door.edit_attribute(beside.actor, one, {"value": "later.example"})
    beside.sync()
    beside.sync()
    assert beside.misp.events[uuid]["Attribute"][0]["value"] == "later.example"
    assert beside.ours(uuid)["Attribute"][0]["value"] == "later.example"


def test_deletions_travel_both_ways(beside: Beside) -> None:
    """A deleted attribute is deleted on the other side too, an event goes with all that it held."""
    uuid = beside.misp.new_event("Theirs")
    one = beside.misp.new_attribute(uuid, "domain", "one.example")
    two = beside.misp.new_attribute(uuid, "domain", "two.example")
    mine = beside.add()
    beside.sync()
    beside.clock.on(5)
    beside.misp.change_attribute(uuid, one, deleted=True)
    beside.door.edit_attribute(beside.actor, two, {"deleted": True})
    beside.sync()
    assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, "one.example") is None
    assert [each["deleted"] for each in beside.misp.events[uuid]["Attribute"]] == [True, True]
    beside.clock.on(5)
    beside.misp.delete(uuid)
    beside.door.delete_event(beside.actor, mine)
    report = beside.sync(full=True)
    assert (report["deleted_here"], report["deleted_there"]) == (1, 1)
    assert beside.misp.events == {}
    assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, "ours.example") is None


def test_an_event_deleted_there_is_noticed_when_we_tell_it(beside: Beside) -> None:
    """Between looks at the whole index, an edit of ours that meets a deleted event ends it here too."""
    uuid = beside.add()
    beside.sync()
    beside.misp.delete(uuid)
    beside.clock.on(5)
    beside.door.tag(beside.actor, uuid, "new", attach=True)
    beside.door.edit_event(beside.actor, uuid, {"info": "Renamed"})
    report = beside.sync()
    assert report["deleted_here"] == 1


def test_a_misp_that_shows_nothing_empties_nothing(beside: Beside) -> None:
    """When most events are gone at once, nothing is deleted here before somebody says that this is right."""
    for number in range(30):
        beside.misp.new_event(f"Event {number}")
    beside.sync()
    kept = dict(beside.misp.events)
    beside.misp.events.clear()
    report = beside.sync(full=True)
    assert report["deleted_here"] == 0
    assert "--accept-deletions" in report["problems"][0]
    report = beside.sync(full=True, accept_deletions=True)
    assert report["deleted_here"] == len(kept)


def test_nothing_above_the_ceiling_goes_there(beside: Beside) -> None:
    """RED stays here; what becomes RED after it was told is deleted there; what they marked so themselves stays."""
    uuid = beside.add(Attribute=[{"type": "domain", "value": "ours.example"},
                                 {"type": "domain", "value": "red.example", "Tag": [{"name": "tlp:red"}]}])  # fmt: skip
    theirs = beside.misp.new_event("Theirs")
    beside.misp.new_attribute(theirs, "domain", "their-red.example", Tag=[{"name": "tlp:red"}])
    report = beside.sync()
    assert [one["value"] for one in beside.misp.events[uuid]["Attribute"]] == ["ours.example"]
    assert report["withheld"] == 1
    beside.clock.on(5)
    beside.door.tag(beside.actor, beside.misp.events[uuid]["Attribute"][0]["uuid"], "tlp:red", attach=True)
    beside.door.tag(beside.actor, theirs, "seen", attach=True)
    beside.sync()
    assert [one["deleted"] for one in beside.misp.events[uuid]["Attribute"]] == [True]
    assert [one["deleted"] for one in beside.misp.events[theirs]["Attribute"]] == [False]
    beside.sync()
    assert not beside.ours(uuid)["Attribute"][0]["deleted"]


@pytest.mark.parametrize(
    "given",
    [
        {"Attribute": []},
        {"Tag": [], "Attribute": [{"type": "domain", "value": "clear.example", "Tag": [{"name": "tlp:clear"}]}]},
    ],
)
def test_the_head_of_an_event_above_the_ceiling_stays_here(beside: Beside, given: dict[str, Any]) -> None:
    """Neither title nor tags nor organisation of a stricter event go there, with or without attributes."""
    add_server(beside.node, msgspec.structs.replace(server(beside.node, "own"), ceiling=Tlp.GREEN), key_of(beside))
    beside.add("A secret title", **{"Tag": [{"name": "tlp:red"}], **given})
    report = beside.sync()
    assert beside.misp.events == {}
    assert report["pushed"] == 0
    assert report["withheld"] >= 1


def test_a_title_given_after_the_event_became_red_is_not_told(beside: Beside) -> None:
    """What it knows it keeps as it knows it; the attributes are deleted there, new words stay here."""
    made = [{"name": "file", "comment": "plain",
             "Attribute": [{"type": "filename", "value": "a.exe", "object_relation": "filename"}]}]  # fmt: skip
    uuid = beside.add("Ours", Object=made)
    beside.sync()
    beside.clock.on(5)
    beside.door.tag(beside.actor, uuid, "tlp:red", attach=True)
    beside.door.edit_event(beside.actor, uuid, {"info": "A secret title"})
    obj = beside.ours(uuid)["Object"][0]["uuid"]
    beside.door.edit_object(beside.actor, obj, {"comment": "a secret comment"})
    beside.sync()
    event = beside.misp.events[uuid]
    assert event["info"] == "Ours"
    assert [tag["name"] for tag in event["Tag"]] == ["tlp:green"]
    assert event["Object"][0]["comment"] == "plain"
    assert [one["deleted"] for one in (*event["Attribute"], *event["Object"][0]["Attribute"])] == [True, True]
    beside.sync()
    assert beside.ours(uuid)["info"] == "A secret title"


def test_attached_files_travel_both_ways(beside: Beside) -> None:
    """A file of theirs is here, one of ours is there; a run later nothing is told again, and an edit loses neither."""
    theirs = beside.misp.new_event("Theirs")
    one = beside.misp.new_attribute(theirs, "attachment", "report.pdf", data="dGhlaXJz")
    ours = beside.add(Attribute=[{"type": "attachment", "value": "note.txt", "data": "b3Vycw=="}])
    report = beside.sync()
    assert (report["pulled"], report["pushed"], report["not_taken"]) == (1, 1, 0)
    assert beside.ours(theirs)["Attribute"][0]["data"] == "dGhlaXJz"
    assert beside.misp.events[ours]["Attribute"][0]["data"] == "b3Vycw=="
    assert beside.sync()["pushed"] == 0
    beside.clock.on(5)
    beside.misp.change_attribute(ours, beside.ours(ours)["Attribute"][0]["uuid"], comment="seen")
    beside.door.edit_attribute(beside.actor, one, {"comment": "seen too"})
    beside.sync()
    beside.sync(full=True)
    assert beside.misp.events[theirs]["Attribute"][0]["comment"] == "seen too"
    for side in (beside.misp.events, {uuid: beside.ours(uuid) for uuid in (theirs, ours)}):
        assert [side[uuid]["Attribute"][0]["data"] for uuid in (theirs, ours)] == ["dGhlaXJz", "b3Vycw=="]


def test_files_that_are_too_large_stay_there(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event whose files are above the bound on an answer comes without them, the others come with theirs."""
    large, small = beside.misp.new_event("Large"), beside.misp.new_event("Small")
    beside.misp.new_attribute(large, "malware-sample", "a.exe|" + "d" * 32, data="QUFB" * 5_000)
    beside.misp.new_attribute(small, "attachment", "note.txt", data="b3Vycw==")
    one = server(beside.node, "own")
    client = MispClient("own", one.url, KEY, answer_bytes=16_000)
    assert exchange(beside.node, one, client).pulled == 2
    client.close()
    assert beside.ours(large)["Attribute"][0]["value"].startswith("a.exe")
    assert "data" not in beside.ours(large)["Attribute"][0]
    assert beside.ours(small)["Attribute"][0]["data"] == "b3Vycw=="


def test_a_deletion_is_on_record_before_it_is_told(beside: Beside) -> None:
    """What is taken back from the MISP stands on the ledger as a recall, with whom it is taken from."""
    uuid = beside.add()
    beside.sync()
    beside.door.delete_event(beside.actor, uuid)
    assert beside.sync()["deleted_there"] == 1
    told = str(beside.node.ledger.show(limit=1_000).items[-1])
    for word in ("recall", f"report--{uuid}", "own"):
        assert word in told


def test_a_release_covers_its_own_event_only(beside: Beside) -> None:
    """The client sends what belongs to the recorded release that it is given, and nothing else (rule 1)."""
    first, second = beside.add("First"), beside.add("Second")
    one = server(beside.node, "own")
    recorded = OwnDesk(beside.node, one).record(first, beside.ours(first))
    client = MispClient("own", one.url, KEY)
    for call in (
        lambda: client.add(recorded, beside.ours(second)),
        lambda: client.edit(recorded, beside.ours(second)),
        lambda: client.attach(recorded, second, "tag"),
        lambda: client.remove(recorded, second, "tag"),
    ):
        with pytest.raises(ValueError, match="release"):
            call()
    client.close()
    assert beside.misp.events == {}


def test_objects_with_their_attributes_travel(beside: Beside) -> None:
    """A MISP object of ours stands there whole; a change of one of its attributes comes back."""
    made = [{"name": "file", "meta-category": "file", "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215",
             "Attribute": [{"type": "filename", "value": "a.exe", "object_relation": "filename"},
                           {"type": "md5", "value": "d" * 32, "object_relation": "md5"}]}]  # fmt: skip
    uuid = beside.add(Object=made)
    beside.sync()
    there = beside.misp.events[uuid]["Object"][0]
    assert [one["value"] for one in there["Attribute"]] == ["a.exe", "d" * 32]
    beside.clock.on(5)
    there["Attribute"][0] |= {"value": "b.exe", "timestamp": str(beside.clock.seconds())}
    beside.misp.events[uuid]["timestamp"] = str(beside.clock.seconds())
    assert beside.sync()["pulled"] == 1
    assert beside.ours(uuid)["Object"][0]["Attribute"][0]["value"] == "b.exe"
