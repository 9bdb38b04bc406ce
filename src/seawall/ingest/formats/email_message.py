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
loopback stands for it ("this host"). Without any external hop the message may be from one of us: no sender is kept, and
when it hands on another message as an attachment, that one is the evidence.

A message that nobody judged is no evidence: basis ``none``. It is ``alert`` only when a filter said so: the topmost
Authentication-Results tells of a failed SPF, DKIM or DMARC check, or X-Spam-Flag says YES.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.mail import NOT_MESSAGE, Line, field_names, lines_of
from seawall.ingest.records import LineRefused, Record, RecordReader
from seawall.model.unreadable import UNREADABLE

_MARK = b"email-message "


class EmailFile:
    """Messages; see ``interface.Format`` for what each method promises."""

    name = "email"

    def __init__(self) -> None:
        self._last = b"", b""  # digest of a content and its lines: a small file is asked about twice in a row

    def recognises(self, head: bytes) -> bool:
        """True when the file begins with header fields, From and Date among them, and another that mail has."""
        names = field_names(head)
        return {b"from", b"date"} <= names and bool(names & {b"received", b"message-id", b"mime-version", b"to"})

    def plausible(self, head: bytes) -> bool:
        """True when it begins with header fields, From among them."""
        return b"from" in field_names(head)

    def unfold(self, whole: bytes) -> bytes | None:
        """The internal lines of the message; one that says why for what is none."""
        digest = hashlib.sha256(whole).digest()
        if self._last[0] != digest:
            self._last = digest, b"\n".join(_MARK + msgspec.json.encode(line) for line in lines_of(whole))
        return self._last[1]

    def reader(self, engine: Engine) -> Reader:
        """Internal lines need no memory."""
        return RecordReader(_Decoder(), engine)


class _Decoder:
    def decode(self, line: bytes) -> Sequence[Record]:
        """One internal line: a link, a file, a sender."""
        try:
            found = msgspec.json.decode(line.removeprefix(_MARK), type=Line)
        except UNREADABLE:
            raise LineRefused(NOT_MESSAGE, "it is no message") from None
        if not line.startswith(_MARK) or found.kind == NOT_MESSAGE:
            raise LineRefused(
                NOT_MESSAGE, "it is no message: header fields with a sender are missing, or it has too many parts"
            )
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
