"""Which indicators tools may act upon, and exports for one's own use."""

from __future__ import annotations

from typing import Any

import pytest

from policy.scenes import MOMENT, circle
from seawall.model import Actor, ObservableType, Pap, Release, ReleasedObject, Tlp, UserRole
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.policy import OwnUseItem, Rule, enforcement, may_enforce, own_use

BODY = b'{"type":"indicator","created":"2026-03-13T00:00:00.000Z","modified":"2026-03-14T00:00:00.000Z"}'


def _entry(number: int = 1, **fields: Any) -> IndicatorEntry:
    plain: dict[str, Any] = {
        "type": ObservableType.DOMAIN,
        "value": f"evil{number}.example",
        "indicator_id": f"indicator--{number}",
        "campaign": None,
        "description": None,
        "confidence": None,
        "tlp": Tlp.GREEN,
        "pap": Pap.CLEAR,
        "valid_from": None,
        "valid_until": None,
        "origin": None,
        "external_id": None,
        "sources": (),
        "body": BODY,
    }
    return IndicatorEntry(**(plain | fields))


def _rule(entry: IndicatorEntry, action: Action = Action.BLOCK, terms: CircleTerms | None = None) -> str:
    return may_enforce(entry, action, terms, "lin", MOMENT).rule


def test_our_own_indicator_may_block() -> None:
    """The release is for enforcement, names who asked, and holds id, version and body."""
    release = may_enforce(_entry(), Action.BLOCK, None, "lin", MOMENT)
    assert isinstance(release, Release)
    assert (release.purpose, release.rule, release.recipient) == ("enforce", "enforce:block", "lin")
    assert release.objects == (ReleasedObject("indicator--1", "2026-03-14T00:00:00.000Z", BODY),)


@pytest.mark.parametrize(("pap", "block"), [(Pap.CLEAR, True), (Pap.GREEN, True), (Pap.AMBER, False), (Pap.RED, False)])
def test_pap_decides_whether_to_block(pap: Pap, block: bool) -> None:
    """Blocking takes GREEN or CLEAR; watching one's own logs is invisible and always fine."""
    assert _rule(_entry(pap=pap)) == ("enforce:block" if block else Rule.ENFORCE_PAP)
    assert _rule(_entry(pap=pap), Action.WATCH) == "enforce:watch"


def test_red_is_not_for_tools() -> None:
    """TLP:RED goes into no tool, not even to watch."""
    for action in Action:
        assert _rule(_entry(tlp=Tlp.RED), action) == Rule.ENFORCE_TLP
    assert _rule(_entry(tlp=Tlp.AMBER_STRICT)) == "enforce:block"


def test_a_peers_indicator_blocks_only_under_auto_enforce() -> None:
    """Without terms, without the switch, or from somebody without a seat it is watched at most."""
    peers = _entry(origin="seoul")
    accepting = circle(auto_enforce=True)
    assert _rule(peers, terms=accepting) == "enforce:block"
    for terms in (None, circle(), circle(auto_enforce=True, members=frozenset({"busan"}))):
        assert _rule(peers, terms=terms) == Rule.ENFORCE_ORIGIN
        assert _rule(peers, Action.WATCH, terms) == "enforce:watch"
    assert _rule(peers, terms=circle(auto_enforce=True, exclusions=frozenset({"seoul"}))) == Rule.ENFORCE_ORIGIN
    assert _rule(_entry(origin="seoul", pap=Pap.AMBER), terms=accepting) == Rule.ENFORCE_PAP


def test_many_are_sorted_at_once() -> None:
    """Block, watch and neither, each indicator once, in the given order."""
    entries = [
        _entry(1),
        _entry(2, pap=Pap.RED),
        _entry(3, tlp=Tlp.RED),
        _entry(4, origin="seoul"),
        _entry(5, origin="busan"),
    ]
    sorted_out = enforcement(entries, {"seoul": circle(auto_enforce=True)}, "lin", MOMENT)
    assert sorted_out.block is not None
    assert sorted_out.watch is not None
    assert [item.id for item in sorted_out.block.objects] == ["indicator--1", "indicator--4"]
    assert [item.id for item in sorted_out.watch.objects] == ["indicator--2", "indicator--5"]
    assert [(withheld.object_id, withheld.rule) for withheld in sorted_out.withheld] == [
        ("indicator--3", Rule.ENFORCE_TLP)
    ]
    assert list(sorted_out.by_action()) == [Action.BLOCK, Action.WATCH]
    empty = enforcement([], {}, "lin", MOMENT)
    assert (empty.by_action(), empty.withheld) == ({}, ())


@pytest.mark.parametrize(
    ("second", "expected"),
    [({}, "block"), ({"pap": Pap.RED}, "watch"), ({"tlp": Tlp.RED}, "neither"), ({"origin": "jeju"}, "watch")],
)
def test_an_indicator_with_several_values_follows_the_strictest(second: dict[str, Any], expected: str) -> None:
    """One indicator is one decision: it blocks only where every value of it may."""
    pair = [_entry(1), _entry(1, value="other.example", **second)]
    for entries in (pair, pair[::-1]):
        sorted_out = enforcement(entries, lambda _origin: None, "lin", MOMENT)
        assert (sorted_out.block is not None) is (expected == "block")
        assert (sorted_out.watch is not None) is (expected == "watch")
        assert len(sorted_out.withheld) == (expected == "neither")


def test_a_body_without_versions_has_an_empty_version() -> None:
    """Unreadable or unversioned bytes do not stop a decision."""
    for body, version in ((b"junk", ""), (b'{"created":"c"}', "c")):
        release = may_enforce(_entry(body=body), Action.BLOCK, None, "lin", MOMENT)
        assert isinstance(release, Release)
        assert release.objects[0].version == version


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        (UserRole.READER, 3),
        (UserRole.ANALYST, 4),
        (UserRole.RELEASER, 5),
        (UserRole.APPROVER, 5),
        (UserRole.ADMIN, 5),
        (UserRole.AUDITOR, 0),
        (UserRole.TAXII, 0),
        (None, 0),
    ],
)
def test_own_use_gives_what_the_person_may_see(role: UserRole | None, shown: int) -> None:
    """One item a TLP level: the rest is refused by name, and nothing at all gives no release."""
    items = [OwnUseItem(ReleasedObject(f"tool--{tlp}", "v1", b"{}"), "tool", tlp, Pap.CLEAR) for tlp in Tlp]
    decision = own_use(Actor("lin", role), items, MOMENT)
    assert sum(len(release.objects) for release in decision.releases) == shown
    assert len(decision.withheld) == 5 - shown
    assert all(withheld.rule == Rule.OWN_USE for withheld in decision.withheld)
    assert all(release.purpose == "own-use" for release in decision.releases)
