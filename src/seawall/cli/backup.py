"""``seawall backup``, ``restore``, ``upgrade``: a node survives its disk, and its next version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost

PassphraseFile = Annotated[
    Path | None, Parameter(help="File whose first line is the passphrase; else it is asked for on the terminal.")
]


@app.command
def backup(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="The file to write, outside the node's folder.")],
    passphrase_file: PassphraseFile = None,
    without_lake: Annotated[bool, Parameter(help="Leave telemetry out.", negative="")] = False,
) -> None:
    """Write one encrypted file from which this node can be made again, keys included, while everything runs.

    JSON: file, bytes, members, at, schema, leaves, root, lake, and the cost.
    """
    from seawall.flow.backup import back_up
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        passphrase = _passphrase(passphrase_file, twice=True)
        with context.out.progress("Backing up") as bar:
            done = back_up(node, out, passphrase, with_lake=not without_lake, on_progress=bar.show)
    context.out.pairs({**done, **cost.as_dict()})


@app.command
def restore(
    file: Path,
    /,
    *,
    passphrase_file: PassphraseFile = None,
    store_url: Annotated[
        str | None, Parameter(help="The empty database, when the node's store was on a PostgreSQL server.")
    ] = None,
) -> None:
    """Make the node of --node out of a backup; the folder must be new or empty.

    Caps of standing releases count as reached for a day, and every peer is told: two people there accept it with
    'seawall peers accept-restore'. Never run the old node again beside the restored one. JSON: node, node_id, name,
    backup_at, members, lake, restored_at, leaf, epoch, budgets_spent, peers_told, and the cost.
    """
    from seawall.flow.restore import restore as make_again

    cost = Cost()
    passphrase = _passphrase(passphrase_file, twice=False)
    with context.out.progress("Restoring") as bar:
        done = make_again(file, context.node, passphrase, store_address=store_url, on_progress=bar.show)
    context.out.pairs({**done, **cost.as_dict()})
    context.out.note("What was revoked or severed after the backup is as it was then; look at users and peers now.")


@app.command
def upgrade(
    *, check: Annotated[bool, Parameter(help="Say what would change; change nothing.", negative="")] = False
) -> None:
    """Bring a node of an earlier Seawall to this version. Refuses without a backup made after the last change.

    JSON: version, schema, newest_schema, needed, steps (schema, what), last_backup, backup_is_fresh, ready, and without
    --check upgraded, rows, and the cost.
    """
    from seawall.flow.node import Node
    from seawall.flow.upgrade import check_upgrade
    from seawall.flow.upgrade import upgrade as bring_up

    cost = Cost()
    with Node.open(context.node, token=context.token) as node, context.out.progress("Reading the store") as bar:
        done = check_upgrade(node, bar.show) if check else bring_up(node, bar.show)
    context.out.pairs({**done, **cost.as_dict()})


def _passphrase(file: Path | None, *, twice: bool) -> str:
    """From the file, or asked for. Raises Fault E-CLI-067 without either, E-CLI-068 when two entries differ."""
    import getpass
    import sys

    from seawall.model import Fault

    if file is not None:
        with file.open("rb") as stream:
            return stream.readline(10_000).decode("utf-8", "surrogateescape").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Fault("E-CLI-067", "Nobody can be asked for the passphrase; give a file with --passphrase-file.")
    first = getpass.getpass(context.out.tr("Passphrase: "))
    if twice and getpass.getpass(context.out.tr("The same again: ")) != first:
        raise Fault("E-CLI-068", "The two passphrases differ; nothing was written.")
    return first
