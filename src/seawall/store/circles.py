"""Circles in all versions of their terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from seawall.model import Fault, NotFound
from seawall.model.circle import CircleTerms
from seawall.store.database import Database
from seawall.store.tables import circles
from seawall.store.values import checked_name

_NEWEST = (
    sa.select(circles.c.terms).where(circles.c.name == sa.bindparam("name")).order_by(circles.c.version.desc()).limit(1)
)
_ONE = sa.select(circles.c.terms).where(
    circles.c.name == sa.bindparam("name"), circles.c.version == sa.bindparam("version")
)
_HELD = sa.select(circles.c.name, sa.func.max(circles.c.version).label("version")).group_by(circles.c.name).subquery()
_EACH_NEWEST = (
    sa.select(circles.c.terms)
    .join(_HELD, sa.and_(circles.c.name == _HELD.c.name, circles.c.version == _HELD.c.version))
    .order_by(circles.c.name)
)
"""Made once: every request asks them, and making a statement takes longer than answering it."""


_GLANCE: ContextVar[dict[Circles, tuple[CircleTerms, ...]] | None] = ContextVar("glance", default=None)


class Circles:
    """The group ``store.circles``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, terms: CircleTerms, at: int) -> None:
        """Keep one version of a circle's terms; saving the same terms again changes nothing.

        Raises Fault E-STORE-030 for an unusable name, E-STORE-060 when a version as new or newer is held already with
        other terms: versions only rise, so that releases can name the one they were made under.
        """
        checked_name("circle", terms.name)
        body = msgspec.json.encode(terms, order="deterministic")
        with self._database.writing() as connection:
            newest = connection.execute(
                sa.select(circles).where(circles.c.name == terms.name).order_by(circles.c.version.desc())
            ).first()
            if newest is not None and newest.version == terms.version and bytes(newest.terms) == body:
                return
            if newest is not None and newest.version >= terms.version:
                raise Fault(
                    "E-STORE-060",
                    "Circle {name} has version {held} already; changed terms need a higher version than that.",
                    name=terms.name,
                    held=newest.version,
                )
            row = {"name": terms.name, "version": terms.version, "terms": body, "saved_at": at}
            connection.execute(sa.insert(circles), row)

    def get(self, name: str, version: int | None = None) -> CircleTerms:
        """The newest terms, or those of one version. Raises NotFound E-STORE-061."""
        query, asked = (_NEWEST, {"name": name}) if version is None else (_ONE, {"name": name, "version": version})
        with self._database.reading() as connection:
            body = connection.execute(query, asked).scalar()
        if body is None:
            raise _no_circle(name)
        return _terms(bytes(body))

    def list(self) -> tuple[CircleTerms, ...]:
        """The newest terms of every circle, by name."""
        held = _GLANCE.get()
        if held is not None and self in held:
            return held[self]
        with self._database.reading() as connection:
            found = tuple(_terms(bytes(body)) for body in connection.execute(_EACH_NEWEST).scalars())
        if held is not None:
            held[self] = found
        return found

    @contextmanager
    def glance(self) -> Iterator[None]:
        """Within it ``list`` reads once: one request is answered under the same terms from its beginning to its end."""
        token = _GLANCE.set({})
        try:
            yield
        finally:
            _GLANCE.reset(token)

    def history(self, name: str) -> tuple[tuple[CircleTerms, int], ...]:
        """All versions with the moment each was kept (microseconds UTC), oldest first. Raises NotFound E-STORE-061."""
        query = sa.select(circles.c.terms, circles.c.saved_at).where(circles.c.name == name).order_by(circles.c.version)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise _no_circle(name)
        return tuple((_terms(bytes(row.terms)), int(row.saved_at)) for row in rows)

    def versions(self, name: str) -> tuple[int, ...]:
        """The versions held, oldest first."""
        query = sa.select(circles.c.version).where(circles.c.name == name).order_by(circles.c.version)
        with self._database.reading() as connection:
            return tuple(connection.execute(query).scalars())


def _no_circle(name: str) -> NotFound:
    return NotFound("E-STORE-061", "There is no circle {name}.", name=ascii(name[:64]))


@lru_cache(maxsize=1_024)
def _terms(body: bytes) -> CircleTerms:
    """Frozen, so that equal bytes may be read once only."""
    return msgspec.json.decode(body, type=CircleTerms)
