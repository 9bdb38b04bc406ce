"""What a campaign leaves in the logs: visits of a few lines each, with or without an alert."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seawall.flow.simulator.background import (
    DNS_PORT,
    FLOW_ID_FIRST,
    FLOW_ID_LAST,
    MAIL_PORT,
    SMB_PORT,
    SSH_PORT,
    TLS_PORT,
    WEB,
)
from seawall.flow.simulator.campaigns import HOUR, SECOND, Campaign, Rig
from seawall.flow.simulator.own import CLIENTS, HOSTS, RESOLVER, SERVERS, Ground
from seawall.flow.simulator.parameters import Parameters
from seawall.flow.simulator.rows import Kind, Rows
from seawall.flow.simulator.signatures import choose
from seawall.flow.simulator.world import BROWSERS, PATHS, World

Row = dict[str, int]


class Visit:
    """The lines of one visit of one target by one rig, in order of time."""

    def __init__(self, world: World, rng: np.random.Generator, sensor: int, rig: Rig, at: int) -> None:
        self.world, self.rng, self.sensor, self.rig, self.at = world, rng, sensor, rig, at
        six = rig.server >= 0 and ":" in world.tables.addresses[rig.server]
        hosts = (CLIENTS + SERVERS, HOSTS) if six else (RESOLVER + 1, CLIENTS)
        self.victim = self.host(int(rng.integers(*hosts)))
        self.asker = self.host(RESOLVER + 1 + self.victim % 100) if six else self.victim  # resolvers speak IPv4
        self.server = self.host(CLIENTS + int(rng.integers(0, SERVERS)))
        self.rows: list[Row] = []

    def host(self, number: int) -> int:
        """Row number of an own address at the target."""
        return self.sensor * HOSTS + number

    def server_of(self, peer: int) -> int:
        """The public server, by the address that can reach ``peer``."""
        return self.victim if ":" in self.world.tables.addresses[peer] else self.server

    def line(self, kind: Kind, client: int, server: int, port: int, *, use: str = "", **columns: int) -> None:
        """Add one line a few seconds after the one before; ``use`` names the signature of an alert."""
        signature = int(choose(self.rng, use, 1)[0]) if use else -1
        row = {"time": self.at, "sensor": self.sensor, "kind": int(kind), "client": client, "server": server}
        row |= {"port": port, "signature": signature, "flow": int(self.rng.integers(FLOW_ID_FIRST, FLOW_ID_LAST))}
        row |= {"ja3": int(self.rng.integers(0, BROWSERS)), "path": int(self.rng.integers(0, PATHS))}
        self.rows.append(row | columns)
        self.at += int(self.rng.uniform(0.2, 20) * SECOND)


def web_exploitation(visit: Visit, alert: bool) -> None:
    """A request that runs a command on a public server, which then fetches a loader."""
    rig, own_name = visit.rig, int(visit.world.pools["own_names"][visit.sensor])
    visit.line(Kind.HTTP, rig.attacker, visit.server, WEB, site=own_name)
    if alert:
        visit.line(Kind.ALERT_HTTP, rig.attacker, visit.server, WEB, site=own_name, use="exploit")
    _fetch(visit, visit.server_of(rig.server), alert)


def phishing(visit: Visit, alert: bool) -> None:
    """A mail, the link in it, and the file behind the link."""
    rig = visit.rig
    kind, use = (Kind.ALERT_SMTP, "phish") if alert else (Kind.SMTP, "")
    visit.line(kind, rig.attacker, visit.server, MAIL_PORT, site=rig.domain, use=use)
    _fetch(visit, visit.victim, alert)


def _fetch(visit: Visit, client: int, alert: bool) -> None:
    """Name look-up, request, file; the alert shows all of them."""
    rig = visit.rig

    def show(kind: Kind, use: str = "") -> None:
        visit.line(kind, client, rig.server, WEB, use=use, site=rig.domain, path=rig.path, file=rig.file)

    visit.line(Kind.DNS_ANSWER, visit.asker, visit.host(RESOLVER), DNS_PORT, site=rig.domain, answer=rig.server)
    show(Kind.HTTP)
    show(Kind.FILE)
    if alert:
        show(Kind.ALERT_FILE, "payload")
    else:
        visit.line(Kind.FLOW, client, rig.server, WEB)


def c2_beacon(visit: Visit, alert: bool) -> None:
    """An infected machine calls home at a fixed interval."""
    rig = visit.rig
    visit.line(Kind.DNS_QUERY, visit.asker, visit.host(RESOLVER), DNS_PORT, site=rig.domain)
    visit.line(Kind.TLS, visit.victim, rig.server, TLS_PORT, site=rig.domain, ja3=rig.ja3)
    visit.line(Kind.FLOW, visit.victim, rig.server, TLS_PORT)
    visit.at += 300 * SECOND
    visit.line(Kind.TLS, visit.victim, rig.server, TLS_PORT, site=rig.domain, ja3=rig.ja3)
    if alert:
        visit.line(Kind.ALERT_TLS, visit.victim, rig.server, TLS_PORT, site=rig.domain, ja3=rig.ja3, use="beacon")


def brute_force(visit: Visit, alert: bool) -> None:
    """Passwords tried on a public SSH server, from two of the rig's addresses."""
    for address in (visit.rig.attacker, visit.rig.server):
        target = visit.server_of(address)
        visit.line(Kind.SSH, address, target, SSH_PORT)
        visit.line(Kind.FLOW, address, target, SSH_PORT)
        if alert:
            visit.line(Kind.ALERT_SSH, address, target, SSH_PORT, use="brute")


def living_off_the_land(visit: Visit, alert: bool) -> None:
    """The system's own tools between own machines, and one outside address that is never used again."""
    one, other = (visit.host(int(visit.rng.integers(RESOLVER + 1, CLIENTS))) for _ in range(2))
    visit.line(Kind.SMB, one, other, SMB_PORT)
    visit.line(Kind.SMB, one, other, SMB_PORT)
    if alert:
        visit.line(Kind.ALERT_SMB, one, other, SMB_PORT, use="inside")
    visit.line(Kind.FLOW, one, visit.world.fresh_address(visit.rng), TLS_PORT)


LEAVES: dict[str, Callable[[Visit, bool], None]] = {
    "web-exploitation": web_exploitation,
    "phishing": phishing,
    "c2-beacon": c2_beacon,
    "brute-force": brute_force,
    "living-off-the-land": living_off_the_land,
}


def campaign_rows(parameters: Parameters, world: World, campaign: Campaign, seed: int, ends: int) -> Rows:
    """All lines of a campaign, at most ``campaign.rows``, before ``ends``; sides take turns until they are used up."""
    rng = np.random.default_rng([seed, 3, int(campaign.id[1:])])
    rows: list[Row] = []
    most = len(campaign.sides) * 40  # more visits than any budget pays for
    for turn in range(most):
        side = campaign.sides[turn % len(campaign.sides)]
        number = turn // len(campaign.sides)
        rigs, targets = campaign.rigs[side], campaign.targets[side]
        start = campaign.starts[side]
        last = min(ends - HOUR // 4, start + int(rng.uniform(1, 4) * HOUR))
        at = start if number == 0 else int(rng.uniform(start, max(start + 1, last)))
        visit = Visit(world, rng, targets[number % len(targets)], rigs[number % len(rigs)], at)
        chance = parameters.first_visit_alert if number < len(rigs) else parameters.visit_alert
        LEAVES[campaign.kind](visit, campaign.detected[side] and bool(rng.random() < chance))
        if len(rows) + len(visit.rows) > campaign.rows:
            break
        rows.extend(row for row in visit.rows if row["time"] < ends)
    columns = {key for row in rows for key in row}
    return Rows.build(len(rows), **{key: [row.get(key, -1) for row in rows] for key in columns})


def innocent_rows(
    parameters: Parameters, ground: Ground, world: World, campaigns: list[Campaign], seed: int, begins: int, ends: int
) -> Rows:
    """Adversities that span the day: innocent sites on recycled addresses; rare alerts on names that do not exist."""
    rng = np.random.default_rng([seed, 4])
    rows: list[Row] = []
    for campaign in campaigns:
        for address in campaign.recycled:
            site = world.sites.name[-1 - len(rows) % 50]
            opens = min(campaign.starts[campaign.sides[0]] + 6 * HOUR, ends - 3 * HOUR)
            other = [sensor.number for sensor in ground.sensors if sensor.side != campaign.sides[0]]
            for _ in range(parameters.recycled_visits):
                at = int(rng.uniform(opens, ends - HOUR))
                rig = campaign.rigs[campaign.sides[0]][-1]
                visit = Visit(world, rng, int(rng.choice(other)), rig, at)
                visit.line(Kind.TLS, visit.victim, address, TLS_PORT, site=int(site))
                rows.extend(visit.rows)
    for side in ("TW", "KR"):
        sensors = [sensor.number for sensor in ground.of(side)]
        for family, offset in (("both", 0), (side, 3)):
            for turn in range(parameters.infected_hosts):
                at, name = int(rng.uniform(begins, ends - HOUR)), rng.choice(world.pools[f"generated_{family}"])
                rig = Rig(-1, int(name), -1, -1, -1, -1, shared=False)
                visit = Visit(world, rng, sensors[(turn * 7 + offset) % len(sensors)], rig, at)
                visit.line(
                    Kind.ALERT_DNS,
                    visit.host(40 + turn),
                    visit.host(RESOLVER),
                    DNS_PORT,
                    site=int(name),
                    use="generated",
                )
                rows.extend(visit.rows)
    columns = {key for row in rows for key in row}
    return Rows.build(len(rows), **{key: [row.get(key, -1) for row in rows] for key in columns})
