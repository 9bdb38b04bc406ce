"""Two nodes of ours for ``bench/taxii.py``: a serving one that grows, and a peer whose certificate it has pinned."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.exchange import collection_id
from seawall.flow.circles import CircleWish, create_circle, save_terms, state_terms
from seawall.flow.exchange import sync_peer
from seawall.flow.node import Node, create_node
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.peers import add_peer, verify_peer
from seawall.flow.terms import terms_digest
from seawall.identity import client_context, read_card
from seawall.model import ObservableType, Pap, Tlp, UserRole
from seawall.model.indicator import IndicatorEntry

CIRCLE = "bench"
SERVER, CLIENT = "server", "client"
CAP = 1_000_000_000  # what goes without a click: no cap is measured here
BATCH = 20_000
MEDIA = "application/taxii+json;version=2.1"


class Scene:
    """Both nodes in one folder, introduced and agreed; ``grow`` makes the server's collection larger."""

    def __init__(self, folder: Path) -> None:
        self.local, self.peer, self.client_peer = _free_port(), _free_port(), _free_port()
        self.server, self.client = _node(folder / SERVER, "TW"), _node(folder / CLIENT, "KR")
        sides = ((self.server, self.client, CLIENT, self.client_peer), (self.client, self.server, SERVER, self.peer))
        for node, other, name, port in sides:
            card = folder / f"{name}.card"
            card.write_bytes(other.keys.card())
            add_peer(node, card, url=f"https://127.0.0.1:{port}", code_name=name)
            verify_peer(node, name, other.keys.fingerprint)
            _agree(node, name)
        self.url = f"/taxii2/circles/collections/{collection_id(self.server.keys.node_id, CIRCLE)}/objects/"
        self.size = 0
        # notices would say so at the first synchronisation; here each has to know it before it fills an outbox
        for node, name in ((self.server, CLIENT), (self.client, SERVER)):
            state_terms(node, CIRCLE, name, terms_digest(node.store.circles.get(CIRCLE)))

    def grow(self, size: int) -> float:
        """Until the collection has ``size`` objects, decided, recorded and put out; CPU-seconds of deciding."""
        spent = 0.0
        while self.size < size:
            count = min(BATCH, size - self.size)
            entries = [_entry(self.size + number) for number in range(count)]
            self.server.store.indicators.put(entries, source="bench", at=self.server.clock())
            began = time.process_time()
            filled = fill_outboxes(self.server, circle=CIRCLE, recipient=CLIENT)
            spent += time.process_time() - began
            if filled.released != count:
                raise RuntimeError(f"{filled.released} of {count} objects released, {filled.withheld} withheld")
            self.size += count
        return spent

    @contextlib.contextmanager
    def serving(self, node: Node | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """``seawall serve`` on the server node (or on the other), in a process of its own."""
        port = self.client_peer if node is self.client else self.peer
        command = [sys.executable, "-m", "seawall", "--node", str((node or self.server).folder), "serve"]
        command += ["--port", str(self.local), "--peer-port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            yield process
        finally:
            process.terminate()
            process.wait(120)

    def nothing_new(self, times: int = 10) -> dict[str, float]:
        """Milliseconds of a synchronisation of the large node with nothing new, wall and CPU: warm, as a command."""
        added = self.server.store.outbox.last_added(CIRCLE)
        with self.serving(self.client):
            self.server.store.sync.set_cursor(CLIENT, CIRCLE, "send", str(added))
            sync_peer(self.server, CLIENT)
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(times):
                sync_peer(self.server, CLIENT)
            warm = (time.perf_counter() - wall, time.process_time() - cpu)
            command = [sys.executable, "-m", "seawall", "--node", str(self.server.folder), "sync", CLIENT, "--json"]
            wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            told = [json.loads(subprocess.check_output(command)) for _ in range(times)]
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = (time.perf_counter() - wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        names = ("warm_wall_ms", "warm_cpu_ms", "command_wall_ms", "command_cpu_ms")
        figures = {name: round(1_000 * value / times, 1) for name, value in zip(names, (*warm, *spent), strict=True)}
        return figures | {"command_exchange_ms": round(1_000 * sorted(one["seconds"] for one in told)[times // 2], 1)}

    def connection(self) -> PeerConnection:
        """The client's mutual TLS connection to the server."""
        return PeerConnection(self)


class PeerConnection:
    """One kept connection; counts nothing and checks only what must be right."""

    def __init__(self, scene: Scene) -> None:
        card = read_card(scene.client.store.peers.get(SERVER).card)
        context = client_context(scene.client.keys, card.ca_certificate)
        self._connection = http.client.HTTPSConnection("127.0.0.1", scene.peer, context=context, timeout=1_800)
        self._headers = {"Accept": MEDIA, "Content-Type": MEDIA}
        self._url = scene.url

    def page(self, query: str) -> tuple[int, str | None, str | None]:
        """One page: how many objects, the ``next`` behind it, the last date added."""
        body, headers = self._ask("GET", f"{self._url}?{query}", None, 200)
        envelope = msgspec.json.decode(body, type=Envelope)
        return len(envelope.objects), envelope.next, headers.get("x-taxii-date-added-last")

    def post(self, bodies: list[bytes]) -> int:
        """POST objects; returns how many were accepted."""
        body, _ = self._ask("POST", self._url, b'{"objects":[' + b",".join(bodies) + b"]}", 202)
        return msgspec.json.decode(body, type=Status).success_count

    def _ask(self, method: str, url: str, body: bytes | None, expected: int) -> tuple[bytes, dict[str, str]]:
        self._connection.request(method, url, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{method} {url[:60]}: {answer.status} {content[:300]!r}")
        return content, {name.lower(): value for name, value in answer.getheaders()}


class Envelope(msgspec.Struct):
    """A page, its objects left as bytes."""

    more: bool = False
    next: str | None = None
    objects: list[msgspec.Raw] = []


class Status(msgspec.Struct):
    """What became of a POST."""

    success_count: int


def indicator(number: int, author: str = "") -> bytes:
    """One indicator of ordinary length (about 450 bytes), distinct for each number."""
    value = f"{11 + number // 16_777_216}.{number // 65_536 % 256}.{number // 256 % 256}.{number % 256}"
    fields: dict[str, object] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{number:08x}-0000-4000-8000-{'b' if author else 'a'}00000000000",
        "created": "2026-03-14T00:00:00.000Z",
        "modified": "2026-03-14T00:00:00.000Z",
        "name": f"command and control {number}",
        "description": "Seen as command and control of a loader; reported by two members of the community.",
        "indicator_types": ["malicious-activity"],
        "pattern": f"[ipv4-addr:value = '{value}']",
        "pattern_type": "stix",
        "valid_from": "2026-03-14T00:00:00Z",
        "confidence": 80,
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    }
    return msgspec.json.encode(fields)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fsyncs_per_second(folder: Path, times: int = 200) -> float:
    """How often a second this disk takes 4 KiB durably."""
    descriptor = os.open(folder / "fsync", os.O_CREAT | os.O_WRONLY)
    began = time.perf_counter()
    for _ in range(times):
        os.write(descriptor, b"\0" * 4096)
        os.fsync(descriptor)
    spent = time.perf_counter() - began
    os.close(descriptor)
    return times / spent


def wait_for(port: int, seconds: float = 60.0) -> None:
    """Until something listens on a loopback port."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _entry(number: int) -> IndicatorEntry:
    body = indicator(number)
    pattern = msgspec.json.decode(body)["pattern"]
    return IndicatorEntry(
        type=ObservableType.IPV4,
        value=pattern.split("'")[1],
        indicator_id=msgspec.json.decode(body)["id"],
        campaign=None,
        description=None,
        confidence=80,
        tlp=Tlp.GREEN,
        pap=Pap.CLEAR,
        valid_from=None,
        valid_until=None,
        origin=None,
        external_id=None,
        sources=(),
        body=body,
    )


def _node(folder: Path, economy: str) -> Node:
    create_node(folder, name=f"{economy} bench", economy=economy, sector="unknown", timezone="UTC", lang="en")
    with Node.open(folder) as node:
        token = node.store.users.add("second", UserRole.APPROVER, node.clock())
    (folder / "second.token").write_text(token)
    return Node.open(folder, approver_token=folder / "second.token")


def _agree(node: Node, other: str) -> None:
    create_circle(
        node,
        CircleWish(
            name=CIRCLE,
            members=(other,),
            tlp_ceiling="amber",
            tlp_floor="amber",
            auto=("indicator",),
            attribution=True,
        ),
    )
    terms = node.store.circles.get(CIRCLE)
    standing = tuple(msgspec.structs.replace(item, cap_per_hour=CAP, cap_per_day=CAP) for item in terms.standing)
    save_terms(node, msgspec.structs.replace(terms, standing=standing), sensitive=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
