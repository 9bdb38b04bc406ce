"""The two doors: who gets in, who does not, and what a listener refuses to be."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest

from exchange.fakes import MemoryExchange
from exchange.scenes import Nodes, PeerBookInMemory, record_of
from seawall.exchange import Listener, allowed_hosts, local_listener, peer_app, peer_listener, require_safe_bind
from seawall.exchange.listeners.selftest import require_closed_door
from seawall.identity import NodeKeys, client_context, server_context
from seawall.model import Fault, Unavailable, system_clock
from seawall.model.peer import PeerState

Start = Callable[[MemoryExchange], tuple[Listener, PeerBookInMemory]]
REQUEST = b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def exchange(nodes: Nodes) -> MemoryExchange:
    """Seoul, with one circle."""
    return MemoryExchange(nodes.seoul.node_id, {"tw-kr": frozenset({"harbour"})})


def ask(context: ssl.SSLContext, port: int, times: int = 1) -> bytes:
    """What a caller gets to read; empty when the door stays closed."""
    got = b""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
            context.wrap_socket(raw) as tls,
        ):
            for _ in range(times):
                tls.sendall(REQUEST)
                got = tls.recv(65536)
    except (ssl.SSLError, ConnectionError):
        return b""
    return got


def bare_context() -> ssl.SSLContext:
    """A client without certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_pinned_peer_gets_in(nodes: Nodes, seoul_listener: Start, exchange: MemoryExchange) -> None:
    """A verified peer with the pinned key is answered, and the pin is looked up again for every request."""
    listener, book = seoul_listener(exchange)
    assert ask(client_context(nodes.taipei, nodes.seoul.ca_pem), listener.port, times=3).startswith(b"HTTP/1.1 200")
    assert book.lookups >= 3


def test_no_certificate_gets_nothing(seoul_listener: Start, exchange: MemoryExchange) -> None:
    """A caller without certificate reads not one byte."""
    listener, book = seoul_listener(exchange)
    assert ask(bare_context(), listener.port) == b""
    assert book.lookups == 0


def test_foreign_authority_gets_nothing(nodes: Nodes, seoul_listener: Start, exchange: MemoryExchange) -> None:
    """A certificate by an authority that we do not know is refused by TLS."""
    listener, _ = seoul_listener(exchange)
    assert ask(client_context(nodes.stranger, nodes.seoul.ca_pem), listener.port) == b""


@pytest.mark.parametrize("state", [PeerState.PENDING, PeerState.SUSPENDED, PeerState.SEVERED])
def test_right_authority_wrong_state_gets_nothing(
    nodes: Nodes, stack: ExitStack, exchange: MemoryExchange, state: PeerState
) -> None:
    """A peer whose authority is trusted but who is not verified reads not one byte of HTTP."""
    book = PeerBookInMemory([record_of(nodes.stranger, "stranger", "https://127.0.0.1:1", state)])
    context = server_context(nodes.seoul, [nodes.stranger.ca_pem])
    app = peer_app(exchange, title="Seoul", clock=system_clock)
    listener = stack.enter_context(peer_listener(app, book.by_certificate, context, host="127.0.0.1", port=0))
    assert ask(client_context(nodes.stranger, nodes.seoul.ca_pem), listener.port) == b""
    assert book.lookups == 1


def test_suspension_closes_an_open_connection(nodes: Nodes, seoul_listener: Start, exchange: MemoryExchange) -> None:
    """A peer that is suspended between two requests of one connection gets no second answer."""
    listener, book = seoul_listener(exchange)
    context = client_context(nodes.taipei, nodes.seoul.ca_pem)
    with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as raw, context.wrap_socket(raw) as tls:
        tls.sendall(REQUEST)
        assert tls.recv(65536).startswith(b"HTTP/1.1 200")
        book.set_state("harbour", PeerState.SUSPENDED)
        tls.sendall(REQUEST)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            assert tls.recv(65536)
            raise ssl.SSLError


def test_unreadable_book_keeps_the_door_closed(nodes: Nodes, stack: ExitStack, exchange: MemoryExchange) -> None:
    """When the list of peers cannot be read nobody gets in."""

    def broken(_: str) -> None:
        raise OSError("disk")

    app = peer_app(exchange, title="Seoul", clock=system_clock)
    context = server_context(nodes.seoul, [nodes.taipei.ca_pem])
    listener = stack.enter_context(peer_listener(app, broken, context, host="127.0.0.1", port=0))
    assert ask(client_context(nodes.taipei, nodes.seoul.ca_pem), listener.port) == b""


def test_old_tls_is_refused(nodes: Nodes, seoul_listener: Start, exchange: MemoryExchange) -> None:
    """TLS 1.2 does not get through, even with the right certificate."""
    listener, _ = seoul_listener(exchange)
    context = client_context(nodes.taipei, nodes.seoul.ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert ask(context, listener.port) == b""


def test_lax_context_does_not_start(nodes: Nodes, exchange: MemoryExchange) -> None:
    """A TLS context that does not require client certificates is refused before anything listens."""
    context = server_context(nodes.seoul, [nodes.taipei.ca_pem])
    context.verify_mode = ssl.CERT_OPTIONAL
    app = peer_app(exchange, title="Seoul", clock=system_clock)
    listener = peer_listener(app, lambda _: None, context, host="127.0.0.1", port=0)
    with pytest.raises(Fault) as caught:
        listener.start()
    assert caught.value.code == "E-EXCHANGE-010"
    listener.stop()


def test_self_test_catches_an_open_door(nodes: Nodes, stack: ExitStack) -> None:
    """The start-up self-test fails against a server that answers callers without certificate, or nobody."""

    async def app(scope: object, receive: object, send: Callable[..., object]) -> None:
        """Answers everybody."""

    context = server_context(nodes.seoul, [])
    context.verify_mode = ssl.CERT_NONE
    open_door = stack.enter_context(local_listener(app, host="127.0.0.1", port=0, tls=context))
    with pytest.raises(Fault) as caught:
        require_closed_door("127.0.0.1", open_door.port)
    assert caught.value.code == "E-EXCHANGE-013"
    with pytest.raises(Fault):
        require_closed_door("127.0.0.1", 9)


def test_peers_cannot_say_who_they_are(nodes: Nodes, seoul_listener: Start, exchange: MemoryExchange) -> None:
    """Headers that name another peer or user change nothing: the certificate alone says who asks."""
    listener, _ = seoul_listener(exchange)
    exchange.members["secret"] = frozenset({"other"})
    exchange.rows["secret"] = []
    headers = {"Authorization": "Bearer other", "X-Forwarded-For": "other", "X-Client-Cert": "other"}
    with httpx.Client(verify=client_context(nodes.taipei, nodes.seoul.ca_pem), trust_env=False) as client:
        found = client.get(f"https://127.0.0.1:{listener.port}/taxii2/circles/collections/", headers=headers).json()
    assert [collection["title"] for collection in found["collections"]] == ["tw-kr"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org", "127.0.0.1.example.org"])  # noqa: S104
def test_tokens_never_cross_a_network_in_the_clear(host: str) -> None:
    """The local listener refuses every address beyond this machine unless it has TLS."""
    with pytest.raises(Fault) as caught:
        local_listener(None, host=host, port=0)
    assert caught.value.code == "E-EXCHANGE-011"
    require_safe_bind(host, tls=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "[::1]"])
def test_loopback_needs_no_tls(host: str) -> None:
    """Addresses of this machine are fine without TLS."""
    require_safe_bind(host, tls=False)


def test_allowed_hosts_are_spelled_out() -> None:
    """Every spelling of our own address is known, with and without the port, and nothing else is."""
    hosts = allowed_hosts("127.0.0.1", 8700, ("Node.Example",))
    assert {"localhost:8700", "127.0.0.1", "[::1]:8700", "node.example:8700"} <= hosts
    assert "evil.example" not in hosts
    assert allowed_hosts("192.0.2.1", 443) == {"192.0.2.1", "192.0.2.1:443"}


def test_taken_port_is_one_sentence(stack: ExitStack) -> None:
    """A port in use gives one clear Fault."""
    taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    with pytest.raises(Unavailable) as caught:
        local_listener(None, host="127.0.0.1", port=taken.getsockname()[1])
    assert caught.value.code == "E-EXCHANGE-012"


def test_new_peer_is_admitted_without_restart(nodes: Nodes, stack: ExitStack, exchange: MemoryExchange) -> None:
    """A peer verified while the listener runs gets in from its next connection on."""
    from seawall.identity import trust

    book = PeerBookInMemory()
    context = server_context(nodes.seoul, [])
    app = peer_app(exchange, title="Seoul", clock=system_clock)
    listener = stack.enter_context(peer_listener(app, book.by_certificate, context, host="127.0.0.1", port=0))
    taipei: NodeKeys = nodes.taipei
    assert ask(client_context(taipei, nodes.seoul.ca_pem), listener.port) == b""
    book.add(record_of(taipei, "harbour", "https://127.0.0.1:1"))
    trust(context, taipei.ca_pem)
    assert ask(client_context(taipei, nodes.seoul.ca_pem), listener.port).startswith(b"HTTP/1.1 200")
