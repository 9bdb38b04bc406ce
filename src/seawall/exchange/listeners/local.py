"""The local listener's rules: loopback unless there is TLS, only known Host names, Basic or bearer credentials."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from seawall.exchange.binding import is_loopback, require_safe_bind
from seawall.exchange.faults import ProtocolFault, Unauthenticated, unauthenticated
from seawall.exchange.throttle import Failures
from seawall.model import Actor, Refused, UserRole

MAX_CREDENTIAL = 1_024  # characters; our tokens have fewer than 100
MAY_READ = frozenset({UserRole.TAXII, UserRole.ANALYST, UserRole.RELEASER, UserRole.APPROVER, UserRole.ADMIN})

AuthenticateToken = Callable[[str], Actor]
"""A token -> the named user it belongs to; raises Refused for anything else (``store.users.authenticate``)."""


def bearer_token(header: str) -> str | None:
    """The token of an ``Authorization: Bearer`` header, else None."""
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(credential) <= MAX_CREDENTIAL:
        return None
    return credential.strip()


def basic_pair(header: str) -> tuple[str, str] | None:
    """User name and token of an ``Authorization: Basic`` header (RFC 7617, UTF-8), else None."""
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "basic" or not 0 < len(credential) <= MAX_CREDENTIAL:
        return None
    try:
        text = base64.b64decode(credential.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, token = text.partition(":")
    return (name, token) if colon else None


def local_actor(
    authenticate: AuthenticateToken, failures: Failures | None = None
) -> Callable[[ASGIConnection[Any, Any, Any, Any]], Actor]:
    """Who asks at the local TAXII door: Basic (user name + token) or bearer token.

    Raises Unauthenticated, and ProtocolFault E-EXCHANGE-428 for who failed too often (before the token is looked at).
    The token is found by its SHA-256 and compared in constant time; it is looked up anew for every request, so that a
    revocation holds from the next one on.
    """
    counted = failures or Failures()

    def who_asks(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
        header = connection.headers.get("authorization", "")
        pair = basic_pair(header)
        name, token = pair if pair is not None else ("", bearer_token(header))
        if not token:
            raise unauthenticated()
        address = connection.client.host if connection.client is not None else ""
        if wait := math.ceil(counted.wait(address, name)):
            raise ProtocolFault(
                429,
                "E-EXCHANGE-428",
                "Too many wrong tokens; try again in {seconds} seconds.",
                retry_after=wait,
                seconds=wait,
            )
        try:
            actor = authenticate(token)
        except Refused:
            counted.failed(address, name)
            raise unauthenticated() from None
        if pair is not None and not hmac.compare_digest(name.encode(), actor.name.encode()):
            counted.failed(address, name)
            raise unauthenticated()
        if actor.role not in MAY_READ:
            raise Refused("E-EXCHANGE-403", "You may not do this with this collection.")
        return actor

    return who_asks


def allowed_hosts(host: str, port: int, names: Iterable[str] = ()) -> frozenset[str]:
    """The Host header values that mean this listener; everything else is somebody else's page calling us."""
    hosts = {host, *names}
    if is_loopback(host):
        hosts |= {"localhost", "127.0.0.1", "::1"}
    spelled = {f"[{name}]" if ":" in name.strip("[]") else name.lower() for name in (n.strip("[]") for n in hosts)}
    return frozenset(spelled | {f"{name}:{port}" for name in spelled})


class HostCheck:
    """ASGI wrapper: answers 421 to a request whose Host is not ours (DNS rebinding), before anything reads it."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it names exactly one Host of ours."""
        if scope["type"] == "http":  # type: ignore[comparison-overlap]  # litestar types scope types as an enum
            given = [value for name, value in scope["headers"] if name.lower() == b"host"]
            if len(given) != 1 or given[0].decode("latin-1").lower() not in self._hosts:
                await _misdirected(send)
                return
        await self._app(scope, receive, send)


async def _misdirected(send: Any) -> None:
    body = b"This node does not answer to that name.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class LocalProtocol(H11Protocol):
    """HTTP/1.1 without an access log: addresses of objects and looked-up values stay out of log files."""

    def connection_made(self, transport: Any) -> None:
        """Begin without the access log."""
        super().connection_made(transport)
        self.access_log = False


def local_config(app: Any, *, host: str, tls: ssl.SSLContext | None) -> Config:
    """uvicorn's configuration of the local listener; raises Fault E-EXCHANGE-011 for an unsafe address."""
    require_safe_bind(host, tls=tls is not None)
    factory = (lambda _config, _default: tls) if tls is not None else None
    return Config(
        app,
        host=host,
        http=LocalProtocol,
        ws="none",
        lifespan="off",
        ssl_context_factory=factory,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        limit_concurrency=512,
        timeout_graceful_shutdown=3,
    )


__all__ = [
    "AuthenticateToken",
    "HostCheck",
    "Unauthenticated",
    "allowed_hosts",
    "basic_pair",
    "bearer_token",
    "is_loopback",
    "local_actor",
    "local_config",
    "require_safe_bind",
]
