"""The TAXII 2.1 server, asked over HTTP on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from exchange.fakes import MemoryExchange, indicator
from seawall.exchange import collection_id
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE

Start = Callable[[MemoryExchange], str]
ME = ("siem", "t" * 40)
ROOT = "/taxii2/circles"


@pytest.fixture
def exchange() -> MemoryExchange:
    """A node with one circle that our client is in, and one that it is not in."""
    return MemoryExchange("node-1", {"open": frozenset({"siem"}), "closed": frozenset({"harbour"})})


@pytest.fixture
def client(local: Start, exchange: MemoryExchange, request: pytest.FixtureRequest) -> httpx.Client:
    """A client with valid credentials."""
    made = httpx.Client(base_url=local(exchange), auth=ME, headers={"Accept": TAXII_MEDIA_TYPE}, trust_env=False)
    request.addfinalizer(made.close)
    return made


def objects_url(circle: str = "open") -> str:
    """Where the objects of a circle are."""
    return f"{ROOT}/collections/{collection_id('node-1', circle)}/objects"


def test_discovery_leads_to_the_api_root(client: httpx.Client) -> None:
    """Discovery names one API root, which tells its version and the largest POST it takes."""
    discovery = client.get("/taxii2/")
    assert discovery.headers["content-type"] == TAXII_MEDIA_TYPE
    root = client.get(discovery.json()["api_roots"][0]).json()
    assert root["versions"] == [TAXII_MEDIA_TYPE]
    assert root["max_content_length"] > 0


def test_slash_at_the_end_does_not_matter(client: httpx.Client) -> None:
    """Every address answers with and without its last slash."""
    for path in ("/taxii2", ROOT, f"{ROOT}/collections", objects_url()):
        assert client.get(path).content == client.get(path + "/").content


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (TAXII_MEDIA_TYPE, 200),
        ("application/taxii+json", 200),
        ("application/taxii+json; version=2.1", 200),
        ("*/*", 200),
        ("text/html, application/*;q=0.1", 200),
        ("application/json", 406),
        ("application/taxii+json;version=2.0", 406),
        ("application/taxii+json;version=2.1;q=0", 406),
        ("text/html", 406),
    ],
)
def test_accept_is_negotiated(client: httpx.Client, accept: str, status: int) -> None:
    """TAXII 2.1 without or with its version is acceptable, other types and versions are not."""
    answer = client.get(f"{ROOT}/collections/", headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == TAXII_MEDIA_TYPE


def test_errors_are_taxii_messages(client: httpx.Client) -> None:
    """An error is a TAXII error message with a title and our stable code, and without what was asked for."""
    answer = client.get(f"{ROOT}/collections/no-such-collection/")
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"
    assert answer.json()["error_code"] == "E-EXCHANGE-404"
    assert answer.json()["http_status"] == "404"
    assert client.get("/taxii2/no/such/place/").status_code == 404
    assert client.put(f"{ROOT}/collections/").status_code == 405


def test_absent_and_hidden_look_alike(client: httpx.Client, exchange: MemoryExchange) -> None:
    """A collection of others answers byte for byte like one that does not exist, in every endpoint."""
    row = exchange.add("closed", indicator(1))
    absent, hidden = collection_id("node-1", "absent"), collection_id("node-1", "closed")
    for method, tail in (
        ("GET", ""),
        ("GET", "/manifest"),
        ("GET", "/objects"),
        ("GET", f"/objects/{row.id}"),
        ("GET", f"/objects/{row.id}/versions"),
        ("DELETE", f"/objects/{row.id}"),
        ("POST", "/objects"),
    ):
        headers = {"Content-Type": TAXII_MEDIA_TYPE}
        one = client.request(method, f"{ROOT}/collections/{absent}{tail}/", headers=headers)
        two = client.request(method, f"{ROOT}/collections/{hidden}{tail}/", headers=headers)
        assert (one.status_code, one.content) == (two.status_code, two.content)
        assert one.status_code == 404


def test_withheld_object_looks_absent(client: httpx.Client, exchange: MemoryExchange) -> None:
    """An object meant for others answers like one that was never there."""
    row = exchange.add("open", indicator(1), recipients=frozenset({"harbour"}))
    hidden = client.get(f"{objects_url()}/{row.id}/")
    absent = client.get(f"{objects_url()}/indicator--00000000-0000-4000-8000-999999999999/")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content


@pytest.mark.parametrize("auth", [None, ("siem", "wrong"), ("other", "t" * 40), ("siem", "")])
def test_wrong_credentials_are_refused_alike(
    local: Start, exchange: MemoryExchange, auth: tuple[str, str] | None
) -> None:
    """No, wrong and borrowed credentials get the same 401 with a challenge."""
    answer = httpx.get(f"{local(exchange)}/taxii2/", auth=auth, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.json()["error_code"] == "E-EXCHANGE-401"


def test_bearer_token_works_too(local: Start, exchange: MemoryExchange) -> None:
    """The token alone, as a bearer, is enough."""
    headers = {"Authorization": "Bearer " + "t" * 40}
    assert httpx.get(f"{local(exchange)}/taxii2/", headers=headers, trust_env=False).status_code == 200


def test_foreign_host_is_turned_away(local: Start, exchange: MemoryExchange) -> None:
    """A request that names another host (DNS rebinding) is not even authenticated."""
    answer = httpx.get(f"{local(exchange)}/taxii2/", auth=ME, headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 421


def test_paging_is_exact_while_objects_arrive(client: httpx.Client, exchange: MemoryExchange) -> None:
    """250 objects by 100 come once each, in order, although more arrive in between."""
    for number in range(250):
        exchange.add("open", indicator(number))
    seen: list[str] = []
    parameters: dict[str, str] = {"limit": "100"}
    while True:
        page = client.get(objects_url(), params=parameters).json()
        seen += [item["id"] for item in page["objects"]]
        if not page["more"]:
            break
        exchange.add("open", indicator(1000 + len(seen)))
        parameters["next"] = page["next"]
    assert len(seen) == len(set(seen)) == 252
    assert seen == [row.id for row in exchange.rows["open"]]


def test_date_headers_carry_on_from_where_a_client_stopped(client: httpx.Client, exchange: MemoryExchange) -> None:
    """The last date added, given back as added_after, gives exactly what came later."""
    for number in range(3):
        exchange.add("open", indicator(number))
    first = client.get(objects_url(), params={"limit": "2"})
    assert first.headers["x-taxii-date-added-first"] == "2026-03-14T00:00:00.000001Z"
    last = first.headers["x-taxii-date-added-last"]
    rest = client.get(objects_url(), params={"added_after": last}).json()["objects"]
    assert [item["id"][-1] for item in rest] == ["2"]


def test_empty_poll_is_empty_and_leaves_no_trace(client: httpx.Client, exchange: MemoryExchange) -> None:
    """When nothing is new the envelope has no objects, no date headers, and the ledger gets no leaf."""
    answer = client.get(objects_url())
    assert answer.json() == {"more": False}
    assert "x-taxii-date-added-last" not in answer.headers
    assert exchange.leaves == 0


def test_filters_choose_objects(client: httpx.Client, exchange: MemoryExchange) -> None:
    """match[id], match[type], match[version] and match[spec_version] narrow a page; several values are alternatives."""
    old, new = "2026-03-14T00:00:00.000Z", "2026-03-15T00:00:00.000Z"
    one, two = indicator(1, version=old), indicator(2, version=old)
    for body in (one, two, indicator(1, version=new)):
        exchange.add("open", body)
    identity = "indicator--00000000-0000-4000-8000-000000000001"

    def versions(**parameters: str) -> list[tuple[str, str]]:
        given = {f"match[{name}]": value for name, value in parameters.items()}
        objects: list[dict[str, Any]] = client.get(objects_url(), params=given).json().get("objects", [])
        return [(item["id"][-1], item["modified"]) for item in objects]

    assert versions() == [("2", old), ("1", new)]
    assert versions(id=identity) == [("1", new)]
    assert versions(id=identity, version="all") == [("1", old), ("1", new)]
    assert versions(version="first") == [("1", old), ("2", old)]
    assert versions(id=identity, version=old) == [("1", old)]
    assert versions(type="malware,tool") == []
    assert versions(type="malware,indicator", spec_version="2.1") == [("2", old), ("1", new)]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=1&limit=2",
        "added_after=yesterday",
        "added_after=2026-13-01T00:00:00Z",
        "added_after=2026-03-14",
        "next=",
        "match[version]=newest",
        "match[spec_version]=two",
        "match[id]=,",
        "match[id]=" + ",".join("a" for _ in range(1_001)),
    ],
)
def test_unusable_parameters_are_named(client: httpx.Client, query: str) -> None:
    """A parameter that cannot be used gets 400 and is named."""
    answer = client.get(f"{objects_url()}/?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["description"]


def test_limits_are_bounded(client: httpx.Client, exchange: MemoryExchange) -> None:
    """Asking for a million objects at once gives one page of at most a thousand."""
    for number in range(1_001):
        exchange.add("open", indicator(number))
    page = client.get(objects_url(), params={"limit": "1000000"}).json()
    assert len(page["objects"]) == 1_000
    assert page["more"] is True


def test_manifest_and_versions_tell_what_is_there(client: httpx.Client, exchange: MemoryExchange) -> None:
    """The manifest lists id, version and date added; versions lists all versions of one object."""
    for version in ("2026-03-14T00:00:00.000Z", "2026-03-15T00:00:00.000Z"):
        row = exchange.add("open", indicator(7, version=version))
    manifest = client.get(objects_url().replace("/objects", "/manifest"), params={"match[version]": "all"}).json()
    assert [record["version"][:10] for record in manifest["objects"]] == ["2026-03-14", "2026-03-15"]
    assert manifest["objects"][0]["media_type"] == "application/stix+json;version=2.1"
    versions = client.get(f"{objects_url()}/{row.id}/versions/").json()
    assert versions == {"more": False, "versions": ["2026-03-14T00:00:00.000Z", "2026-03-15T00:00:00.000Z"]}


def test_posted_objects_are_decided_one_by_one(client: httpx.Client, exchange: MemoryExchange) -> None:
    """A POST is answered 202 with a complete status, which can be asked again; good objects land beside a bad one."""
    body = b'{"objects":[' + indicator(1) + b',{"type":"nothing"},' + indicator(2) + b"]}"
    answer = client.post(objects_url(), content=body, headers={"Content-Type": TAXII_MEDIA_TYPE})
    assert answer.status_code == 202
    status = answer.json()
    assert (status["status"], status["success_count"], status["failure_count"]) == ("complete", 2, 1)
    assert client.get(f"{ROOT}/status/{status['id']}/").json() == status
    assert len(exchange.rows["open"]) == 2


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"objects":[]}', 415),
        ("application/taxii+json;version=2.0", b'{"objects":[]}', 415),
        (TAXII_MEDIA_TYPE, b"not json", 422),
        (TAXII_MEDIA_TYPE, b'{"objects":{}}', 422),
        (TAXII_MEDIA_TYPE, b"[" * 100_000, 422),
        (TAXII_MEDIA_TYPE, b"", 422),
        (TAXII_MEDIA_TYPE, b'{"objects":[' + b",".join([b"{}"] * 5_001) + b"]}", 413),
    ],
)
def test_unusable_posts_are_refused_whole(
    client: httpx.Client, exchange: MemoryExchange, content_type: str, body: bytes, status: int
) -> None:
    """A POST of another type, without an envelope, or with too many objects leaves nothing behind."""
    answer = client.post(objects_url(), content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert exchange.rows["open"] == []


def test_a_post_longer_than_announced_is_cut_off(client: httpx.Client, exchange: MemoryExchange) -> None:
    """A POST over max_content_length gets 413, whether it says its length or not."""

    def endless() -> Any:
        for _ in range(40):
            yield b" " * 1024 * 1024

    headers = {"Content-Type": TAXII_MEDIA_TYPE}
    declared = client.post(objects_url(), content=b" " * (33 * 1024 * 1024), headers=headers)
    assert declared.status_code == 413
    with contextlib.suppress(httpx.WriteError):  # the server may close before we have said everything
        assert client.post(objects_url(), content=endless(), headers=headers).status_code == 413
    assert exchange.rows["open"] == []


def test_delete_needs_a_right(client: httpx.Client, exchange: MemoryExchange) -> None:
    """DELETE is 403 without the right to it, and removes the object with it."""
    row = exchange.add("open", indicator(1))
    assert client.delete(f"{objects_url()}/{row.id}/").status_code == 403
    exchange.deleters = frozenset({"siem"})
    assert client.delete(f"{objects_url()}/{row.id}/").status_code == 200
    assert client.get(f"{objects_url()}/{row.id}/").status_code == 404


def test_what_breaks_inside_is_only_a_reference(
    client: httpx.Client, exchange: MemoryExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen error is 500 with a reference, and says nothing about its cause."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret-7f3a")

    monkeypatch.setattr(exchange, "page", broken)
    answer = client.get(objects_url())
    assert answer.status_code == 500
    assert "secret-7f3a" not in answer.text
    assert len(answer.json()["error_id"]) == 36
