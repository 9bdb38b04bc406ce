"""The safety gate: what may become a directive."""

from __future__ import annotations

import msgspec
import pytest

from protect.scenes import AT, DAY, HOSTILE_NAMES, T, entry, home_gate, page
from seawall.model import Fault, ObservableType, Recorded, Refused
from seawall.protect import Action, Callbacks, Directive, Gate, LeftOut, NeverBlock, Page
from seawall.protect import bounds as named_bounds
from seawall.protect.gate import undo_name


def outcome(kind: ObservableType, value: str) -> Directive | LeftOut:
    """What the home gate makes of one value."""
    (only,) = home_gate().admit([page([entry(kind, value)])], AT)
    return only


@pytest.mark.parametrize(
    ("kind", "value", "rule"),
    [
        (T.IPV4, "203.0.113.5", "own"),
        (T.IPV6, "2001:db8:aaaa::1", "own"),
        (T.CIDR, "203.0.112.0/22", "own"),
        (T.DOMAIN, "home.example", "own"),
        (T.DOMAIN, "mail.home.example", "own"),
        (T.DOMAIN, "asset.example.net", "own"),
        (T.URL, "http://home.example:8080/login", "own"),
        (T.URL, "http://203.0.113.5/x", "own"),
        (T.URL, "http://user@home.example/x", "own"),
        (T.URL, "http://home.example?x", "own"),
        (T.IPV4, "198.51.100.200", "partner"),
        (T.DOMAIN, "partner.example", "partner"),
        (T.IPV4, "192.0.2.1", "never-block"),
        (T.CIDR, "192.0.2.0/24", "never-block"),
        (T.DOMAIN, "bank.example", "never-block"),
        (T.CIDR, "0.0.0.0/0", "huge-network"),
        (T.CIDR, "8.0.0.0/8", "huge-network"),
        (T.CIDR, "::/0", "huge-network"),
        (T.CIDR, "2000::/3", "huge-network"),
        (T.IPV4, "0.0.0.9", "bogon"),
        (T.IPV4, "127.0.0.1", "bogon"),
        (T.IPV4, "10.1.2.3", "bogon"),
        (T.IPV4, "255.255.255.255", "bogon"),
        (T.IPV4, "224.0.0.251", "bogon"),
        (T.IPV6, "::1", "bogon"),
        (T.IPV6, "fe80::1", "bogon"),
        (T.CIDR, "192.168.4.0/24", "bogon"),
        (T.DOMAIN, "com", "top-level"),
        (T.DOMAIN, "xn--j6w193g", "top-level"),
        (T.DOMAIN, "com.tw", "public-suffix"),
        (T.DOMAIN, "co.kr", "public-suffix"),
        (T.DOMAIN, ".".join(["a" * 60] * 5), "too-long"),
        (T.IPV4, "198.51.100.53", "warninglist"),
        (T.DOMAIN, "popular.example", "warninglist"),
        (T.IPV4, "1.2.3.4; flush ruleset", "malformed"),
        (T.CIDR, "1.2.3.0/24/24", "malformed"),
        (T.URL, "not a url", "malformed"),
    ],
)
def test_harmful_values_are_left_out(kind: ObservableType, value: str, rule: str) -> None:
    """A value whose blocking would hurt us, partners or everybody is left out under a stable rule."""
    refusal = outcome(kind, value)
    assert isinstance(refusal, LeftOut)
    assert refusal.rule == rule
    assert refusal.reason.format(detail=refusal.detail)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.IPV4, "203.0.113.77"),
        (T.IPV6, "2001:db8:bbbb::1"),
        (T.CIDR, "198.51.100.0/28"),
        (T.DOMAIN, "evil.example.net"),
        (T.DOMAIN, "nothome.example"),
        (T.DOMAIN, "other.bank.example"),
        (T.SHA256, "0" * 64),
        (T.URL, "http://evil.example.net/x?y"),
    ],
)
def test_hostile_values_pass_with_expiry_and_undo(kind: ObservableType, value: str) -> None:
    """What passes carries an expiry within its type's longest life, an undo name and the ledger entry."""
    directive = outcome(kind, value)
    assert isinstance(directive, Directive)
    assert AT < directive.expires_at <= AT + named_bounds.life(kind).longest
    assert directive.undo_id == undo_name(Action.BLOCK, directive.observable)
    assert directive.release == "7:" + "ab" * 32


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_made_to_break_out_never_become_directives(name: str) -> None:
    """Quotes, newlines, semicolons, 300 characters, direction marks and lone surrogates all end at the gate."""
    refusal = outcome(T.DOMAIN, name)
    if name.endswith("rpz-ip"):
        assert isinstance(refusal, Directive)  # a name like any other; only the RPZ feed must refuse it
    else:
        assert isinstance(refusal, LeftOut)


def test_a_release_for_sharing_permits_no_enforcement() -> None:
    """A recorded release with another purpose is refused, whatever it contains."""
    with pytest.raises(Refused, match="E-PROTECT-001"):
        list(home_gate().admit([page([entry(T.IPV4, "203.0.113.77")], purpose="share")], AT))


def test_an_indicator_outside_the_release_is_refused() -> None:
    """Slipping an unreleased indicator into a page stops the export."""
    released = page([entry(T.IPV4, "203.0.113.77", number=1)])
    smuggled = Page(released.recorded, (entry(T.IPV4, "203.0.113.78", number=2),))
    with pytest.raises(Refused, match="E-PROTECT-001"):
        list(home_gate().admit([smuggled], AT))


def test_a_release_by_another_rule_permits_no_enforcement() -> None:
    """Only policy's own two rules say block or watch; a release by any other rule is refused."""
    released = page([entry(T.IPV4, "203.0.113.77")])
    other = msgspec.structs.replace(released.recorded.value, rule="approved")
    with pytest.raises(Refused, match="E-PROTECT-001"):
        list(home_gate().admit([Page(Recorded(other, 8, "cd" * 32), released.entries)], AT))


def test_an_entry_that_changed_after_the_release_is_left_out() -> None:
    """The bytes that the ledger committed to are the bytes that are enforced; others wait for the next export."""
    released = page([entry(T.IPV4, "203.0.113.77")])
    changed = msgspec.structs.replace(released.entries[0], value="203.0.113.78", body=b'{"changed": true}')
    (refusal,) = home_gate().admit([Page(released.recorded, (changed,))], AT)
    assert isinstance(refusal, LeftOut)
    assert refusal.rule == "changed"


def test_validity_ends_and_begins() -> None:
    """An ended indicator and one that has not begun are left out; a far end is cut to the longest life."""
    ended = entry(T.IPV4, "203.0.113.77", valid_until=AT)
    future = entry(T.IPV4, "203.0.113.78", valid_from=AT + 1)
    eternal = entry(T.IPV4, "203.0.113.79", valid_until=AT + 9_000 * DAY)
    short = entry(T.IPV4, "203.0.113.80", valid_until=AT + 5)
    first, second, third, fourth = home_gate().admit([page([ended, future, eternal, short])], AT)
    assert isinstance(first, LeftOut)
    assert isinstance(second, LeftOut)
    assert (first.rule, second.rule) == ("expired", "not-yet-valid")
    assert isinstance(third, Directive)
    assert third.expires_at == AT + 30 * DAY
    assert isinstance(fourth, Directive)
    assert fourth.expires_at == AT + 5


def test_an_undone_directive_stays_out_until_given_free() -> None:
    """What a person took back is left out by the next export."""
    undone = undo_name(Action.BLOCK, entry_value := outcome(T.IPV4, "203.0.113.77").observable)
    (refusal,) = home_gate(frozenset({undone})).admit([page([entry(entry_value.type, entry_value.value)])], AT)
    assert isinstance(refusal, LeftOut)
    assert refusal.rule == "undone"


def test_the_export_is_full_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound of a type, values are left out and named, not dropped in silence."""
    monkeypatch.setattr(named_bounds, "MAX_NETWORKS", 2)
    networks = [entry(T.CIDR, f"198.51.{number}.0/24", number=number) for number in range(4)]
    rules = [getattr(item, "rule", None) for item in home_gate().admit([page(networks)], AT)]
    assert rules == [None, None, "full", "full"]


def test_what_is_only_watched_takes_no_place_from_what_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have the bound of their type, each by itself."""
    monkeypatch.setattr(named_bounds, "MAX_ADDRESSES", 2)
    first, second = ([entry(T.IPV4, f"198.51.{net}.{n}", number=10 * net + n) for n in range(3)] for net in (7, 8))
    pages = [page(first, Action.WATCH), page(second)]
    rules = [getattr(item, "rule", None) for item in home_gate().admit(pages, AT)]
    assert rules == [None, None, "full", None, None, "full"]


def test_networks_together_have_a_blast_radius() -> None:
    """Many permitted networks together may not cover more than 1/256 of the IPv4 space."""
    networks = [entry(T.CIDR, f"20.{number}.0.0/16", number=number) for number in range(256)]
    networks += [entry(T.CIDR, "21.0.0.0/16", number=999)]
    outcomes = list(home_gate().admit([page(networks)], AT))
    assert sum(isinstance(item, Directive) for item in outcomes) == 256
    assert isinstance(outcomes[-1], LeftOut)
    assert outcomes[-1].rule == "blast-radius"


@pytest.mark.parametrize(
    ("name", "flagged"),
    [
        ("xn--pple-43d.example", True),  # Cyrillic a, then Latin: a famous imitation
        ("xn--80ak6aa92e.example", True),  # wholly Cyrillic, looks Latin
        ("xn--fiqs8s.example", False),
        ("xn--3e0b707e.example", False),
        ("xn--\u00e9.example", False),
        ("plain.example.net", False),
    ],
)
def test_names_that_imitate_others_are_flagged(name: str, flagged: bool) -> None:
    """An internationalised name that mixes scripts or imitates Latin letters is exported with a flag for a person."""
    made = outcome(T.DOMAIN, name)
    assert (isinstance(made, Directive) and made.flags == ("idn-look-alike",)) is flagged


def test_a_typo_on_the_never_block_list_stops_everything() -> None:
    """A protected network that cannot be read is an error, not an open gate."""
    with pytest.raises(Fault, match="E-PROTECT-002"):
        Gate(
            Callbacks(lambda _: False, lambda _: None, lambda _: False),
            own=NeverBlock(("10.0.0.300/8",)),
            partners=NeverBlock(),
            never=NeverBlock(),
        )
