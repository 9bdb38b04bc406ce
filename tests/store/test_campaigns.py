"""Campaigns and technique sightings, on both databases."""

from __future__ import annotations

import msgspec
import pytest

from seawall.model import NotFound, ObservableType, Pap, Tlp, Visibility
from seawall.model.campaign import (
    Arrival,
    Campaign,
    HistoryEntry,
    HistoryKind,
    Kind,
    Member,
    Reason,
    TechniqueSighting,
)
from seawall.store import Store

ALL = Visibility(Tlp.RED)
ONE, OTHER = "campaign--11111111-1111-5111-8111-111111111111", "campaign--22222222-2222-5222-8222-222222222222"
SHARED = Reason(Kind.RANGE, "203.0.113.0/24", 0.4, 2)
FIRST = Campaign(
    id=ONE,
    name="203.0.113.7",
    first_seen=10,
    last_seen=90,
    sides=("TW", "KR"),
    sectors=("chips", "banks"),
    values=2,
    reasons=(SHARED,),
    arrivals=(Arrival("TW", "chips", 10, 50, 2), Arrival("KR", "banks", 60, 90, 1)),
    tlp=Tlp.AMBER,
    origins=frozenset({"seoul"}),
)
SECOND = msgspec.structs.replace(FIRST, id=OTHER, last_seen=40, arrivals=FIRST.arrivals[:1], origins=frozenset())


def member(value: str, campaign: str = ONE) -> Member:
    return Member(ObservableType.IPV4, value, campaign, 10, 90, 0.8, (SHARED,))


def test_campaigns_are_found_by_moment_side_and_sector(store: Store) -> None:
    """A listing keeps to what was asked, page by page, and shows nobody what they may not see."""
    assert store.campaigns.put([FIRST, SECOND]) == 2
    assert store.campaigns.put([FIRST, SECOND]) == 0
    campaigns = store.campaigns
    assert campaigns.list(ALL).items == (FIRST, SECOND)
    assert campaigns.list(ALL, since=41).items == (FIRST,)
    assert campaigns.list(ALL, side="KR").items == (FIRST,)
    assert campaigns.list(ALL, side="KR", sector="chips").items == ()
    page = campaigns.list(ALL, limit=1)
    assert page.next is not None
    assert campaigns.list(ALL, after=page.next).items == (SECOND,)
    assert campaigns.list(Visibility(Tlp.GREEN)).items == ()
    assert campaigns.list(Visibility(Tlp.RED, excluded_origins=frozenset({"seoul"}))).items == (SECOND,)
    assert campaigns.list(Visibility(Tlp.RED, circle="friends")).items == ()
    with pytest.raises(NotFound, match="E-STORE-260"):
        campaigns.get(ONE, visibility=Visibility(Tlp.GREEN, Pap.RED))


def test_one_that_was_taken_in_stays_under_its_name(store: Store) -> None:
    """A merged campaign leaves the listing, and can still be asked for."""
    store.campaigns.put([FIRST, SECOND])
    merged = msgspec.structs.replace(SECOND, merged_into=ONE, values=0, arrivals=())
    store.campaigns.put([merged])
    assert store.campaigns.list(ALL).items == (FIRST,)
    assert store.campaigns.list(ALL, merged=True).items == (FIRST, merged)
    assert store.campaigns.get(OTHER, visibility=ALL).merged_into == ONE
    assert store.campaigns.count(ALL) == 1


def test_a_value_is_in_one_campaign(store: Store) -> None:
    """Members move, leave, and are found by value and by campaign; those of unknown campaigns are left out."""
    store.campaigns.put([FIRST, SECOND])
    members = [member("203.0.113.7"), member("203.0.113.8"), member("203.0.113.9", "campaign--none")]
    assert store.campaigns.put_members(members) == 2
    assert store.campaigns.put_members(members) == 0
    seven, eight = ((ObservableType.IPV4, f"203.0.113.{number}") for number in (7, 8))
    assert store.campaigns.of([seven, eight, (ObservableType.DOMAIN, "x.example")]) == {seven: ONE, eight: ONE}
    store.campaigns.put_members([member("203.0.113.8", OTHER)])
    assert store.campaigns.of([eight]) == {eight: OTHER}
    assert [one.value for one in store.campaigns.members(ONE).items] == ["203.0.113.7"]
    assert sorted(store.campaigns.memberships())[1] == ("ipv4", "203.0.113.8", OTHER)
    store.campaigns.remove_members([seven])
    assert store.campaigns.members(ONE).items == ()


def test_history_is_told_in_order(store: Store) -> None:
    """What happened to a campaign comes back oldest first."""
    entries = [HistoryEntry(ONE, 5, HistoryKind.FOUNDED, None, 2), HistoryEntry(ONE, 9, HistoryKind.MERGED, OTHER, 4)]
    store.campaigns.add_history(entries)
    assert store.campaigns.history(ONE) == tuple(entries)
    assert store.campaigns.history(OTHER) == ()


def test_technique_sightings_are_kept_once_by_origin(store: Store) -> None:
    """The same id from another origin stands beside the first; a later word replaces an earlier one of the same."""
    seen = TechniqueSighting("grouping--a", ("T1190", "T1003"), "TW", ("chips",), 10, 20)
    told = msgspec.structs.replace(seen, origin="seoul", tlp=Tlp.RED)
    table = store.technique_sightings
    assert table.put([seen, told]) == 2
    assert table.put([msgspec.structs.replace(seen, last_seen=30)]) == 1
    assert [one.last_seen for one in table.list(ALL).items] == [30, 20]
    assert [one.origin for one in table.list(Visibility(Tlp.AMBER)).items] == [None]
    table.remove(["grouping--a"])
    assert table.list(ALL).items == ()
