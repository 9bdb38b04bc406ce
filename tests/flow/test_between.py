"""A circle whose proof stays between its members: nothing that leaves there, or speaks of it, is signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
import zstandard

from flow.neighbours import Clock, agree, carry, neighbours, push, say
from seawall.exchange.drop import DEFAULT_DROP_BOUNDS
from seawall.exchange.drop.header import DROP_TYPE
from seawall.exchange.notices.paths import FURTHER_KINDS, NOTICE_TYPE
from seawall.flow.between import believed, believed_of_anybody, proof_with, prover
from seawall.flow.circle_changes import CircleChange, change_circle
from seawall.flow.circles import CircleWish, create_circle
from seawall.flow.drop import export_drop
from seawall.flow.drop_sealed import unsealed
from seawall.flow.drop_taking import import_drops
from seawall.flow.node import Node
from seawall.flow.notices import LineBook, NoticeBook, send_notice
from seawall.flow.prekeys import own_prekeys, tell_prekey
from seawall.flow.recall_sending import recall_object
from seawall.flow.service import NodeExchange
from seawall.flow.terms import read_terms, shared_terms, terms_digest
from seawall.identity import dsse
from seawall.identity.between_us import check_proof, is_between_us, key_from
from seawall.identity.origin import MARK
from seawall.identity.prekeys import IN_FORCE, KEPT_AFTER_END
from seawall.model import Fault, ObservableType, Refused
from seawall.model.circle import Proof
from seawall.model.notice import NoticeKind
from seawall.model.recall import RecallState

VALUE = "203.0.113.7"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``quiet``, where what is said stays between them; Seoul and Tokyo share ``loud``."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as found:
        agree(found, "quiet", "taipei", "seoul")
        agree(found, "loud", "seoul", "tokyo")
        stay_between_us(found, "quiet", "taipei", "seoul")
        yield found


def stay_between_us(nodes: dict[str, Node], circle: str, *members: str) -> None:
    """Both sides change the term, and agree."""
    for name in members:
        node = nodes[name]
        terms = node.store.circles.get(circle)
        fresh = msgspec.structs.replace(terms, version=terms.version + 1, proof=Proof.BETWEEN_US)
        node.store.circles.save(fresh, node.clock())
        for other in fresh.members:
            node.store.notes.set(f"agreed:{circle}:{other}", terms_digest(fresh))


def exchange(nodes: dict[str, Node], asking: str, asked: str) -> list[str]:
    """One synchronisation: what is fetched first, then what is brought; the sentences of either side."""
    said: list[str] = []
    for sender, receiver in ((asked, asking), (asking, asked)):
        ours, theirs = LineBook(nodes[sender]), LineBook(nodes[receiver])
        ours.settle(receiver, theirs.standing(sender), ())
        ours.reads(receiver, FURTHER_KINDS)
        envelopes, _ = ours.waiting(receiver, theirs.standing(sender).number, 20)
        heard = theirs.take(sender, envelopes)
        ours.settle(receiver, heard.taken, heard.problems)
        said += [problem.sentence for problem in heard.problems]
    return said


def signed(node: Node, envelope: bytes, kind: str) -> bool:
    """Whether a third party, given the envelope and the node's public keys, finds a signature of it."""
    return bool(dsse.signed_by(envelope, kind, [node.keys.signing_public]))


def test_a_message_to_a_member_is_between_us(nodes: dict[str, Node]) -> None:
    """One such circle is enough for all that is said to its members, and says nothing of others."""
    assert proof_with(nodes["taipei"], "seoul") is Proof.BETWEEN_US
    assert proof_with(nodes["seoul"], "taipei") is Proof.BETWEEN_US
    assert proof_with(nodes["seoul"], "tokyo") is Proof.TRANSFERABLE


def test_objects_leave_unsigned(nodes: dict[str, Node]) -> None:
    """In the quiet circle no object bears our signature; in the loud one each does."""
    for circle, sender, receiver, expected in (("quiet", "taipei", "seoul", False), ("loud", "seoul", "tokyo", True)):
        say(nodes[sender], f"technique of {sender}", kind="attack-pattern")
        page = list(left(nodes, circle, sender, receiver))
        assert page
        assert {MARK in body for body in page} == {expected}


def left(nodes: dict[str, Node], circle: str, sender: str, receiver: str) -> Iterator[bytes]:
    """The bytes that a synchronisation would carry."""
    outgoing = NodeExchange(nodes[sender]).pending(receiver, circle, None, 1_000)
    assert outgoing.released is not None
    yield from (item.body for item in outgoing.released.value.objects)


def test_recalls_and_receipts_are_between_us(nodes: dict[str, Node]) -> None:
    """They name objects, so neither is signed; both are believed, and the sender's view is right."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    assert exchange(nodes, "taipei", "seoul") == []
    indicator = say(taipei, VALUE)
    push(nodes, "quiet", "taipei", "seoul")
    recall_object(taipei, indicator, None)
    assert exchange(nodes, "taipei", "seoul") == []
    assert seoul.store.indicators.lookup(ObservableType.IPV4, VALUE) is None
    assert exchange(nodes, "taipei", "seoul") == []
    (row,) = taipei.store.recalls.list(object_id=indicator).items
    assert row.state is RecallState.CONFIRMED
    assert row.receipt is not None
    assert not signed(seoul, row.receipt, NOTICE_TYPE)
    recall = seoul.store.notices.get("taipei", seoul.store.notices.last("taipei", ours=False), ours=False)
    assert recall is not None
    assert (recall.kind, signed(taipei, recall.envelope, NOTICE_TYPE)) == (NoticeKind.RECALL, False)


def test_the_receiver_could_have_written_a_recall(nodes: dict[str, Node]) -> None:
    """From its own secrets and the sender's public prekey it makes the same proof over the same words."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    exchange(nodes, "taipei", "seoul")
    payload = b'{"words": "of Seoul\'s own"}'
    real = prover(taipei, "seoul")(payload, NOTICE_TYPE)
    record = seoul.store.peers.get("taipei")
    assert believed(seoul, record, real, NOTICE_TYPE) == payload
    key = key_from(own_prekeys(seoul).newest, own_prekeys(taipei).newest.public)
    made = msgspec.json.decode(dsse.sign(payload, NOTICE_TYPE, key), type=dict[str, object])
    assert made == {name: part for name, part in msgspec.json.decode(real).items() if name != "prekey"}


def test_a_recall_before_the_first_exchange_comes_again(nodes: dict[str, Node]) -> None:
    """Nobody told a key yet, on both sides something waits: the first exchange brings the keys, the second the rest."""
    for here, there in (("taipei", "seoul"), ("seoul", "taipei")):
        send_notice(nodes[here], there, NoticeKind.RECALL, {"act": "a" * 32, "cause": "recalled", "objects": []})
    first = exchange(nodes, "taipei", "seoul")
    assert first
    assert all("cannot be checked yet" in sentence for sentence in first)
    assert exchange(nodes, "taipei", "seoul") == []
    assert nodes["seoul"].store.notices.last("taipei", ours=False) >= 1


def test_a_recall_may_wait_longer_than_any_key(nodes: dict[str, Node]) -> None:
    """After months apart the proof is made anew as it leaves."""
    taipei = nodes["taipei"]
    exchange(nodes, "taipei", "seoul")
    send_notice(taipei, "seoul", NoticeKind.RECALL, {"act": "a" * 32, "cause": "recalled", "objects": []})
    assert isinstance(taipei.clock, Clock)
    taipei.clock.moment += 2 * (IN_FORCE + KEPT_AFTER_END)
    before = nodes["seoul"].store.notices.last("taipei", ours=False)
    for _ in range(3):
        exchange(nodes, "taipei", "seoul")
    assert nodes["seoul"].store.notices.last("taipei", ours=False) > before


def test_nothing_else_may_come_unsigned(nodes: dict[str, Node]) -> None:
    """Whoever stole Seoul's prekey can make recalls for Seoul in Taipei's name, but no farewell and no keys."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    exchange(nodes, "taipei", "seoul")
    number = seoul.store.notices.last("taipei", ours=False) + 1
    body = {
        "from": taipei.keys.node_id, "to": seoul.keys.node_id, "number": number, "kind": "farewell",
        "at": seoul.clock(), "body": {},
    }  # fmt: skip
    forged = prover(taipei, "seoul")(msgspec.json.encode(body), NOTICE_TYPE)
    (problem,) = NoticeBook(seoul).take("taipei", [forged]).problems
    assert "is not signed, and its kind has to be" in problem.sentence
    assert seoul.store.notices.last("taipei", ours=False) == number - 1


def test_a_drop_is_between_us(nodes: dict[str, Node], tmp_path: Path) -> None:
    """The first one only tells keys and is signed; once both told theirs, a drop is proven to its reader alone."""
    taipei, seoul, tokyo = nodes["taipei"], nodes["seoul"], nodes["tokyo"]
    say(taipei, VALUE)
    first = export_drop(taipei, "seoul", tmp_path / "1")
    assert first["sent"] == 0
    assert signed(taipei, line(tmp_path / "1"), DROP_TYPE)
    import_drops(seoul, [tmp_path / "1"])
    export_drop(seoul, "taipei", tmp_path / "2")
    import_drops(taipei, [tmp_path / "2"])
    assert export_drop(taipei, "seoul", tmp_path / "3")["sent"] == 1
    envelope = line(tmp_path / "3", seoul)
    assert is_between_us(envelope)
    assert not signed(taipei, envelope, DROP_TYPE)
    with pytest.raises(Refused, match="E-FLOW-477"):
        believed_of_anybody(tokyo, None, envelope, DROP_TYPE)
    with pytest.raises(Refused):
        import_drops(tokyo, [tmp_path / "3"])
    assert import_drops(seoul, [tmp_path / "3"])["received"] == 1
    with pytest.raises(Refused, match="E-IDENTITY-012"):
        check_proof(envelope, DROP_TYPE, own_prekeys(tokyo), own_prekeys(taipei).newest.public)


def line(path: Path, reader: Node | None = None) -> bytes:
    """The first line of a drop, of one that is sealed as its reader finds it."""
    opened = unsealed(reader, path, reader.store.peers.list(), DEFAULT_DROP_BOUNDS) if reader else nullcontext(path)
    with (
        opened as plain,
        plain.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as lines,
    ):
        return lines.read(1 << 20).split(b"\n", 1)[0]


def test_the_term_is_part_of_what_both_agree_on(nodes: dict[str, Node]) -> None:
    """It is stated only where it says something, so circles of before keep their digest; and it reads back."""
    terms = nodes["taipei"].store.circles.get("quiet")
    shared = shared_terms(terms)
    assert shared["proof"] == "between-us"
    assert read_terms(shared, terms.members).proof is Proof.BETWEEN_US
    loud = msgspec.structs.replace(terms, proof=Proof.TRANSFERABLE)
    assert "proof" not in shared_terms(loud)
    assert terms_digest(loud) != terms_digest(terms)


def test_a_person_sets_and_changes_it(nodes: dict[str, Node]) -> None:
    """By its word at creation and later; another word is one sentence."""
    taipei = nodes["taipei"]
    wish = CircleWish(name="new", members=("seoul",), tlp_ceiling="amber", proof="between-us")
    assert create_circle(taipei, wish)["proof"] == "between-us"
    assert "proof" not in change_circle(taipei, "new", CircleChange(proof="transferable"))
    with pytest.raises(Fault, match="E-FLOW-469"):
        change_circle(taipei, "new", CircleChange(proof="secret"))


def test_members_by_mail_are_refused(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenPGP signs for everybody, so such a circle has no members that mail reaches."""
    monkeypatch.setattr("seawall.flow.circles.mail_member", lambda _node, _member: True)
    wish = CircleWish(name="new", members=("seoul",), tlp_ceiling="amber", proof="between-us")
    with pytest.raises(Refused, match="E-FLOW-476: seoul is reached by signed mail"):
        create_circle(nodes["taipei"], wish)


def test_a_prekey_is_told_before_what_needs_it(nodes: dict[str, Node]) -> None:
    """Carried by hand, with our prekey first, a recall is believed as soon as the other side has told its own."""
    for here, there in (("taipei", "seoul"), ("seoul", "taipei")):
        assert tell_prekey(nodes[here], there)
        carry(nodes, here, there)
    send_notice(nodes["taipei"], "seoul", NoticeKind.RECALL, {"act": "b" * 32, "cause": "recalled", "objects": []})
    assert carry(nodes, "taipei", "seoul").problems == ()
