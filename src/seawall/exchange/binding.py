"""Where a server may listen: in the clear on this machine alone."""

from __future__ import annotations

import ipaddress

from seawall.model import Fault


def is_loopback(host: str) -> bool:
    """True when ``host`` can only be reached from this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_safe_bind(host: str, *, tls: bool) -> None:
    """Raise Fault E-EXCHANGE-011 when tokens would cross a network in the clear."""
    if not tls and not is_loopback(host):
        raise Fault(
            "E-EXCHANGE-011",
            "Refusing to serve on {host} without TLS; give a certificate and key, or stay on 127.0.0.1.",
            host=host,
        )
