"""Where mail to us arrives: a Maildir folder or an IMAP mailbox. A mail's size is known before any of it is read."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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

    Raises Fault E-MAIL-010 for neither of both, Unavailable E-MAIL-011 when the IMAP server cannot be used (each mail's
    ``read`` and ``done`` too), Unavailable E-MAIL-013 when the folder cannot be listed.
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
    try:
        found = [path for path in (folder / "new").iterdir() if _is_mail(path)]
    except OSError as error:
        raise Unavailable(
            "E-MAIL-013", "The inbox {path} cannot be read: {reason}.", path=folder, reason=error.strerror or error
        ) from None
    for path in sorted(found)[:MAX_MAILS]:
        with suppress(FileNotFoundError):  # another process took it
            yield Arrived(path.name, path.stat().st_size, _reader(path), _seen(folder, path))


def _is_mail(path: Path) -> bool:
    return not path.name.startswith(".") and not path.is_symlink() and path.is_file()


def _seen(folder: Path, path: Path) -> Callable[[], None]:
    def done() -> None:
        try:
            (folder / "cur").mkdir(mode=0o700, exist_ok=True)
            path.rename(folder / "cur" / f"{path.name.partition(':')[0]}:2,S")
        except FileNotFoundError:
            return  # another process took it
        except OSError as error:
            raise _unreadable(path, error) from None

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
    with ExitStack() as ending:
        with _speaking_to(place):
            trust = ssl.create_default_context(cafile=ca_file or None)
            session = imaplib.IMAP4_SSL(place.host, place.port, ssl_context=trust, timeout=SECONDS)
            ending.callback(_leave, session)
            session.login(place.user, password)
            quoted = '"' + (place.mailbox or "INBOX").replace("\\", "\\\\").replace('"', '\\"') + '"'
            _wanted(session.select(quoted))
            found = _wanted(session.uid("SEARCH", "UNSEEN"))
            uids = found[0].decode("ascii", "replace").split() if found and isinstance(found[0], bytes) else []
        for uid in uids[:MAX_MAILS]:
            yield _one(session, place, uid)


def _leave(session: imaplib.IMAP4_SSL) -> None:
    with suppress(OSError, imaplib.IMAP4.error):  # a connection that is gone is left already
        session.logout()


@contextmanager
def _speaking_to(place: ImapPlace) -> Iterator[None]:
    """What goes wrong with the server meanwhile is Unavailable E-MAIL-011."""
    try:
        yield
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


def _one(session: imaplib.IMAP4_SSL, place: ImapPlace, uid: str) -> Arrived:
    with _speaking_to(place):
        answer = _wanted(session.uid("FETCH", uid, "(RFC822.SIZE)"))
    size = _SIZE.search(b" ".join(part for part in answer if isinstance(part, bytes)))

    def read(limit: int) -> bytes:
        with _speaking_to(place):
            parts = _wanted(session.uid("FETCH", uid, f"(BODY.PEEK[]<0.{limit}>)"))
        return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"")

    def done() -> None:
        with _speaking_to(place):
            _wanted(session.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))

    return Arrived(f"uid {uid}", int(size[1]) if size else 0, read, done)


def _wanted(answer: tuple[str, Sequence[object]]) -> list[object]:
    kind, data = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(str(data[0] if data else kind))
    return [part for part in data if part is not None]


def file_mail(path: Path) -> Arrived:
    """One mail in a file, for ``mail read``; it stays where it is. Raises Unreadable when it cannot be read."""
    try:
        return Arrived(path.name, path.stat().st_size, _reader(path), lambda: None)
    except OSError as error:
        raise _unreadable(path, error) from None


class Unreadable(Fault):
    """One mail, and no other, cannot be read or marked as read: E-MAIL-012."""


def _unreadable(path: Path, error: OSError) -> Unreadable:
    return Unreadable(
        "E-MAIL-012", "The mail {path} cannot be read: {reason}.", path=path, reason=error.strerror or error
    )


def _reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(limit)
        except FileNotFoundError:
            raise  # another process took it
        except OSError as error:
            raise _unreadable(path, error) from None

    return read
