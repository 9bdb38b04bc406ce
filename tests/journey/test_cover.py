"""Journey: under cover a relay cannot tell a day with an attack from a day without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.relay.mischievous import MischievousRelay
from journey.command_line import SeawallNode, eve
from journey.relaying import Relayed, relayed

pytestmark = [pytest.mark.xdist_group("relay"), pytest.mark.timeout(300)]
ATTACKER, HIT = "203.0.113.77", "203.0.113.200"
CELLS = 4


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Relayed]:
    """Taipei and Seoul, which speak through a relay over TLS, both under cover."""
    with MischievousRelay(tmp_path, plain=False) as relay:
        found = relayed(tmp_path, relay)
        found.sync(2)
        for node, peer in ((found.taipei, "seoul"), (found.seoul, "taipei")):
            set_ = node.here("peers", "cover", peer, "--cells", str(CELLS))
            assert (set_["cells"], set_["bytes_a_visit"]) == (CELLS, CELLS * 60_000)
        yield found


def runs(pair: Relayed, times: int) -> None:
    """So many runs of the job at either node."""
    for _ in range(times):
        for node in (pair.taipei, pair.seoul):
            assert "received" in node.here("run", "sync")["result"]


def attacked(node: SeawallNode, folder: Path, hour: str, network: str) -> None:
    """A sensor's alarm, taken in and matched."""
    file = folder / f"{hour}.json"
    file.write_text(eve(f"2026-03-14T{hour}:12:00.000000+0000", HIT, network, sensor=f"s-{hour}") + "\n")
    node.here("ingest", file)
    node.here("match")


def test_a_day_with_an_attack_looks_like_one_without(
    pair: Relayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay stores as many messages of the same size in the same order, and what was said arrives and is used."""
    stored: list[tuple[bytes, int]] = []
    boxes = type(pair.relay.boxes)
    put = boxes.put

    def watched(self: Any, id: bytes, token: bytes, data: bytes, *rest: int) -> bytes:
        stored.append((id, len(data)))
        made: bytes = put(self, id, token, data, *rest)
        return made

    monkeypatch.setattr(boxes, "put", watched)
    runs(pair, 5)
    silent, stored[:] = list(stored), []
    assert len(silent) == 5 * 2 * CELLS
    assert len({size for _, size in silent}) == 1

    listed = tmp_path / "list.csv"
    listed.write_text(f"type,value,id\nipv4,{ATTACKER},list-1\n")
    pair.taipei.here("intel", "import", listed, "--tlp", "amber", "--source", "ours")
    attacked(pair.taipei, tmp_path, "03", "10.1.0.5")
    attacked(pair.seoul, tmp_path, "08", "10.2.0.9")
    said = pair.taipei.here("sync", "seoul")
    assert "leaves with the next run of the job 'sync'" in said["problems"][0]
    assert stored == []
    runs(pair, 5)
    assert stored == silent

    pair.seoul.here("match")
    out = tmp_path / "held.csv"
    pair.seoul.here("intel", "export", "--to", "csv", "-o", out)
    assert ATTACKER in out.read_text()
    assert [item["value"] for item in pair.seoul.here("warnings")["items"]] == [HIT]
    for node, peer in ((pair.taipei, "seoul"), (pair.seoul, "taipei")):
        assert node.here("ledger", "verify")["valid"] is True
        assert node.here("peers", "cover", peer, "--off")["cells"] == 0


@pytest.mark.tool("libsodium")
def test_an_overlap_is_found_under_cover(pair: Relayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Greeting, lists, answers and evidence travel in cells alone, and both sides find what both hold."""
    both, ours, theirs = ["45.76.10.1", "45.76.10.2"], ["45.76.10.7"], ["45.76.10.8"]
    sizes: set[int] = set()
    boxes = type(pair.relay.boxes)
    put = boxes.put

    def watched(self: Any, id: bytes, token: bytes, data: bytes, *rest: int) -> bytes:
        sizes.add(len(data))
        made: bytes = put(self, id, token, data, *rest)
        return made

    monkeypatch.setattr(boxes, "put", watched)
    for node, peer, values in ((pair.taipei, "seoul", both + ours), (pair.seoul, "taipei", both + theirs)):
        node.here("circles", "create", "quiet", "--members", peer, "--tlp-ceiling", "amber", "--commitment-age", "0s")
        file = tmp_path / f"{peer}.json"
        file.write_text("".join(
            eve(f"2026-03-14T03:{place:02d}:0{host}.000000+0000", value, f"10.1.{place}.{host}", sensor=f"s-{peer}")
            + "\n" for place, value in enumerate(values) for host in (5, 6)
        ))  # fmt: skip
        node.here("ingest", file)
        node.here("match")
    runs(pair, 3)
    for node in (pair.taipei, pair.seoul):
        node.here("run", "commitments")
    assert pair.taipei.here("overlap", "seoul")["state"] != "complete"
    found: list[set[str]] = []
    for _ in range(12):
        runs(pair, 1)
        told = [pair.taipei.here("overlap", "seoul"), pair.seoul.here("overlap", "taipei")]
        found = [{item["value"] for item in one["items"]} for one in told]
        if found == [set(both)] * 2:
            break
    assert found == [set(both)] * 2
    assert len(sizes) == 1


def test_what_cannot_be_is_said(pair: Relayed) -> None:
    """Too many cells, both options at once, a peer that is nobody."""
    for words in (("seoul", "--cells", "257"), ("seoul", "--cells", "3", "--off"), ("nobody", "--cells", "3")):
        assert pair.taipei.raw("peers", "cover", *words).returncode != 0
    assert pair.taipei.here("peers", "cover", "seoul")["cells"] == CELLS
