"""Who said it, between nodes: signatures stay through hops, nobody is spoken for, stolen keys prove nothing new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.neighbours import agree, carry, neighbours, push, rotated, say
from seawall.exchange.inbound import TakenIn
from seawall.flow.context import find_objects
from seawall.flow.incoming import inbound_desk
from seawall.flow.keys import list_keys, show_keys, tend_keys
from seawall.flow.node import Node
from seawall.flow.origin_shown import origin_of
from seawall.flow.origins import distrust_origin, list_origins, trust_origin
from seawall.flow.peer_keys import follow, peer_of_pin
from seawall.flow.peers import describe_peers
from seawall.identity import NodeKeys, Reason, read_card
from seawall.model import Refused
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerState
from seawall.model.stix.known_extensions import ORIGIN_EXTENSION


@pytest.fixture
def three(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei, Seoul and Tokyo, each a verified peer of the others."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as nodes:
        agree(nodes, "all", "taipei", "seoul", "tokyo")
        yield nodes


def made(node: Node, value: str) -> dict[str, Any]:
    """A technique that the node's people describe, as it leaves to the peers."""
    return sent(node, say(node, value, kind="attack-pattern"))


def sent(node: Node, object_id: str, peer: str = "seoul") -> dict[str, Any]:
    """The body that stands in a peer's outbox."""
    from seawall.flow.outgoing import fill_outboxes

    fill_outboxes(node)
    page = node.store.outbox.page("all", peer)
    return next(msgspec.json.decode(row.body) for row in page.rows if row.object_id == object_id)


def bring(nodes: dict[str, Node], sender: str, receiver: str, *bodies: dict[str, Any]) -> TakenIn:
    """These objects come over the line of ``sender``."""
    return inbound_desk(nodes[receiver]).take(sender, "all", [msgspec.json.encode(body) for body in bodies])


def problem(taken: TakenIn) -> str:
    """Why the only object stays outside; empty when it came in."""
    return taken.outcomes[0].problem or ""


def test_what_a_node_makes_is_signed_and_what_it_imported_is_not(three: dict[str, Node]) -> None:
    """An analyst's technique bears the node's signature; a value out of a list that somebody sent does not."""
    assert ORIGIN_EXTENSION in made(three["taipei"], "phishing")["extensions"]
    imported = sent(three["taipei"], say(three["taipei"], "203.0.113.5"))
    assert "extensions" not in imported


def test_a_third_node_passes_on_the_makers_word(three: dict[str, Node]) -> None:
    """Tokyo knows Taipei as a peer, and gets from Seoul what Taipei signed: it comes in as Taipei's, verified."""
    body = made(three["taipei"], "phishing")
    assert problem(bring(three, "seoul", "tokyo", body)) == ""
    shown = origin_of(three["tokyo"], find_objects(three["tokyo"], body["id"])[0])
    assert (shown["state"], shown["creator_name"], shown["hops"]) == ("verified", "taipei", ["taipei", "seoul"])


@pytest.mark.parametrize("name", ["name", "description", "modified", "object_marking_refs"])
def test_an_altered_object_is_refused(three: dict[str, Node], name: str) -> None:
    """Whatever was changed on the way, the sentence says that the signature does not hold, and it counts as forged."""
    body = made(three["taipei"], "phishing")
    body[name] = ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"] if name.endswith("refs") else (
        "2026-03-14T09:00:00.000Z" if name == "modified" else "harmless"
    )  # fmt: skip
    taken = bring(three, "seoul", "tokyo", body)
    assert "does not hold" in problem(taken) and taken.outcomes[0].misdeed is not None


def test_nobody_speaks_for_a_known_node_without_its_signature(three: dict[str, Node]) -> None:
    """Stripped of its signature, or never signed, an object of Taipei's does not come in from Seoul."""
    body = made(three["taipei"], "phishing")
    del body["extensions"]
    assert problem(bring(three, "seoul", "tokyo", body)) != ""
    assert problem(bring(three, "taipei", "tokyo", body)) == ""  # over Taipei's own line nobody doubts it


def test_a_signature_by_the_sender_does_not_stand_for_the_maker(three: dict[str, Node]) -> None:
    """Seoul signs with its own key what it says Taipei made: the key was never Taipei's."""
    from seawall.identity.origin import seal

    body = made(three["taipei"], "phishing")
    taken = bring(three, "seoul", "tokyo", seal(body, three["seoul"].keys))
    assert "never its origin's" in problem(taken) and taken.outcomes[0].misdeed is not None


def test_ours_comes_back_unchanged_as_an_echo_and_changed_as_a_forgery(three: dict[str, Node]) -> None:
    """Both are refused; only the second is held against the sender."""
    body = made(three["taipei"], "phishing")
    echo = bring(three, "seoul", "taipei", body)
    assert "came back" in problem(echo) and echo.outcomes[0].misdeed is None
    changed = bring(three, "seoul", "taipei", body | {"name": "harmless"})
    assert problem(changed) and changed.outcomes[0].misdeed is not None


def test_who_leaves_something_out_says_so_in_his_own_name(three: dict[str, Node]) -> None:
    """A hop that had to change an object signs it as derived: shown so, and never as the maker's own word."""
    from seawall.flow.origin import sealer

    tokyo = three["tokyo"]
    bring(three, "taipei", "seoul", made(three["taipei"], "phishing"))
    held = next(item for item in three["seoul"].store.objects.changed_since(0, 10).items if item.origin == "taipei")
    less = msgspec.json.decode(held.body)
    del less["description"]
    derived = sealer(three["seoul"])(less, held)
    assert problem(bring(three, "seoul", "tokyo", derived)) == ""
    shown = origin_of(tokyo, find_objects(tokyo, derived["id"])[0])
    assert (shown["state"], shown["creator_name"]) == ("derived", "taipei")
    assert shown["signed_by"] == three["seoul"].keys.identity_id
    assert shown["hops"] == ["taipei", "seoul"]
    unnamed = {key: value for key, value in less.items() if key != "created_by_ref"}
    assert ORIGIN_EXTENSION not in sealer(three["seoul"])(unnamed, held).get("extensions", {})


def test_somebody_elses_derivation_is_not_taken_from_a_third_hand(three: dict[str, Node]) -> None:
    """What Seoul changed of Taipei's comes in from Seoul only: nobody else stands for it."""
    from seawall.identity.origin import seal

    derived = seal(made(three["taipei"], "x"), three["taipei"].keys, derived_by=three["taipei"].keys.identity_id)
    assert problem(bring(three, "seoul", "tokyo", derived)) != ""


def test_a_pending_peer_proves_nothing(three: dict[str, Node]) -> None:
    """Before two people compared the fingerprint its signature is nobody's."""
    three["tokyo"].store.peers.set_state("taipei", PeerState.PENDING)
    assert problem(bring(three, "seoul", "tokyo", made(three["taipei"], "phishing"))) != ""


def test_a_strangers_object_says_unverified_until_his_card_is_trusted(tmp_path: Path) -> None:
    """Once two people trust the card of a node that is no peer, its word is verified and nobody speaks for it."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes, neighbours(tmp_path / "far", "manila") as far:
        agree(nodes, "all", "taipei", "seoul")
        agree(far | {"seoul": nodes["seoul"]}, "far", "manila", "seoul")
        manila = far["manila"]
        manila.store.peers.add(nodes["taipei"].store.peers.get("seoul"))
        say(manila, "phishing", kind="attack-pattern")
        from seawall.flow.outgoing import fill_outboxes

        fill_outboxes(manila)
        body = msgspec.json.decode(manila.store.outbox.page("far", "seoul").rows[0].body)
        assert problem(bring(nodes, "taipei", "seoul", body)) == ""
        item = find_objects(nodes["seoul"], body["id"])[0]
        assert origin_of(nodes["seoul"], item)["state"] == "unverified-origin"
        card = tmp_path / "manila.card"
        card.write_bytes(manila.keys.card())
        with pytest.raises(Refused) as caught:
            trust_origin(nodes["seoul"], card, name="PHCERT", fingerprint=manila.keys.fingerprint)
        assert caught.value.code == "E-FLOW-427"
        nodes["seoul"].store.notes.set("origin:PHCERT", card.read_text())
        nodes["seoul"].store.notes.set("origins", '["PHCERT"]')
        assert origin_of(nodes["seoul"], item)["state"] == "verified"
        unsigned = {key: value for key, value in body.items() if key != "extensions"}
        assert "PHCERT" in problem(bring(nodes, "taipei", "seoul", unsigned | {"name": "other"}))
        rotated(manila)
        card.write_bytes(manila.keys.card())
        assert trust_origin(nodes["seoul"], card, name="PHCERT", fingerprint=None)["vouched"] is True
        assert [row["version"] for row in list_origins(nodes["seoul"])] == [2]
        distrust_origin(nodes["seoul"], "PHCERT")
        assert origin_of(nodes["seoul"], item)["state"] == "unverified-origin"


def test_a_rotation_leaves_old_signatures_good_and_a_theft_only_those_that_were_here(three: dict[str, Node]) -> None:
    """After an ordinary rotation what the old key signed may still come by others; after a theft it may not."""
    held, late, later = (made(three["taipei"], name) for name in ("a", "b", "c"))
    bring(three, "seoul", "tokyo", held)
    rotated(three["taipei"])
    carry(three, "taipei", "tokyo")
    assert problem(bring(three, "seoul", "tokyo", late)) == ""
    third = made(three["taipei"], "d")
    bring(three, "seoul", "tokyo", third)
    stolen = made(three["taipei"], "e")
    rotated(three["taipei"], Reason.STOLEN)
    carry(three, "taipei", "tokyo")
    assert problem(bring(three, "seoul", "tokyo", later)) == ""  # by the key before the stolen one
    refused = bring(three, "seoul", "tokyo", stolen)
    assert "wrong hands" in problem(refused) and refused.outcomes[0].misdeed is None  # Seoul need not have known
    tokyo = three["tokyo"]
    for body, version in ((held, 1), (third, 2)):
        shown = origin_of(tokyo, find_objects(tokyo, body["id"])[0])
        assert (shown["state"], shown["key_version"]) == ("verified", version)
    assert problem(bring(three, "taipei", "tokyo", stolen)) == ""  # over its own line Taipei may still say it
    keys = next(row["keys"] for row in describe_peers(tokyo) if row["code_name"] == "taipei")
    assert isinstance(keys, dict) and (keys["version"], keys["former"]) == (3, "stolen")


def test_a_notice_signed_with_a_key_that_was_put_away_is_refused(three: dict[str, Node]) -> None:
    """The thief goes on numbering where the node stopped; the peer takes nothing of it."""
    taipei, seoul = three["taipei"], three["seoul"]
    thief = NodeKeys.load(taipei.keys.folder)
    thief._state  # noqa: B018 - loaded before the rotation
    signing = thief._loaded
    rotated(taipei, Reason.STOLEN)
    assert carry(three, "taipei", "seoul").problems == ()
    from seawall.exchange.notices import seal_notice
    from seawall.flow.notices import NoticeBook

    class Thief:
        signing_public = signing.public

        def sign(self, message: bytes) -> bytes:
            """With the stolen key."""
            return signing.signing.sign(message)

    sealed = seal_notice(
        Thief(), sender=taipei.keys.node_id, to=seoul.keys.node_id, number=2, kind=NoticeKind.KEYS,
        at=seoul.clock(), body={"version": 9, "card": "x"},
    )  # fmt: skip
    heard = NoticeBook(seoul).take("taipei", [sealed.envelope])
    assert "put away" in heard.problems[0].sentence
    assert list_keys(seoul, "taipei")[-1]["state"] == "in force"


def test_key_sets_are_taken_in_their_order_and_never_back(three: dict[str, Node]) -> None:
    """The same card again changes nothing; an older one is refused; a second one of a held version too."""
    taipei, seoul = three["taipei"], three["seoul"]
    first = taipei.keys.card()
    rotated(taipei)
    second = taipei.keys.card()
    rotated(taipei)
    record = follow(seoul, seoul.store.peers.get("taipei"), taipei.keys.card())  # two steps at once
    assert read_card(record.card).sets()[-1].version == 3
    assert follow(seoul, record, taipei.keys.card()) is record
    for older in (first, second):
        with pytest.raises(Refused) as caught:
            follow(seoul, record, older)
        assert caught.value.code == "E-IDENTITY-082"
    with pytest.raises(Refused) as caught:
        follow(seoul, record, three["tokyo"].keys.card())
    assert caught.value.code == "E-FLOW-421"


def test_the_former_certificate_is_known_for_the_overlap_and_a_stolen_one_not_at_all(three: dict[str, Node]) -> None:
    """Which pins are taken for Taipei's after each kind of rotation."""
    taipei, seoul = three["taipei"], three["seoul"]
    pins = [taipei.keys.certificate_sha256]
    rotated(taipei)
    carry(three, "taipei", "seoul")
    pins.append(taipei.keys.certificate_sha256)
    for pin in pins:
        found = peer_of_pin(seoul, pin)
        assert found is not None and found.code_name == "taipei"
    rotated(taipei, Reason.STOLEN)
    carry(three, "taipei", "seoul")
    assert peer_of_pin(seoul, pins[1]) is None
    assert peer_of_pin(seoul, pins[0]) is None
    assert peer_of_pin(seoul, taipei.keys.certificate_sha256) is not None


def test_former_tls_keys_are_destroyed_when_the_overlap_is_over(three: dict[str, Node]) -> None:
    """The job keeps them as long as a peer may need them, and not longer."""
    taipei = three["taipei"]
    rotated(taipei)
    assert not tend_keys(taipei) and show_keys(taipei)["former_certificate_shown"] is True
    keys = msgspec.structs.replace(taipei.settings.keys, overlap_hours=0.0)
    taipei.settings = msgspec.structs.replace(taipei.settings, keys=keys)
    assert tend_keys(taipei) and taipei.keys.former_secrets == {}


def test_a_push_of_everything_stays_whole_after_a_rotation(three: dict[str, Node]) -> None:
    """The ordinary way: what was released before and after a rotation comes in at the peers alike."""
    say(three["taipei"], "before", kind="attack-pattern")
    assert push(three, "all", "taipei", "seoul") == 1
    rotated(three["taipei"])
    carry(three, "taipei", "seoul")
    say(three["taipei"], "after", kind="attack-pattern")
    assert push(three, "all", "taipei", "seoul") == 1
