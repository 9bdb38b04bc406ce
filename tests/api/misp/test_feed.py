"""A circle as a MISP feed: what a MISP that subscribes to it finds."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.misp.conftest import LISTED, Scene
from misp_circle import wish
from seawall.flow.circles import create_circle
from seawall.flow.misp_changing import MispChanging
from seawall.flow.recall_sending import recall_object
from seawall.model import UserRole

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pymisp import MISPEvent

VENDOR = "vendor misp"


@pytest.fixture
def subscriber(scene: Scene) -> Iterator[httpx.Client]:
    """A MISP of others, seated in a circle up to GREEN whose indicators go without a click."""
    node = scene.node
    token = node.store.users.add(VENDOR, UserRole.TAXII, node.clock())
    second = node.folder / "second.token"
    second.write_text(node.store.users.add("second", UserRole.APPROVER, node.clock()))
    node._approver_token = second
    create_circle(node, wish("open", VENDOR))
    with httpx.Client(base_url=f"{scene.url}misp-feed/open", auth=(VENDOR, token), trust_env=False) as client:
        yield client


def event_of(scene: Scene, tlp: str = "green") -> str:
    """An event of ours; its UUID."""
    given: dict[str, Any] = {
        "info": "Shared",
        "Tag": [{"name": f"tlp:{tlp}"}],
        "Attribute": [
            {"type": "domain", "value": "shared.example"},
            {"type": "domain|ip", "value": "a.example|1.2.3.4"},
        ],
    }
    return str(MispChanging(scene.node).add_event(scene.node.actor, given).doc["uuid"])


def test_a_feed_names_its_events_and_holds_them(scene: Scene, subscriber: httpx.Client) -> None:
    """Manifest, hashes and event files agree; PyMISP reads an event with the UUIDs it had; RED is not among them."""
    uuid, red = event_of(scene), event_of(scene, "red")
    manifest = subscriber.get("/manifest.json").json()
    assert uuid in manifest
    assert red not in manifest
    event = MISPEvent()
    event.load(subscriber.get(f"/{uuid}.json").text)
    assert {"shared.example", "a.example|1.2.3.4"} <= {one.value for one in event.attributes}
    digest = hashlib.md5(b"shared.example", usedforsecurity=False).hexdigest()
    assert f"{digest},{uuid}" in subscriber.get("/hashes.csv").text.splitlines()
    values = [one["value"] for name in manifest for one in
              json.loads(subscriber.get(f"/{name}.json").text)["Event"].get("Attribute", [])]  # fmt: skip
    assert LISTED in values


def test_what_did_not_change_is_not_sent_again(scene: Scene, subscriber: httpx.Client) -> None:
    """If-None-Match answers 304 without a leaf; a change gives another tag and a leaf."""
    event_of(scene)
    first = subscriber.get("/manifest.json")
    leaves = scene.node.ledger.size
    again = subscriber.get("/manifest.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert scene.node.ledger.size == leaves
    event_of(scene)
    changed = subscriber.get("/manifest.json", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert len(changed.json()) == len(first.json()) + 1
    assert scene.node.ledger.size > leaves


def test_what_was_recalled_is_told_as_deleted(scene: Scene, subscriber: httpx.Client) -> None:
    """A recalled indicator stands in its event as deleted, so that subscribers drop it."""
    uuid = event_of(scene)
    event = subscriber.get(f"/{uuid}.json").json()["Event"]
    one = next(each for each in event["Attribute"] if each["value"] == "shared.example")
    recall_object(scene.node, f"indicator--{one['uuid']}", "open")
    subscriber.get("/manifest.json")
    event = subscriber.get(f"/{uuid}.json").json()["Event"]
    assert [each["deleted"] for each in event["Attribute"] if each["uuid"] == one["uuid"]] == [True]


def test_only_members_find_a_feed(scene: Scene, subscriber: httpx.Client) -> None:
    """A wrong token is 401 with a challenge; a stranger, another circle and a path are all 404."""
    event_of(scene)
    wrong = httpx.get(f"{scene.url}misp-feed/open/manifest.json", auth=(VENDOR, "x" * 40))
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"].startswith("Basic")
    stranger = scene.node.store.users.add("stranger", UserRole.TAXII, scene.node.clock())
    answer = httpx.get(f"{scene.url}misp-feed/open/manifest.json", auth=("stranger", stranger))
    other = httpx.get(f"{scene.url}misp-feed/none/manifest.json", auth=("stranger", stranger))
    assert (answer.status_code, answer.text) == (404, other.text)
    assert subscriber.get("/..%2f..%2fadministrator.token").status_code == 404
    assert subscriber.get("/other.json").status_code == 404
    assert subscriber.head("/manifest.json").status_code == 200
