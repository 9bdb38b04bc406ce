"""X.509 (RFC 5280): a node's own certificate authority and the short-lived leaves it issues, all on P-256.

P-256 because verifiers that follow the web's rules refuse Ed25519 certificates.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seawall.model import Refused, from_microseconds

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=30)  # short life instead of revocation lists
RENEW_BEFORE = timedelta(days=10)  # a node that was off for two weeks still comes back with a valid certificate
CLOCK_SKEW = timedelta(days=1)  # peers' clocks may run behind; certificates begin this much earlier

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(key: ec.EllipticCurvePrivateKey, node_id: str, at: int) -> x509.Certificate:
    """The self-signed certificate of a node's authority; it may issue leaves only. ``at``: microseconds UTC."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Seawall authority {node_id}")])
    return (
        _builder(name, name, key.public_key(), at, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def new_leaf(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    public: ec.EllipticCurvePublicKey,
    node_id: str,
    purpose: x509.ObjectIdentifier,
    at: int,
) -> x509.Certificate:
    """A leaf for ``purpose`` (SERVER or CLIENT). It names the node by ``urn:uuid``, never a host: hosts move."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Seawall node {node_id}")])
    issuer_key = authority_key.public_key()
    return (
        _builder(name, authority.subject, public, at, LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:uuid:{node_id}")]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )


def certificate_sha256(der: bytes) -> str:
    """The pin of a TLS certificate (DER): SHA-256 over its SubjectPublicKeyInfo, lower hex.

    Over the key rather than the whole certificate (RFC 7469 section 2.4), so that renewal keeps it.
    Raises Refused E-IDENTITY-020 when ``der`` is no certificate.
    """
    try:
        return spki_sha256(x509.load_der_x509_certificate(der))
    except (ValueError, TypeError):
        raise Refused("E-IDENTITY-020", "The other side showed something that is not a certificate.") from None


def spki_sha256(certificate: x509.Certificate) -> str:
    """SHA-256 over the certificate's SubjectPublicKeyInfo, lower hex."""
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(spki).hexdigest()


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, at: int, life: timedelta
) -> x509.CertificateBuilder:
    begin = from_microseconds(at).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - CLOCK_SKEW)
        .not_valid_after(begin + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
