"""A slice of ordinary life on one side: everything that is no campaign, and all that tempts a matcher to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seawall.flow.simulator.own import CLIENTS, CLIENTS_V6, RESOLVER, SERVERS, Ground
from seawall.flow.simulator.parameters import Parameters
from seawall.flow.simulator.rows import Integers, Kind, Rows
from seawall.flow.simulator.signatures import choose
from seawall.flow.simulator.world import BROWSERS, PATHS, World, own_host

WEB, TLS_PORT, DNS_PORT, SSH_PORT, MAIL_PORT, SMB_PORT = 80, 443, 53, 22, 25, 445
SCANNED_PORTS = (22, 23, 80, 443, 445, 3389, 8080, 5900, 1433, 6379)
FLOW_ID_FIRST, FLOW_ID_LAST = 10**14, 2 * 10**15
KIND_OF_ALERT = {Kind.HTTP: Kind.ALERT_HTTP, Kind.TLS: Kind.ALERT_TLS, Kind.FILE: Kind.ALERT_FILE}


@dataclass(frozen=True)
class Scene:
    """What every maker of rows needs: the world, one side's sensors, the time span, chance."""

    parameters: Parameters
    world: World
    side: str
    sensors: Integers
    begins: int  # microseconds UTC
    ends: int
    ipv6: np.ndarray[tuple[int], np.dtype[np.bool_]]  # which addresses are
    rng: np.random.Generator

    def start(self, count: int, **columns: object) -> dict[str, object]:
        """Columns that all rows have: time within the slice, sensor, flow, a browser, a path."""
        rng = self.rng
        return {
            "time": rng.integers(self.begins, self.ends, count),
            "sensor": self.sensors[rng.integers(0, len(self.sensors), count)],
            "flow": rng.integers(FLOW_ID_FIRST, FLOW_ID_LAST, count),
            "ja3": rng.integers(0, BROWSERS, count),
            "path": rng.integers(0, PATHS, count),
            **columns,
        }

    def client_of(self, sensor: Integers, peer: Integers) -> Integers:
        """An own person's machine behind each sensor, of the peer's address family."""
        hosts = self.rng.integers(RESOLVER + 1, CLIENTS, len(sensor))
        return own_host(sensor, np.where(self.ipv6[peer], self._host_v6(len(sensor)), hosts))

    def server_of(self, sensor: Integers, peer: Integers) -> Integers:
        """A public server behind each sensor, of the peer's address family."""
        hosts = CLIENTS + self.rng.integers(0, SERVERS, len(sensor))
        return own_host(sensor, np.where(self.ipv6[peer], self._host_v6(len(sensor)), hosts))

    def _host_v6(self, count: int) -> Integers:
        return CLIENTS + SERVERS + self.rng.integers(0, CLIENTS_V6, count)

    def kinds(self, count: int, shares: dict[Kind, float]) -> Integers:
        """``count`` kinds drawn by ``shares``."""
        return self.rng.choice(np.array([int(kind) for kind in shares]), count, p=list(shares.values()))

    def alarm(self, kind: Integers, chance: np.ndarray[tuple[int], np.dtype[np.float64]] | float, use: str) -> Integers:
        """Turn some web rows into alerts, in place; returns the signature column."""
        fires = self.rng.random(len(kind)) < chance
        signature = np.full(len(kind), -1, dtype=np.int64)
        for plain, alert in KIND_OF_ALERT.items():
            here = fires & (kind == plain)
            kind[here] = alert
            signature[here] = choose(self.rng, use, int(here.sum()))
        return signature


def build(count: int, columns: dict[str, object]) -> Rows:
    """Rows from a dictionary of columns."""
    return Rows.build(count, **columns)  # type: ignore[arg-type]


def _port_of(kind: Integers) -> Integers:
    """The server's port that goes with the kind."""
    plain = np.isin(kind, [Kind.HTTP, Kind.ALERT_HTTP, Kind.FILE, Kind.ALERT_FILE])
    return np.where(plain, WEB, TLS_PORT)


def web(scene: Scene, count: int) -> Rows:
    """Own people use the web: sites by popularity, here and there an innocent page that trips a signature."""
    rng, sites, parameters = scene.rng, scene.world.sites, scene.parameters
    columns = scene.start(count)
    sensor = np.asarray(columns["sensor"])
    visited = sites.visit(rng, count)
    kind = scene.kinds(
        count,
        {Kind.DNS_QUERY: 0.14, Kind.DNS_ANSWER: 0.14, Kind.TLS: 0.3, Kind.FLOW: 0.3, Kind.HTTP: 0.09, Kind.FILE: 0.03},
    )
    chance = np.where(sites.trips[visited], parameters.tripping_alert, parameters.false_alert)
    signature = scene.alarm(kind, chance, "innocent")
    asks = np.isin(kind, [Kind.DNS_QUERY, Kind.DNS_ANSWER])
    resolver = own_host(sensor, np.full(count, RESOLVER))
    files = scene.world.pools["common_files"]
    server = np.where(asks, resolver, sites.address[visited])
    columns.update(
        kind=kind,
        client=scene.client_of(sensor, server),
        server=server,
        site=sites.name[visited],
        answer=sites.address[visited],
        file=files[np.minimum((len(files) * rng.random(count) ** 2).astype(np.int64), len(files) - 1)],
        signature=signature,
        port=np.where(asks, DNS_PORT, _port_of(kind)),
    )
    return build(count, columns)


def vendor(scene: Scene, count: int) -> Rows:
    """Machines update themselves from a handful of servers; some signatures say "executable", rightly and in vain."""
    rng, pools = scene.rng, scene.world.pools
    columns = scene.start(count)
    which = rng.integers(0, len(pools["vendor_names"]), count)
    kind = scene.kinds(count, {Kind.TLS: 0.20, Kind.HTTP: 0.35, Kind.FILE: 0.25, Kind.FLOW: 0.20})
    signature = scene.alarm(kind, scene.parameters.vendor_alert, "update")
    file = pools["vendor_files"][rng.integers(0, len(pools["vendor_files"]), count)]
    columns.update(
        kind=kind,
        client=scene.client_of(np.asarray(columns["sensor"]), pools["vendor_addresses"][which]),
        server=pools["vendor_addresses"][which],
        site=pools["vendor_names"][which],
        path=file % PATHS,
        file=file,
        signature=signature,
        port=_port_of(kind),
    )
    return build(count, columns)


def inbound(scene: Scene, count: int) -> Rows:
    """Visitors of own web servers."""
    return _visits(scene, count, scene.world.pools[f"visitors_{scene.side}"], scene.parameters.false_alert_inbound)


def nat_vpn(scene: Scene, count: int) -> Rows:
    """Visitors from behind shared addresses: thousands of people, now and then one who misbehaves."""
    return _visits(scene, count, scene.world.pools["nat_vpn"], scene.parameters.nat_vpn_alert)


def _visits(scene: Scene, count: int, pool: Integers, alert: float) -> Rows:
    columns = scene.start(count)
    sensor = np.asarray(columns["sensor"])
    kind = scene.kinds(count, {Kind.HTTP: 0.36, Kind.TLS: 0.27, Kind.FLOW: 0.36, Kind.ANOMALY: 0.01})
    signature = scene.alarm(kind, alert, "innocent")
    client = pool[scene.rng.integers(0, len(pool), count)]
    columns.update(
        kind=kind,
        client=client,
        server=scene.server_of(sensor, client),
        site=scene.world.pools["own_names"][sensor],
        signature=signature,
        port=_port_of(kind),
    )
    return build(count, columns)


def internal(scene: Scene, count: int) -> Rows:
    """Own hosts among themselves: file shares, look-ups of own names, broken protocols."""
    columns = scene.start(count)
    sensor = np.asarray(columns["sensor"])
    kind = scene.kinds(
        count,
        {Kind.FLOW: 0.35, Kind.FLOW_UDP: 0.1, Kind.DNS_QUERY: 0.25, Kind.SMB: 0.2, Kind.SSH: 0.05, Kind.ANOMALY: 0.05},
    )
    asks = np.isin(kind, [Kind.DNS_QUERY, Kind.FLOW_UDP])
    peer = own_host(sensor, scene.rng.integers(RESOLVER + 1, CLIENTS, count))
    ports = np.select([asks, kind == Kind.SSH, kind == Kind.ANOMALY], [DNS_PORT, SSH_PORT, WEB], SMB_PORT)
    columns.update(
        kind=kind,
        client=own_host(sensor, scene.rng.integers(RESOLVER + 1, CLIENTS, count)),
        server=np.where(asks, own_host(sensor, np.full(count, RESOLVER)), peer),
        site=scene.world.pools["own_names"][sensor],
        port=ports,
    )
    return build(count, columns)


def mail(scene: Scene, count: int) -> Rows:
    """Ordinary mail from other people's servers to own ones."""
    pool = scene.world.pools["mail_servers"]
    columns = scene.start(count)
    client = pool[scene.rng.integers(0, len(pool), count)]
    columns.update(
        kind=int(Kind.SMTP),
        client=client,
        server=scene.server_of(np.asarray(columns["sensor"]), client),
        site=scene.world.sites.name[scene.world.sites.visit(scene.rng, count)],
        port=MAIL_PORT,
    )
    return build(count, columns)


def scanners(scene: Scene, count: int) -> Rows:
    """Mass scanners knock at every organisation of both sides."""
    pool = scene.world.pools["scanners"]
    return _knocks(scene, count, pool[scene.rng.integers(0, len(pool), count)], scene.parameters.scanner_alert, "scan")


def probes(scene: Scene, count: int) -> Rows:
    """Infected home devices: each address knocks once, few twice."""
    pool = scene.world.pools[f"probes_{scene.side}"]
    return _knocks(scene, count, pool[scene.rng.integers(0, len(pool), count)], scene.parameters.probe_alert, "probe")


def _knocks(scene: Scene, count: int, client: Integers, alert: float, use: str) -> Rows:
    columns = scene.start(count)
    fires = scene.rng.random(count) < alert
    columns.update(
        kind=np.where(fires, int(Kind.ALERT), int(Kind.FLOW)),
        client=client,
        server=scene.server_of(np.asarray(columns["sensor"]), client),
        signature=np.where(fires, choose(scene.rng, use, count), -1),
        port=np.array(SCANNED_PORTS)[scene.rng.integers(0, len(SCANNED_PORTS), count)],
    )
    return build(count, columns)


def generated_names(scene: Scene, count: int) -> Rows:
    """Infected machines walk through lists of names that do not exist: one family here, one on both sides."""
    rng, parameters, pools = scene.rng, scene.parameters, scene.world.pools
    columns = scene.start(count)
    both = rng.random(count) < 0.5
    turn = rng.integers(0, parameters.infected_hosts, count)
    sensor = scene.sensors[(turn * 7 + np.where(both, 0, 3)) % len(scene.sensors)]
    pick = rng.integers(0, parameters.generated_list, count)
    columns.update(
        sensor=sensor,
        kind=scene.kinds(count, {Kind.DNS_QUERY: 0.5, Kind.DNS_NXDOMAIN: 0.5}),
        client=own_host(sensor, 40 + turn),
        server=own_host(sensor, np.full(count, RESOLVER)),
        site=np.where(both, pools["generated_both"][pick], pools[f"generated_{scene.side}"][pick]),
        port=DNS_PORT,
    )
    return build(count, columns)


def stats(scene: Scene, count: int) -> Rows:
    """The sensors' own counters."""
    return build(count, scene.start(count, kind=int(Kind.STATS)))


MAKERS: dict[str, Callable[[Scene, int], Rows]] = {
    "internal": internal,
    "inbound": inbound,
    "vendor": vendor,
    "mail": mail,
    "scanners": scanners,
    "nat_vpn": nat_vpn,
    "probes": probes,
    "generated_names": generated_names,
    "stats": stats,
}
"""Makers by the parameter that holds their share; the rest of a slice is ``web``."""


def background(scene: Scene, count: int) -> Rows:
    """Exactly ``count`` rows by the parameters' shares, in no order."""
    parts, left = [], count
    for name, make in MAKERS.items():
        exact = count * float(getattr(scene.parameters, name))
        whole = min(left, int(exact + scene.rng.random()))
        parts.append(make(scene, whole))
        left -= whole
    return Rows.join([*parts, web(scene, left)])


def sensors_of(ground: Ground, side: str) -> Integers:
    """The numbers of the side's sensors."""
    return np.array([sensor.number for sensor in ground.of(side)], dtype=np.int64)
