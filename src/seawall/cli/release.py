"""``seawall release``, ``recall``, ``why``: one object's way out, back, and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.paging import After, Limit
from seawall.model import Refused


@app.command
def release(
    object_id: str,
    /,
    *,
    circle: Annotated[str, Parameter(help="The circle whose members shall have it.")],
    preview: Annotated[bool, Parameter(help="Show exactly what would go; release nothing.", negative="")] = False,
) -> None:
    """Release one object to a circle, if its terms permit.

    JSON: id, version, circle, released, recipients, withheld (member and rule), approved_by.
    Released to nobody is status 3.
    JSON of --preview: id, version, circle, policy_version, would_release, recipients (recipient, allowed, rule, reason,
    bytes, leaves: the objects with their very text, changes: path, did, rule). Always status 0.
    """
    from seawall.flow.node import Node
    from seawall.flow.release import preview_release, release_object

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        document = preview_release(node, object_id, circle) if preview else release_object(node, object_id, circle)
    if preview:
        context.out.result(document, _preview_lines(document))
        return
    context.out.pairs(document)
    if not document["released"]:
        raise Refused(
            "E-CLI-006",
            "{id} was released to nobody in {circle}; 'seawall why' names the rule.",
            id=document["id"],
            circle=repr(circle[:64]),
        )


def _preview_lines(document: dict[str, Any]) -> Iterator[str]:
    """For each recipient the verdict, what is struck, and the text that would leave."""
    tr = context.out.tr
    for told in document["recipients"]:
        if told["allowed"]:
            yield tr("{peer} would get {bytes} bytes by {rule}:", peer=told["recipient"], bytes=told["bytes"],
                     rule=told["rule"])  # fmt: skip
        else:
            yield tr("{peer} would get nothing, by {rule}: {reason}", peer=told["recipient"], rule=told["rule"],
                     reason=told["reason"])  # fmt: skip
        for change in told["changes"]:
            yield f"  {_did(change['did'])}  {change['path']}  ({change['rule']})"
        for item in told["leaves"]:
            yield f"  {item['body']}"


def _did(word: str) -> str:
    tr = context.out.tr
    return {"removed": tr("removed"), "replaced": tr("replaced"), "added": tr("added")}[word]


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
    from seawall.flow.recall_view import english, last_recall

    with Node.open(context.node, token=context.token) as node:
        done = recall_object(node, object_id, circle)
        told = last_recall(node, object_id, english if context.out.json else context.out.tr)
    lines = [f"{row['receiver']}: {row['note']}" for row in told]
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
    from seawall.flow.recall_view import english, list_recalls

    with Node.open(context.node, token=context.token) as node:
        say = english if context.out.json else context.out.tr
        page = list_recalls(node, object_id, unconfirmed=unconfirmed, limit=limit, after=after, say=say)
    columns = ["id", "receiver", "state", "since", "cause", "note"]
    context.out.table(page.items, columns, empty="Nothing was taken back yet.", following=page.next)


@app.command
def why(object_id: str, /, *, peer: Annotated[str, Parameter(help="The peer or client who asks.")]) -> None:
    """Explain, rule by rule and in the reader's language, whether this peer may have this object.

    JSON: id, version, peer, allowed, rule, circle, policy_version, tests (rule, passed, meaning, detail), circles (the
    same for each circle that seats the peer).
    """
    from seawall.flow.node import Node
    from seawall.flow.release import explain_object

    with Node.open(context.node, token=context.token) as node:
        document = explain_object(node, object_id, peer, lang=context.out.lang)
    lines = document.pop("lines")
    context.out.result(document, [str(line) for line in lines] if isinstance(lines, list) else ())
