"""Three organisations: the third only passes messages on, in a relay process of its own, and counts for the two."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from journey.command_line import SeawallNode, environment, eve, free_port, here

COMMON, ONLY_TAIPEI, ONLY_SEOUL = range(40), range(40, 240), range(240, 440)
MET_BY_SEOUL = 41  # one of Taipei's suspects
pytestmark = [pytest.mark.tool("libsodium"), pytest.mark.timeout(900)]


class Trio(NamedTuple):
    """Taipei and Seoul share a circle; Tokyo is Taipei's peer in another one, and runs the relay."""

    taipei: SeawallNode
    seoul: SeawallNode
    tokyo: SeawallNode
    relay: Path  # the relay's folder


def address(number: int) -> str:
    """Suspects."""
    return f"45.76.{number // 200}.{number % 200 + 1}"


def alarms(sensor: str, numbers: Iterable[int]) -> str:
    """Two alarms about each, from two machines of ours."""
    return "".join(
        eve(f"2026-03-14T03:00:0{host}.000000+0000", address(number), f"10.1.{number % 200}.{host}", sensor=sensor)
        + "\n"
        for number in numbers
        for host in (5, 6)
    )


@contextmanager
def passing_on(folder: Path, port: int) -> Iterator[None]:
    """``seawall relay serve`` in a process of its own."""
    command = [sys.executable, "-m", "seawall", "relay", "serve", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stderr is not None
        while "Pin" not in (line := process.stderr.readline()):
            assert line, process.wait(10)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


def relay_command(*arguments: str | Path) -> Any:
    """One command of the relay's operator."""
    done = here("relay", *arguments, "--json")
    assert done.status == 0, done.err
    return json.loads(done.out)


def introduce(one: SeawallNode, other: SeawallNode, circle: str, root: Path) -> None:
    """Both add each other's cards, compare fingerprints and state a circle's terms."""
    for node, peer in ((one, other), (other, one)):
        name = peer.folder.name
        card = root / f"{name}.card"
        card.write_bytes(peer.raw("peers", "card").stdout)
        second = node.second_person(f"approver-{name}")
        node.here("peers", "add", card, "--code-name", name)
        node.here("peers", "verify", name, "--fingerprint", peer.fingerprint, "--approver-token", second)
        node.here("circles", "create", circle, "--members", name, "--tlp-ceiling", "amber", "--commitment-age", "0s",
                  "--auto", "sighting", "--approver-token", second)  # fmt: skip


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """The relay has a mailbox for each of the two and one pair of counter tokens, and nothing of Tokyo's."""
    root = tmp_path_factory.mktemp("trio")
    nodes = {name: SeawallNode(root / name, economy) for name, economy in (("taipei", "TW"), ("seoul", "KR"),
                                                                          ("tokyo", "JP"))}  # fmt: skip
    introduce(nodes["taipei"], nodes["seoul"], "tw-kr", root)
    introduce(nodes["taipei"], nodes["tokyo"], "tw-jp", root)
    folder, port = root / "relay", free_port()
    pin = relay_command("init", folder, "--name", "Harbour", "--roles", "mailbox,counter")["pin"]
    made = relay_command("counter", "add", folder)
    for (here_, there), token in zip((("taipei", "seoul"), ("seoul", "taipei")), _tokens(made), strict=True):
        box = relay_command("mailbox", "add", folder)
        files = {}
        for use, text in (("read", box["read_token"]), ("write", box["write_token"]), ("counter", token)):
            files[use] = root / f"{here_}.{use}.token"
            files[use].write_text(f"{text}\n")
        url = ("--url", f"https://127.0.0.1:{port}", "--pin", pin)
        nodes[here_].here("peers", "relay", there, *url, "--mailbox", box["id"], "--read-token", files["read"],
                          "--write-token", files["write"])  # fmt: skip
        nodes[here_].here("peers", "counter", there, *url, "--token-file", files["counter"])
        nodes[here_].here("peers", "relay-invite", there, "-o", root / f"{here_}.invitation")
    for here_, there in (("taipei", "seoul"), ("seoul", "taipei")):
        nodes[here_].here("peers", "relay-accept", root / f"{there}.invitation")
    for name, numbers in (("taipei", (*COMMON, *ONLY_TAIPEI)), ("seoul", (*COMMON, *ONLY_SEOUL))):
        log = root / f"{name}.json"
        log.write_text(alarms(name, numbers))
        nodes[name].here("ingest", log)
    met = root / "met.json"
    met.write_text(
        json.dumps(
            {
                "timestamp": "2026-03-14T05:00:00.000000+0000",
                "event_type": "flow",
                "src_ip": "10.1.7.7",
                "dest_ip": address(MET_BY_SEOUL),
                "src_port": 4711,
                "dest_port": 443,
                "proto": "TCP",
                "host": "seoul",
            }
        )
        + "\n"
    )
    nodes["seoul"].here("ingest", met)
    with passing_on(folder, port):
        yield Trio(nodes["taipei"], nodes["seoul"], nodes["tokyo"], folder)


def _tokens(made: dict[str, Any]) -> tuple[str, str]:
    first, second = (str(value) for name, value in made.items() if "token" in name)
    return first, second


def test_the_size_is_counted_by_the_relay_process_before_anything_is_compared(trio: Trio) -> None:
    """Both sides hold one noised count of a real relay, then the values; also what one merely met is found."""
    trio.taipei.here("sync", "seoul")
    trio.seoul.here("sync", "taipei")
    told: dict[str, Any] = {}
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        told = trio.taipei.here("overlap", "seoul", "--type", "ipv4")
        trio.seoul.here("post", "deliver", "taipei")
        if told["state"] == "complete" and told["common"] > len(COMMON):
            break
    assert told["problems"] == []
    counted = told["types"]["ipv4"]["counted"]
    assert abs(counted - len(COMMON)) <= 40
    assert told["size_checked_first"] is True
    values = {item["value"]: item for item in told["items"]}
    assert values.keys() == {*map(address, COMMON), address(MET_BY_SEOUL)}
    assert values[address(MET_BY_SEOUL)]["theirs_as"] == "met"
    status = relay_command("status", trio.relay)
    assert status["rounds_answered"] >= 1


def test_who_passes_on_sees_nothing(trio: Trio) -> None:
    """Neither Tokyo's node nor its relay's folder holds a value, a name or a circle of the two; on Taipei's ledger
    nothing was released to Tokyo."""
    everything = b"".join(file.read_bytes() for file in trio.relay.rglob("*") if file.is_file())
    for known in ("45.76.", "taipei", "seoul", "tw-kr", trio.taipei.node_id, trio.seoul.node_id):
        assert known.encode() not in everything, known
    assert trio.tokyo.here("warnings")["items"] == []
    assert [row["name"] for row in trio.tokyo.here("circles", "list")["items"]] == ["tw-jp"]
    released = [leaf for leaf in trio.taipei.here("ledger", "show", "--limit", "1000")["items"]
                if leaf["kind"] == "release"]  # fmt: skip
    assert all("tokyo" not in json.dumps(leaf) for leaf in released)
