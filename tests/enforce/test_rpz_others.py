"""The PowerDNS recursor, Knot DNS and, reading Knot's files, the Knot Resolver: as secondaries of our primary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from enforce.resolver_files import KEY, kresd
from enforce.resolvers import Resolver, Upstream, free_port, resolver, wait_for
from protect.rpz.scenes import BLOCK, IPV4, key_file, order, put, remove
from seawall.model.clock import system_clock
from seawall.model.order import OrderState
from seawall.protect.rpz import RpzPrimary, RpzSettings, Secondary, TsigKey

SECONDS = 20.0


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """It knows every name, and one with an address of its own."""
    made = Upstream({"on-bad-address.example": "192.0.2.66"})
    yield made
    made.close()


def running(tmp_path: Path, notify: int, log: Path) -> RpzPrimary:
    """A primary with a key."""
    key = TsigKey(KEY, str(key_file(tmp_path)))
    secondary = Secondary("127.0.0.1", notify, KEY)
    made = RpzPrimary(
        RpzSettings(folder=str(tmp_path / "rpz"), port=0, keys=(key,), secondaries=(secondary,), logs=(str(log),))
    )
    made.start()
    return made


@pytest.mark.tool("pdns_recursor")
def test_powerdns_blocks_watches_frees_and_tells(tmp_path: Path, upstream: Upstream) -> None:
    """It asks every second (NOTIFY means nothing to its policy zones), signed; a few lines of Lua tell what matched."""
    ours = running(tmp_path, 0, tmp_path / "pdns" / "said")
    ours.apply(put(order("bad.example"), order("watched.example", state=OrderState.WATCH)), system_clock())
    with resolver("pdns", tmp_path / "pdns", ours.port, upstream, tmp_path / "rpz.key") as it:
        wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
        assert it.passes("watched.example")
        assert it.passes("new.example")
        new = [order("new.example"), order("192.0.2.66", IPV4)]
        ours.apply(put(*new), system_clock())
        for name in ("new.example", "below.new.example", "on-bad-address.example"):
            wait_for(lambda name=name: it.blocks(name), SECONDS, it.said)  # type: ignore[misc]
        met: set[str] = set()

        def all_told() -> bool:
            assert it.passes("watched.example")
            met.update(hit.value for hit in ours.hits())
            return met >= {"bad.example", "watched.example", "new.example", "192.0.2.66"}

        wait_for(all_told, SECONDS, it.said)
        ours.apply(remove(*new), system_clock())
        wait_for(lambda: it.passes("new.example"), SECONDS, it.said)
        assert {one.kind for one in ours.followers() if one.zone == BLOCK} == {"ixfr"}
        it.kill()
        ours.apply(put(order("later.example")), system_clock())
        it.start()
        wait_for(lambda: it.blocks("later.example"), SECONDS, it.said)
    ours.close()


@pytest.mark.tool("knotd")
@pytest.mark.tool("kresd")
def test_knot_keeps_the_zone_as_a_file_that_its_resolver_reads(tmp_path: Path, upstream: Upstream) -> None:
    """Knot DNS follows by signed IXFR and NOTIFY; Knot Resolver, which transfers nothing itself, watches its file."""
    port, folder = free_port(), tmp_path / "kresd"
    folder.mkdir()
    ours = running(tmp_path, port, tmp_path / "none")
    ours.apply(put(order("bad.example")), system_clock())
    with resolver("knot", tmp_path / "knot", ours.port, upstream, tmp_path / "rpz.key", port) as knot:
        file = tmp_path / "knot" / "block.zone"
        wait_for(lambda: file.exists() and "bad.example" in file.read_text(), SECONDS, knot.said)
        listens = free_port()
        it = Resolver("kresd", listens, kresd(folder, listens, file, upstream.port), folder, folder / "said")
        try:
            it.start()
            wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
            assert it.blocks("below.bad.example")
            assert it.passes("new.example")
            ours.apply(put(order("new.example")), system_clock())
            wait_for(lambda: it.blocks("new.example"), SECONDS, lambda: it.said() + knot.said())
            ours.apply(remove(order("new.example")), system_clock())
            wait_for(lambda: it.passes("new.example"), SECONDS, lambda: it.said() + knot.said())
            assert {one.kind for one in ours.followers() if one.zone == BLOCK} == {"ixfr"}
        finally:
            it.kill()
    ours.close()
