"""TLS of the door for agents: 1.3, our pinned certificate, and theirs: each known by itself, or none at all.

Who shows no certificate may read our card and bring a token (enrolment), nothing else. Who shows one that was not
enrolled is refused in the handshake; who shows one whose point was dropped finds the door closed at the next request.
"""

from __future__ import annotations

import ssl
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from seawall.flow.agent_enrol import certificates
from seawall.flow.node import Node
from seawall.flow.peer_keys import overlapping
from seawall.identity import certificate_sha256, server_context, server_name
from seawall.model import Fault

PIN_KEY = "seawall_agent_pin"  # in the ASGI scope's state
MAX_AT_ONCE = 2_500  # connections: two of each agent, and a node has at most a thousand points


class AgentTls:
    """Contexts that follow our own keys and the agents that are enrolled, without closing the door."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._shown: tuple[object, ...] = ()
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None
        self.context = self._made(None)
        self.context.sni_callback = self._choose
        self.reload()

    def reload(self) -> None:
        """Take over agents enrolled since, and keys of ours that were rotated or renewed."""
        keys = self._node.keys
        former = keys.former_secrets if overlapping(self._node) else {}
        folders = (*former.values(), keys.secrets)
        pems = tuple(sorted(set(certificates(self._node).values())))
        shown = (pems, *((folder, (folder / "server.crt").stat().st_mtime_ns) for folder in folders))
        if shown == self._shown:
            return
        by_name = {}
        for folder in folders:
            pin = certificate_sha256(ssl.PEM_cert_to_DER_cert((folder / "server.crt").read_text("ascii")))
            by_name[server_name(pin)] = self._made(folder, pems)
        self._by_name, self._default = by_name, by_name[server_name(keys.certificate_sha256)]
        for pem in pems:
            self.context.load_verify_locations(cadata=pem)  # what a session's base context verifies with
        self._shown = shown

    def _made(self, folder: Any, pems: tuple[str, ...] = ()) -> ssl.SSLContext:
        context = server_context(self._node.keys, pems, folder=folder)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # each agent's own certificate is all there is
        return context

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _base: ssl.SSLContext) -> None:
        chosen = self._by_name.get(name or "", self._default)
        if chosen is not None:
            connection.context = chosen


class AgentProtocol(H11Protocol):
    """HTTP/1.1 that hands the pin of the certificate inward; no access log: who stands where is nobody's."""

    def connection_made(self, transport: Any) -> None:
        """Take the certificate out of the TLS session."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self._pin = _pin_of(der)
        self.access_log = False
        self._inner = self.app
        self.app = self._named

    async def _named(self, scope: Any, receive: Any, send: Any) -> None:
        scope["state"][PIN_KEY] = self._pin
        await self._inner(scope, receive, send)


def _pin_of(der: bytes | None) -> str | None:
    try:
        return certificate_sha256(der) if der else None
    except Fault:
        return None


def agent_config(app: Any, tls: AgentTls, *, host: str) -> Config:
    """uvicorn's configuration of the door for agents."""
    return Config(
        app,
        host=host,
        http=AgentProtocol,
        ws="none",
        lifespan="off",
        ssl_context_factory=lambda _config, _default: tls.context,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # longer than an agent's pause between two reports
        limit_concurrency=MAX_AT_ONCE,
        timeout_graceful_shutdown=3,
    )
