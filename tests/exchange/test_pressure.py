"""Back-pressure: a full receiver says when to come again, the sender keeps to it, and nothing is lost or sent twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.bounded_door import ME, ROOT, URL, serve
from exchange.fakes import MemoryExchange, indicator, released
from seawall.exchange import (
    Bounds,
    Busy,
    Outcome,
    TaxiiClient,
    Wire,
    collection_id,
)
from seawall.exchange.discipline import QUARANTINE_POINTS, THROTTLE_POINTS, Conduct, Misdeed, judge
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
from seawall.exchange.taxii.patience import Patience, seconds_of
from seawall.exchange.throttle import FAILURE_SECONDS, FAILURES, FAILURES_PER_ADDRESS, KEYS_KEPT, Buckets, Failures
from seawall.model import Actor, ReleasedObject, Unavailable


class Holding(MemoryExchange):
    """Holds the first POST until told to go on; may be out of order for some time."""

    def __init__(self) -> None:
        super().__init__("node-1", {"open": frozenset({"siem"})})
        self.holding = threading.Event()
        self.go_on = threading.Event()
        self.broken = 0

    def accept(self, actor: Actor, collection: str, bodies: Sequence[bytes]) -> Sequence[Outcome]:
        if self.broken:
            self.broken -= 1
            raise Unavailable("E-STORE-004", "The disk is full.")
        if not self.holding.is_set():
            self.holding.set()
            self.go_on.wait(10)
        return super().accept(actor, collection, bodies)


def posting(base: str, waits: list[float], **bounds: float) -> TaxiiClient:
    """Our client, which notes its waits and takes them ten times as fast."""

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds / 10)

    limits = Bounds(**bounds)  # type: ignore[arg-type]  # the few that tests set are numbers
    return TaxiiClient(Wire("peer", bounds=limits, basic=ME, wait=wait), limits)


def objects(count: int) -> list[ReleasedObject]:
    """As released."""
    return [ReleasedObject(f"indicator--{n}", "", indicator(n)) for n in range(count)]


def test_a_full_receiver_is_waited_for(stack: ExitStack) -> None:
    """503 with Retry-After: the sender waits as told and all objects land once."""
    exchange = Holding()
    base = serve(stack, exchange, Bounds(posts_at_once=1, post_wait_seconds=0.05))
    first = threading.Thread(
        target=httpx.post,
        args=(base + URL,),
        kwargs={"content": b'{"objects":[]}', "auth": ME, "headers": {"Content-Type": TAXII_MEDIA_TYPE}},
    )
    first.start()
    exchange.holding.wait(10)
    threading.Timer(0.3, exchange.go_on.set).start()
    waits: list[float] = []
    with posting(base, waits) as client:
        done = client.add_objects(base + ROOT, collection_id("node-1", "open"), released(objects(3), "peer", "open"))
    first.join()
    assert done.success_count == 3
    assert waits == [5.0]
    assert len(exchange.rows["open"]) == 3


def test_a_receiver_out_of_order_is_asked_again(stack: ExitStack) -> None:
    """A full disk over there is 503 with Retry-After; longer than our patience it ends this sync, not the peer."""
    exchange = Holding()
    exchange.go_on.set()
    exchange.broken = 1
    base = serve(stack, exchange, Bounds())
    waits: list[float] = []
    with posting(base, waits, patience_seconds=20.0) as client, pytest.raises(Busy) as caught:
        client.add_objects(base + ROOT, collection_id("node-1", "open"), released(objects(1), "peer", "open"))
    assert (caught.value.code, caught.value.seconds, waits) == ("E-EXCHANGE-122", 30, [])
    exchange.broken = 1
    with posting(base, waits, patience_seconds=60.0) as client:
        done = client.add_objects(base + ROOT, collection_id("node-1", "open"), released(objects(1), "peer", "open"))
    assert (done.success_count, waits) == (1, [30.0])


def test_what_is_too_large_goes_in_halves(stack: ExitStack) -> None:
    """413 from a stricter server: the portion is halved until it fits; one object that never fits counts as failed."""
    exchange = Holding()
    exchange.go_on.set()
    base = serve(stack, exchange, Bounds(content_length=2_000))
    large = ReleasedObject("indicator--99", "", indicator(99, padding=3_000))
    with posting(base, []) as client:
        everything = released([*objects(20), large], "peer", "open")
        done = client.add_objects(base + ROOT, collection_id("node-1", "open"), everything)
    assert (done.success_count, done.failure_count) == (20, 1)
    assert [reason.endswith("bytes)") and "too large for it" in reason for reason in done.reasons] == [True]
    assert len({row.id for row in exchange.rows["open"]}) == len(exchange.rows["open"]) == 20


def test_who_asks_too_often_waits_as_told(stack: ExitStack) -> None:
    """429 with Retry-After slows a client down; it gets everything in the end."""
    base = serve(stack, MemoryExchange("node-1", {"open": frozenset({"siem"})}), Bounds(requests_at_once=2.0))
    answers = [httpx.get(f"{base}/taxii2/", auth=ME, trust_env=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    strict = serve(
        stack,
        MemoryExchange("node-1", {"open": frozenset({"siem"})}),
        Bounds(requests_per_second=0.5, requests_at_once=2.0),
    )
    statuses = [httpx.get(f"{strict}/taxii2/", auth=ME, trust_env=False) for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [200, 200, 429]
    assert statuses[-1].headers["retry-after"] == "2"
    assert statuses[-1].json()["error_code"] == "E-EXCHANGE-429"


@given(st.text(max_size=40))
def test_any_retry_after_is_a_bounded_number_or_nothing(text: str) -> None:
    """Whatever a header says, the wait is None or between nothing and the bound."""
    seconds = seconds_of(text, 3_600)
    assert seconds is None or 0 <= seconds <= 3_600


def test_retry_after_may_be_a_date() -> None:
    """An HTTP date is the time until then; one that has passed is no wait."""
    soon, past = (datetime.now(UTC) + timedelta(seconds=delta) for delta in (30, -30))
    ahead = seconds_of(format_datetime(soon, usegmt=True), 3_600)
    assert ahead is not None
    assert 25 < ahead <= 30
    assert seconds_of(format_datetime(past, usegmt=True), 3_600) == 0
    assert seconds_of("31536000", 3_600) == 3_600


@given(st.lists(st.one_of(st.none(), st.text(max_size=8), st.integers(0, 10**9).map(str)), max_size=30))
def test_patience_has_an_end(headers: list[str | None]) -> None:
    """However a server words it, all waits of one sync stay within the bound."""
    waits: list[float] = []
    patience = Patience("peer", Bounds(patience_seconds=20.0, patience_times=8), waits.append)
    try:
        for header in headers:
            patience.wait(header)
    except Busy:
        pass
    assert sum(waits) <= 20.0
    assert len(waits) <= 8


def test_buckets_give_their_rate_and_forget() -> None:
    """A burst, then the rate; one asker does not use up another's; memory is bounded."""
    now = [0.0]
    buckets = Buckets(2.0, 3.0, lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    now[0] = 0.5
    assert [buckets.take("a") > 0 for _ in range(2)] == [False, True]
    buckets.forget("a")
    assert buckets.take("a") == 0
    for number in range(KEYS_KEPT + 10):
        buckets.take(number)
    assert len(buckets._held) == KEYS_KEPT


def test_failed_log_ins_are_counted_by_name_and_address() -> None:
    """Ten failures under one name close it for that address only; a hundred under any names close the address."""
    now = [0.0]
    failures = Failures(lambda: now[0])
    for _ in range(FAILURES):
        assert failures.wait("192.0.2.1", "siem") == 0
        failures.failed("192.0.2.1", "siem")
    assert failures.wait("192.0.2.1", "siem") == FAILURE_SECONDS
    assert failures.wait("192.0.2.2", "siem") == failures.wait("192.0.2.1", "vendor") == 0
    now[0] = FAILURE_SECONDS
    assert failures.wait("192.0.2.1", "siem") == 0
    for number in range(FAILURES_PER_ADDRESS):
        failures.failed("192.0.2.9", str(number))
    assert failures.wait("192.0.2.9", "new") > 0


@given(st.lists(st.tuples(st.sampled_from(Misdeed), st.integers(0, 100_000)), max_size=40))
def test_conduct_only_worsens_within_a_day_and_never_heals_a_quarantine(
    deeds: list[tuple[Misdeed, int]],
) -> None:
    """Points only grow within a day; throttled from the first bound on, quarantined from the second, for good."""
    conduct, at = Conduct(), 1_000_000_000_000_000
    for misdeed, seconds in deeds:
        at += seconds * 1_000_000
        after = judge(conduct, misdeed, "why", at)
        assert after.points > (0 if seconds > 86_400 else conduct.points)
        assert after.is_throttled(at) or after.points < THROTTLE_POINTS
        assert bool(after.quarantined_at) == (after.points >= QUARANTINE_POINTS or bool(conduct.quarantined_at))
        conduct = after


@pytest.fixture
def answer_of(stack: ExitStack) -> Callable[[tuple[str, str]], httpx.Response]:
    """Asks a local door with some credentials."""
    base = serve(stack, MemoryExchange("node-1", {"open": frozenset({"siem"})}), Bounds())

    def ask(credentials: tuple[str, str]) -> httpx.Response:
        return httpx.get(f"{base}/taxii2/", auth=credentials, trust_env=False)

    return ask


def test_guessing_is_slowed_down(answer_of: Callable[[tuple[str, str]], httpx.Response]) -> None:
    """After ten wrong tokens under one name the next is not even looked at, and another name still gets in."""
    assert [answer_of(("vendor", "wrong")).status_code for _ in range(FAILURES)] == [401] * FAILURES
    told = answer_of(("vendor", "r" * 40))
    assert (told.status_code, told.json()["error_code"]) == (429, "E-EXCHANGE-428")
    assert int(told.headers["retry-after"]) > 0
    assert answer_of(ME).status_code == 200
