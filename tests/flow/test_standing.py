"""Standing releases: what is tried is what is sent, caps hold under a flood, and one key stops all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode, eve
from seawall.exchange import ObjectsQuery, collection_id
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.refresh import refresh_findings
from seawall.flow.service import NodeExchange
from seawall.model import Actor, UserRole

CIRCLE = "tw-kr"
READER = Actor("siem", UserRole.TAXII)


class Scene:
    """A node with a TAXII user as the circle's one member, which agrees by holding its token."""

    def __init__(self, folder: Path) -> None:
        self.node = SeawallNode(folder / "node", "TW")
        self.second = self.node.second_person()
        self.folder = folder
        self.node.here("users", "add", READER.name, "--role", "taxii")
        self.node.here("circles", "create", CIRCLE, "--members", READER.name, "--tlp-ceiling", "amber")

    def rule(self, *options: str) -> Any:
        """Set the circle's one standing release."""
        return self.node.here("standing", "set", CIRCLE, "warn", *options, "--approver-token", self.second)

    def know(self, *names: str, tlp: str = "amber") -> None:
        """Import domains."""
        file = self.folder / "list.csv"
        file.write_text("type,value\n" + "".join(f"domain,{name}.example\n" for name in names))
        self.node.here("intel", "import", file, "--tlp", tlp, "--source", "ours")

    def fill(self) -> int:
        """Fill the outboxes; returns how many objects were released."""
        with Node.open(self.node.folder) as node:
            return fill_outboxes(node).released

    def read(self) -> set[tuple[str, str]]:
        """(id, version) of everything that the member gets, as its TAXII client asks for it."""
        with Node.open(self.node.folder) as node:
            collection = collection_id(node.keys.node_id, CIRCLE)
            page = NodeExchange(node).page(READER, collection, ObjectsQuery(limit=10_000, versions=("all",)))
            return set() if page.released is None else {(one.id, one.version) for one in page.released.value.objects}

    def dry(self, *options: str) -> Any:
        """The dry run."""
        return self.node.here("standing", "dry-run", CIRCLE, *options)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A circle without any standing release."""
    return Scene(tmp_path)


def test_the_dry_run_lists_what_is_then_sent(scene: Scene, tmp_path: Path) -> None:
    """Object for object, over types, markings and references, and asking writes nothing and sends nothing."""
    scene.know(*(f"a{n}" for n in range(41)))
    scene.know("secret", tlp="red")
    report = tmp_path / "report.json"
    objects = [
        {"type": "malware", "spec_version": "2.1", "id": "malware--0d1f9d3e-3a54-4a7e-9a0f-4d3b1d2b8b7a",
         "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "is_family": True,
         "name": "Tide"},
        {"type": "report", "spec_version": "2.1", "id": "report--1d1f9d3e-3a54-4a7e-9a0f-4d3b1d2b8b7a",
         "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "Tides",
         "published": "2026-01-01T00:00:00Z", "object_refs": ["malware--0d1f9d3e-3a54-4a7e-9a0f-4d3b1d2b8b7a"]},
    ]  # fmt: skip
    report.write_text(json.dumps({"type": "bundle", "id": "bundle--2d1f9d3e-3a54-4a7e-9a0f-4d3b1d2b8b7a",
                                  "objects": objects}))  # fmt: skip
    scene.node.here("intel", "import", report, "--tlp", "green")
    scene.rule("--types", "indicator,malware,report")
    tried = scene.dry("--days", "30")
    assert scene.dry()["items"] == tried["items"]
    assert tried["would_send"] + tried["earlier"] == len(tried["items"]) == 43
    assert tried["by_type"] == {"indicator": 41, "malware": 1, "report": 1}
    assert "tlp-ceiling" in tried["stays"]
    listed = {(item["id"], item["version"]) for item in tried["items"]}
    assert listed == scene.read()
    assert scene.dry()["items"] == []


def test_old_objects_are_counted_apart(scene: Scene, tmp_path: Path) -> None:
    """What changed before the asked days would go too, and is not called recent."""
    old = tmp_path / "old.json"
    old.write_text(json.dumps({
        "type": "malware", "spec_version": "2.1", "id": "malware--0d1f9d3e-3a54-4a7e-9a0f-4d3b1d2b8b7b",
        "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "is_family": True, "name": "Ebb",
    }))  # fmt: skip
    scene.node.here("intel", "import", old, "--tlp", "green")
    scene.know("new")
    scene.rule("--types", "indicator,malware")
    tried = scene.dry()
    assert (tried["would_send"], tried["earlier"]) == (1, 1)
    assert [item["type"] for item in tried["items"]] == ["indicator", "malware"]


def test_caps_hold_under_a_flood(scene: Scene) -> None:
    """However often it is asked and however much there is, an hour lets go what the cap says; the dry run says so."""
    scene.rule("--types", "indicator", "--cap-per-hour", "25", "--cap-per-day", "30")
    scene.know(*(f"f{n}" for n in range(300)))
    tried = scene.dry()
    assert len(tried["items"]) == 25
    assert tried["stopped_by_cap"] == [READER.name]
    assert sum(scene.fill() for _ in range(5)) == 25
    assert {(item["id"], item["version"]) for item in tried["items"]} == scene.read()
    (listed,) = scene.node.here("standing", "list")["items"]
    assert (listed["last_hour"], listed["cap_per_hour"], listed["last_day"]) == (25, 25, 25)


def test_one_key_stops_all_and_two_people_go_on(scene: Scene) -> None:
    """While stopped nothing is put out or handed out, not even what stood there; afterwards nothing is missing."""
    scene.rule("--types", "indicator")
    scene.know("before")
    assert scene.fill() == 1
    analyst = scene.folder / "analyst.token"
    analyst.write_text(scene.node.here("users", "add", "night-desk", "--role", "analyst")["token"])
    assert scene.node.here("standing", "stop", "--token", analyst)["stopped"] == [CIRCLE]
    scene.know("during")
    assert scene.fill() == 0
    assert scene.read() == set()
    assert scene.node.here("standing", "list")["items"][0]["state"] == "stopped"
    found = scene.node.here("intel", "export", "--to", "stix", "-o", scene.folder / "all.json")
    assert found
    some = json.loads((scene.folder / "all.json").read_text())["objects"]
    indicator = next(item["id"] for item in some if item["type"] == "indicator" and "during" in item["pattern"])
    why = scene.node.here("why", indicator, "--peer", READER.name)
    assert not why["allowed"]
    assert any("it is suspended" in test["detail"] for test in why["tests"])
    scene.node.here("standing", "resume", status=3)
    scene.node.here("standing", "resume", "--approver-token", scene.second)
    assert len(scene.read()) == 2


def test_a_stop_of_one_circle_leaves_others_alone(scene: Scene) -> None:
    """Each circle has its own key beside the one for all, and each is lifted by itself."""
    scene.rule("--types", "indicator")
    scene.node.here("users", "add", "other", "--role", "taxii")
    more = ("--members", "other", "--tlp-ceiling", "amber", "--auto", "indicator", "--approver-token", scene.second)
    scene.node.here("circles", "create", "second", *more)
    assert scene.node.here("standing", "stop", "second")["stopped"] == ["second"]
    scene.know("one")
    assert len(scene.read()) == 1
    assert scene.node.here("standing", "stop")["stopped"] == ["second", CIRCLE]
    assert scene.node.here("standing", "resume", "--approver-token", scene.second)["stopped"] == ["second"]
    scene.node.here("standing", "resume", "--approver-token", scene.second, status=2)
    assert scene.node.here("standing", "resume", "second", "--approver-token", scene.second)["stopped"] == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--bases", "rumour", "--types", "indicator"), "E-FLOW-400"),
        (("--types", ""), "E-FLOW-401"),
        (("--types", "observed-data"), "E-FLOW-031"),
        (("--types", "indicator", "--tlp-at-most", "purple"), "E-MARK-001"),
    ],
)
def test_a_rule_that_makes_no_sense_is_one_sentence(scene: Scene, options: tuple[str, ...], code: str) -> None:
    """Unknown bases, no types, types that never leave, unknown markings."""
    done = scene.node.raw("standing", "set", CIRCLE, "warn", *options, "--approver-token", scene.second)
    assert done.returncode == 2
    assert code in done.stderr.decode()


def test_a_rule_takes_two_people_and_going_takes_one(scene: Scene) -> None:
    """Setting without a second person, or with oneself as the second, is refused; removing is not."""
    scene.node.here("standing", "set", CIRCLE, "warn", "--types", "indicator", status=3)
    own = scene.node.folder / "administrator.token"
    done = scene.node.raw("standing", "set", CIRCLE, "warn", "--types", "indicator", "--approver-token",
                          own if own.exists() else scene.second)  # fmt: skip
    assert done.returncode == (3 if own.exists() else 0)
    scene.rule("--types", "indicator")
    assert scene.node.here("standing", "remove", CIRCLE, "warn")["standing"] == []
    scene.node.here("standing", "remove", CIRCLE, "warn", status=2)


def test_a_change_of_one_term_leaves_the_others(scene: Scene) -> None:
    """Versions rise, the history says what changed and who stood for it, and changing nothing is said."""
    scene.rule("--types", "indicator", "--least-confidence", "50")
    scene.node.here("circles", "change", CIRCLE, "--tlp-ceiling", "green", status=3)
    changed = scene.node.here("circles", "change", CIRCLE, "--tlp-ceiling", "green", "--approver-token", scene.second)
    assert (changed["tlp_ceiling"], changed["version"], changed["standing"][0]["least_confidence"]) == ("green", 3, 50)
    newest, rule, first = scene.node.here("circles", "history", CIRCLE)["items"]
    assert newest["changed"] == {"tlp_ceiling": ["amber", "green"]}
    assert newest["approved_by"][1] == "approver"
    assert list(rule["changed"]) == ["standing"]
    assert first["version"] == 1
    again = scene.node.raw("circles", "change", CIRCLE, "--tlp-ceiling", "green", "--approver-token", scene.second)
    assert (again.returncode, b"E-FLOW-037" in again.stderr) == (2, True)


def test_least_evidence_is_that_of_our_own_sensors(scene: Scene) -> None:
    """A candidate seen by two sensors passes a rule that asks for two, with its sighting; one seen by one does not."""
    log = scene.folder / "eve.json"
    seen = [("203.0.113.77", "tpe-1"), ("203.0.113.77", "tpe-2"), ("203.0.113.78", "tpe-1")]
    log.write_text("".join(
        eve("2026-03-14T08:00:00.000000+0000", address, "10.1.0.5", sensor=sensor) + "\n" for address, sensor in seen
    ))  # fmt: skip
    scene.node.here("ingest", log)
    with Node.open(scene.node.folder) as node:
        refresh_findings(node)
    scene.rule("--types", "indicator,sighting")
    assert scene.dry()["by_type"] == {"indicator": 2, "sighting": 2}
    scene.rule("--least-sensors", "2", "--bases", "alert,honeypot")
    tried = scene.dry()["items"]
    assert sorted(item["type"] for item in tried) == ["indicator", "sighting"]
    assert all("203.0.113.78" not in item["what"] for item in tried)
    scene.rule("--bases", "honeypot")
    assert scene.dry()["items"] == []
