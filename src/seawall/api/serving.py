"""Both listeners and the schedule of one node, as one thing that starts and stops."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from litestar.types import ControllerRouterHandler

from seawall.api.app import local_app
from seawall.api.bouncer import bouncer_routes
from seawall.api.decisions import DecisionsOfNode, decision_routes
from seawall.api.feeds import served_routes
from seawall.api.hits import HitsOfNode, hit_routes
from seawall.api.misp import feed_routes, misp_routes
from seawall.api.node import FlowNode
from seawall.api.orders import OrdersOfNode, order_routes
from seawall.api.receivers import elastic_routes, splunk_routes
from seawall.api.warnings import DeskOfNode, warning_routes
from seawall.exchange import TaxiiDoor, local_actor, local_listener
from seawall.flow.agent_door import agent_door
from seawall.flow.doors import PeerDoor, local_tls
from seawall.flow.jobs import Scheduler
from seawall.flow.live import Live
from seawall.flow.misp_changing import MispChanging
from seawall.flow.misp_feed import MispFeeds
from seawall.flow.node import Node
from seawall.flow.receive import Receiver
from seawall.flow.rpz import rpz_service
from seawall.flow.served_feeds import FeedDesk
from seawall.flow.served_feeds_bouncer import BouncerDesk
from seawall.flow.service import NodeExchange


class Serving:
    """A serving node; use as a context manager. ``routes`` are further pages of the local listener."""

    def __init__(
        self,
        node: Node,
        routes: Sequence[ControllerRouterHandler] = (),
        *,
        port: int | None = None,
        peer_port: int | None = None,
    ) -> None:
        """Raises Fault E-EXCHANGE-011/012 when an address cannot be used."""
        settings = node.settings.serve
        tls = local_tls(node)
        door = TaxiiDoor(
            NodeExchange(node),
            local_actor(node.store.users.authenticate),
            title=node.settings.node.name or "Seawall",
            clock=node.clock,
            statuses=node.store.statuses,
        )
        self._receiver = Receiver(node)
        doors = [*splunk_routes(self._receiver), *elastic_routes(self._receiver), *hit_routes(HitsOfNode(node))]
        doors += decision_routes(DecisionsOfNode(node))
        doors += warning_routes(DeskOfNode(node))
        doors += order_routes(OrdersOfNode(node))
        doors += misp_routes(MispChanging(node), node.store.users.authenticate)
        doors += feed_routes(MispFeeds(node), local_actor(node.store.users.authenticate))
        desk = FeedDesk(node)
        doors += [*served_routes(desk, node.clock), *bouncer_routes(BouncerDesk(node, desk))]
        self._local = local_listener(
            local_app(FlowNode(node), taxii=door, routes=[*routes, *doors]),
            host=settings.host,
            port=settings.port if port is None else port,
            tls=tls,
            names=settings.names,
        )
        try:
            self._live = Live(node)
            self._peers = PeerDoor(
                node,
                host=settings.peer_host,
                port=settings.peer_port if peer_port is None else peer_port,
                live=self._live,
            )
            self._agents = agent_door(node)
            self._rpz = rpz_service(node)
        except BaseException:
            self._local.stop()
            raise
        self._schedule = Scheduler(node)
        self.local_url = f"{'https' if tls else 'http'}://{settings.host}:{self._local.port}/"
        self.peer_port = self._peers.listener.port
        self.agent_port = self._agents.port if self._agents is not None else None

    def __enter__(self) -> Self:
        """Start listening, then the schedule."""
        self._local.start()
        try:
            self._peers.start()
            if self._agents is not None:
                self._agents.start()
            if self._rpz is not None:
                self._rpz.start()
        except BaseException:
            self._local.stop()
            raise
        self._schedule.start()
        self._receiver.start()
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop in the opposite order."""
        self._live.stop()
        self._schedule.stop()
        if self._rpz is not None:
            self._rpz.stop()
        if self._agents is not None:
            self._agents.stop()
        self._peers.stop()
        self._local.stop()
        self._receiver.stop()
