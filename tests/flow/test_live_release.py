"""From an alarm in a followed log to a peer's outbox, by standing rules and within their caps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import agree, neighbours, say
from journey.command_line import eve
from seawall.flow.live_watch import Watch
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.standing import stop_standing
from seawall.flow.tail import TailWish, tail
from seawall.flow.tail.hurry import SHARE, SPARE, Hurry
from seawall.flow.terms import terms_digest
from seawall.ingest.live.glimpse import Glimpse
from seawall.ingest.live.looking import Looked
from seawall.model import Actor


@pytest.fixture
def taipei(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node that shares a circle with Seoul."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        agree(nodes, "tw-kr", "taipei", "seoul")
        monkeypatch.setattr(nodes["taipei"], "require", lambda _right: Actor("lin", None, None))
        yield nodes["taipei"]


def outbox(node: Node) -> list[str]:
    """The types of what stands there for Seoul, in order."""
    return [row.type for row in node.store.outbox.page("tw-kr", "seoul").rows]


def watch(node: Node, told: list[str]) -> Watch:
    """What ``seawall serve`` does ten times a second."""
    return Watch(node, told.extend, peers_changed=lambda _peers: None)


def test_an_alarm_in_a_followed_log_stands_in_the_outbox_without_any_job(taipei: Node, tmp_path: Path) -> None:
    """The tail stores the candidate, the serving process releases it and tells Seoul; both ask policy and ledger."""
    log, told = tmp_path / "eve.json", list[str]()
    log.write_text(eve("2026-03-14T03:12:00.000000+0000", "203.0.113.7", "10.1.0.5", sensor="tpe-1") + "\n")
    looks, before = watch(taipei, told), taipei.ledger.checkpoint()
    tail(taipei, TailWish((str(log),), once=True), stop=threading.Event(), say=print)
    looks.step()
    looks.close()
    assert outbox(taipei) == ["indicator", "sighting"]
    assert told == ["seoul"]
    assert taipei.ledger.checkpoint() != before


def test_caps_hold_under_a_flood(taipei: Node) -> None:
    """Fifty values in a moment: as many leave as the rule lets go in an hour, and looking again changes nothing."""
    terms = taipei.store.circles.get("tw-kr")
    (rule,) = terms.standing
    capped = msgspec.structs.replace(rule, cap_per_hour=7)
    fresh = msgspec.structs.replace(terms, standing=(capped,), version=terms.version + 1)
    taipei.store.circles.save(fresh, taipei.clock())
    taipei.store.notes.set("agreed:tw-kr:seoul", terms_digest(fresh))
    for number in range(50):
        say(taipei, f"203.0.113.{number}")
    looks = watch(taipei, [])
    threads = [threading.Thread(target=fill_outboxes, args=(taipei,)) for _ in range(3)]
    for thread in threads:  # the schedule and two requests at the same moment
        thread.start()
    for _ in range(3):
        looks.step()
    for thread in threads:
        thread.join()
    looks.close()
    assert len(outbox(taipei)) == 7


def test_a_stopped_circle_releases_nothing_at_once(taipei: Node) -> None:
    """The one key that stops standing releases stops the fast way too, and going on brings what waited."""
    told: list[str] = []
    looks = watch(taipei, told)
    stop_standing(taipei, None)
    say(taipei, "203.0.113.20")
    looks.step()
    assert outbox(taipei) == []
    assert told == []
    taipei.store.notes.delete("standing-stop:")
    say(taipei, "203.0.113.21")
    looks.step()
    looks.close()
    assert len(outbox(taipei)) == 2
    assert told == ["seoul"]


def test_while_nothing_is_written_a_look_does_nothing(taipei: Node) -> None:
    """Ten looks a second cost nothing until somebody writes, in this process or another."""
    looks = watch(taipei, [])
    while looks.step():
        pass
    assert not looks.step()
    taipei.store.notes.set("anything", "1")
    assert looks.step()
    looks.close()


def glimpse(src: str, *, kind: str = "alert") -> Looked:
    """A block of one line."""
    seen = Glimpse("", None, kind, src, "10.0.0.1", None, None, (), None, None, None, None, None)
    return Looked([seen], [])


def test_only_somebody_new_hurries() -> None:
    """An alarm about an address that alarmed before waits for its time; ordinary lines always do."""
    hurry = Hurry(wanted=True)
    hurry.look(glimpse("203.0.113.1", kind="flow"))
    assert not hurry.is_due()
    hurry.look(glimpse("203.0.113.1"))
    assert hurry.is_due()
    hurry.begun()
    hurry.look(glimpse("203.0.113.1"))
    assert not hurry.is_due()
    hurry.look(glimpse("203.0.113.2"))
    assert hurry.is_due()


def test_early_commits_take_their_share_of_the_time_and_no_more() -> None:
    """A flood of new addresses is committed as before: the early commits are used up."""
    now = [0.0]
    hurry, early = Hurry(wanted=True, seconds=lambda: now[0]), 0
    for number in range(6_000):  # ten minutes, ten new addresses a second
        now[0] += 0.1
        hurry.look(glimpse(f"198.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"))
        if hurry.is_due():
            hurry.begun()
            hurry.took(0.2)
            early += 1
    assert early * 0.2 <= SHARE * 600 + SPARE + 0.2


def test_where_nobody_is_to_be_told_nothing_hurries() -> None:
    """A node without circles stores as it always did."""
    hurry = Hurry(wanted=False)
    hurry.look(glimpse("203.0.113.1"))
    assert not hurry.is_due()
