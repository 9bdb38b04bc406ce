"""Approvals by two different named people (rule 9), and users as a listing shows them."""

from __future__ import annotations

import msgspec

from seawall.model.visibility import UserRole


class UserRecord(msgspec.Struct, frozen=True):
    """A named local user; never the token."""

    name: str
    role: UserRole
    created_at: int  # microseconds UTC
    revoked_at: int | None = None
    circles: tuple[str, ...] | None = None  # the only ones a third party's TAXII client reads; None: all that seat it
    expires_at: int | None = None  # microseconds UTC, by this machine's clock


class Approval(msgspec.Struct, frozen=True):
    """What one person asked for and, when ``approver`` is set, another person agreed to. Times in microseconds UTC."""

    number: int
    kind: str  # "peer", "circle", "release", "standing", "budget" ...
    subject: str  # which one, e.g. the peer's fingerprint or the object's id and version
    requester: str
    requested_at: int
    approver: str | None = None
    approved_at: int | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """Both names once approved, else only the requester's."""
        return (self.requester,) if self.approver is None else (self.requester, self.approver)
