"""An event edited part by part is known to the rest of the node as if it had come whole."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.flow.context import WHOLE_NODE
from seawall.flow.misp_book import MispBook
from seawall.flow.misp_rows import to_doc
from seawall.flow.node import Node, create_node
from seawall.model import Fault, ObservableType

START = 1_790_000_000  # seconds
EVENT = "5ee2f2a2-0000-4000-8000-000000000001"


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two empty nodes."""
    for name in ("edited", "whole"):
        create_node(tmp_path / name, name="Taipei", economy="TW", sector="x", timezone="UTC", lang="en")
    return [tmp_path / "edited", tmp_path / "whole"]


def attribute(number: int, chance: random.Random, **fields: Any) -> dict[str, Any]:
    """A domain, an address, or a remark."""
    kind = chance.choice(["domain", "ip-dst", "text"])
    value = {"domain": f"h{number}.example", "ip-dst": f"198.51.100.{number % 250}", "text": f"remark {number}"}[kind]
    return {"uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "type": kind, "category": "Other",
            "value": value, "to_ids": kind != "text", "timestamp": START + number, **fields}  # fmt: skip


def known(node: Node) -> tuple[dict[str, Any], list[Any]]:
    """Live STIX objects, reports with their references as sets, and match keys."""
    objects = {}
    for item in node.store.objects.list(WHOLE_NODE, limit=10_000).items:
        body = msgspec.json.decode(item.body)
        if item.type == "report":
            body["object_refs"] = set(body["object_refs"])
        if not item.revoked and item.type != "identity" and "modified" in body:  # observables are facts, they stay
            objects[item.id] = body
    keys = node.store.indicators.list(WHOLE_NODE, limit=10_000).items
    return objects, sorted((key.type.value, key.value, key.indicator_id, key.tlp) for key in keys)


@pytest.mark.parametrize("seed", range(4))
def test_edits_in_parts_are_the_same_as_the_whole(folders: list[Path], seed: int) -> None:
    """After adds, edits, to_ids taken away, soft and hard deletions: the same objects and keys as a fresh import."""
    chance = random.Random(seed)
    doc: dict[str, Any] = {"uuid": EVENT, "info": "Wave", "date": "2026-01-01", "timestamp": START}
    doc |= {"Tag": [{"name": "tlp:green"}], "Attribute": [attribute(number, chance) for number in range(12)]}
    with Node.open(folders[0]) as edited, Node.open(folders[1]) as whole:
        book = MispBook(edited)
        book.put(doc)
        for step in range(30, 60):
            doc["timestamp"] = START + step
            one = chance.choice(doc["Attribute"])
            match chance.randrange(6):
                case 0:
                    doc["Attribute"].append(attribute(step, chance))
                case 1:
                    one |= {
                        "value": attribute(step, random.Random(step), type=one["type"])["value"],
                        "timestamp": START + step,
                    }
                case 2:
                    one |= {"deleted": True, "timestamp": START + step}
                case 3:
                    one |= {"to_ids": False, "timestamp": START + step}
                case 4:
                    one |= {"Tag": [{"name": chance.choice(["tlp:amber", "seen"])}], "timestamp": START + step}
                case 5 if len(doc["Attribute"]) > 8:
                    doc["Attribute"].remove(one)
            book.put(doc)
        MispBook(whole).put(doc)
        mine, theirs = known(edited), known(whole)
        assert mine[1] == theirs[1]
        for id, body in theirs[0].items():
            assert mine[0].get(id) == body
        assert mine[0].keys() == theirs[0].keys()
        held = book.held(EVENT)
        assert held is not None
        assert [one["uuid"] for one in to_doc(held)["Attribute"]] == [one["uuid"] for one in doc["Attribute"]]


def test_a_deleted_event_is_not_taken_again(folders: list[Path]) -> None:
    """Its objects are revoked, its keys are gone, and the same UUID is refused."""
    doc = {"uuid": EVENT, "info": "Wave", "Attribute": [{"type": "domain", "value": "gone.example", "to_ids": True}]}
    with Node.open(folders[0]) as node:
        book = MispBook(node)
        book.put(doc)
        assert book.delete(EVENT)
        assert not book.delete(EVENT)
        assert node.store.indicators.lookup(ObservableType.DOMAIN, "gone.example") is None
        with pytest.raises(Fault) as caught:
            book.put(doc)
        assert caught.value.code == "E-FLOW-160"


def test_two_events_may_name_one_value(folders: list[Path]) -> None:
    """The value stays known until the last of them takes it back."""
    other = EVENT.replace("1", "2")
    with Node.open(folders[0]) as node:
        book = MispBook(node)
        for name in (EVENT, other):
            book.put({"uuid": name, "info": "x", "Attribute": [{"type": "domain", "value": "a.example", "to_ids": 1}]})
        book.delete(EVENT)
        assert node.store.indicators.lookup(ObservableType.DOMAIN, "a.example") is not None
        book.delete(other)
        assert node.store.indicators.lookup(ObservableType.DOMAIN, "a.example") is None


def test_a_restored_attribute_is_matched_again(folders: list[Path]) -> None:
    """Its key is back; the revoked STIX object stays revoked, as STIX 2.1 section 3.2 has it."""
    chance = random.Random(1)
    one = attribute(1, chance, type="domain", value="back.example", to_ids=True)
    doc = {"uuid": EVENT, "info": "Wave", "date": "2026-01-01", "timestamp": START, "Attribute": [one]}
    with Node.open(folders[0]) as node:
        book = MispBook(node)
        for moment, deleted in enumerate((False, True, False), 10):
            one |= {"deleted": deleted, "timestamp": START + moment}
            book.put(doc)
            found = node.store.indicators.lookup(ObservableType.DOMAIN, "back.example")
            assert (found is None) == deleted
