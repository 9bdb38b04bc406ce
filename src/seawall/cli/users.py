"""``seawall users``: named people, and third-party TAXII clients."""

from __future__ import annotations

from cyclopts import App

from seawall.cli.app import app, context
from seawall.model import UserRole

users = App(name="users", help="Named people with roles, and third-party TAXII clients (role taxii).")
app.command(users)


@users.command
def add(name: str, /, *, role: UserRole) -> None:
    """Add a user and print the token once.

    JSON: name, role, token.
    """
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("manage-users")
        token = node.store.users.add(name, role, node.clock())
    context.out.result({"name": name, "role": role.value, "token": token}, [token])


@users.command(name="list")
def list_users() -> None:
    """List users, without tokens.

    JSON items: name, role, created_at, revoked.
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
            }
            for user in node.store.users.list()
        ]
    context.out.table(items, ["name", "role", "created_at", "revoked"], empty="There are no users.")


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
