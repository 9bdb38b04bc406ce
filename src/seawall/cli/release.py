"""``seawall release``, ``recall``, ``why``: one object's way out, back, and the reason."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.paging import After, Limit
from seawall.model import Refused


@app.command
def release(
    object_id: str, /, *, circle: Annotated[str, Parameter(help="The circle whose members shall have it.")]
) -> None:
    """Release one object to a circle, if its terms permit.

    JSON: id, version, circle, released, recipients, withheld (member and rule), approved_by.
    Released to nobody is status 3.
    """
    from seawall.flow.node import Node
    from seawall.flow.release import release_object

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        document = release_object(node, object_id, circle)
    context.out.pairs(document)
    if not document["released"]:
        raise Refused(
            "E-CLI-006",
            "{id} was released to nobody in {circle}; 'seawall why' names the rule.",
            id=document["id"],
            circle=repr(circle[:64]),
        )


@app.command
def recall(
    object_id: str, /, *, circle: Annotated[str | None, Parameter(help="Only from this circle.")] = None
) -> None:
    """Take an object back from everybody who ever got a version of it; they learn it at their next sync.

    Each receiver with a node answers with a signed receipt; 'seawall recalls' shows who has. JSON: id, circles,
    withdrawn, receivers (as the items of 'seawall recalls').
    """
    from seawall.flow.node import Node
    from seawall.flow.recall_sending import recall_object
    from seawall.flow.recall_view import last_recall

    with Node.open(context.node, token=context.token) as node:
        done = recall_object(node, object_id, circle)
        told = last_recall(node, object_id)
    lines = [f"{row['receiver']}: {context.out.tr(str(row['note']))}" for row in told]
    context.out.result({**done, "receivers": told}, [f"id: {object_id}", f"withdrawn: {done['withdrawn']}", *lines])


@app.command
def recalls(
    object_id: str | None = None,
    /,
    *,
    unconfirmed: Annotated[bool, Parameter(help="Only those without a signed receipt.", negative="")] = False,
    limit: Limit = 100,
    after: After = 0,
) -> None:
    """List what was taken back, from whom, and who has confirmed it; with ID only that object.

    A state is waiting (not told yet), told, confirmed, refused, unsigned (it has no node) or unreachable.
    JSON items: id, receiver, state, confirmed, since, recalled_at, told_at, answered_at, version, circles, cause,
    behind (whose recall was passed on), answer, note.
    """
    from seawall.flow.node import Node
    from seawall.flow.recall_view import list_recalls

    with Node.open(context.node, token=context.token) as node:
        page = list_recalls(node, object_id, unconfirmed=unconfirmed, limit=limit, after=after)
    items = page.items
    if not context.out.json:
        items = [{**item, "note": context.out.tr(str(item["note"]))} for item in items]
    columns = ["id", "receiver", "state", "since", "cause", "note"]
    context.out.table(items, columns, empty="Nothing was taken back yet.", following=page.next)


@app.command
def why(object_id: str, /, *, peer: Annotated[str, Parameter(help="The peer or client who asks.")]) -> None:
    """Explain, rule by rule, whether this peer may have this object.

    JSON: id, version, peer, allowed, rule, circle, policy_version, tests (rule, passed, detail).
    """
    from seawall.flow.node import Node
    from seawall.flow.release import explain_object

    with Node.open(context.node, token=context.token) as node:
        document = explain_object(node, object_id, peer)
    lines = document.pop("lines")
    context.out.result(document, [str(line) for line in lines] if isinstance(lines, list) else ())
