"""``seawall keys``: the keys that speak for this node, and their replacement by two named people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.model import Fault

keys = App(name="keys", help="This node's keys, and those of peers.")
app.command(keys)


@keys.command
def show() -> None:
    """Show the key set in force, and which peers have not taken it yet.

    JSON: node_id, version, created, expires, expired, reason, signing_key, root_keys, offline_roots, threshold,
    certificate_sha256, fingerprint, former_certificate_shown, waiting_for, and of the prekey that messages are sealed
    for: prekey, prekey_created, prekey_ends, prekey_age_seconds, prekeys_kept.
    """
    from seawall.flow.keys import show_keys
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(show_keys(node))


@keys.command(name="list")
def list_them(*, peer: Annotated[str | None, Parameter(help="Of this peer; otherwise of this node.")] = None) -> None:
    """List the signing keys there were, each with its time; the one in force is last.

    JSON items: version, signing_key, begins, ends, state, learned.
    """
    from seawall.flow.keys import list_keys
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = list_keys(node, peer)
    context.out.table(items, ["version", "signing_key", "state", "begins", "ends", "learned"], empty="No key.")


@keys.command
def make_root(
    file: Path,
    /,
    *,
    password_file: Annotated[Path | None, Parameter(help="Encrypt the key with the password in this file.")] = None,
) -> None:
    """Make an offline root key in a new file; 'keys rotate --with FILE' puts it to use.

    JSON: file, root_key, encrypted.
    """
    from seawall.flow.keys import make_root as make

    context.out.pairs(make(file, password_file))


@keys.command
def rotate(
    *,
    with_: Annotated[
        list[Path] | None, Parameter(name="--with", help="File of an offline root key; several times for several.")
    ] = None,
    password_file: Annotated[Path | None, Parameter(help="The password of those files.")] = None,
    threshold: Annotated[int | None, Parameter(help="How many root keys the next rotation will need.")] = None,
    drop: Annotated[list[str] | None, Parameter(help="A root key to leave out from now on, by its id.")] = None,
    stolen: Annotated[
        bool, Parameter(negative=(), help="The key in force is in wrong hands: its certificate ends at once.")
    ] = False,
    anew: Annotated[
        bool, Parameter(negative=(), help="All keys are lost or stolen: peers must compare the fingerprint again.")
    ] = False,
) -> None:
    """Replace this node's keys; two named people (--token and --approver-token) stand for it.

    Every verified peer hears of it from the old key at the next sync or drop, and goes on without a new call.

    JSON: version, reason, expires, fingerprint, told, resumed, approved_by, problems.
    """
    from seawall.flow.keys import rotate_keys
    from seawall.flow.node import Node
    from seawall.identity import Reason

    if stolen and anew:
        raise Fault("E-CLI-060", "Give --stolen or --anew, not both: a new start says that keys are stolen already.")
    reason = Reason.ANEW if anew else Reason.STOLEN if stolen else Reason.ROTATED
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        report = rotate_keys(
            node,
            files=with_ or (),
            password_file=password_file,
            threshold=threshold,
            drop=drop or (),
            reason=reason,
        )
    context.out.pairs(report)
