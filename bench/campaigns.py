"""Grouping a made collection with known truth: time, memory, and how many pairs are right.

    python -m bench campaigns [--campaigns 10000] [--values 77] [--strangers 0.3] [--store]

Campaigns share a certificate, servers, ranges, a fingerprint, one of forty tools, networks and victims, each value
only some of them; strangers stand beside them with the same tools and networks; a tenth of everything lies on shared
hosting.
With ``--store`` the members are also named, explained and kept in a store on disk, and a second day is laid on.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from seawall.model import ObservableType
from seawall.model.campaign import Campaign, Kind, Member
from seawall.store import Store
from seawall.warn.campaigns import OURS, Evidence, Explained, Prior, group, name_groups
from seawall.warn.campaigns.interface import KIND_CODE, Groups, Integers

DAY = 86_400_000_000


class Maker:
    """Features and links, written down kind by kind."""

    def __init__(self) -> None:
        self.kinds: list[Integers] = []
        self.items: list[Integers] = []
        self.features: list[Integers] = []
        self.count = 0

    def kind(self, kind: Kind, count: int) -> int:
        """The first of ``count`` new features."""
        self.kinds.append(np.full(count, KIND_CODE[kind], np.int64))
        self.count += count
        return self.count - count

    def add(self, items: Integers, features: Any) -> None:
        """Each item has its feature."""
        self.items.append(items)
        self.features.append(np.asarray(features, np.int64))


def made(campaigns: int, values: int, strangers: float, seed: int) -> tuple[Evidence, Integers]:
    """Evidence, and of each item its campaign; -1: a stranger."""
    random = np.random.default_rng(seed)
    inside, outside = campaigns * values, int(campaigns * values * strangers)
    count, maker = inside + outside, Maker()
    truth = np.concatenate([np.repeat(np.arange(campaigns), values), np.full(outside, -1)])
    start = random.integers(0, 60 * DAY, campaigns)
    first = np.where(truth >= 0, start[np.maximum(truth, 0)] + random.integers(0, 10 * DAY, count), 0)
    first = np.where(truth >= 0, first, random.integers(0, 70 * DAY, count))
    ours, others = np.arange(inside), np.arange(inside, count)

    def own(kind: Kind, each: int, share: float) -> None:
        begin = maker.kind(kind, campaigns * each)
        some = ours[random.random(inside) < share]
        maker.add(some, begin + truth[some] * each + random.integers(0, each, len(some)))

    def common(kind: Kind, pool: int, each: int, share: float, strange: float) -> None:
        begin, chosen = maker.kind(kind, pool), random.integers(0, pool, (campaigns, each))
        some = ours[random.random(inside) < share]
        maker.add(some, begin + chosen[truth[some], random.integers(0, each, len(some))])
        some = others[random.random(outside) < strange]
        maker.add(some, begin + random.integers(0, pool, len(some)))

    own(Kind.CERTIFICATE, 3, 0.4)
    own(Kind.ADDRESS, 10, 0.5)
    common(Kind.RANGE, max(100, 2 * campaigns), 4, 0.6, 1.0)
    common(Kind.AS, 500, 2, 1.0, 1.0)
    common(Kind.SIGNATURE, 40, 1, 0.7, 0.7)
    common(Kind.JA4, 300, 1, 0.5, 0.3)
    common(Kind.VICTIM, 20 * max(1, campaigns // 5), 5, 0.6, 0.5)
    hosting = max(5, campaigns // 20)
    begin, some = maker.kind(Kind.ADDRESS, hosting), np.flatnonzero(random.random(count) < 0.1)
    maker.add(some, begin + random.integers(0, hosting, len(some)))
    keys = [("domain", f"v{number}.example") for number in range(count)]
    links = np.concatenate(maker.items), np.concatenate(maker.features)
    text = [f"f{number}" for number in range(maker.count)]
    nobody = np.full(count, OURS)
    last = first + random.integers(0, 5 * DAY, count)
    return Evidence(
        keys, first, last, nobody, *links, np.full(len(links[0]), OURS), np.concatenate(maker.kinds), text,
        np.zeros(maker.count),
    ), truth  # fmt: skip


def pairs(label: Integers, truth: Integers) -> tuple[float, float, float]:
    """(precision, recall, recall among values that were grouped at all) over pairs."""
    both = _pairs(Counter(zip(label[(label >= 0) & (truth >= 0)], truth[(label >= 0) & (truth >= 0)], strict=True)))
    said, meant = _pairs(Counter(label[label >= 0].tolist())), _pairs(Counter(truth[truth >= 0].tolist()))
    seen = _pairs(Counter(truth[(label >= 0) & (truth >= 0)].tolist()))
    return both / max(1, said), both / max(1, meant), both / max(1, seen)


def _pairs(counted: Counter[Any]) -> int:
    return sum(size * (size - 1) // 2 for size in counted.values())


def main(arguments: list[str] | None = None) -> None:
    """Print one row a step."""
    parser = argparse.ArgumentParser(prog="python -m bench campaigns", description=__doc__.splitlines()[0])
    parser.add_argument("--campaigns", type=int, default=10_000)
    parser.add_argument("--values", type=int, default=77, help="of one campaign")
    parser.add_argument("--strangers", type=float, default=0.3, help="beside each value of a campaign")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args(arguments)
    evidence, truth = made(options.campaigns, options.values, options.strangers, options.seed)
    before = _memory()
    print(f"| {len(evidence.keys):,} values, {len(evidence.link_item):,} links | seconds | CPU-s | MB peak |")
    print("| --- | --- | --- | --- |")
    print(f"| made (not part of the work) | | | {before} |")
    begun, cpu = time.monotonic(), time.process_time()
    groups = group(evidence)
    _row("grouped", begun, cpu)
    precision, recall, among = pairs(groups.label, truth)
    if options.store:
        _kept(evidence, groups)
    alone = float((groups.label[truth >= 0] < 0).mean())
    print(f"\n{groups.count:,} groups for {options.campaigns:,} campaigns; pairs: precision {precision:.4f}, recall "
          f"{recall:.3f} ({among:.3f} among grouped values); {alone:.1%} of the campaigns' values stay alone, "
          f"{float((groups.label[truth < 0] >= 0).mean()):.2%} of the strangers are taken in.")  # fmt: skip


def _kept(evidence: Evidence, groups: Groups) -> None:
    begun, cpu = time.monotonic(), time.process_time()
    members: list[list[int]] = [[] for _ in range(groups.count)]
    for item, label in enumerate(groups.label.tolist()):
        if label >= 0:
            members[label].append(item)
    keys = [[evidence.keys[item] for item in items] for items in members]
    moments = dict(zip(evidence.keys, evidence.first.tolist(), strict=True))
    named = name_groups(keys, moments, Prior())
    told = Explained(evidence, groups)
    _row("named and ready to be explained", begun, cpu)
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{Path(folder) / 'b.sqlite'}") as store:
        for what in ("kept on disk with reasons", "kept again, nothing changed"):
            begun, cpu = time.monotonic(), time.process_time()
            store.campaigns.put(_campaigns(evidence, told, members, named.ids))
            store.campaigns.put_members(_members(evidence, groups, told, members, named.ids))
            _row(what, begun, cpu)
        begun, cpu = time.monotonic(), time.process_time()
        held = {(type, value): id for type, value, id in store.campaigns.memberships()}
        again = name_groups(keys, moments, Prior(held, dict.fromkeys(named.ids, 0)))
        _row("read and named again the next day", begun, cpu)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        print(f"| store {size / 1e6:,.0f} MB; names kept: {again.ids == named.ids} | | | |")


def _campaigns(evidence: Evidence, told: Explained, members: list[list[int]], ids: Iterable[str]) -> Iterable[Campaign]:
    for number, (items, id) in enumerate(zip(members, ids, strict=True)):
        first, last = int(evidence.first[items].min()), int(evidence.last[items].max())
        yield Campaign(id, id[-8:], first, last, ("TW",), ("energy",), len(items), None, told.group(number))


def _members(
    evidence: Evidence, groups: Groups, told: Explained, members: list[list[int]], ids: Iterable[str]
) -> Iterable[Member]:
    for items, id in zip(members, ids, strict=True):
        for item in items:
            times = int(evidence.first[item]), int(evidence.last[item])
            weight = float(groups.strength[item])
            yield Member(ObservableType.DOMAIN, evidence.keys[item][1], id, *times, weight, told.member(item))


def _row(what: str, begun: float, cpu: float) -> None:
    print(f"| {what} | {time.monotonic() - begun:,.1f} | {time.process_time() - cpu:,.1f} | {_memory()} |", flush=True)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(sys.argv[1:])
