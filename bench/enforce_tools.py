"""The tools of ``enforce_size``: how each is started, asked for one value, and loaded by its own means."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from enforce.crowdsec import LOGIN, crowdsec
from enforce.proxies import free_port, haproxy, origin, running, squid, status
from enforce.resolvers import Upstream, resolver
from seawall.model.order import Order
from seawall.protect.drivers.crowdsec import CrowdsecDriver
from seawall.protect.drivers.haproxy import HaproxyDriver
from seawall.protect.drivers.interface import Driver
from seawall.protect.drivers.nftables import NftablesDriver
from seawall.protect.drivers.rpz import RpzDriver
from seawall.protect.drivers.squid import SquidDriver
from seawall.protect.drivers.suricata import SuricataDriver
from seawall.protect.drivers.suricata_socket import SuricataSocket

SURICATA = """%YAML 1.1
---
vars: {{address-groups: {{HOME_NET: any, EXTERNAL_NET: any}}, port-groups: {{}}}}
default-rule-path: {folder}
rule-files: [seawall.rules]
classification-file: {folder}/classification.config
reference-config-file: /dev/null
unix-command: {{enabled: yes, filename: {folder}/command.sock}}
outputs: []
app-layer: {{protocols: {{dns: {{udp: {{enabled: yes, detection-ports: {{dp: 53}}}}}}, tls: {{enabled: yes}}}}}}
af-packet: [{{interface: lo, cluster-id: 97, cluster-type: cluster_flow, tpacket-v3: no}}]
"""


class Running(msgspec.Struct):
    """A started tool. ``pids``: its processes, none for the kernel's packet filter."""

    driver: Driver
    holds: Callable[[str], bool]  # asked of the tool itself
    folder: Path
    pids: list[int]


class Tool(msgspec.Struct, frozen=True):
    """How to measure one tool. ``named``: it holds names; ``spaced``: it runs in a network namespace."""

    started: Callable[[Path], Any]
    named: bool = False
    spaced: bool = False
    part: int = 1  # one of so many values of the whole
    peer: Callable[[Running, Sequence[Order]], dict[str, float]] | None = None


@contextmanager
def _nftables(folder: Path) -> Iterator[Running]:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    driver = NftablesDriver()
    driver.prepare()

    def holds(value: str) -> bool:
        """Whether a packet to the address is dropped on its way out (asking the set reads all of it)."""
        import socket

        subprocess.run(["ip", "addr", "replace", f"{value}/32", "dev", "lo"], check=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(b"x", (value, 9))
            except PermissionError:
                return True
            return False

    yield Running(driver, holds, folder, [])


def _nft_file(held: Running, orders: Sequence[Order]) -> dict[str, float]:
    """The whole set in a file of plain ``add element`` lines, by ``nft -f``."""
    file = held.folder / "plain.nft"
    lines = ["add table inet plain\nadd set inet plain s { type ipv4_addr; flags timeout; }\n"]
    for start in range(0, len(orders), 1_000):
        elements = ", ".join(f"{order.value} timeout 86400s" for order in orders[start : start + 1_000])
        lines.append(f"add element inet plain s {{ {elements} }}\n")
    file.write_text("".join(lines))
    held.driver.clear()
    return {"nft_f_seconds": _seconds(lambda: subprocess.run(["nft", "-f", str(file)], check=True))}


@contextmanager
def _haproxy(folder: Path) -> Iterator[Running]:
    driver, port = HaproxyDriver(folder / "maps", folder / "h.sock"), free_port()
    driver.prepare()
    with haproxy(folder / "maps", folder / "h.sock", port) as pid:

        def holds(value: str) -> bool:
            what = "names" if value.endswith("example") else "addresses"
            if what == "names":
                return status(port, value) == 403
            return "found=yes" in driver._socket.ask(f"get map {folder}/maps/block-{what}.map {value}")

        yield Running(driver, holds, folder, [pid])


def _haproxy_file(held: Running, orders: Sequence[Order]) -> dict[str, float]:
    """The same map from a file when HAProxy starts."""
    maps = held.folder / "peer"
    driver = HaproxyDriver(maps, held.folder / "p.sock")
    driver.prepare()
    what = "names" if orders[0].value.endswith("example") else "addresses"
    text = "".join(f"{order.value} {order.expires_at // 1_000_000}\n" for order in orders)
    (maps / f"block-{what}.map").write_text(text)

    def start() -> None:
        with haproxy(maps, held.folder / "p.sock", free_port()):
            """Only its start is measured."""

    return {"start_with_the_map_in_a_file_seconds": _seconds(start)}


@contextmanager
def _suricata(folder: Path) -> Iterator[Running]:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    driver = SuricataDriver(folder, folder / "command.sock")
    driver.prepare()
    with _engine(folder) as pid:
        asking = SuricataSocket(folder / "command.sock")

        def holds(value: str) -> bool:
            import base64

            named = value.endswith("example")
            line = base64.b64encode(value.encode()).decode() if named else value
            kind = "string" if named else "ip"
            name = f"seawall-block-{'domain' if named else 'ip'}"
            return asking.ask("dataset-lookup", setname=name, settype=kind, datavalue=line)[0]

        yield Running(driver, holds, folder, [pid])
        asking.close()
        driver.close()


@contextmanager
def _engine(folder: Path) -> Iterator[int]:
    (folder / "suricata.yaml").write_text(SURICATA.format(folder=folder))
    (folder / "command.sock").unlink(missing_ok=True)
    command = ["suricata", "-c", str(folder / "suricata.yaml"), "--af-packet", "-l", str(folder)]
    with running(command, (folder / "command.sock").exists) as process:
        yield process.pid


def _suricata_file(held: Running, orders: Sequence[Order]) -> dict[str, float]:
    """A second engine that finds the lists when it starts."""

    def start() -> None:
        with _engine(held.folder):
            """Only its start is measured."""

    return {"start_with_the_lists_in_files_seconds": _seconds(start), "values": len(orders)}


@contextmanager
def _squid(folder: Path) -> Iterator[Running]:
    driver, port = SquidDriver(folder, folder / "squid.conf"), free_port()
    driver.prepare()
    with origin() as web, squid(folder, folder, port):
        pid = int((folder / "squid.pid").read_text())
        yield Running(
            driver, lambda value: status(port, value, path=f"http://{value}:{web}/") == 403, folder, [pid]
        )  # fmt: skip


@contextmanager
def _crowdsec(folder: Path) -> Iterator[Running]:
    place = crowdsec(folder, free_port())
    with place.serving() as process:
        driver = CrowdsecDriver(place.url, LOGIN, place.password_file)
        driver.prepare()
        key = place.cscli("bouncers", "add", "reader", "-o", "raw").strip()
        yield Running(driver, lambda value: place.stops(value, key), folder, [process.pid])
        driver.close()


def _resolver(name: str, *, parts: bool = False) -> Callable[[Path], Any]:
    @contextmanager
    def started(folder: Path) -> Iterator[Running]:
        port, asked = free_port(), free_port()
        told = {"address": "127.0.0.1", "port": asked, "parts": parts}
        with ExitStack() as held:
            upstream = Upstream()
            held.callback(upstream.close)
            driver = RpzDriver(folder / "rpz", port=port, secondaries=[told])
            driver.prepare()
            held.callback(driver.close)
            resolving = held.enter_context(resolver(name, folder / name, port, upstream, port=asked, parts=parts))
            yield Running(driver, resolving.blocks, folder, [resolving.pid])

    return started


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return round(time.monotonic() - began, 3)


def available() -> int:
    """Bytes of memory that the machine has left."""
    text = Path("/proc/meminfo").read_text()
    return int(text.split("MemAvailable:")[1].split()[0]) * 1024


TOOLS = {
    "nftables": Tool(_nftables, spaced=True, peer=_nft_file),
    "haproxy": Tool(_haproxy, peer=_haproxy_file),
    "suricata": Tool(_suricata, spaced=True, peer=_suricata_file),
    "haproxy-names": Tool(_haproxy, named=True, peer=_haproxy_file),
    "suricata-names": Tool(_suricata, named=True, spaced=True, peer=_suricata_file),
    "unbound": Tool(_resolver("unbound"), named=True),
    "bind": Tool(_resolver("bind"), named=True),
    "unbound-parts": Tool(_resolver("unbound", parts=True), named=True),
    "bind-parts": Tool(_resolver("bind", parts=True), named=True),
    "squid-names": Tool(_squid, named=True),
    "crowdsec": Tool(_crowdsec, part=10),
}
