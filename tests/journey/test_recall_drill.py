"""Drills over three real nodes: a recall with one offline and one lying, the end of a relation, a broken-into peer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from journey.command_line import SeawallNode, eve, free_port
from seawall.exchange.notices import read_payload
from seawall.flow import incoming, notices, recall_obeying
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.model import rfc3339
from seawall.model.notice import NoticeKind
from seawall.model.stored import PutCounts

CIRCLE = "shore"
pytestmark = pytest.mark.xdist_group("recall-drill")


class Shore(NamedTuple):
    """Three nodes in one circle; Taipei serves, the others call it."""

    taipei: SeawallNode
    seoul: SeawallNode
    tokyo: SeawallNode

    def rounds(self, count: int = 2) -> None:
        """Everybody calls Taipei, as often as told."""
        for _ in range(count):
            self.seoul.here("sync", "taipei")
            self.tokyo.here("sync", "taipei")

    def view(self, object_id: str) -> dict[str, dict[str, Any]]:
        """Taipei's view of a recall, by receiver."""
        return {row["receiver"]: row for row in self.taipei.here("recalls", object_id)["items"]}


@pytest.fixture(scope="module")
def shore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shore]:
    """Pinned to each other by two people each, and agreed on one circle."""
    root = tmp_path_factory.mktemp("shore")
    nodes = {
        name: SeawallNode(root / name, code) for name, code in (("taipei", "TW"), ("seoul", "KR"), ("tokyo", "JP"))
    }
    port, peer_port = free_port(), free_port()
    for name, node in nodes.items():
        second, others = node.second_person(), [other for other in nodes if other != name]
        for other in others:
            card = root / f"{other}.card"
            card.write_bytes(nodes[other].raw("peers", "card").stdout)
            url = ("--url", f"https://127.0.0.1:{peer_port}") if other == "taipei" else ()
            node.here("peers", "add", card, *url, "--code-name", other)
            spoken = nodes[other].fingerprint
            node.here("peers", "verify", other, "--fingerprint", spoken, "--approver-token", second)
        node.here("circles", "create", CIRCLE, "--members", ",".join(others), "--tlp-ceiling", "amber", "--auto",
                  "indicator,sighting,attack-pattern", "--auto-enforce", "--approver-token", second)  # fmt: skip
    with nodes["taipei"].serving(port, peer_port):
        made = Shore(**nodes)
        made.rounds()
        yield made


def listed(node: SeawallNode, folder: Path) -> str:
    """The values that a node knows."""
    node.here("intel", "export", "--to", "csv", "-o", folder / "held.csv")
    return (folder / "held.csv").read_text()


def blocked(node: SeawallNode, folder: Path) -> str:
    """What a node's tools would block now."""
    node.here("protect", "export", "--to", "nftables", "-o", folder / "blocks.nft")
    return (folder / "blocks.nft").read_text()


def said(shore: Shore, folder: Path, value: str) -> str:
    """Taipei names a value, everybody gets it; its id."""
    (folder / "list.csv").write_text(f"type,value\nipv4,{value}\n")
    shore.taipei.here("intel", "import", folder / "list.csv", "--tlp", "green", "--source", "ours")
    shore.rounds()
    row = next(line for line in listed(shore.taipei, folder).splitlines() if value in line)
    return next(cell for cell in row.split(",") if cell.startswith("indicator--"))


def test_a_recall_with_one_offline_and_one_lying(shore: Shore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step Taipei sees what can be known, and no more."""
    value = "203.0.113.31"
    indicator = said(shore, tmp_path, value)
    for node in (shore.seoul, shore.tokyo):
        assert value in listed(node, tmp_path)
        assert value in blocked(node, tmp_path)
    told = shore.taipei.here("recall", indicator)
    assert {row["receiver"]: row["state"] for row in told["receivers"]} == {"seoul": "waiting", "tokyo": "waiting"}

    shore.seoul.here("sync", "taipei")  # honest: one synchronisation, and it is gone everywhere
    assert value not in listed(shore.seoul, tmp_path)
    assert value not in blocked(shore.seoul, tmp_path)
    view = shore.view(indicator)
    assert (view["seoul"]["state"], view["seoul"]["answer"]) == ("confirmed", "withdrawn")
    assert "cannot be proved" in view["seoul"]["note"]
    assert (view["tokyo"]["state"], view["tokyo"]["told_at"]) == ("waiting", None)  # offline

    with monkeypatch.context() as silent:  # takes the notice, answers nothing
        silent.setitem(notices.HANDLERS, NoticeKind.RECALL, "journey.test_recall_drill:say_nothing")
        silent.setattr(incoming, "_withdraw", lambda *_: PutCounts(unchanged=1))
        shore.tokyo.here("sync", "taipei")
    shore.tokyo.here("sync", "taipei")
    assert shore.view(indicator)["tokyo"]["state"] == "told"

    with Node.open(shore.tokyo.folder) as tokyo:  # a receipt for another version, and one for another recall
        kept = tokyo.store.notices.get("taipei", tokyo.store.notices.last("taipei", ours=False), ours=False)
        assert kept is not None
        asked = read_payload(kept.envelope).body
        item = {"id": indicator, "version": "2020-01-01T00:00:00.000Z", "what": "withdrawn"}
        receipt = {"act": asked["act"], "at": "2026-11-22T00:00:00Z", "objects": [item]}
        send_notice(tokyo, "taipei", NoticeKind.RECEIPT, receipt)
        send_notice(tokyo, "taipei", NoticeKind.RECEIPT, {**receipt, "act": "0" * 32})
    problems = " ".join(shore.tokyo.here("sync", "taipei")["problems"])
    assert "was taken back" in problems
    assert "never asked" in problems
    assert shore.view(indicator)["tokyo"]["state"] == "told"

    with monkeypatch.context() as lying:  # signs that it is gone, and keeps it
        lying.setattr(recall_obeying, "withdraw_from_us", lambda *_: "withdrawn")
        lying.setattr(incoming, "_withdraw", lambda *_: PutCounts(unchanged=1))
        shore.taipei.here("recall", indicator)
        shore.tokyo.here("sync", "taipei")
    assert value in listed(shore.tokyo, tmp_path)
    last = shore.taipei.here("recalls", indicator)["items"][-1]
    assert (last["receiver"], last["state"]) == ("tokyo", "confirmed")
    assert last["note"] == "confirmed by signature; that it was destroyed cannot be proved"
    assert shore.taipei.here("ledger", "verify")["valid"] is True


def say_nothing(node: Node, notice: object) -> None:
    """A handler that takes a recall and does nothing."""
    del node, notice


def findings(node: SeawallNode, folder: Path) -> tuple[object, ...]:
    """What a node holds for true: values, sightings and warnings with their scores, blocks."""
    rows = sorted(listed(node, folder).splitlines())
    blocks = sorted(re.findall(r"203[.]0[.]113[.]\d+", blocked(node, folder)))
    told = [sorted(json.dumps(plain(one)) for one in node.here(name)["items"]) for name in ("sightings", "warnings")]
    return rows, *told, blocks


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Without when and how the desk raised it: that is its own history."""
    return {key: value for key, value in item.items() if key not in ("raised_at", "severity", "state")}


def test_scores_return_after_a_break_in(shore: Shore, tmp_path: Path) -> None:
    """Taipei's keys are stolen: what it sent since is set aside in Seoul, all is as before, undo brings it back."""
    hit = "203.0.113.41"
    (tmp_path / "late.json").write_text(eve("2026-03-14T08:14:00.000000+0000", hit, "10.2.0.9", sensor="sel-1") + "\n")
    shore.seoul.here("ingest", tmp_path / "late.json")
    shore.seoul.here("match")
    before = findings(shore.seoul, tmp_path)
    since = now(shore.seoul)
    said(shore, tmp_path, "203.0.113.42")
    (tmp_path / "early.json").write_text(eve("2026-03-14T03:12:00.000000+0000", hit, "10.1.0.5", sensor="tpe-1") + "\n")
    shore.taipei.here("ingest", tmp_path / "early.json")
    shore.taipei.here("match")
    shore.rounds()
    shore.seoul.here("match")
    poisoned = findings(shore.seoul, tmp_path)
    assert hit in {item["value"] for item in shore.seoul.here("warnings")["items"]}
    planned = shore.seoul.here("peers", "compromised", "taipei", "--since", since, "--dry-run")
    assert planned["words"] >= 2
    assert findings(shore.seoul, tmp_path) == poisoned
    done = shore.seoul.here("peers", "compromised", "taipei", "--since", since)
    assert done["state"] == "suspended"
    assert findings(shore.seoul, tmp_path) == before
    assert shore.seoul.here("sync", "taipei", status=3) is None
    shore.seoul.here("peers", "compromised", "taipei", "--undo")
    second = shore.seoul.folder.parent / "seoul-approver.token"
    spoken = shore.taipei.fingerprint
    shore.seoul.here("peers", "verify", "taipei", "--fingerprint", spoken, "--approver-token", second)
    shore.seoul.here("match")
    assert findings(shore.seoul, tmp_path) == poisoned


def now(node: SeawallNode) -> str:
    """This moment by the node's clock."""
    with Node.open(node.folder) as opened:
        return rfc3339(opened.clock())


def test_a_severed_peer_is_out_for_good(shore: Shore, tmp_path: Path) -> None:
    """What Tokyo holds of ours is told first; then one step: it is refused, nothing waits for it, nothing calls it."""
    value = "203.0.113.51"
    said(shore, tmp_path, value)
    found = shore.taipei.here("peers", "exposure", "tokyo")
    assert value in [shown for item in found["items"] for shown in item["values"] or ()]
    assert sum(found["by_type"].values()) == sum(found["by_tlp"].values()) == found["objects"]
    done = shore.taipei.here("peers", "sever", "tokyo")
    assert done["state"] == "severed"
    assert shore.taipei.here("sync", "tokyo", status=3) is None
    assert shore.tokyo.here("sync", "taipei", status=2) is None
    assert "tokyo" not in shore.taipei.here("run", "sync")["result"]
    shore.taipei.here("peers", "verify", "tokyo", "--fingerprint", shore.tokyo.fingerprint, "--approver-token",
                      shore.taipei.folder.parent / "taipei-approver.token", status=3)  # fmt: skip
