"""Mutual TLS between two nodes in memory: who gets through, and who does not."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from seawall.identity import NodeKeys, certificate_sha256, check_pin, client_context, server_context, tls, trust
from seawall.model import Fault, Refused, system_clock

DAY = 86_400_000_000


class Ends:
    """Both ends of one connection, talking through memory."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(down, up, server_side=False)
        self.server = server.wrap_bio(up, down, server_side=True)

    def shake_hands(self) -> None:
        """Finish the handshake at both ends, then say one word: TLS 1.3 tells a refused client on its first read."""
        waiting = [self.client, self.server]
        for _ in range(6):
            for end in list(waiting):
                try:
                    end.do_handshake()
                    waiting.remove(end)
                except ssl.SSLWantReadError:
                    pass
        assert not waiting
        self.server.write(b"word")
        assert self.client.read(4) == b"word"


def test_two_nodes_that_know_each_other_connect(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """Both see the certificate they pinned, over TLS 1.3."""
    ends = Ends(server_context(seoul, [taipei.ca_pem]), client_context(taipei, seoul.ca_pem))
    ends.shake_hands()
    assert ends.server.version() == "TLSv1.3"
    check_pin(ends.server.getpeercert(binary_form=True), taipei.certificate_sha256)
    check_pin(ends.client.getpeercert(binary_form=True), seoul.certificate_sha256)


def test_a_server_that_trusts_nobody_refuses_everybody(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """Without verified peers nobody gets in."""
    with pytest.raises(ssl.SSLError):
        Ends(server_context(seoul, []), client_context(taipei, seoul.ca_pem)).shake_hands()


def test_no_certificate_no_entry(seoul: NodeKeys) -> None:
    """A client without a certificate is refused."""
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.load_verify_locations(cadata=seoul.ca_pem)
    with pytest.raises(ssl.SSLError):
        Ends(server_context(seoul, [seoul.ca_pem]), bare).shake_hands()


def test_a_stranger_is_refused_at_either_end(taipei: NodeKeys, seoul: NodeKeys, tmp_path: Path) -> None:
    """A certificate by an authority that was never added does not pass, as client or as server."""
    stranger = NodeKeys.create(tmp_path / "keys", name="Stranger", economy="XX", at=system_clock())
    with pytest.raises(ssl.SSLError):
        Ends(server_context(seoul, [taipei.ca_pem]), client_context(stranger, seoul.ca_pem)).shake_hands()
    with pytest.raises(ssl.SSLError):
        Ends(server_context(stranger, [taipei.ca_pem]), client_context(taipei, seoul.ca_pem)).shake_hands()


@pytest.mark.parametrize("days", [-40, 20])
def test_a_certificate_outside_its_validity_is_refused(seoul: NodeKeys, tmp_path: Path, days: int) -> None:
    """Expired and not yet valid certificates are refused; the same node gets in again after renewal."""
    node = NodeKeys.create(tmp_path / "keys", name="Late", economy="TW", at=system_clock() - 100 * DAY)
    node.renew(system_clock() + days * DAY, force=True)
    with pytest.raises(ssl.SSLError):
        Ends(server_context(seoul, [node.ca_pem]), client_context(node, seoul.ca_pem)).shake_hands()
    node.renew(system_clock(), force=True)
    Ends(server_context(seoul, [node.ca_pem]), client_context(node, seoul.ca_pem)).shake_hands()


def test_a_client_certificate_does_not_serve(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """Whoever stole a client certificate cannot pose as the server with it."""
    posing = tls._context(seoul, ssl.PROTOCOL_TLS_SERVER, "client.crt")
    trust(posing, taipei.ca_pem)
    with pytest.raises(ssl.SSLError):
        Ends(posing, client_context(taipei, seoul.ca_pem)).shake_hands()


def test_trust_reaches_a_running_context(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """A peer that was verified while the server runs gets in at its next attempt."""
    context = server_context(seoul, [])
    with pytest.raises(ssl.SSLError):
        Ends(context, client_context(taipei, seoul.ca_pem)).shake_hands()
    trust(context, taipei.ca_pem)
    Ends(context, client_context(taipei, seoul.ca_pem)).shake_hands()


def test_older_tls_is_refused(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """A client that speaks TLS 1.2 at most is refused."""
    old = client_context(taipei, seoul.ca_pem)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        Ends(server_context(seoul, [taipei.ca_pem]), old).shake_hands()


def test_another_key_under_the_right_authority_fails_the_pin(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """The pin is looked at apart from the authority, and a missing certificate fails it too."""
    der = ssl.PEM_cert_to_DER_cert((taipei.folder / "client.crt").read_text("ascii"))
    check_pin(der, taipei.certificate_sha256)
    for shown in (der, None):
        with pytest.raises(Refused) as caught:
            check_pin(shown, seoul.certificate_sha256)
        assert caught.value.code == "E-IDENTITY-021"


def test_junk_is_not_a_certificate() -> None:
    """Bytes that are no certificate raise a refusal."""
    with pytest.raises(Refused) as caught:
        certificate_sha256(b"\x30\x82junk")
    assert caught.value.code == "E-IDENTITY-020"


def test_unusable_files_are_a_fault(taipei: NodeKeys, fresh_folder: Path, moment: int) -> None:
    """A missing certificate file or a garbled authority gives one sentence."""
    keys = NodeKeys.create(fresh_folder, name="Taipei", economy="TW", at=moment)
    with pytest.raises(Fault) as caught:
        client_context(keys, "not a certificate")
    assert caught.value.code == "E-IDENTITY-040"
    (fresh_folder / "server.crt").unlink()
    with pytest.raises(Fault) as caught:
        server_context(keys, [taipei.ca_pem])
    assert caught.value.code == "E-IDENTITY-040"
