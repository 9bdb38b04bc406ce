"""The safety drill over TLS: a peer's own key, and software that sends whatever it likes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import msgspec

from exchange.scenes import record_of
from flow.poison_scenes import FIFTY, SPELT, Poison, stix
from flow.test_canary import met
from journey.command_line import SeawallNode
from seawall.codec.sharing import keys_of
from seawall.exchange import DEFAULT_BOUNDS, Wire, collection_id
from seawall.flow.node import Node
from seawall.flow.peer_keys import calling_context
from seawall.flow.radius import build_radius
from seawall.identity import NodeKeys
from seawall.reference import OwnAssets

ATTACKER = Poison("ip4", "45.61.50.1", "a real attacker", frozenset())
POISONS = (*FIFTY, *SPELT)
SETTINGS = """
[protect]
never_block = ["bank.example.net", "198.51.100.90"]
radius_least_sessions = 0
radius_least_days = 0
"""


def prepare(node: SeawallNode) -> None:
    """What is ours at this node, two partners, and a service that our people use every day."""
    (node.folder.parent / "assets.csv").write_text("asset\n192.0.2.0/24\nours.example.org\n")
    OwnAssets.from_csv(node.folder.parent / "assets.csv").save(node.folder / "reference")
    with Node.open(node.folder) as opened:
        for name, url in (("third", "https://hub.partner.example.net"), ("fourth", "https://198.51.100.80:8701")):
            keys = NodeKeys.create(node.folder.parent / name, name=name, economy="KR", at=opened.clock())
            opened.store.peers.add(record_of(keys, name, url))
        met(opened, *[(host, "45.61.99.7") for host in range(40)], domain="crm.vendor.example.net")
        build_radius(opened)


def publish(sender: SeawallNode, receiver: str, circle: str, poisons: Sequence[Poison]) -> dict[str, str]:
    """Post to a peer as the circle's member that we are there: id -> the sentence by which it was declined.

    Raises NotFound E-EXCHANGE-109 for a circle without a seat for us.
    """
    with Node.open(sender.folder) as node:
        peer = node.store.peers.get(receiver)
        wire = Wire(
            peer.code_name, bounds=DEFAULT_BOUNDS, context=calling_context(node, peer), pin=peer.certificate_sha256
        )
        url = f"{peer.url}/taxii2/circles/collections/{collection_id(peer.node_id, circle)}/objects/"
        try:
            answer = wire.post(url, b'{"objects":[' + b",".join(stix(node, one) for one in poisons) + b"]}")
        finally:
            wire.close()
    status = json.loads(answer.body)
    assert status["status"] == "complete"
    return {one["id"]: one["message"] for one in status.get("failures", ())}


def reasons(sender: SeawallNode, receiver: SeawallNode, declined: dict[str, str]) -> list[tuple[Poison, str, str]]:
    """Each poison with the rule that keeps it from acting and its sentence, as the receiver's commands tell them."""
    book = {row["value"]: row for row in receiver.here("protect", "preview", "--limit", "1000")["items"]}
    told = []
    with Node.open(sender.folder) as node:
        for one in POISONS:
            body = stix(node, one)
            values = keys_of(body)
            if (said := declined.get(msgspec.json.decode(body)["id"])) is not None:
                told.append((one, "declined", said))
            elif values and (row := book.get(values[0].value)) is not None:
                told.append((one, row["rule"], row["why"]))
            else:
                told.append((one, "no-indicator", "It names no plain value, so nothing is made of it."))
    return told


def acting(node: SeawallNode) -> set[str]:
    """What stops anything, or is on trial, as ``protect status`` shows it."""
    rows = node.here("protect", "status", "--limit", "1000")["items"]
    return {row["value"] for row in rows if row["state"] in ("active", "canary") and row["origin"] is not None}


def acts_soon(node: SeawallNode, value: str) -> bool:
    """Whether the serving node puts a value in force within ten seconds."""
    end = time.monotonic() + 10
    while value not in acting(node):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
