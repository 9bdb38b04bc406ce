"""What is kept of a message: short lines that name a sender, links and files, and never whom it went to.

Comes in: a whole message. Goes out: ``Line`` after ``Line``, each of which may be stored. ``formats/email_message.py``
says what each kind means.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from ipaddress import ip_address, ip_network

import msgspec

from seawall.ingest.ends import DEFAULT_OWN
from seawall.ingest.mail_recipients import Fields, Recipients
from seawall.model import Basis

NOT_MESSAGE = "not-a-message"
LINKS = 100  # of one message; newsletters hold some dozens
ATTACHMENTS = 50
PARTS = 200  # MIME parts looked at; deeper nests are attacks
BOUNDARIES = 20_000  # lines that may part a message; the standard library needs a quarter of a millisecond for each
HEADER_BOUND = 64 << 10  # bytes in which the header of a message ends
FIELD_BOUND = 1 << 20  # characters of one field that are looked at
LINK_LENGTH = 2048
TEXT_BOUND = 4 << 20  # bytes of one text part that are searched for links
LOOPBACK = "127.0.0.1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = [ip_network(text) for text in DEFAULT_OWN]
_FIELD = re.compile(rb"[!-9;-~]{1,76}:", re.ASCII)  # RFC 5322 2.2: printable but the colon
_LINK = re.compile(r"https?://[^\s<>\"'\\^`{|}\x00-\x20\x7f]{3,}", re.IGNORECASE)
_MARKUP_LINK = re.compile(r"""(?:href|src|action)\s*+=\s*+["']?\s*+(https?://[^\s"'<>]{3,})""", re.IGNORECASE)
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[^\s<>\"\[\],:;@()]{1,255}")
_HOP = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{3,45})[\])]", re.IGNORECASE)
_FAILED = re.compile(r"(?<![a-z])(?:spf|dkim|dmarc)\s*+=\s*+fail(?![a-z])", re.IGNORECASE)


class Line(msgspec.Struct, omit_defaults=True):
    """What goes on from a message, as one internal line. ``message`` is the SHA-256 of the whole file."""

    kind: str
    message: str
    time: int | None = None
    source: str | None = None
    destination: str | None = None
    sender: str | None = None
    host: str | None = None
    url: str | None = None
    file_name: str | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    basis: str = Basis.NONE
    rsit: str | None = None


def lines_of(whole: bytes) -> list[Line]:
    """Everything that is kept of a message; one line of kind NOT_MESSAGE when it is none."""
    digest = hashlib.sha256(whole).hexdigest()
    nothing = [Line(NOT_MESSAGE, digest)]
    if b"from" not in field_names(whole) or whole.count(b"\n--") > BOUNDARIES:
        return nothing
    try:
        return list(_lines(message_from_bytes(whole, policy=policy.default), digest))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError):
        return nothing  # the parser of the standard library raises these on hostile messages


def _lines(message: EmailMessage, digest: str) -> Iterator[Line]:
    parts = [part for _, part in zip(range(PARTS), message.walk(), strict=False)]
    headers = [_raw_fields(part) for part in parts]
    fields = headers[0]
    source, destination = _ends(fields)
    also = []
    inner = next((part for part in parts[1:] if part.get("From") is not None), None)
    if source is None and inner is not None:  # a message that one of us hands on: what is inside is the evidence
        also = [text for name in ("from", "reply-to", "sender") for text in fields.get(name, ())]
        message, fields = inner, _raw_fields(inner)
        source, destination = _ends(fields)
    recipients = Recipients(headers, also)
    sender = _sender(message, "From") if source else None
    time = _time(fields)
    basis, rsit = _verdict(fields)

    def line(kind: str) -> Line:
        return Line(kind, digest, time, source, destination, basis=basis, rsit=rsit)

    first = line("email")
    first.sender = sender if sender not in recipients.addresses else None
    yield first
    reply_to = _sender(message, "Reply-To")
    if source and reply_to and sender and _domain(reply_to) != _domain(sender):
        second = line("email-reply-to")
        second.host = _domain(reply_to)
        yield second
    for url in _links(parts):
        found = line("email-link")
        found.url = recipients.hide(url)
        yield found
    for name, content in _files(parts):
        found = line("email-attachment")
        found.file_name = recipients.hide(name)
        found.md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        found.sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        found.sha256 = hashlib.sha256(content).hexdigest()
        yield found


def _files(parts: Sequence[EmailMessage]) -> Iterator[tuple[str, bytes]]:
    """Names without folders, and contents, of the first ATTACHMENTS parts that have a name."""
    for part in [part for part in parts if not part.is_multipart() and part.get_filename()][:ATTACHMENTS]:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield re.split(r"[/\\]", str(part.get_filename()))[-1][:255], content


def field_names(head: bytes) -> set[bytes]:
    """Names of the fields that the file begins with, in lower case; none when a line of them is no field."""
    names: set[bytes] = set()
    for number, line in enumerate(head[:HEADER_BOUND].split(b"\n")):
        line = line.rstrip(b"\r")
        if not line:
            return names
        if number == 0 and line.startswith(b"From "):  # what mail programs put before a stored message
            continue
        if line[:1] in b" \t" and names:
            continue
        if _FIELD.match(line) is None:
            return set() if line != head[:HEADER_BOUND].split(b"\n")[-1] else names
        names.add(line.partition(b":")[0].lower())
    return names


def _raw_fields(message: EmailMessage) -> Fields:
    """Values of every field by its name in lower case, from the top, each on one line; nothing is parsed."""
    found: Fields = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), []).append(" ".join(str(value)[:FIELD_BOUND].split()))
    return found


def _sender(message: EmailMessage, name: str) -> str | None:
    """The first address of a field, in lower case."""
    for value in message.get_all(name, []):
        for mailbox in getattr(value, "addresses", ()):
            if _MAILBOX.fullmatch(mailbox.addr_spec):
                return str(mailbox.addr_spec).lower()
    return None


def _domain(address: str) -> str:
    return address.rpartition("@")[2].rstrip(".")


def _ends(fields: Fields) -> tuple[str | None, str]:
    """The first external address from our end of the chain, and the host of ours before it."""
    ours = LOOPBACK
    for field in fields.get("received", ()):
        for text in _HOP.findall(field.partition(" by ")[0])[-1:]:  # what stands first may be the client's own claim
            try:
                address = ip_address(text)
            except ValueError:
                continue
            if not any(address in network for network in _OWN):
                return text, ours
            ours = text
    return None, ours


def _time(fields: Fields) -> int | None:
    """Microseconds UTC of the topmost Received field, which our own end wrote, else of Date."""
    received = [field.rpartition(";")[2] for field in fields.get("received", [])[:1]]
    for text in [*received, *fields.get("date", ())]:
        try:
            made = parsedate_to_datetime(text.strip())
            made = made if made.tzinfo else made.replace(tzinfo=UTC)  # RFC 5322 4.3: -0000 is UTC of an unknown place
            return (made - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _verdict(fields: Fields) -> tuple[str, str | None]:
    if any(value.upper().startswith("YES") for value in fields.get("x-spam-flag", ())):
        return Basis.ALERT, "abusive-content:spam"
    if any(_FAILED.search(value) for value in fields.get("authentication-results", [])[:1]):
        return Basis.ALERT, "fraud:masquerade"
    return Basis.NONE, None


def _links(parts: Sequence[EmailMessage]) -> list[str]:
    """The first LINKS different URLs of the text and HTML parts, in their order."""
    found: dict[str, None] = {}
    for part in parts:
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or part.get_content_disposition() == "attachment":
            continue
        text = _text(part)
        pieces = [html.unescape(link) for link in _MARKUP_LINK.findall(text)] if kind == "text/html" else []
        for link in [*pieces, *_LINK.findall(html.unescape(text) if kind == "text/html" else text)]:
            found.setdefault(link.rstrip(".,;:!?)]")[:LINK_LENGTH])
            if len(found) >= LINKS:
                return list(found)
    return list(found)


def _text(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content[:TEXT_BOUND].decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return content[:TEXT_BOUND].decode("latin-1")
