"""Protected classes: who is kept from being blocked wherever Seawall runs."""

from __future__ import annotations

import ipaddress
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from protect.scenes import AT, T, entry, page
from seawall.model import ObservableType
from seawall.model.indicator import IndicatorEntry
from seawall.protect import Callbacks, Directive, Gate, LeftOut, NeverBlock
from seawall.protect.protected import CLASSES, DATA, packaged
from seawall.reference import Warninglists, is_public_suffix

EVERY = packaged()
LISTS = Warninglists.packaged()
GATE = Gate(
    Callbacks(lambda _: False, LISTS.hit, is_public_suffix),
    own=NeverBlock(("198.51.100.0/24", "2001:db8:1::/48"), ("ours.example",)),
    partners=NeverBlock(("203.0.113.0/24",), ("partner.example",)),
    never=NeverBlock(("192.0.2.0/28",), ("bank.example",)),
    node=NeverBlock(("192.0.2.77/32",), ("relay.example",)),
    protected=EVERY,
)


def rule(kind: ObservableType, value: str) -> str | None:
    """The rule by which the gate refuses a value; None when it passes."""
    (only,) = GATE.admit([page([entry(kind, value)])], AT)
    return only.rule if isinstance(only, LeftOut) else None


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (T.IPV4, "198.41.0.4", "dns-infrastructure"),
        (T.IPV6, "2001:500:2::c", "dns-infrastructure"),
        (T.CIDR, "198.41.0.0/24", "dns-infrastructure"),
        (T.DOMAIN, "a.root-servers.net", "dns-infrastructure"),
        (T.DOMAIN, "www.president.gov.tw", "government"),
        (T.DOMAIN, "ncsc.go.kr", "government"),
        (T.DOMAIN, "tax.service.gov.uk", "government"),
        (T.DOMAIN, "nato.int", "government"),
        (T.URL, "https://www.mnd.gov.tw/page", "government"),
        (T.DOMAIN, "r3.o.lencr.org", "critical-service"),
        (T.IPV4, "104.16.1.1", "cdn-cloud"),
        (T.DOMAIN, "cloudfront.net", "public-suffix"),
        (T.DOMAIN, "fastly.com", "cdn-cloud"),
        (T.DOMAIN, "fe2.update.microsoft.com", "updates-time"),
        (T.DOMAIN, "security.debian.org", "updates-time"),
        (T.DOMAIN, "google.com", "popular"),
        (T.DOMAIN, "www.google.com", "popular"),
        (T.DOMAIN, "mail.google.com", "popular"),
        (T.DOMAIN, "login.microsoftonline.com", "popular"),
        (T.URL, "https://www.google.com/", "popular"),
        (T.URL, "https://google.com", "popular"),
        (T.DOMAIN, "relay.example", "node"),
        (T.IPV4, "192.0.2.77", "node"),
        (T.IPV6, "::ffff:198.51.100.7", "ipv4-mapped"),
        (T.IPV6, "::ffff:8.8.4.4", "ipv4-mapped"),
        (T.CIDR, "::ffff:8.8.0.0/112", "ipv4-mapped"),
        (T.IPV6, "2002:c633:6401::1", "bogon"),
        (T.IPV6, "::c633:6407", "bogon"),
        (T.CIDR, "198.18.7.1/24", "host-bits"),
        (T.IPV4, "1.1.1.1", "warninglist"),
        (T.IPV4, "8.8.8.8", "warninglist"),
    ],
)
def test_each_class_holds(kind: ObservableType, value: str, expected: str) -> None:
    """A value of a protected class is refused under the class's own rule."""
    assert rule(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.DOMAIN, "d111111abcdef8.cloudfront.net"),
        (T.DOMAIN, "evil.azurewebsites.net"),
        (T.DOMAIN, "evil.blogspot.com"),
        (T.DOMAIN, "gov-tw.example.org"),
        (T.DOMAIN, "gov.tw.evil.example.org"),
        (T.DOMAIN, "rogue.go.it"),
        (T.URL, "https://drive.google.com/uc?id=1"),
        (T.IPV4, "45.61.1.1"),
        (T.SHA256, "0" * 64),
    ],
)
def test_attackers_own_names_on_shared_ground_pass(kind: ObservableType, value: str) -> None:
    """A customer's own name below a platform, a page of a shared site, and an imitation of a government pass."""
    assert rule(kind, value) is None


def test_an_operator_may_do_without_a_class() -> None:
    """What the settings leave out is no longer asked; the rest stays."""
    fewer = packaged(frozenset({"popular"}))
    assert fewer.name("wikipedia.org") is None
    assert fewer.name("www.mnd.gov.tw") is not None
    assert EVERY.name("wikipedia.org") is not None


def test_every_list_says_where_it_comes_from() -> None:
    """Each list has a known rule and a source, and nothing in it is written otherwise than the gate compares it."""
    for each in EVERY.classes:
        assert each.rule in CLASSES
        assert each.source
        for name in (*each.below, *each.exact):
            assert name == name.lower().strip(".")
    assert json.loads(DATA.read_text("utf-8"))["about"]


def test_no_popular_benign_name_passes() -> None:
    """Of every name and address on the packaged lists, and of every warninglist that calls what it holds harmless,
    none becomes a directive."""
    names = [name for each in EVERY.classes for name in (*each.below, *each.exact)]
    networks = [text for each in EVERY.classes for text in each.networks]
    for each in LISTS.lists:
        if each.category == "false_positive" and each.type in ("hostname", "string"):
            names += [text.strip(".") for text in each.entries if T.DOMAIN in each.applies_to]
    wanted = [entry(T.DOMAIN, name, number=number) for number, name in enumerate(sorted(set(names)))]
    wanted += [_address(text) for text in networks]
    passed = [one for one in GATE.admit([page(wanted)], AT) if isinstance(one, Directive)]
    assert passed == []
    assert len(wanted) > 1_500


def _address(text: str) -> IndicatorEntry:
    kind = T.CIDR if "/" in text else T.IPV6 if ":" in text else T.IPV4
    return entry(kind, text)


_LABEL = some.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(
    some.sampled_from([name for each in EVERY.classes for name in each.below]),
    some.lists(_LABEL, min_size=0, max_size=4),
)
def test_nothing_below_a_protected_name_passes(name: str, labels: list[str]) -> None:
    """However many labels stand before a protected name, it is refused."""
    assert rule(T.DOMAIN, ".".join((*labels, name))) is not None


@settings(max_examples=300, deadline=None)
@given(
    some.sampled_from(["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/28", "104.16.0.0/13", "10.0.0.0/8"]), some.data()
)
def test_no_way_to_write_a_protected_address_passes(network: str, data: some.DataObject) -> None:
    """Alone, as /32, inside a larger network, as IPv4-mapped IPv6, in a URL: it is refused."""
    held = ipaddress.ip_network(network)
    assert isinstance(held, ipaddress.IPv4Network)
    address = held[data.draw(some.integers(0, held.num_addresses - 1))]
    length = data.draw(some.integers(0, 32))
    around = ipaddress.ip_network(f"{address}/{length}", strict=False)
    for kind, value in (
        (T.IPV4, str(address)),
        (T.CIDR, str(around)),
        (T.CIDR, f"{address}/{length}"),
        (T.IPV6, f"::ffff:{address}"),
        (T.IPV6, f"::{address}"),
        (T.CIDR, f"::ffff:{address}/{96 + length}"),
        (T.URL, f"http://{address}:8080/x"),
        (T.URL, f"http://user@{address}/"),
        (T.URL, f"http://[::ffff:{address}]/"),
    ):
        assert rule(kind, value) is not None, value
