"""A node's door and a real agent process in one network namespace, and the real packet filter before a wire."""

from __future__ import annotations

SCENE = """
import json, os, random, signal, socket, subprocess, sys, tempfile, threading, time
from pathlib import Path
import msgspec
from flow.agent_scenes import blocks, put, remove
from flow.neighbours import say
from protect.agent.scenes import order, now, soon
from seawall.flow.agent_door import AgentDoor
from seawall.flow.agent_enrol import invite
from seawall.flow.node import Node, create_node
from seawall.flow.orders import orders_for, wake
from seawall.model import Observable
from seawall.model.order import Kill, OrderState, Point, Zone
run("ip", "link", "set", "lo", "up")
run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "far")
run("ip", "link", "set", "far", "up")
run("ip", "addr", "add", "192.0.2.1/24", "dev", "wire")
run("ip", "link", "set", "wire", "up")
run("ip", "route", "add", "203.0.113.0/24", "dev", "wire")
run("ip", "route", "add", "198.51.100.0/24", "dev", "wire")
place = Path(tempfile.mkdtemp())
def stopped(address):
    # a packet that the filter drops on its way out is told to its sender
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"x", (address, 9))
            return False
        except PermissionError:
            return True
def nft(*words):
    return subprocess.run(["nft", *words], capture_output=True, text=True).stdout
def elements_now():
    found = json.loads(nft("-j", "list", "set", "inet", "seawall", "block4") or '{"nftables": []}')
    return [e for item in found["nftables"] for e in item.get("set", {}).get("elem", ())]
def held():
    return {e["elem"]["val"] if isinstance(e, dict) else e for e in elements_now()}
def write_config(limits='zone = "internet-edge"', more=""):
    path = place / "agent.toml"
    path.write_text(f'state = "{place}/agent"\\n[limits]\\n{limits}\\n[tools.nftables]\\n[times]\\n'
                    f'wait = 2\\ncompare = 1\\nhits = 0.5\\nheartbeat = 2\\n{more}')
    path.chmod(0o644)
    return path
def cli(*words, check=True):
    done = subprocess.run([sys.executable, "-m", "seawall", "--json", *words], capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout) if done.stdout else done.stderr
def start_agent():
    log = open(place / "agent.log", "a")
    return subprocess.Popen([sys.executable, "-m", "seawall", "agent", "run", "--config", str(path)], stderr=log)
def enroll(point="gw-1"):
    (place / "token").write_text(invite(node, point))
    return cli("agent", "enroll", "--url", f"https://127.0.0.1:{door.port}", "--fingerprint", node.keys.fingerprint,
               "--enroll-token", str(place / "token"), "--config", str(path))
def status():
    return cli("agent", "status", "--config", str(path))
create_node(place / "node", name="TWCERT", economy="TW", sector="csirt", timezone="UTC", lang="en")
node = Node.open(place / "node").__enter__()
node.store.orders.save_point(Point("gw-1", Zone.INTERNET_EDGE, tools=("nftables",)), now())
door = AgentDoor(node, host="127.0.0.1", port=0)
port = door.port
door.start()
path = write_config()
"""
