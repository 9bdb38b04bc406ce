"""One peer that brings messages again and again holds neither the others up nor TAXII."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from uvicorn.config import Config

from exchange.fakes import MemoryExchange
from exchange.scenes import record_of
from seawall.exchange import Bounds, Busy, Listener, Wire, notices, peer_app
from seawall.exchange.listeners.peer import PEER_KEY
from seawall.exchange.post import (
    POST_MEDIA_TYPE,
    POST_PATH,
    Exchanged,
    PostBounds,
    Standing,
    close_post,
    encoded,
    exchange_post,
    read_exchanged,
    server,
)
from seawall.identity import NodeKeys
from seawall.model import system_clock
from seawall.model.peer import PeerRecord

BODY = encoded(Exchanged((b"a message",)))


class SlowDesk:
    """Handles until told to go on; ``handling`` are the peers whose messages are handled just now."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.handling: list[str] = []
        self.done: dict[str, int] = {}

    def standing(self, peer: str) -> Standing:
        """How many of the peer's messages were handled."""
        return Standing(taken=self.done.get(peer, 0))

    def waiting(self, peer: str, after: int) -> tuple[Sequence[bytes], bool]:
        """Nothing."""
        return (), False

    def take(self, peer: str, sealed: Sequence[bytes]) -> Sequence[str]:
        """Slow for ``tokyo``."""
        self.handling.append(peer)
        if peer == "tokyo":
            self.go_on.wait(20)
        self.done[peer] = self.done.get(peer, 0) + len(sealed)
        return ()

    def settle(self, peer: str, standing: Standing) -> None:
        """Nothing follows."""


class SlowNotices:
    """A desk of notices that handles until told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.handling: list[str] = []

    def standing(self, peer: str) -> notices.Standing:
        """Nothing was taken."""
        return notices.Standing()

    def reads(self, peer: str, kinds: str) -> None:
        """Nothing follows."""

    def waiting(self, peer: str, after: int, limit: int) -> tuple[Sequence[bytes], bool]:
        """Nothing."""
        return (), False

    def settle(self, peer: str, taken: notices.Standing, problems: Sequence[notices.Problem]) -> None:
        """Nothing follows."""

    def take(self, peer: str, envelopes: Sequence[bytes]) -> notices.Heard:
        """Slow for ``tokyo``."""
        self.handling.append(peer)
        if peer == "tokyo":
            self.go_on.wait(20)
        return notices.Heard(notices.Standing(), ())


@contextmanager
def served(desk: SlowDesk, slow: SlowNotices | None = None) -> Iterator[str]:
    """The peer app on loopback; who asks is said by a header instead of a certificate."""
    exchange = MemoryExchange("node-1", {"open": frozenset({"seoul"})})
    app = peer_app(exchange, title="Taipei", clock=system_clock, post=desk, notices=slow)

    async def named(scope: Any, receive: Any, send: Any) -> None:
        scope["state"][PEER_KEY] = dict(scope["headers"])[b"x-peer"].decode()
        await app(scope, receive, send)

    def configured(_port: int) -> Config:
        return Config(named, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)

    try:
        with Listener(configured, "127.0.0.1", 0, after_start=None) as listener:
            yield f"http://127.0.0.1:{listener.port}"
    finally:
        desk.go_on.set()
        close_post(app)


@pytest.fixture
def desk() -> SlowDesk:
    """Slow with Tokyo's messages."""
    return SlowDesk()


def bring(base: str, peer: str) -> httpx.Response:
    """One message of this peer."""
    headers = {"X-Peer": peer, "Content-Type": POST_MEDIA_TYPE}
    return httpx.post(f"{base}{POST_PATH}", content=BODY, headers=headers, timeout=30)


def until(true: Callable[[], bool]) -> None:
    """Wait a while for it."""
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_forty_slow_requests_of_one_peer_hold_one_thread(desk: SlowDesk) -> None:
    """Thirty-nine are told to come again; others bring messages, and TAXII answers, at once."""
    answers: list[int] = []
    with served(desk) as base, ExitStack() as stack:
        threads = [threading.Thread(target=lambda: answers.append(bring(base, "tokyo").status_code)) for _ in range(40)]
        for thread in threads:
            thread.start()
            stack.callback(thread.join, 30)
        stack.callback(desk.go_on.set)
        until(lambda: len(answers) == 39)
        assert set(answers) == {503}
        assert bring(base, "seoul").status_code == 200
        taxii = httpx.get(
            f"{base}/taxii2/", headers={"X-Peer": "seoul", "Accept": "application/taxii+json;version=2.1"}
        )
        assert taxii.status_code == 200
        assert desk.handling == ["tokyo", "seoul"]
        refused = bring(base, "tokyo")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert b"E-EXCHANGE-757" in refused.content
    assert sorted(answers) == [200] + [503] * 39
    assert desk.done == {"tokyo": 1, "seoul": 1}


def test_a_peer_brings_notices_one_after_the_other(desk: SlowDesk) -> None:
    """Its second request is told to come again while the first is handled; another peer's is handled."""
    slow = SlowNotices()
    with served(desk, slow) as base, ExitStack() as stack:

        def tell(peer: str) -> int:
            content = b'{"notices":[],"taken":{"number":0,"digest":""}}'
            headers = {"X-Peer": peer, "Content-Type": notices.NOTICES_MEDIA_TYPE}
            url = f"{base}{notices.NOTICES_PATH}"
            return httpx.post(url, content=content, headers=headers, timeout=30).status_code

        first = threading.Thread(target=tell, args=("tokyo",))
        first.start()
        stack.callback(first.join, 30)
        stack.callback(slow.go_on.set)
        until(lambda: slow.handling == ["tokyo"])
        assert [tell("tokyo"), tell("tokyo"), tell("seoul")] == [503, 503, 200]
        slow.go_on.set()
        first.join(30)
        assert tell("tokyo") == 200


def test_a_place_is_given_back_whatever_was_brought(desk: SlowDesk) -> None:
    """Rubbish, too much and a good message after each other: the last one is taken."""
    with served(desk) as base:
        for body in (b"\xc1", b"", encoded(Exchanged((b"",) * 101))):
            headers = {"X-Peer": "seoul", "Content-Type": POST_MEDIA_TYPE}
            assert httpx.post(f"{base}{POST_PATH}", content=body, headers=headers).status_code == 422
        assert [bring(base, "seoul").status_code for _ in range(3)] == [200] * 3


def record(base: str, tmp_path: Any) -> PeerRecord:
    """Whom our client calls."""
    keys = NodeKeys.create(tmp_path / "keys", name="Taipei", economy="TW", at=system_clock())
    return record_of(keys, "taipei", base)


class _As(Wire):
    """Our wire, with the header that stands for a certificate."""

    def __init__(self, peer: str, waits: list[float], on_wait: Callable[[], None]) -> None:
        def wait(seconds: float) -> None:
            waits.append(seconds)
            on_wait()

        super().__init__("taipei", bounds=Bounds(), wait=wait)
        self._client.headers["X-Peer"] = peer


class _Ours(SlowDesk):
    """The caller's own desk: one message waits until it was taken."""

    def waiting(self, peer: str, after: int) -> tuple[Sequence[bytes], bool]:
        """One."""
        return ([b"mine"], False) if not after else ([], False)


def test_our_client_waits_as_it_is_told_and_then_brings(
    desk: SlowDesk, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process of ours meets the first one's message in the making: it asks until that is done."""
    monkeypatch.setattr(server, "BOUNDS", PostBounds(answer_seconds=0.05))
    waits: list[float] = []
    with served(desk) as base:
        first = bring(base, "tokyo")
        said = read_exchanged(first.content, PostBounds())
        assert said is not None
        assert said.standing.busy
        wire = _As("tokyo", waits, lambda: None)
        looks: list[float] = []

        def look(seconds: float) -> None:
            looks.append(seconds)
            desk.go_on.set()
            time.sleep(0.05)

        done = exchange_post(wire, record(base, tmp_path), _Ours(), wait=look)
        wire.close()
        assert looks
        assert (done.problems, desk.done["tokyo"]) == ([], 1)


def test_our_client_honours_retry_after(desk: SlowDesk) -> None:
    """It comes again after the seconds that it was told, and gives up with one sentence when that takes too long."""
    waits: list[float] = []
    with served(desk) as base:
        threading.Thread(target=bring, args=(base, "tokyo"), daemon=True).start()
        until(lambda: desk.handling == ["tokyo"])
        wire = _As("tokyo", waits, lambda: None)
        with pytest.raises(Busy, match="E-EXCHANGE-122"):
            wire.post(f"{base}{POST_PATH}", BODY, media=POST_MEDIA_TYPE)
        assert waits[:2] == [2.0, 2.0]
        waits.clear()

        def finished() -> None:
            desk.go_on.set()
            until(lambda: desk.done.get("tokyo") == 1)

        patient = _As("tokyo", waits, finished)
        assert patient.post(f"{base}{POST_PATH}", BODY, media=POST_MEDIA_TYPE).status == 200
        wire.close()
        patient.close()
