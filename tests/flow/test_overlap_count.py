"""The size first: a relay counts before anything is compared, and both sides' bands decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import neighbours
from flow.overlap_scenes import Nodes, share, suspect
from flow.post_scenes import RelayInMemory, know_keys, link
from seawall.exchange.relay import CountAnswer, token_text
from seawall.flow import relay_delivery
from seawall.flow.overlap import run_overlap
from seawall.flow.overlap_counted import counting_of
from seawall.flow.overlap_counter import set_counter
from seawall.flow.post import deliver
from seawall.model import ObservableType

IPV4 = ObservableType.IPV4


class CountingRelay(RelayInMemory):
    """Counts without noise, and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds: dict[str, dict[bytes, frozenset[bytes]]] = {}

    def count(self, round_id: str, token: bytes, tags: Sequence[bytes]) -> CountAnswer | None:
        """See ``Relay.count``."""
        given = self.rounds.setdefault(round_id, {})
        assert given.setdefault(token, frozenset(tags)) == frozenset(tags)
        if len(given) < 2:
            return None
        one, other = given.values()
        return CountAnswer(len(one & other), 1, 0.5, 7)


@pytest.fixture
def relay() -> CountingRelay:
    """One relay for mailboxes and counts."""
    return CountingRelay()


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: CountingRelay) -> Iterator[Nodes]:
    """Taipei and Seoul, who both let the relay count."""
    monkeypatch.setattr(relay_delivery, "connect", lambda _place: relay)
    with neighbours(tmp_path, "taipei", "seoul") as found:
        know_keys(found)
        link(found, "taipei", "seoul", relay)
        share(found)
        for letter, (name, other) in zip("AB", (("taipei", "seoul"), ("seoul", "taipei")), strict=True):
            file = tmp_path / f"{name}.token"
            file.write_text(token_text(letter.encode() * 32) + "\n")
            set_counter(found[name], other, url="https://relay.example:8702", pin="", token_file=file)
            suspect(found[name], range(200, 430) if name == "taipei" else range(400, 640))
        yield found


def settle(nodes: Nodes) -> None:
    """Both deliver in turns, until everything went."""
    for _ in range(10):
        deliver(nodes["seoul"], "taipei")
        deliver(nodes["taipei"], "seoul")


def test_the_relay_counts_before_anything_is_compared(nodes: Nodes, relay: CountingRelay) -> None:
    """Both sides get one number, which lies within both bands, and then the values themselves."""
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
        counted = counting_of(nodes[name], other, IPV4)
        assert counted is not None
        assert (counted.count, counted.good, counted.theirs_good) == (30, True, True)
        assert nodes[name].store.overlaps.count(other) == 30
    ((_, given),) = relay.rounds.items()
    assert {len(tags) for tags in given.values()} == {256}


def test_a_count_outside_of_a_band_ends_the_run(nodes: Nodes) -> None:
    """One side's band is enough: nothing is compared, and both sides' people read why."""
    seoul = nodes["seoul"]
    band = msgspec.structs.replace(seoul.settings.overlap, band_most=10)
    seoul.settings = msgspec.structs.replace(seoul.settings, overlap=band)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    assert seoul.store.overlaps.count("taipei") == nodes["taipei"].store.overlaps.count("seoul") == 0
    stopped = nodes["taipei"].store.notes.get("overlap-stopped:seoul:ipv4")
    assert stopped is not None
    assert "About 30 values match" in stopped
