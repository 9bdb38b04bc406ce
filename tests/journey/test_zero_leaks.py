"""Nothing withheld leaves by any door, nor can it be inferred: a node with secrets answers as one without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from journey.command_line import SeawallNode
from seawall.api.serving import Serving
from seawall.exchange import collection_id
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes
from seawall.model.circle import SHAREABLE_TYPES
from withheld_scenes import OPEN_WORD, TOKEN, VISIBLE, furnish, hidden, shown

TAXII = {"Accept": "application/taxii+json;version=2.1"}
ABSENT = "note--00000000-0000-4000-8000-000000000009"
SECRET_IDS = [item.id for item in hidden()]
SHOWN_IDS = [item.id for item in shown()]
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
_PORT = re.compile(rb"(?<=127\.0\.0\.1:)\d+")
_CURSOR = re.compile(rb'"next":"[^"]*"')
_ETAG = re.compile(rb'"(timestamp|publish_timestamp|date)":"?[0-9-]+"?')


class Shore:
    """A serving node: ``north`` sits in ``open``, ``south`` in ``deep``, ``reader`` is one of our own."""

    def __init__(self, folder: Path, *, secrets: bool) -> None:
        self.node = SeawallNode(folder, "TW")
        second = self.node.second_person()
        here = self.node.here
        self.tokens = {name: here("users", "add", name, "--role", "taxii")["token"] for name in ("north", "south")}
        self.tokens["reader"] = here("users", "add", "reader", "--role", "reader")["token"]
        types = ",".join(sorted(SHAREABLE_TYPES))
        terms = ("--tlp-ceiling", "green", "--pap-ceiling", "amber", "--auto", types, "--approver-token", second)
        here("circles", "create", "open", "--members", "north", *terms)
        here("circles", "create", "deep", "--members", "south", "--tlp-ceiling", "red")
        with Node.open(folder) as node:
            furnish(node, secrets=secrets)
            fill_outboxes(node)
            self.node_id = node.keys.node_id
        if secrets:
            for id in (SECRET_IDS[0], SECRET_IDS[1], SECRET_IDS[4]):
                here("release", id, "--circle", "deep", "--approver-token", second)
        else:
            here("release", VISIBLE, "--circle", "deep", "--approver-token", second)

    def collection(self, circle: str) -> str:
        """The id of a circle's collection."""
        return collection_id(self.node_id, circle)

    def masked(self, text: bytes) -> bytes:
        """Without what differs between any two nodes and moments."""
        for circle in ("open", "deep", "none"):
            text = text.replace(self.collection(circle).encode(), f"<{circle}>".encode())
        text = _PORT.sub(b"<port>", text.replace(self.node_id.encode(), b"<node>"))
        return _ETAG.sub(b"<moment>", _CURSOR.sub(b"<next>", _MOMENT.sub(b"<moment>", text)))


def questions(shore: Shore) -> Iterator[tuple[str, str]]:
    """(who, path) of everything that a member, or somebody of our own who may not see RED, can ask."""
    roots = ["/taxii2/", "/taxii2/circles/", "/taxii2/circles/collections/", "/taxii2/circles/status/1/"]
    yield from (("north", path) for path in roots)
    for circle in ("open", "deep", "none"):
        base = f"/taxii2/circles/collections/{shore.collection(circle)}/"
        yield from (
            ("north", base + part) for part in ("", "manifest/", "objects/", "objects/?limit=1", "objects/?limit=3")
        )
        kinds = ("note", "report", "incident", "indicator", "tool", "marking-definition")
        yield from (("north", f"{base}objects/?match[type]={kind}") for kind in kinds)
        yield ("north", f"{base}manifest/?match[id]={','.join(SECRET_IDS[:5])}")
        yield ("north", f"{base}objects/?match[version]=all")
        for id in (*SECRET_IDS, *SHOWN_IDS, ABSENT):
            yield from (("north", f"{base}objects/{id}/{part}") for part in ("", "versions/"))
    for circle in ("open", "deep"):
        names = ["manifest.json", "hashes.csv", "", *(f"{id.partition('--')[2]}.json" for id in SECRET_IDS)]
        yield from (("north", f"/misp-feed/{circle}/{name}") for name in names)
    for who in ("north", "reader"):
        yield from ((who, f"/api/v1/{part}") for part in ("status", "sightings", "warnings", "circles", "events"))
        yield from ((who, f"/api/v1/why?id={id}&peer=north") for id in (SECRET_IDS[0], ABSENT))
        yield from ((who, f"/api/v1/preview?id={id}&circle=open") for id in (SECRET_IDS[0], ABSENT))
        yield (who, f"/api/v1/indicators/lookup?type=domain&value={TOKEN}.example")
        yield from ((who, path) for path in ("/metrics", "/healthz", "/events/index", f"/attributes/{TOKEN}", "/none"))


@pytest.fixture(scope="module")
def shores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shore, Shore]:
    """The node with secrets, and its twin without."""
    root = tmp_path_factory.mktemp("shores")
    return Shore(root / "full", secrets=True), Shore(root / "bare", secrets=False)


def answers(shore: Shore) -> dict[tuple[str, str], httpx.Response]:
    """Every question asked of the serving node."""
    found: dict[tuple[str, str], httpx.Response] = {}
    with (
        Node.open(shore.node.folder) as node,
        Serving(node, port=0, peer_port=0) as serving,
        httpx.Client(base_url=serving.local_url, timeout=30, trust_env=False) as client,
    ):
        for who, path in questions(shore):
            basic = path.startswith(("/taxii2", "/misp-feed"))
            auth = (who, shore.tokens[who]) if basic else None
            headers = TAXII if path.startswith("/taxii2") else {"Accept": "application/json"}
            headers = headers if basic else headers | {"Authorization": f"Bearer {shore.tokens[who]}"}
            found[who, path] = client.get(path, auth=auth, headers=headers)
    return found


@pytest.fixture(scope="module")
def heard(shores: tuple[Shore, Shore]) -> tuple[dict[tuple[str, str], httpx.Response], ...]:
    """What both nodes answered."""
    return tuple(answers(shore) for shore in shores)


def spoken(response: httpx.Response, asked: str) -> bytes:
    """Every byte of an answer, without the question where it is repeated."""
    names = [name for name in SECRET_IDS if name in asked] + ([TOKEN] if TOKEN in asked else [])
    text = b"\n".join(name + b": " + value for name, value in response.headers.raw) + b"\n\n" + response.content
    for name in names:
        text = text.replace(name.encode(), b"<asked>")
    return text


def test_no_answer_holds_a_secret(heard: tuple[dict[tuple[str, str], httpx.Response], ...]) -> None:
    """Headers and bodies of every answer to a member: no token, no id of a withheld object, and no server error."""
    full = heard[0]
    assert len(full) > 500
    for (who, path), response in full.items():
        assert response.status_code < 500, (who, path, response.text)
        text = spoken(response, path)
        assert TOKEN.encode() not in text, (who, path, response.text)
        found = [id for id in SECRET_IDS if id.encode() in text or id.partition("--")[2].encode() in text]
        assert not found, (who, path, found)
    objects = [response for (_, path), response in full.items() if path.endswith("/objects/")]
    assert any(OPEN_WORD in response.text for response in objects)


def test_a_node_with_secrets_answers_as_one_without(
    shores: tuple[Shore, Shore], heard: tuple[dict[tuple[str, str], httpx.Response], ...]
) -> None:
    """Status, length of every page, order, totals and errors are alike: nothing is to be counted."""
    differing = []
    for place, ((who, path), response) in enumerate(heard[0].items()):
        (_, other_path), other = list(heard[1].items())[place]
        one = (response.status_code, shores[0].masked(response.content))
        two = (other.status_code, shores[1].masked(other.content))
        if one != two and path != "/metrics":
            differing.append((who, path, other_path, one, two))
    assert not differing, "\n\n".join(map(str, differing[:3]))


def test_absent_and_withheld_look_alike(
    shores: tuple[Shore, Shore], heard: tuple[dict[tuple[str, str], httpx.Response], ...]
) -> None:
    """Asking for a withheld object by its id is answered as asking for one that never was."""
    base = f"/taxii2/circles/collections/{shores[0].collection('open')}/objects/"
    for part in ("", "versions/"):
        never = heard[0]["north", f"{base}{ABSENT}/{part}"]
        for id in SECRET_IDS:
            asked = heard[0]["north", f"{base}{id}/{part}"]
            assert (asked.status_code, asked.text.replace(id, ABSENT)) == (never.status_code, never.text)
            assert set(asked.headers) == set(never.headers)


def test_the_other_circle_does_get_what_was_released_to_it(shores: tuple[Shore, Shore]) -> None:
    """The same search finds the secrets where they may be: the test can fail."""
    with Node.open(shores[0].node.folder) as node, Serving(node, port=0, peer_port=0) as serving:
        url = f"{serving.local_url}taxii2/circles/collections/{shores[0].collection('deep')}/objects/"
        response = httpx.get(url, auth=("south", shores[0].tokens["south"]), headers=TAXII, trust_env=False)
    assert TOKEN in response.text
    assert len(json.loads(response.text)["objects"]) == 3
