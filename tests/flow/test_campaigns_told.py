"""Campaigns that leave: as STIX, by a person, under the strictest terms of what they were made from; and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stix2validator import ValidationOptions, validate_instance

from flow.neighbours import agree, carry, neighbours, push
from flow.test_campaigns import MORNING, beacons
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.campaigns import build_campaigns, campaign_job
from seawall.flow.campaigns_released import count_stale, released_campaigns
from seawall.flow.campaigns_shown import list_campaigns, show_campaign
from seawall.flow.campaigns_told import release_campaign, told_campaigns
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.flow.recall_sending import recall_object
from seawall.model import Fault, ObservableType, Pap, Refused, SightingSummary, Tlp

NAMES = [f"c{number}.evil.test" for number in range(4)]
Nodes = dict[str, Node]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Two nodes in one circle, and an outsider; Taipei's people named four values of one campaign."""
    with neighbours(tmp_path, "taipei", "seoul", "osaka") as made:
        agree(made, "two", "taipei", "seoul")
        agree(made, "third", "taipei", "osaka")
        name(made["taipei"], NAMES)
        yield made


def name(node: Node, values: list[str], *, tlp: Tlp = Tlp.AMBER, campaign: str = "Winter Heron") -> None:
    """The node's own people name domains as one campaign's, and its sensors meet them."""
    maker = ValueIndicators(tlp=tlp, pap=Pap.GREEN)
    rows = [IndicatorRow(ObservableType.DOMAIN, value, place, campaign=campaign) for place, value in enumerate(values)]
    node.store.indicators.put([maker.entry(row, ("ours",)) for row in rows], source="ours", at=node.clock())
    file = node.folder / f"{len(values)}-{values[0]}.json"
    file.write_text("\n".join(beacons("203.0.113.7", values)) + "\n")
    ingest_paths(node, [str(file)], side="TW", sector="energy")
    run_match(node)
    build_campaigns(node)


def only(node: Node) -> dict[str, Any]:
    (found,) = list_campaigns(node).items
    return dict(found)


def sent(nodes: Nodes, circle: str, member: str, done: dict[str, Any]) -> list[dict[str, Any]]:
    """What stands in the member's outbox of the campaign's own objects."""
    rows = nodes["taipei"].store.outbox.page(circle, member, limit=1_000).rows
    return [json.loads(row.body) for row in rows if row.object_id in done["objects"]]


def test_a_person_releases_a_campaign_as_valid_stix(nodes: Nodes) -> None:
    """Campaign, relationships and grouping pass the validator, name the values and no feature, and are on the record;
    said again without news, nothing is written anew."""
    taipei = nodes["taipei"]
    id = only(taipei)["id"]
    done: Any = release_campaign(taipei, id, "two", name="Heron")
    bodies = sent(nodes, "two", "seoul", done)
    kinds = sorted(body["type"] for body in bodies)
    assert kinds == ["campaign", "grouping", *["relationship"] * done["values"]]
    assert done["values"] >= len(NAMES)
    for body in bodies:
        found = validate_instance(body, ValidationOptions(version="2.1"))
        assert found.is_valid, found.errors
        assert body["object_marking_refs"] and body["labels"]
    (campaign,) = (body for body in bodies if body["type"] == "campaign")
    assert campaign["name"] == "Heron"
    assert "no attribution" in campaign["description"]
    text = json.dumps(campaign) + json.dumps(next(body for body in bodies if body["type"] == "grouping"))
    assert not any(hidden in text for hidden in ("Winter Heron", "10.1.2.3", "203.0.113.7", "MALWARE beacon"))
    assert campaign["id"] != id
    assert all(body["relationship_type"] == "indicates" for body in bodies if body["type"] == "relationship")
    again: Any = release_campaign(taipei, id, "two")
    assert again["campaign"] == done["campaign"]
    assert {body["id"]: body["modified"] for body in sent(nodes, "two", "seoul", again)} == {
        body["id"]: body["modified"] for body in bodies
    }
    name(taipei, ["c9.evil.test"], tlp=Tlp.RED)  # the strictest of all values governs the whole
    red: Any = release_campaign(taipei, only(taipei)["id"], "two")
    assert (red["released"], red["recipients"]["seoul"]["rules"]) == (False, ["tlp-ceiling"])


def test_a_peer_sees_it_as_the_other_sides_grouping_and_its_own_campaign_links_to_it(nodes: Nodes) -> None:
    """Seoul met two of the values itself: its campaign stays its own, with a possible link to Taipei's."""
    seoul = nodes["seoul"]
    name(seoul, NAMES[:2], campaign="Our Own Name")
    done: Any = release_campaign(nodes["taipei"], only(nodes["taipei"])["id"], "two", name="Heron")
    assert push(nodes, "two", "taipei", "seoul") > 0
    build_campaigns(seoul)
    (told,) = told_campaigns(seoul)
    assert (told["name"], told["origin"]) == ("Heron", "taipei")
    assert int(str(told["values"])) >= len(NAMES)
    assert len(told["ours"]) >= 1  # type: ignore[arg-type]
    shown: Any = show_campaign(seoul, told["ours"][0])  # type: ignore[index]
    (link,) = (one for one in shown["possible_links"] if one["object_id"] == told["id"])
    assert (link["name"], link["kind"], link["possible"]) == ("Heron", "campaign", True)
    assert shown["id"] != told["id"]
    assert told_campaigns(nodes["taipei"]) == []
    build_campaigns(nodes["taipei"], rebuild=True)
    assert show_campaign(nodes["taipei"], only(nodes["taipei"])["id"])["possible_links"] == []
    for id in done["objects"]:  # after a recall only shells are left, which say nothing and link to nothing
        recall_object(nodes["taipei"], id, None)
    carry(nodes, "taipei", "seoul")
    push(nodes, "two", "taipei", "seoul")
    build_campaigns(seoul)
    assert told_campaigns(seoul) == []
    assert show_campaign(seoul, str(shown["id"]))["possible_links"] == []
    with pytest.raises(Fault, match="E-FLOW-813"):
        release_campaign(nodes["taipei"], only(nodes["taipei"])["id"], "two", name=" " * 3)


def test_what_one_peer_told_does_not_reach_another_inside_a_campaign(nodes: Nodes) -> None:
    """Seoul's values stand in Taipei's campaign: Seoul may have it, Osaka not; a word without object stops it."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    name(seoul, ["c7.evil.test", "c8.evil.test"])
    assert push(nodes, "two", "seoul", "taipei") > 0
    name(taipei, NAMES[2:])
    build_campaigns(taipei)
    campaign = max(list_campaigns(taipei).items, key=lambda one: int(str(one["values"])))
    assert int(str(campaign["values"])) >= 6
    back: Any = release_campaign(taipei, str(campaign["id"]), "two")
    assert back["recipients"]["seoul"]["campaign"] is True
    on: Any = release_campaign(taipei, str(campaign["id"]), "third")
    assert on["released"] is False and "onward-sharing" in on["recipients"]["osaka"]["rules"]
    told = SightingSummary(
        ObservableType.DOMAIN, "c5.evil.test", "KR", MORNING, MORNING, 3, ("energy",), None, ("alert",), Tlp.AMBER,
        Pap.AMBER, "osaka",
    )  # fmt: skip
    taipei.store.sightings.put([told])
    build_campaigns(taipei)
    with pytest.raises(Refused, match="E-FLOW-814"):
        release_campaign(taipei, str(campaign["id"]), "two")


def test_what_became_of_a_released_campaign_is_told_to_its_people(nodes: Nodes) -> None:
    """Told and unchanged; grown since; taken in by another; recalled; grouped anew under another id: each its state."""
    taipei = nodes["taipei"]
    assert released_campaigns(taipei) == []
    id = str(only(taipei)["id"])
    done: Any = release_campaign(taipei, id, "two", name="Heron")

    def row() -> dict[str, Any]:
        (found,) = released_campaigns(taipei)
        return dict(found)

    assert (row()["id"], row()["campaign"], row()["name"]) == (id, done["campaign"], "Heron")
    assert row()["circles"] == ["two"]
    assert (row()["state"], row()["to_do"], count_stale(taipei)) == ("current", "", 0)
    name(taipei, ["c9.evil.test"])
    assert (row()["state"], row()["values"] > len(NAMES), count_stale(taipei)) == ("changed", True, 1)
    assert "need a person" in campaign_job(taipei)
    release_campaign(taipei, id, "two")
    assert (row()["state"], row()["name"]) == ("current", "Heron")
    kept = taipei.store.campaigns.get(id, visibility=WHOLE_NODE)
    taipei.store.campaigns.put([msgspec.structs.replace(kept, merged_into="campaign-other", values=0)])
    assert (row()["state"], row()["merged_into"]) == ("merged", "campaign-other")
    assert "campaign-other" in row()["to_do"]
    taipei.store.campaigns.clear()
    assert (row()["state"], row()["values"]) == ("ended", 0)
    recall_object(taipei, done["campaign"], None)
    assert (row()["state"], row()["to_do"], count_stale(taipei)) == ("recalled", "", 0)
