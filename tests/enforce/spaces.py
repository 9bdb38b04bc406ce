"""Running Python inside a network namespace of its own, with addresses on its loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
COMMON = """
import errno, json, socket, subprocess, sys, time
def run(*command):
    subprocess.run(command, check=True)
def passes(address, tries=50):
    silent = 0
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(tries):
        with socket.socket(family, socket.SOCK_DGRAM) as receiver, socket.socket(family, socket.SOCK_DGRAM) as sender:
            try:
                receiver.bind((address, 0))
                receiver.settimeout(1.5)
                sender.sendto(b"x", receiver.getsockname()[:2])
                return receiver.recv(1) == b"x"
            except PermissionError as error:
                if error.errno == errno.EPERM:  # the packet filter dropped it on its way out
                    return False
                time.sleep(0.1)  # EACCES: no route yet
            except TimeoutError:  # one lost packet of a busy machine is no block
                if (silent := silent + 1) == 3:
                    return False
            except OSError:  # a new IPv6 address takes a moment
                time.sleep(0.1)
    return False
def addresses(*given):
    run("ip", "link", "set", "lo", "up")
    for address in given:
        run("ip", "addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
"""


def inside(script: str, *arguments: str, seconds: float = 100, real_root: bool = False) -> Any:
    """What ``script`` prints last, as JSON. It runs as root of a namespace of its own; ``COMMON`` stands before it.

    ``real_root``: without a user namespace, in which the kernel keeps netlink messages small.
    """
    user = () if real_root else ("--user", "--map-root-user")
    environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "PYTHONPATH": str(TESTS), "HOME": os.environ["HOME"]}
    done = subprocess.run(
        ["unshare", *user, "--net", sys.executable, "-c", COMMON + script, *arguments],
        env=environment, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
