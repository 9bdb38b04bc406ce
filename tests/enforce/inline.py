"""A Suricata between two namespaces: packets reach the server only when it copies them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from enforce.spaces import TESTS

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
READY_SECONDS = 60.0
ANSWERS = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("{SERVER}", 53))
while True:
    data, peer = s.recvfrom(2048)
    s.sendto(data[:2] + bytes([0x81, 0x80]) + data[4:], peer)
"""
ASKS = f"""
import socket, sys
name, times = sys.argv[1], int(sys.argv[2])
query = bytes.fromhex("beef01000001000000000000") + b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.4)
answered = []
for _ in range(times):
    s.sendto(query + b"\\0\\0\\1\\0\\1", ("{SERVER}", 53))
    try:
        answered.append(len(s.recv(2048)) > 0)
    except TimeoutError:
        answered.append(False)
print("".join("01"[one] for one in answered))
"""
CONFIG = """%YAML 1.1
---
vars: {{address-groups: {{HOME_NET: any, EXTERNAL_NET: any}}, port-groups: {{}}}}
default-rule-path: {folder}
rule-files: [seawall.rules]
classification-file: {folder}/classification.config
reference-config-file: /dev/null
unix-command: {{enabled: yes, filename: {socket}}}
outputs:
  - eve-log: {{enabled: yes, filetype: regular, filename: eve.json, types: [{{alert: {{}}}}]}}
app-layer: {{protocols: {{dns: {{udp: {{enabled: yes, detection-ports: {{dp: 53}}}}}}, tls: {{enabled: yes}}}}}}
af-packet:
  - {{interface: left, cluster-id: 97, cluster-type: cluster_flow, copy-mode: ips, copy-iface: right, tpacket-v3: no}}
  - {{interface: right, cluster-id: 98, cluster-type: cluster_flow, copy-mode: ips, copy-iface: left, tpacket-v3: no}}
"""


class Line(msgspec.Struct, frozen=True):
    """What stands: the engine's socket and log, and a way to ask a name through it."""

    socket: Path
    eve: Path
    client: int  # process in the client's namespace

    def answered(self, name: str) -> bool:
        """Whether a question for ``name`` came back through the engine."""
        return self.answers(name, 1) == [True]

    def answers(self, name: str, times: int) -> list[bool]:
        """The same for several questions, one after the other from one port."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.client), "-n", "python3", "-c", ASKS, name, str(times)],
            check=True, timeout=60, capture_output=True, text=True,
        )  # fmt: skip
        return [one == "1" for one in done.stdout.strip()]


@contextmanager
def inline(tmp_path: Path, folder: Path) -> Iterator[Line]:
    """Client, engine and server in namespaces of their own; needs root. ``folder`` holds the rules."""
    held: list[subprocess.Popen[bytes]] = []

    def space(*command: str) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(
            ["unshare", "--net", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TESTS
        )
        held.append(started)
        return started

    def within(pid: int, *command: str) -> None:
        subprocess.run(["nsenter", "-t", str(pid), "-n", *command], check=True, capture_output=True)

    try:
        client, engine, server = (space("sleep", "600").pid for _ in range(3))
        time.sleep(0.3)
        for pid, end, address in ((client, "left", CLIENT), (server, "right", SERVER)):
            within(engine, "ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
            within(engine, "ip", "link", "set", end, "up", "promisc", "on")
            within(pid, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            within(pid, "ip", "link", "set", "eth0", "up")
            for where, name in ((pid, "eth0"), (engine, end)):
                within(where, "ethtool", "-K", name, "tx", "off", "rx", "off", "gro", "off", "gso", "off")
        held.append(subprocess.Popen(["nsenter", "-t", str(server), "-n", "python3", "-c", ANSWERS]))
        socket, log = tmp_path / "command.sock", tmp_path / "log"
        log.mkdir(parents=True, exist_ok=True)
        config = tmp_path / "suricata.yaml"
        config.write_text(CONFIG.format(folder=folder, socket=socket))
        command = ["nsenter", "-t", str(engine), "-n", "suricata", "-c", str(config), "--af-packet", "-l", str(log)]
        with (log / "out").open("wb") as out:
            held.append(subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT))
        line = Line(socket, log / "eve.json", client)
        until = time.monotonic() + READY_SECONDS
        while not (socket.exists() and line.answered("ready.example")):
            assert time.monotonic() < until, (log / "out").read_text()
            time.sleep(0.2)
        yield line
    finally:
        for process in reversed(held):
            process.kill()
            process.wait(20)
