"""Mailboxes: whoever holds the write token puts, whoever holds the read token fetches and deletes.

Steps of each request: (1) the token, where an unknown mailbox, a revoked one and a wrong token get one answer after the
same work, (2) size and class, (3) quota, (4) the change is on the disk before the answer leaves.
"""

from __future__ import annotations

import hmac
import secrets
import shutil
import sqlite3
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from seawall.exchange.relay import faults
from seawall.exchange.relay.bounds import RelayBounds
from seawall.exchange.relay.interface import ID_BYTES, TOKEN_BYTES
from seawall.exchange.relay.server.books import Books, digest_of
from seawall.exchange.sizes import is_padded, padme

RETRY_LEAST, RETRY_MOST = 60, 3_600  # seconds after which a full mailbox is worth another try
DISK_RESERVE = 64 * 1024 * 1024  # bytes that stay free, so that deleting still works
_NOBODY = bytes(32)  # compared with when there is no mailbox: no token has this digest


class Right(StrEnum):
    """Which of a mailbox's two tokens."""

    READ = "read_token"
    WRITE = "write_token"


class NewMailbox(msgspec.Struct, frozen=True):
    """Told once, when it is made; the relay keeps only digests of the tokens."""

    id: bytes
    read: bytes
    write: bytes


class Quota(msgspec.Struct, frozen=True):
    """Of one mailbox."""

    bytes: int
    messages: int
    message_bytes: int


class Page(msgspec.Struct, frozen=True):
    """What a fetch may give: (id, expires in seconds, data), oldest first."""

    items: tuple[tuple[bytes, int, bytes], ...]


class Mailboxes:
    """All mailboxes of one relay."""

    def __init__(self, books: Books, bounds: RelayBounds) -> None:
        self._books = books
        self._bounds = bounds
        self._loose = False  # something was deleted that is not overwritten yet

    def add(self, quota: Quota | None = None) -> NewMailbox:
        """A new mailbox; random id and tokens."""
        made = NewMailbox(*(secrets.token_bytes(size) for size in (ID_BYTES, TOKEN_BYTES, TOKEN_BYTES)))
        bounds = self._bounds
        given = quota or Quota(bounds.mailbox_bytes, bounds.mailbox_messages, bounds.message_bytes)
        row = (made.id, digest_of(made.read), digest_of(made.write), *msgspec.structs.astuple(given))
        with self._books.change() as db:
            db.execute("INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, ?, 0)", row)
        return made

    def list(self) -> Sequence[dict[str, object]]:
        """Id, what it holds and may hold; nothing else is known."""
        rows = self._books.db.execute(
            "SELECT mailbox.id, mailbox.revoked, mailbox.bytes, mailbox.messages, COUNT(message.seq), "
            "COALESCE(SUM(message.size), 0) FROM mailbox LEFT JOIN message ON message.mailbox = mailbox.id "
            "GROUP BY mailbox.id ORDER BY mailbox.id"
        )
        return [
            {
                "id": id.hex(),
                "state": "revoked" if revoked else "open",
                "messages": held,
                "bytes": size,
                "messages_most": messages,
                "bytes_most": most,
            }
            for id, revoked, most, messages, held, size in rows
        ]

    def revoke(self, id: bytes) -> int:
        """Let no token open it any more, and forget what it holds; how many messages. Raises NotFound 774."""
        with self._books.change() as db:
            if db.execute("UPDATE mailbox SET revoked = 1 WHERE id = ?", (id,)).rowcount == 0:
                raise faults.NOT_HERE()
            gone = db.execute("DELETE FROM message WHERE mailbox = ?", (id,)).rowcount
        self._books.wipe()
        return gone

    def empty(self, id: bytes) -> int:
        """Forget what it holds; how many messages. Raises NotFound 774."""
        with self._books.change() as db:
            if db.execute("SELECT 1 FROM mailbox WHERE id = ?", (id,)).fetchone() is None:
                raise faults.NOT_HERE()
            gone = db.execute("DELETE FROM message WHERE mailbox = ?", (id,)).rowcount
        self._books.wipe()
        return gone

    def sweep(self, now: int) -> int:
        """Forget what has expired, and overwrite what was deleted; how many expired. ``now``: seconds."""
        with self._books.change() as db:
            gone = db.execute("DELETE FROM message WHERE expires <= ?", (now,)).rowcount
        if gone or self._loose:
            self._books.wipe()
            self._loose = False
        return gone

    def quota(self, id: bytes, token: bytes, right: Right) -> Quota:
        """Step 1: the mailbox's quota once the token opens it. Raises NotFound E-EXCHANGE-774."""
        row = self._books.db.execute(
            f"SELECT {right.value}, revoked, bytes, messages, message_bytes FROM mailbox WHERE id = ?", (id,)
        ).fetchone()
        known, revoked, *quota = row or (_NOBODY, 1, 0, 0, 0)
        fits = hmac.compare_digest(digest_of(token), known)
        if not fits or revoked:
            raise faults.NOT_HERE()
        return Quota(*quota)

    def put(self, id: bytes, token: bytes, data: bytes, expires: int, now: int) -> bytes:
        """Leave a message until ``expires`` (both in seconds); its id. Equal bytes that wait keep theirs.

        Raises NotFound 774, Refused 777, 778 and 779, MailboxFull 775.
        """
        quota = self.quota(id, token, Right.WRITE)
        if len(data) > quota.message_bytes:
            raise faults.TOO_LARGE(most=quota.message_bytes)
        if not is_padded(len(data)):
            raise faults.NO_CLASS(size=len(data), padded=padme(max(len(data), 1)))
        if expires < now + self._bounds.life_least:
            raise faults.TOO_SOON(least=self._bounds.life_least)
        expires = min(expires, now + self._bounds.life_most)
        digest = digest_of(data)
        with self._books.change() as db:
            known = db.execute(
                "SELECT id FROM message WHERE mailbox = ? AND digest = ? AND expires > ?", (id, digest, now)
            ).fetchone()
            if known is not None:
                return bytes(known[0])
            db.execute("DELETE FROM message WHERE mailbox = ? AND expires <= ?", (id, now))
            self._require_room(db, id, quota, len(data), now)
            fresh = secrets.token_bytes(ID_BYTES)
            db.execute(
                "INSERT INTO message (mailbox, id, digest, expires, size, data) VALUES (?, ?, ?, ?, ?, ?)",
                (id, fresh, digest, expires, len(data), data),
            )
        return fresh

    def page(self, id: bytes, token: bytes, after: bytes | None, limit: int, now: int) -> Page:
        """What waits behind ``after``, or all of it when that is gone; bounded. Raises NotFound 774."""
        self.quota(id, token, Right.READ)
        db = self._books.db
        found = db.execute("SELECT seq FROM message WHERE mailbox = ? AND id = ?", (id, after)).fetchone()
        rows = db.execute(
            "SELECT seq, size FROM message WHERE mailbox = ? AND seq > ? AND expires > ? ORDER BY seq LIMIT ?",
            (id, found[0] if found else 0, now, limit),
        ).fetchall()
        items: list[tuple[bytes, int, bytes]] = []
        held = 0
        for seq, size in rows:
            held += size
            if items and held > self._bounds.page_bytes:
                break
            row = db.execute("SELECT id, expires, data FROM message WHERE seq = ?", (seq,)).fetchone()
            if row is not None:  # another process may have emptied the mailbox meanwhile
                items.append((bytes(row[0]), int(row[1]), bytes(row[2])))
        return Page(tuple(items))

    def delete(self, id: bytes, token: bytes, ids: Sequence[bytes]) -> int:
        """Forget messages; how many there were. Raises NotFound 774."""
        self.quota(id, token, Right.READ)
        with self._books.change() as db:
            gone = sum(
                db.execute("DELETE FROM message WHERE mailbox = ? AND id = ?", (id, one)).rowcount for one in ids
            )
        self._loose = self._loose or gone > 0
        return gone

    def _require_room(self, db: sqlite3.Connection, id: bytes, quota: Quota, size: int, now: int) -> None:
        count, held, first = db.execute(
            "SELECT COUNT(*), COALESCE(SUM(size), 0), MIN(expires) FROM message WHERE mailbox = ?", (id,)
        ).fetchone()
        tight = shutil.disk_usage(self._books.path.parent).free < size + DISK_RESERVE
        if count >= quota.messages or held + size > quota.bytes or tight:
            raise faults.FULL(seconds=max(RETRY_LEAST, min(RETRY_MOST, (first or now) - now)))
