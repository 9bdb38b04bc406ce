"""The REST API under ``/api/v1``: parse, ask the node, render.

Who asks: (1) bearer token, (2) actor, (3) visibility; then the question itself.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.params import FromQuery, QueryParameter

from seawall.api.asking import actor_of
from seawall.api.interface import Caller, LedgerHead, NodeAbout, NodeService
from seawall.api.views import (
    CirclesListing,
    EventsListing,
    IndicatorRow,
    Listing,
    PeersListing,
    StatusView,
    events_listing,
    indicator_row,
    peer_row,
    status_view,
)
from seawall.codec.values import canonical, detect, refang
from seawall.exchange import bearer_token
from seawall.model import Fault, NotFound, ObservableType, Refused, UserRole, to_microseconds
from seawall.model.moments import parse_moment

STATE_KEY = "node_service"
MAX_LIMIT = 1_000  # rows of one page: what a screen or a script takes at once
MAX_CONDITIONS = 20  # of one observations query
MAX_VALUE = 4_096  # characters of a looked-up value; URLs in feeds stay below 2,100
LEDGER_ROLES = frozenset(UserRole) - {UserRole.TAXII}

AnyRequest = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="Rows of one page.")]
After = Annotated[int, QueryParameter(ge=0, le=2**62, description="The 'next' of the page before.")]


def node_of(request: AnyRequest) -> NodeService:
    """The node behind this app."""
    node: NodeService = request.app.state[STATE_KEY]
    return node


def caller_of(request: AnyRequest) -> Caller:
    """Who asks; raises Unauthenticated E-API-401, or Refused E-API-403 for clients that may use TAXII only."""
    node = node_of(request)
    actor = actor_of(node.authenticate, bearer_token(request.headers.get("authorization", "")))
    if actor.role is None or actor.role is UserRole.TAXII:
        raise Refused("E-API-403", "{name} may use the TAXII door only.", name=actor.name)
    return Caller(actor, node.visibility(actor))


class RestController(Controller):
    """Everything a person or script of this node may read."""

    path = "/api/v1"
    tags = ("node",)

    @get("/about", sync_to_thread=True)
    def about(self, request: AnyRequest) -> NodeAbout:
        """Who this node is."""
        caller_of(request)
        return node_of(request).about()

    @get("/status", sync_to_thread=True)
    def status(self, request: AnyRequest) -> StatusView:
        """Counts, and when something last happened."""
        return status_view(node_of(request).status(caller_of(request)))

    @get("/events", sync_to_thread=True)
    def events(
        self, request: AnyRequest, since: FromQuery[str | None] = None, until: FromQuery[str | None] = None
    ) -> EventsListing:
        """Events by hour, side and sector; without bounds the last day held. Moments are RFC 3339."""
        caller = caller_of(request)
        return events_listing(node_of(request).events(caller, _moment(since), _moment(until)))

    @get("/observations", sync_to_thread=True)
    def observations(
        self,
        request: AnyRequest,
        where: Annotated[list[str] | None, QueryParameter(description="column=value, repeatable")] = None,
        after: After = 0,
        limit: Limit = 100,
    ) -> Listing:
        """Rows of the lake that meet every condition."""
        conditions = where or []
        if len(conditions) > MAX_CONDITIONS or any(len(text) > MAX_VALUE for text in conditions):
            raise Fault("E-API-410", "At most {most} conditions are taken at once.", most=MAX_CONDITIONS)
        rows = node_of(request).observations(caller_of(request), conditions, after=after, limit=limit)
        return Listing(rows.items, rows.next)

    @get("/sightings", sync_to_thread=True)
    def sightings(self, request: AnyRequest, after: After = 0, limit: Limit = 100) -> Listing:
        """What was seen, on which side, when, in which sectors."""
        rows = node_of(request).sightings(caller_of(request), after=after, limit=limit)
        return Listing(rows.items, rows.next)

    @get("/warnings", sync_to_thread=True)
    def warnings(self, request: AnyRequest, after: After = 0, limit: Limit = 100) -> Listing:
        """What matters to both sides, who saw it first, and how much time there is or was."""
        rows = node_of(request).warnings(caller_of(request), after=after, limit=limit)
        return Listing(rows.items, rows.next)

    @get("/indicators/lookup", sync_to_thread=False)
    def indicator(
        self,
        request: AnyRequest,
        value: Annotated[str, QueryParameter(max_length=MAX_VALUE, description="As found, also defanged.")],
        kind: Annotated[
            str | None, QueryParameter(name="type", description="Told from the value when left out.")
        ] = None,
    ) -> IndicatorRow:
        """Is this value a known indicator? 404 when it is not, or when you may not know."""
        caller = caller_of(request)
        observable = detect(value) if kind is None else canonical(_type(kind), refang(value))
        try:
            if observable is not None:
                return indicator_row(node_of(request).indicator(caller, observable.type, observable.value))
        except NotFound:
            pass  # absent, withheld and unreadable get one answer (rule 12)
        raise NotFound("E-API-404", "There is no such indicator that you may see.")

    @get("/peers", sync_to_thread=True)
    def peers(self, request: AnyRequest) -> PeersListing:
        """Peers, and how the exchange with each stands."""
        caller = caller_of(request)
        return PeersListing([peer_row(peer) for peer in node_of(request).peers(caller)])

    @get("/circles", sync_to_thread=True)
    def circles(self, request: AnyRequest) -> CirclesListing:
        """Circles and their terms in short."""
        caller = caller_of(request)
        return CirclesListing(node_of(request).circles(caller))

    @get("/ledger/head", sync_to_thread=True)
    def ledger_head(self, request: AnyRequest) -> LedgerHead:
        """The ledger's size and root hash."""
        caller = caller_of(request)
        return node_of(request).ledger_head(caller)


def _moment(text: str | None) -> int | None:
    return None if text is None else to_microseconds(parse_moment(text[:64]))


def _type(text: str) -> ObservableType:
    try:
        return ObservableType(text.lower())
    except ValueError:
        known = ", ".join(kind.value for kind in ObservableType)
        raise Fault("E-API-411", "This is not an observable type; use one of {known}.", known=known) from None
