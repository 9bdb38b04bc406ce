"""Journey: two nodes that never connect converge through a relay, as two others do over TLS; it learns nothing."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.relay.mischievous import Mischief, MischievousRelay
from journey.command_line import SeawallNode, eve, free_port, here
from journey.relaying import Relayed, mailbox_for, relayed
from seawall.exchange.relay import is_padded

pytestmark = [pytest.mark.xdist_group("relay"), pytest.mark.timeout(300)]
ATTACKER, RED, HIT, RECALLED = "203.0.113.77", "198.51.100.44", "203.0.113.200", "203.0.113.99"


def a_day(one: SeawallNode, other: SeawallNode, folder: Path, names: tuple[str, str], *, both: bool) -> None:
    """Lists, sightings on both sides, a recall: what two nodes tell each other in a day. ``both``: each side syncs."""

    def sync(rounds: int = 1) -> None:
        for _ in range(rounds):
            one.here("sync", names[1])
            if both:
                other.here("sync", names[0])

    sync(2)
    for value, tlp in ((ATTACKER, "amber"), (RED, "red"), (RECALLED, "green")):
        file = folder / f"{value}.csv"
        file.write_text(f"type,value,id\nipv4,{value},list-{value}\n")
        one.here("intel", "import", file, "--tlp", tlp, "--source", "ours")
    for node, hour, network in ((one, "03", "10.1.0.5"), (other, "08", "10.2.0.9")):
        file = folder / f"{hour}.json"
        file.write_text(eve(f"2026-03-14T{hour}:12:00.000000+0000", HIT, network, sensor=f"s-{hour}") + "\n")
        node.here("ingest", file)
    for _ in range(2):
        for node in (one, other):
            node.here("match")
        sync()
    one.here("intel", "export", "--to", "stix", "-o", folder / "all.json")
    bundle = json.loads((folder / "all.json").read_text())
    one.here("recall", next(item["id"] for item in bundle["objects"] if RECALLED in item.get("pattern", "")))
    sync(2)


def pages(node: SeawallNode, command: str) -> list[Any]:
    """All pages of a listing, inside this process."""
    page = node.here(command)
    items: list[Any] = page["items"]
    while page["next"] is not None:
        page = node.here(command, "--after", str(page["next"]))
        items += page["items"]
    return items


def told(node: SeawallNode, folder: Path) -> dict[str, Any]:
    """What a node holds, without what differs from node to node."""
    file = folder / "held.csv"
    node.here("match")
    node.here("intel", "export", "--to", "csv", "-o", file)
    with file.open(newline="") as text:
        rows = [
            {key: row[key] for key in row if key in ("type", "value", "tlp", "pap", "valid_until")}
            for row in csv.DictReader(text)
        ]
    return {
        "rows": sorted(map(str, rows)),
        "sightings": sorted(
            (item["value"], str(item["origin"]), item["first_seen"], item["count"]) for item in pages(node, "sightings")
        ),
        "warnings": sorted(
            (item["value"], item["first_seen"], item["other_first_seen"]) for item in pages(node, "warnings")
        ),
    }


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[MischievousRelay]:
    """A relay over TLS with its own key."""
    with MischievousRelay(tmp_path, plain=False) as running:
        yield running


@pytest.fixture
def pair(tmp_path: Path, relay: MischievousRelay) -> Relayed:
    """Taipei and Seoul, which speak through it."""
    return relayed(tmp_path, relay)


def transcript(relay: MischievousRelay) -> list[bytes]:
    """Every message that the relay holds now."""
    return [bytes(data) for (data,) in relay.books.db.execute("SELECT data FROM message")]


def test_through_a_relay_two_nodes_end_as_two_others_do_over_tls(
    pair: Relayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same values, markings, sightings, warnings and recall; nothing waits, and everything is on the ledgers."""
    line = tmp_path / "line"
    line.mkdir()
    taipei, seoul = SeawallNode(line / "taipei", "TW"), SeawallNode(line / "seoul", "KR")
    port = free_port()
    for node, there, name, url in (
        (taipei, seoul, "seoul", f"https://127.0.0.1:{port}"),
        (seoul, taipei, "taipei", "https://127.0.0.1:9"),
    ):
        card = line / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        second = node.second_person()
        node.here("peers", "add", card, "--code-name", name, "--url", url)
        node.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
        node.here("circles", "create", "tw-kr", "--members", name, "--tlp-ceiling", "amber", "--auto",
                  "indicator,sighting", "--approver-token", second)  # fmt: skip
    with seoul.serving(free_port(), port):
        a_day(taipei, seoul, line, ("taipei", "seoul"), both=False)
    stored: list[bytes] = []
    put = type(relay_boxes(pair)).put

    def kept(self: Any, id: bytes, token: bytes, data: bytes, *rest: int) -> bytes:
        stored.append(data)
        made: bytes = put(self, id, token, data, *rest)
        return made

    monkeypatch.setattr(type(relay_boxes(pair)), "put", kept)
    a_day(pair.taipei, pair.seoul, tmp_path, ("taipei", "seoul"), both=True)
    for ours, theirs in ((pair.taipei, taipei), (pair.seoul, seoul)):
        assert told(ours, tmp_path) == told(theirs, line)
    pair.sync(1)
    rows = str(told(pair.seoul, tmp_path)["rows"])
    assert [value in rows for value in (ATTACKER, RED, RECALLED)] == [True, False, False]
    for node, peer in ((pair.taipei, "seoul"), (pair.seoul, "taipei")):
        assert node.here("peers", "relay", peer)["waiting"] == 0
        assert node.here("ledger", "verify")["valid"] is True
        assert pair.relay.url in node.here("doctor")["endpoints"]
    confirmed = pair.taipei.here("recalls")["items"]
    assert [item["state"] for item in confirmed] == ["confirmed"]
    check_transcript(pair, stored, tmp_path / "relay")


def relay_boxes(pair: Relayed) -> Any:
    """The mailboxes behind the relay."""
    return pair.relay.boxes


def check_transcript(pair: Relayed, stored: list[bytes], folder: Path) -> None:
    """Neither value nor name, in no spelling, and only padded sizes; so in the relay's own files."""
    words = [ATTACKER, RED, HIT, RECALLED, "taipei", "seoul", "Taipei", "tw-kr", "TW test node", "KR test node",
             "indicator", "amber", "drop", pair.taipei.node_id, pair.seoul.node_id]  # fmt: skip
    files = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    for data in (*stored, *files):
        for word in words:
            assert word.encode() not in data, word
            assert word.encode("utf-16-le") not in data, word
    assert len(stored) > 10
    assert all(is_padded(len(data)) for data in stored)


def test_whatever_a_relay_does_everything_arrives(pair: Relayed, tmp_path: Path) -> None:
    """Messages come twice, late, out of order, from other mailboxes, and deletes are a lie: the end is the same."""
    pair.sync(2)
    mischief = (Mischief.DUPLICATE, Mischief.SWAP, Mischief.DELAY, Mischief.CROSS, Mischief.KEEP, Mischief.LIE_IDS)
    pair.relay.behave(*mischief)
    for number in range(3):
        file = tmp_path / f"{number}.csv"
        file.write_text(f"type,value\nipv4,203.0.113.{number + 10}\n")
        pair.taipei.here("intel", "import", file, "--tlp", "green", "--source", "ours")
        pair.sync()
    pair.sync(3)
    held = here("--node", pair.seoul.folder, "intel", "export", "--to", "csv").out
    assert all(f"203.0.113.{number + 10}" in held for number in range(3))
    pair.relay.behave()
    pair.sync(2)
    assert pair.taipei.here("peers", "relay", "seoul")["waiting"] == 0
    assert [peer["state"] for peer in pair.seoul.here("peers", "list")["items"]] == ["verified"]


def test_a_relay_that_alters_gets_one_sentence_and_changes_nothing(pair: Relayed, tmp_path: Path) -> None:
    """Cut and flipped messages do not open; nobody is blamed; once it is honest again all arrives."""
    pair.sync(2)
    (tmp_path / "one.csv").write_text(f"type,value\nipv4,{ATTACKER}\n")
    pair.taipei.here("intel", "import", tmp_path / "one.csv", "--tlp", "green", "--source", "ours")
    pair.taipei.here("sync", "seoul")
    pair.relay.behave(Mischief.FLIP)
    said = pair.seoul.here("sync", "taipei")
    assert said["problems"]
    assert said["received"] == 0
    pair.relay.behave()
    pair.sync(1)
    time.sleep(11)  # what nobody acknowledged is laid down again after ten seconds
    pair.sync(2)
    assert ATTACKER in here("--node", pair.seoul.folder, "intel", "export", "--to", "csv").out


def test_a_line_is_left_for_a_relay_and_found_again(tmp_path: Path, relay: MischievousRelay) -> None:
    """Mailboxes named over a standing line travel as notices; --off goes back to the line."""
    taipei, seoul = SeawallNode(tmp_path / "taipei", "TW"), SeawallNode(tmp_path / "seoul", "KR")
    ports = {"taipei": free_port(), "seoul": free_port()}
    for node, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        card = tmp_path / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        second = node.second_person()
        node.here("peers", "add", card, "--code-name", name, "--url", f"https://127.0.0.1:{ports[name]}")
        node.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
    with seoul.serving(free_port(), ports["seoul"]):
        for node, name in ((taipei, "seoul"), (seoul, "taipei")):
            assert mailbox_for(node, name, relay, tmp_path)["told"] is True
        taipei.here("sync", "seoul")
    assert taipei.here("peers", "relay", "seoul")["in_use"] is True
    assert seoul.here("peers", "relay", "taipei")["in_use"] is True
    assert taipei.here("sync", "seoul")["problems"] == []
    assert seoul.here("sync", "taipei")["problems"] == []
    assert taipei.here("peers", "relay", "seoul", "--off")["in_use"] is False


def test_wrong_use_is_one_sentence(pair: Relayed, tmp_path: Path) -> None:
    """Tokens, mailboxes, addresses and invitations that cannot be; a stranger's and another node's invitation."""
    token = tmp_path / "bad.token"
    token.write_text("nothing")
    good = next(tmp_path.glob("taipei-read.token"))
    arguments = ["peers", "relay", "seoul", "--url", "https://relay.example:8702", "--mailbox", "0" * 32]
    wrong = [
        ([*arguments, "--read-token", str(token), "--write-token", str(good)], "E-FLOW-611"),
        ([*arguments, "--read-token", str(good), "--write-token", str(good)], "E-FLOW-618"),
        ([*arguments[:-1], "xyz", "--read-token", str(good), "--write-token", str(good)], "E-FLOW-612"),
        (["peers", "relay", "seoul", "--url", "https://relay.example:8702"], "E-CLI-090"),
        (["peers", "relay", "nobody"], "E-STORE"),
        (["peers", "relay-accept", str(token)], "E-FLOW-620"),
        (["peers", "relay-accept", str(tmp_path / "none")], "E-FLOW-622"),
        (["peers", "relay-accept", str(tmp_path / "to-seoul.invitation")], "E-FLOW-621"),
    ]
    for words, code in wrong:
        answer = here("--node", pair.taipei.folder, *words)
        assert answer.err.startswith(code), (words, answer.err)
        assert answer.err.count("\n") == 1
    assert pair.taipei.here("post", "list", "seoul")["items"] == []
    mode = [path.stat().st_mode & 0o777 for path in (pair.taipei.folder / "relay").glob("*.token")]
    assert mode == [0o600] * 3
    assert (tmp_path / "to-seoul.invitation").stat().st_mode & 0o777 == 0o600
