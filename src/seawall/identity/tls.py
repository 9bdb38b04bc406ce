"""TLS 1.3 with certificates on both sides, for the two ends of a peer link.

Server: (1) TLS 1.3 only, (2) a client certificate that chains to a verified peer's authority, inside its validity;
the door owes (3): read the certificate of each request's connection and look its ``certificate_sha256`` up.
Client: (1) TLS 1.3 only, (2) a server certificate by exactly this peer's authority; it owes (3) ``check_pin``.

Host names are not checked: each context of a client trusts one private authority that belongs to one peer alone, which
says more than a name, and nodes move between addresses.
"""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Iterable

from seawall.identity.certificates import certificate_sha256
from seawall.identity.keys import NodeKeys
from seawall.model import Fault, Refused


def server_context(keys: NodeKeys, peer_authorities: Iterable[str]) -> ssl.SSLContext:
    """The peer listener's context: refuses everybody without a certificate by one of ``peer_authorities`` (PEM).

    With none, it refuses everybody. Raises Fault E-IDENTITY-040 when the files or a PEM cannot be used.
    """
    context = _context(keys, ssl.PROTOCOL_TLS_SERVER, "server.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # no resumption: every connection shows its certificate again
    for pem in peer_authorities:
        trust(context, pem)
    return context


def client_context(keys: NodeKeys, peer_authority: str) -> ssl.SSLContext:
    """The context for calling one peer: shows our client certificate, believes that peer's authority (PEM) only.

    Raises Fault E-IDENTITY-040 when the files or the PEM cannot be used.
    """
    context = _context(keys, ssl.PROTOCOL_TLS_CLIENT, "client.crt")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    trust(context, peer_authority)
    return context


def trust(context: ssl.SSLContext, peer_authority: str) -> None:
    """Let a running context believe one more authority, from its next handshake on.

    Taking trust away needs no reload: a suspended peer fails the pin look-up on every request.
    """
    try:
        context.load_verify_locations(cadata=peer_authority)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise _unusable(error) from None


def check_pin(der: bytes | None, pin: str) -> None:
    """Pass when the certificate (DER) shown has the pinned key; else raise Refused E-IDENTITY-021."""
    if der is None or not hmac.compare_digest(certificate_sha256(der), pin):
        raise Refused(
            "E-IDENTITY-021", "The other side showed a certificate that is not the pinned one; nothing was sent."
        )


def _context(keys: NodeKeys, protocol: int, certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        context.load_cert_chain(keys.folder / certificate, keys.folder / "leaf.key")
    except (ssl.SSLError, OSError) as error:
        raise _unusable(error) from None
    return context


def _unusable(error: Exception) -> Fault:
    return Fault("E-IDENTITY-040", "The keys or certificates for TLS cannot be used: {reason}.", reason=error)
