"""``seawall serve``: the two listeners."""

from __future__ import annotations

import threading
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.ending import told_to_end

PORT = Number(gte=0, lte=65_535)  # 0: any free one, told on screen


@app.command
def serve(
    *,
    port: Annotated[
        int | None, Parameter(help="Web, API and Basic / token TAXII, on 127.0.0.1.", validator=PORT)
    ] = None,
    peer_port: Annotated[
        int | None, Parameter(help="Peers: TLS 1.3 with a pinned client certificate.", validator=PORT)
    ] = None,
) -> None:
    """Serve the page, the API and TAXII on 8700, and peers on 8701, until interrupted."""
    from seawall.api.serving import Serving
    from seawall.flow.node import Node
    from seawall.web import web_routes

    stopping = threading.Event()
    with told_to_end(stopping.set), Node.open(context.node, token=context.token) as node:
        node.require("serve")
        with Serving(node, web_routes(), port=port, peer_port=peer_port) as serving:
            context.out.note("Page, API and TAXII: {url}", url=serving.local_url)
            context.out.note("Peers: port {port}", port=serving.peer_port)
            if serving.agent_port is not None:
                context.out.note("Agents: port {port}", port=serving.agent_port)
            stopping.wait()
