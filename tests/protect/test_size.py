"""Size: an export is a stream."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from protect.scenes import AT, T, entry, home_gate, page
from seawall.protect import Page, export

PAGE_ENTRIES = 1_000
ROOM_KB = 100_000  # far below what a hundred thousand directives held at once would take


def pages(count: int) -> Iterator[Page]:
    """``count`` distinct names in pages, made as they are asked for."""
    for start in range(0, count, PAGE_ENTRIES):
        numbers = range(start, start + PAGE_ENTRIES)
        yield page(entry(T.DOMAIN, f"host{number}.evil.example.net", number=number) for number in numbers)


@pytest.mark.parametrize("to", ["rpz", "suricata", "csv", "splunk", "elastic", "sigma", "text"])
def test_memory_does_not_grow_with_the_export(tmp_path: Path, to: str) -> None:
    """A hundred thousand names pass through in constant memory and are all there."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = export(pages(100_000), to, gate=home_gate(), target=tmp_path / "out", at=AT)
    assert report.blocks == 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < ROOM_KB


def test_left_out_values_are_listed_up_to_a_bound() -> None:
    """Every refusal is counted, and only the first ten thousand are listed one by one."""
    report = export(pages(20_000), "nftables", gate=home_gate(), target=None, at=AT)
    assert report.left_out_by_rule == {"type": 20_000}
    assert len(report.left_out) == 10_000


@pytest.mark.long
def test_a_million_names_fit(tmp_path: Path) -> None:
    """The stated bound of one million names is reached, and the next name is left out as full."""
    report = export(pages(1_001_000), "rpz", gate=home_gate(), target=tmp_path / "zone", at=AT)
    assert report.blocks == 1_000_000
    assert report.left_out_by_rule == {"full": 1_000}
