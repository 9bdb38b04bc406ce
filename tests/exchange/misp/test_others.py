"""What stands in no MISP event, and a MISP that belongs to others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.misp.conftest import Beside
from exchange.misp.recorded_misp import KEY
from misp_circle import wish
from seawall.flow.circles import create_circle
from seawall.flow.intel import import_paths
from seawall.flow.misp_servers import MispServer, add_server
from seawall.flow.misp_sync import sync_misp
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.protect import export
from seawall.flow.recall_sending import recall_object
from seawall.model import Fault, ObservableType, UserRole


def listed(beside: Beside, folder: Path, values: list[str], tlp: str) -> None:
    """Import a list."""
    file = folder / f"{tlp}.csv"
    file.write_text("type,value\n" + "".join(f"domain,{value}\n" for value in values))
    import_paths(beside.node, [file], tlp=tlp, source=f"list {tlp}")


def values(beside: Beside, *, deleted: bool = False) -> list[str]:
    """What stands on the MISP."""
    return sorted(one["value"] for event in beside.misp.events.values() for one in event["Attribute"]
                  if one["deleted"] == deleted)  # fmt: skip


def test_indicators_outside_of_events_go_to_our_own_misp(beside: Beside, tmp_path: Path) -> None:
    """A list stands on the MISP up to the ceiling, once; what is added to it later joins it."""
    listed(beside, tmp_path, ["a.example", "b.example"], "green")
    listed(beside, tmp_path, ["red.example"], "red")
    report = beside.sync()
    assert values(beside) == ["a.example", "b.example"]
    assert report["withheld"] == 1
    before = len(beside.misp.calls)
    assert beside.sync()["pushed"] == 0
    assert len(beside.misp.calls) - before <= 2
    listed(beside, tmp_path, ["a.example", "b.example", "c.example"], "green")
    beside.sync()
    assert values(beside) == ["a.example", "b.example", "c.example"]
    assert beside.sync()["pulled"] == 0


def test_a_list_that_the_misp_refused_is_offered_again(beside: Beside, tmp_path: Path) -> None:
    """What stands in no event goes there once the MISP takes it."""
    listed(beside, tmp_path, ["a.example"], "green")
    answer = beside.misp.answer
    beside.misp.answer = lambda path, given: (  # type: ignore[method-assign]
        (403, {"message": "No."}) if path.startswith("/events/add") else answer(path, given)
    )
    assert beside.sync()["pushed"] == 0
    beside.misp.answer = answer  # type: ignore[method-assign]
    beside.sync()
    assert values(beside) == ["a.example"]


@pytest.fixture
def partner(beside: Beside, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The MISP is a partner's, seated in a circle up to GREEN; calling it synchronises."""
    node = beside.node
    for name in ("partner", "same"):
        node.store.users.add(name, UserRole.TAXII, node.clock())
    second = tmp_path / "second.token"
    second.write_text(node.store.users.add("second", UserRole.APPROVER, node.clock()))
    node._approver_token = second
    create_circle(node, wish("open", "partner", "same"))
    add_server(node, MispServer("partner", beside.server.url, circle="open"), tmp_path / "key")

    def run(**options: bool) -> dict[str, Any]:
        beside.clock.on(2)
        return sync_misp(node, "partner", **options)

    return run


def test_a_partners_misp_gets_what_its_circle_releases(beside: Beside, partner: Callable[..., dict[str, Any]]) -> None:
    """GREEN goes there with its UUIDs and a leaf for the partner; AMBER does not; the next run tells nothing."""
    green = beside.add("Green")
    beside.add("Amber", Tag=[{"name": "tlp:amber"}], Attribute=[{"type": "domain", "value": "amber.example"}])
    partner()
    assert values(beside) == ["ours.example"]
    assert green in beside.misp.events
    assert "partner" in str(beside.node.ledger.show(limit=1000).items[-1])
    assert partner()["pushed"] == 0
    beside.clock.on(5)
    (attribute,) = beside.misp.events[green]["Attribute"]
    beside.door.edit_attribute(beside.actor, attribute["uuid"], {"value": "edited.example"})
    partner()
    assert values(beside) == ["edited.example"]


def test_what_a_partner_refused_is_offered_again(
    beside: Beside, partner: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """An event of the circle, and a list, that its MISP refused go there once it takes them."""
    listed(beside, tmp_path, ["a.example"], "green")
    beside.add("Green")
    answer = beside.misp.answer
    beside.misp.answer = lambda path, given: (  # type: ignore[method-assign]
        (403, {"message": "No."}) if path.startswith("/events/add") else answer(path, given)
    )
    assert partner()["pushed"] == 0
    beside.misp.answer = answer  # type: ignore[method-assign]
    assert partner()["pushed"] == 2
    assert values(beside) == ["a.example", "ours.example"]


def test_a_recall_deletes_at_the_partner(beside: Beside, partner: Callable[..., dict[str, Any]]) -> None:
    """What was recalled from the circle is soft-deleted on its MISP, and stays here."""
    green = beside.add("Green")
    partner()
    (attribute,) = beside.misp.events[green]["Attribute"]
    recall_object(beside.node, f"indicator--{attribute['uuid']}", "open")
    partner()
    assert values(beside) == []
    assert values(beside, deleted=True) == ["ours.example"]
    partner()
    assert not beside.ours(green)["Attribute"][0]["deleted"]


def test_what_a_partner_has_comes_in(beside: Beside, partner: Callable[..., dict[str, Any]]) -> None:
    """Its own events are known here, and our edits of them are not told to it unless the circle releases them."""
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:amber"}])
    one = beside.misp.new_attribute(uuid, "domain", "theirs.example")
    assert partner()["pulled"] == 1
    beside.clock.on(5)
    beside.door.edit_attribute(beside.actor, one, {"comment": "ours alone"})
    partner()
    assert beside.misp.events[uuid]["Attribute"][0]["comment"] == ""


def test_a_partner_cannot_rewrite_remark_or_delete_what_is_ours(
    beside: Beside, partner: Callable[..., dict[str, Any]]
) -> None:
    """What it makes of our event is remembered and told, and changes nothing here: no word, no marking, no deletion."""
    green = beside.add("Green")
    partner()
    there = beside.misp.events[green]
    beside.clock.on(5)
    beside.misp.change_attribute(green, there["Attribute"][0]["uuid"], value="theirs.example")
    beside.misp.new_attribute(green, "domain", "added.example")
    beside.misp.tag_by_hand(there, there, "tlp:clear", attach=True)
    beside.misp.tag_by_hand(there, there, "tlp:green", attach=False)
    report = partner()
    assert (report["pulled"], report["not_theirs"], report["deleted_here"]) == (0, 1, 0)
    ours = beside.ours(green)
    assert [one["value"] for one in ours["Attribute"]] == ["ours.example"]
    assert [tag["name"] for tag in ours["Tag"]] == ["tlp:green"]
    beside.misp.delete(green)
    assert partner(full=True)["deleted_here"] == 0
    assert beside.ours(green)["info"] == "Green"
    assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, "ours.example") is not None


def test_a_partner_may_change_and_delete_what_it_brought(
    beside: Beside, partner: Callable[..., dict[str, Any]]
) -> None:
    """Its own events follow its own word, down to their deletion."""
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:green"}])
    one = beside.misp.new_attribute(uuid, "domain", "theirs.example")
    partner()
    beside.clock.on(5)
    beside.misp.change_attribute(uuid, one, value="changed.example")
    assert partner()["pulled"] == 1
    assert beside.ours(uuid)["Attribute"][0]["value"] == "changed.example"
    beside.misp.delete(uuid)
    assert partner(full=True)["deleted_here"] == 1


def test_a_partner_cannot_take_an_event_that_we_do_not_keep_as_one(
    beside: Beside, partner: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """What we told it of a list is an event there only; what it adds to that does not make the event its own here."""
    listed(beside, tmp_path, ["a.example"], "green")
    partner()
    (event,) = beside.misp.events
    beside.clock.on(5)
    beside.misp.new_attribute(event, "domain", "added.example")
    assert partner()["not_theirs"] == 1
    assert beside.node.store.misp.states([event]) == {}


def test_what_a_partner_brought_is_not_ours_to_block_or_pass_on(
    beside: Beside, partner: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """It is watched, not blocked; members of its circle may have it, those of another may not (rules 2 and 5)."""
    node = beside.node
    node.store.users.add("other", UserRole.TAXII, node.clock())
    create_circle(node, wish("closed", "other"))
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:green"}])
    one = beside.misp.new_attribute(uuid, "domain", "theirs.example")
    partner()
    entry = node.store.indicators.lookup(ObservableType.DOMAIN, "theirs.example")
    assert entry is not None
    assert entry.origin == "partner"
    report = export(node, "csv", output=tmp_path / "block.csv", include_watch=True)
    assert (report["blocks"], report["watches"]) == (0, 1)
    fill_outboxes(node)
    rows = {circle: node.store.outbox.page(circle, member, limit=100).rows
            for circle, member in (("open", "same"), ("closed", "other"))}  # fmt: skip
    assert f"indicator--{one}" in {row.object_id for row in rows["open"]}
    assert rows["closed"] == ()


def test_a_partner_cannot_speak_under_an_id_of_ours(
    beside: Beside, partner: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """An attribute under the UUID of an indicator of ours is counted, and neither changes nor revokes ours."""
    listed(beside, tmp_path, ["ours.example"], "amber")
    ours = beside.node.store.indicators.lookup(ObservableType.DOMAIN, "ours.example")
    assert ours is not None
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:clear"}])
    stolen = ours.indicator_id.partition("--")[2]
    beside.misp.new_attribute(uuid, "domain", "other.example", uuid=stolen)
    assert partner()["rejected"] == 1
    assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, "other.example") is None
    beside.clock.on(5)
    beside.misp.change_attribute(uuid, stolen, deleted=True)
    partner()
    assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, "ours.example") == ours


def test_a_misp_of_others_must_be_seated(beside: Beside, partner: object, tmp_path: Path) -> None:
    """A circle that has no member of the MISP's name does not take it."""
    assert partner
    (tmp_path / "key").write_text(KEY)
    with pytest.raises(Fault) as caught:
        add_server(beside.node, MispServer("stranger", beside.server.url, circle="open"), tmp_path / "key")
    assert caught.value.code == "E-FLOW-186"
