"""The safety gate and the table of blast radii: CPU-seconds for a million candidates, build and look-up times.

    python -m bench.safety [--rows 3000000]

Makes its own load with a fixed seed: candidates of which nearly all pass, and three days of sessions of 2,000 hosts
with 700,000 addresses and 300,000 names.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pyarrow as pa

from seawall.flow.node import Node, create_node
from seawall.flow.radius import build_radius, radius
from seawall.model import OBSERVATION_SCHEMA, Observable, ObservableType, Pap, Recorded, Release, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.release import ReleasedObject
from seawall.protect import Callbacks, Directive, Gate, NeverBlock, Page
from seawall.protect.protected import packaged
from seawall.reference import OwnAssets, Warninglists, is_public_suffix

NOW = 1_795_000_000_000_000
DAY = 86_400_000_000
T = ObservableType


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(prog="python -m bench.safety", description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    asked = parser.parse_args()
    for kind in (T.IPV4, T.DOMAIN, T.URL):
        _gate(kind, 200_000)
    with tempfile.TemporaryDirectory() as folder:
        _radius(Path(folder) / "node", asked.rows)
    print(f"peak memory {getrusage(RUSAGE_SELF).ru_maxrss / 1_000:.0f} MB")


def _gate(kind: ObservableType, count: int) -> None:
    gate = Gate(
        Callbacks(OwnAssets().is_own, Warninglists.packaged().hit, is_public_suffix),
        own=NeverBlock(("198.51.100.0/24",), ("ours.example",)),
        partners=NeverBlock(("203.0.113.0/24",), ("partner.example",)),
        never=NeverBlock(("192.0.2.0/28",), ("bank.example",)),
        protected=packaged(),
    )
    pages = list(_pages(kind, count))
    began = time.process_time()
    passed = sum(isinstance(one, Directive) for one in gate.admit(pages, NOW))
    spent = time.process_time() - began
    print(f"gate {kind.value}: {spent / count * 1e6:.1f} CPU-seconds a million candidates ({passed} of {count} pass)")


def _pages(kind: ObservableType, count: int) -> Iterator[Page]:
    chance = random.Random(1)
    for start in range(0, count, 1_000):
        entries = tuple(_entry(kind, number, chance) for number in range(start, start + 1_000))
        objects = tuple(ReleasedObject(one.indicator_id, "", one.body) for one in entries)
        release = Release("bench", "own-use", "enforce:block", "1", NOW, objects, purpose="enforce")
        yield Page(Recorded(release, 0, "00" * 32), entries)


def _entry(kind: ObservableType, number: int, chance: random.Random) -> IndicatorEntry:
    value = f"host{number}.evil{number % 70_000}.example.net"
    if kind is T.IPV4:
        value = ".".join(str(chance.randrange(low, high)) for low, high in ((45, 90), (0, 256), (0, 256), (1, 255)))
    elif kind is T.URL:
        value = f"http://{value}/p/{number}"
    body = b"{}"
    id = f"indicator--00000000-0000-4000-8000-{number:012d}"
    return IndicatorEntry(kind, value, id, None, None, 80, Tlp.GREEN, Pap.GREEN, None, None, None, None, ("x",), body)


def _radius(folder: Path, rows: int) -> None:
    create_node(folder, name="bench", economy="TW", sector="unknown", timezone="UTC", lang="en")
    with Node.open(folder, clock=lambda: NOW) as node:
        for day in range(3):
            _commit(node, rows // 3, day)
        print(f"radius: {build_radius(node)}")
        ten = [Observable(T.IPV4, f"96.{n}.{n * 7 % 256}.{n * 13 % 256}") for n in range(5)]
        ten += [Observable(T.DOMAIN, f"h{n * 1_000}.e{n * 1_000 % 5_000}.example") for n in range(5)]
        times = []
        for _ in range(100):
            began = time.perf_counter()
            radius(node, ten)
            times.append(time.perf_counter() - began)
        print(f"radius: ten values {sorted(times)[50] * 1e3:.2f} ms median, {max(times) * 1e3:.2f} ms worst of 100")
        _commit(node, rows // 30, 0)
        print(f"radius, {rows // 30} rows more: {build_radius(node)}")


def _commit(node: Node, count: int, day: int) -> None:
    """So many flows and TLS records of one hour, ``day`` days ago; one in a hundred is an alarm."""
    chance = np.random.default_rng(day)
    zeros = np.zeros(count, dtype=np.int64)
    mapped = 0xFFFF_0000_0000
    given: dict[str, pa.Array] = {
        "time": pa.array(NOW - day * DAY - chance.integers(0, 3_600_000_000, count)),
        "kind": pa.array(["conn", "tls"]).take(pa.array(chance.integers(0, 2, count))),
        "basis": pa.array(["none", "alert"]).take(pa.array((chance.random(count) < 0.01).astype(int))),
        "src_high": pa.array(zeros),
        "src_low": pa.array(mapped + 0x0A00_0000 + chance.integers(0, 2_000, count)),
        "dst_high": pa.array(zeros),
        "dst_low": pa.array(mapped + 0x6000_0000 + chance.integers(0, 700_000, count)),
        "domain": pa.array([f"h{n % 300_000}.e{n % 5_000}.example" for n in chance.integers(0, 700_000, count)]),
        "digest_high": pa.array(chance.integers(0, 2**62, count)),
        "digest_low": pa.array(chance.integers(0, 2**62, count)),
        "occurrence": pa.array(zeros.astype(np.int32)),
        "source_line": pa.array(np.arange(count)),
    }
    words = {"side": "TW", "sector": "energy", "own_end": "source", "client_end": "source", "source_file": "bench"}
    fields = [field for field in OBSERVATION_SCHEMA if field.name != "event"]
    columns = []
    for field in fields:
        if field.name in words:
            columns.append(pa.array([words[field.name]]).take(pa.array(zeros)))
        else:
            columns.append(given.get(field.name, pa.nulls(count, field.type)))
    with node.lake.writing() as writer:
        writer.append_observations(pa.Table.from_arrays(columns, schema=pa.schema(fields)))


if __name__ == "__main__":
    main()
