"""``seawall feeds``: lists of what is in force, fetched by other people's tools with a token of each."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context

feeds = App(name="feeds", help="Lists of what is in force, which tools fetch over HTTPS, each with its own token.")
app.command(feeds)

COLUMNS = ["name", "format", "place", "point", "tlp_at_most", "least_score", "path", "sequence", "handed_at"]


@feeds.command
def add(
    name: str,
    /,
    *,
    format: Annotated[str, Parameter(help="text, csv, nftables, nginx ...; bouncer for CrowdSec's own bouncers.")],
    place: Annotated[
        str | None, Parameter(help="own, cloud or country (somebody else's here). Default: its point's, else own.")
    ] = None,
    point: Annotated[str | None, Parameter(help="Only what is in force at this enforcement point.")] = None,
    types: Annotated[
        str | None, Parameter(help="Types of values, separated by commas; default: all it carries.")
    ] = None,
    least_score: Annotated[
        float, Parameter(help="Only values with at least this score.", validator=Number(gte=0, lte=100))
    ] = 0.0,
    tlp: Annotated[
        str | None, Parameter(help="Strictest TLP it is cleared for. Default: amber+strict for own, else green.")
    ] = None,
    watch: Annotated[bool, Parameter(help="Also what may only be watched, marked so.", negative="")] = False,
) -> None:
    """Add a consumer and print its token once: a bearer token, or the Basic password of the user NAME.

    JSON: name, format, place, point, types, least_score, tlp_at_most, watch, path, files, created_at, created_by,
    token_since, sequence, handed_at, token.
    """
    from seawall.flow.node import Node
    from seawall.flow.served_feeds_kept import add_feed

    with Node.open(context.node, token=context.token) as node:
        added = add_feed(
            node,
            name,
            format=format,
            place=place,
            point=point,
            types=types,
            least_score=least_score,
            tlp=tlp,
            watch=watch,
        )
    context.out.result(added, [str(added["token"])])


@feeds.command(name="list")
def list_all() -> None:
    """List the consumers, without tokens.

    JSON items: as 'feeds add' without the token, and last_seen.
    """
    from seawall.flow.node import Node
    from seawall.flow.served_feeds_kept import list_feeds

    with Node.open(context.node, token=context.token) as node:
        items = list_feeds(node)
    context.out.table(items, COLUMNS, empty="Nobody fetches a feed; 'seawall feeds add' gives a tool its token.")


@feeds.command
def show(name: str, /) -> None:
    """Show a consumer, how much it gets now, and what its format cannot carry.

    JSON: as 'feeds add' without the token; by_type, left_out (rule and number), first_expiry.
    """
    from seawall.flow.node import Node
    from seawall.flow.served_feeds_kept import show_feed

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(show_feed(node, name))


@feeds.command
def rotate(name: str, /) -> None:
    """Give a consumer a new token, printed once; the old one opens nothing any more.

    JSON: name, token.
    """
    from seawall.flow.node import Node
    from seawall.flow.served_feeds_kept import rotate_feed

    with Node.open(context.node, token=context.token) as node:
        rotated = rotate_feed(node, name)
    context.out.result(rotated, [str(rotated["token"])])


@feeds.command
def remove(name: str, /) -> None:
    """Remove a consumer: its token opens nothing from the next request on.

    JSON: name, removed.
    """
    from seawall.flow.node import Node
    from seawall.flow.served_feeds_kept import remove_feed

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(remove_feed(node, name))
