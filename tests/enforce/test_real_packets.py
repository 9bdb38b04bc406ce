"""An exported block stops a real packet, and nothing else; it ends by itself and by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from protect.scenes import AT, T, entry, home_gate, page
from seawall.protect import export

LISTED, SHORT_LIVED, NETWORK, LISTED6 = "203.0.113.77", "203.0.113.78", "198.51.100.9", "2001:db8:bbbb::1"
FREE, FREE6 = "203.0.113.90", "2001:db8:bbbb::2"

# Runs inside a network namespace of its own, whose loopback holds every address above.
PROBE = """
import json, socket, subprocess, sys, time
FILE, addresses = sys.argv[1], sys.argv[2:]
def passes(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(50):
        with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
            try:
                receiver.bind((address, 0))
                receiver.settimeout(2)
                sender.sendto(b"x", receiver.getsockname()[:2])
                return receiver.recv(1) == b"x"
            except PermissionError:  # the packet filter dropped it on its way out
                return False
            except OSError:  # a new IPv6 address takes a moment
                time.sleep(0.1)
    return False
def look():
    return {address: passes(address) for address in addresses}
run = lambda *command: subprocess.run(command, check=True)
run("ip", "link", "set", "lo", "up")
for address in addresses:
    run("ip", "addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
seen = {"before": look()}
run("nft", "-f", FILE)
started = time.monotonic()
seen["loaded"] = look()
time.sleep(max(0, 5.5 - (time.monotonic() - started)))
seen["later"] = look()
run("nft", "delete", "table", "inet", "seawall")
seen["undone"] = look()
print(json.dumps(seen))
"""


@pytest.mark.tool("nft")
@pytest.mark.tool("ip")
@pytest.mark.tool("unshare")
def test_the_kernel_drops_what_was_exported(tmp_path: Path) -> None:
    """Listed IPv4, IPv6 and network packets stop; others pass; the short-lived block ends alone, the rest by hand."""
    entries = [
        entry(T.IPV4, LISTED),
        entry(T.IPV4, SHORT_LIVED, valid_until=AT + 5_000_000),
        entry(T.CIDR, "198.51.100.0/28"),
        entry(T.IPV6, LISTED6),
    ]
    export([page(entries)], "nftables", gate=home_gate(), target=tmp_path / "file.nft", at=AT)
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", PROBE, str(tmp_path / "file.nft"),
         LISTED, SHORT_LIVED, NETWORK, LISTED6, FREE, FREE6],
        env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert all(seen["before"].values())
    assert [address for address, passed in seen["loaded"].items() if passed] == [FREE, FREE6]
    assert [address for address, passed in seen["later"].items() if passed] == [SHORT_LIVED, FREE, FREE6]
    assert all(seen["undone"].values())
