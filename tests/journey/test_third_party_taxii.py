"""A third party's TAXII client (the OASIS reference client, over Basic) reads a circle of a real ``seawall serve``."""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from journey.command_line import SeawallNode, eve, free_port
from seawall.exchange import collection_id

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from taxii2client.v21 import Collection, Server, as_pages

AMBER = [f"198.51.100.{number}" for number in range(1, 46)]
GREEN = [f"192.0.2.{number}" for number in range(1, 21)]
RED = [f"233.252.0.{number}" for number in range(1, 4)]
ACCEPT = {"Accept": "application/taxii+json;version=2.1"}

pytestmark = pytest.mark.xdist_group("third-party")  # one worker, one pair of nodes


class Scene(NamedTuple):
    """Seoul serves two circles of TAXII clients and exchanges with Taipei in a third."""

    seoul: SeawallNode
    taipei: SeawallNode
    url: str
    tokens: dict[str, str]

    def collections(self, user: str) -> dict[str, Any]:
        """What a client finds from the discovery address on, by title."""
        server = Server(f"{self.url}/taxii2/", user=user, password=self.tokens[user])
        found: dict[str, Collection] = {item.title: item for item in server.api_roots[0].collections}
        return found

    def objects(self, user: str, circle: str, per_request: int = 1000, **filters: Any) -> list[dict[str, Any]]:
        """All pages of a collection."""
        collection = self.collections(user)[circle]
        pages = as_pages(collection.get_objects, per_request=per_request, **filters)
        return [item for page in pages for item in page.get("objects", [])]

    def import_list(self, node: SeawallNode, folder: Path, values: list[str], tlp: str, source: str = "ours") -> None:
        """A list of addresses with one marking."""
        rows = "".join(f"ipv4,{value}\n" for value in values)
        (folder / f"{tlp}.csv").write_text("type,value\n" + rows)
        node.here("intel", "import", folder / f"{tlp}.csv", "--tlp", tlp, "--source", source)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """``siem`` sits in ``bank`` (up to AMBER), ``vendor`` in ``open`` (up to GREEN), Taipei in ``tw-kr`` (AMBER)."""
    root = tmp_path_factory.mktemp("taxii")
    seoul, taipei = SeawallNode(root / "seoul", "KR"), SeawallNode(root / "taipei", "TW")
    ports = {seoul: (free_port(), free_port()), taipei: (free_port(), free_port())}
    tokens = {name: seoul.here("users", "add", name, "--role", "taxii")["token"] for name in ("siem", "vendor")}
    second = {node: node.second_person() for node in (seoul, taipei)}

    def circle(node: SeawallNode, name: str, member: str, ceiling: str) -> None:
        terms = ("--members", member, "--tlp-ceiling", ceiling, "--auto", "indicator,sighting")
        node.here("circles", "create", name, *terms, "--approver-token", second[node])

    for here, there, name in ((seoul, taipei, "taipei"), (taipei, seoul, "seoul")):
        card = root / f"{name}.card"
        card.write_text(json.dumps(there.here("peers", "card")))
        here.here("peers", "add", card, "--url", f"https://127.0.0.1:{ports[there][1]}", "--code-name", name)
        here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second[here])
        circle(here, "tw-kr", name, "amber")
    circle(seoul, "bank", "siem", "amber")
    circle(seoul, "open", "vendor", "green")
    with seoul.serving(*ports[seoul]):
        made = Scene(seoul, taipei, f"http://127.0.0.1:{ports[seoul][0]}", tokens)
        for values, tlp in ((AMBER, "amber"), (GREEN, "green"), (RED, "red")):
            made.import_list(seoul, root, values, tlp)
        yield made


def values_of(objects: list[dict[str, Any]]) -> list[str]:
    """The addresses that the indicators among the objects name."""
    return [item["pattern"].split("'")[1] for item in objects if item["type"] == "indicator"]


@pytest.mark.parametrize("per_request", [7, 13, 65, 1000])
def test_a_circle_is_read_whole_and_once_in_pages_of_any_size(scene: Scene, per_request: int) -> None:
    """Every AMBER and GREEN indicator stands on exactly one page; RED is above the ceiling and on none."""
    collection = scene.collections("siem")["bank"]
    pages = [page.get("objects", []) for page in as_pages(collection.get_objects, per_request=per_request)]
    assert all(len(page) == per_request for page in pages[:-1])
    found = values_of([item for page in pages for item in page])
    assert sorted(found) == sorted(AMBER + GREEN)
    records = [row for page in as_pages(collection.get_manifest, per_request=per_request) for row in page["objects"]]
    assert len({row["id"] for row in records}) == len(records) == len(found)
    assert [row["date_added"] for row in records] == sorted({row["date_added"] for row in records})


def test_a_ceiling_holds_for_each_circle(scene: Scene) -> None:
    """What is AMBER never shows in the circle whose ceiling is GREEN."""
    assert sorted(values_of(scene.objects("vendor", "open"))) == sorted(GREEN)


def test_another_circle_looks_like_one_that_does_not_exist(scene: Scene) -> None:
    """Information, objects, manifest and a single object answer alike for a foreign and an absent collection."""
    assert set(scene.collections("vendor")) == {"open"}
    assert set(scene.collections("siem")) == {"bank"}
    inside = scene.objects("siem", "bank")[0]["id"]
    answers = []
    root = scene.collections("siem")["bank"].url.split("/collections/")[0]
    for identity in (collection_id(scene.seoul.node_id, "bank"), str(uuid.uuid4())):
        told = []
        for rest in ("", "objects/", "manifest/", f"objects/{inside}/", f"objects/{inside}/versions/"):
            address = f"{root}/collections/{identity}/{rest}"
            answer = httpx.get(address, auth=("vendor", scene.tokens["vendor"]), headers=ACCEPT)
            kept = {name: value for name, value in answer.headers.items() if name != "date"}
            told.append((answer.status_code, answer.content, kept))
        answers.append(told)
    assert answers[0] == answers[1]
    assert {status for status, _, _ in answers[0]} == {404}


def test_who_is_not_seated_is_not_let_in(scene: Scene) -> None:
    """No credentials, a wrong token, and another user's name with a right token are all answered 401."""
    for credentials in (None, ("siem", "0" * 64), ("siem", scene.tokens["vendor"])):
        answer = httpx.get(f"{scene.url}/taxii2/", auth=credentials, headers=ACCEPT)
        assert answer.status_code == 401


def test_a_marking_lowered_after_the_last_poll_arrives_at_the_next(scene: Scene, tmp_path: Path) -> None:
    """The client asks only for what was added after its last poll, and finds the former RED object there."""
    collection = scene.collections("siem")["bank"]
    rows = [row for page in as_pages(collection.get_manifest, per_request=1000) for row in page["objects"]]
    last = rows[-1]["date_added"]
    assert scene.objects("siem", "bank", added_after=last) == []
    scene.import_list(scene.seoul, tmp_path, RED[:1], "green")
    assert values_of(scene.objects("siem", "bank", added_after=last)) == RED[:1]
    assert RED[0] in values_of(scene.objects("vendor", "open"))


def test_a_sighting_of_one_circles_amber_indicator_never_reaches_another(scene: Scene, tmp_path: Path) -> None:
    """Taipei's AMBER indicator came through ``tw-kr``; Seoul's sighting of it goes back there and nowhere else."""
    value = "203.0.113.199"
    scene.import_list(scene.taipei, tmp_path, [value], "amber")
    scene.taipei.run("sync", "seoul")
    assert value in scene.seoul.raw("intel", "export", "--to", "csv").stdout.decode()
    log = tmp_path / "eve.json"
    log.write_text(eve("2026-03-14T03:12:00.000000+0000", value, "10.1.0.5", sensor="sel-1", kind="flow") + "\n")
    scene.seoul.run("ingest", log)
    assert scene.seoul.run("match")["indicators_hit"] == 1
    for user, circle in (("siem", "bank"), ("vendor", "open")):
        told = scene.objects(user, circle)
        assert value not in json.dumps(told)
        assert "sighting" not in {item["type"] for item in told}
    scene.taipei.run("sync", "seoul")
    assert [(item["value"], item["origin"]) for item in scene.taipei.listing("sightings")] == [(value, "seoul")]
    refusals = [leaf for leaf in scene.seoul.listing("ledger", "show") if leaf["kind"] == "withheld"]
    assert {(leaf["circle"], leaf["recipient"]) for leaf in refusals} >= {("bank", "siem"), ("open", "vendor")}
