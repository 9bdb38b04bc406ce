"""Who may sit at a circle's table: tracks and seats, communities kept out, kinds of information, Chatham House."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from flow.neighbours import AT, agree, neighbours, push, say
from journey.command_line import Answer, SeawallNode, here
from seawall.flow.communities import set_community
from seawall.flow.node import Node
from seawall.flow.release import explain_object
from seawall.flow.terms import digest_of, read_terms, shared_terms
from seawall.model import Tlp
from seawall.model.circle import CircleTerms


class Table(SeawallNode):
    """A node whose refusals are read."""

    def say(self, *arguments: str | Path) -> Answer:
        """Run a command that may fail."""
        return here("--node", self.folder, *arguments)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A node with two TAXII users, an official and one whose seat two people changed."""
    node = Table(tmp_path / "node", "TW")
    for name in ("ministry", "institute"):
        node.here("users", "add", name, "--role", "taxii")
    node.here("seats", "set", "institute", "--as", "non-official", "--approver-token", node.second_person())
    return node


CREATE = ("circles", "create", "shore", "--tlp-ceiling", "amber", "--members")


@pytest.mark.parametrize(
    ("track", "member", "seated"),
    [
        ("1", "ministry", True),
        ("1", "institute", False),
        ("1.5", "ministry", False),
        ("1.5", "institute", True),
        ("2", "ministry", False),
        ("2", "institute", True),
    ],
)
def test_a_track_seats_only_those_it_may(table: Table, track: str, member: str, seated: bool) -> None:
    """Refused when the circle is made, with the rule in one sentence and status 3."""
    answer = table.say(*CREATE, member, "--track", track)
    assert answer.status == (0 if seated else 3)
    assert ("E-FLOW-457" in answer.err) is not seated


def test_another_seat_takes_two_people_and_shuts_doors(table: Table) -> None:
    """Nobody changes a seat alone; whoever sits otherwise now is refused at each decision."""
    table.here(*CREATE, "ministry")
    wish = ("seats", "set", "ministry", "--as", "private-role")
    assert "E-FLOW-456" in table.say(*wish).err
    assert "E-FLOW-455" in table.say("seats", "set", "ministry", "--as", "pirate").err
    assert "E-FLOW-030" in table.say("seats", "set", "nobody", "--as", "official").err
    made = table.here(*wish, "--approver-token", table.second_person("another"))
    assert (made["circles"], made["not_seated_in"]) == (["shore"], ["shore"])
    assert {item["name"]: item["seat"] for item in table.here("seats", "list")["items"]} == {
        "institute": "non-official",
        "ministry": "private-role",
    }
    csv = table.folder.parent / "list.csv"
    csv.write_text("type,value\ndomain,evil.example\n")
    table.here("intel", "import", csv, "--tlp", "green")
    with Node.open(table.folder) as node:
        id = node.store.indicators.changed_since(0, 10).items[0].indicator_id
        assert explain_object(node, id, "ministry")["rule"] == "track-seat"


def test_an_excluded_community_stays_out_with_whoever_joins_it(table: Table) -> None:
    """New members are out at once, in every circle that excludes it; leaving takes two people and opens nothing."""
    assert table.here("communities", "set", "gated", "--members", "beijing")["circles"] == []
    table.here("seats", "set", "ministry", "--as", "private-role", "--approver-token", table.second_person("third"))
    shown = table.here(*CREATE, "ministry,institute", "--exclude", "gated,elbonia", "--track", "1.5")
    assert (shown["exclusions"], shown["excluded_communities"]) == (["beijing", "elbonia"], ["gated"])
    assert table.here("communities", "set", "gated", "--members", "beijing,ministry")["circles"] == ["shore"]
    assert table.here("circles", "show", "shore")["exclusions"] == ["beijing", "elbonia", "ministry"]
    assert "E-FLOW-452" in table.say("communities", "set", "gated", "--members", "beijing").err
    second = table.second_person("fourth")
    table.here("communities", "set", "gated", "--members", "beijing", "--approver-token", second)
    assert "ministry" in table.here("circles", "show", "shore")["exclusions"]
    assert table.here("communities", "list")["items"][0]["circles"] == ["shore"]
    assert "E-FLOW-450" in table.say("communities", "set", "gated", "--members", "a\x1bb").err


def test_what_derives_inherits_the_exclusion_across_nodes(tmp_path: Path) -> None:
    """Taipei's circle with Seoul excludes a community that Osaka joins later: what came through it stays from Osaka."""
    with neighbours(tmp_path, "tpe", "sel", "osa") as nodes:
        taipei = nodes["tpe"]
        agree(nodes, "deep", "tpe", "sel")
        agree(nodes, "wide", "tpe", "osa")
        deep = taipei.store.circles.get("deep")
        taipei.store.circles.save(replace(deep, version=9, excluded_communities=frozenset({"gated"})), AT)
        id = say(nodes["sel"], "203.0.113.9", tlp=Tlp.CLEAR)
        assert push(nodes, "deep", "sel", "tpe") == 1
        assert explain_object(taipei, id, "osa")["allowed"] is True
        set_community(taipei, "gated", ["osa"])
        assert explain_object(taipei, id, "osa")["rule"] == "object-exclusion"


def test_kinds_that_a_circle_takes_are_among_its_terms(table: Table) -> None:
    """An unknown kind is refused; an object needs a kind, and each of its kinds has to be taken."""
    assert "E-FLOW-460" in table.say(*CREATE, "ministry", "--kinds", "tw-share:9").err
    shown = table.here(*CREATE, "ministry", "--kinds", "tw-share:1,tw-share:4")
    assert shown["sharing_kinds"] == ["tw-share:1", "tw-share:4"]
    assert "E-FLOW-461" in table.say(*CREATE, "ministry", "--redact", "X Y").err
    changed = table.here("circles", "change", "shore", "--kinds", "", "--redact", "x_site,extensions.x-a.name")
    assert "sharing_kinds" not in changed
    assert changed["redaction"] == ["extensions.x-a.name", "x_site"]
    assert table.here("circles", "change", "shore", "--minimum-context", "confidence")["minimum_context"]
    assert table.here("circles", "change", "shore", "--chatham-house")["chatham_house"] is True


def test_new_terms_are_said_and_read_alike() -> None:
    """What both sides must share goes over and comes back; without new terms it is what earlier versions say."""
    terms = CircleTerms(name="shore", members=frozenset({"b"}), tlp_ceiling=Tlp.AMBER)
    assert not {"chatham_house", "sharing_kinds"} & shared_terms(terms).keys()
    fuller = replace(terms, chatham_house=True, sharing_kinds=frozenset({"tw-share:2"}))
    said = shared_terms(fuller)
    assert read_terms(said, terms.members) == fuller
    assert digest_of(said) != digest_of(shared_terms(terms))
