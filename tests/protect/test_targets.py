"""Where exports go: whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from protect.scenes import AT, T, entry, home_gate, page
from seawall.model import Fault
from seawall.protect import Page, export


def breaking_pages() -> Iterator[Page]:
    """One good page, then the source dies."""
    yield page([entry(T.DOMAIN, "evil.example.net")])
    raise RuntimeError("the source died")


@pytest.mark.parametrize("to", ["rpz", "csv"])
def test_a_failed_export_leaves_the_earlier_one(tmp_path: Path, to: str) -> None:
    """When the source dies half-way, the earlier file stands unchanged and no part is left."""
    target = tmp_path / "export"
    target.write_text("earlier")
    with pytest.raises(RuntimeError):
        export(breaking_pages(), to, gate=home_gate(), target=target, at=AT)
    assert target.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_folder_export_leaves_no_part(tmp_path: Path) -> None:
    """A folder export that fails leaves no half-written file behind."""
    with pytest.raises(RuntimeError):
        export(breaking_pages(), "suricata", gate=home_gate(), target=tmp_path / "s", at=AT)
    assert list((tmp_path / "s").iterdir()) == []


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A missing parent folder gives one sentence that names the target."""
    with pytest.raises(Fault, match=r"E-PROTECT-004.*absent"):
        export([], "rpz", gate=home_gate(), target=tmp_path / "absent" / "x.rpz", at=AT)


@pytest.mark.parametrize("to", ["rpz", "nftables", "suricata", "csv"])
def test_a_dry_run_writes_nothing_and_counts_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str) -> None:
    """Without a target, the report is the same as of a real run and the disk stays as it was."""
    monkeypatch.chdir(tmp_path)
    pages = [page([entry(T.DOMAIN, "evil.example.net"), entry(T.IPV4, "203.0.113.77"), entry(T.IPV4, "127.0.0.1")])]
    dry = export(pages, to, gate=home_gate(), target=None, at=AT)
    assert list(tmp_path.iterdir()) == []
    real = export(pages, to, gate=home_gate(), target=tmp_path / "real", at=AT)
    assert dry.dry_run
    assert (dry.blocks, dry.by_type, dry.left_out_by_rule) == (real.blocks, real.by_type, real.left_out_by_rule)
