"""``seawall mail``: peers without a node, reached by OpenPGP mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.model import ExitStatus

mail = App(name="mail", help="Peers without a node, by OpenPGP mail.")
app.command(mail)
mail_peers = App(name="peers", help="Mail addresses whose keys two people compared.")
mail.command(mail_peers)


@mail.command
def key(
    *,
    create: Annotated[bool, Parameter(help="Make this node's OpenPGP key.", negative="")] = False,
    renew: Annotated[bool, Parameter(help="Let it live two more years.", negative="")] = False,
    take_over: Annotated[Path | None, Parameter(help="Use the team's own secret key from this file.")] = None,
) -> None:
    """Show this node's OpenPGP public key, which peers need.

    JSON: fingerprint, user_ids, state, encrypts, signs, expires, public_key.
    """
    from seawall.flow.mail_peers import manage_key
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        document = manage_key(node, create=create, renew=renew, take_over=take_over)
    lines = [f"{name}  {value}" for name, value in document.items() if name != "public_key"]
    context.out.result(document, [*lines, *str(document["public_key"]).splitlines()])


@mail_peers.command
def add(
    name: str,
    /,
    *,
    address: Annotated[str, Parameter(help="Their mail address.")],
    key: Annotated[Path, Parameter(help="File with their OpenPGP public key.")],
    lang: Annotated[str, Parameter(help="Language of mails to them: en, zh-Hant or ko.")] = "en",
    contact: Annotated[str | None, Parameter(help="Their entry in the contact directory.")] = None,
) -> None:
    """Add a mail peer. Nothing is exchanged before 'mail peers verify'.

    JSON: code_name, address, state, lang, fingerprint, contact, key, key_expires.
    """
    from seawall.flow.mail_peers import add_mail_peer
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(add_mail_peer(node, name, address=address, file=key, lang=lang, contact=contact))


@mail_peers.command
def verify(
    name: str,
    /,
    *,
    fingerprint: Annotated[str, Parameter(help="As they read it aloud; spaces do not matter.")],
) -> None:
    """Two people confirm the fingerprint: who acts, and the one behind --approver-token."""
    from seawall.flow.mail_peers import verify_mail_peer
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(verify_mail_peer(node, name, fingerprint))


@mail_peers.command(name="key")
def peer_key(name: str, file: Path, /) -> None:
    """Take a newer copy of a peer's public key; another key needs 'mail peers verify' again."""
    from seawall.flow.mail_peers import replace_key
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(replace_key(node, name, file))


@mail_peers.command(name="list")
def list_() -> None:
    """List mail peers and whether their keys can be encrypted to.

    JSON items: code_name, address, state, lang, fingerprint, contact, key, key_expires.
    """
    from seawall.flow.mail_peers import describe_mail_peers
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = describe_mail_peers(node)
    context.out.table(
        items, ["code_name", "address", "state", "lang", "key", "key_expires", "fingerprint"], empty="No mail peer yet."
    )


@mail_peers.command
def suspend(name: str, /) -> None:
    """Stop both directions at once; 'mail peers verify' starts again."""
    from seawall.flow.mail_peers import set_mail_state
    from seawall.flow.node import Node
    from seawall.model.peer import PeerState

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(set_mail_state(node, name, PeerState.SUSPENDED))


@mail_peers.command
def sever(name: str, /) -> None:
    """End the relation for good."""
    from seawall.flow.mail_peers import set_mail_state
    from seawall.flow.node import Node
    from seawall.model.peer import PeerState

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(set_mail_state(node, name, PeerState.SEVERED))


@mail.command
def send(
    name: str,
    /,
    *,
    circle: Annotated[str | None, Parameter(help="Only what was released in this circle.")] = None,
    ticket: Annotated[str | None, Parameter(help="Go on in this ticket's thread, else a new one begins.")] = None,
    dry_run: Annotated[bool, Parameter(help="Say what would leave; nothing does.", negative="")] = False,
) -> ExitStatus:
    """Mail everything newly released to a mail peer, signed and encrypted.

    JSON: peer, mails, objects, withheld, dry_run, problems, items (number, ticket, circle, subject, message_id, state,
    objects, problem), and the cost. With --strict a problem is status 1.
    """
    from seawall.flow.mail import send_mail
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        document = send_mail(node, name, circle=circle, ticket=ticket, dry_run=dry_run)
    context.out.pairs({**document, **cost.as_dict()})
    return ExitStatus.REJECTS if context.strict and document["problems"] else ExitStatus.DONE


@mail.command
def fetch() -> None:
    """Look at new mail in the inbox: drafts of what peers signed, quarantine for the rest.

    JSON: mails, drafts, quarantined, replayed, unreadable, items, and the cost.
    """
    from seawall.flow.mail_incoming import fetch_mail
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node, context.out.progress("Reading", rows=True) as bar:

        def on_mail(done: int) -> None:
            bar.show(done)

        document = fetch_mail(node, on_mail=on_mail)
    context.out.pairs({**document, **cost.as_dict()})


@mail.command
def read(file: Path, /) -> None:
    """Look at one mail in a file, as 'mail fetch' does at each.

    JSON: mails, drafts, quarantined, replayed, unreadable, items, and the cost.
    """
    from seawall.flow.mail_incoming import read_mail
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        document = read_mail(node, file)
    context.out.pairs({**document, **cost.as_dict()})


@mail.command
def drafts(
    *,
    decided: Annotated[bool, Parameter(help="Those that somebody decided about.", negative="")] = False,
    limit: Limit = 100,
    after: After = 0,
) -> None:
    """List what peers wrote and nobody has decided about.

    JSON items: number, at, peer, ticket, circle, tlp, pap, subject, values, flagged, objects, state.
    """
    from seawall.flow.mail_drafts import list_drafts
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_drafts(node, decided=decided, limit=limit, after=after)
    columns = ["number", "at", "peer", "circle", "tlp", "values", "flagged", "objects", "state", "subject"]
    context.out.table(page.items, columns, empty="No draft waits.", following=page.next)


@mail.command
def show(number: int, /) -> None:
    """Show one draft: its values with what speaks against them, attachments, text.

    JSON: the columns of 'mail drafts', items (type, value, found_in, description, flags), attachments, problems, text,
    decided_by.
    """
    from seawall.flow.mail_drafts import show_draft
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        document = show_draft(node, number)
    if context.json:
        context.out.result(document)
        return
    items, text = document.pop("items"), str(document.pop("text"))
    context.out.pairs(document)
    if isinstance(items, list):
        columns = ["type", "value", "found_in", "flags", "description"]
        context.out.table(items, columns, empty="No value was found in it.")
    context.out.result(None, ["", *text.splitlines()])


@mail.command
def accept(
    number: int,
    /,
    *,
    circle: Annotated[str | None, Parameter(help="Where the peer sits in several circles: which one.")] = None,
    without_flagged: Annotated[
        bool, Parameter(help="Leave out values on warninglists and own assets.", negative="")
    ] = False,
) -> int:
    """Import a draft as its peer's word, in the name of who acts.

    JSON: number, peer, circle, tlp, new, updated, unchanged, left_out, declined, problems, accepted_by.
    """
    from seawall.flow.mail_drafts import accept_draft
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        document = accept_draft(node, number, circle=circle, without_flagged=without_flagged)
    context.out.pairs(document)
    return ExitStatus.REJECTS if document["declined"] and context.strict else ExitStatus.DONE


@mail.command
def discard(number: int, /) -> None:
    """Let a draft go, in the name of who acts. JSON: number, peer, state, discarded_by."""
    from seawall.flow.mail_drafts import discard_draft
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(discard_draft(node, number))


@mail.command
def quarantine(*, limit: Limit = 100, after: After = 0) -> None:
    """List mails that were not believed, why, and a polite answer that a person may send.

    JSON items: number, at, sender, peer, subject, reason, sentence, size, file, answer.
    """
    from seawall.flow.mail_drafts import list_quarantine
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_quarantine(node, context.out.lang, limit=limit, after=after)
    columns = ["number", "at", "sender", "peer", "reason", "sentence", "subject"]
    context.out.table(page.items, columns, empty="No mail is in quarantine.", following=page.next)
    if not context.json:
        for item in page.items:
            if item["answer"] is not None:
                context.out.result(None, ["", f"{item['number']}:", *str(item["answer"]).splitlines()])
