"""``seawall peers relay``, ``relay-invite``, ``relay-accept`` and ``seawall post``: sealed messages and their way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import Limit
from seawall.cli.peers import peers
from seawall.model import ExitStatus, Fault

post = App(name="post", help="Sealed messages to and from peers.")
app.command(post)


@peers.command(name="relay")
def relay(
    code_name: str,
    /,
    *,
    url: Annotated[str | None, Parameter(help="The relay of our own mailbox, https://host:8702.")] = None,
    pin: Annotated[
        str, Parameter(help="SHA-256 of its key, as its operator tells it; left out behind a public certificate.")
    ] = "",
    mailbox: Annotated[str | None, Parameter(help="Our mailbox there, 32 hex digits.")] = None,
    read_token: Annotated[Path | None, Parameter(help="File with the token that reads it; it stays here.")] = None,
    write_token: Annotated[Path | None, Parameter(help="File with the token that writes; the peer gets it.")] = None,
    off: Annotated[bool, Parameter(help="Forget both mailboxes and their tokens.", negative="")] = False,
) -> None:
    """Set, show or forget the mailboxes through which messages with a peer travel.

    With --url, --mailbox and both tokens: our own mailbox for this peer; a peer with a line is told by a notice, for
    others see 'peers relay-invite'. It is in use once both sides' mailboxes are known. JSON: peer, url, mailbox,
    their_url, their_mailbox, in_use, waiting, and told when it was set.
    """
    from seawall.flow.node import Node
    from seawall.flow.relay_ceremony import remove_relay, set_relay, show_relay

    given = [value is not None for value in (url, mailbox, read_token, write_token)]
    with Node.open(context.node, token=context.token) as node:
        if off and not any(given):
            context.out.pairs(remove_relay(node, code_name))
        elif not off and not any(given) and not pin:
            node.require("read")
            context.out.pairs(show_relay(node, code_name))
        elif not off and url is not None and mailbox is not None and read_token is not None and write_token is not None:
            context.out.pairs(
                set_relay(
                    node,
                    code_name,
                    url=url,
                    pin=pin,
                    mailbox=mailbox,
                    read_token=read_token,
                    write_token=write_token,
                )
            )
        else:
            raise Fault("E-CLI-090", "Give --url, --mailbox, --read-token and --write-token together, or --off alone.")


@peers.command(name="cover")
def cover(
    code_name: str,
    /,
    *,
    cells: Annotated[int | None, Parameter(help="Cells of each visit, 1 to 256; each is about 64 kB.")] = None,
    off: Annotated[bool, Parameter(help="End the cover: messages leave when there are some.", negative="")] = False,
) -> None:
    """Set or show the cover traffic to a peer that is reached through a relay.

    Under cover each run of the job 'sync' lays the same number of equal cells into the peer's mailbox, whether there is
    much to say or nothing, and nothing leaves at any other moment; what does not fit waits for the next run. Each side
    decides for what it sends. JSON: peer, cells, bytes_a_visit, bytes_a_day, waiting.
    """
    from seawall.flow.node import Node
    from seawall.flow.relay_cover import set_cover, show_cover

    with Node.open(context.node, token=context.token) as node:
        if off and cells is None:
            context.out.pairs(set_cover(node, code_name, 0))
        elif cells is not None and not off:
            context.out.pairs(set_cover(node, code_name, cells))
        elif cells is None:
            node.require("read")
            context.out.pairs(show_cover(node, code_name))
        else:
            raise Fault("E-CLI-125", "Give --cells or --off, not both.")


@peers.command(name="relay-invite")
def relay_invite(
    code_name: str, /, *, output: Annotated[Path, Parameter(name=["-o", "--output"], help="The file to write.")]
) -> None:
    """Write the invitation to our mailbox, for people to hand over to a peer that never connects to us.

    JSON: peer, file, url, mailbox.
    """
    from seawall.flow.node import Node
    from seawall.flow.relay_ceremony import invite

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(invite(node, code_name, output))
    context.out.note("Whoever has the file can lay messages into the mailbox, and read none; hand it over in person.")


@peers.command(name="relay-accept")
def relay_accept(file: Path, /) -> None:
    """Take in the invitation of a verified peer: our messages to it go to its mailbox from now on.

    JSON: peer, url, mailbox, their_url, their_mailbox, in_use, waiting, news.
    """
    from seawall.flow.node import Node
    from seawall.flow.relay_ceremony import accept

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(accept(node, file))


@post.command(name="list")
def list_messages(peer: str, /, *, limit: Limit = 100) -> None:
    """Show the last messages in both directions: what waits, what arrived, and what was not wanted and why.

    JSON items: direction (sent or received), sequence, kind, state, at, expires, bytes, reason.
    """
    from seawall.flow.node import Node
    from seawall.flow.post_shown import describe_messages

    with Node.open(context.node, token=context.token) as node:
        items = describe_messages(node, peer, limit=limit)
    columns = ["direction", "sequence", "kind", "state", "at", "expires", "bytes", "reason"]
    context.out.table(items, columns, empty="No message yet.")


@post.command(name="deliver")
def deliver_messages(peer: str, /) -> int:
    """Exchange the sealed messages that wait, over the peer's line or its relay; objects travel with 'sync'.

    JSON: sent, received, bytes_out, bytes_in, waiting, problems, and the cost. With --strict a problem is status 1.
    """
    from seawall.flow.node import Node
    from seawall.flow.post import deliver

    with Node.open(context.node, token=context.token) as node:
        node.require("sync")
        cost = Cost()
        done = deliver(node, peer)
    context.out.pairs(
        {
            "sent": done.sent,
            "received": done.received,
            "bytes_out": done.bytes_out,
            "bytes_in": done.bytes_in,
            "waiting": done.waiting,
            "problems": list(done.problems),
            **cost.as_dict(),
        }
    )
    return ExitStatus.REJECTS if context.strict and done.problems else ExitStatus.DONE
