"""Journey: keys are replaced while three nodes serve; a stolen key opens nothing afterwards."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journey.trio import Trio

pytestmark = pytest.mark.xdist_group("trio")


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Taipei knows Seoul and Tokyo."""
    made = Trio(tmp_path_factory.mktemp("trio"))
    made.introduce("taipei", "seoul", "--auto", "indicator,sighting")
    made.introduce("taipei", "tokyo", "--auto", "indicator,sighting")
    with made.serving():
        yield made


def versions(trio: Trio, here: str, of: str) -> list[tuple[int, str]]:
    """Which keys a node knows of another."""
    return [(item["version"], item["state"]) for item in trio.nodes[here].here("keys", "list", "--peer", of)["items"]]


def share(trio: Trio, value: str, tmp_path: Path) -> None:
    """Taipei holds something new that may go to both."""
    (tmp_path / "new.csv").write_text(f"type,value\nipv4,{value}\n")
    trio.nodes["taipei"].here("intel", "import", tmp_path / "new.csv", "--tlp", "amber", "--source", "ours")


def held(trio: Trio, name: str) -> str:
    """The values that a node holds."""
    return trio.nodes[name].raw("intel", "export", "--to", "csv").stdout.decode()


def test_peers_follow_a_rotation_without_a_restart_or_a_call(trio: Trio, tmp_path: Path) -> None:
    """One peer hears because it is called, the other because it calls; objects go on in the very same sync."""
    taipei, seoul, tokyo = trio.nodes["taipei"], trio.nodes["seoul"], trio.nodes["tokyo"]
    for node, name in ((taipei, "seoul"), (taipei, "tokyo"), (seoul, "taipei"), (tokyo, "taipei")):
        node.here("sync", name)
    share(trio, "203.0.113.10", tmp_path)
    done = trio.rotate("taipei")
    assert done["version"] == 2 and done["told"] == ["seoul", "tokyo"]
    assert taipei.here("keys", "show")["waiting_for"] == ["seoul", "tokyo"]
    time.sleep(1.5)  # the listener looks once a second
    taipei.here("sync", "seoul")  # we call, with the certificate that Seoul knows
    assert taipei.here("keys", "show")["waiting_for"] == ["tokyo"]
    assert versions(trio, "seoul", "taipei") == [(1, "former"), (2, "in force")]
    assert versions(trio, "tokyo", "taipei") == [(1, "in force")]
    tokyo.here("sync", "taipei")  # it calls, asks for the certificate it knows, and hears
    assert versions(trio, "tokyo", "taipei") == [(1, "former"), (2, "in force")]
    assert "203.0.113.10" in held(trio, "seoul") and "203.0.113.10" in held(trio, "tokyo")
    for node, name in ((seoul, "taipei"), (taipei, "seoul"), (tokyo, "taipei"), (taipei, "tokyo")):
        assert node.here("sync", name)["problems"] == []
    assert taipei.here("keys", "show")["waiting_for"] == []
    assert taipei.here("ledger", "verify")


def test_a_rotation_takes_two_people(trio: Trio) -> None:
    """Without a second person nothing changes, and the sentence says what is missing."""
    taipei = trio.nodes["taipei"]
    before = taipei.here("keys", "show")["version"]
    refused = taipei.raw("keys", "rotate")
    assert refused.returncode == 3 and b"E-FLOW-420" in refused.stderr
    own = taipei.folder / "administrator.token"
    assert taipei.raw("keys", "rotate", "--approver-token", own).returncode == 3
    assert taipei.here("keys", "show")["version"] == before


def test_a_stolen_key_opens_nothing_once_peers_heard(trio: Trio, tmp_path: Path) -> None:
    """The thief has a copy of the whole node; after the rotation no peer lets it in, and no key set of it is taken."""
    taipei, seoul = trio.nodes["taipei"], trio.nodes["seoul"]
    stolen = tmp_path / "stolen"
    shutil.copytree(taipei.folder, stolen)
    version = taipei.here("keys", "show")["version"]
    trio.rotate("taipei", "--stolen")
    taipei.here("sync", "seoul")
    known = versions(trio, "seoul", "taipei")
    assert known[-2:] == [(version, "stolen"), (version + 1, "in force")]
    thief: Any = object.__new__(type(taipei))
    thief.folder = stolen
    assert thief.raw("sync", "seoul").returncode != 0
    second = trio.approvers["taipei"]
    assert thief.raw("keys", "rotate", "--approver-token", second).returncode == 0  # a set of its own
    assert thief.raw("sync", "seoul").returncode != 0
    card = tmp_path / "thief.card"
    card.write_bytes(thief.raw("peers", "card").stdout)
    refused = seoul.raw("peers", "add", card, "--replace", "--code-name", "taipei", "--json")
    assert refused.returncode == 3 and b"E-FLOW-422" in refused.stderr  # two sets of one version: the first one stays
    assert versions(trio, "seoul", "taipei") == known
    assert taipei.here("sync", "seoul")["problems"] == []


def test_a_node_that_starts_anew_waits_for_two_people(trio: Trio) -> None:
    """Nothing is exchanged on a new start until the new fingerprint was read aloud; then it goes on."""
    tokyo = trio.nodes["tokyo"]
    done = trio.rotate("taipei", "--anew")
    assert done["told"] == [] and done["problems"]
    replaced = tokyo.here("peers", "add", trio.card("taipei"), "--replace", "--code-name", "taipei")
    assert replaced["vouched"] is False and replaced["state"] == "pending"
    assert tokyo.raw("sync", "taipei").returncode == 3
    second = trio.approvers["tokyo"]
    tokyo.here("peers", "verify", "taipei", "--fingerprint", str(done["fingerprint"]), "--approver-token", second)
    time.sleep(1.5)
    tokyo.here("sync", "taipei")  # brings the notice of the stolen key, too late to mean anything
    assert tokyo.here("sync", "taipei")["problems"] == []
    assert versions(trio, "tokyo", "taipei")[-1][1] == "in force"
