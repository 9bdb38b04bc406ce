"""The order book for the page and for scripts: what is enforced where, and how points and their agents stand.

Read only: what people do to the book they do at the command line, where a second person can stand beside them. Who asks
stands in the Authorization header and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from seawall.api.asking import reader_of
from seawall.api.faults import asked_language
from seawall.flow.node import Node
from seawall.flow.orders_shown import StatusWish, book_summary, list_orders
from seawall.model import Actor

Text = Annotated[str | None, QueryParameter(max_length=4_096)]
Word = Annotated[str | None, QueryParameter(max_length=64)]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
After = Annotated[int, QueryParameter(ge=0, le=2**62)]


class OrderDesk(Protocol):
    """Who answers: ``OrdersOfNode`` in the product."""

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""

    def page(self, actor: Actor, wish: StatusWish, language: str) -> dict[str, object]:
        """One page of the orders that the asker may see."""

    def summary(self) -> dict[str, object]:
        """Totals, points and their agents, kill switches."""


class OrdersOfNode:
    """The book of an open node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""
        return self._node.store.users.authenticate(token)

    def page(self, actor: Actor, wish: StatusWish, language: str) -> dict[str, object]:
        """One page of the orders that the asker may see."""
        return list_orders(self._node, wish, language, actor)

    def summary(self) -> dict[str, object]:
        """Totals, points and their agents, kill switches."""
        return book_summary(self._node)


def order_routes(desk: OrderDesk) -> list[ControllerRouterHandler]:
    """The routes of one book."""

    def asker(request: Request[Any, Any, Any]) -> Actor:
        return reader_of(desk.authenticate, request)

    @get("/api/v1/orders", sync_to_thread=True)
    def page(
        request: Request[Any, Any, Any],
        value: Text = None,
        type: Word = None,
        point: Word = None,
        wanted: Annotated[str | None, QueryParameter(name="state", max_length=64)] = None,
        after: After = 0,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """What is enforced where, since when, by which release, until when, and its hits."""
        wish = StatusWish(value=value, type=type, point=point, state=wanted, after=after, limit=limit)
        return desk.page(asker(request), wish, asked_language(request))

    @get("/api/v1/orders/summary", sync_to_thread=True)
    def summary(request: Request[Any, Any, Any]) -> dict[str, Any]:
        """Totals by state, points with their agents and drift, kill switches, exports, what was taken back."""
        asker(request)
        return desk.summary()

    return [page, summary]


__all__ = ["OrderDesk", "OrdersOfNode", "order_routes"]
