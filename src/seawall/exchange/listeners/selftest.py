"""The start-up self-test: connect to our own peer listener without a certificate and require to be refused."""

from __future__ import annotations

import socket
import ssl

from seawall.model import Fault

PROBE = b"GET /taxii2/ HTTP/1.1\r\nHost: self-test\r\nConnection: close\r\n\r\n"
PROBE_SECONDS = 10.0
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - maps the wildcard to a reachable address


def require_closed_door(host: str, port: int) -> None:
    """Raise Fault E-EXCHANGE-013 when a caller without certificate is not refused, or cannot be tried.

    Under TLS 1.3 the client finishes its handshake first: the refusal shows at the handshake or at the first read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # we talk to ourselves, and send nothing that matters
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        raw = socket.create_connection((EVERY_ADDRESS.get(host, host.strip("[]")), port), timeout=PROBE_SECONDS)
    except OSError:
        raise _open_door() from None
    with raw:
        try:
            with context.wrap_socket(raw) as tls:
                tls.sendall(PROBE)
                answer = tls.recv(1)
        except TimeoutError:
            raise _open_door() from None
        except (ssl.SSLError, ConnectionError):
            return
    if answer:
        raise _open_door()


def _open_door() -> Fault:
    return Fault(
        "E-EXCHANGE-013",
        "The peer listener did not refuse a caller without certificate; it is stopped. Check its TLS settings.",
    )
