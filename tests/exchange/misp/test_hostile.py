"""A MISP, or what stands in its place, that answers with something else than MISP's JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from exchange.misp.conftest import Beside
from exchange.misp.recorded_misp import KEY
from seawall.exchange.misp import MispClient, sync
from seawall.exchange.misp import client as client_module
from seawall.exchange.misp.sync import FEW
from seawall.flow.misp_servers import MispServer, add_server, remove_server, server
from seawall.flow.misp_sync import exchange, sync_all
from seawall.model import Fault, NotFound, ObservableType, Refused, Tlp

Handler = BaseHTTPRequestHandler


def said(handler: Handler, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
    """Send an answer; ``length`` may lie."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


HTML = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
TRICKS: dict[str, tuple[Callable[[Handler], object], str]] = {
    "truncated": (lambda handler: said(handler, 200, b'[{"uuid": "5e', 5_000), "E-EXCHANGE-314"),
    "an HTML page": (lambda handler: said(handler, 200, HTML), "E-EXCHANGE-316"),
    "an error 500": (lambda handler: said(handler, 500, HTML), "E-EXCHANGE-318"),
    "other JSON": (lambda handler: said(handler, 200, b'{"hello": ["world"]}'), "E-EXCHANGE-316"),
    "a list of nonsense": (lambda handler: said(handler, 200, b'[1, null, {"uuid": 7}]'), "E-EXCHANGE-316"),
    "deep nesting": (lambda handler: said(handler, 200, b"[" * 200_000), "E-EXCHANGE-316"),
    "a redirect": (lambda handler: said(handler, 302, b"", Location="http://198.51.100.1/"), "E-EXCHANGE-313"),
    "no HTTP": (lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n"), "E-EXCHANGE-314"),
    "nothing": (lambda handler: handler.connection.close(), "E-EXCHANGE-314"),
    "a refusal": (lambda handler: said(handler, 403, b'{"message": "Authentication failed."}'), "E-EXCHANGE-317"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_wrong_answer_is_one_sentence_and_changes_nothing(beside: Beside, trick: str) -> None:
    """Each wrong answer ends the run with a stable code; what is held stays, and the next run goes on."""
    uuid = beside.misp.new_event("Theirs")
    beside.sync()
    beside.clock.on(5)
    beside.misp.new_attribute(uuid, "domain", "later.example")
    act, code = TRICKS[trick]
    beside.server.mischief = lambda handler, _path: bool(act(handler)) or True
    with pytest.raises(Fault) as caught:
        beside.sync(full=True)
    assert caught.value.code == code
    assert "failed" in sync_all(beside.node) or code in sync_all(beside.node)
    assert beside.ours(uuid)["Attribute"] == []
    beside.server.mischief = lambda _handler, _path: False
    assert beside.sync()["pulled"] == 1


def test_a_slow_misp_does_not_hold_us(beside: Beside) -> None:
    """An answer that drips in ends at the deadline for the whole answer."""

    def drip(handler: Handler, _path: str) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
        return True

    beside.server.mischief = drip
    client = MispClient("own", beside.server.url, KEY, answer_seconds=0.6)
    with pytest.raises(Fault) as caught:
        client.index(None)
    client.close()
    assert caught.value.code in ("E-EXCHANGE-311", "E-EXCHANGE-314")


def test_a_huge_answer_is_cut_off(beside: Beside) -> None:
    """No more is read than the bound, whatever length is announced."""

    def act(handler: Handler, _path: str) -> bool:
        said(handler, 200, b" " * 300_000)
        return True

    beside.server.mischief = act
    client = MispClient("own", beside.server.url, KEY, answer_bytes=100_000)
    with pytest.raises(Fault, match="longer than 100000"):
        client.index(None)
    client.close()


def test_an_index_without_end_is_refused(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages a MISP has, no more events than the bound are taken from its index."""
    monkeypatch.setattr(client_module, "MAX_EVENTS", 4)
    monkeypatch.setattr(client_module, "INDEX_PAGE", 2)
    for number in range(4):
        beside.misp.new_event(f"Event {number}")
    assert beside.sync(full=True)["pulled"] == 4
    beside.misp.new_event("One too many")
    with pytest.raises(Fault) as caught:
        beside.sync(full=True)
    assert caught.value.code == "E-EXCHANGE-320"


def test_bad_parts_of_an_event_cost_only_themselves(beside: Beside) -> None:
    """Attributes without type or value are counted; the good ones land, formulas and escapes as the data they are."""
    uuid = beside.misp.new_event("Theirs \x1b[31m =cmd()")
    beside.misp.new_attribute(uuid, "domain", "good.example")
    event = beside.misp.events[uuid]
    event["Attribute"] += [{"uuid": "x"}, 7, None, {"type": "domain", "value": {"a": 1}, "uuid": uuid}]
    event["Object"] = ["no object", {"name": "", "Attribute": []}]
    beside.misp.events["no-uuid"] = {"timestamp": "1", "uuid": "11111111-2222-4333-8444-555555555555", "id": "9",
                                     "published": False, "info": ""}  # fmt: skip
    report = beside.sync()
    assert report["rejected"] >= 5
    assert [one["value"] for one in beside.ours(uuid)["Attribute"]] == ["good.example"]


def test_a_misp_that_refuses_an_event_does_not_stop_the_others(beside: Beside) -> None:
    """An event that the MISP blocks is a problem in the report; the next one is told."""
    first, second = beside.add("First"), beside.add("Second", Attribute=[])
    beside.misp.blocked.add(first)
    report = beside.sync()
    assert report["pushed"] == 1
    assert "blocklist" in report["problems"][0]
    assert list(beside.misp.events) == [second]


@pytest.mark.parametrize("status", [404, 405])
def test_an_error_for_one_call_deletes_no_event(beside: Beside, status: int) -> None:
    """An attribute that was purged there, or a tag that a role may not set, is a problem; the event stays here."""
    uuid = beside.add()
    beside.sync()
    beside.clock.on(5)
    beside.door.tag(beside.actor, uuid, "new", attach=True)

    def act(handler: Handler, path: str) -> bool:
        if path.startswith("/tags/"):
            said(handler, status, b'{"message": "Invalid Target."}')
        return path.startswith("/tags/")

    beside.server.mischief = act
    report = beside.sync()
    assert report["deleted_here"] == 0
    assert len(report["problems"]) + report["not_taken"] > 0
    assert beside.ours(uuid)["info"] == "Ours"


def test_a_misp_that_forgets_everything_when_told_empties_nothing(beside: Beside) -> None:
    """Of events that are gone while they are told, a few are deleted here; more than that needs somebody's word."""
    uuids = [beside.add(f"Event {number}", Attribute=[]) for number in range(FEW + 3)]
    beside.sync()
    beside.clock.on(5)
    for uuid in uuids:
        beside.door.edit_event(beside.actor, uuid, {"info": "Renamed"})
    beside.misp.events.clear()
    report = beside.sync()
    assert report["deleted_here"] == FEW
    assert "--accept-deletions" in report["problems"][0]


def test_a_deletion_that_is_not_found_but_shown_is_a_problem(beside: Beside) -> None:
    """A proxy that answers 404 to a deletion does not make us believe that the event is gone there."""
    uuid = beside.add()
    beside.sync()
    beside.door.delete_event(beside.actor, uuid)

    def act(handler: Handler, path: str) -> bool:
        if path.startswith("/events/delete"):
            said(handler, 404, b"")
        return path.startswith("/events/delete")

    beside.server.mischief = act
    report = beside.sync()
    assert report["deleted_there"] == 0
    assert "E-EXCHANGE-319" in report["problems"][0]


def test_an_attribute_of_another_event_costs_its_event_only(beside: Beside) -> None:
    """An event under whose attribute's UUID another one is held is a problem; no half of it is kept."""
    mine = beside.add()
    beside.sync()
    stolen = beside.ours(mine)["Attribute"][0]["uuid"]
    bad = beside.misp.new_event("Bad")
    beside.misp.new_attribute(bad, "domain", "fine.example")
    beside.misp.new_attribute(bad, "domain", "stolen.example", uuid=stolen)
    good = beside.misp.new_event("Good")
    report = beside.sync()
    assert "E-STORE-080" in report["problems"][0]
    assert report["pulled"] == 1
    assert beside.ours(good)["info"] == "Good"
    for value in ("fine.example", "stolen.example"):
        assert beside.node.store.indicators.lookup(ObservableType.DOMAIN, value) is None
    beside.door.delete_event(beside.actor, mine)
    assert beside.sync(full=True)["pulled"] == 1
    assert beside.ours(bad)["info"] == "Bad"


def test_what_the_misp_refused_is_offered_again(beside: Beside) -> None:
    """A key without rights costs nothing: what it did not take goes there once it may, before anything new."""
    first = beside.add("First", Attribute=[])

    def act(handler: Handler, path: str) -> bool:
        if path.startswith("/events/add"):
            said(handler, 403, b'{"message": "You do not have permission."}')
        return path.startswith("/events/add")

    beside.server.mischief = act
    assert beside.sync()["pushed"] == 0
    beside.server.mischief = lambda _handler, _path: False
    second = beside.add("Second", Attribute=[])
    assert beside.sync()["pushed"] == 2
    assert list(beside.misp.events) == [first, second]
    assert beside.node.store.notes.get("misp-refused:own") is None


def test_what_stays_refused_is_offered_more_rarely(beside: Beside) -> None:
    """The second run offers it at once, later ones wait, so that the ledger does not fill with refusals."""
    beside.misp.blocked.add(beside.add(Attribute=[]))
    for _ in range(6):
        beside.sync()
    leaves = beside.node.ledger.size
    assert leaves <= 4
    beside.clock.on(86_400)
    assert len(beside.sync()["problems"]) == 1
    assert beside.node.ledger.size == leaves + 1


def test_nothing_is_passed_over_when_too_much_was_refused(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the note full nothing new is told, and all of it goes there once the MISP takes it."""
    monkeypatch.setattr(sync, "MAX_REFUSED", 2)
    uuids = [beside.add(f"Event {number}", Attribute=[]) for number in range(5)]

    def act(handler: Handler, path: str) -> bool:
        if path.startswith("/events/add"):
            said(handler, 403, b'{"message": "You do not have permission."}')
        return path.startswith("/events/add")

    beside.server.mischief = act
    assert "nothing more is told" in beside.sync()["problems"][-1]
    beside.server.mischief = lambda _handler, _path: False
    assert beside.sync()["pushed"] == 5
    assert list(beside.misp.events) == uuids


def test_what_is_refused_for_ever_does_not_stand_in_the_way(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a week of refusals an event makes room for others, and the report says so."""
    monkeypatch.setattr(sync, "MAX_REFUSED", 1)
    first = beside.add("First", Attribute=[])
    beside.misp.blocked.add(first)
    for _ in range(18):
        beside.sync()
        beside.clock.on(86_400)
    second = beside.add("Second", Attribute=[])
    beside.misp.blocked.add(second)
    third = beside.add("Third", Attribute=[])
    report = beside.sync()
    assert list(beside.misp.events) == [third]
    assert any(first in problem and "not offered again" in problem for problem in report["problems"])


def test_a_refused_tag_costs_itself_only(beside: Beside) -> None:
    """The tags behind it are set, it is counted, and it is set once the MISP takes it."""
    uuid = beside.add()
    beside.sync()
    beside.clock.on(5)
    for name in ("a-new", "b-new"):
        beside.door.tag(beside.actor, uuid, name, attach=True)
    answer = beside.misp.answer

    def refusing(path: str, given: dict[str, object]) -> tuple[int, object]:
        return (405, {"message": "Not allowed."}) if given.get("tag") == "a-new" else answer(path, given)

    beside.misp.answer = refusing  # type: ignore[method-assign]
    report = beside.sync()
    assert (report["pushed"], report["not_taken"]) == (1, 1)
    assert {tag["name"] for tag in beside.misp.events[uuid]["Tag"]} == {"tlp:green", "b-new"}
    beside.sync()
    assert {tag["name"] for tag in beside.ours(uuid)["Tag"]} == {"tlp:green", "a-new", "b-new"}
    beside.misp.answer = answer  # type: ignore[method-assign]
    beside.clock.on(3_600)
    beside.sync()
    assert {tag["name"] for tag in beside.misp.events[uuid]["Tag"]} == {"tlp:green", "a-new", "b-new"}


def test_an_event_dated_in_the_future_hides_no_other(beside: Beside) -> None:
    """What changes today is seen by the next small look, whatever date another event bears."""
    beside.misp.new_event("Tomorrow", timestamp=str(beside.clock.seconds() + 86_400))
    beside.sync()
    beside.clock.on(5)
    uuid = beside.misp.new_event("Today")
    assert beside.sync()["pulled"] == 1
    assert beside.ours(uuid)["info"] == "Today"


def test_a_misp_that_drops_a_part_does_not_make_us_drop_it(beside: Beside) -> None:
    """A part that the MISP does not take is counted, and stays here."""
    uuid = beside.add()
    answer = beside.misp.answer

    def dropping(path: str, given: dict[str, object]) -> tuple[int, object]:
        status, document = answer(path, given)
        if path.startswith("/events/add"):
            beside.misp.events[uuid]["Attribute"].clear()
            document = json.loads(json.dumps(document))
            document["Event"]["Attribute"] = []
        return status, document

    beside.misp.answer = dropping  # type: ignore[method-assign]
    assert beside.sync()["not_taken"] == 1
    beside.sync(full=True)
    assert [one["deleted"] for one in beside.ours(uuid)["Attribute"]] == [False]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": "a/b"}, "E-FLOW-181"),
        ({"url": "ftp://misp.example/"}, "E-FLOW-182"),
        ({"url": "https://user:key@misp.example/"}, "E-FLOW-182"),
        ({"url": "http://misp.example/"}, "E-FLOW-187"),
        ({"pin": "abc"}, "E-FLOW-184"),
        ({"circle": "none"}, "E-STORE-061"),
        ({"url": "http://127.0.0.1:1/"}, "E-EXCHANGE-310"),
    ],
)
def test_what_cannot_be_a_misp_is_not_kept(beside: Beside, tmp_path: Path, given: dict[str, str], code: str) -> None:
    """A wrong name, address, pin or circle is one sentence; nothing is kept of it."""
    said_of_it = {"name": "other", "url": beside.server.url, **given}
    with pytest.raises(Fault) as caught:
        add_server(beside.node, MispServer(**said_of_it), tmp_path / "key")  # type: ignore[arg-type]
    assert caught.value.code == code
    with pytest.raises(NotFound):
        server(beside.node, said_of_it["name"])


def test_a_wrong_key_is_told_at_once(beside: Beside, tmp_path: Path) -> None:
    """The key is tried when the MISP is added, and is kept where only we may read it."""
    (tmp_path / "wrong").write_text("w" * 40)
    with pytest.raises(Refused) as caught:
        add_server(beside.node, MispServer("other", beside.server.url), tmp_path / "wrong")
    assert caught.value.code == "E-EXCHANGE-317"
    kept = beside.node.folder / "keys" / "misp-own.key"
    assert kept.stat().st_mode & 0o077 == 0
    remove_server(beside.node, "own")
    assert not kept.exists()


def test_a_ceiling_of_green_and_no_push(beside: Beside) -> None:
    """With push none nothing goes there; the ceiling is what the operator said."""
    beside.add()
    one = server(beside.node, "own")
    from seawall.flow.misp_servers import client_of

    client = client_of(beside.node, one)
    quiet = MispServer("own", one.url, push="none")
    assert exchange(beside.node, quiet, client).pushed == 0
    low = MispServer("own", one.url, ceiling=Tlp.CLEAR)
    assert exchange(beside.node, low, client).pushed == 0
    assert beside.misp.events == {}
    client.close()
    add_server(beside.node, one, beside.node.folder / "keys" / "misp-own.key")  # other terms: offered anew
    assert beside.sync()["pushed"] == 1
