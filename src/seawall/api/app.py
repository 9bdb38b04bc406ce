"""The local listener's app: REST API, its documentation, metrics, and whatever routes the caller puts beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ASGIApp, ControllerRouterHandler

from seawall.api.docs import SCHEMA_PATH, docs
from seawall.api.faults import api_exception_handler
from seawall.api.headers import SecurityHeaders
from seawall.api.interface import NodeService
from seawall.api.metrics import healthz, metrics
from seawall.api.rest import STATE_KEY, RestController
from seawall.exchange import TaxiiDoor, taxii_router, taxii_state

API_VERSION = "1"


def local_app(
    node: NodeService, *, taxii: TaxiiDoor | None = None, routes: Sequence[ControllerRouterHandler] = ()
) -> ASGIApp:
    """The ASGI app of the local listener. ``taxii`` adds the door for third-party clients; ``routes`` are web pages."""
    doors: list[ControllerRouterHandler] = [RestController, docs, metrics, healthz, *routes]
    state: dict[str, Any] = {STATE_KEY: node}
    if taxii is not None:
        doors.append(taxii_router())
        state |= taxii_state(taxii)
    app = Litestar(
        route_handlers=doors,
        state=State(state),
        openapi_config=OpenAPIConfig(
            title="Seawall node API",
            version=API_VERSION,
            description="Read access to one node for its own people and scripts; a bearer token says who asks.",
            path=SCHEMA_PATH,
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        exception_handlers={Exception: api_exception_handler},
        logging_config=None,  # the process that runs the node owns logging
        debug=False,
    )
    return SecurityHeaders(app)
