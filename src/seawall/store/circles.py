"""Circles in all versions of their terms."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from seawall.model import Fault, NotFound
from seawall.model.circle import CircleTerms
from seawall.store.database import Database
from seawall.store.tables import circles
from seawall.store.values import checked_name


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
        query = sa.select(circles.c.terms).where(circles.c.name == name).order_by(circles.c.version.desc())
        if version is not None:
            query = query.where(circles.c.version == version)
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        if body is None:
            raise NotFound("E-STORE-061", "There is no circle {name}.", name=ascii(name[:64]))
        return _terms(body)

    def list(self) -> tuple[CircleTerms, ...]:
        """The newest terms of every circle, by name."""
        newest = sa.select(circles.c.name, sa.func.max(circles.c.version).label("version")).group_by(circles.c.name)
        held = newest.subquery()
        query = (
            sa.select(circles.c.terms)
            .join(held, sa.and_(circles.c.name == held.c.name, circles.c.version == held.c.version))
            .order_by(circles.c.name)
        )
        with self._database.reading() as connection:
            return tuple(_terms(body) for body in connection.execute(query).scalars())

    def versions(self, name: str) -> tuple[int, ...]:
        """The versions held, oldest first."""
        query = sa.select(circles.c.version).where(circles.c.name == name).order_by(circles.c.version)
        with self._database.reading() as connection:
            return tuple(connection.execute(query).scalars())


def _terms(body: bytes) -> CircleTerms:
    return msgspec.json.decode(bytes(body), type=CircleTerms)
