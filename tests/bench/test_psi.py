"""The bench of comparisons: its two parties run, and its judgement is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from bench.psi import ours, plot, shortfalls, table
from bench.psi_openmined import listed
from bench.psi_party import items

from absent import needed

ROW: dict[str, Any] = {
    "name": "Seawall, libsodium", "way": "libsodium", "size": 100_000, "cpu_seconds": 30.0, "bytes": 1,
    "sealed_bytes": 2, "peak_bytes": 3, "common": 4, "ratio": 1.2, "multiplication_us": 54.0, "hash_us": 25.0,
    "own_ratio": 1.2, "own_multiplication_us": 54.0, "own_hash_us": 25.0,
}  # fmt: skip
PEER: dict[str, Any] = {
    "name": "peer", "size": 100_000, "cpu_seconds": 40.0, "bytes": 1, "peak_bytes": 3, "common": 4,
}  # fmt: skip


def test_both_parties_get_the_same_addresses_as_the_peer() -> None:
    """The peer's lists are ours, a tenth of them common, none twice."""
    one, other = items(0, 0, 1_000), items(1, 0, 1_000)
    assert [value.decode() for value in one] == listed(0, 1_000)
    assert [value.decode() for value in other] == listed(1, 1_000)
    assert (len({*one}), len({*one} & {*other})) == (1_000, 100)


@pytest.mark.tool("libsodium")
@pytest.mark.parametrize("way", ["accelerated", "libsodium"])
def test_two_processes_find_the_overlap_and_what_is_new(tmp_path: Path, way: str) -> None:
    """A small run measures a whole session and one of what is new; both parties agree on the overlap."""
    needed("seawall_accelerator")
    whole, new = ours(500, way, tmp_path)
    assert (whole["own_multiplication_us"] == whole["multiplication_us"]) is (way == "libsodium")
    assert (whole["size"], whole["common"]) == (500, 50)
    assert (new["size"], new["common"]) == (10, 1)
    assert new["bytes"] < whole["bytes"] < whole["sealed_bytes"]
    assert whole["cpu_seconds"] > 0


def test_what_is_below_the_requirement_is_said() -> None:
    """A run above 1.35 times its operations, or dearer than the peer, a heavy day and an absent peer are each named."""
    assert shortfalls([ROW, PEER]) == []
    assert "1.4 x" in shortfalls([{**ROW, "ratio": 1.4}, PEER])[0]
    assert "the peer 20.0" in shortfalls([ROW, {**PEER, "cpu_seconds": 20.0}])[0]
    quick = {**ROW, "name": "Seawall, accelerated", "way": "accelerated", "size": 1_000_000}
    assert shortfalls([quick, ROW, {**PEER, "cpu_seconds": 20.0}]) == []  # the other way is only printed
    assert "61.0 CPU-seconds, above 60" in shortfalls([{**quick, "cpu_seconds": 61.0}])[0]
    day = {**ROW, "name": "Seawall, libsodium, what is new", "size": 20_000, "sealed_bytes": 2_400_001}
    assert "2,400,001 bytes sealed" in shortfalls([day])[0]
    assert "no such package" in shortfalls([{"name": "peer", "size": 5, "reason": "no such package"}])[0]


def test_table_and_plot_name_every_run() -> None:
    """Each run has its line and, when it ran, its bar."""
    absent = {"name": "a < b", "size": 5, "reason": "no such package"}
    lines = table([ROW, PEER, absent]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "not run: no such package" in lines[4]
    drawn = ElementTree.fromstring(plot([ROW, PEER, absent]))  # noqa: S314 - our own
    texts = [element.text for element in drawn.iter() if element.text]
    assert "Seawall, libsodium, 100,000" in texts
    assert not any("a < b" in text for text in texts)
