"""Messages as ``.eml`` files, one a file: who sent it from where, which links it holds, which files hang on it.

Reference: RFC 5322 (messages), RFC 2045 to 2049 (MIME), RFC 8601 (``Authentication-Results``), RFC 5321 4.4 (trace).

**Recipients never come in.** A message is taken apart before any line of it is kept: what goes on, also to quarantine,
are short internal lines that hold the values named below and a digest of the message. To, Cc, Bcc, Delivered-To, the
subject, the text and the attachments themselves are left at the door. Where a link or a file name spells a recipient's
address (plainly, percent-encoded or in Base64), ``recipient`` stands in its place.

Rows of one message, all with the time that the topmost Received field gives (else Date):

- ``email``: the sender, and the first external address on the Received chain, read from our end, as the source.
- ``email-reply-to``: the domain that answers would go to, when it is not the sender's.
- ``email-link``: a URL in a text or HTML part, at most LINKS of them.
- ``email-attachment``: a file's name, MD5, SHA-1 and SHA-256, at most ATTACHMENTS of them.

The destination is the host of ours that took the message from outside, when its private address is on the chain; else
loopback stands for it ("this host"). Without any external hop the message may be from one of us: no sender is kept.

A message that nobody judged is no evidence: basis ``none``. It is ``alert`` only when a filter said so: the topmost
Authentication-Results tells of a failed SPF, DKIM or DMARC check, or X-Spam-Flag says YES.
"""

from __future__ import annotations

import base64
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
from urllib.parse import quote

import msgspec

from seawall.ingest.ends import DEFAULT_OWN
from seawall.ingest.interface import Engine, Reader
from seawall.ingest.records import LineRefused, Record, RecordReader
from seawall.model import Basis

NOT_MESSAGE = "not-a-message"
LINKS = 100  # of one message; newsletters hold some dozens
ATTACHMENTS = 50
PARTS = 200  # MIME parts looked at; deeper nests are attacks
HEADER_BOUND = 64 << 10  # bytes in which the header of a message ends
LINK_LENGTH = 2048
RECIPIENTS = 1000  # of one field
HIDDEN = "recipient"
TEXT_BOUND = 4 << 20  # bytes of one text part that are searched for links
LOOPBACK = "127.0.0.1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = [ip_network(text) for text in DEFAULT_OWN]
_MARK = b"email-message "
_FIELD = re.compile(rb"[!-9;-~]{1,76}:", re.ASCII)  # RFC 5322 2.2: printable but the colon
_LINK = re.compile(r"https?://[^\s<>\"'\\^`{|}\x00-\x20\x7f]{3,}", re.IGNORECASE)
_MARKUP_LINK = re.compile(r"""(?:href|src|action)\s*=\s*["']?\s*(https?://[^\s"'<>]{3,})""", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[^\s<>\"\[\],:;@()]{1,255}")
_HOP = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{3,45})[\])]", re.IGNORECASE)
_RECIPIENTS = ("To", "Cc", "Bcc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "Apparently-To")
_FAILED = re.compile(r"(?<![a-z])(?:spf|dkim|dmarc)\s*=\s*fail(?![a-z])", re.IGNORECASE)


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


class EmailFile:
    """Messages; see ``interface.Format`` for what each method promises."""

    name = "email"

    def recognises(self, head: bytes) -> bool:
        """True when the file begins with header fields, From and Date among them, and another that mail has."""
        names = _field_names(head)
        return {b"from", b"date"} <= names and bool(names & {b"received", b"message-id", b"mime-version", b"to"})

    def plausible(self, head: bytes) -> bool:
        """True when it begins with header fields, From among them."""
        return b"from" in _field_names(head)

    def unfold(self, whole: bytes) -> bytes | None:
        """The internal lines of the message; one that says why for what is none."""
        return b"\n".join(_MARK + msgspec.json.encode(line) for line in lines_of(whole))

    def reader(self, engine: Engine) -> Reader:
        """Internal lines need no memory."""
        return RecordReader(_Decoder(), engine)


class _Decoder:
    def decode(self, line: bytes) -> Sequence[Record]:
        """One internal line: a link, a file, a sender."""
        try:
            found = msgspec.json.decode(line.removeprefix(_MARK), type=Line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise LineRefused(NOT_MESSAGE, "it is no message") from None
        if not line.startswith(_MARK) or found.kind == NOT_MESSAGE:
            raise LineRefused(NOT_MESSAGE, "it is no message: header fields with a sender are missing")
        return (
            {
                "kind": found.kind,
                "time": found.time,
                "src_raw": found.source,
                "dst_raw": found.destination,
                "client_is_source": found.kind
                not in ("email-link", "email-reply-to"),  # we would be the client of those
                "sender": found.sender,
                "host": found.host,
                "path": found.url,
                "file_name": found.file_name,
                "md5": found.md5,
                "sha1": found.sha1,
                "sha256": found.sha256,
                "basis": found.basis,
                "rsit": found.rsit,
            },
        )


def lines_of(whole: bytes) -> list[Line]:
    """Everything that is kept of a message; one line of kind NOT_MESSAGE when it is none."""
    digest = hashlib.sha256(whole).hexdigest()
    nothing = [Line(NOT_MESSAGE, digest)]
    if b"from" not in _field_names(whole[:HEADER_BOUND]):
        return nothing
    try:
        message = message_from_bytes(whole, policy=policy.default)
        return list(_lines(message, digest))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError):
        return nothing  # the parser of the standard library raises these on hostile messages


def _lines(message: EmailMessage, digest: str) -> Iterator[Line]:
    source, destination = _ends(message)
    recipients, hidden = _recipients(message)
    sender = _sender(message, "From") if source else None
    basis, rsit = _verdict(message)

    def line(kind: str) -> Line:
        return Line(kind, digest, _time(message), source, destination, basis=basis, rsit=rsit)

    first = line("email")
    first.sender = sender if sender not in recipients else None
    yield first
    reply_to = _sender(message, "Reply-To")
    if source and reply_to and sender and _domain(reply_to) != _domain(sender):
        second = line("email-reply-to")
        second.host = _domain(reply_to)
        yield second
    parts = [part for _, part in zip(range(PARTS), message.walk(), strict=False)]
    for url in _links(parts):
        found = line("email-link")
        found.url = hidden.sub(HIDDEN, url)
        yield found
    for part in [part for part in parts if not part.is_multipart() and part.get_filename()][:ATTACHMENTS]:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            found = line("email-attachment")
            found.file_name = hidden.sub(HIDDEN, re.split(r"[/\\]", str(part.get_filename()))[-1][:255])
            found.md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            found.sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            found.sha256 = hashlib.sha256(content).hexdigest()
            yield found


def _field_names(head: bytes) -> set[bytes]:
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


def _fields(message: EmailMessage, name: str) -> list[str]:
    """Values of a field from the top, on one line each. What cannot be parsed counts as absent."""
    try:
        return [" ".join(str(value).split()) for value in message.get_all(name, [])]
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return []


def _sender(message: EmailMessage, name: str) -> str | None:
    """The first address of a field, in lower case."""
    for value in message.get_all(name, []):
        for mailbox in getattr(value, "addresses", ()):
            if _ADDRESS.fullmatch(mailbox.addr_spec):
                return str(mailbox.addr_spec).lower()
    return None


def _recipients(message: EmailMessage) -> tuple[set[str], re.Pattern[str]]:
    """Everybody whom the message names as a recipient, and a pattern for the spellings of their addresses."""
    texts = [text for name in _RECIPIENTS for text in _fields(message, name)]
    texts += [field.partition(" for ")[2] for field in _fields(message, "Received")]
    found = {address.lower() for text in texts for address in _ADDRESS.findall(text)[:RECIPIENTS]}
    spelt: set[str] = set()
    for address in found:
        encoded = base64.b64encode(address.encode()).decode().rstrip("=")
        spelt |= {address, quote(address, safe=""), encoded, encoded.replace("+", "-").replace("/", "_")}
    return found, re.compile("|".join(sorted(map(re.escape, spelt), reverse=True)) or r"(?!)", re.IGNORECASE)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].rstrip(".")


def _ends(message: EmailMessage) -> tuple[str | None, str]:
    """The first external address from our end of the chain, and the host of ours before it."""
    ours = LOOPBACK
    for field in _fields(message, "Received"):
        for text in _HOP.findall(field.partition(" by ")[0])[-1:]:  # what stands first may be the client's own claim
            try:
                address = ip_address(text)
            except ValueError:
                continue
            if not any(address in network for network in _OWN):
                return text, ours
            ours = text
    return None, ours


def _time(message: EmailMessage) -> int | None:
    """Microseconds UTC of the topmost Received field, which our own end wrote, else of Date."""
    received = [field.rpartition(";")[2] for field in _fields(message, "Received")[:1]]
    for text in [*received, *_fields(message, "Date")]:
        try:
            made = parsedate_to_datetime(text.strip())
            made = made if made.tzinfo else made.replace(tzinfo=UTC)  # RFC 5322 4.3: -0000 is UTC of an unknown place
            return (made - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _verdict(message: EmailMessage) -> tuple[str, str | None]:
    if any(value.upper().startswith("YES") for value in _fields(message, "X-Spam-Flag")):
        return Basis.ALERT, "abusive-content:spam"
    if any(_FAILED.search(value) for value in _fields(message, "Authentication-Results")[:1]):
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
