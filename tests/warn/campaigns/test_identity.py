"""Campaigns keep their names while values come and go; merges and splits are told."""

from __future__ import annotations

from seawall.model.campaign import HistoryKind
from seawall.warn.campaigns import Named, Prior, name_groups

Key = tuple[str, str]


def keys(names: str) -> list[Key]:
    return [("domain", f"{name}.example") for name in names]


def named(*groups: str, prior: Prior | None = None, known: str = "") -> Named:
    members = [keys(one) for one in groups]
    moments = {key: ord(key[1][0]) for key in [*(key for one in members for key in one), *keys(known)]}
    return name_groups(members, moments, prior or Prior())


def prior(**campaigns: str) -> Prior:
    members = {key: id for id, names in campaigns.items() for key in keys(names)}
    return Prior(members, {id: ord(names[0]) for id, names in campaigns.items()})


def test_a_new_group_is_named_after_its_founders() -> None:
    """The same founding members give the same id; later ones do not change it."""
    first, again = named("abcdef").ids[0], named("abcdefxyz").ids[0]
    assert first == again
    assert first.startswith("campaign--")
    assert named("bcdef").ids[0] != first
    assert [key[1] for key in named("fedcba").founders[0]] == [f"{name}.example" for name in "abcde"]


def test_new_values_join_and_the_name_stays() -> None:
    """A group with yesterday's members is yesterday's campaign, whatever joined or left."""
    held = named("bcdxyz", prior=prior(one="abcd"))
    assert held.ids == ("one",)
    assert held.events == ()


def test_a_merge_keeps_the_larger_part_and_says_so() -> None:
    """Two campaigns in one group: the one that brought more goes on, the other points to it."""
    done = named("abcdefg", prior=prior(one="abc", two="defg"))
    assert done.ids == ("two",)
    assert done.merged_into == {"one": "two"}
    assert ("one", HistoryKind.MERGED, "two") in done.events


def test_a_split_keeps_the_name_with_the_larger_part() -> None:
    """The smaller part gets a new name and knows where it came from."""
    done = named("abcde", "xyz", prior=prior(one="abcdexyz"))
    assert done.ids[0] == "one"
    assert done.ids[1] != "one"
    assert done.split_from == {1: "one"}
    assert (done.ids[1], HistoryKind.SPLIT, "one") in done.events


def test_one_that_nothing_holds_together_has_ended_and_one_unseen_goes_on() -> None:
    """Members that are known and alone end a campaign; members whose records are gone do not."""
    assert named("xy", prior=prior(one="abc"), known="abc").ended == {"one"}
    assert named("xy", prior=prior(one="abc")).ended == frozenset()


def test_a_name_is_never_given_twice() -> None:
    """Founders whose campaign went its own way found another one."""
    first = named("ab").ids[0]
    members = dict.fromkeys(keys("cdef"), first)
    done = name_groups([keys("ab"), keys("cdef")], dict.fromkeys(keys("abcdef"), 1), Prior(members, {first: 1}))
    assert done.ids[1] == first
    assert done.ids[0] not in (first, "")
