"""Where mail to us arrives: a Maildir folder or an IMAP mailbox. A mail's size is known before any of it is read."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from seawall.model import Fault, Unavailable

SECONDS = 60.0
MAX_MAILS = 1_000  # of one fetch; the rest waits for the next
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")


class Arrived(msgspec.Struct, frozen=True):
    """One mail that nobody has looked at. ``read`` takes the bytes that are wanted at most; ``done`` marks it as read
    where it stands: it is never deleted."""

    name: str
    size: int
    read: Callable[[int], bytes]
    done: Callable[[], None]


def arrived(inbox: str, *, password: str = "", ca_file: str = "") -> Iterator[Arrived]:
    """New mail in ``inbox``: a Maildir's folder, or ``imaps://user@host[:port]/MAILBOX``.

    Raises Fault E-MAIL-010 for neither of both, Unavailable E-MAIL-011 when the IMAP server cannot be used.
    """
    if inbox.startswith("imaps://"):
        return _imap(imap_place(inbox), password, ca_file)
    folder = Path(inbox)
    if "://" in inbox or not (folder / "new").is_dir():
        raise Fault(
            "E-MAIL-010",
            "{inbox} is no inbox; give the folder of a Maildir (with new/ and cur/) or imaps://user@host/INBOX.",
            inbox=ascii(inbox[:200]),
        )
    return _maildir(folder)


def _maildir(folder: Path) -> Iterator[Arrived]:
    """https://cr.yp.to/proto/maildir.html: what was seen moves from new/ to cur/ with the flag S."""
    for path in sorted((folder / "new").iterdir())[:MAX_MAILS]:
        if path.name.startswith(".") or path.is_symlink() or not path.is_file():
            continue
        with suppress(FileNotFoundError):  # another process took it
            yield Arrived(path.name, path.stat().st_size, _reader(path), _seen(folder, path))


def _seen(folder: Path, path: Path) -> Callable[[], None]:
    def done() -> None:
        (folder / "cur").mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            path.rename(folder / "cur" / f"{path.name.partition(':')[0]}:2,S")

    return done


class ImapPlace(msgspec.Struct, frozen=True):
    """A mailbox on a server, over TLS from the first byte."""

    host: str
    port: int
    user: str
    mailbox: str


def imap_place(inbox: str) -> ImapPlace:
    """What ``imaps://user@host[:port]/MAILBOX`` names. Raises Fault E-MAIL-010."""
    try:
        parts = urlsplit(inbox)
        place = ImapPlace(
            parts.hostname or "", parts.port or 993, unquote(parts.username or ""), unquote(parts.path.strip("/"))
        )
    except ValueError:
        place = ImapPlace("", 0, "", "")
    if not place.host or not place.user or not re.fullmatch(r"[\x20-\x7e]{0,200}", place.mailbox):
        raise Fault(
            "E-MAIL-010",
            "{inbox} is no inbox; give the folder of a Maildir (with new/ and cur/) or imaps://user@host/INBOX.",
            inbox=ascii(inbox[:200]),
        )
    return place


def _imap(place: ImapPlace, password: str, ca_file: str) -> Iterator[Arrived]:
    try:
        trust = ssl.create_default_context(cafile=ca_file or None)
        with imaplib.IMAP4_SSL(place.host, place.port, ssl_context=trust, timeout=SECONDS) as session:
            session.login(place.user, password)
            quoted = '"' + (place.mailbox or "INBOX").replace("\\", "\\\\").replace('"', '\\"') + '"'
            _wanted(session.select(quoted))
            found = _wanted(session.uid("SEARCH", "UNSEEN"))
            uids = found[0].decode("ascii", "replace").split() if found and isinstance(found[0], bytes) else []
            for uid in uids[:MAX_MAILS]:
                yield _one(session, uid)
    except (OSError, ValueError, imaplib.IMAP4.error) as error:  # ValueError: a password that cannot be sent
        raise Unavailable(
            "E-MAIL-011",
            "The mailbox on {host} cannot be read: {reason}.",
            host=place.host,
            reason=_said(error),
        ) from None


def _said(error: Exception) -> str:
    """What the server answered, as text."""
    given = error.args[0] if error.args else ""
    text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(error)
    return " ".join(text.split())[:200].rstrip(".")


def _one(session: imaplib.IMAP4_SSL, uid: str) -> Arrived:
    answer = _wanted(session.uid("FETCH", uid, "(RFC822.SIZE)"))
    size = _SIZE.search(b" ".join(part for part in answer if isinstance(part, bytes)))

    def read(limit: int) -> bytes:
        for part in _wanted(session.uid("FETCH", uid, f"(BODY.PEEK[]<0.{limit}>)")):
            if isinstance(part, tuple):
                return bytes(part[1])
        return b""

    def done() -> None:
        _wanted(session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))

    return Arrived(f"uid {uid}", int(size[1]) if size else 0, read, done)


def _wanted(answer: tuple[str, Sequence[object]]) -> list[object]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(str(data[0] if data else kind))
    return [part for part in data if part is not None]


def file_mail(path: Path) -> Arrived:
    """One mail in a file, for ``mail read``; it stays where it is. Raises Fault E-MAIL-012 when it cannot be read."""
    try:
        return Arrived(path.name, path.stat().st_size, _reader(path), lambda: None)
    except OSError as error:
        raise Fault(
            "E-MAIL-012", "The mail {path} cannot be read: {reason}.", path=path, reason=error.strerror or error
        ) from None


def _reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit)

    return read
