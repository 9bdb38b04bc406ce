"""Our exposure list, what is said of vulnerabilities, and hunts."""

from __future__ import annotations

import msgspec

from seawall.model import Pap, Tlp
from seawall.model.exposure import Affected, Asset, Exploited, FlawAnswer, FlawStatus, Remedy
from seawall.model.hunt import AnswerTier, Hunt, HuntAnswer, HuntForm, HuntSide, HuntState
from seawall.store import Store

CVE = "CVE-2026-1111"


def test_a_newer_list_of_one_source_stands_in_place_of_the_earlier_one(store: Store) -> None:
    """Lists of other sources stay; an import that is empty leaves nothing of its source."""
    store.exposure.put_assets("a.csv", [Asset(name=f"host-{n}", product="gate") for n in range(3)], 1)
    store.exposure.put_assets("b.csv", [Asset(name="other", product="gate")], 2)
    assert store.exposure.put_assets("a.csv", [Asset(name="host-9", product="gate")], 3) == 1
    assert [one.name for one in store.exposure.all_assets()] == ["other", "host-9"]
    assert [one.name for one in store.exposure.assets(limit=1).items] == ["other"]
    assert store.exposure.sources() == [("a.csv", 1, 0, 3), ("b.csv", 1, 0, 2)]


def test_what_is_said_of_a_vulnerability_is_found_by_its_number(store: Store) -> None:
    """Kinds come back as what they are, source by source."""
    said: list[Affected | Remedy | Exploited] = [
        Affected(cve=CVE, status=FlawStatus.AFFECTED, source="csaf X", product="gate"),
        Exploited(cve=CVE, since=5, source="kev"),
    ]
    store.exposure.put_sayings("x.json", said, 1)
    assert store.exposure.sayings([CVE, "CVE-2026-2"]) == {CVE: said}
    assert store.exposure.exploited() == said[1:]
    assert store.exposure.remove("x.json") == 2


def test_one_party_has_one_answer_in_a_circle(store: Store) -> None:
    """A later answer replaces the earlier; another party's stands beside it."""
    first = FlawAnswer(cve=CVE, status=FlawStatus.UNDER_INVESTIGATION, at=1, circle="c")
    store.exposure.put_answer(first)
    store.exposure.put_answer(msgspec.structs.replace(first, status=FlawStatus.FIXED, at=2))
    store.exposure.put_answer(msgspec.structs.replace(first, peer="harbour", at=3))
    assert [(one.peer, one.status) for one in store.exposure.answers(CVE)] == [
        ("harbour", FlawStatus.UNDER_INVESTIGATION),
        ("", FlawStatus.FIXED),
    ]


def hunt(number: int) -> Hunt:
    """A peer's hunt."""
    return Hunt(
        side=HuntSide.RECEIVED, peer="harbour", id=f"indicator--{number}", circle="c", form=HuntForm.QUERY, text="{}",
        name="n", since=1, until=2, deadline=9, at=number, tlp=Tlp.AMBER, pap=Pap.AMBER, confirms="m-1",
    )  # fmt: skip


def test_a_hunt_is_kept_once_and_changes_in_place(store: Store) -> None:
    """The same id again changes nothing; listing goes from the newest back; a beginning of the id finds it."""
    assert [store.hunts.add(hunt(n)) for n in (1, 2, 1)] == [True, True, False]
    store.hunts.change(msgspec.structs.replace(hunt(2), state=HuntState.DECLINED))
    page = store.hunts.list(limit=1)
    assert (page.items[0].id, page.items[0].state) == ("indicator--2", HuntState.DECLINED)
    assert [one.id for one in store.hunts.list(before=page.next or 0).items] == ["indicator--1"]
    assert [one.id for one in store.hunts.find("1")] == ["indicator--1"]
    assert len(store.hunts.confirming("m-1")) == 2


def test_points_are_spent_once_and_never_beyond_the_bound(store: Store) -> None:
    """The same answer again is free; what does not suffice takes nothing; an older day's points do not count."""

    def spend(hunt: str, points: int) -> int | None:
        return store.hunts.spend("harbour", hunt, "yes", points, 100, since=50, most=5)

    assert [spend("a", 3), spend("a", 3), spend("b", 3), spend("c", 2)] == [2, 2, None, 0]
    assert store.hunts.spend("harbour", "d", "yes", 5, 300, since=200, most=5) == 0
    answer = HuntAnswer(side=HuntSide.ASKED, peer="harbour", hunt="indicator--1", at=1, tier=AnswerTier.NO,
                        object_id="note--1")  # fmt: skip
    assert [store.hunts.put_answer(answer), store.hunts.put_answer(answer)] == [True, False]
