"""TAXII 2.1 as its specification says it, over a real node: properties of any collection, any question, any page size.

Section numbers are those of the OASIS Standard of 10 June 2021. The model of a collection is a list of rows; what a
question must answer is computed from it in the plainest way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.datastructures import State

from exchange.fakes import START
from seawall.exchange import Bounds, TaxiiDoor, collection_id, taxii_router, taxii_state
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
from seawall.flow.circles import CircleWish, create_circle
from seawall.flow.node import Node, create_node
from seawall.flow.service import NodeExchange
from seawall.model import Actor, UserRole, rfc3339
from seawall.model.outbox import OutboxRow

CIRCLE = "open"
READER, OTHER = "siem", "vendor"
ACTORS = {READER: Actor(READER, UserRole.TAXII), OTHER: Actor(OTHER, UserRole.TAXII)}
VERSIONS = [f"2026-03-14T00:00:0{second}.000Z" for second in range(4)]
TYPES = ("indicator", "malware", "sighting")
PATIENT = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Held(msgspec.Struct, frozen=True):
    """One row of the model."""

    id: str
    version: str
    mine: bool  # whether READER may read it
    added: int = 0


class Server:
    """A real node behind the TAXII routes, asked without a network; each test gets a circle of its own."""

    def __init__(self, folder: Path) -> None:
        create_node(folder, name="conformance", economy="TW", sector="unknown", timezone="UTC", lang="en")
        self.node = Node.open(folder)
        for name in ACTORS:
            self.node.store.users.add(name, UserRole.TAXII, START)
        self._count = 0
        self.bounds = Bounds(page_objects=7, content_length=10_000, posted_objects=20, statuses_kept=5)
        self.circle = ""

    def fill(self, rows: Sequence[Held]) -> list[Held]:
        """A new circle that holds these rows; returns them with their dates added."""
        self._count += 1
        self.circle = f"{CIRCLE}-{self._count}"
        wish = CircleWish(
            name=self.circle,
            members=tuple(ACTORS),
            tlp_ceiling="amber",
            tlp_floor="amber",
        )
        create_circle(self.node, wish)
        held = []
        for row in rows:
            body = msgspec.json.encode({"type": row.id.partition("--")[0], "id": row.id, "modified": row.version})
            to = frozenset({READER if row.mine else OTHER})
            added = self.node.store.outbox.add(self.circle, [OutboxRow(row.id, row.version, body, to)], START)
            held.append(msgspec.structs.replace(row, added=added))
        return held

    @cache  # noqa: B019 - one server lives as long as this module
    def app(self, who: str) -> Any:
        """The TAXII routes as one actor meets them."""
        door = TaxiiDoor(
            NodeExchange(self.node),
            lambda _: ACTORS[who],
            title="t",
            clock=self.node.clock,
            bounds=self.bounds,
            statuses=self.node.store.statuses,
        )
        return Litestar([taxii_router()], state=State(taxii_state(door)), openapi_config=None, logging_config=None)

    def ask(self, method: str, path: str, who: str = READER, **arguments: Any) -> httpx.Response:
        """One request by one actor below the circle's collection (or anywhere, with a leading slash)."""
        root = f"/taxii2/circles/collections/{collection_id(self.node.keys.node_id, self.circle)}"

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app(who))
            async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
                return await client.request(method, path if path.startswith("/") else f"{root}/{path}", **arguments)

        return asyncio.run(once())

    def walk(self, path: str = "objects/", **filters: str) -> list[dict[str, Any]]:
        """All records of all pages, with the checks that every page owes (sections 3.5 and 3.7)."""
        found: list[dict[str, Any]] = []
        parameters = dict(filters)
        while True:
            answer = self.ask("GET", path, params=parameters)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == TAXII_MEDIA_TYPE
            page = answer.json()
            records = page.get("objects", [])
            assert len(records) <= min(int(filters.get("limit", "7")), 7)
            assert ("next" in page) == page["more"]
            dated = "x-taxii-date-added-first" in answer.headers
            assert dated == ("x-taxii-date-added-last" in answer.headers) == bool(records)
            found += records
            if not page["more"]:
                return found
            parameters["next"] = page["next"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One node for all properties."""
    made = Server(tmp_path_factory.mktemp("conformance") / "node")
    with made.node:
        yield made


def ids() -> st.SearchStrategy[str]:
    """Few ids, so that versions of one object meet."""
    return st.builds(
        lambda kind, number: f"{kind}--00000000-0000-4000-8000-{number:012d}", st.sampled_from(TYPES), st.integers(0, 4)
    )


def collections() -> st.SearchStrategy[list[Held]]:
    """Any collection: versions out of order, repeated rows, rows for somebody else."""
    return st.lists(st.builds(Held, ids(), st.sampled_from(VERSIONS), st.booleans()), max_size=25)


def wanted(rows: Sequence[Held], asked: Sequence[str] = ("last",)) -> list[Held]:
    """What a reader must get, oldest date added first (sections 3.4.1 and 5.4)."""
    mine = [row for row in rows if row.mine]
    latest = {(row.id, row.version): row for row in mine}  # the same version again: the row added last
    found = []
    for row in sorted(latest.values(), key=lambda row: row.added):
        versions = sorted(other.version for other in latest.values() if other.id == row.id)
        if (
            "all" in asked
            or ("last" in asked and row.version == versions[-1])
            or ("first" in asked and row.version == versions[0])
            or row.version in asked
        ):
            found.append(row)
    return found


def names(records: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Id and version of objects or of manifest records."""
    return [(record["id"], record["modified" if "modified" in record else "version"]) for record in records]


@PATIENT
@given(
    rows=collections(), limit=st.integers(1, 12), asked=st.lists(st.sampled_from(["first", "last", "all"]), max_size=2)
)
def test_every_page_size_gives_the_same_collection(
    server: Server, rows: list[Held], limit: int, asked: list[str]
) -> None:
    """Sections 3.4, 5.3, 5.4: objects and manifest agree, in order of date added, once each, whatever the page size."""
    held = wanted(server.fill(rows), asked or ["last"])
    filters = {"limit": str(limit)} | ({"match[version]": ",".join(asked)} if asked else {})
    assert names(server.walk(**filters)) == [(row.id, row.version) for row in held]
    manifest = server.walk("manifest/", **filters)
    assert names(manifest) == [(row.id, row.version) for row in held]
    assert [record["date_added"] for record in manifest] == [rfc3339(row.added) for row in held]
    assert {record["media_type"] for record in manifest} <= {"application/stix+json;version=2.1"}


@PATIENT
@given(rows=collections(), data=st.data())
def test_filters_are_alternatives_within_and_conditions_between(
    server: Server, rows: list[Held], data: st.DataObject
) -> None:
    """Section 3.4.1: several values of one filter are alternatives; several filters must all hold."""
    held = server.fill(rows)
    kinds = data.draw(st.lists(st.sampled_from([*TYPES, "tool"]), max_size=3, unique=True))
    some = data.draw(st.lists(ids(), max_size=4, unique=True))
    versions = data.draw(st.lists(st.sampled_from(["first", "last", *VERSIONS]), max_size=3, unique=True))
    specs = data.draw(st.sampled_from(["", "2.1", "2.0,2.1", "2.0"]))
    chosen = {"match[type]": ",".join(kinds), "match[id]": ",".join(some), "match[version]": ",".join(versions)}
    filters = {name: value for name, value in {**chosen, "match[spec_version]": specs}.items() if value}
    expected = [
        (row.id, row.version)
        for row in wanted(held, versions or ["last"])
        if (not kinds or row.id.partition("--")[0] in kinds)
        and (not some or row.id in some)
        and (not specs or "2.1" in specs.split(","))
    ]
    assert names(server.walk(**filters)) == expected


@PATIENT
@given(rows=collections(), offset=st.integers(-2, 30), digits=st.sampled_from(["", "0", "9"]))
def test_added_after_is_strict_to_the_microsecond(server: Server, rows: list[Held], offset: int, digits: str) -> None:
    """Section 3.4: only what was added after the moment, which may be written with more digits than we keep."""
    held = wanted(server.fill(rows))
    moment = START + offset
    text = rfc3339(moment).removesuffix("Z") + digits + "Z"
    expected = [(row.id, row.version) for row in held if row.added > moment]
    assert names(server.walk(added_after=text, limit="3")) == expected


@PATIENT
@given(rows=collections())
def test_date_headers_lead_on_without_gap_or_repetition(server: Server, rows: list[Held]) -> None:
    """Section 3.5: the last date added of a page, given back as added_after, gives exactly the rest."""
    held = wanted(server.fill(rows))
    found: list[tuple[str, str]] = []
    after: dict[str, str] = {}
    while True:
        answer = server.ask("GET", "objects/", params={"limit": "2", **after})
        page = names(answer.json().get("objects", []))
        if not page:
            break
        at = len(found)
        assert answer.headers["x-taxii-date-added-first"] == rfc3339(held[at].added)
        assert answer.headers["x-taxii-date-added-last"] == rfc3339(held[at + len(page) - 1].added)
        found += page
        after = {"added_after": answer.headers["x-taxii-date-added-last"]}
    assert found == [(row.id, row.version) for row in held]


@PATIENT
@given(rows=collections(), some=ids())
def test_one_object_and_its_versions(server: Server, rows: list[Held], some: str) -> None:
    """Sections 5.6, 5.8: an object by id is its latest version; versions lists all; nothing of it is 404."""
    held = wanted(server.fill(rows), ["all"])
    mine = [row for row in held if row.id == some]
    one, versions = server.ask("GET", f"objects/{some}/"), server.ask("GET", f"objects/{some}/versions/")
    if not mine:
        assert (one.status_code, versions.status_code) == (404, 404)
        return
    assert names(one.json()["objects"]) == [(some, max(row.version for row in mine))]
    assert versions.json()["versions"] == [row.version for row in mine][:7]
    every = server.ask("GET", f"objects/{some}/", params={"match[version]": "all"})
    assert names(every.json()["objects"]) == [(some, row.version) for row in mine][:7]
    # a filter that an endpoint does not know is ignored there (section 3.4)
    assert server.ask("GET", f"objects/{some}", params={"match[id]": "x--1"}).json() == one.json()


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/taxii2/", TAXII_MEDIA_TYPE, 200),
        ("/taxii2", "application/taxii+json", 200),
        ("/taxii2/circles/", "application/taxii+json; version=2.1; q=0.5", 200),
        ("/taxii2/circles", "application/taxii+json;version=2.2", 406),
        ("/taxii2/circles/collections/", "application/vnd.oasis.taxii+json", 406),
        ("objects/", "application/stix+json;version=2.1", 406),
        ("objects", "text/html, application/taxii+json;version=2.1;q=0.1", 200),
        ("manifest", "application/taxii+json;version=2.0, application/taxii+json;version=2.1", 200),
        ("", "application/json", 406),
    ],
)
def test_media_types_with_and_without_slash(server: Server, path: str, accept: str, status: int) -> None:
    """Sections 1.6.8, 3.1, 3.3: what is acceptable is answered with the full media type, anything else 406."""
    server.fill([])
    answer = server.ask("GET", path, headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == TAXII_MEDIA_TYPE
    if status != 200:
        assert {"title", "http_status"} <= set(answer.json())


def test_hidden_and_absent_collections_are_404(server: Server) -> None:
    """Section 5: a collection that the asker may not know of answers as one that is not there."""
    server.fill([])
    server.node.store.users.add(f"stranger-{server.circle}", UserRole.TAXII, START)
    ACTORS["stranger"] = Actor(f"stranger-{server.circle}", UserRole.TAXII)
    ACTORS["bound"] = Actor(READER, UserRole.TAXII, circles=frozenset({"another"}))
    try:
        for who in ("stranger", "bound"):
            for path in ("", "objects/", "manifest/", "objects/tool--1/", "objects/tool--1/versions/"):
                assert server.ask("GET", path, who).status_code == 404
            assert server.ask("GET", "/taxii2/circles/collections/", who).json() == {}
    finally:
        del ACTORS["stranger"], ACTORS["bound"]


def test_a_third_party_reads_and_does_not_write(server: Server) -> None:
    """Sections 5.5, 5.7: without the right to write, POST and DELETE are 403 and change nothing."""
    row = Held("tool--00000000-0000-4000-8000-000000000001", VERSIONS[0], True)
    server.fill([row])
    headers = {"Content-Type": TAXII_MEDIA_TYPE}
    assert server.ask("POST", "objects/", content=b'{"objects":[]}', headers=headers).status_code == 403
    assert server.ask("DELETE", f"objects/{row.id}/").status_code == 403
    assert server.ask("GET", f"objects/{row.id}/").status_code == 200


def test_unknown_next_is_refused(server: Server) -> None:
    """Section 3.4: a ``next`` that this server did not give out for this question is 400, never a guess."""
    server.fill([Held(f"tool--00000000-0000-4000-8000-{n:012d}", VERSIONS[0], True) for n in range(9)])
    token = server.ask("GET", "objects/", params={"limit": "2"}).json()["next"]
    assert server.ask("GET", "objects/", params={"next": token}).status_code == 200
    for wrong in ("x", token[:-1], token + "A", "漁", "'; DROP TABLE outbox; --"):
        assert server.ask("GET", "objects/", params={"next": wrong}).status_code == 400
    assert server.ask("GET", "objects/", OTHER, params={"next": token}).status_code == 400
    assert server.ask("GET", "objects/", params={"next": token, "match[type]": "tool"}).status_code == 400
