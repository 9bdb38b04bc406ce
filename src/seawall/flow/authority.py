"""Which role may do what on this node."""

from __future__ import annotations

from seawall.model import Actor, Refused, UserRole

_EVERYONE = frozenset(UserRole) - {UserRole.TAXII}
TASKS: dict[str, frozenset[UserRole]] = {
    "read": _EVERYONE,
    "read-telemetry": frozenset(
        {UserRole.READER, UserRole.ANALYST, UserRole.RELEASER, UserRole.APPROVER, UserRole.ADMIN}
    ),
    "ingest": frozenset({UserRole.ANALYST, UserRole.RELEASER, UserRole.ADMIN}),
    "import": frozenset({UserRole.ANALYST, UserRole.RELEASER, UserRole.ADMIN}),
    "match": frozenset({UserRole.ANALYST, UserRole.RELEASER, UserRole.ADMIN}),
    "release": frozenset({UserRole.RELEASER, UserRole.ADMIN}),
    "approve": frozenset({UserRole.APPROVER, UserRole.ADMIN}),
    "audit": frozenset({UserRole.AUDITOR, UserRole.APPROVER, UserRole.ADMIN}),
    "manage-users": frozenset({UserRole.ADMIN}),
    "manage-peers": frozenset({UserRole.ADMIN}),
    "preview": frozenset({UserRole.ANALYST, UserRole.RELEASER, UserRole.APPROVER, UserRole.ADMIN}),
    "stop-standing": frozenset({UserRole.ANALYST, UserRole.RELEASER, UserRole.APPROVER, UserRole.ADMIN}),
    "sync": frozenset({UserRole.ANALYST, UserRole.RELEASER, UserRole.ADMIN}),
    "enforce": frozenset({UserRole.RELEASER, UserRole.ADMIN}),
    "serve": frozenset({UserRole.RELEASER, UserRole.ADMIN}),
    "maintain": frozenset({UserRole.ADMIN}),
}
"""Task -> roles that may do it (see docs/reference/roles.md)."""


def require(actor: Actor, task: str) -> None:
    """Pass, or raise Refused E-FLOW-004 naming the roles that may."""
    if actor.role not in TASKS[task]:
        raise Refused(
            "E-FLOW-004",
            "{name} may not {task}; this takes the role {roles}.",
            name=actor.name,
            task=task,
            roles=" / ".join(sorted(role.value for role in TASKS[task])),
        )
