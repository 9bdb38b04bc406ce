"""Versions, revocations and contradictions of one object, in every order in which they may arrive."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model import Tlp, Visibility
from seawall.model.stored import PutCounts, StoredObject
from seawall.store import Store
from store_scenes import EVERYTHING, stored

ONE, TWO, THREE, FOUR = (f"2026-03-14T00:00:0{second}.000Z" for second in (1, 2, 3, 4))
OWNER, OTHER = "identity--1", "identity--2"


def said(version: str, text: str = "", **fields: object) -> StoredObject:
    """One claim about ``malware--1``: its owner's from the feed ``a`` unless told otherwise."""
    plain: dict[str, object] = {"created_by": OWNER, "source": "a", "body": f'{{"text":"{text or version}"}}'.encode()}
    return stored(version=version, **(plain | fields))  # type: ignore[arg-type]


def state(store: Store) -> tuple[str, bytes, bool, tuple[str, ...], tuple[bytes, ...]]:
    """What is held, in all versions, and which of them is the latest."""
    latest = store.objects.get("malware--1", visibility=EVERYTHING)
    versions = store.objects.versions("malware--1")
    bodies = tuple(store.objects.get("malware--1", name, visibility=EVERYTHING).body for name in versions)
    return latest.version, latest.body, latest.revoked, versions, bodies


def claims(store: Store) -> list[tuple[str, bytes, str]]:
    """What is kept beside it."""
    return [(item.version, item.body, item.reason) for item in store.conflicts.list(EVERYTHING).items]


@pytest.mark.parametrize(
    "history",
    [
        [said(ONE), said(TWO), said(THREE)],
        [said(ONE), said(TWO), said(THREE, revoked=True)],
        [said(ONE), said(TWO, revoked=True), said(THREE)],
        [said(ONE, revoked=True), said(TWO), said(THREE, revoked=True)],
    ],
)
def test_one_creators_versions_converge(history: list[StoredObject], tmp_path: object) -> None:
    """Newer wins, and a revocation is for good, whatever came first and however often."""
    states = set()
    for number, order in enumerate(permutations([*history, history[1]])):
        with Store.open(f"sqlite:///{tmp_path}/{number}.db") as store:
            for item in order:
                store.objects.put([item])
            states.add(state(store))
            assert claims(store) == []
    assert len(states) == 1
    revoked = [item.version for item in history if item.revoked]
    assert next(iter(states))[0] == (max(revoked) if revoked else THREE)


@settings(max_examples=15, deadline=None)
@given(st.permutations([said(ONE), said(ONE, "b says", source="b"), said(TWO), said(TWO, "c says", source="c")]))
def test_no_claim_is_lost_whichever_comes_first(order: list[StoredObject]) -> None:
    """What is held and what stands beside it are together the same claims in every order."""
    with Store.open("sqlite://") as store:
        for item in order:
            store.objects.put([item])
        _, _, _, versions, bodies = state(store)
        together = {(version, body) for version, body, _ in claims(store)} | set(zip(versions, bodies, strict=True))
        assert together == {(item.version, item.body) for item in order}
        assert {reason for _, _, reason in claims(store)} == {"same-version"}


def test_the_same_version_from_another_source_does_not_replace(store: Store) -> None:
    """It is kept beside, once; the source itself may correct what it said."""
    store.objects.put([said(ONE)])
    other = said(ONE, "otherwise", source="b")
    assert store.objects.put([other, other]) == PutCounts(0, 0, 2, 2)
    assert claims(store) == [(ONE, other.body, "same-version")]
    assert state(store)[1] == said(ONE).body
    assert store.objects.put([said(ONE, "corrected")]) == PutCounts(0, 1, 0)
    assert state(store)[1] == said(ONE, "corrected").body


def test_nobody_overwrites_anothers_object(store: Store) -> None:
    """A newer version in another creator's name stands beside, with both names."""
    store.objects.put([said(ONE)])
    store.objects.put([said(TWO, source="b", created_by=OTHER), said(THREE, source="b", created_by=None)])
    assert state(store)[0] == ONE
    found = store.conflicts.list(EVERYTHING).items
    assert [(item.reason, item.created_by, item.held_created_by) for item in found] == [
        ("another-creator", OTHER, OWNER),
        ("another-creator", None, OWNER),
    ]
    assert store.objects.put([said(FOUR, source="b")]) == PutCounts(0, 1, 0)  # passed on, in its creator's name


@pytest.mark.parametrize("held", [said(ONE), said(ONE, origin="oslo", source="circle")])
@pytest.mark.parametrize("revoked", [False, True])
def test_a_peer_replaces_nothing_that_it_did_not_say(store: Store, held: StoredObject, revoked: bool) -> None:
    """Whatever creator it names: anyone can write a name. Its claim stands beside, revoked or not."""
    store.objects.put([held])
    newer = said(TWO, "a peer says", origin="seoul", source="circle", revoked=revoked)
    assert store.objects.put([newer]) == PutCounts(0, 0, 1, 1)
    assert state(store)[:3] == (ONE, held.body, False)
    assert claims(store) == [(TWO, newer.body, "another-creator")]


def test_what_a_peer_says_again_stays_as_it_is_held(store: Store) -> None:
    """With our source and our marking, and is no contradiction."""
    store.objects.put([said(ONE, tlp=Tlp.AMBER)])
    again = said(ONE, origin="seoul", source="circle", tlp=Tlp.GREEN)
    assert store.objects.put([again]) == PutCounts(0, 0, 1, 0)
    kept = store.objects.get("malware--1", visibility=EVERYTHING)
    assert (kept.origin, kept.source, kept.tlp) == (None, "a", Tlp.AMBER)


def test_one_batch_may_say_a_new_version_twice(store: Store) -> None:
    """The same new id and moment with other content from one source: the later word counts, as in two batches."""
    first, second = said(ONE, "first"), said(ONE, "second")
    assert store.objects.put([first, second, first, second]) == PutCounts(1, 3, 0)
    assert state(store)[1] == second.body
    assert claims(store) == []


def test_the_same_content_in_another_order_is_no_contradiction(store: Store) -> None:
    """Feeds write properties in the order they like."""
    store.objects.put([said(ONE, body=b'{"a":1,"b":2}')])
    assert store.objects.put([said(ONE, body=b'{"b":2,"a":1}', source="b")]).conflicts == 0


def test_a_peers_object_with_parts_left_out_does_not_replace_the_whole(store: Store) -> None:
    """The same version through a circle with a lower ceiling says less."""
    whole = said(ONE, "whole", origin="seoul", source="amber", tlp=Tlp.AMBER)
    part = said(ONE, "part", origin="seoul", source="green", tlp=Tlp.GREEN)
    for order in ((whole, part), (part, whole)):
        with Store.open("sqlite://") as each:
            for item in order:
                each.objects.put([item])
            assert state(each)[1] == whole.body


def test_claims_are_bounded_and_shown_to_whom_they_may_be(store: Store) -> None:
    """Twenty beside one object; a reader below a claim's marking, or its object's, does not see it."""
    store.objects.put([said(ONE, tlp=Tlp.GREEN)])
    store.objects.put([said(ONE, f"other {n}", source="b", tlp=Tlp.RED) for n in range(50)])
    assert len(claims(store)) == 20
    assert store.conflicts.list(Visibility(tlp_at_most=Tlp.AMBER)).items == ()
    first = store.conflicts.list(EVERYTHING, limit=15)
    assert len(first.items) == 15
    assert len(store.conflicts.list(EVERYTHING, after=first.next or 0).items) == 5
