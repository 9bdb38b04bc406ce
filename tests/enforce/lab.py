"""Two nodes, and gateways of the second, each in a network namespace: an attack on one side is dropped on the other's.

Taipei follows a log; a circle with a standing release tells Seoul; Seoul accepted the circle for enforcement (two
people signed), and each gateway runs ``seawall agent`` beside one tool. Everything runs as users run it: the command
line, in processes of its own.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from enforce.netns import Space, wired
from journey.command_line import SeawallNode, environment, eve

PEER_PORT, WEB_PORT, AGENT_PORT = 8_701, 8_700, 8_702
READY_SECONDS = 60.0
OWN_SESSIONS = 1_300  # more than the least from which a blast radius is known


class Lab(msgspec.Struct):
    """What runs. ``log``: the EVE file that Taipei follows."""

    folder: Path
    taipei: SeawallNode
    seoul: SeawallNode
    space: dict[str, Space]
    log: Path
    approvers: dict[str, Path]
    held: ExitStack
    links: int = 10

    def attack(self, address: str) -> float:
        """A sensor in Taipei alarms about what came from an address; the moment of its line."""
        return self._line(address, "10.1.0.5")

    def attack_by_name(self, name: str, address: str) -> float:
        """A sensor in Taipei alarms about a connection of ours to a name; the moment of its line."""
        return self._line("10.1.0.5", address, {"tls": {"sni": name, "version": "TLS 1.3"}})

    def other_traffic_in_seoul(self) -> None:
        """Seoul's sensors go on telling of other things: without that nobody could judge what is watched first."""
        _ingest_flows(self.seoul, self.folder / "later.json", time.time(), 20, 0.01)

    def _line(self, source: str, target: str, more: Mapping[str, Any] = {}) -> float:
        at = time.time()
        moment = datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")
        line = eve(moment, source, target, sensor="tpe-1", kind="alert", **more)
        with self.log.open("a") as file:
            file.write(line + "\n")
        return at


@contextmanager
def lab(folder: Path, *, auto: bool = True, known_radius: bool = True, canary_minutes: float = 10.0) -> Iterator[Lab]:
    """Both nodes serving, verified and agreed; Taipei's tail running. ``auto``: by standing rules on both sides.

    ``known_radius``: Seoul knows enough sessions of its own to answer what a block would cut; else it is unknown.
    """
    with ExitStack() as held:
        space = {name: Space(name, held) for name in ("tpe", "sel")}
        addresses = dict(zip(("taipei", "seoul"), wired(space["tpe"], space["sel"], 1), strict=True))
        taipei, seoul = SeawallNode(folder / "taipei", "TW"), SeawallNode(folder / "seoul", "KR")
        approvers = {"taipei": taipei.second_person(), "seoul": seoul.second_person()}
        for node in (taipei, seoul):
            with (node.folder / "seawall.toml").open("a") as file:
                file.write(f"\n[protect]\nagent_port = {AGENT_PORT}\ncanary_minutes = {canary_minutes}\n")
        for node, other, name, own in ((taipei, seoul, "seoul", "taipei"), (seoul, taipei, "taipei", "seoul")):
            card = folder / f"{name}.card"
            card.write_bytes(other.raw("peers", "card").stdout)
            second = approvers[own]
            node.here("peers", "add", card, "--url", f"https://{addresses[name]}:{PEER_PORT}", "--code-name", name)
            node.here("peers", "verify", name, "--fingerprint", other.fingerprint, "--approver-token", second)
            terms = ["--auto", "indicator,sighting"] if auto else []
            if auto and node is seoul:
                terms.append("--auto-enforce")
            node.here(
                "circles", "create", "shore", "--members", name, "--tlp-ceiling", "amber", *terms,
                "--approver-token", second,
            )  # fmt: skip
        if known_radius:
            _own_sessions(seoul, folder)
        log = folder / "eve.json"
        log.touch()
        said = held.enter_context((folder / "said").open("wb"))
        for node, name in ((taipei, "tpe"), (seoul, "sel")):
            _process(
                held, space[name], node.command("serve", "--port", str(WEB_PORT), "--peer-port", str(PEER_PORT)), said
            )
        _process(held, space["tpe"], taipei.command("tail", log, "--format", "suricata-eve", "--json"), said)
        for name in ("tpe", "sel"):
            _listening(space[name], PEER_PORT)
        yield Lab(folder, taipei, seoul, space, log, approvers, held)


def _own_sessions(node: SeawallNode, folder: Path) -> None:
    """Two quiet days of the node's own traffic, so that "nobody here met it" means something."""
    _ingest_flows(node, folder / "own.json", time.time() - 172_800, OWN_SESSIONS, 130)
    node.here("run", "radius")


def _ingest_flows(node: SeawallNode, file: Path, begin: float, count: int, every: float) -> None:
    lines = []
    for number in range(count):
        at = datetime.datetime.fromtimestamp(begin + number * every, datetime.UTC)
        moment = at.strftime("%Y-%m-%dT%H:%M:%S.%f+0000")
        remote = f"198.18.{number % 7}.{number % 50 + 1}"
        lines.append(eve(moment, f"10.2.0.{number % 40 + 1}", remote, sensor="sel-1", kind="flow", flow_id=number))
    file.write_text("".join(f"{line}\n" for line in lines))
    node.here("ingest", file)


def _process(
    held: ExitStack, space: Space, command: list[str], said: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """A program in a namespace until the lab ends."""
    process = subprocess.Popen(
        [*space.entry, *command], stdout=said or subprocess.DEVNULL, stderr=subprocess.STDOUT, env=environment()
    )
    held.callback(process.wait, 20)
    held.callback(process.kill)
    return process


def _listening(space: Space, port: int) -> None:
    end = time.monotonic() + READY_SECONDS
    while f":{port} " not in space.run("ss", "-Hltn"):
        assert time.monotonic() < end, f"nothing listens on {port}"
        time.sleep(0.05)


class Gateway(msgspec.Struct):
    """One enforcement point of Seoul: its namespace, its agent and its tool."""

    name: str
    lab: Lab
    space: Space
    config: Path
    agent: subprocess.Popen[bytes]
    held: ExitStack

    def following(self) -> int:
        """Orders that the agent follows."""
        return int(self.status()["orders"])

    def status(self) -> dict[str, Any]:
        """What the agent says of itself."""
        command = [
            *self.space.entry,
            *self.lab.seoul.command("agent", "status", "--config", str(self.config), "--json"),
        ]
        done = subprocess.run(command, capture_output=True, timeout=60, check=True, env=environment())
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def gateway(
    found: Lab, name: str, tools: str, zone: str = "internet-edge", space: Space | None = None
) -> Iterator[Gateway]:
    """A point with an agent that follows Seoul's book. ``tools``: the sections of ``agent.toml``."""
    with ExitStack() as held:
        space = space or Space(name[:6], held)
        found.links += 1
        there, _ = wired(found.space["sel"], space, found.links)
        found.seoul.here("points", "add", name, "--zone", zone, "--tools", name)
        folder = found.folder / name
        folder.mkdir(exist_ok=True)
        config = folder / "agent.toml"
        config.write_text(f'state = "{folder}/state"\n[limits]\nzone = "{zone}"\n[times]\ncompare = 5\n{tools}')
        config.chmod(0o644)
        token = folder / "token"
        token.write_text(found.seoul.here("agent", "invite", name)["token"])
        command = found.seoul.command(
            "agent", "enroll", "--url", f"https://{there}:{AGENT_PORT}", "--fingerprint", found.seoul.fingerprint,
            "--enroll-token", str(token), "--config", str(config), "--json",
        )  # fmt: skip
        subprocess.run([*space.entry, *command], check=True, capture_output=True, timeout=60, env=environment())
        agent = _process(held, space, found.seoul.command("agent", "run", "--config", str(config)))
        made = Gateway(name, found, space, config, agent, held)
        end = time.monotonic() + READY_SECONDS
        while not made.status()["running"] or made.status()["heard_at"] is None:
            assert time.monotonic() < end and agent.poll() is None, "the agent did not come up"
            time.sleep(0.2)
        yield made
