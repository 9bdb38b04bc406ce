"""``seawall release``, ``recall``, ``why``: one object's way out, back, and the reason."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context
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
    """Take an object out of circles' collections; members learn it at their next sync.

    JSON: id, circles, withdrawn.
    """
    from seawall.flow.node import Node
    from seawall.flow.release import recall_object

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(recall_object(node, object_id, circle))


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
