"""Two nodes that know each other, alarms in their lakes, and cosignatures that cross by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from flow.neighbours import AT, Clock, carry, neighbours
from ingest_scenes import eve
from seawall.flow.node import Node
from seawall.flow.pipeline import ingest_paths
from seawall.flow.witnessing import ask_for_cosignature
from seawall.reference import OwnAssets

DAY = 86_400 * 1_000_000
HOUR = 3_600 * 1_000_000
TROJAN = {"signature": "ET TROJAN beacon", "signature_id": 2_000_001, "category": "A Network Trojan was detected"}
_numbers = count(1)


def address(number: int) -> str:
    """Attackers that stand on no list."""
    return f"45.76.{number // 250}.{number % 250 + 1}"


def alarm(value: str, *, host: str = "10.0.0.5", sensor: str = "tpe-1", **fields: object) -> bytes:
    """One alarm about an address."""
    alert = {"event_type": "alert", "direction": "to_server", "alert": TROJAN}
    return eve(next(_numbers), src_ip=value, dest_ip=host, host=sensor, **(alert | fields))


def visit(value: str, *, host: str, name: str = "www.everybody.tw", sensor: str = "tpe-1") -> bytes:
    """One ordinary visit of a host of ours."""
    return eve(next(_numbers), src_ip=host, dest_ip=value, host=sensor, event_type="tls", tls={"sni": name})


def observe(node: Node, *lines: bytes) -> None:
    """The lines become part of the node's lake."""
    path = node.folder.parent / f"{node.folder.name}-{next(_numbers)}.json"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    assert ingest_paths(node, [str(path)]).rejected == 0


def suspects(node: Node, first: int, last: int) -> None:
    """Alarms about as many addresses."""
    observe(node, *(alarm(address(number), host=f"10.0.{number % 200}.5") for number in range(first, last)))


def own(node: Node, *values: str) -> None:
    """These ranges and names are the node's."""
    table = node.folder.parent / f"{node.folder.name}-assets.csv"
    table.write_text("asset,organisation,sector\n" + "".join(f"{value},ours,energy\n" for value in values))
    OwnAssets.from_csv(table).save(node.folder / "reference")


def cosigned(nodes: dict[str, Node], asker: str = "taipei", witness: str = "seoul") -> None:
    """The witness signs the asker's newest checkpoint."""
    ask_for_cosignature(nodes[asker], witness)
    for _ in range(2):
        assert carry(nodes, asker, witness).problems == ()
        assert carry(nodes, witness, asker).problems == ()


def wait(node: Node, microseconds: int) -> int:
    """Time passes for all nodes; the moment then."""
    clock = node.clock
    assert isinstance(clock, Clock)
    clock.moment += microseconds
    return clock.moment


@contextmanager
def pair(folder: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, and Tokyo, whom both know."""
    with neighbours(folder, "taipei", "seoul", "tokyo") as nodes:
        yield nodes


__all__ = [
    "AT", "DAY", "HOUR", "address", "alarm", "cosigned", "json", "observe", "os", "own", "pair", "suspects", "visit",
    "wait",
]  # fmt: skip
