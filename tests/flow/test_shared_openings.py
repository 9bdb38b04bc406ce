"""Evidence for many values at once: what a batch shares is said once, and each way in which it does not hold shows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from flow.books_scenes import DAY, address, cosigned, pair, suspects, wait
from seawall.flow.commitment_tree import path_to, paths_to, root_of, root_over
from seawall.flow.commitments import commit_candidates, open_commitment
from seawall.flow.conduct import conduct_of
from seawall.flow.node import Node
from seawall.flow.openings import BatchLeaf
from seawall.flow.shared_openings import Key, OpenedValue, SharedBatch, check_shared, open_shared
from seawall.model import ObservableType, Refused
from seawall.model.books import SourceClass

IPV4 = ObservableType.IPV4
Said = tuple[dict[Key, OpenedValue], tuple[SharedBatch, ...]]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei committed to 300 addresses a day ago and to five an hour later, and Seoul cosigned both."""
    with pair(tmp_path) as found:
        for first, last in ((0, 300), (300, 305)):
            suspects(found["taipei"], first, last)
            commit_candidates(found["taipei"])
            cosigned(found)
            wait(found["taipei"], DAY // 24)
        wait(found["taipei"], DAY)
        yield found


def opened(nodes: dict[str, Node], *numbers: int) -> Said:
    """What Taipei shows Seoul of these."""
    return open_shared(nodes["taipei"], [(IPV4, address(number)) for number in numbers], peer="seoul")


def checked(nodes: dict[str, Node], said: Said, before: int | None = None) -> dict[str, str]:
    """Value -> the code of the objection to it; empty when it holds."""
    moment = nodes["seoul"].clock() if before is None else before
    found = check_shared(nodes["seoul"], "taipei", said[1], {key: (one, moment) for key, one in said[0].items()})
    return {key[1]: one.code if isinstance(one, Refused) else "" for key, one in found.items()}


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 100, 4_095, 4_096])
def test_one_way_for_several_places(count: int) -> None:
    """The hashes for several places give the batch's root, one place alone has the usual path, and none can be spared,
    added or changed."""
    hashes = [sha256(b"%d" % number).digest() for number in range(count)]
    draw = random.Random(count)
    for size in {1, min(3, count), min(200, count), count}:
        places = draw.sample(range(count), size)
        proof, held = paths_to(hashes, places), {place: hashes[place] for place in places}
        assert root_over(count, held, proof) == root_of(hashes)
        assert root_over(count, held, [*proof, hashes[0]]) is None
        if proof:
            assert root_over(count, held, proof[:-1]) is None
            assert root_over(count, held, [*proof[:-1], bytes(32)]) != root_of(hashes)
        if size == 1:
            assert proof == path_to(hashes, places[0])
    assert root_over(count, {}, []) is root_over(count, {count: hashes[0]}, []) is None


def test_two_hundred_values_hold_and_are_small(nodes: dict[str, Node]) -> None:
    """Every value of two batches holds, with a tenth of the bytes that each alone would take."""
    numbers = [*range(195), *range(300, 305)]
    said = opened(nodes, *numbers)
    assert len(said[1]) == 2
    sent = msgspec.msgpack.encode([[*said[0].values()], said[1]])
    values, batches = msgspec.msgpack.decode(sent, type=tuple[list[OpenedValue], tuple[SharedBatch, ...]])
    alone = len(msgspec.msgpack.encode(open_commitment(nodes["taipei"], IPV4, address(3), peer="seoul")))
    assert len(sent) < len(numbers) * alone / 10
    again = dict(zip(said[0], values, strict=True)), batches
    assert checked(nodes, again) == {address(number): "" for number in numbers}
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_what_was_never_committed_to_is_left_out(nodes: dict[str, Node]) -> None:
    """A value without a commitment, or one that nobody cosigned, has no evidence and spoils no other."""
    taipei = nodes["taipei"]
    suspects(taipei, 305, 306)
    commit_candidates(taipei)
    assert {key[1] for key in opened(nodes, 1, 305, 999)[0]} == {address(1)}


def _one(said: Said, change: Callable[[OpenedValue], OpenedValue]) -> Said:
    key = IPV4, address(7)
    return said[0] | {key: change(said[0][key])}, said[1]


def _batch(said: Said, **values: object) -> Said:
    return said[0], (msgspec.structs.replace(said[1][0], **values),)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"day": 20_000}, "E-FLOW-515"),
        ({"source": SourceClass.ANALYST}, "E-FLOW-521"),
        ({"salt": bytes(16)}, "E-FLOW-514"),
    ],
)
def test_a_value_that_does_not_open_spoils_no_other(
    nodes: dict[str, Node], change: dict[str, object], code: str
) -> None:
    """Another day, class or salt is named for that value alone, and held against the peer."""
    said = _one(opened(nodes, *range(5, 9)), lambda one: msgspec.structs.replace(one, **change))
    found = checked(nodes, said)
    assert found.pop(address(7)) == code
    assert set(found.values()) == {""}
    assert conduct_of(nodes["seoul"], "taipei").points > 0


def test_a_batch_that_does_not_hold_vouches_for_nothing(nodes: dict[str, Node]) -> None:
    """Other hashes, another place or commitment, a batch that is not there, another ledger and a time too late."""
    said = opened(nodes, *range(5, 9))
    path = said[1][0].path
    wrong: dict[str, list[Said]] = {
        "E-FLOW-513": [
            _batch(said, path=path[:-32]),
            _batch(said, path=path + bytes(32)),
            _batch(said, path=bytes(len(path))),
            _one(said, lambda one: msgspec.structs.replace(one, place=one.place ^ 1)),
            _one(said, lambda one: msgspec.structs.replace(one, place=4_000)),
            _one(said, lambda one: msgspec.structs.replace(one, commitment=bytes(32))),
        ],
        "E-FLOW-511": [_batch(said, leaf_salt="00" * 32)],
        "E-FLOW-507": [_batch(said, event="{}"), _batch(said, leaf_salt="no"), _batch(said, checkpoint="none")],
    }
    for code, cases in wrong.items():
        for case in cases:
            with pytest.MonkeyPatch.context() as patch:  # each alone, not what they come to together
                patch.setattr("seawall.flow.openings.note_misdeed", lambda *_: None)
                assert set(checked(nodes, case).values()) == {code}
    absent = _one(said, lambda one: msgspec.structs.replace(one, batch=9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seawall.flow.openings.note_misdeed", lambda *_: None)
        found = checked(nodes, absent)
    assert found.pop(address(7)) == "E-FLOW-513"
    assert set(found.values()) == {"E-FLOW-513"}  # their hashes were made for all four
    assert set(checked(nodes, said, before=nodes["seoul"].clock() - 5 * DAY).values()) == {"E-FLOW-510"}


def test_a_leaf_says_when(nodes: dict[str, Node]) -> None:
    """What holds comes with its batch's leaf, whose cosignature dates it."""
    said = opened(nodes, 2, 301)
    moment = nodes["seoul"].clock()
    found = check_shared(nodes["seoul"], "taipei", said[1], {key: (one, moment) for key, one in said[0].items()})
    leaves = [found[IPV4, address(number)] for number in (2, 301)]
    first, second = (leaf for leaf in leaves if isinstance(leaf, BatchLeaf))
    assert (first.count, second.count) == (300, 5)
    assert first.at < second.at < moment
    assert first.cosigned_at <= second.cosigned_at <= moment
