"""Single items: kinds that a circle takes, clocks with their legal basis, and what happens when they run out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flow.test_tables import Table
from seawall.flow.items import expire_items
from seawall.flow.jobs import run
from seawall.flow.node import Node
from seawall.model import UserRole

DAY = 86_400_000_000
TOOL = "tool--22222222-2222-4222-8222-222222222222"
LABELLED = "tool--33333333-3333-4333-8333-333333333333"
TIMES = {"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A node with two tools, an indicator, and a circle that takes two kinds of information."""
    node = Table(tmp_path / "node", "TW")
    node.here("users", "add", "north", "--role", "taxii")
    tool = {"type": "tool", **TIMES, "name": "Tide"}
    objects = [tool | {"id": TOOL}, tool | {"id": LABELLED, "labels": ["tw-share:4", "trojan"]}]
    bundle = {"type": "bundle", "id": "bundle--33333333-3333-4333-8333-333333333333", "objects": objects}
    (tmp_path / "b.json").write_text(json.dumps(bundle))
    (tmp_path / "l.csv").write_text("type,value\ndomain,evil.example\n")
    for file in ("b.json", "l.csv"):
        node.here("intel", "import", tmp_path / file, "--tlp", "green")
    node.here("circles", "create", "shore", "--members", "north", "--tlp-ceiling", "amber", "--kinds",
              "tw-share:1,tw-share:4")  # fmt: skip
    return node


def test_a_circle_takes_the_kinds_that_its_terms_name(table: Table) -> None:
    """By label or as people said; every kind has to be taken, and an object of no kind names what it lacks."""
    assert table.here("release", LABELLED, "--circle", "shore")["released"] is True
    shown = table.here("release", TOOL, "--circle", "shore", "--preview")["recipients"][0]
    assert (shown["rule"], "it lacks labels" in shown["reason"]) == ("sharing-kind", True)
    table.here("items", "set", TOOL, "--kinds", "tw-share:1,tw-share:2")
    assert "tw-share:2" in table.here("release", TOOL, "--circle", "shore", "--preview")["recipients"][0]["reason"]
    assert table.here("items", "set", TOOL, "--kinds", "tw-share:1")["kinds"] == ["tw-share:1"]
    assert table.here("release", TOOL, "--circle", "shore")["released"] is True
    assert table.here("items", "show", LABELLED)["kinds"] == ["tw-share:4"]


def test_kinds_and_bases_tell_their_source(table: Table) -> None:
    """Law is data: each with its source, when it came into force, and whether anybody compared it."""
    kinds = table.here("items", "kinds")["items"]
    assert [kind["label"] for kind in kinds] == [f"tw-share:{number}" for number in range(1, 8)]
    assert all(kind["source"] and kind["valid_from"] and kind["counterparts"]["KR"] for kind in kinds)
    bases = table.here("items", "bases")["items"]
    assert all({"id", "source", "verified", "valid_from", "days"} <= basis.keys() for basis in bases)


def test_a_clock_has_a_basis_and_an_end(table: Table) -> None:
    """A basis that states no period wants one; what was said stays until something else is said."""
    set_item = ("items", "set", TOOL)
    assert "E-FLOW-470" in table.say(*set_item, "--basis", "whim").err
    assert "E-FLOW-470" in table.say(*set_item, "--days", "9").err
    assert "E-FLOW-472" in table.say(*set_item, "--basis", "tw-information-sharing").err
    assert "E-FLOW-472" in table.say(*set_item, "--basis", "circle-terms", "--days", "0").err
    assert "E-FLOW-473" in table.say(*set_item).err
    assert "E-FLOW-460" in table.say(*set_item, "--kinds", "tw-share:8").err
    assert "E-STORE-010" in table.say("items", "show", "tool--00000000-0000-4000-8000-000000000000").err
    shown = table.here(*set_item, "--basis", "tw-information-sharing", "--days", "10")
    assert (shown["basis_verified"], shown["days_left"]) == (False, 9)
    assert shown["basis_source"].startswith("Taiwan")
    assert table.here(*set_item, "--days", "20")["days_left"] == 19
    assert table.here(*set_item, "--kinds", "tw-share:1")["basis"] == "tw-information-sharing"
    assert [item["id"] for item in table.here("items", "due")["items"]] == [TOOL]
    assert table.here("items", "due", "--days", "5")["items"] == []


def test_when_the_time_is_over_the_item_goes(table: Table) -> None:
    """Taken back where it went, erased here with its entries, and on the record; the others stay."""
    table.here("items", "set", LABELLED, "--basis", "own-security", "--days", "1")
    table.here("release", LABELLED, "--circle", "shore")
    with Node.open(table.folder) as node:
        indicator = node.store.indicators.changed_since(0, 1).items[0].indicator_id
    table.here("items", "set", indicator, "--basis", "circle-terms", "--days", "2")
    with Node.open(table.folder) as node:
        assert expire_items(node)["erased"] == 0
        now = node.clock()
        node.clock = lambda: now + DAY + 1
        assert run(node, "item-retention")["erased"] == 1
        assert node.store.objects.latest([LABELLED, TOOL]).keys() == {TOOL}
        rows = node.store.outbox.page("shore", "north", limit=10).rows
        assert all(b"Tide" not in row.body for row in rows)
        node.clock = lambda: now + 2 * DAY + 1
        assert expire_items(node)["erased"] == 1
        assert node.store.indicators.by_id(indicator) == ()
    assert "payload-erased" in table.say("ledger", "show").out


def test_only_those_who_may_release_say_anything(table: Table) -> None:
    """A reader looks; an analyst may not start or stop a clock."""
    token = table.folder.parent / "analyst.token"
    with Node.open(table.folder) as node:
        token.write_text(node.store.users.add("ana", UserRole.ANALYST, node.clock()))
    answer = table.say("items", "set", TOOL, "--kinds", "tw-share:1", "--token", token)
    assert (answer.status, "E-FLOW-004" in answer.err) == (3, True)
    assert "tool" in table.say("items", "show", TOOL, "--token", token).out
