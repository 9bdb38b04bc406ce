"""A new agent: a person of ours invites it to a point, it comes with a token that works once, its key is pinned."""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from seawall.flow.agent_reports import forget
from seawall.flow.node import Node
from seawall.identity.certificates import spki_sha256
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, Refused
from seawall.model.order import Point

INVITED_SECONDS = 3_600  # a token works for an hour
MAX_REQUEST = 16 * 1024  # bytes: a token and one certificate
MAX_INVITES = 100  # that stand at once
INVITES = "agent-invites"
CERTIFICATE = "agent-certificate {point}"
"""Key of the note with the certificate that the agent at a point showed when it was enrolled."""


class Invite(msgspec.Struct, frozen=True):
    """What is kept of an invitation; the token itself is shown once and kept nowhere."""

    digest: str  # SHA-256 of the token
    point: str
    until: int  # microseconds UTC
    by: str


class Request(msgspec.Struct, frozen=True):
    """What an agent brings."""

    token: str
    certificate: str  # PEM


def invite(node: Node, point: str) -> str:
    """A token for the agent of a point, on record.

    Raises NotFound E-STORE-301 for the point, Refused E-FLOW-004 for the person, Fault E-FLOW-950 for too many.
    """
    person = node.require("enforce")
    found = node.store.orders.point(point)
    at = node.clock()
    standing = [item for item in _invites(node) if item.until > at and item.point != found.name]
    if len(standing) >= MAX_INVITES:
        raise Fault("E-FLOW-950", "{most} invitations stand already; they end within an hour.", most=MAX_INVITES)
    token = secrets.token_urlsafe(24)
    fresh = Invite(_digest(token), found.name, at + INVITED_SECONDS * 1_000_000, person.name)
    node.event(EventKind.AGENT_INVITED, found.name)
    _keep(node, [*standing, fresh])
    return token


def enrol(node: Node, body: bytes) -> Point:
    """Take the agent that brings ``body`` in at the point of its token; any earlier agent there is out from now on.

    Raises Refused E-FLOW-951 for a token that does not stand, Fault E-FLOW-952 for a body that is no request.
    """
    try:
        request = msgspec.json.decode(body, type=Request)
        certificate = x509.load_pem_x509_certificate(request.certificate.encode())
        pem = certificate.public_bytes(Encoding.PEM).decode()
        key = certificate.public_key()
    except ValueError:  # msgspec's errors are ValueErrors too
        raise _no_request() from None
    if len(body) > MAX_REQUEST or not isinstance(key, ec.EllipticCurvePublicKey):
        raise _no_request()
    at = node.clock()
    digest = _digest(request.token)
    standing = _invites(node)
    found = [item for item in standing if secrets.compare_digest(item.digest, digest) and item.until > at]
    if not found:
        raise Refused("E-FLOW-951", "This token is not known, was used, or is older than an hour.")
    _keep(node, [item for item in standing if item not in found])  # used up whatever comes now
    pin = spki_sha256(certificate)
    point = msgspec.structs.replace(node.store.orders.point(found[0].point), fingerprint=pin)
    details: dict[str, str | int | list[str]] = {"fingerprint": pin, "invited_by": found[0].by}
    node.ledger.record_event(LedgerEvent(EventKind.AGENT_ENROLLED, at, found[0].by, point.name, details))
    node.store.notes.set(CERTIFICATE.format(point=point.name), pem)
    node.store.orders.save_point(point, at)
    forget(node, point.name)
    return point


def certificates(node: Node) -> dict[str, str]:
    """Point -> certificate (PEM) of its agent, of every point that has one."""
    names = {CERTIFICATE.format(point=point.name): point.name for point in node.store.orders.points()}
    return {names[key]: pem for key, pem in node.store.notes.several(list(names)).items()}


def _invites(node: Node) -> list[Invite]:
    return msgspec.json.decode(node.store.notes.get(INVITES) or "[]", type=list[Invite])


def _keep(node: Node, invites: list[Invite]) -> None:
    node.store.notes.set(INVITES, msgspec.json.encode(invites).decode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).hexdigest()


def _no_request() -> Fault:
    return Fault("E-FLOW-952", "This is no request of an agent: it lacks a token or a usable certificate.")
