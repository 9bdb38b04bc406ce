"""The peer side of a serving node: its app, and its trust, which reloads without a restart."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

from seawall.exchange import Listener, peer_app, peer_listener
from seawall.exchange.live import live_state
from seawall.exchange.notices import Heard
from seawall.exchange.post import close_post
from seawall.flow.conduct import PeerWatch
from seawall.flow.live import Live
from seawall.flow.node import Node
from seawall.flow.notices import LineBook
from seawall.flow.peer_keys import overlapping, peer_of_pin
from seawall.flow.post import HANDLERS
from seawall.flow.post_book import PostBook
from seawall.flow.service import NodeExchange
from seawall.identity import ServerTls, read_card
from seawall.model import Fault
from seawall.model.peer import PeerState

RELOAD_SECONDS = 1.0  # a peer verified while we serve can call within about this time


class OneGlance:
    """ASGI wrapper of the peer app: one request is answered under the same terms from its beginning to its end."""

    def __init__(self, app: Any, node: Node) -> None:
        self._app = app
        self._node = node

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The circles are read once."""
        with self._node.store.circles.glance():
            await self._app(scope, receive, send)


class _Heard(LineBook):
    """The book of notices, after which the door looks at once whom it trusts: a peer may have brought new keys."""

    def __init__(self, node: Node, reload: Callable[[], None]) -> None:
        super().__init__(node)
        self._reload = reload

    def take(self, peer: str, envelopes: Sequence[bytes]) -> Heard:
        """As ``NoticeBook.take``."""
        heard = super().take(peer, envelopes)
        self._reload()
        return heard


class PeerDoor:
    """The listener for peers and the thread that lets newly verified ones in."""

    def __init__(self, node: Node, *, host: str, port: int, live: Live | None = None) -> None:
        """``live``: peers may wait here for news."""
        self._node = node
        self._trusted: set[str] = set()
        self._tls = ServerTls(node.keys)
        self._stopping = threading.Event()
        self._reload()
        self._app = peer_app(
            NodeExchange(node),
            title=node.settings.node.name or "Seawall",
            clock=node.clock,
            statuses=node.store.statuses,
            watch=PeerWatch(node),
            notices=_Heard(node, self._reload),
            post=PostBook(node, HANDLERS),
            live=live_state(live.room, live.stands) if live is not None and live.is_on else None,
        )
        self.listener: Listener = peer_listener(
            OneGlance(self._app, node), lambda pin: peer_of_pin(node, pin), self._tls.context, host=host, port=port
        )
        self._thread = threading.Thread(target=self._watch, name="peer-trust", daemon=True)

    def start(self) -> None:
        """Listen, and keep the trust current."""
        self.listener.start()
        self._thread.start()

    def stop(self) -> None:
        """Close the listener and end the thread."""
        self._stopping.set()
        self.listener.stop()
        close_post(self._app)
        self._thread.join(RELOAD_SECONDS * 5)

    def _watch(self) -> None:
        while not self._stopping.wait(RELOAD_SECONDS):
            try:
                self._reload()
            except (Fault, OSError):
                continue  # the store is busy; the next round asks again

    def _reload(self) -> None:
        self._tls.reload(overlap=overlapping(self._node))
        for peer in self._node.store.peers.list():
            if peer.state is PeerState.VERIFIED and peer.fingerprint not in self._trusted:
                self._tls.trust(read_card(peer.card).ca_certificate)
                self._trusted.add(peer.fingerprint)


Say = Callable[..., None]


def local_tls(node: Node) -> ssl.SSLContext | None:
    """TLS for the local listener, when the settings name a certificate and key; else None."""
    serve = node.settings.serve
    if not serve.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(serve.tls_certificate, serve.tls_key or None)
    except (OSError, ssl.SSLError) as error:
        raise Fault(
            "E-FLOW-050", "Cannot use the TLS certificate {path}: {reason}.", path=serve.tls_certificate, reason=error
        ) from None
    return context
