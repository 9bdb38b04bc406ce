"""The outside world of one seed and scale: sites, delivery networks, visitors, scanners, VPN exits, names, files.

Both sides meet the same world. Outside addresses are from 240.0.0.0/4 (RFC 1112: never routed) and 3fff::/20
(RFC 9637: documentation); names end in ``.test`` (RFC 6761).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from seawall.flow.simulator.own import HOSTS, Ground
from seawall.flow.simulator.parameters import Parameters
from seawall.flow.simulator.rows import Integers
from seawall.flow.simulator.words import hexadecimal, words

OUTSIDE_FIRST, OUTSIDE_COUNT = 0xF0000000, 0x0E000000  # 240.0.0.0 - 253.255.255.255
PATHS = 4_096
BROWSERS = 12  # distinct TLS client fingerprints of ordinary software
FEWEST_SITES, FEWEST_VISITORS = 400, 300


@dataclass
class Tables:
    """The texts behind the numbers in ``Rows``; campaigns append theirs."""

    addresses: list[str]
    names: list[str]  # host names
    paths: list[str]
    files: list[str]  # SHA-256
    ja3: list[str]

    def add(self, table: str, text: str) -> int:
        """Append ``text`` and return its row number."""
        rows: list[str] = getattr(self, table)
        rows.append(text)
        return len(rows) - 1


@dataclass(frozen=True)
class Sites:
    """Web sites in falling popularity: ``name`` and ``address`` are row numbers, ``cumulative`` the law's sum."""

    name: Integers
    address: Integers
    on_cdn: Integers  # number of the delivery network, -1: own server
    trips: np.ndarray[tuple[int], np.dtype[np.bool_]]  # its content trips a signature again and again
    cumulative: np.ndarray[tuple[int], np.dtype[np.float64]]

    def visit(self, rng: np.random.Generator, count: int) -> Integers:
        """``count`` visited sites by popularity."""
        return np.searchsorted(self.cumulative, rng.random(count)).astype(np.int64)


@dataclass(frozen=True)
class World:
    """Everything outside, and the tables. ``pools`` hold row numbers of addresses (or names) by what they are."""

    tables: Tables
    sites: Sites
    pools: dict[str, Integers] = field(default_factory=dict)

    def ipv6(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which addresses are IPv6, by row number."""
        return np.array([":" in text for text in self.tables.addresses])

    def fresh_address(self, rng: np.random.Generator, ipv6: bool = False) -> int:
        """A new outside address that nobody else has."""
        text = _v6(rng) if ipv6 else _v4(int(rng.integers(OUTSIDE_FIRST, OUTSIDE_FIRST + OUTSIDE_COUNT)))
        return self.tables.add("addresses", text)


def _v4(number: int) -> str:
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _v6(rng: np.random.Generator) -> str:
    groups = rng.integers(0, 0x10000, 4).tolist()
    return f"3fff:0{groups[0] & 0xFFF:03x}:{groups[1]:04x}:{groups[2]:04x}:0000:0000:0000:{groups[3]:04x}"


def build_world(parameters: Parameters, ground: Ground, scale: float, seed: int) -> World:
    """The world of ``seed`` at ``scale``; the same arguments give the same world."""
    rng = np.random.default_rng([seed, 1])
    tables = Tables(list(ground.addresses()), [], [], [], [])
    names_own = _append(tables.names, [f"www.{sensor.domain}" for sensor in ground.sensors])
    tables.paths.extend(f"/{a}/{b}.html?id={n}" for n, (a, b) in enumerate(_pairs(rng, PATHS)))
    tables.ja3.extend(hexadecimal(rng, BROWSERS, 16))
    pools = {"own_names": names_own}
    sites = _sites(parameters, tables, pools, scale, rng)
    _people(parameters, tables, pools, scale, rng)
    _nuisances(parameters, tables, pools, scale, rng)
    pools["common_files"] = _append(tables.files, hexadecimal(rng, max(500, int(40_000 * scale)), 32))
    return World(tables, sites, pools)


def own_host(sensor: Integers, host: Integers) -> Integers:
    """Row number of the address of ``host`` of the sensor's organisation."""
    return sensor * HOSTS + host


def _append(table: list[str], texts: list[str]) -> Integers:
    first = len(table)
    table.extend(texts)
    return np.arange(first, len(table), dtype=np.int64)


def _pairs(rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
    return list(zip(words(rng, count), words(rng, count), strict=True))


def _addresses(tables: Tables, rng: np.random.Generator, count: int, ipv6: float = 0.0) -> Integers:
    numbers = rng.integers(OUTSIDE_FIRST, OUTSIDE_FIRST + OUTSIDE_COUNT, count).tolist()
    six = (rng.random(count) < ipv6).tolist()
    return _append(tables.addresses, [_v6(rng) if v6 else _v4(number) for number, v6 in zip(numbers, six, strict=True)])


def _sites(
    parameters: Parameters, tables: Tables, pools: dict[str, Integers], scale: float, rng: np.random.Generator
) -> Sites:
    """Sites by rank; those behind a delivery network share its addresses."""
    count = max(FEWEST_SITES, int(parameters.sites * scale))
    cdn = _addresses(tables, rng, parameters.cdns * parameters.cdn_addresses)
    pools["cdn_addresses"] = cdn
    stems = words(rng, parameters.cdns)
    pools["cdn_names"] = _append(tables.names, [f"files.{stem}-cdn.test" for stem in stems])
    heads = ("www", "www", "api", "static", "mail", "m")
    texts = [f"{heads[n % len(heads)]}.{a}-{b}.test" for n, (a, b) in enumerate(_pairs(rng, count))]
    name = _append(tables.names, texts)
    on_cdn = np.where(rng.random(count) < parameters.sites_on_cdn, rng.integers(0, parameters.cdns, count), -1)
    own = _addresses(tables, rng, count, parameters.ipv6)
    shared = cdn[np.maximum(on_cdn, 0) * parameters.cdn_addresses + rng.integers(0, parameters.cdn_addresses, count)]
    weight = 1.0 / np.arange(1, count + 1) ** parameters.site_exponent
    trips = rng.random(count) < parameters.tripping_sites
    pools["tripping_names"] = name[trips]
    return Sites(name, np.where(on_cdn >= 0, shared, own), on_cdn, trips, np.cumsum(weight) / weight.sum())


def _people(
    parameters: Parameters, tables: Tables, pools: dict[str, Integers], scale: float, rng: np.random.Generator
) -> None:
    """Visitors of each side, VPN exits and carrier NAT, update servers."""
    count = max(FEWEST_VISITORS, int(parameters.visitors * scale))
    both = _addresses(tables, rng, max(3, int(count * parameters.visitors_of_both)))
    for side in ("TW", "KR"):
        pools[f"visitors_{side}"] = np.concatenate([_addresses(tables, rng, count, parameters.ipv6), both])
    pools["nat_vpn"] = _addresses(tables, rng, parameters.nat_vpn_addresses)
    pools["vendor_names"] = _append(tables.names, [f"update.{stem}.test" for stem in words(rng, 6)])
    pools["vendor_addresses"] = _addresses(tables, rng, 6)
    pools["vendor_files"] = _append(tables.files, hexadecimal(rng, 120, 32))
    pools["mail_servers"] = _addresses(tables, rng, max(60, int(3_000 * scale)))


def _nuisances(
    parameters: Parameters, tables: Tables, pools: dict[str, Integers], scale: float, rng: np.random.Generator
) -> None:
    """Home devices, mass scanners, and names made by algorithms: one family on each side, one on both."""
    room = parameters.scanners * parameters.events_kr * scale / parameters.scanner_rows
    for side, events in (("TW", parameters.events_tw), ("KR", parameters.events_kr)):
        pools[f"probes_{side}"] = _addresses(tables, rng, max(4, int(1.5 * parameters.probes * events * scale)))
    pools["scanners"] = _addresses(tables, rng, int(np.clip(room, 4, parameters.scanners_most)))
    for family in ("TW", "KR", "both"):
        letters = rng.integers(0, 26, (parameters.generated_list, 14))
        texts = ["".join(chr(97 + letter) for letter in row) + ".test" for row in letters.tolist()]
        pools[f"generated_{family}"] = _append(tables.names, texts)
