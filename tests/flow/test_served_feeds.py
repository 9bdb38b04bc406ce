"""A consumer gets what is in force for it, no more, and from the next poll on nothing that was taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feed_scenes import CIDR, DAY, DOMAIN, book, consumer, fetched, leaves, marked, tell, unsay
from flow.neighbours import Clock, agree, neighbours, push, say
from flow.order_scenes import accept, ipv4
from seawall.flow.ending import end_relation
from seawall.flow.jobs import run
from seawall.flow.node import Node, create_node
from seawall.flow.orders import orders_for
from seawall.flow.recall_sending import recall_object
from seawall.flow.served_feeds import FeedDesk
from seawall.flow.served_feeds_bouncer import BouncerDesk, Wanted
from seawall.flow.served_feeds_kept import add_feed, list_feeds, remove_feed, rotate_feed, show_feed
from seawall.flow.served_feeds_written import write_changes, write_list
from seawall.flow.terms import read_terms, shared_terms, terms_digest
from seawall.flow.undo import undo_directive
from seawall.model import Fault, NotFound, Pap, Refused, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.order import Kill, OrderState, Place, Point, Zone
from seawall.model.peer import PeerState

A, B, C = "45.9.113.1", "45.9.113.2", "45.9.113.3"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Taipei, with a clock moved by hand."""
    create_node(tmp_path / "node", name="Taipei", economy="TW", sector="government", timezone="UTC", lang="en")
    with Node.open(tmp_path / "node", clock=Clock()) as opened:
        yield opened


def test_every_line_has_its_release_and_each_hand_out_is_recorded_once(node: Node) -> None:
    """Two releases for two pages of news, one event for each state that left, none for what did not change."""
    tell(node, A)
    feed, _ = consumer(node)
    desk = FeedDesk(node)
    first = desk.current(feed)
    body = b"".join(desk.whole(first, None, gzip=False).pieces())
    assert body.decode() == f"{A}\n"
    size = node.ledger.size
    for _ in range(3):
        assert desk.current(feed).sequence == first.sequence
        desk.whole(first, None, gzip=True)
    assert node.ledger.size == size
    tell(node, B)
    desk.whole(desk.current(feed), None, gzip=False)
    releases = leaves(node, recipient="feed:edge", kind="release")
    handed = leaves(node, kind="feed-handed")
    assert [(len(leaf["objects"]), leaf["purpose"], leaf["rule"]) for leaf in releases] == [
        (1, "enforce", "enforce:block")
    ] * 2
    assert [leaf["details"]["sequence"] for leaf in handed] == [1, 2]
    (line, _) = node.store.served_feeds.lines(feed.number)
    assert node.ledger.entry(int(line.release.split(":")[0])).event["recipient"] == "feed:edge"


def test_what_ends_a_permission_takes_the_value_out_at_the_next_poll(tmp_path: Path) -> None:
    """Recall by the peer, undo by a person, the end of a relation, and expiry."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        taipei, seoul = nodes["taipei"], nodes["seoul"]
        agree(nodes, "west", "taipei", "seoul")
        accept(seoul, "west")
        ids = {value: say(taipei, value) for value in (A, B, C)}
        push(nodes, "west", "taipei", "seoul")
        orders_for(seoul, [ipv4(value) for value in ids])
        feed, _ = consumer(seoul, watch=True)
        assert fetched(seoul, feed) == {A, B, C}
        recall_object(taipei, ids[A], "west")
        push(nodes, "west", "taipei", "seoul")
        assert fetched(seoul, feed) == {B, C}
        name = next(order.undo_id for order in seoul.store.orders.in_force() if order.value == B)
        undo_directive(seoul, name, reason="our own scanner", again=False)
        assert fetched(seoul, feed) == {C}
        end_relation(seoul, "taipei", PeerState.SUSPENDED)
        assert fetched(seoul, feed) == set()
        tell(seoul, A)
        assert fetched(seoul, feed) == {A}
        assert isinstance(seoul.clock, Clock)
        seoul.clock.moment += 31 * DAY
        assert fetched(seoul, feed) == set()


def test_a_stricter_marking_takes_a_value_out_though_the_order_stands(node: Node) -> None:
    """A watched value becomes PAP:AMBER: gone from the cloud at the next poll, still with our own tools."""
    book(node, [A], action=Action.WATCH, state=OrderState.WATCH)
    cloud, _ = consumer(node, "cloud", place="cloud", watch=True)
    own, _ = consumer(node, "own", watch=True)
    assert (fetched(node, cloud), fetched(node, own)) == ({A}, {A})
    marked(node, A, Pap.AMBER)
    assert (fetched(node, cloud), fetched(node, own)) == (set(), {A})


def test_the_circle_alone_lets_a_cloud_have_more_and_the_next_poll_follows_it(tmp_path: Path) -> None:
    """A peer's PAP:AMBER value is watched in our cloud once the circle's terms say so, and no longer than that."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        seoul = nodes["seoul"]
        agree(nodes, "west", "taipei", "seoul")
        say(nodes["taipei"], A)
        push(nodes, "west", "taipei", "seoul")
        entry = seoul.store.indicators.lookup(ipv4(A).type, A)
        assert entry is not None
        assert entry.origin == "taipei"
        source = entry.sources[0]
        seoul.store.indicators.put([msgspec.structs.replace(entry, pap=Pap.AMBER)], source=source, at=seoul.clock())
        orders_for(seoul, [ipv4(A)])
        feed, _ = consumer(seoul, "cloud", place="cloud", watch=True)
        assert fetched(seoul, feed) == set()
        terms = seoul.store.circles.get("west")
        opened = msgspec.structs.replace(terms, version=terms.version + 1, cloud_pap=Pap.AMBER)
        seoul.store.circles.save(opened, seoul.clock())
        assert fetched(seoul, feed) == {A}
        seoul.store.circles.save(msgspec.structs.replace(terms, version=terms.version + 2), seoul.clock())
        assert fetched(seoul, feed) == set()


def test_terms_choose_types_scores_and_blocks(node: Node) -> None:
    """Types that were not asked for, lower scores, and mere watches stay out."""
    tell(node, A)
    tell(node, "45.9.100.0/24", CIDR)
    tell(node, "evil.example", DOMAIN)
    book(node, [B], score=80.0)
    book(node, [C], state=OrderState.CANARY)
    assert fetched(node, consumer(node, "one")[0]) == {A, B, "45.9.100.0/24"}
    assert fetched(node, consumer(node, "two", types="domain")[0]) == {"evil.example"}
    assert fetched(node, consumer(node, "three", least_score=50.0)[0]) == {B}
    assert fetched(node, consumer(node, "four", format="csv", watch=True)[0]) == {
        A, B, C, "45.9.100.0/24", "evil.example",
    }  # fmt: skip


def test_a_point_bounds_scope_plant_and_kill_switch(node: Node) -> None:
    """Orders of other points stay out, a plant only watches, and a kill switch empties the list until it is lifted."""
    for name, zone in (("edge", Zone.INTERNET_EDGE), ("other", Zone.OFFICE), ("plant", Zone.OT)):
        node.store.orders.save_point(Point(name, zone), node.clock())
    book(node, [A])
    book(node, [B], scope=("other",))
    edge, other = consumer(node, "e", point="edge")[0], consumer(node, "o", point="other")[0]
    plant, anywhere = consumer(node, "p", point="plant")[0], consumer(node, "a")[0]
    assert [fetched(node, feed) for feed in (edge, other, plant, anywhere)] == [{A}, {A, B}, set(), {A}]
    node.store.orders.throw(Kill("edge", node.clock(), "lin"))
    assert [fetched(node, feed) for feed in (edge, other)] == [set(), {A, B}]
    node.store.orders.throw(Kill("", node.clock(), "lin"))
    assert [fetched(node, feed) for feed in (other, anywhere)] == [set(), set()]
    node.store.orders.lift("", node.clock())
    node.store.orders.lift("edge", node.clock())
    assert [fetched(node, feed) for feed in (edge, other, anywhere)] == [{A}, {A, B}, {A}]


def test_machines_that_are_not_ours_learn_values_and_nobodys_words(node: Node) -> None:
    """A list for our own tools names reason and source; one for a cloud does not."""
    tell(node, A)
    texts = []
    for place in Place:
        feed, _ = consumer(node, place.value, format="csv", place=place.value)
        desk = FeedDesk(node)
        texts.append(b"".join(desk.whole(desk.current(feed), None, gzip=False).pieces()).decode())
    assert [A in text for text in texts] == [True] * 3
    assert ["seen here" in text for text in texts] == [True, False, False]
    assert ["indicator--" in text for text in texts] == [True, False, False]


def test_a_delta_tells_what_came_and_what_went(node: Node) -> None:
    """Behind each sequence exactly the difference; a sequence that never was is refused."""
    tell(node, A)
    feed, _ = consumer(node)
    desk = FeedDesk(node)
    first = desk.current(feed)
    tell(node, B)
    unsay(node, A)
    second = desk.current(feed)
    lines = b"".join(desk.changes(second, first.sequence).pieces()).decode().splitlines()
    assert sorted(line.split()[0] + line.split()[-1] for line in lines) == sorted([f"+{B}", f"-{A}"])
    assert b"".join(desk.changes(second, second.sequence).pieces()) == b""
    with pytest.raises(Fault, match="E-FLOW-962"):
        desk.changes(second, second.sequence + 1)


def test_parallel_polls_write_each_line_and_each_record_once(node: Node) -> None:
    """Eight polls at once of a list nobody has fetched yet: one release, one hand-out, the same bytes for all."""
    book(node, [f"45.9.113.{number}" for number in range(1, 200)])
    feed, _ = consumer(node)
    desk, bodies = FeedDesk(node), []

    def poll() -> None:
        bodies.append(b"".join(desk.whole(desk.current(feed), None, gzip=False).pieces()))

    threads = [threading.Thread(target=poll) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(bodies), len(set(bodies)), bodies[0].count(b"\n")) == (8, 1, 199)
    assert len(leaves(node, recipient="feed:edge", kind="release")) == 1
    assert len(leaves(node, kind="feed-handed")) == 1


def test_the_job_prepares_every_list_and_two_processes_do_not_undo_each_other(node: Node) -> None:
    """After the job a poll finds nothing to do; two desks at once, as two processes would, lose no line."""
    book(node, [f"45.9.113.{number}" for number in range(1, 100)])
    feeds = [consumer(node, name)[0] for name in ("edge", "second")]
    assert run(node, "feeds")["result"] == "2 of 2 consumers up to date"
    size = node.ledger.size
    assert [len(fetched(node, feed)) for feed in feeds] == [99, 99]
    assert node.ledger.size == size
    node.store.orders.throw(Kill("", node.clock(), "lin"))
    run(node, "feeds")
    node.store.orders.lift("", node.clock())
    threads = [threading.Thread(target=lambda: FeedDesk(node).current(feeds[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(fetched(node, feeds[0])) == 99


def test_a_token_opens_its_own_feed_until_it_is_rotated_or_removed(node: Node) -> None:
    """Another feed's token, no token, a rotated and a removed one: one and the same refusal."""
    _, token = consumer(node)
    _, other = consumer(node, "other")
    desk = FeedDesk(node)
    assert desk.admitted("edge", token).name == "edge"
    fresh = str(rotate_feed(node, "edge")["token"])
    assert desk.admitted("edge", fresh).name == "edge"
    remove_feed(node, "other")
    for name, given in (("edge", token), ("edge", other), ("other", other), ("", fresh), ("edge", "")):
        with pytest.raises(Refused, match="E-FLOW-960"):
            desk.admitted(name, given)
    assert [feed["name"] for feed in list_feeds(node)] == ["edge"]
    assert token not in str(list_feeds(node))
    assert [leaf["kind"] for leaf in leaves(node) if str(leaf["kind"]).startswith("feed-")] == [
        "feed-added", "feed-added", "feed-rotated", "feed-removed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"format": "pdf"}, "E-FLOW-964"),
        ({"format": "nftables", "types": "domain"}, "E-FLOW-965"),
        ({"format": "csv", "place": "moon"}, "E-FLOW-966"),
        ({"format": "csv", "place": "cloud", "tlp": "amber+strict"}, "E-FLOW-967"),
        ({"format": "csv", "tlp": "red"}, "E-FLOW-967"),
        ({"format": "csv", "point": "edge", "place": "cloud"}, "E-FLOW-968"),
        ({"format": "csv", "types": "planet"}, "E-FLOW-969"),
    ],
)
def test_terms_that_nothing_could_meet_are_refused(node: Node, terms: dict[str, Any], code: str) -> None:
    """Each with its own sentence, and nothing is added."""
    node.store.orders.save_point(Point("edge", Zone.OFFICE), node.clock())
    with pytest.raises(Fault, match=code):
        add_feed(node, "x", **terms)
    assert list_feeds(node) == []


def test_an_unknown_point_or_feed_is_not_found(node: Node) -> None:
    """A consumer needs a point that there is; nobody shows or removes what there is not."""
    with pytest.raises(NotFound):
        add_feed(node, "x", format="csv", point="nowhere")
    for act in (show_feed, rotate_feed, remove_feed):
        with pytest.raises(NotFound, match="E-STORE-311"):
            act(node, "x")


def test_what_a_format_cannot_carry_is_counted(node: Node) -> None:
    """``show`` brings the lines up to date and names by rule what the file leaves out."""
    book(node, [A])
    book(node, [B], state=OrderState.WATCH)
    consumer(node, "cs", format="crowdsec", watch=True)
    shown = show_feed(node, "cs")
    assert (shown["by_type"], shown["left_out"], shown["sequence"]) == ({"ipv4": 2}, {"watch-only": 1}, 2)


def test_a_consumer_gets_only_what_its_tool_can_do(node: Node) -> None:
    """What is to be slowed down stands in HAProxy's list for that, is a throttle to bouncers, and is no block in a
    plain list, nor in the changes to one."""
    book(node, [A])
    book(node, [B], action=Action.RATE_LIMIT)
    plain, _ = consumer(node)
    proxy, _ = consumer(node, "proxy", format="haproxy")
    bouncer, _ = consumer(node, "gateway", format="bouncer")
    assert (fetched(node, plain), fetched(node, proxy), fetched(node, bouncer)) == ({A}, {A, B}, {A, B})
    desk = FeedDesk(node)
    files = write_list(node, desk.current(proxy), node.clock()).files
    held = {name: b"".join(file.pieces()).decode() for name, file in files.items()}
    assert (held["block-ip.acl"], held["rate-limit-ip.acl"]) == (f"{A}\n", f"{B}\n")
    changes = b"".join(write_changes(node, desk.current(proxy), 0).pieces()).decode().splitlines()
    assert sorted(line.split()[0] for line in changes) == ["+", "+rate-limit"]
    found = BouncerDesk(node, desk).about(bouncer, Wanted(), B)
    assert b'"throttle"' in found and b'"ban"' not in found


def test_a_clearance_is_green_beyond_our_own_machines_unless_a_person_says_more(node: Node) -> None:
    """TLP:AMBER reaches own tools, and a provider's or cloud's only when they were cleared for it."""
    tell(node, A, tlp=Tlp.AMBER)
    assert fetched(node, consumer(node, "own")[0]) == {A}
    for place in ("country", "cloud"):
        assert fetched(node, consumer(node, place, place=place)[0]) == set()
        assert fetched(node, consumer(node, f"{place} amber", place=place, tlp="amber")[0]) == {A}


def test_what_a_circle_says_of_clouds_is_among_the_terms_that_both_sides_share() -> None:
    """Said only when it differs from what earlier versions know; read back it gives the same digest, or none at all."""
    plain = CircleTerms(name="west", members=frozenset({"taipei"}), tlp_ceiling=Tlp.AMBER)
    opened = msgspec.structs.replace(plain, cloud_pap=Pap.AMBER)
    assert "cloud_pap" not in shared_terms(plain)
    assert shared_terms(opened)["cloud_pap"] == "amber"
    assert terms_digest(read_terms(shared_terms(opened), opened.members)) == terms_digest(opened) != terms_digest(plain)
    for said in ("green", "purple", "AMBER"):
        with pytest.raises(Fault, match=r"E-FLOW-410|E-MARK-001"):
            read_terms({**shared_terms(plain), "cloud_pap": said}, plain.members)
