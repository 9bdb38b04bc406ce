"""A message to a log collector of ours: RFC 5424 or CEF, over UDP, TCP or TLS."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

from seawall.flow.node import Node
from seawall.model import Recorded, Release, Unavailable
from seawall.settings import ChannelSettings
from seawall.warn.channels import cef_lines, framed, syslog_lines

SECONDS = 20.0
MOST_SAID = 16  # parts of an answer that are read: syslog has none
FORMS = {"rfc5424": syslog_lines, "cef": cef_lines}


def send_syslog(node: Node, channel: ChannelSettings, released: Recorded[Release]) -> None:
    """Send one line for each value. Syslog has no answer: over TCP and TLS it has left when the collector's side has
    closed in order; over UDP it has left, no more. Raises Unavailable E-FLOW-846."""
    lines = FORMS[channel.form](released)
    try:
        if channel.transport == "udp":
            _by_datagram(channel, lines)
        else:
            _by_stream(node, channel, b"".join(map(framed, lines)))
    except OSError as error:  # ssl.SSLError is one
        raise Unavailable(
            "E-FLOW-846",
            "The log collector {host}:{port} cannot be used: {reason}.",
            host=channel.host,
            port=channel.port,
            reason=str(error)[:200] or type(error).__name__,
        ) from None


def _by_datagram(channel: ChannelSettings, lines: list[bytes]) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(channel.host, channel.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as sender:
        sender.settimeout(SECONDS)
        sender.connect(address)  # a port that nobody listens on is then told by the next send
        for line in lines:
            sender.send(line)


def _by_stream(node: Node, channel: ChannelSettings, data: bytes) -> None:
    with socket.create_connection((channel.host, channel.port), timeout=SECONDS) as plain:
        if channel.transport == "tcp":
            _send_and_end(plain, data)
            return
        trust = ssl.create_default_context(cafile=str(node.folder / channel.ca_file) if channel.ca_file else None)
        with trust.wrap_socket(plain, server_hostname=channel.host) as sealed:
            sealed.sendall(data)
            with suppress(ssl.SSLError):  # many collectors end without an answer to it
                sealed.unwrap()  # RFC 5425 section 4.4: close_notify, or lines at the end may be lost


def _send_and_end(sender: socket.socket, data: bytes) -> None:
    sender.sendall(data)
    sender.shutdown(socket.SHUT_WR)
    for _ in range(MOST_SAID):  # until the collector has read to the end; what it says is nothing to us
        if not sender.recv(4_096):
            return
