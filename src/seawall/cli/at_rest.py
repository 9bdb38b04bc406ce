"""``seawall vault``: what of the node's folder can be read by whoever carries it away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost

if TYPE_CHECKING:
    from seawall.flow.at_rest import NewWay

vault = App(name="vault", help="Encryption of this node's keys, ledger and store, and its end.")
app.command(vault)

Passphrase = Annotated[
    Path | None,
    Parameter(help="File whose first line is the new passphrase; else SEAWALL_PASSPHRASE_FILE, else asked."),
]
Module = Annotated[Path | None, Parameter(help="The PKCS#11 library of a token, in place of a passphrase.")]
Label = Annotated[str, Parameter(help="Label of the token.")]
Pin = Annotated[
    Path | None, Parameter(help="File whose first line is the token's PIN; else SEAWALL_PIN_FILE, else asked.")
]
Alone = Annotated[bool, Parameter(help="Remove all other ways to the vault.", negative="")]


@vault.command
def status() -> None:
    """Say what is sealed and what is not; needs neither passphrase nor token.

    JSON: state (none, encrypting, on, destroyed), ways, created, destroyed, store, secrets_sealed, secrets_plain,
    leaves, leaves_plain, never_sealed.
    """
    from seawall.flow.at_rest import describe, verdict

    said = describe(context.node)
    context.out.pairs(said)
    context.out.note(verdict(said))


@vault.command
def encrypt(
    *,
    passphrase_file: Passphrase = None,
    module: Module = None,
    label: Label = "",
    pin_file: Pin = None,
    key_file: Annotated[
        bool, Parameter(help="The key in a file beside what it opens: no protection until a way is added.", negative="")
    ] = False,
    names_only: Annotated[
        bool, Parameter(help="Keys, the ledger and who peers are, but not the store as a whole.", negative="")
    ] = False,
) -> None:
    """Encrypt this node; everything else that uses it must be stopped. A run that was killed goes on where it ended.

    JSON: secrets, leaves, names (how many were sealed), store, and the cost.
    """
    from seawall.flow.at_rest import NewWay, describe
    from seawall.flow.at_rest_sealing import encrypt as seal_node
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        node.require("maintain")
        if describe(context.node)["state"] == "none":
            way = NewWay(file=True) if key_file else _way(passphrase_file, module, label, pin_file)
        else:
            way = NewWay()  # its ways are kept
        with context.out.progress("Encrypting") as bar:
            steps = iter(range(1, 100))
            done = seal_node(node, way, names_only=names_only, on_step=lambda _: bar.show(next(steps), 4))
    context.out.pairs({**done, **cost.as_dict()})
    if key_file:
        context.out.note("The key lies beside what it opens: this is no protection against seizure.")
    else:
        context.out.note("Keep the passphrase or token in a second place: nobody can open the node without one.")


@vault.command
def passphrase(*, new_passphrase_file: Passphrase = None, alone: Alone = False) -> None:
    """Set another passphrase; nothing is encrypted anew. A key file beside the vault is destroyed.

    JSON: state, ways.
    """
    from seawall.flow.at_rest import NewWay, change_ways
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("maintain")
        given = _line(new_passphrase_file) if new_passphrase_file else _ask("New passphrase: ", twice=True)
        context.out.pairs(change_ways(node, NewWay(passphrase=given), alone=alone))


@vault.command
def token(*, module: Path, label: str, pin_file: Pin = None, alone: Alone = False) -> None:
    """Let a PKCS#11 token open the vault; nothing is encrypted anew. A key file beside the vault is destroyed.

    JSON: state, ways.
    """
    from seawall.flow.at_rest import change_ways
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("maintain")
        context.out.pairs(change_ways(node, _way(None, module, label, pin_file), alone=alone))


@vault.command(name="open")
def open_vault(file: Annotated[Path | None, Parameter(help="A sealed file of this node, to print.")] = None, /) -> None:
    """Try whether the passphrase or token opens the vault; or print a sealed file, such as the administrator's token.

    JSON: opens, and with a file its contents.
    """
    from seawall.flow.at_rest import open_for
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        plain = open_for(node, file)
    if plain is None:
        context.out.pairs({"opens": True})
    elif context.json:
        context.out.pairs({"opens": True, "contents": plain.decode("utf-8", "backslashreplace")})
    else:
        sys.stdout.write(plain.decode("utf-8", "backslashreplace"))


@vault.command
def destroy(*, reason: Annotated[str, Parameter(help="Stands in the ledger, sealed with it.")] = "") -> None:
    """Destroy every way to the vault, for good; a second person agrees with --approver-token.

    The ledger's tree can still be verified; no name and no content can be read any more. Backups are not reached.
    JSON: destroyed, approved_by, leaves, root, token_key_deleted.
    """
    from seawall.flow.at_rest_destroying import destroy as end
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        done = end(node, reason)
    context.out.pairs(done)
    context.out.note("Backups and copies of the disk still open with what opened them; destroy those too.")


def _way(passphrase_file: Path | None, module: Path | None, label: str, pin_file: Path | None) -> NewWay:
    from seawall.flow.at_rest import NewWay
    from seawall.identity.vault_open import passphrase_at_hand, pin_at_hand

    if module is not None:
        pin = _line(pin_file) if pin_file else pin_at_hand() or _ask("PIN of the token: ")
        return NewWay(module=str(module), label=label, pin=pin)
    if passphrase_file is not None:
        return NewWay(passphrase=_line(passphrase_file))
    return NewWay(passphrase=passphrase_at_hand() or _ask("New passphrase: ", twice=True))


def _line(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.readline(10_000).decode("utf-8", "surrogateescape").rstrip("\r\n")


def _ask(prompt: str, *, twice: bool = False) -> str:
    import getpass

    from seawall.model import Fault

    if not sys.stdin.isatty():
        raise Fault("E-CLI-067", "Nobody can be asked for the passphrase; give a file with --passphrase-file.")
    first = getpass.getpass(context.out.tr(prompt))
    if twice and getpass.getpass(context.out.tr("The same again: ")) != first:
        raise Fault("E-CLI-068", "The two passphrases differ; nothing was written.")
    return first
