"""The REST API over HTTP: who may ask, what comes back, and how errors are told."""

from __future__ import annotations

import httpx
import pytest

from api.fake_node import HOUR, MIDNIGHT, FakeNode
from counting import calls
from seawall.model import Tlp

MOST_CALLS = 5_000
"""Bound: what one look-up may call, client and server together."""

PATHS = ["about", "status", "events", "observations", "sightings", "warnings", "peers", "circles", "ledger/head"]


@pytest.mark.parametrize("path", [*PATHS, "indicators/lookup?value=x.example"])
def test_nothing_is_told_without_a_token(client: httpx.Client, path: str) -> None:
    """Without, with a wrong or a misspelt token every address answers the same 401."""
    bodies = set()
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "a" * 40}, {"Authorization": "Basic YTph"}):
        answer = httpx.get(f"{client.base_url}/api/v1/{path}", headers=header, trust_env=False)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        bodies.add(answer.content)
    assert len(bodies) == 1


@pytest.mark.parametrize("path", PATHS)
def test_taxii_clients_stay_at_their_own_door(client: httpx.Client, path: str) -> None:
    """A token of a third-party TAXII client is known but not let in here."""
    answer = client.get(f"/api/v1/{path}", headers={"Authorization": "Bearer " + "t" * 40})
    assert (answer.status_code, answer.json()["code"]) == (403, "E-API-403")


@pytest.mark.parametrize("path", PATHS)
def test_every_address_answers_an_analyst(client: httpx.Client, path: str) -> None:
    """Each address answers JSON that no cache keeps."""
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_visibility_goes_along_with_every_question(client: httpx.Client, node: FakeNode) -> None:
    """What policy lets the asker see is handed to the node, not left to the door."""
    client.get("/api/v1/warnings")
    client.get("/api/v1/warnings", headers={"Authorization": "Bearer " + "r" * 40})
    assert [visibility.tlp_at_most for _, visibility in node.asked] == [Tlp.RED, Tlp.GREEN]


def test_events_come_by_hour_side_and_sector(client: httpx.Client) -> None:
    """Events have their hour as RFC 3339 with six digits; bounds narrow them."""
    rows = client.get("/api/v1/events").json()["items"]
    assert len(rows) == 24 * 6
    assert rows[0] == {
        "hour": "2026-03-14T00:00:00.000000Z",
        "side": "TW",
        "sector": "energy",
        "count": 40000,
        "hostile": 40,
    }
    bounds = {"since": "2026-03-14T01:00:00Z", "until": "2026-03-14T03:00:00+00:00"}
    assert len(client.get("/api/v1/events", params=bounds).json()["items"]) == 12


def test_listings_are_paged(client: httpx.Client) -> None:
    """``next`` of one page is ``after`` of the following one, null at the end."""
    first = client.get("/api/v1/warnings", params={"limit": 3}).json()
    rest = client.get("/api/v1/warnings", params={"limit": 3, "after": first["next"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)


def test_conditions_are_passed_on(client: httpx.Client) -> None:
    """Conditions on observations arrive as given; one that cannot be read is named."""
    answer = client.get("/api/v1/observations", params={"where": ["side=TW", "kind=alert"], "limit": 1})
    assert answer.json()["items"] == [{"event": 0, "where": ["side=TW", "kind=alert"]}]
    bad = client.get("/api/v1/observations", params={"where": "x' OR 1"})
    assert (bad.status_code, bad.json()["code"]) == (400, "E-FLOW-010")
    many = client.get("/api/v1/observations", params={"where": ["a=1"] * 21})
    assert (many.status_code, many.json()["code"]) == (400, "E-API-410")


@pytest.mark.parametrize(
    ("value", "kind"),
    [("update.example.net", None), ("UPDATE[.]example.net.", "domain"), ("update.example[.]net", None)],
)
def test_lookup_takes_values_as_they_are_found(client: httpx.Client, value: str, kind: str | None) -> None:
    """A value is looked up however it is written, defanged or not, with or without its type."""
    answer = client.get("/api/v1/indicators/lookup", params={"value": value} | ({"type": kind} if kind else {}))
    assert answer.status_code == 200
    assert (answer.json()["value"], answer.json()["tlp"]) == ("update.example.net", "amber+strict")
    assert answer.json()["valid_from"] == "2026-03-14T00:00:00.000000Z"


def test_unknown_and_hidden_indicators_look_alike(client: httpx.Client) -> None:
    """What is not there, may not be seen, or is no observable at all gets the same sentence."""
    sentences = {
        client.get("/api/v1/indicators/lookup", params={"value": value}).json()["message"]
        for value in ("other.example.net", "192.0.2.1", "not an observable at all")
    }
    assert len(sentences) == 1


@pytest.mark.parametrize(
    "query",
    [
        "/warnings?limit=0",
        "/warnings?limit=100000",
        "/warnings?after=-1",
        "/warnings?limit=x",
        "/events?since=yesterday",
        "/indicators/lookup",
        "/indicators/lookup?type=planet&value=x",
        "/indicators/lookup?type=ipv4&value=x",
    ],
)
def test_unusable_parameters_get_one_sentence(client: httpx.Client, query: str) -> None:
    """A parameter that cannot be used gets 400 with a stable code and one sentence."""
    answer = client.get(f"/api/v1{query}")
    assert answer.status_code == 400
    assert answer.json()["code"].startswith("E-")
    assert answer.json()["message"].endswith(".")


def test_unforeseen_errors_are_only_a_reference(
    client: httpx.Client, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is 500 with a reference and without its cause."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret-7f3a")

    monkeypatch.setattr(node, "peers", broken)
    answer = client.get("/api/v1/peers")
    assert answer.status_code == 500
    assert (answer.json()["code"], len(answer.json()["reference"])) == ("E-API-500", 36)
    assert "secret-7f3a" not in answer.text


def test_unknown_addresses_and_methods_are_json_too(client: httpx.Client) -> None:
    """A wrong address or method is told in the same form as every error."""
    assert client.get("/api/v1/nothing").json()["code"] == "E-API-404"
    assert client.post("/api/v1/peers").json()["code"] == "E-API-405"


def test_lookup_is_cheap(client: httpx.Client) -> None:
    """A look-up goes through the whole stack in a few thousand calls, client included."""
    parameters = {"value": "update.example.net"}
    client.get("/api/v1/indicators/lookup", params=parameters)
    assert calls(lambda: client.get("/api/v1/indicators/lookup", params=parameters)) < MOST_CALLS


def test_hours_are_whole(client: httpx.Client) -> None:
    """The fake's hours and the API's text agree."""
    assert MIDNIGHT % HOUR == 0
    assert client.get("/api/v1/events").json()["items"][6]["hour"] == "2026-03-14T01:00:00.000000Z"
