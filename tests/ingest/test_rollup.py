"""The roll-up says exactly what the observations say."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ingest_scenes import Place, Scene, eve
from realdata import folder
from seawall.ingest.ends import DEFAULT_OWN, Ranges
from seawall.ingest.rollup import BITS

TEXTS = ("domain", "url", "email", "md5", "sha1", "sha256", "file_name", "ja3", "ja4", "hassh", "certificate")


def slowly(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[int]]:
    """First, last and count of every value by type, basis, day, side and sector; roles left out."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [2**63, -(2**63), 0])
    for row in rows:
        keys: list[tuple[str, Any]] = [(name, row[name]) for name in TEXTS if row[name] is not None]
        keys += [("cve", cve) for cve in (row["cve"] or "").split(",") if cve]
        for end in ("src", "dst"):
            if row[f"{end}_low"] is not None:
                high, low = row[f"{end}_high"], row[f"{end}_low"]
                keys.append(("ipv4" if high == 0 and low >> 32 == 0xFFFF else "ipv6", (high, low)))
        for key in keys:
            entry = found[(*key, row["basis"], row["time"] // 86_400_000_000, row["side"], row["sector"])]
            entry[:] = [min(entry[0], row["time"]), max(entry[1], row["time"]), entry[2] + 1]
    return found


def quickly(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[int]]:
    """The same from roll-up rows."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [2**63, -(2**63), 0])
    for row in rows:
        value = row["value"] if row["low"] is None else (row["high"], row["low"])
        entry = found[(row["type"], value, row["basis"], row["day"], row["side"], row["sector"])]
        entry[:] = [min(entry[0], row["first"]), max(entry[1], row["last"]), entry[2] + row["count"]]
    return found


def test_the_rollup_of_real_logs_equals_a_slow_count(scene: Scene) -> None:
    """Every value of every row, no more and no less."""
    scene.ingest(folder("suricata-verify"))
    assert quickly(scene.rollup()) == slowly(scene.rows())


def test_rollups_of_several_batches_add_up(scene: Scene) -> None:
    """Batches, sides, sectors and days are kept apart and summed up rightly."""
    lines = [
        eve(n, src_ip=f"198.51.100.{n % 7}", host=f"s{n % 3}", timestamp=f"2026-03-{14 + n % 2}T01:00:00.{n:06d}+0000")
        for n in range(3000)
    ]
    sensors = {"s0": Place("TW", "energy"), "s1": Place("KR", "energy"), "s2": Place("KR", "health")}
    scene.ingest(scene.write("a.json", lines), sensors=sensors, batch_lines=1000)
    scene.ingest(scene.write("b.json", [eve(9, src_ip="198.51.100.1")]), sensors=sensors)
    assert quickly(scene.rollup()) == slowly(scene.rows())


def test_bits_tell_distinct_sensors_and_own_addresses(scene: Scene) -> None:
    """One bit a sensor and a own address at the other end, the same bit every time."""
    lines = [eve(n, src_ip="198.51.100.1", dest_ip=f"10.0.0.{n % 3}", host=f"s{n % 2}") for n in range(12)]
    scene.ingest(scene.write("a.json", lines[:6]))
    scene.ingest(scene.write("b.json", lines))
    (remote,) = [row for row in scene.rollup() if row["role"] == "remote" and row["type"] == "ipv4"]
    assert (remote["count"], remote["sensor_bits"].bit_count(), remote["own_bits"].bit_count()) == (12, 2, 3)
    assert remote["sensor_bits"] < 1 << BITS and remote["own_bits"] < 1 << BITS


def test_own_ranges_are_told_for_both_families() -> None:
    """Default ranges, merged neighbours, mapped addresses and IPv6."""
    import numpy as np

    from seawall.ingest.values import halves

    texts = ["10.1.2.3", "11.0.0.0", "192.168.255.255", "::1", "fe80::9", "2001:db8::1", "2001:db9::1", "203.0.113.9"]
    pairs = [halves(text if ":" in text else f"::ffff:{text}") or (0, 0) for text in texts]
    high, low = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    ranges = Ranges([*DEFAULT_OWN, "2001:db8::/32", "203.0.113.0/25", "203.0.113.128/25"])
    mine = ranges.contains(high, low, np.ones(len(texts), dtype=bool))
    assert mine.tolist() == [True, False, True, True, True, True, False, True]
