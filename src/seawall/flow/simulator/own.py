"""The two sides' own ground: sensors, organisations, own addresses and names.

Sensor ``n`` stands before organisation ``n``. Each organisation has ``HOSTS`` addresses, in this order: private IPv4
clients, public IPv4 servers (198.18.0.0/15, RFC 2544: never routed), IPv6 clients (2001:db8::/32, RFC 3849).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seawall.flow.simulator.parameters import SECTORS, Parameters

CLIENTS, SERVERS, CLIENTS_V6 = 200, 8, 16
HOSTS = CLIENTS + SERVERS + CLIENTS_V6
RESOLVER = 1  # this client address answers names for its organisation
SIDES = ("TW", "KR")
_FIRST_PRIVATE = {"TW": 16, "KR": 144}  # second octet of 10.x
_PUBLIC = {"TW": "198.18", "KR": "198.19"}
_PREFIX_V6 = {"TW": 0x0886, "KR": 0x0082}  # third group, after 2001:db8


@dataclass(frozen=True)
class Sensor:
    """One sensor and the organisation behind it. ``skew_seconds``: its clock minus the true time."""

    number: int
    name: str
    side: str
    sector: str
    domain: str
    skew_seconds: int


@dataclass(frozen=True)
class Ground:
    """Both sides' sensors; TW's come first."""

    sensors: tuple[Sensor, ...]

    @staticmethod
    def lay_out(parameters: Parameters) -> Ground:
        """Sensors in turn over the sectors, skewed clocks spread evenly: no chance in it."""
        sensors: list[Sensor] = []
        for side, count in zip(SIDES, (parameters.sensors_tw, parameters.sensors_kr), strict=True):
            every = max(2, round(1 / parameters.skewed_sensors)) if parameters.skewed_sensors else count + 1
            for place in range(count):
                sector, turn = SECTORS[place % len(SECTORS)], place // len(SECTORS) + 1
                skewed = place % every == every - 1
                skew = parameters.skew_seconds[(place // every) % len(parameters.skew_seconds)] if skewed else 0
                name = f"{side.lower()}-{sector}-{turn:02d}"
                domain = f"{sector}{turn:02d}.{side.lower()}.example"
                sensors.append(Sensor(len(sensors), name, side, sector, domain, skew))
        return Ground(tuple(sensors))

    def of(self, side: str) -> tuple[Sensor, ...]:
        """The side's sensors, in order."""
        return tuple(sensor for sensor in self.sensors if sensor.side == side)

    def addresses(self) -> Iterator[str]:
        """``HOSTS`` addresses a sensor, spelt as Suricata spells them (IPv6 in full)."""
        for side in SIDES:
            for place, _ in enumerate(self.of(side)):
                octet = _FIRST_PRIVATE[side] + place
                yield from (f"10.{octet}.1.{host + 1}" for host in range(CLIENTS))
                yield from (f"{_PUBLIC[side]}.{place}.{host + 1}" for host in range(SERVERS))
                stem = f"2001:0db8:{_PREFIX_V6[side]:04x}:{place:04x}:0000:0000:0000"
                yield from (f"{stem}:{host + 0x10:04x}" for host in range(CLIENTS_V6))


def write_sensors(path: Path, sensors: Iterable[Sensor]) -> None:
    """``sensor,side,sector``, as ``seawall sensors import`` reads it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sensor", "side", "sector"))
        writer.writerows((sensor.name, sensor.side, sensor.sector) for sensor in sensors)


def write_assets(path: Path, ground: Ground, sides: Iterable[str]) -> None:
    """``asset,organisation,sector,criticality``: public and IPv6 ranges, names; private ranges need no telling."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("asset", "organisation", "sector", "criticality"))
        for side in sides:
            for place, sensor in enumerate(ground.of(side)):
                organisation = sensor.domain.removesuffix(".example")
                criticality = "high" if sensor.sector in ("energy", "water", "health", "defence") else "medium"
                network_v6 = f"2001:db8:{_PREFIX_V6[side]:x}:{place:x}::/64"
                for asset in (f"{_PUBLIC[side]}.{place}.0/24", network_v6, sensor.domain):
                    writer.writerow((asset, organisation, sensor.sector, criticality))
