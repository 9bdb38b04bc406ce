"""Tenzir: its own Suricata reader, a look-up table of the indicators in a node, ``deduplicate``, Parquet."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from bench.peers.peer import Run, Sample, UnobtainableError, cpu_of, does, measured, own_venv, server, version_in

LOOKED_UP = {  # column -> look-up tables
    "src_ip": ("addresses", "networks"),
    "dest_ip": ("addresses", "networks"),
    "domain": ("texts",),
    "url": ("texts",),
    "sha256": ("texts",),
}
EVENTS = """
from_file "{file}" {{ read_suricata }}
select time=timestamp, kind=event_type, sensor=host, src_ip, src_port, dest_ip, dest_port, proto,
  domain=(http?.hostname? else dns?.rrname? else tls?.sni? else ""),
  url="http://" + (http?.hostname? else "") + (http?.url? else ""), sha256=(fileinfo?.sha256? else ""),
  ja3=(tls?.ja3?.hash? else ""), sid=(alert?.signature_id? else uint(0)), signature=(alert?.signature? else ""),
  category=(alert?.category? else "")
@name = "event"
deduplicate
{matches}
to_file "{target}" {{ write_parquet }}
"""
INDICATORS = """
from_file "{file}" {{ read_csv }}
where {types}
key = {key}
context_update "{table}", key=key, value=id
"""
STARTED = 60.0  # seconds to wait for the node


class TenzirPipeline:
    """A pipeline of the kind its guides show. Names match exactly only: it has no look-up of parent domains."""

    name = "Tenzir pipeline"
    slow = False
    foreign = True
    does = does("yes", "yes", "addresses, networks, exact names", "within the run", "Parquet", "no")

    def prepare(self, cache: Path) -> str:
        """From the package index."""
        self._bin = own_venv(cache, "tenzir", "tenzir").parent
        return version_in(self._bin / "python", "tenzir")

    def run(self, sample: Sample, scratch: Path) -> Run:
        """Start a node, load the indicators (not counted), then the pipeline, the node's own time included."""
        endpoint = f"127.0.0.1:{_free_port()}"
        state = ["--bare-mode", "-d", str(scratch / "state"), f"--cache-directory={scratch / 'cache'}", "-e", endpoint]
        with server([self._bin / "tenzir-node", *state]) as node:
            self._wait(endpoint)
            for table, types, key in (
                ("addresses", 'type == "ipv4"', "ip(string(value))"),
                ("networks", 'type == "cidr"', "subnet(string(value))"),
                ("texts", 'type != "ipv4" and type != "cidr"', "string(value)"),
            ):
                self._pipeline(endpoint, f'context_create_lookup_table "{table}"')
                indicators = sample.folder / "indicators.csv"
                self._pipeline(endpoint, INDICATORS.format(file=indicators, types=types, key=key, table=table))
            before = cpu_of(node)
            target = scratch / "events.parquet"
            seconds, _ = self._pipeline(endpoint, EVENTS.format(file=sample.file, matches=_matches(), target=target))
            seconds += cpu_of(node) - before
        _, counted = measured([self._bin / "python", "-c", _COUNT, target])
        events, hits = counted.split()
        return Run(seconds, {"events": int(events), "matched_events": int(hits)})

    def _pipeline(self, endpoint: str, text: str) -> tuple[float, str]:
        return measured([self._bin / "tenzir", "--bare-mode", "-e", endpoint, text])

    def _wait(self, endpoint: str) -> None:
        host, _, port = endpoint.partition(":")
        end = time.monotonic() + STARTED
        while time.monotonic() < end:
            try:
                socket.create_connection((host, int(port)), 1).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise UnobtainableError("its node does not start")


_COUNT = """
import sys, pyarrow.parquet as pq, pyarrow.compute as pc
table = pq.read_table(sys.argv[1])
hit = None
for name in table.column_names:
    if name.startswith("of_"):
        valid = pc.is_valid(table[name])
        hit = valid if hit is None else pc.or_(hit, valid)
print(len(table), pc.sum(hit).as_py())
"""


def _matches() -> str:
    return "\n".join(
        f'context_enrich "{table}", key={column}, into=of_{column}_{table}'
        for column, tables in LOOKED_UP.items()
        for table in tables
    )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
