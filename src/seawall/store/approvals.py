"""Approvals: one named person asks, another one agrees (rule 9)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.engine import Connection

from seawall.model import NotFound, Refused, UserRole
from seawall.model.approval import Approval
from seawall.store.database import Database
from seawall.store.tables import approvals, users
from seawall.store.values import clean

APPROVERS = (UserRole.APPROVER.value, UserRole.ADMIN.value)


class Approvals:
    """The group ``store.approvals``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, kind: str, subject: str, requester: str, at: int) -> Approval:
        """Note that ``requester`` asks for ``subject``; a second person has to approve it.

        Raises Refused E-STORE-040 when the requester is no active user.
        """
        row = {"kind": clean(kind), "subject": clean(subject), "requester": requester, "requested_at": at}
        with self._database.writing() as connection:
            _require_active(connection, requester)
            number = connection.execute(sa.insert(approvals).returning(approvals.c.number), row).scalar_one()
        return Approval(number, clean(kind), clean(subject), requester, at)

    def approve(self, number: int, approver: str, at: int) -> Approval:
        """The second person's yes.

        Raises NotFound E-STORE-041 when nobody asked, Refused E-STORE-042 when it is the same person, E-STORE-043
        when their role does not approve, E-STORE-040 when they are no active user, E-STORE-044 when it was approved
        before.
        """
        with self._database.writing() as connection:
            row = connection.execute(sa.select(approvals).where(approvals.c.number == number)).first()
            if row is None:
                raise NotFound("E-STORE-041", "There is no request number {number}.", number=number)
            role = _require_active(connection, approver)
            if approver == row.requester:
                raise Refused("E-STORE-042", "Two different people must agree; {name} asked for it.", name=approver)
            if role not in APPROVERS:
                raise Refused("E-STORE-043", "{name} may not approve; ask an approver.", name=approver)
            if row.approver is not None:
                raise Refused("E-STORE-044", "Request {number} was approved already.", number=number)
            connection.execute(
                sa.update(approvals).where(approvals.c.number == number).values(approver=approver, approved_at=at)
            )
        return Approval(row.number, row.kind, row.subject, row.requester, row.requested_at, approver, at)

    def both(self, kind: str, subject: str, requester: str, approver: str, at: int) -> Approval:
        """Request and approve in one step, as the command line does with two tokens. Raises as both do."""
        return self.approve(self.request(kind, subject, requester, at).number, approver, at)

    def of(self, kind: str, subject: str) -> Approval | None:
        """The latest approval of this subject that two people gave; None when there is none."""
        query = (
            sa.select(approvals)
            .where(approvals.c.kind == kind, approvals.c.subject == subject, approvals.c.approver.is_not(None))
            .order_by(approvals.c.number.desc())
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _approval(row)

    def list(self, *, waiting: bool = False) -> tuple[Approval, ...]:
        """All requests in order, or only those that wait for a second person."""
        query = sa.select(approvals).order_by(approvals.c.number)
        if waiting:
            query = query.where(approvals.c.approver.is_(None))
        with self._database.reading() as connection:
            return tuple(_approval(row) for row in connection.execute(query))


def _require_active(connection: Connection, name: str) -> str:
    """The role of an active user."""
    query = sa.select(users.c.role).where(users.c.name == name, users.c.revoked_at.is_(None))
    role: str | None = connection.execute(query).scalar()
    if role is None:
        raise Refused("E-STORE-040", "{name} is no active user of this node.", name=ascii(name[:64]))
    return role


def _approval(row: Row[tuple[object, ...]]) -> Approval:
    return Approval(row.number, row.kind, row.subject, row.requester, row.requested_at, row.approver, row.approved_at)
