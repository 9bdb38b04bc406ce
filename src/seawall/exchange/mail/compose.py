"""From a recorded release to a mail: text, STIX and CSV in one part that is signed and encrypted (RFC 3156, 6.2).

The order: (1) the readable text, (2) the attachments, (3) the same header fields inside as outside, so that nobody can
change the subject's marking unseen, (4) sign and encrypt, (5) the outer mail. Step 4 is handed in: keys live elsewhere.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.encoders import encode_7or8bit
from email.headerregistry import Address
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime

import msgspec

from seawall.codec.export import write_csv, write_stix
from seawall.exchange.mail.letter import Letter, letter_text
from seawall.model import Recorded, Release, from_microseconds

Seal = Callable[[bytes], bytes]
"""Signs and encrypts; raises when the recipient's key does not allow it."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The header fields of one mail. ``at`` in microseconds UTC."""

    sender_name: str
    sender: str
    recipient: str
    subject: str
    message_id: str
    at: int
    references: tuple[str, ...] = ()  # Message-IDs of the thread so far, oldest first


class OutgoingMail(msgspec.Struct, frozen=True):
    """A whole mail, ready for SMTP."""

    sender: str
    recipient: str
    message_id: str
    content: bytes


def message_id(domain: str, ticket: str, *parts: object) -> str:
    """The same for the same things: what is sent again after a kill is recognised as one mail."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]
    return f"<{ticket}.{digest}@{domain}>"


def compose(released: Recorded[Release], envelope: Envelope, letter: Letter, seal: Seal) -> OutgoingMail:
    """The mail that carries everything of one recorded release. Raises what ``seal`` raises."""
    inner = EmailMessage(policy=policy.SMTP)
    objects = released.value.objects
    inner.set_content(letter_text(letter, objects), cte="base64")
    bodies = [item.body for item in objects]
    for name, kind, write in (
        (letter.stix_name, "application/stix+json", write_stix),
        (letter.csv_name, "text/csv", write_csv),
    ):
        file = io.BytesIO()
        write(bodies, file)
        main, _, sub = kind.partition("/")
        inner.add_attachment(file.getvalue(), maintype=main, subtype=sub, filename=name)
    _head(inner, envelope)
    inner.set_param("protected-headers", "v1")
    return OutgoingMail(
        envelope.sender, envelope.recipient, envelope.message_id, _wrapped(seal(inner.as_bytes()), envelope)
    )


def _wrapped(sealed: bytes, envelope: Envelope) -> bytes:
    outer = MIMEMultipart("encrypted", policy=policy.SMTP, protocol="application/pgp-encrypted")
    outer.attach(MIMEApplication(b"Version: 1\r\n", "pgp-encrypted", encode_7or8bit, policy=policy.SMTP))
    body = MIMEApplication(sealed, "octet-stream", encode_7or8bit, policy=policy.SMTP, name="encrypted.asc")
    body["Content-Disposition"] = 'inline; filename="encrypted.asc"'
    outer.attach(body)
    _head(outer, envelope)
    return outer.as_bytes()


def _head(message: EmailMessage | MIMEMultipart, envelope: Envelope) -> None:
    name = "".join(letter for letter in envelope.sender_name if letter.isprintable())
    message["From"] = str(Address(name, addr_spec=envelope.sender))
    message["To"] = str(Address(addr_spec=envelope.recipient))
    message["Subject"] = envelope.subject
    message["Date"] = format_datetime(_when(envelope.at))
    message["Message-ID"] = envelope.message_id
    if envelope.references:
        message["In-Reply-To"] = envelope.references[-1]
        message["References"] = " ".join(envelope.references)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office programs keep silent


def _when(at: int) -> datetime:
    return from_microseconds(at).astimezone(UTC)
