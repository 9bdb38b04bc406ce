"""TLS 1.3 with certificates on both sides, for the two ends of a peer link.

Server: (1) TLS 1.3 only, (2) a client certificate that chains to a verified peer's authority, inside its validity;
the door owes (3): read the certificate of each request's connection and look its ``certificate_sha256`` up.
Client: (1) TLS 1.3 only, (2) a server certificate by exactly this peer's authority; it owes (3) ``check_pin``.

Host names are not checked: each context of a client trusts one private authority that belongs to one peer alone, which
says more than a name, and nodes move between addresses.
"""

from __future__ import annotations

import hmac
import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seawall.identity.certificates import certificate_sha256
from seawall.identity.keys import NodeKeys
from seawall.identity.sealing import is_sealed
from seawall.identity.vault_open import read_secret
from seawall.model import Fault, Refused


def server_name(pin: str) -> str:
    """What a client asks for in the handshake (SNI, RFC 6066): the server whose pin begins so.

    A node that rotated its keys shows each caller the certificate that it asks for. ``.invalid`` is nobody's name.
    """
    return f"{pin[:32]}.invalid"


class ServerTls:
    """The peer listener's trust and certificates, changed under way without closing the door.

    ``context`` is what the listener holds; each handshake is done with the certificate that the caller's
    ``server_name`` asks for: the one in force, or during the overlap a former one. Who asks for none (a release before
    rotation existed) gets the oldest that is still shown.
    """

    def __init__(self, keys: NodeKeys) -> None:
        self._keys = keys
        self._trusted: list[str] = []
        self._shown: tuple[object, ...] = ()
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None
        self.context = server_context(keys, [])
        self.context.sni_callback = self._choose
        self.reload(overlap=False)

    def trust(self, peer_authority: str) -> None:
        """Believe one more authority (PEM), from the next handshake on."""
        self._trusted.append(peer_authority)
        for context in self._by_name.values():
            trust(context, peer_authority)

    def reload(self, *, overlap: bool) -> None:
        """Take over keys that were rotated or renewed since; ``overlap``: former certificates may still be shown."""
        former = self._keys.former_secrets if overlap else {}
        folders = (*former.values(), self._keys.secrets)
        shown = tuple((folder, (folder / "server.crt").stat().st_mtime_ns) for folder in folders)
        if shown == self._shown:
            return
        by_name: dict[str, ssl.SSLContext] = {}
        for folder in folders:
            pin = certificate_sha256(ssl.PEM_cert_to_DER_cert((folder / "server.crt").read_text("ascii")))
            by_name[server_name(pin)] = server_context(self._keys, self._trusted, folder=folder)
        self._by_name, self._default = by_name, next(iter(by_name.values()))
        self._shown = shown

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _base: ssl.SSLContext) -> None:
        chosen = self._by_name.get(name or "", self._default)
        if chosen is not None:
            connection.context = chosen


def server_context(keys: NodeKeys, peer_authorities: Iterable[str], *, folder: Path | None = None) -> ssl.SSLContext:
    """The peer listener's context: refuses everybody without a certificate by one of ``peer_authorities`` (PEM).

    With none, it refuses everybody. Raises Fault E-IDENTITY-040 when the files or a PEM cannot be used.
    """
    context = _context(keys, ssl.PROTOCOL_TLS_SERVER, "server.crt", folder)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # no resumption: every connection shows its certificate again
    for pem in peer_authorities:
        trust(context, pem)
    return context


def client_context(keys: NodeKeys, peer_authority: str, *, version: int | None = None) -> ssl.SSLContext:
    """The context for calling one peer: shows our client certificate, believes that peer's authority (PEM) only.

    ``version``: show the certificate of that former key set, if it is still there, to a peer that holds no later one.

    Raises Fault E-IDENTITY-040 when the files or the PEM cannot be used.
    """
    context = _context(keys, ssl.PROTOCOL_TLS_CLIENT, "client.crt", keys.former_secrets.get(version or 0))
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


def _context(keys: NodeKeys, protocol: int, certificate: str, folder: Path | None = None) -> ssl.SSLContext:
    folder = folder or keys.secrets
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    try:
        with _readable(folder / certificate, folder / "leaf.key") as (chain, key):
            context.load_cert_chain(chain, key)
    except (ssl.SSLError, OSError) as error:
        raise _unusable(error) from None
    return context


@contextmanager
def _readable(certificate: Path, key: Path) -> Iterator[tuple[Path, Path]]:
    """The two as files that OpenSSL can read: a sealed key is opened into memory, never onto the disk (memfd)."""
    if not is_sealed(key.read_bytes()):
        yield certificate, key
        return
    descriptor = os.memfd_create("seawall-leaf-key", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(read_secret(key))
        yield certificate, Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _unusable(error: Exception) -> Fault:
    return Fault("E-IDENTITY-040", "The keys or certificates for TLS cannot be used: {reason}.", reason=error)
