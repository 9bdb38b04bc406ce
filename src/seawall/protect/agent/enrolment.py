"""How an agent and its node come to know each other: pinned both ways, by a token that works once.

Steps: (1) the agent makes its own key and certificate; (2) over a connection that it does not believe yet it reads the
node's card; (3) the fingerprint that a person brought from the node must be the card's, and the certificate of this
very connection the card's pin; (4) only then the token is told, with the agent's certificate; (5) the node finds the
point of the token, pins the certificate's key to it, and says which point it is; (6) all is kept in the state folder.
The node's keys may be rotated later: who holds the card before follows by the rule of ``identity.card``.
"""

from __future__ import annotations

import http.client
import os
import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from seawall.identity import Card, certificate_sha256, check_fingerprint, check_pin, read_card
from seawall.identity.certificates import CLOCK_SKEW, new_key
from seawall.identity.key_files import write_secret
from seawall.model import NotFound, Refused, from_microseconds
from seawall.model.agent import AGENT_PATH
from seawall.model.order import Zone
from seawall.model.unreadable import UNREADABLE
from seawall.protect.agent.checking import Trust
from seawall.protect.agent.line import PinnedConnection, no_answer, place_of, unusable, unverified_context

LIFE = timedelta(days=3650)  # the pin decides, and dropping the point ends it at once
MAX_CARD = 256 * 1024
MAX_TOKEN = 200
RECORD, KEY, CERTIFICATE = "enrolled.json", "agent.key", "agent.crt"


class Enrolled(msgspec.Struct, frozen=True):
    """What the state folder holds of the enrolment. ``card``: the node's, as it came."""

    url: str
    point: str
    card: str
    fingerprint: str  # our own pin, 64 hex digits

    @property
    def node(self) -> Card:
        """The node's card, checked. Raises as ``read_card``."""
        return read_card(self.card.encode())

    @property
    def trust(self) -> Trust:
        """Whom to believe: the signing key in force."""
        card = self.node
        return Trust(card.node_id, self.point, [card.signing_public])


class Answer(msgspec.Struct, frozen=True):
    """What the node says to a token that it knows."""

    point: str
    zone: Zone


class Request(msgspec.Struct, frozen=True):
    """What the agent brings."""

    token: str
    certificate: str  # PEM


def load(folder: Path) -> Enrolled:
    """The enrolment kept in ``folder``. Raises NotFound E-PROTECT-056 when there is none, Fault -055 when damaged."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Enrolled)
    except FileNotFoundError:
        raise NotFound(
            "E-PROTECT-056", "No agent is enrolled in {folder}; run 'seawall agent enroll' first.", folder=folder
        ) from None
    except (OSError, *UNREADABLE) as error:
        raise unusable(folder, error) from None


def enroll(folder: Path, url: str, fingerprint: str, token: str, at: int) -> tuple[Enrolled, Answer]:
    """Carry out the six steps; what was there before is replaced when all went well. ``at``: microseconds UTC.

    Raises Refused for a fingerprint that is not the node's (E-IDENTITY-032, -021) or a token that it does not know
    (E-PROTECT-057), Unavailable E-PROTECT-054 when there is no answer.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f".enrolling-{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    try:
        pem = _new_pair(fresh, at)
        card, answer = _greet(url, fingerprint, token, pem)
        pin = certificate_sha256(x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER))
        enrolled = Enrolled(url, answer.point, card, pin)
        write_secret(fresh / RECORD, msgspec.json.encode(enrolled))
        for name in (KEY, CERTIFICATE, RECORD):  # the record last: without it nothing counts
            (fresh / name).replace(folder / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return enrolled, answer


def fetch_card(url: str) -> bytes:
    """The card that whoever answers there shows: believed only as far as ``follow`` can check it.

    Raises Unavailable E-PROTECT-054.
    """
    host, port = place_of(url)
    unverified = PinnedConnection(host, port, unverified_context(), None)
    try:
        unverified.connect()
        return _card_over(unverified, f"{host}:{port}")
    except (OSError, http.client.HTTPException) as error:
        raise no_answer(f"{host}:{port}", getattr(error, "strerror", None) or type(error).__name__) from None
    finally:
        unverified.close()


def _card_over(unverified: PinnedConnection, place: str) -> bytes:
    unverified.request("GET", f"{AGENT_PATH}/card")
    said = unverified.getresponse()
    raw = said.read(MAX_CARD + 1)
    if said.status != 200 or len(raw) > MAX_CARD:
        raise no_answer(place, "it is no node's door for agents")
    return raw


def follow(folder: Path, held: Enrolled, card: bytes) -> Enrolled:
    """After the node changed its keys: the same enrolment under the later card, kept on disk.

    Raises Refused E-PROTECT-058 for a card that does not follow the one we hold, and what ``read_card`` raises.
    """
    before, after = held.node, read_card(card)
    known = {period.public for period in after.periods()}
    if after.node_id != before.node_id or after.anew or before.signing_public not in known:
        raise Refused(
            "E-PROTECT-058",
            "The node shows keys that do not follow those it had when this agent was enrolled; enrol it again.",
        )
    later = msgspec.structs.replace(held, card=card.decode())
    if later != held:
        part = folder / f".{RECORD}.{os.getpid()}"
        part.unlink(missing_ok=True)
        write_secret(part, msgspec.json.encode(later))
        part.replace(folder / RECORD)
    return later


def _greet(url: str, fingerprint: str, token: str, pem: str) -> tuple[str, Answer]:
    host, port = place_of(url)
    unverified = PinnedConnection(host, port, unverified_context(), None)
    try:
        unverified.connect()
        raw = _card_over(unverified, f"{host}:{port}")
        card = read_card(raw)
        check_fingerprint(card, fingerprint)
        check_pin(unverified.certificate(), card.certificate_sha256)  # from here on we know who it is
        body = msgspec.json.encode(Request(token[:MAX_TOKEN], pem))
        unverified.request("POST", f"{AGENT_PATH}/enroll", body, {"Content-Type": "application/json"})
        said = unverified.getresponse()
        text = said.read(MAX_CARD)
    except (OSError, http.client.HTTPException) as error:
        raise no_answer(f"{host}:{port}", getattr(error, "strerror", None) or type(error).__name__) from None
    finally:
        unverified.close()
    if said.status in (401, 403, 404):
        raise Refused(
            "E-PROTECT-057",
            "The node does not know this token; it works once and for an hour. Ask for another with 'seawall agent "
            "invite' there.",
        )
    try:
        if said.status != 200:
            raise no_answer(f"{host}:{port}", f"it answered with {said.status}")
        return raw.decode(), msgspec.json.decode(text, type=Answer)
    except UNREADABLE:
        raise no_answer(f"{host}:{port}", "it is no node's door for agents") from None


def _new_pair(folder: Path, at: int) -> str:
    """A fresh P-256 key and a certificate over itself, written; the certificate in PEM."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Seawall agent")])
    begin = from_microseconds(at).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - CLOCK_SKEW)
        .not_valid_after(begin + LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(folder / KEY, secret)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    write_secret(folder / CERTIFICATE, pem)
    return pem.decode()
