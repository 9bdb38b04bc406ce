"""Granular markings through the command line: what is marked above a circle's ceiling does not reach its members."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from journey.command_line import SeawallNode, free_port
from seawall.codec.stix import check
from seawall.exchange import ObjectsQuery, collection_id
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.service import NodeExchange
from seawall.model import Actor, Tlp, UserRole
from seawall.model.stix.tlp import TLP2_IDS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from taxii2client.v21 import Server

pytestmark = pytest.mark.xdist_group("granular")  # one worker, one node


def indicator(number: int, value: str, level: Tlp, selector: str) -> dict[str, Any]:
    """A GREEN indicator with one part marked more strictly."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-00000000000{number}",
        "created": "2026-03-14T00:00:00.000Z",
        "modified": "2026-03-14T00:00:00.000Z",
        "name": f"address {number}",
        "description": f"neighbour {number} told us",
        "pattern": f"[ipv4-addr:value = '{value}']",
        "pattern_type": "stix",
        "valid_from": "2026-03-14T00:00:00Z",
        "object_marking_refs": [TLP2_IDS[Tlp.GREEN]],
        "granular_markings": [{"marking_ref": TLP2_IDS[level], "selectors": [selector]}],
    }


PART = indicator(1, "203.0.113.71", Tlp.AMBER, "description")
WHOLE = indicator(2, "203.0.113.72", Tlp.RED, "pattern")


BUNDLE = "bundle--8e2e2d2b-17d4-4cbf-938f-000000000000"
READER = Actor("siem", UserRole.TAXII)


class Scene(NamedTuple):
    """A node with a GREEN circle of ``vendor`` and an AMBER circle of ``siem``."""

    node: SeawallNode
    url: str
    tokens: dict[str, str]

    def held(self, user: str) -> dict[str, dict[str, Any]]:
        """What the one collection of a user holds, by id."""
        server = Server(f"{self.url}/taxii2/", user=user, password=self.tokens[user])
        found = server.api_roots[0].collections[0].get_objects()
        return {item["id"]: item for item in found.get("objects", [])}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Both indicators imported, both circles standing open for indicators."""
    root = tmp_path_factory.mktemp("granular")
    node, ports = SeawallNode(root / "node", "TW"), (free_port(), free_port())
    tokens = {name: node.here("users", "add", name, "--role", "taxii")["token"] for name in ("siem", "vendor")}
    second = node.second_person()
    for name, member, ceiling in (("bank", "siem", "amber"), ("open", "vendor", "green")):
        terms = ("--members", member, "--tlp-ceiling", ceiling, "--auto", "indicator")
        node.here("circles", "create", name, *terms, "--approver-token", second)
    bundle = {"type": "bundle", "id": BUNDLE, "objects": [PART, WHOLE]}
    (root / "bundle.json").write_text(json.dumps(bundle))
    node.here("intel", "import", root / "bundle.json", "--source", "ours")
    with node.serving(*ports):
        yield Scene(node, f"http://127.0.0.1:{ports[0]}", tokens)


def test_an_amber_description_does_not_reach_a_green_circle(scene: Scene) -> None:
    """The indicator does, valid, under its id and version, and says nothing of a part that is missing."""
    green = scene.held("vendor")
    assert set(green) & {PART["id"], WHOLE["id"]} == {PART["id"]}
    got = green[PART["id"]]
    assert "description" not in got
    assert "granular_markings" not in got
    assert (got["modified"], got["pattern"], got["name"]) == (PART["modified"], PART["pattern"], PART["name"])
    assert TLP2_IDS[Tlp.GREEN] in got["object_marking_refs"]
    assert check(got).valid


def test_the_amber_circle_gets_the_description(scene: Scene) -> None:
    """Where it may go it goes; the RED pattern goes nowhere."""
    amber = scene.held("siem")
    assert amber[PART["id"]]["description"] == PART["description"]
    assert WHOLE["id"] not in amber


def test_why_says_what_was_left_out_or_why_nothing_could_be(scene: Scene) -> None:
    """For our own people, part by part."""
    scene.held("vendor")
    part = scene.node.here("why", PART["id"], "--peer", "vendor")
    assert part["allowed"]
    assert any("left out: description (amber)" in test["detail"] for test in part["tests"])
    whole = scene.node.here("why", WHOLE["id"], "--peer", "vendor")
    assert (whole["allowed"], whole["rule"]) == (False, "granular-marking")
    assert any("'pattern' (red) cannot be left out" in test["detail"] for test in whole["tests"])


def test_the_ledger_commits_to_what_left(scene: Scene) -> None:
    """The refusal is on record under its rule, and the ledger holds together."""
    scene.held("vendor")
    assert scene.node.here("ledger", "verify")
    shown = json.dumps(scene.node.here("ledger", "show"))
    assert "granular-marking" in shown


def test_a_raised_ceiling_brings_what_was_left_out(tmp_path: Path) -> None:
    """The same version again, whole: what a circle's terms let in later reaches its members (rule 11)."""
    node = SeawallNode(tmp_path / "node", "TW")
    node.here("users", "add", "siem", "--role", "taxii")
    second = ("--approver-token", node.second_person())
    node.here(
        "circles", "create", "bank", "--members", "siem", "--tlp-ceiling", "green", "--auto", "indicator", *second
    )
    (tmp_path / "bundle.json").write_text(json.dumps({"type": "bundle", "id": BUNDLE, "objects": [PART]}))
    node.here("intel", "import", tmp_path / "bundle.json", "--source", "ours")
    seen: list[str | None] = []
    for ceiling in ("green", "amber", "green"):
        if seen:
            node.here("circles", "change", "bank", "--tlp-ceiling", ceiling, *second)
            node.here("standing", "set", "bank", "auto-bank", "--types", "indicator", "--tlp-at-most", ceiling, *second)
        with Node.open(node.folder) as opened:
            fill_outboxes(opened)
            asked = ObjectsQuery(limit=10)
            page = NodeExchange(opened).page(READER, collection_id(opened.keys.node_id, "bank"), asked)
            assert page.released is not None
            seen += [json.loads(item.body).get("description") for item in page.released.value.objects]
    assert seen == [None, PART["description"], None]
