"""Who asks: the token in the Authorization header and nothing else; no cookie, so no other site asks in their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request

from seawall.api.faults import unauthenticated
from seawall.exchange import bearer_token
from seawall.flow.authority import require
from seawall.model import Actor, Refused

Authenticate = Callable[[str], Actor]
"""Who holds a token; raises Refused."""


def actor_of(authenticate: Authenticate, token: str | None) -> Actor:
    """Who holds the token. Raises Unauthenticated E-API-401 without one, or for one that is not valid."""
    if token is None:
        raise unauthenticated()
    try:
        return authenticate(token)
    except Refused:
        raise unauthenticated() from None


def reader_of(authenticate: Authenticate, request: Request[Any, Any, Any]) -> Actor:
    """Who asks, if they may read. Raises Unauthenticated E-API-401, Refused E-FLOW-004."""
    actor = actor_of(authenticate, bearer_token(request.headers.get("authorization", "")))
    require(actor, "read")
    return actor
