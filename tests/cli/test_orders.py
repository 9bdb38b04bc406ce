"""points and protect: keys of ``--json``, texts and exit statuses of what people do with the order book."""

from __future__ import annotations

from typing import Any

import pytest

from cli.scenes import ATTACKER, MOMENT, Shop

ROW = {
    "value", "type", "action", "state", "lane", "why", "points", "since", "starts_at", "expires_at", "release",
    "source", "origin", "reason", "score", "flags", "hits", "last_hit", "undo",
}  # fmt: skip


@pytest.fixture(scope="module")
def book(shop: Shop) -> Shop:
    """The node with its book refreshed, an edge and a plant."""
    shop.here("points", "add", "border", "--zone", "internet-edge", "--tools", "nftables,suricata")
    shop.here("points", "add", "line-3", "--zone", "ot", "--owner", "administrator")
    assert shop.here("run", "orders")["job"] == "orders"
    return shop


def test_points(book: Shop) -> None:
    """Listed with their zone; changed; what cannot be is one sentence."""
    rows = {row["name"]: row for row in book.here("points", "list")["items"]}
    assert (rows["border"]["tools"], rows["border"]["stops_traffic"]) == (["nftables", "suricata"], True)
    assert (rows["line-3"]["stops_traffic"], rows["line-3"]["owner"]) == (False, "administrator")
    assert "line-3" in book.say("points", "list").out
    assert book.here("points", "change", "border", "--place", "country")["place"] == "country"
    assert "E-FLOW-922" in book.refused("points", "add", "x", "--zone", "moon")
    assert "E-FLOW-925" in book.refused("points", "remove", "line-3", status=3)
    assert "E-STORE-301" in book.refused("points", "remove", "moon")


def test_status_shows_what_is_enforced_where(book: Shop) -> None:
    """Every order with its keys; pages go on at ``next``; one value; totals and points beside them."""
    status = book.here("protect", "status", "--limit", "1")
    assert status.keys() >= {"items", "next", "last", "totals", "killed", "points", "exports", "undone"}
    (row,) = status["items"]
    assert row.keys() == ROW
    assert MOMENT.fullmatch(row["expires_at"])
    everything = book.here("protect", "status")["items"]
    assert book.here("protect", "status", "--limit", "1", "--after", str(status["next"]))["items"] == everything[1:2]
    (attacker,) = book.here("protect", "status", ATTACKER)["items"]
    assert attacker["hits"] >= 0
    effects = {found["point"]: found["effect"] for found in attacker["points"]}
    assert effects == {"border": "block" if attacker["state"] == "active" else "watch", "line-3": "watch"}
    assert ATTACKER in book.say("protect", "status").out
    assert "E-PROTECT-016" in book.refused("protect", "status", "--state", "asleep")


def test_preview_apply_undo(book: Shop) -> None:
    """A value nobody named is tried as our word, applied as that, and taken back by value."""
    value = "203.0.113.200"
    (row,) = book.here("protect", "preview", value)["items"]
    assert (row["enforced"], row["named"], row["state"]) == (True, False, "active")
    assert "E-FLOW-931" in book.refused("protect", "apply", value)
    done = book.here("protect", "apply", value, "--ours", "--hours", "1", "--reason", "=cmd|' /C calc'!A0")
    keys = {"value", "type", "action", "undo", "state", "expires_at", "release", "points", "approved_by"}
    assert (done.keys(), done["action"]) == (keys, "block")
    assert book.here("protect", "status", value)["items"][0]["lane"] == "person"
    assert book.here("protect", "apply", value, "--action", "rate-limit")["action"] == "rate-limit"
    (row,) = book.here("protect", "status", value)["items"]
    assert (row["action"], {one["effect"] for one in row["points"]}) == ("rate-limit", {"rate-limit", "watch"})
    assert "rate-limit" in book.refused("protect", "apply", value, "--action", "throttle")
    assert book.here("protect", "undo", value)["undone"] is True
    assert book.here("protect", "status", value)["items"] == []
    assert "E-FLOW-929" in book.refused("protect", "apply", "10.1.0.5", "--ours", status=3)
    assert book.say("protect", "preview", "10.1.0.5").status == 0
    page: Any = book.here("protect", "preview", "--limit", "2")
    assert len(page["items"]) <= 2


def test_the_kill_switch(book: Shop) -> None:
    """One person stops; two lift it; the status says so in the reader's language."""
    assert book.here("protect", "kill", "--point", "border", "--reason", "drill")["killed"] == "border"
    assert "E-FLOW-933" in book.refused("protect", "kill", "--lift", "--point", "border", status=3)
    points = {row["name"]: row for row in book.here("protect", "status")["points"]}
    assert (points["border"]["killed_by"], points["line-3"]["killed_by"]) == ("administrator", None)
    lifted = book.here("protect", "kill", "--lift", "--point", "border", "--approver-token", book.token_of("approver"))
    assert lifted == {"lifted": "border", "approved_by": ["administrator", "u-approver"]}
    assert "E-FLOW-934" in book.refused(
        "protect", "kill", "--lift", "--approver-token", book.token_of("approver"), status=2
    )
