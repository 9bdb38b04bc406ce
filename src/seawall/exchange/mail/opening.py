"""A mail that came: from bytes of a stranger to content that a known peer signed, or a reason why not.

The order: (1) bounds before anything is parsed, (2) the header fields alone, (3) who the sender is and whether two
people compared its key: a stranger's mail is parsed no further, (4) find the one encrypted part, (5) decrypt and verify
against the pinned key, (6) the signed header fields against the envelope. Steps 3 and 5 are handed in. Nothing is
opened, fetched or run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser

import msgspec

from seawall.exchange.mail.bounds import BOUNDARIES, HEADER_BYTES, LINES, MULTIPARTS, NESTING, PARTS, SUBJECT
from seawall.exchange.mail.headers import BoundedHeaders
from seawall.exchange.mail.reasons import NotBelieved, Reason
from seawall.identity.openpgp import OpenedMail, Trust

ARMOR = b"-----BEGIN PGP MESSAGE-----"
ARMOR_END = b"-----END PGP MESSAGE-----"
_MULTIPART = re.compile(rb"boundary\s*+[*0-9]*+\s*+=", re.IGNORECASE)
_HEADER_ERRORS = (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError)
"""What the parser of the standard library raises on hostile messages."""
_TRUST = {
    Trust.UNSIGNED: Reason.UNSIGNED,
    Trust.OTHER_KEY: Reason.OTHER_KEY,
    Trust.BAD: Reason.BAD_SIGNATURE,
    Trust.EXPIRED_KEY: Reason.EXPIRED_KEY,
    Trust.REVOKED_KEY: Reason.REVOKED_KEY,
    Trust.EXPIRED: Reason.EXPIRED_SIGNATURE,
}


class Outside(msgspec.Struct, frozen=True):
    """What the envelope claims; nobody vouches for it. Texts are bounded and printable."""

    sender: str  # in lower case; empty: not exactly one
    subject: str = ""
    message_id: str = ""
    answers: tuple[str, ...] = ()  # Message-IDs in In-Reply-To and References


class Opened(msgspec.Struct, frozen=True):
    """A mail that the peer signed. ``content`` is MIME, or plain text when ``inline``."""

    outside: Outside
    subjects: tuple[str, ...]  # the envelope's and, where there is one, the signed one
    content: bytes
    inline: bool


Unseal = Callable[[bytes], OpenedMail]
"""Decrypts and verifies; raises Refused E-IDENTITY-071 to -073."""
VerifyDetached = Callable[[bytes, bytes], OpenedMail]


def parse(raw: bytes, *, head_only: bool = False) -> EmailMessage:
    """The message, or its header fields alone, within the bounds. Raises NotBelieved (malformed)."""
    head_end = re.search(rb"\r?\n\r?\n", raw[: HEADER_BYTES + 4])
    if head_end is None and len(raw) > HEADER_BYTES:
        raise NotBelieved(Reason.MALFORMED)
    if head_only:
        raw = raw[: head_end.end()] if head_end is not None else raw
    elif raw.count(b"\n") > LINES or raw.count(b"\n--") > BOUNDARIES or len(_MULTIPART.findall(raw)) > MULTIPARTS:
        raise NotBelieved(Reason.MALFORMED)
    try:
        message = BytesParser(EmailMessage, policy=BoundedHeaders()).parsebytes(raw, headersonly=head_only)
    except _HEADER_ERRORS:
        raise NotBelieved(Reason.MALFORMED) from None
    if not isinstance(message, EmailMessage):
        raise NotBelieved(Reason.MALFORMED)
    return message


def outside(message: EmailMessage) -> Outside:
    """The envelope's claims, whatever they are worth. Raises NotBelieved (malformed) for fields beyond the bounds."""
    addresses = _senders(message)
    sender = addresses[0].lower() if len(addresses) == 1 else ""
    answers = " ".join([_field(message, "References", 4_000), _field(message, "In-Reply-To", 1_000)])
    return Outside(
        sender=sender[:SUBJECT],
        subject=_field(message, "Subject", SUBJECT),
        message_id=_field(message, "Message-ID", SUBJECT),
        answers=tuple(re.findall(r"<[^<>\s]{1,250}>", answers)),
    )


def open_mail(message: EmailMessage, claims: Outside, unseal: Unseal, verify: VerifyDetached) -> Opened:
    """Steps (4) to (6). Raises NotBelieved with the reason, and what ``unseal`` raises beside its own refusals."""
    sealed, inline = _encrypted_part(message)
    opened = unseal(sealed)
    if opened.trust is Trust.UNSIGNED and not inline:
        opened = _signed_inside(parse(opened.content), opened, verify)
    if opened.trust is not Trust.GOOD:
        raise NotBelieved(_TRUST[opened.trust])
    inner = None if inline else parse(opened.content)  # what the signature speaks for, not what was put around it
    subjects = [claims.subject]
    if inner is not None and (signed := outside(inner)).sender and signed.sender != claims.sender:
        raise NotBelieved(Reason.OTHER_HEADERS)
    if inner is not None and (subject := _field(inner, "Subject", SUBJECT)):
        subjects.append(subject)
    return Opened(claims, tuple(subjects), opened.content, inline)


def _encrypted_part(message: EmailMessage) -> tuple[bytes, bool]:
    """The one OpenPGP message; True when it stands as text in the mail itself (inline PGP)."""
    found: list[tuple[bytes, bool]] = []
    for part in leaves(message):
        kind = part.get_content_type()
        if kind not in ("application/octet-stream", "application/pgp-encrypted", "text/plain"):
            continue
        data = payload(part)
        start = data.find(ARMOR)
        if start >= 0:
            end = data.find(ARMOR_END, start)
            whole = data[start : end + len(ARMOR_END)] + b"\n" if end >= 0 else data[start:]
            found += [(whole, kind == "text/plain")] * data.count(ARMOR)
    if not found:
        raise NotBelieved(Reason.PLAINTEXT)
    if len(found) > 1:
        raise NotBelieved(Reason.MALFORMED)  # which of them would the signature speak for?
    return found[0]


def _signed_inside(inner: EmailMessage, opened: OpenedMail, verify: VerifyDetached) -> OpenedMail:
    """RFC 3156 section 6.1: signed first, then encrypted. The signature is over the part as it stands, CRLF ended."""
    boundary = inner.get_boundary()
    if inner.get_content_type() != "multipart/signed" or not boundary:
        return opened
    pieces = re.split(rb"\r?\n?--" + re.escape(boundary.encode("ascii", "replace")) + rb"[ \t]*\r?\n", opened.content)
    parts = list(inner.iter_parts())
    if len(pieces) != 3 or len(parts) != 2 or parts[1].get_content_type() != "application/pgp-signature":
        return opened
    signed = re.sub(rb"\r?\n", b"\r\n", pieces[1])
    judged = verify(signed, payload(parts[1]))
    return OpenedMail(signed, judged.trust, judged.signed_at)


def leaves(message: MIMEPart) -> Iterator[MIMEPart]:
    """The parts that hold something, in order, within the bounds; a mail that is attached stays closed.

    Raises NotBelieved (malformed) beyond them.
    """
    waiting: list[tuple[MIMEPart, int]] = [(message, 0)]
    count = 0
    while waiting:
        part, depth = waiting.pop()
        count += 1
        if count > PARTS or depth > NESTING:
            raise NotBelieved(Reason.MALFORMED)
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting += [(below, depth + 1) for below in reversed(list(part.iter_parts()))]
        else:
            yield part


def payload(part: MIMEPart) -> bytes:
    """A part's decoded bytes; empty when they cannot be decoded."""
    try:
        content = part.get_payload(decode=True)
    except _HEADER_ERRORS:
        return b""
    return content if isinstance(content, bytes) else b""


def _senders(message: EmailMessage) -> list[str]:
    """The addresses in the one From field; none when there are several fields, or it cannot be read."""
    if [name.lower() for name in message].count("from") != 1:
        return []
    try:
        return [mailbox.addr_spec for mailbox in getattr(message["From"], "addresses", ())]
    except _HEADER_ERRORS:
        return []


def _field(message: EmailMessage, name: str, most: int) -> str:
    try:
        text = str(message.get(name, ""))[: most * 4]
    except _HEADER_ERRORS:
        return ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:most]
