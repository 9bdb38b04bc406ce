"""What real resolvers log of a policy zone that we exported comes back as hits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from enforce.resolvers import Resolver, Upstream, free_port, wait_for
from enforce.test_real_tools import sids_raised
from protect.scenes import AT, T
from realdata import folder
from seawall.flow.enforced_logs import take_log
from seawall.flow.findings import list_sightings
from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.flow.protect import export
from seawall.model import Observable, ObservableType
from seawall.protect.hit_logs import HIT_LOGS

BLOCKED, FREE = "bad.hits-of-logs.net", "good.hits-of-logs.net"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with one name to block, exported as a policy zone."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    (tmp_path / "ours.csv").write_text(f"type,value\ndomain,{BLOCKED}\n")
    with Node.open(tmp_path / "node") as made:
        import_paths(made, [tmp_path / "ours.csv"], tlp="green", source="ours")
        export(made, "rpz", output=tmp_path / "seawall.rpz", include_watch=False)
        yield made


def unbound(place: Path, port: int, upstream: int) -> list[str]:
    """Unbound as docs/how-to/load-exports.md sets it up, with the log of its policy zone."""
    (place / "unbound.conf").write_text(
        f'server:\n  interface: 127.0.0.1\n  port: {port}\n  directory: "{place}"\n  chroot: ""\n  username: ""\n'
        f'  pidfile: ""\n  use-syslog: no\n  logfile: "{place}/rpz.log"\n  do-not-query-localhost: no\n'
        f'  module-config: "respip iterator"\nremote-control:\n  control-enable: no\n'
        f'rpz:\n  name: rpz.seawall\n  zonefile: "{place}/seawall.rpz"\n  rpz-log: yes\n'
        f'forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@{upstream}\n'
    )
    return ["/usr/sbin/unbound", "-d", "-c", str(place / "unbound.conf")]


def bind(place: Path, port: int, upstream: int) -> list[str]:
    """BIND likewise."""
    (place / "named.conf").write_text(
        f'options {{ directory "{place}"; pid-file none; session-keyfile none; lock-file none; notify no;\n'
        f"  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion yes; dnssec-validation no;\n"
        f"  forwarders {{ 127.0.0.1 port {upstream}; }}; forward only;\n"
        f'  response-policy {{ zone "rpz.seawall"; }} qname-wait-recurse no; }};\n'
        f'logging {{ channel rpz {{ file "{place}/rpz.log"; severity info; print-time yes; print-category yes; }};\n'
        f"  category rpz {{ rpz; }}; }};\ncontrols {{ }};\n"
        f'zone "rpz.seawall" {{ type primary; file "{place}/seawall.rpz"; allow-query {{ none; }}; }};\n'
    )
    return ["/usr/sbin/named", "-f", "-n", "1", "-c", str(place / "named.conf")]


@pytest.mark.tool("suricata")
@pytest.mark.parametrize(
    ("case", "kind", "value"),
    [
        ("bug-2158", T.DOMAIN, "softupdates.info"),
        ("bug-7264-tcp-3whs-ack-data-tls-01", T.DOMAIN, "raw.githubusercontent.com"),
        ("output-eve-fileinfo", T.IPV4, "188.40.238.250"),
        ("output-eve-fileinfo", T.CIDR, "188.40.238.0/24"),
    ],
)
def test_suricatas_alerts_name_what_was_exported(tmp_path: Path, case: str, kind: ObservableType, value: str) -> None:
    """On a real capture every alert of ours is about the one value of the export."""
    sids_raised(tmp_path / "s", kind, value, folder("suricata-verify") / case / "input.pcap")
    lines = (tmp_path / "s" / "log" / "eve.json").read_text().splitlines()
    met = [found for line in lines if (found := HIT_LOGS["suricata"].read(line, AT, UTC)) is not None]
    assert met
    assert all(Observable(kind, value) in found.values and found.at is not None for found in met)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(unbound, marks=pytest.mark.tool("unbound-checkconf")),
        pytest.param(bind, marks=pytest.mark.tool("named-checkconf")),
    ],
)
def test_a_resolvers_log_becomes_a_sighting(node: Node, tmp_path: Path, make: object) -> None:
    """Three questions for a blocked name and one below it are one sighting of four; a free name is none."""
    assert callable(make)
    upstream, port = Upstream(), free_port()
    resolver = Resolver("r", port, make(tmp_path, port, upstream.port), tmp_path, tmp_path / "rpz.log")
    resolver.start()
    try:
        wait_for(lambda: resolver.blocks(f"first.{BLOCKED}"), 10, resolver.said)
        for name in (BLOCKED, BLOCKED, BLOCKED):
            assert resolver.blocks(name)
        assert resolver.passes(FREE)
        wait_for(lambda: sum(BLOCKED in line for line in resolver.log.read_text().splitlines()) >= 4, 10, resolver.said)
    finally:
        resolver.kill()
        upstream.close()
    assert take_log(node, resolver.log, "rpz", "resolver-1").refused == 0
    [row] = list_sightings(node, limit=10, after=0).items
    assert (row["value"], row["type"]) == (BLOCKED, "domain")
    assert row["count"] >= 4  # type: ignore[operator]
    assert take_log(node, resolver.log, "rpz", "resolver-1").new == 0
