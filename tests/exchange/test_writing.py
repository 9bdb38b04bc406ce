"""What a peer writes over TAXII to a real node: partial failures, statuses that stay, deletion, bounds, conduct."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from exchange.fakes import indicator
from exchange.real_node import CIRCLE, PEER, ROOT, RealNode
from exchange.scenes import Nodes, record_of
from seawall.exchange.discipline import QUARANTINE_POINTS
from seawall.flow.conduct import conduct_of
from seawall.flow.terms import terms_digest
from seawall.identity import read_card
from seawall.model import Pap, Refused, Tlp
from seawall.model.peer import PeerState
from seawall.model.stored import StoredObject

OLD, NEW = "2026-03-14T00:00:00.000Z", "2026-03-15T00:00:00.000Z"


@pytest.fixture
def taipei(tmp_path: Path, nodes: Nodes) -> Iterator[RealNode]:
    """A node and its peer."""
    made = RealNode(tmp_path / "node", nodes.seoul, content_length=60_000, posted_objects=50, statuses_kept=3)
    with made.node:
        yield made


def forged(author: str, number: int = 7) -> bytes:
    """An indicator that claims another author."""
    return msgspec.json.encode({**msgspec.json.decode(indicator(number)), "created_by_ref": author})


def test_a_post_fails_in_parts_and_its_status_stays(taipei: RealNode) -> None:
    """Sections 4.3, 5.5: good objects land beside bad ones; the status tells each, also after a restart."""
    bad = msgspec.json.encode({"type": "indicator", "id": "indicator--00000000-0000-4000-8000-000000000009"})
    answer = taipei.post(indicator(1), bad, b"7", indicator(2))
    assert answer.status_code == 202
    status = answer.json()
    assert (status["status"], status["total_count"], status["pending_count"]) == ("complete", 4, 0)
    assert [item["id"][-1] for item in status["successes"]] == ["1", "2"]
    assert {item["version"] for item in status["successes"]} == {OLD}
    assert [bool(item["message"]) for item in status["failures"]] == [True, True]
    taipei.app = taipei.fresh_app()
    assert taipei.ask("GET", f"{ROOT}/status/{status['id']}/").json() == status
    assert taipei.ask("GET", f"{ROOT}/status/{uuid.uuid4()}/").status_code == 404
    assert taipei.ask("GET", f"{ROOT}/status/unknown/").status_code == 404
    assert taipei.node.store.statuses.get("somebody-else", status["id"]) is None


def test_only_the_last_statuses_stay(taipei: RealNode) -> None:
    """An asker's oldest outcomes are forgotten first; the bound is named."""
    posted = [taipei.post(indicator(number)).json()["id"] for number in range(5)]
    answers = [taipei.ask("GET", f"{ROOT}/status/{identity}").status_code for identity in posted]
    assert answers == [404, 404, 200, 200, 200]


def test_max_content_length_is_told_and_kept_to_the_byte(taipei: RealNode) -> None:
    """Sections 4.2, 5.5: a POST of exactly max_content_length is taken, one byte more is 413."""
    most = taipei.ask("GET", f"{ROOT}/").json()["max_content_length"]
    whole = b'{"objects":[' + indicator(1) + b"]}"
    assert taipei.ask("POST", "objects/", whole.ljust(most)).status_code == 202
    assert taipei.ask("POST", "objects/", whole.ljust(most + 1)).status_code == 413
    assert taipei.post(*[indicator(n, padding=10) for n in range(51)]).status_code == 413


def test_an_object_is_deleted_in_all_versions_or_the_asked(taipei: RealNode) -> None:
    """Section 5.7: without match[version] all go, with it the named; what is gone is 404; each is on the ledger."""
    one, two = indicator(1), indicator(2)
    identity = msgspec.json.decode(one)["id"]
    for body in (one, indicator(1, version=NEW), two):
        taipei.put_out(body)
    assert taipei.ask("DELETE", f"objects/{identity}/", None, **{"match[version]": NEW}).status_code == 200
    assert taipei.ask("GET", f"objects/{identity}/versions/").json()["versions"] == [OLD]
    assert taipei.ask("DELETE", f"objects/{identity}/", None, **{"match[version]": NEW}).status_code == 404
    taipei.put_out(indicator(1, version=NEW))
    assert taipei.ask("DELETE", f"objects/{identity}").status_code == 200
    assert taipei.ask("GET", f"objects/{identity}/").status_code == 404
    assert taipei.ask("DELETE", f"objects/{identity}/").status_code == 404
    assert [item["id"] for item in taipei.ask("GET", "objects/").json()["objects"]] == [msgspec.json.decode(two)["id"]]
    assert [event["details"]["versions"] for event in taipei.events("object-cleared")] == [[NEW], [OLD, NEW]]


def test_forged_origins_end_in_quarantine(taipei: RealNode) -> None:
    """Three deliveries in our name: refused object by object, then throttled, then quarantined with the reason."""
    ours = taipei.node.keys.identity_id
    first = taipei.post(forged(ours), indicator(1))
    assert (first.json()["success_count"], first.json()["failure_count"]) == (1, 1)
    taipei.post(forged(ours, 8))
    assert taipei.ask("GET", "objects/").status_code in {200, 429}
    taipei.moment += 1_000_000
    taipei.app = taipei.fresh_app()
    assert taipei.post(forged(ours, 9)).status_code == 403
    assert taipei.node.store.peers.get(PEER).state is PeerState.QUARANTINED
    [event] = taipei.events("peer-quarantined")
    assert event["subject"] == PEER
    assert "claims to be made by this node" in event["details"]["reason"]
    assert len(taipei.events("peer-throttled")) == 1


def test_an_echo_is_no_forgery(taipei: RealNode) -> None:
    """What we released ourselves, come back, is refused and counts against nobody."""
    echo = forged(taipei.node.keys.identity_id)
    taipei.put_out(echo)
    for _ in range(5):
        assert taipei.post(echo).json()["failure_count"] == 1
    assert taipei.node.store.peers.get(PEER).state is PeerState.VERIFIED


def test_an_echo_of_what_was_exported_is_no_forgery(taipei: RealNode) -> None:
    """What we hold and gave away as a file was never in an outbox: come back, it counts against nobody either."""
    ours = forged(taipei.node.keys.identity_id)
    head = msgspec.json.decode(ours)
    taipei.node.store.objects.put(
        [StoredObject(head["id"], "indicator", head["modified"], None, ours, Tlp.AMBER, Pap.AMBER)]
    )
    for _ in range(5):
        assert taipei.post(ours).json()["failure_count"] == 1
    assert conduct_of(taipei.node, PEER).counts == {}


def test_who_speaks_for_another_peer_ends_in_quarantine(taipei: RealNode, nodes: Nodes) -> None:
    """Three deliveries in the name of a peer that is no member of the circle: it made them up; one that is may be
    passed on, which is refused and counts against nobody."""
    other = record_of(nodes.stranger, "zeta", "https://127.0.0.1:1")
    taipei.node.store.peers.add(other)
    theirs = read_card(other.card).identity_id
    member = read_card(taipei.node.store.peers.get(PEER).card).identity_id
    assert taipei.post(forged(member)).json()["failure_count"] == 0
    for number in (8, 9):
        assert taipei.post(forged(theirs, number)).json()["failure_count"] == 1
    assert conduct_of(taipei.node, PEER).counts == {"forged": 2}
    taipei.moment += 1_000_000
    taipei.app = taipei.fresh_app()
    assert taipei.post(forged(theirs, 10)).status_code == 403
    assert taipei.node.store.peers.get(PEER).state is PeerState.QUARANTINED


def test_what_a_member_passed_on_is_no_forgery(taipei: RealNode, nodes: Nodes) -> None:
    """Another member's object is refused, because it comes from that member itself, and counts against nobody."""
    other = record_of(nodes.stranger, "zeta", "https://127.0.0.1:1")
    taipei.node.store.peers.add(other)
    terms = taipei.node.store.circles.get(CIRCLE)
    changed = msgspec.structs.replace(terms, members=terms.members | {"zeta"}, version=terms.version + 1)
    taipei.node.store.circles.save(changed, taipei.clock())
    taipei.node.store.notes.set(f"agreed:{CIRCLE}:{PEER}", terms_digest(changed))
    for number in range(5):
        assert taipei.post(forged(read_card(other.card).identity_id, number)).json()["failure_count"] == 1
    assert conduct_of(taipei.node, PEER).counts == {}


def test_unreadable_posts_are_throttled_and_then_quarantined(taipei: RealNode) -> None:
    """Six unusable POSTs slow the peer down (429, Retry-After); twelve end in quarantine, lifted by a named person."""
    from seawall.flow.peers import describe_peers, release_peer

    for _ in range(6):
        assert taipei.ask("POST", "objects/", b"not json").status_code == 422
    assert taipei.ask("GET", "objects/").status_code == 200
    slow = taipei.ask("GET", "objects/")
    assert slow.status_code == 429
    assert int(slow.headers["retry-after"]) >= 1
    [row] = describe_peers(taipei.node)
    assert (row["health"], row["misdeeds"]) == ("throttled", 6)
    statuses = []
    for _ in range(6):
        taipei.app = taipei.fresh_app()
        statuses.append(taipei.ask("POST", "objects/", b"not json").status_code)
    assert statuses == [422] * 5 + [403]
    [row] = describe_peers(taipei.node)
    assert (row["state"], row["health"]) == ("quarantined", "quarantined")
    assert "not a TAXII envelope" in str(row["reason"])
    assert release_peer(taipei.node, PEER)["state"] == "verified"
    assert taipei.post(indicator(3)).json()["success_count"] == 1
    assert [event["actor"] for event in taipei.events("peer-released")] == ["administrator"]
    with pytest.raises(Refused, match="E-FLOW-044"):
        release_peer(taipei.node, PEER)


def test_trouble_on_the_wire_is_nobodys_misdeed(tmp_path: Path, nodes: Nodes) -> None:
    """Bodies that drip until they are given up (408) count against nobody: who cuts the wire quarantines no peer."""
    slow = RealNode(tmp_path / "node", nodes.seoul, post_seconds=0.02)

    async def dripping() -> AsyncIterator[bytes]:
        yield b'{"objects":['
        await asyncio.sleep(60)

    with slow.node:
        assert {slow.ask("POST", "objects/", dripping()).status_code for _ in range(QUARANTINE_POINTS + 1)} == {408}
        assert conduct_of(slow.node, PEER).counts == {}
        assert slow.node.store.peers.get(PEER).state is PeerState.VERIFIED


def test_a_day_without_misdeeds_begins_anew(taipei: RealNode) -> None:
    """Points fade: five unusable POSTs a day never slow anybody down."""
    for _ in range(4):
        for _ in range(5):
            assert taipei.ask("POST", "objects/", b"not json").status_code == 422
        taipei.moment += 86_401_000_000
    assert taipei.ask("GET", "objects/").status_code == 200
    assert taipei.node.store.peers.get(PEER).state is PeerState.VERIFIED


def test_a_flood_is_told_to_wait_and_then_stopped(tmp_path: Path, nodes: Nodes) -> None:
    """Who asks too often gets 429; who goes on for hundreds of requests is quarantined."""
    flooded = RealNode(tmp_path / "node", nodes.seoul, requests_per_second=0.001, requests_at_once=3.0)
    with flooded.node:
        assert [flooded.ask("GET", "objects/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        answers = {flooded.ask("GET", f"{ROOT}/").status_code for _ in range(700)}
        assert {429, 403} <= answers
        assert flooded.node.store.peers.get(PEER).state is PeerState.QUARANTINED
        assert "told to wait" in str(flooded.events("peer-quarantined")[0]["details"])


def test_what_is_received_stands_with_its_origin(taipei: RealNode) -> None:
    """A posted object is kept as the peer's own word, in the circle it came through."""
    taipei.post(indicator(1))
    held = taipei.node.store.indicators.by_id(msgspec.json.decode(indicator(1))["id"])
    assert [entry.origin for entry in held] == [PEER]
    assert [row[1] for row in taipei.node.store.received.from_peer(PEER)] == [CIRCLE]
