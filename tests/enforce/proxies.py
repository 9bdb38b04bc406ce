"""Real proxies on loopback, and requests that go through them from an address and for a name of our choice."""

from __future__ import annotations

import http.client
import http.server
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 30.0
TRIES = 3  # of a request that a reconfiguration cut off
HAPROXY = """global
    stats socket {socket} mode 600 level admin
    maxconn 200
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend entrance
    bind 127.0.0.1:{port}
{lines}    http-request return status 200
"""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def status(port: int, name: str = "clean.example", source: str = "127.0.0.1", path: str = "/") -> int:
    """What a request for ``name`` from ``source`` is answered. A proxy that reads its lists anew is waited for."""
    for attempt in range(TRIES):
        until(lambda: listens(port))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
        try:
            connection.request("GET", path, headers={"Host": name})
            return connection.getresponse().status
        except ConnectionResetError:  # accepted by the kernel, closed by a proxy that began to read its lists anew
            if attempt + 1 == TRIES:
                raise
        finally:
            connection.close()
    raise AssertionError


def until(happens: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
    """Wait until it happens; AssertionError after ``seconds``."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a loopback port."""
    with socket.socket() as opened:
        return opened.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command: list[str], ready: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """A tool in the foreground, from when it is ready; ended at the end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: process.poll() is not None or ready())
            assert process.poll() is None, f"{command[0]} ended"
            yield process
        finally:
            process.kill()
            process.wait(20)


@contextmanager
def haproxy(folder: Path, stats: Path, port: int) -> Iterator[int]:
    """HAProxy with our lines; ``folder`` is prepared by the driver. Its process id."""
    lines = (folder / "seawall-frontend.cfg").read_text()
    own = stats.with_suffix(".cfg")
    own.write_text(HAPROXY.format(socket=stats, port=port, lines=lines))
    command = ["haproxy", "-db", "-f", str(own), "-f", str(folder / "seawall-tables.cfg")]
    with running(command, lambda: listens(port) and stats.exists()) as process:
        yield process.pid


@contextmanager
def squid(folder: Path, own: Path, port: int) -> Iterator[Path]:
    """Squid with our lines; ``folder`` is prepared by the driver, and Squid's user must reach it. Its configuration."""
    config = own / "squid.conf"
    config.write_text(
        f"http_port 127.0.0.1:{port}\npid_filename {own}/squid.pid\ncache_log {own}/cache.log\ncoredump_dir {own}\n"
        f"visible_hostname lab\ncache deny all\nshutdown_lifetime 0 seconds\npinger_enable off\n"
        f"include {folder}/seawall.conf\naccess_log none\nhttp_access allow all\n"
    )
    with running(["squid", "-N", "-f", str(config)], lambda: listens(port) and (own / "squid.pid").exists()):
        yield config


@contextmanager
def origin() -> Iterator[int]:
    """A web server that has an answer to everything; its port."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
