"""``seawall lake``: the copy of the telemetry in the organisation's own storage."""

from __future__ import annotations

from cyclopts import App

from seawall.cli.app import app, context
from seawall.cli.output import Cost

lake = App(name="lake", help="The copy of the telemetry on S3 storage of this organisation.")
app.command(lake)


@lake.command
def push() -> None:
    """Bring the copy at lake.url up to this node's lake.

    JSON: generation, files, bytes, removed, and the cost.
    """
    from seawall.flow.lake_copy import push_lake
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        report = push_lake(node)
    context.out.pairs({**report, **cost.as_dict()})


@lake.command
def pull() -> None:
    """Make this node's lake what the copy at lake.url is; what was matched here since the last pull is forgotten.

    JSON: generation, files, bytes, removed, and the cost.
    """
    from seawall.flow.lake_copy import pull_lake
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        report = pull_lake(node)
    context.out.pairs({**report, **cost.as_dict()})
