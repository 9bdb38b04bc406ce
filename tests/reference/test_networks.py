from __future__ import annotations

import ipaddress
import random

from hypothesis import given
from hypothesis import strategies as st

from seawall.reference.networks import NetworkMap, halves, host_of, parents, parse_address, parse_network


def _map(texts: list[str]) -> NetworkMap[str]:
    found: NetworkMap[str] = NetworkMap()
    for text in texts:
        network = parse_network(text)
        assert network is not None
        found.setdefault(network, str(network))
    return found


def test_nested_ranges_are_all_found_narrowest_first() -> None:
    """An address in nested ranges gets all of them, the narrowest first."""
    ranges = _map(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "::/0"])
    found = list(ranges.around(ipaddress.ip_address("10.1.2.3")))
    assert found == ["10.1.2.3/32", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"]


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=20), st.integers(0, 255), st.integers(22, 32)
)
def test_touching_is_overlap(ranges: list[tuple[int, int]], last: int, length: int) -> None:
    """``touching`` finds exactly the ranges that overlap, whichever is the wider."""
    texts = [f"198.51.100.{byte}/{prefix}" for byte, prefix in ranges]
    asked = ipaddress.ip_network(f"198.51.100.{last}/{length}", strict=False)
    wanted = {
        text for text in (str(parse_network(each)) for each in texts) if asked.overlaps(ipaddress.ip_network(text))
    }
    found = list(_map(texts).touching(asked))
    assert sorted(found) == sorted(wanted)


def test_touching_in_ipv6_with_many_ranges() -> None:
    """IPv6 ranges are found among many, and IPv4 ranges never touch them."""
    chance = random.Random(1)
    texts = [f"2001:db8:{chance.randrange(65536):x}::/48" for _ in range(5000)]
    asked = ipaddress.ip_network("2001:db8:ff00::/40")
    wanted = {
        text for text in (str(parse_network(each)) for each in texts) if asked.overlaps(ipaddress.ip_network(text))
    }
    assert set(_map([*texts, "0.0.0.0/0"]).touching(asked)) == wanted


def test_spellings_of_addresses() -> None:
    """Host bits are cleared, IPv4-mapped IPv6 is IPv4, and rubbish is nothing."""
    assert str(parse_network("192.168.1.9/24")) == "192.168.1.0/24"
    assert str(parse_network("::ffff:192.168.1.9/120")) == "192.168.1.0/24"
    assert str(parse_address("::ffff:192.168.1.9")) == "192.168.1.9"
    for text in ("", "10.0.0.0/33", "999.1.1.1", "domain.example", "1.2.3.4/x", "\x00"):
        assert parse_network(text) is None


def test_halves_are_the_lakes_two_integers() -> None:
    """IPv4 is IPv4-mapped, IPv6 is split and signed, and the prefix counts 128 bits."""
    assert halves(ipaddress.ip_network("10.0.0.0/8")) == (0, 0xFFFF_0A00_0000, 104)
    assert halves(ipaddress.ip_network("fe80::/10")) == (-0x180_0000_0000_0000, 0, 10)


def test_hosts_and_parents() -> None:
    """A URL's host comes without port and brackets; a broken URL has none."""
    assert host_of("http://[2001:db8::1]:8080/a") == "2001:db8::1"
    assert host_of("http://user@evil.example:99/a?b") == "evil.example"
    assert host_of("http://[broken") is None
    assert list(parents("a.b.c")) == ["a.b.c", "b.c", "c"]
