"""Gateways of the lab, one for each tool: the tool, its agent, and a probe for a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import msgspec

from enforce.crowdsec import LOGIN, crowdsec
from enforce.inline import CONFIG
from enforce.lab import Gateway, Lab, gateway
from enforce.netns import Space, link, wired
from enforce.probing import Probe, datagrams, echo, questions, requests
from enforce.proxies import HAPROXY, running
from enforce.resolver_files import MAKERS, PROGRAMS
from enforce.resolvers import Upstream
from seawall.protect.drivers.haproxy import HaproxyDriver
from seawall.protect.drivers.suricata import SuricataDriver

ATTACKERS = "203.0.113.0/24"
HTTP_PORT, DNS_PORT, RPZ_PORT, LAPI_PORT = 8_080, 5_300, 8_753, 8_780


class Scene(msgspec.Struct):
    """A gateway that is up. ``named``: its values are names; ``probe`` makes a probe for a value."""

    gateway: Gateway
    probe: Callable[[str], Probe]
    named: bool = False


@contextmanager
def nftables(found: Lab, zone: str = "internet-edge") -> Iterator[Scene]:
    """The packet filter of a gateway that passes packets on."""
    with ExitStack() as held:
        edge, outside, inside = (Space(name, held) for name in ("nft", "out", "in"))
        edge.forwarding()
        via, there = _attackers(edge, outside, 200)
        near, target = wired(edge, inside, 201)
        outside.route("10.77.201.0/24", "via", via)
        inside.route(ATTACKERS, "via", near)
        edge.route(ATTACKERS, "via", there)
        held.enter_context(echo(inside, target))
        up = held.enter_context(gateway(found, f"nftables-{zone}", "[tools.nftables]\n", zone, edge))
        yield Scene(up, lambda value: datagrams(outside, value, target))


@contextmanager
def crowdsec_bouncer(found: Lab) -> Iterator[Scene]:
    """CrowdSec's local API and its own packet-filter bouncer, which asks each second."""
    with ExitStack() as held:
        edge, outside = Space("crowd", held), Space("out", held)
        target, there = _attackers(edge, outside, 202)
        edge.route(ATTACKERS, "via", there)
        folder = found.folder / "crowdsec-tool"
        folder.mkdir(exist_ok=True)
        place = crowdsec(folder, LAPI_PORT)
        held.enter_context(place.serving(edge.entry, lambda: f":{LAPI_PORT} " in edge.run("ss", "-Hltn")))
        held.enter_context(place.bouncing(edge.entry))
        held.enter_context(echo(edge, target))
        tool = (
            f'[tools.crowdsec]\nurl = "{place.url}"\nlogin = "{LOGIN}"\npassword_file = "{place.password_file}"\n'
        )  # fmt: skip
        up = held.enter_context(gateway(found, "crowdsec", tool, space=edge))
        yield Scene(up, lambda value: datagrams(outside, value, target))


@contextmanager
def haproxy(found: Lab) -> Iterator[Scene]:
    """A proxy at the entrance."""
    with ExitStack() as held:
        edge, outside = Space("hap", held), Space("out", held)
        target, there = _attackers(edge, outside, 203)
        edge.route(ATTACKERS, "via", there)
        maps, stats = found.folder / "haproxy-maps", found.folder / "h.sock"
        HaproxyDriver(maps, stats).prepare()
        config = found.folder / "haproxy.cfg"
        lines = (maps / "seawall-frontend.cfg").read_text()
        text = HAPROXY.format(socket=stats, port=HTTP_PORT, lines=lines)
        config.write_text(text.replace("127.0.0.1:", f"{target}:"))
        command = [*edge.entry, "haproxy", "-db", "-f", str(config), "-f", str(maps / "seawall-tables.cfg")]
        held.enter_context(running(command, stats.exists))
        tool = f'[tools.haproxy]\nfolder = "{maps}"\nsocket = "{stats}"\n'
        up = held.enter_context(gateway(found, "haproxy", tool, space=edge))
        yield Scene(up, lambda value: requests(outside, value, target, HTTP_PORT))


@contextmanager
def suricata(found: Lab) -> Iterator[Scene]:
    """An inline Suricata: packets come through only when it copies them."""
    with ExitStack() as held:
        edge, outside, inside = (Space(name, held) for name in ("ips", "out", "in"))
        for end, space, address in (("left", outside, "10.77.204.1"), ("right", inside, "10.77.204.2")):
            link(edge, space, end, "eth0")
            edge.run("ip", "link", "set", end, "promisc", "on")
            space.address(f"{address}/24", "eth0")
            for where, device in ((space, "eth0"), (edge, end)):
                where.run("ethtool", "-K", device, "tx", "off", "rx", "off", "gro", "off", "gso", "off")
        outside.address(ATTACKERS)
        inside.route(ATTACKERS, "via", "10.77.204.1")
        held.enter_context(echo(inside, "10.77.204.2"))
        folder, stats = found.folder / "suricata-rules", found.folder / "suricata.sock"
        SuricataDriver(folder, stats).prepare()
        log = found.folder / "suricata-log"
        log.mkdir(exist_ok=True)
        config = found.folder / "suricata.yaml"
        config.write_text(CONFIG.format(folder=folder, socket=stats))
        command = [*edge.entry, "suricata", "-c", str(config), "--af-packet", "-l", str(log)]
        probe = datagrams(outside, "10.77.204.1", "10.77.204.2")
        held.enter_context(running(command, lambda: stats.exists() and probe.passes()))
        probe.close()
        tool = f'[tools.suricata]\nfolder = "{folder}"\nsocket = "{stats}"\neve = "{log}/eve.json"\n'
        up = held.enter_context(gateway(found, "suricata", tool, space=edge))
        yield Scene(up, lambda value: datagrams(outside, value, "10.77.204.2"))


def resolver(kind: str) -> Callable[[Lab], AbstractContextManager[Scene]]:
    """A resolver that follows the primary in the agent."""

    @contextmanager
    def made(found: Lab) -> Iterator[Scene]:
        with ExitStack() as held:
            edge = Space(kind, held)
            upstream = edge.within(Upstream)
            held.callback(upstream.close)
            folder = found.folder / f"{kind}-tool"
            folder.mkdir(exist_ok=True)
            command = [*edge.entry, *MAKERS[kind](folder, DNS_PORT, RPZ_PORT, upstream.port)]
            tool = (
                f'[tools.rpz]\nfolder = "{folder}/rpz"\nport = {RPZ_PORT}\n'
                f'secondaries = [{{ address = "127.0.0.1", port = {DNS_PORT} }}]\n'
            )
            up = held.enter_context(gateway(found, kind, tool, space=edge))
            probe = questions(edge, "up.example", "127.0.0.1", DNS_PORT)
            held.enter_context(running(command, probe.passes))
            probe.close()
            yield Scene(up, lambda value: questions(edge, value, "127.0.0.1", DNS_PORT), named=True)

    return made


def _attackers(edge: Space, outside: Space, network: int) -> tuple[str, str]:
    """The outside holds every attacker's address; addresses of the cable: the edge's end and the outside's."""
    ends = wired(edge, outside, network)
    outside.address(ATTACKERS)
    return ends


GATEWAYS: dict[str, Callable[[Lab], AbstractContextManager[Scene]]] = {
    "nftables": nftables,
    "suricata": suricata,
    "haproxy": haproxy,
    "crowdsec": crowdsec_bouncer,
    "unbound": resolver("unbound"),
    "bind": resolver("bind"),
}
NEEDED = {
    "nftables": ("nft",),
    "suricata": ("suricata", "ethtool"),
    "haproxy": ("haproxy",),
    "crowdsec": ("crowdsec", "crowdsec-firewall-bouncer", "nft"),
    "unbound": (PROGRAMS["unbound"],),
    "bind": (PROGRAMS["bind"],),
}
