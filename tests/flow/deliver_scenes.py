"""Real receivers on loopback: an HTTPS endpoint and log collectors over UDP, TCP and TLS."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

SECRET = "0123456789abcdef0123456789abcdef"


class Certified:
    """A server certificate for this machine, and the file of its authority."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "channel-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.context)


class Hook:
    """What an endpoint took: (headers, document), only when the signature holds. ``status`` is what it answers."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], Any]] = []
        self.status = 200
        self.port = 0


@contextmanager
def endpoint(certified: Certified) -> Iterator[Hook]:
    """An HTTPS server that checks what is signed, as a receiver should."""
    hook = Hook()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            moment, _, mac = self.headers["X-Seawall-Signature"].partition(",v1=")
            signed = moment.removeprefix("t=").encode() + b"." + body
            fits = hmac.compare_digest(mac, hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest())
            if fits and hook.status == 200:
                hook.taken.append((dict(self.headers.items()), json.loads(body)))
            self.send_response(hook.status if fits else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.socket = certified.context.wrap_socket(server.socket, server_side=True)
    hook.port = server.server_port
    with _running(server):
        yield hook


class Collector:
    """Lines that a log collector took."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.port = 0
        self.arrived = threading.Event()

    def take(self, line: bytes) -> None:
        """Keep one."""
        self.lines.append(line)
        self.arrived.set()


@contextmanager
def stream_collector(certified: Certified | None = None) -> Iterator[Collector]:
    """Octet-counted lines over TCP, or TLS with a certificate."""
    found = Collector()

    class Receiver(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while count := _count(self.rfile):
                found.take(self.rfile.read(count))

    class Server(socketserver.ThreadingTCPServer):
        def get_request(self) -> tuple[Any, Any]:
            plain, address = super().get_request()
            return (plain if certified is None else certified.context.wrap_socket(plain, server_side=True)), address

    server = Server(("127.0.0.1", 0), Receiver)
    found.port = server.server_address[1]
    with _running(server):
        yield found


def _count(file: Any) -> int:
    digits = b""
    while (character := file.read(1)) not in (b" ", b""):
        digits += character
    return int(digits or b"0")


@contextmanager
def datagram_collector() -> Iterator[Collector]:
    """Lines over UDP."""
    found = Collector()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(0.2)
    found.port = receiver.getsockname()[1]
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.is_set():
            try:
                found.take(receiver.recv(65_535))
            except TimeoutError:
                continue

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join(10)
        receiver.close()


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
