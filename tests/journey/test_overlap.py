"""Two nodes as people run them: what both hold, without showing the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from journey.command_line import SeawallNode, eve, free_port

BOTH = ("45.76.10.1", "45.76.10.2", "45.76.10.3")
ONLY_TAIPEI, ONLY_SEOUL = "45.76.10.7", "45.76.10.8"

pytestmark = pytest.mark.xdist_group("overlap")


class Pair(NamedTuple):
    """Two serving nodes that agreed on a circle in which nothing goes without a click."""

    taipei: SeawallNode
    seoul: SeawallNode


def alarms(hour: int, sensor: str, *values: str) -> str:
    """Two alarms about each value, from two machines of ours."""
    return "".join(
        eve(f"2026-03-14T{hour:02d}:{place:02d}:0{host}.000000+0000", value, f"10.1.{place}.{host}", sensor=sensor)
        + "\n"
        for place, value in enumerate(values)
        for host in (5, 6)
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Taipei and Seoul, served in processes of their own."""
    root = tmp_path_factory.mktemp("overlap")
    taipei, seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
    ports = {taipei: (free_port(), free_port()), seoul: (free_port(), free_port())}
    for here, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        card = root / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        here.here("peers", "add", card, "--url", f"https://127.0.0.1:{ports[there][1]}", "--code-name", name)
        here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", here.second_person())
        here.here("circles", "create", "tw-kr", "--members", name, "--tlp-ceiling", "amber", "--commitment-age", "0s")
    for node, hour, values in ((taipei, 3, (*BOTH, ONLY_TAIPEI)), (seoul, 8, (*BOTH, ONLY_SEOUL))):
        log = root / f"{node.folder.name}.json"
        log.write_text(alarms(hour, node.folder.name, *values))
        node.here("ingest", log)
        node.here("match")
    with taipei.serving(*ports[taipei]), seoul.serving(*ports[seoul]):
        yield Pair(taipei, seoul)


def test_explain_works_before_the_peer_answered(pair: Pair) -> None:
    """What would go in and every bound, in plain words."""
    pair.taipei.here("sync", "seoul")
    pair.taipei.here("run", "commitments")
    told = pair.taipei.here("overlap", "seoul", "--explain")
    (ipv4,) = [row for row in told["types"] if row["type"] == "ipv4"]
    assert ipv4["entering"] == 4
    assert any("once in an epoch of 90 days" in line for line in told["bounds"])
    assert len(told["leaks"]) >= 8


def test_one_command_finds_what_both_hold(pair: Pair) -> None:
    """Over the line the run ends within one command, and a second run finds nothing new for a little more budget."""
    found = pair.taipei.run("overlap", "seoul")
    assert (found["state"], found["problems"]) == ("complete", [])
    assert {item["value"] for item in found["items"]} == set(BOTH)
    assert {item["given"] for item in found["items"]} == {1}
    again = pair.seoul.run("overlap", "taipei", "--type", "ipv4")
    assert {item["value"] for item in again["items"]} == set(BOTH)
    assert again["common"] == 3


def test_a_person_tells_more(pair: Pair) -> None:
    """Tier 2 of one value goes when both sides' people said so; the other values stay at tier 1."""
    first = pair.taipei.run("overlap", "seoul", "--reveal", "2", "--value", BOTH[0])
    assert (first["values"], first["waiting"]) == (1, 1)
    second = pair.seoul.run("overlap", "taipei", "--reveal", "3", "--value", BOTH[0])
    assert second["told"] == 1
    pair.taipei.run("overlap", "seoul")
    items = {item["value"]: item for item in pair.taipei.run("overlap", "seoul")["items"]}
    assert (items[BOTH[0]]["given"], items[BOTH[0]]["taken"], items[BOTH[0]]["evidence"]) == (2, 3, True)
    assert (items[BOTH[1]]["given"], items[BOTH[1]]["taken"]) == (1, 1)
    warned = {item["value"]: item for item in pair.seoul.run("warnings")["items"]}
    assert BOTH[0] in warned
    assert warned[BOTH[0]]["first_seen"].startswith("2026-03-14T03:00:05")
    assert BOTH[1] not in warned


def test_a_question_is_answered_without_being_shown(pair: Pair, tmp_path: Path) -> None:
    """Known and unknown values; an own asset is not asked about without a person saying so."""
    (tmp_path / "list").write_text(f"{ONLY_SEOUL}\n{ONLY_TAIPEI}\n45.76.10.99\n")
    told = pair.taipei.run("ask", "--peer", "seoul", "--file", tmp_path / "list")
    assert {item["value"]: item["known"] for item in told["items"]} == {
        ONLY_SEOUL: True, ONLY_TAIPEI: False, "45.76.10.99": False,
    }  # fmt: skip
    assert all(isinstance(item["budget_left"], int) for item in told["items"])
    pair.taipei.run("ask", "10.1.0.5", "--peer", "seoul", status=3)
    for node in (pair.taipei, pair.seoul):
        assert node.run("ledger", "verify")["valid"] is True
