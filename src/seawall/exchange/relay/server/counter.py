"""The counter: how many tags two sides share, noised; it sees random strings, learns one number, and forgets both.

Steps: (1) the token says which pair and which side, (2) the form of the tags, (3) what this round already knows, (4)
the budget, (5) keep; with the second side: (6) count, noise, round, (7) in one transaction the answer is written and
the tags are wiped, (8) the same answer to both sides, for ever.

A relay that works together with one side turns the count into the ordinary overlap, not into the other's set.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.exchange.noise import Below, discrete_laplace
from seawall.exchange.relay import faults
from seawall.exchange.relay.bounds import DAY, EPSILON, RelayBounds
from seawall.exchange.relay.interface import ID_BYTES, TAG_BYTES, TOKEN_BYTES, CountAnswer
from seawall.exchange.relay.server.books import Books, digest_of
from seawall.exchange.sizes import list_class


class NewPair(msgspec.Struct, frozen=True):
    """Told once: each side gets one token."""

    id: bytes
    first: bytes
    second: bytes


class Counter:
    """All pairs and rounds of one relay."""

    def __init__(self, books: Books, bounds: RelayBounds, below: Below = secrets.randbelow) -> None:
        self._books = books
        self._bounds = bounds
        self._below = below

    def add(self) -> NewPair:
        """A new pair of tokens."""
        made = NewPair(*(secrets.token_bytes(size) for size in (ID_BYTES, TOKEN_BYTES, TOKEN_BYTES)))
        with self._books.change() as db:
            db.execute("INSERT INTO pair VALUES (?, 0)", (made.id,))
            for side, token in enumerate((made.first, made.second)):
                db.execute("INSERT INTO party VALUES (?, ?, ?)", (digest_of(token), made.id, side))
        return made

    def list(self) -> Sequence[dict[str, object]]:
        """Pairs by their random ids, with how many rounds wait and were answered."""
        rows = self._books.db.execute(
            "SELECT pair.id, pair.revoked, COUNT(round.id), COUNT(round.day) FROM pair "
            "LEFT JOIN round ON round.pair = pair.id GROUP BY pair.id ORDER BY pair.id"
        )
        return [
            {"id": id.hex(), "state": "revoked" if revoked else "open", "waiting": count - done, "answered": done}
            for id, revoked, count, done in rows
        ]

    def revoke(self, id: bytes) -> None:
        """Let neither token open it any more, and forget its rounds. Raises NotFound 774."""
        with self._books.change() as db:
            if db.execute("UPDATE pair SET revoked = 1 WHERE id = ?", (id,)).rowcount == 0:
                raise faults.NOT_HERE()
            db.execute("DELETE FROM given WHERE pair = ?", (id,))
            db.execute("DELETE FROM round WHERE pair = ?", (id,))
        self._books.wipe()

    def sweep(self, now: int) -> int:
        """Wipe rounds whose second side never came; how many. ``now``: seconds."""
        with self._books.change() as db:
            stale = db.execute("SELECT pair, id FROM round WHERE day IS NULL AND expires <= ?", (now,)).fetchall()
            for pair, round_id in stale:
                db.execute("DELETE FROM given WHERE pair = ? AND round = ?", (pair, round_id))
                db.execute("DELETE FROM round WHERE pair = ? AND id = ?", (pair, round_id))
        if stale:
            self._books.wipe()
        return len(stale)

    def party(self, token: bytes) -> tuple[bytes, int]:
        """Step 1: (pair, side). Raises NotFound 774, for a revoked pair as for a wrong token."""
        row = self._books.db.execute(
            "SELECT pair, side FROM party JOIN pair ON pair.id = party.pair WHERE token = ? AND revoked = 0",
            (digest_of(token),),
        ).fetchone()
        if row is None:
            raise faults.NOT_HERE()
        return bytes(row[0]), int(row[1])

    def require_form(self, data: bytes) -> None:
        """Step 2, without the books. Raises Refused 782 and 784."""
        count, rest = divmod(len(data), TAG_BYTES)
        if not self._bounds.count_least <= count <= self._bounds.count_most:
            raise faults.COUNT_SIZE(least=self._bounds.count_least, most=self._bounds.count_most, size=count)
        places = range(TAG_BYTES, len(data), TAG_BYTES)
        rising = all(data[at - TAG_BYTES : at] < data[at : at + TAG_BYTES] for at in places)
        if rest or list_class(count) != count or not rising:
            raise faults.COUNT_FORM()

    def look(self, token: bytes, round_id: bytes) -> tuple[bool, CountAnswer | None]:
        """Whether this side gave its tags, and the answer if there is one. Raises NotFound 774."""
        pair, side = self.party(token)
        given = _given(self._books.db, pair, round_id, side) is not None
        return given, self._answer(self._books.db, pair, round_id) if given else None

    def give(self, token: bytes, round_id: bytes, data: bytes, now: int) -> CountAnswer | None:
        """Steps 3 to 8 for tags of the right form. Raises NotFound 774, Refused 781 and 783."""
        pair, side = self.party(token)
        with self._books.change() as db:
            before = _given(db, pair, round_id, side)
            if before is not None:
                if before != digest_of(data):
                    raise faults.ROUND_OVER()
                return self._answer(db, pair, round_id)
            self._require_budget(db, pair, round_id, now)
            db.execute(
                "INSERT INTO round (pair, id, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (pair, round_id, now + self._bounds.round_life),
            )
            db.execute("INSERT INTO given VALUES (?, ?, ?, ?, ?)", (pair, round_id, side, digest_of(data), data))
            other = db.execute(
                "SELECT tags FROM given WHERE pair = ? AND round = ? AND side = ?", (pair, round_id, 1 - side)
            ).fetchone()
            if other is None:
                return None
            self._settle(db, pair, round_id, shared(data, bytes(other[0])), now)
            answer = self._answer(db, pair, round_id)
        self._books.wipe()
        return answer

    def _require_budget(self, db: sqlite3.Connection, pair: bytes, round_id: bytes, now: int) -> None:
        """Step 4: the counts of the last epoch, and how many rounds wait. Raises Refused 783, RelayBusy 776."""
        today, most = now // DAY, self._bounds.counts_per_epoch
        count, first = db.execute(
            "SELECT COUNT(*), MIN(day) FROM round WHERE pair = ? AND day > ?", (pair, today - self._bounds.epoch_days)
        ).fetchone()
        if count >= most:
            raise faults.COUNTS_SPENT(most=most, days=max(1, first + self._bounds.epoch_days - today))
        waiting = db.execute(
            "SELECT COUNT(*) FROM round WHERE pair = ? AND id != ? AND day IS NULL", (pair, round_id)
        ).fetchone()[0]
        if waiting >= self._bounds.open_rounds:
            raise faults.BUSY(seconds=3_600)

    def _settle(self, db: sqlite3.Connection, pair: bytes, round_id: bytes, exact: int, now: int) -> None:
        """Steps 6 and 7. The exact count is never written."""
        noised = exact + discrete_laplace(Fraction(*EPSILON), below=self._below)
        step = self._bounds.count_rounded_to
        told = max(0, (noised + step // 2) // step * step)
        today = now // DAY
        used = db.execute(
            "SELECT COUNT(*) FROM round WHERE pair = ? AND day > ?", (pair, today - self._bounds.epoch_days)
        ).fetchone()[0]
        left = max(0, self._bounds.counts_per_epoch - used - 1)
        db.execute(
            "UPDATE round SET day = ?, answer = ?, left = ? WHERE pair = ? AND id = ?",
            (today, told, left, pair, round_id),
        )
        db.execute("UPDATE given SET tags = NULL WHERE pair = ? AND round = ?", (pair, round_id))

    def _answer(self, db: sqlite3.Connection, pair: bytes, round_id: bytes) -> CountAnswer | None:
        row = db.execute("SELECT answer, left FROM round WHERE pair = ? AND id = ?", (pair, round_id)).fetchone()
        if row is None or row[0] is None:
            return None
        return CountAnswer(row[0], self._bounds.count_rounded_to, EPSILON[0] / EPSILON[1], row[1])


def shared(one: bytes, other: bytes) -> int:
    """How many tags stand in both; each is sorted, 16 bytes a tag."""
    count = at = to = 0
    left, right = one[:TAG_BYTES], other[:TAG_BYTES]
    while left and right:
        if left == right:
            count += 1
        if left <= right:
            at += TAG_BYTES
        if right <= left:
            to += TAG_BYTES
        left, right = one[at : at + TAG_BYTES], other[to : to + TAG_BYTES]
    return count


def _given(db: sqlite3.Connection, pair: bytes, round_id: bytes, side: int) -> bytes | None:
    row = db.execute(
        "SELECT digest FROM given WHERE pair = ? AND round = ? AND side = ?", (pair, round_id, side)
    ).fetchone()
    return None if row is None else bytes(row[0])
