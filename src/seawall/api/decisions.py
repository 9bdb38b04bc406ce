"""Decisions explained, in the reader's language: ``GET /api/v1/why`` and ``GET /api/v1/preview`` release nothing."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from seawall.api.asking import actor_of
from seawall.api.faults import asked_language
from seawall.exchange import bearer_token
from seawall.flow.node import Node
from seawall.flow.release import explain_object, preview_release
from seawall.model import Actor

Id = Annotated[str, QueryParameter(name="id", max_length=200)]
Name = Annotated[str, QueryParameter(max_length=200)]


class DecisionDesk(Protocol):
    """Who explains: ``DecisionsOfNode`` in the product."""

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""

    def why(self, actor: Actor, object_id: str, peer: str, language: str) -> dict[str, object]:
        """Every rule between an object and a peer; raises NotFound alike for absent and withheld."""

    def preview(self, actor: Actor, object_id: str, circle: str) -> dict[str, object]:
        """What a release would send to each member; raises Refused for a missing right."""


class DecisionsOfNode:
    """The desk over an open node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""
        return self._node.store.users.authenticate(token)

    def why(self, actor: Actor, object_id: str, peer: str, language: str) -> dict[str, object]:
        """Every rule between an object and a peer; raises NotFound alike for absent and withheld."""
        told = explain_object(self._node, object_id, peer, lang=language, actor=actor)
        return {key: value for key, value in told.items() if key != "lines"}

    def preview(self, actor: Actor, object_id: str, circle: str) -> dict[str, object]:
        """What a release would send to each member; raises Refused for a missing right."""
        return preview_release(self._node, object_id, circle, actor=actor)


def decision_routes(desk: DecisionDesk) -> list[ControllerRouterHandler]:
    """The two routes of one node."""

    def asker(request: Request[Any, Any, Any]) -> Actor:
        return actor_of(desk.authenticate, bearer_token(request.headers.get("authorization", "")))

    @get("/api/v1/why", sync_to_thread=True)
    def why(request: Request[Any, Any, Any], object_id: Id, peer: Name) -> dict[str, Any]:
        """Whether a peer may have an object: every rule tried, in each circle that seats it."""
        return desk.why(asker(request), object_id, peer, asked_language(request))

    @get("/api/v1/preview", sync_to_thread=True)
    def preview(request: Request[Any, Any, Any], object_id: Id, circle: Name) -> dict[str, Any]:
        """What releasing an object to a circle would send, member by member."""
        return desk.preview(asker(request), object_id, circle)

    return [why, preview]
