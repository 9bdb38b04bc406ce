"""``seawall users``: named people, and third-party TAXII clients."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.model import UserRole

users = App(name="users", help="Named people with roles, and third-party TAXII clients (role taxii).")
app.command(users)


@users.command
def add(
    name: str,
    /,
    *,
    role: UserRole,
    circles: Annotated[
        str | None, Parameter(help="Role taxii: the only circles it reads, comma-separated. Default: all that seat it.")
    ] = None,
    expires: Annotated[
        str | None, Parameter(help="When the token ends: 90d, 12h, or a moment such as 2027-01-31T00:00:00Z.")
    ] = None,
) -> None:
    """Add a user and print the token once; for role taxii it is the Basic password, for that user only.

    JSON: name, role, token, circles, expires_at.
    """
    from seawall.flow.node import Node
    from seawall.flow.people import add_user

    with Node.open(context.node, token=context.token) as node:
        added = add_user(node, name, role, circles=circles, expires=expires)
    context.out.result(added, [str(added["token"])])


@users.command(name="list")
def list_users() -> None:
    """List users, without tokens.

    JSON items: name, role, created_at, revoked, circles, expires_at.
    """
    from seawall.flow.node import Node
    from seawall.model import rfc3339

    with Node.open(context.node, token=context.token) as node:
        node.require("manage-users")
        items: list[dict[str, object]] = [
            {
                "name": user.name,
                "role": user.role.value,
                "created_at": rfc3339(user.created_at),
                "revoked": user.revoked_at is not None,
                "circles": None if user.circles is None else list(user.circles),
                "expires_at": None if user.expires_at is None else rfc3339(user.expires_at),
            }
            for user in node.store.users.list()
        ]
    context.out.table(
        items, ["name", "role", "created_at", "expires_at", "circles", "revoked"], empty="There are no users."
    )


@users.command
def revoke(name: str, /) -> None:
    """Take a user's token out of use.

    JSON: name, revoked.
    """
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("manage-users")
        node.store.users.revoke(name, node.clock())
    context.out.result({"name": name, "revoked": True}, [context.out.tr("{name} is revoked.", name=name)])
