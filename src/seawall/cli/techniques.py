"""``seawall techniques``: ways of working, without values, matched across sides."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.paging import After, Limit

techniques = App(name="techniques", help="Ways of working that were seen, without values, and who works alike.")
app.command(techniques)

COLUMNS = ["id", "side", "sectors", "sequence", "tools", "first_seen", "source", "origin"]


@techniques.default
@techniques.command(name="list")
def list_(*, limit: Limit = 100, after: After = 0) -> None:
    """List technique sightings: entered here, named by our signatures, imported, told by peers.

    JSON items: id, side, sectors, sequence, tools, note, first_seen, last_seen, source (analyst, telemetry, or the
    attack pattern), origin, entered_by, tlp, pap.
    """
    from seawall.flow.node import Node
    from seawall.flow.techniques_shown import list_sightings

    with Node.open(context.node, token=context.token) as node:
        page = list_sightings(node, limit=limit, after=after)
    context.out.table(page.items, COLUMNS, empty="No technique was seen yet.", following=page.next)


@techniques.command
def add(
    *,
    sequence: Annotated[str, Parameter(help="ATT&CK techniques in order, with commas: T1190,T1505.003,T1003.")],
    sector: Annotated[str, Parameter(help="Where it was seen.")],
    tool: Annotated[list[str] | None, Parameter(help="A tool that was used; may be given again.", negative="")] = None,
    note: Annotated[str, Parameter(help="The procedure in your words; it leaves with the sighting.")] = "",
    side: Annotated[str | None, Parameter(help="The side, if not this node's own.")] = None,
    at: Annotated[str | None, Parameter(help="When (RFC 3339), if not now.")] = None,
    tlp: Annotated[str, Parameter(help="Marking of what leaves.")] = "amber",
    pap: Annotated[str, Parameter(help="Permitted actions.")] = "amber",
) -> None:
    """Enter a way of working that was seen; it becomes STIX objects that leave only when they are released.

    JSON: id, sequence, side, sectors, first_seen, tools, note, tlp, pap, objects (STIX ids for 'seawall release', the
    attack pattern before the sighting of it).
    """
    from seawall.flow.node import Node
    from seawall.flow.techniques import add as enter
    from seawall.model import rfc3339

    with Node.open(context.node, token=context.token) as node:
        done = enter(
            node, sequence=sequence, sector=sector, tools=tool or (), note=note, side=side, at=at, tlp=tlp, pap=pap
        )
    for name in ("first_seen", "last_seen"):
        done[name] = rfc3339(int(str(done[name])))
    context.out.pairs(done)


@techniques.command
def matches(*, limit: Limit = 100) -> None:
    """Show which sequences of different sides may be one actor's, and how often unrelated ones match.

    A match is possible, never proven; 'seawall hunts request --confirms ID' asks whether. JSON: items (id, similarity,
    possible, common, tools, p: share of unrelated sequences that do as well, p_interval: as counted among those drawn,
    q: corrected for all pairs, one, other, answers: what hunts found), next, sequences, pairs, draws, false_matches,
    false_match_rate (interval; null: nothing was compared), known_techniques.
    """
    from seawall.flow.node import Node
    from seawall.flow.techniques_shown import matches as find

    with Node.open(context.node, token=context.token) as node:
        found = find(node, limit=limit)
    if context.json:
        context.out.result(found)
        return
    items = found["items"]
    rows = [_row(item) for item in items] if isinstance(items, list) else []
    context.out.table(
        rows, ["similarity", "p", "q", "common", "tools", "one", "other", "hunts", "id"], empty="No possible match."
    )
    rate = found["false_match_rate"]
    if not isinstance(rate, list):
        context.out.result(None, [context.out.tr("Not enough data: sequences of two sides are needed.")])
        return
    told = context.out.tr(
        "{false} of {draws} unrelated sequences would look alike by similarity alone ({low}-{high} %); "
        "{pairs} pairs were compared.",
        false=found["false_matches"],
        draws=found["draws"],
        low=f"{100 * rate[0]:.1f}",
        high=f"{100 * rate[1]:.1f}",
        pairs=found["pairs"],
    )
    context.out.result(None, ["", told, context.out.tr("A match is possible, never proven: confirm it with a hunt.")])


def _row(item: dict[str, object]) -> dict[str, object]:
    ends = {name: item[name] for name in ("one", "other")}
    said = {
        name: f"{end['side']} {', '.join(end['sectors'])} {end['first_seen']}"
        for name, end in ends.items()
        if isinstance(end, dict)
    }
    answers = item["answers"]
    hunts = (
        [f"{one['peer']}: {'yes' if one['confirms'] else 'no'}" for one in answers] if isinstance(answers, list) else []
    )
    return {**item, **said, "hunts": ", ".join(hunts)}
