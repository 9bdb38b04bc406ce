"""``seawall hunts``: questions that partners ask of each other's lakes, and their answers in tiers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.paging import Limit
from seawall.model import Fault

hunts = App(name="hunts", help="Ask a partner to look for something, and answer such questions in tiers.")
app.command(hunts)

COLUMNS = ["id", "side", "peer", "circle", "name", "form", "state", "answer", "deadline"]
Id = Annotated[str, Parameter(help="The hunt's id, or its beginning.")]
MAX_RULE = 65_536  # bytes
Before = Annotated[int, Parameter(help="Continue before this number: the 'next' of the page before.",
                                  validator=Number(gte=0))]  # fmt: skip


@hunts.command
def request(
    *,
    to: Annotated[str, Parameter(help="Code name of the peer.")],
    circle: Annotated[str, Parameter(help="Under whose terms it is asked.")],
    since: Annotated[str, Parameter(help="Beginning of the window (RFC 3339).")],
    until: Annotated[str | None, Parameter(help="End of the window; now when left out.")] = None,
    deadline: Annotated[str | None, Parameter(help="Until when an answer is of use; in 7 days when left out.")] = None,
    sigma: Annotated[str | None, Parameter(help="A Sigma rule: a file, or the id of one held here.")] = None,
    where: Annotated[list[str], Parameter(help="A condition such as domain=evil.example; all must hold.")] = [],  # noqa: B006
    name: Annotated[str, Parameter(help="What the peer sees it called.")] = "",
    tlp: Annotated[str | None, Parameter(help="Marking; amber, or the circle's ceiling, when left out.")] = None,
    pap: Annotated[str | None, Parameter(help="Marking; amber, or the circle's ceiling, when left out.")] = None,
    made_from: Annotated[list[str], Parameter(name="--from", help="Object it was made from: its marking counts.")] = [],  # noqa: B006
    confirms: Annotated[str, Parameter(help="Technique match that the answer confirms or refutes.")] = "",
) -> None:
    """Ask a peer to search its lake: with a Sigma rule, or with conditions. It is a release, and travels sealed.

    JSON: id, side, peer, circle, name, form, state, answer, since, until, deadline, at, tlp, pap, confirms,
    reviewed_by, reason, losses, problems.
    """
    from seawall.flow.hunts import DAY, Asking, request_hunt
    from seawall.flow.hunts_shown import hunt_row
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        now = node.clock()
        asking = Asking(
            circle=circle,
            since=_moment(since),
            until=_moment(until) if until is not None else now,
            deadline=_moment(deadline) if deadline is not None else now + 7 * DAY,
            sigma=_rule(sigma),
            where=tuple(where),
            name=name,
            tlp=tlp,
            pap=pap,
            made_from=tuple(made_from),
            confirms=confirms,
        )
        hunt, losses, problems = request_hunt(node, to, asking)
        context.out.pairs(hunt_row(node, hunt) | {"losses": losses, "problems": problems})


def _moment(text: str) -> int:
    from seawall.model import to_microseconds
    from seawall.model.moments import parse_moment

    return to_microseconds(parse_moment(text))


def _rule(given: str | None) -> str:
    """The text of a rule's file, or the id as it was given."""
    if given is None or given.startswith("indicator--"):
        return given or ""
    try:
        with Path(given).open("rb") as file:
            data = file.read(MAX_RULE + 1)
        if len(data) > MAX_RULE:
            raise Fault("E-CLI-103", "{path} has more than {most} bytes.", path=given, most=MAX_RULE)
        return data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise Fault("E-CLI-102", "Cannot read the question in {path}: {reason}.", path=given, reason=reason) from None


@hunts.default
@hunts.command(name="list")
def list_(
    *,
    side: Annotated[Literal["asked", "received"] | None, Parameter(help="Only ours, or only those of peers.")] = None,
    limit: Limit = 100,
    before: Before = 0,
) -> None:
    """List hunts, newest first; 'received' ones that are 'waiting' want a person's review.

    JSON items: id, side, peer, circle, name, form, state, answer, since, until, deadline, at, tlp, pap, confirms,
    reviewed_by, reason.
    """
    from seawall.flow.hunts_shown import list_hunts
    from seawall.flow.node import Node
    from seawall.model.hunt import HuntSide

    with Node.open(context.node, token=context.token) as node:
        chosen = HuntSide(side) if side is not None else None
        items, following = list_hunts(node, side=chosen, limit=limit, before=before)
    if context.out.json:
        context.out.table(items, COLUMNS, empty="", following=following)
        return
    context.out.table(items, COLUMNS, empty="No hunt yet: ask with 'seawall hunts request'.")
    if following is not None:
        context.out.note("There is more; go on with --before {next}.", next=following)


@hunts.command
def show(id: Id, /) -> None:
    """Show one hunt: its question, what of it the lake cannot answer, the search, the answers.

    JSON: as 'list', and text, losses, run (at, by, least, most, complete, days, first_seen, last_seen, sectors, bases,
    sensors, losses, events), answers (id, at, tier, band, count, noise, first_seen, last_seen, sectors, bases, by),
    objection, points_left.
    """
    from seawall.flow.hunts_shown import show_hunt
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        _whole(show_hunt(node, id))


def _whole(document: dict[str, object]) -> None:
    """The question stands line by line below the rest."""
    if context.out.json:
        context.out.result(document)
        return
    context.out.pairs({name: value for name, value in document.items() if name != "text"})
    context.out.result(None, ["", *str(document["text"]).splitlines()])


@hunts.command
def review(
    id: Id,
    /,
    *,
    accept: Annotated[bool, Parameter(help="It may be run.", negative="")] = False,
    decline: Annotated[bool, Parameter(help="It stays unanswered.", negative="")] = False,
    reason: Annotated[str, Parameter(help="For your own people; the peer is told nothing.")] = "",
) -> None:
    """Accept or decline a peer's hunt; TLP:AMBER+STRICT and TLP:RED want a second person. JSON: as 'show'."""
    from seawall.flow.hunts_run import review as decide
    from seawall.flow.hunts_shown import show_hunt
    from seawall.flow.node import Node

    if accept == decline:
        raise Fault("E-CLI-104", "Say either --accept or --decline.")
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        hunt = decide(node, id, accept=accept, reason=reason)
        _whole(show_hunt(node, hunt.id))


@hunts.command
def run(
    id: Id,
    /,
    *,
    seconds: Annotated[int | None, Parameter(help="Limit of time; as in the settings when left out.",
                                             validator=Number(gte=1, lte=86_400))] = None,
) -> None:  # fmt: skip
    """Search your own lake for what a peer's accepted hunt asks; the result stays here. JSON: as 'show'."""
    from seawall.flow.hunts_run import run as search
    from seawall.flow.hunts_shown import show_hunt
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        hunt = search(node, id, seconds=seconds)
        _whole(show_hunt(node, hunt.id))


@hunts.command
def convert(id: Id, /, *, to: Annotated[str, Parameter(help="splunk, elasticsearch, eql, esql or kusto.")]) -> None:
    """Print a hunt in the language of your own SIEM. JSON: id, to, query, window, notes."""
    from seawall.flow.hunts_convert import convert as translated
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        found = translated(node, id, to=to)
    notes = found["notes"]
    context.out.result(found, str(found["query"]).split("\n"))
    if not context.out.json and isinstance(notes, list):
        for sentence in notes:
            context.out.note(sentence)


@hunts.command
def answer(
    id: Id,
    /,
    *,
    tier: Annotated[str, Parameter(help="not_run, no, yes, count or details.")],
    exact: Annotated[bool, Parameter(help="The number of rows beside its band.", negative="")] = False,
    noise: Annotated[str, Parameter(help="Epsilon of noise over the number, such as 0.5.")] = "",
) -> None:
    """Answer a peer's hunt as far as its search bears out; each answer is a release and costs of the peer's budget.

    JSON: id, at, tier, band, count, noise, first_seen, last_seen, sectors, bases, by, points_left, problems.
    """
    from seawall.flow.hunts_answer import answer as tell_peer
    from seawall.flow.hunts_shown import answer_row
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        said, left, problems = tell_peer(node, id, tier=tier, exact=exact, noise=noise)
    context.out.pairs(answer_row(said) | {"points_left": left, "problems": problems})
