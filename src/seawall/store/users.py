"""Named local people and third-party clients. Tokens are shown once; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from seawall.model import Actor, Clock, Fault, NotFound, Refused, UserRole, system_clock
from seawall.model.approval import UserRecord
from seawall.store.database import Database
from seawall.store.tables import users
from seawall.store.values import checked_name, names_to_text, text_to_names

TOKEN_BYTES = 32  # 256 bits: cannot be guessed, so a fast hash is enough
MAX_TOKEN_LENGTH = 256  # characters we are willing to hash for a stranger

_HOLDER = sa.select(users.c.name, users.c.role, users.c.token_sha256, users.c.circles, users.c.expires_at).where(
    users.c.token_sha256 == sa.bindparam("digest"), users.c.revoked_at.is_(None)
)
"""Made once: every request asks it, and making a statement takes longer than answering it."""


class Users:
    """The group ``store.users``."""

    def __init__(
        self,
        database: Database,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        clock: Clock = system_clock,
    ) -> None:
        """``clock`` judges expiry: this machine's own, whatever clock the node runs on."""
        self._database = database
        self._random_bytes = random_bytes
        self._clock = clock

    def add(
        self,
        name: str,
        role: UserRole,
        at: int,
        *,
        circles: Sequence[str] | None = None,
        expires_at: int | None = None,
    ) -> str:
        """Add a person; returns the token, which is shown once and kept nowhere.

        ``circles`` are the only ones that a TAXII client may read (None: all that seat it); from ``expires_at`` on
        (microseconds UTC) the token opens nothing.

        Names that differ only in case are one person. A revoked name stays taken: the record of what they did names
        them. Raises Fault E-STORE-030 for an unusable name, E-STORE-031 for a taken one.
        """
        token = self._random_bytes(TOKEN_BYTES).hex()
        row = {
            "name": checked_name("user", name),
            "person": person(name),
            "role": role.value,
            "token_sha256": _digest(token),
            "created_at": at,
            "circles": None if circles is None else names_to_text(frozenset(circles)) or "[]",
            "expires_at": expires_at,
        }
        with self._database.writing() as connection:
            try:
                connection.execute(sa.insert(users), row)
            except IntegrityError:
                raise Fault("E-STORE-031", "There is a user {name} already; choose another name.", name=name) from None
        return token

    def authenticate(self, token: str) -> Actor:
        """Who holds this token. Raises Refused E-STORE-032, alike for unknown, revoked, expired, misshapen ones."""
        digest = _digest(token[:MAX_TOKEN_LENGTH])
        with self._database.reading() as connection:
            row = connection.execute(_HOLDER, {"digest": digest}).first()
        # the index has compared already, on a digest nobody can steer; this one does not depend on the engine
        if row is None or not hmac.compare_digest(row.token_sha256, digest):
            raise _not_valid()
        if row.expires_at is not None and self._clock() >= row.expires_at:
            raise _not_valid()
        circles = None if row.circles is None else frozenset(text_to_names(row.circles))
        return Actor(name=row.name, role=UserRole(row.role), circles=circles)

    def get(self, name: str) -> UserRecord:
        """The user of exactly this name. Raises NotFound E-STORE-033."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(users).where(users.c.name == name)).first()
        if row is None:
            raise NotFound("E-STORE-033", "There is no user {name}.", name=ascii(name[:64]))
        return _record(row)

    def list(self) -> tuple[UserRecord, ...]:
        """All users by name, revoked ones included."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(users).order_by(users.c.name)).all()
        return tuple(_record(row) for row in rows)

    def revoke(self, name: str, at: int) -> None:
        """End a user's token for good; doing it twice changes nothing. Raises NotFound E-STORE-033."""
        with self._database.writing() as connection:
            known = connection.execute(sa.select(users.c.name).where(users.c.name == name)).first()
            if known is None:
                raise NotFound("E-STORE-033", "There is no user {name}.", name=ascii(name[:64]))
            connection.execute(
                sa.update(users).where(users.c.name == name, users.c.revoked_at.is_(None)).values(revoked_at=at)
            )


def person(name: str) -> str:
    """The name without case and compatibility forms: what tells two people apart."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _not_valid() -> Refused:
    return Refused("E-STORE-032", "This token is not valid here; ask an administrator for a new one.")


def _record(row: sa.Row[tuple[object, ...]]) -> UserRecord:
    circles = None if row.circles is None else text_to_names(row.circles)
    return UserRecord(row.name, UserRole(row.role), row.created_at, row.revoked_at, circles, row.expires_at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
