"""Values as owner names of a policy zone."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import dns.name
import dns.wire
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protect.rpz.scenes import BLOCK, CIDR, DOMAIN, IPV4, IPV6, order
from seawall.model import ObservableType
from seawall.model.order import OrderState
from seawall.protect.objections import Objection
from seawall.protect.rpz.triggers import MAX_WIRE, is_ipv6, owner_of, wire_name, zone_of


def text(owner: bytes | Objection) -> str:
    """An owner as a zone file spells it."""
    assert isinstance(owner, bytes), owner
    name = dns.name.from_wire_parser(dns.wire.Parser(owner + b"\0"))
    return name.to_text(omit_final_dot=True)


@pytest.mark.parametrize(
    ("kind", "value", "owner"),
    [
        (DOMAIN, "bad.example", "bad.example"),
        (DOMAIN, "xn--80ak6aa92e.example", "xn--80ak6aa92e.example"),
        (DOMAIN, "_dmarc.bad.example", "_dmarc.bad.example"),
        (IPV4, "192.0.2.1", "32.1.2.0.192.rpz-ip"),
        (CIDR, "198.51.100.0/24", "24.0.100.51.198.rpz-ip"),
        (IPV6, "2001:db8::1", "128.1.zz.db8.2001.rpz-ip"),
        (IPV6, "2001:db8:0:1:0:1:0:1", "128.1.0.1.0.1.0.db8.2001.rpz-ip"),
        (IPV6, "2001:0:0:1::1", "128.1.zz.1.0.0.2001.rpz-ip"),
        (CIDR, "2001:db8::/32", "32.zz.db8.2001.rpz-ip"),
        (CIDR, "2001:db8:1:2:3:4:5:6/128", "128.6.5.4.3.2.1.db8.2001.rpz-ip"),
    ],
)
def test_each_value_has_the_owner_that_the_draft_says(kind: ObservableType, value: str, owner: str) -> None:
    """Names as they are, addresses reversed behind their prefix length, the longest run of zeros as zz."""
    assert text(owner_of(kind, value, BLOCK)) == owner


@pytest.mark.parametrize(
    ("kind", "value", "rule"),
    [
        (DOMAIN, "", "malformed"),
        (DOMAIN, "bad..example", "malformed"),
        (DOMAIN, "*.bad.example", "malformed"),
        (DOMAIN, "bad.example\nevil CNAME .", "malformed"),
        (DOMAIN, "бад.example", "malformed"),
        (DOMAIN, "a" * 64 + ".example", "malformed"),
        (DOMAIN, "a." * 150 + "example", "malformed"),
        (DOMAIN, "32.1.2.0.192.rpz-ip", "reserved"),
        (CIDR, "192.0.2.1/24", "malformed"),
        (CIDR, "0.0.0.0/0", "huge-network"),
        (CIDR, "::/0", "huge-network"),
        (IPV6, "fe80::1%eth0", "malformed"),
        (IPV4, "192.0.2.999", "malformed"),
        (ObservableType.SHA256, "0" * 64, "type"),
    ],
)
def test_what_no_zone_can_carry_is_refused_with_its_reason(kind: ObservableType, value: str, rule: str) -> None:
    """Hostile and foreign values never become an owner name."""
    found = owner_of(kind, value, BLOCK)
    assert isinstance(found, Objection)
    assert found.rule == rule


def test_a_name_may_be_as_long_as_dns_allows_with_the_zone_behind_it_and_no_longer() -> None:
    """255 octets hold the name, the zone's name and the star; one octet more is refused."""
    room = MAX_WIRE - len(wire_name(BLOCK)) - 2
    fitting = ".".join(["a" * 62] * (room // 63) + ["b" * (room % 63 - 1)])
    assert isinstance(owner_of(DOMAIN, fitting, BLOCK), bytes)
    longer = owner_of(DOMAIN, fitting + "b", BLOCK)
    assert isinstance(longer, Objection)
    assert longer.rule == "too-long"


@given(st.text(max_size=300), st.sampled_from(sorted(ObservableType)))
def test_no_text_breaks_it(value: str, kind: ObservableType) -> None:
    """Whatever a value holds, the answer is an owner that DNS can carry, or an objection."""
    found = owner_of(kind, value, BLOCK)
    if isinstance(found, bytes):
        assert len(found) + len(wire_name(BLOCK)) + 2 <= MAX_WIRE + 8


@given(st.integers(0, 2**128 - 1))
def test_families_are_told_apart(number: int) -> None:
    """The owner of an address says whether it is IPv6."""
    for value in (ipaddress.IPv6Address(number), ipaddress.IPv4Address(number % 2**32)):
        owner = owner_of(IPV6 if value.version == 6 else IPV4, str(value), BLOCK)
        assert isinstance(owner, bytes)
        assert is_ipv6(owner) is (value.version == 6)


def test_only_an_active_block_blocks_and_nothing_does_at_a_plant(tmp_path: Path) -> None:
    """Watched orders, canaries, orders that begin later and everything at alert-only points go into the second zone."""
    now = 1_000
    assert zone_of(order("a.example"), False, now) == 0
    assert zone_of(order("a.example"), True, now) == 1
    assert zone_of(order("a.example", state=OrderState.WATCH), False, now) == 1
    assert zone_of(order("a.example", state=OrderState.CANARY), False, now) == 1
    assert zone_of(order("a.example", starts_at=now + 1), False, now) == 1
