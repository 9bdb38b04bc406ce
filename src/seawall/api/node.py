"""The node behind the API: every answer is one flow, made plain."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall import __version__
from seawall.api.interface import (
    Caller,
    CircleView,
    EventCount,
    LedgerHead,
    Metric,
    NodeAbout,
    NodeStatus,
    PeerView,
    Rows,
)
from seawall.flow.circles import agreed_with
from seawall.flow.exchange import shared_circles
from seawall.flow.findings import list_sightings, list_warnings
from seawall.flow.health import State, health_of
from seawall.flow.node import Node
from seawall.flow.observations import find
from seawall.flow.pipeline import LAST_INGEST, LAST_MATCH
from seawall.flow.status import Counts, count, hours
from seawall.model import Actor, NotFound, ObservableType, Visibility
from seawall.model.indicator import IndicatorEntry
from seawall.policy import visibility

DAY = 86_400_000_000  # microseconds


class FlowNode:
    """Implements ``api.NodeService`` over an open node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def authenticate(self, token: str) -> Actor:
        """Who holds this token; raises Refused."""
        return self._node.store.users.authenticate(token)

    def visibility(self, actor: Actor) -> Visibility:
        """What policy lets this actor see."""
        return visibility(actor)

    def about(self) -> NodeAbout:
        """Who we are."""
        node = self._node.settings.node
        return NodeAbout(
            node_id=self._node.keys.node_id,
            name=node.name,
            economy=node.economy,
            sector=node.sector,
            timezone=node.timezone,
            language=node.lang,
            fingerprint=self._node.keys.fingerprint,
            version=__version__,
        )

    def status(self, caller: Caller) -> NodeStatus:
        """Counts and moments."""
        counts: Counts = count(self._node, caller.visibility)
        return NodeStatus(
            events=counts.events,
            indicators=counts.indicators,
            sightings=counts.sightings,
            warnings=counts.warnings,
            quarantined=counts.quarantined,
            last_ingest=self._moment(LAST_INGEST),
            last_match=self._moment(LAST_MATCH),
            first_event=counts.first_event,
            last_event=counts.last_event,
        )

    def events(self, caller: Caller, since: int | None, until: int | None) -> Sequence[EventCount]:
        """Events by hour, side and sector; without bounds the last day that holds any."""
        return msgspec.convert(hours(self._node, caller.actor, since, until), list[EventCount])

    def observations(self, caller: Caller, where: Sequence[str], *, after: int, limit: int) -> Rows:
        """Lake rows that meet every condition."""
        return find(self._node, list(where), limit=limit, after=after, actor=caller.actor)

    def sightings(self, caller: Caller, *, after: int, limit: int) -> Rows:
        """What was seen, where, when."""
        return list_sightings(self._node, limit=limit, after=after, actor=caller.actor)

    def warnings(self, caller: Caller, *, after: int, limit: int) -> Rows:
        """What matters to both sides."""
        return list_warnings(self._node, limit=limit, after=after, actor=caller.actor)

    def indicator(self, caller: Caller, kind: ObservableType, value: str) -> IndicatorEntry:
        """The indicator of this value; raises NotFound alike for absent and withheld."""
        found = self._node.store.indicators.lookup(kind, value, visibility=caller.visibility)
        if found is None:
            raise NotFound("E-API-040", "There is no such indicator here.")
        return found

    def peers(self, caller: Caller) -> Sequence[PeerView]:
        """All peers."""
        views = []
        for peer in self._node.store.peers.list():
            health = health_of(self._node, peer)
            views.append(
                PeerView(
                    code_name=peer.code_name,
                    name=peer.name,
                    state=peer.state.value,
                    url=peer.url,
                    fingerprint=peer.fingerprint,
                    circles=tuple(shared_circles(self._node, peer.code_name)),
                    last_sync=health.last_success,
                    received=self._number(f"received:{peer.code_name}"),
                    sent=self._number(f"sent:{peer.code_name}"),
                    withheld=self._number(f"withheld:{peer.code_name}"),
                    problem=health.reason or None,
                    health=health.state.value,
                    waiting=health.waiting,
                    lag_seconds=health.lag_seconds,
                )
            )
        return views

    def circles(self, caller: Caller) -> Sequence[CircleView]:
        """All circles."""
        return [
            CircleView(
                name=terms.name,
                version=terms.version,
                members=tuple(sorted(terms.members)),
                exclusions=tuple(sorted(terms.exclusions)),
                tlp_ceiling=terms.tlp_ceiling.label,
                tlp_floor=terms.tlp_floor.label,
                pap_ceiling=terms.pap_ceiling.label,
                types=tuple(sorted(terms.types)),
                agreed=all(agreed_with(self._node, terms, member) for member in terms.members),
                standing=len(terms.standing),
            )
            for terms in self._node.store.circles.list()
        ]

    def ledger_head(self, caller: Caller) -> LedgerHead:
        """The ledger's size and root."""
        return LedgerHead(self._node.ledger.size, self._node.ledger.root())

    def metrics(self) -> Sequence[Metric]:
        """Counts only, never names or values."""
        counts = count(self._node, None)
        figures = (
            ("events", "Rows in the lake.", counts.events),
            ("indicators", "Values that somebody calls hostile.", counts.indicators),
            ("warnings", "Warnings held.", counts.warnings),
            ("quarantined", "Lines that could not be read.", counts.quarantined),
            ("ledger_leaves", "Leaves of the ledger.", self._node.ledger.size),
            ("peers", "Peers of any state.", len(self._node.store.peers.list())),
        )
        return [
            *(Metric(name, help, "gauge", float(value)) for name, help, value in figures),
            *self._exchange_metrics(),
        ]

    def _exchange_metrics(self) -> list[Metric]:
        """How the exchange goes: peers by health, what waits; without their names."""
        healths = [health_of(self._node, peer) for peer in self._node.store.peers.list()]
        states = [
            Metric(
                "peers_by_health",
                "Peers in this state of exchange.",
                "gauge",
                float(sum(health.state is state for health in healths)),
                (("state", state.value),),
            )
            for state in State
        ]
        figures = (
            ("sync_waiting_objects", "Objects released to peers and not sent yet.", [h.waiting for h in healths]),
            ("sync_misdeeds", "Misdeeds of peers that still count.", [h.misdeeds for h in healths]),
        )
        lag = max((health.lag_seconds for health in healths), default=0)
        return [
            *states,
            *(Metric(name, help, "gauge", float(sum(values))) for name, help, values in figures),
            Metric("sync_lag_seconds", "How long the oldest of these waits.", "gauge", float(lag)),
        ]

    def _moment(self, key: str) -> int | None:
        text = self._node.store.notes.get(key)
        return int(text) if text else None

    def _number(self, key: str) -> int:
        return int(self._node.store.notes.get(key) or 0)
