"""``seawall circles``: named audiences and what may go to them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context

circles = App(name="circles", help="Named audiences and their terms.")
app.command(circles)


@circles.command
def create(
    name: str,
    /,
    *,
    members: Annotated[str, Parameter(help="Peers' code names or local TAXII users, separated by commas.")],
    tlp_ceiling: Annotated[str, Parameter(help="Strictest marking that may enter.")],
    tlp_floor: Annotated[str, Parameter(help="Marking of unmarked input.")] = "amber+strict",
    pap_ceiling: Annotated[str, Parameter(help="Strictest permitted action.")] = "red",
    types: Annotated[str | None, Parameter(help="STIX object types, separated by commas; else all.")] = None,
    auto: Annotated[str | None, Parameter(help="Types that go without a click (standing release).")] = None,
    auto_enforce: Annotated[bool, Parameter(help="Members' indicators may block here.", negative="")] = False,
    commitment_age: Annotated[str, Parameter(help="e.g. 24h, 30m, 0s.")] = "24h",
    exclude: Annotated[str | None, Parameter(help="Communities or peers kept out, separated by commas.")] = None,
    track: Annotated[str, Parameter(help="1, 1.5 or 2.")] = "1",
    attribution: Annotated[bool, Parameter(help="Whether we may be named as the source.")] = False,
    chatham_house: Annotated[bool, Parameter(help="Name neither providers nor who takes part.", negative="")] = False,
    kinds: Annotated[str | None, Parameter(help="Kinds of information it takes, e.g. tw-share:1; else all.")] = None,
    redact: Annotated[str | None, Parameter(help="Properties and dotted paths that are struck.")] = None,
    minimum_context: Annotated[str | None, Parameter(help="Properties that must be there.")] = None,
    proof: Annotated[
        str, Parameter(help="transferable, or between-us: members cannot prove to others what we said.")
    ] = "transferable",
) -> None:
    """Create a circle. Standing releases and auto-enforce need a second person (--approver-token).

    JSON: the terms, version, members, agreed, agreed_with, digest; 'circles show' has the same.
    """
    from seawall.flow.circles import CircleWish, create_circle
    from seawall.flow.node import Node

    wish = CircleWish(
        name=name,
        members=_names(members),
        tlp_ceiling=tlp_ceiling,
        tlp_floor=tlp_floor,
        pap_ceiling=pap_ceiling,
        types=_names(types) if types else None,
        auto=_names(auto) if auto else (),
        auto_enforce=auto_enforce,
        commitment_age=commitment_age,
        exclusions=_names(exclude) if exclude else (),
        track=track,
        attribution=attribution,
        chatham_house=chatham_house,
        kinds=_names(kinds) if kinds else (),
        redaction=_names(redact) if redact else (),
        minimum_context=_names(minimum_context) if minimum_context else (),
        proof=proof,
    )
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(create_circle(node, wish))


@circles.command
def change(
    name: str,
    /,
    *,
    members: Annotated[str | None, Parameter(help="All members from now on, separated by commas.")] = None,
    exclude: Annotated[str | None, Parameter(help="All who are kept out from now on; '' for nobody.")] = None,
    tlp_ceiling: Annotated[str | None, Parameter(help="Strictest marking that may enter.")] = None,
    tlp_floor: Annotated[str | None, Parameter(help="Marking of unmarked input.")] = None,
    pap_ceiling: Annotated[str | None, Parameter(help="Strictest permitted action.")] = None,
    types: Annotated[str | None, Parameter(help="STIX object types, separated by commas.")] = None,
    track: Annotated[str | None, Parameter(help="1, 1.5 or 2.")] = None,
    attribution: Annotated[bool | None, Parameter(help="Whether we may be named as the source.")] = None,
    chatham_house: Annotated[bool | None, Parameter(help="Name neither providers nor who takes part.")] = None,
    kinds: Annotated[str | None, Parameter(help="Kinds of information it takes; '' for all.")] = None,
    redact: Annotated[str | None, Parameter(help="All properties and dotted paths that are struck.")] = None,
    minimum_context: Annotated[str | None, Parameter(help="All properties that must be there.")] = None,
    auto_enforce: Annotated[bool | None, Parameter(help="Members' indicators may block here.")] = None,
    commitment_age: Annotated[str | None, Parameter(help="e.g. 24h, 30m, 0s.")] = None,
    held_data: Annotated[
        str | None, Parameter(help="keep, expire or delete what members sent once a relation ends.")
    ] = None,
    proof: Annotated[str | None, Parameter(help="transferable or between-us.")] = None,
    cloud_pap: Annotated[
        str | None, Parameter(help="Strictest PAP that members' tools in a cloud may be given; green unless agreed.")
    ] = None,
) -> None:
    """Change some terms of a circle; the others stay, and the members have to agree to the new version.

    A circle that sends or blocks without a click takes a second person (--approver-token). JSON: as 'circles show';
    where very many orders end by it also orders_removed, orders_put, sweep_seconds.
    """
    from seawall.cli.sweeping import swept
    from seawall.flow.circle_changes import CircleChange, change_circle
    from seawall.flow.node import Node

    wish = CircleChange(
        members=_names(members) if members is not None else None,
        exclusions=_names(exclude) if exclude is not None else None,
        tlp_ceiling=tlp_ceiling,
        tlp_floor=tlp_floor,
        pap_ceiling=pap_ceiling,
        types=_names(types) if types is not None else None,
        track=track,
        attribution=attribution,
        chatham_house=chatham_house,
        kinds=_names(kinds) if kinds is not None else None,
        redaction=_names(redact) if redact is not None else None,
        minimum_context=_names(minimum_context) if minimum_context is not None else None,
        auto_enforce=auto_enforce,
        commitment_age=commitment_age,
        held_data=held_data,
        proof=proof,
        cloud_pap=cloud_pap,
    )
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        done = change_circle(node, name, wish)
        context.out.pairs(done | swept(node))


@circles.command
def acceptance(
    name: str,
    /,
    *,
    types: Annotated[str | None, Parameter(help="STIX types that come in; '' for all that the circle carries.")] = None,
    least_confidence: Annotated[
        int | None, Parameter(help="Confidence that indicators need.", validator=Number(gte=0, lte=100))
    ] = None,
    needs: Annotated[str | None, Parameter(help="Properties that must be there, e.g. indicator.labels.")] = None,
) -> None:
    """Say what this node takes in of a circle, within its terms; the members need not agree. JSON: as 'circles show'.

    What is kept out is declined with a sentence to its sender; revocations always come in.
    """
    from seawall.flow.circle_changes import set_acceptance
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(
            set_acceptance(
                node,
                name,
                types=_names(types) if types is not None else None,
                least_confidence=least_confidence,
                needs=_names(needs) if needs is not None else None,
            )
        )


@circles.command
def history(name: str, /) -> None:
    """List all versions of a circle's terms, newest first, with what changed and who stood for it.

    JSON items: version, at, approved_by, changed (term: [before, after]).
    """
    from seawall.flow.circle_changes import circle_history
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = circle_history(node, name)
    context.out.table(items, ["version", "at", "approved_by", "changed"], empty="No circle yet.")


@circles.command
def accept(
    name: str,
    /,
    *,
    peer: Annotated[str | None, Parameter(name="--from", help="Whose terms, when members said different ones.")] = None,
) -> None:
    """Take over the terms that a peer last said of a circle, ours or new; members and what we enforce stay ours.

    Terms with standing releases take a second person (--approver-token). JSON: as 'circles show'.
    """
    from seawall.flow.agreement import accept_circle
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(accept_circle(node, name, peer))


@circles.command(name="list")
def list_circles() -> None:
    """List circles, and say of which ones peers have other terms than we do.

    JSON items: as 'circles show' without 'offered'; waiting: circle and peer of terms that are not agreed.
    """
    from seawall.flow.agreement import waiting_offers
    from seawall.flow.circles import describe_circles
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items, waiting = describe_circles(node), waiting_offers(node)
    columns = ["name", "members", "tlp_ceiling", "agreed", "version"]
    context.out.table(items, columns, empty="No circle yet.", extra={"waiting": waiting})
    if not context.json:
        for offer in waiting:
            context.out.note(
                "{peer} has other terms for {circle}; see 'seawall circles show {circle}', and 'circles accept'.",
                **offer,
            )


@circles.command
def show(name: str, /) -> None:
    """Print a circle's terms, and what each peer said of it.

    JSON: name, the terms, version, members, exclusions, auto_enforce, agreed, agreed_with, digest, offered (peer, at,
    notice, differs: term: [ours, theirs]).
    """
    from seawall.flow.agreement import shown_circle
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(shown_circle(node, name))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
