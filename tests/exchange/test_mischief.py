"""A peer that behaves badly gets one clear Fault; nothing half-written stays and the cursor does not move."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from exchange import mischief
from exchange.fakes import MemoryCursors, MemoryDesk, MemoryExchange, MemoryReleases
from exchange.mischief import Behaviour, MischievousPeer
from exchange.scenes import Nodes, record_of
from seawall.exchange import Bounds, SyncDeps, sync
from seawall.identity import NodeKeys, client_context, server_context
from seawall.model import Fault, Refused, Unavailable

BOUNDS = Bounds(
    page_objects=10,
    page_bytes=4_000_000,
    pages=8,
    silence_seconds=0.4,
    answer_seconds=1.0,
    walk_seconds=10.0,
    patience_seconds=1.6,
    patience_times=3,
)
CIRCLE = "tw-kr"


def deps_for(nodes: Nodes, desk: MemoryDesk, cursors: MemoryCursors, trusted: NodeKeys) -> SyncDeps:
    """Taipei's side of a synchronisation."""
    exchange = MemoryExchange(nodes.taipei.node_id, {CIRCLE: frozenset({"harbour", "seoul"})})
    return SyncDeps(
        circles=[CIRCLE],
        cursors=cursors,
        desk=desk.desk,
        releases=MemoryReleases(exchange),
        context=client_context(nodes.taipei, trusted.ca_pem),
        bounds=BOUNDS,
    )


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (mischief.truncated, "E-EXCHANGE-118"),
        (mischief.truncated_json, "E-EXCHANGE-107"),
        (mischief.garbage, "E-EXCHANGE-118"),
        (mischief.not_json, "E-EXCHANGE-107"),
        (mischief.wrong_shape, "E-EXCHANGE-107"),
        (mischief.wrong_media_type, "E-EXCHANGE-105"),
        (mischief.silent, "E-EXCHANGE-102"),
        (mischief.slow_headers, "E-EXCHANGE-102"),
        (mischief.slow_body, "E-EXCHANGE-102"),
        (mischief.endless_headers, "E-EXCHANGE-118"),
        (mischief.huge_body, "E-EXCHANGE-106"),
        (mischief.huge_object, "E-EXCHANGE-110"),
        (mischief.deep_object, "E-EXCHANGE-111"),
        (mischief.abyss, "E-EXCHANGE-111"),
        (mischief.too_many_objects, "E-EXCHANGE-112"),
        (mischief.more_without_way, "E-EXCHANGE-114"),
        (mischief.unreadable_date, "E-EXCHANGE-107"),
        (mischief.first_moment, "E-EXCHANGE-114"),
        (mischief.redirecting, "E-EXCHANGE-104"),
        (mischief.redirecting_down, "E-EXCHANGE-104"),
        (mischief.redirecting_in_a_ring, "E-EXCHANGE-104"),
        (mischief.gzip_bomb, "E-EXCHANGE-117"),
        (mischief.chunked_for_ever, "E-EXCHANGE-106"),
        (mischief.busy_for_ever, "E-EXCHANGE-122"),
        (mischief.busy_for_a_year, "E-EXCHANGE-122"),
        (mischief.busy_nonsense, "E-EXCHANGE-122"),
        (mischief.busy_beyond_calendars, "E-EXCHANGE-122"),
        (mischief.two_lengths, "E-EXCHANGE-118"),
        (mischief.wrong_length, "E-EXCHANGE-107"),
        (mischief.compressed, "E-EXCHANGE-117"),
        (mischief.failing, "E-EXCHANGE-121"),
        (mischief.refusing, "E-EXCHANGE-108"),
        (mischief.long_token, "E-EXCHANGE-114"),
    ],
)
def test_bad_answer_is_one_fault_and_leaves_nothing(
    nodes: Nodes, stack: ExitStack, behaviour: Behaviour, code: str
) -> None:
    """The first page is bad: one Fault with its own code, nothing stored, no cursor, and soon: not when it pleases."""
    peer = stack.enter_context(MischievousPeer(behaviour, server_context(nodes.seoul, [nodes.taipei.ca_pem])))
    desk, cursors = MemoryDesk(), MemoryCursors()
    record = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{peer.port}")
    with pytest.raises(Fault) as caught:
        sync(record, deps_for(nodes, desk, cursors, nodes.seoul))
    assert caught.value.code == code
    assert desk.objects == {}
    assert cursors.kept == {}


@pytest.mark.parametrize(
    ("behaviour", "code", "kept"),
    [
        (mischief.same_page_for_ever, "E-EXCHANGE-113", 2),
        (mischief.more_and_empty, "E-EXCHANGE-114", 0),
        (mischief.dates_backwards, "E-EXCHANGE-115", 2),
        (mischief.endless_pages, "E-EXCHANGE-116", 8),
        (mischief.next_in_a_ring, "E-EXCHANGE-113", 2),
    ],
)
def test_good_pages_before_the_bad_one_stay(
    nodes: Nodes, stack: ExitStack, behaviour: Behaviour, code: str, kept: int
) -> None:
    """What was whole before the peer misbehaved is kept, with a cursor that stands right behind it."""
    peer = stack.enter_context(MischievousPeer(behaviour, server_context(nodes.seoul, [nodes.taipei.ca_pem])))
    desk, cursors = MemoryDesk(), MemoryCursors()
    with pytest.raises(Unavailable) as caught:
        sync(
            record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{peer.port}"),
            deps_for(nodes, desk, cursors, nodes.seoul),
        )
    assert caught.value.code == code
    assert len(desk.objects) == kept
    assert "next" in cursors.kept["seoul", CIRCLE, "receive"]


def test_unpinned_certificate_gets_no_request(nodes: Nodes, stack: ExitStack) -> None:
    """A server with another key, even by an authority we trust, never sees a request."""
    peer = stack.enter_context(
        MischievousPeer(mischief.same_page_for_ever, server_context(nodes.stranger, [nodes.taipei.ca_pem]))
    )
    record = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{peer.port}")
    for trusted in (nodes.seoul, nodes.stranger):
        with pytest.raises(Fault) as caught:
            sync(record, deps_for(nodes, MemoryDesk(), MemoryCursors(), trusted))
        assert caught.value.code == "E-EXCHANGE-103"
    assert peer.requests == []


def test_unreachable_peer_is_said_to_be(nodes: Nodes) -> None:
    """Nobody listens: the Fault says that the peer cannot be reached."""
    record = record_of(nodes.seoul, "seoul", "https://127.0.0.1:9")
    with pytest.raises(Unavailable) as caught:
        sync(record, deps_for(nodes, MemoryDesk(), MemoryCursors(), nodes.seoul))
    assert caught.value.code == "E-EXCHANGE-101"


def test_plain_http_where_tls_should_be_is_refused(nodes: Nodes, stack: ExitStack) -> None:
    """A listener without TLS under an https address gives one Fault."""
    peer = stack.enter_context(MischievousPeer(mischief.garbage, None))
    record = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{peer.port}")
    with pytest.raises((Unavailable, Refused)) as caught:
        sync(record, deps_for(nodes, MemoryDesk(), MemoryCursors(), nodes.seoul))
    assert caught.value.code in {"E-EXCHANGE-101", "E-EXCHANGE-102", "E-EXCHANGE-103"}


@pytest.mark.parametrize(
    ("behaviour", "numbers", "asked"),
    [
        (mischief.fewer_than_asked, range(6), 6),
        (mischief.one_moment, range(50), 5),
        (mischief.repeating_itself, range(5), 4),
        (mischief.burst_across_pages, range(1, 5), 2),
        (mischief.from_the_past, range(1, 3), 1),
    ],
)
def test_odd_but_honest_pages_lose_nothing(
    nodes: Nodes, stack: ExitStack, behaviour: Behaviour, numbers: range, asked: int
) -> None:
    """Odd page sizes, bursts of one moment, repeats and strange dates: every object lands once, and the walk ends."""
    peer = stack.enter_context(MischievousPeer(behaviour, server_context(nodes.seoul, [nodes.taipei.ca_pem])))
    desk, cursors = MemoryDesk(), MemoryCursors()
    record = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{peer.port}")
    sync(record, deps_for(nodes, desk, cursors, nodes.seoul))
    assert sorted(int(identity[-12:]) for identity, _ in desk.objects) == list(numbers)
    assert len(peer.requests) == asked


def test_dates_of_the_future_are_no_cursor(nodes: Nodes, stack: ExitStack) -> None:
    """A clock far ahead is told, its objects are kept, and what comes once it is right is not missed."""
    context = server_context(nodes.seoul, [nodes.taipei.ca_pem])
    peer = stack.enter_context(MischievousPeer(mischief.from_the_future, context))
    desk, cursors = MemoryDesk(), MemoryCursors()
    record = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{peer.port}")
    report = sync(record, deps_for(nodes, desk, cursors, nodes.seoul))
    assert report.received == 2
    assert "dates of the future" in report.problems[0]
    assert '"3026-' not in cursors.kept["seoul", CIRCLE, "receive"]
    assert sync(record, deps_for(nodes, desk, cursors, nodes.seoul)).unchanged == 2


def test_a_handshake_that_hangs_is_given_up(nodes: Nodes) -> None:
    """A server that accepts the connection and never speaks TLS is given up within the bound."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        record = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{hanging.getsockname()[1]}")
        with pytest.raises(Unavailable) as caught:
            sync(record, deps_for(nodes, MemoryDesk(), MemoryCursors(), nodes.seoul))
    assert caught.value.code == "E-EXCHANGE-102"


def test_a_certificate_swapped_later_gets_no_request(nodes: Nodes, stack: ExitStack) -> None:
    """The same address with another certificate than last time: nothing is sent, and the cursor stays."""
    seoul = stack.enter_context(
        MischievousPeer(mischief.fewer_than_asked, server_context(nodes.seoul, [nodes.taipei.ca_pem]))
    )
    desk, cursors = MemoryDesk(), MemoryCursors()
    deps = deps_for(nodes, desk, cursors, nodes.seoul)
    sync(record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{seoul.port}"), deps)
    kept = dict(cursors.kept)
    swapped = stack.enter_context(
        MischievousPeer(mischief.fewer_than_asked, server_context(nodes.stranger, [nodes.taipei.ca_pem]))
    )
    with pytest.raises(Unavailable) as caught:
        sync(record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{swapped.port}"), deps)
    assert caught.value.code == "E-EXCHANGE-103"
    assert swapped.requests == []
    assert cursors.kept == kept


def test_every_reason_is_one_sentence(nodes: Nodes) -> None:
    """Each Fault of a bad peer names it in one sentence that says what happened."""
    record = record_of(nodes.seoul, "seoul", "https://127.0.0.1:9")
    with pytest.raises(Unavailable) as caught:
        sync(record, deps_for(nodes, MemoryDesk(), MemoryCursors(), nodes.seoul))
    sentence = str(caught.value).partition(": ")[2]
    assert "seoul" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
