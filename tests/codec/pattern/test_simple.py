"""Match keys of simple patterns, and the pattern of a value."""

from __future__ import annotations

import json

import pytest

import realdata
from seawall.codec.pattern import match_keys, parse, pattern_for, simple_keys
from seawall.codec.values import canonical
from seawall.model import Fault, Observable, ObservableType

T = ObservableType
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("[ipv4-addr:value = '192.0.2.1']", ["192.0.2.1"]),
        ("[ipv4-addr:value = '192.0.2.0/24']", ["192.0.2.0/24"]),
        ("[ipv4-addr:value ISSUBSET '192.0.2.7/24']", ["192.0.2.0/24"]),
        ("[ipv6-addr:value = '2001:DB8::1']", ["2001:db8::1"]),
        ("[domain-name:value IN ('A.example', 'b.example', 'a.example')]", ["a.example", "b.example"]),
        (
            "[domain-name:value == 'a.example'] OR [url:value = 'http://b.example/x']",
            ["a.example", "http://b.example/x"],
        ),
        (f"[file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-512' = '{'a' * 128}' OR file:size = 5]", [MD5]),
        (f"[file:hashes.'SHA-256' = '{'A' * 64}']", ["a" * 64]),
        ("[email-message:sender_ref.value = 'Bob@Evil.example']", ["bob@evil.example"]),
        ("[network-traffic:dst_ref.value = '192.0.2.1']", ["192.0.2.1"]),
        ("[autonomous-system:number = 4134]", ["4134"]),
        ("[file:name = 'it\\'s.exe']", ["it's.exe"]),
        (f"[x509-certificate:hashes.'SHA-1' = '{'a' * 40}']", ["a" * 40]),
        (
            "([url:value = 'http://b.example/']) OR ([url:value = 'http://c.example/'])",
            ["http://b.example/", "http://c.example/"],
        ),
    ],
)
def test_simple_patterns_become_keys(pattern: str, keys: list[str]) -> None:
    """Equality, IN, ISSUBSET, and OR of these, inside and between observations."""
    assert [key.value for key in simple_keys(pattern) or []] == keys


@pytest.mark.parametrize(
    "pattern",
    [
        f"[file:name = 'a.exe' AND file:hashes.MD5 = '{MD5}']",
        "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [domain-name:value = 'a.example']",
        "[ipv4-addr:value = '192.0.2.1'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
        "[ipv4-addr:value != '192.0.2.1']",
        "[ipv4-addr:value NOT IN ('192.0.2.1')]",
        "[domain-name:value LIKE '%.example']",
        "[file:size = 5]",
        "[ipv4-addr:value = 'nonsense']",
    ],
)
def test_other_patterns_are_no_list_of_values(pattern: str) -> None:
    """A key that would hit more than the pattern is worse than none."""
    assert simple_keys(pattern) is None


VALUES = [
    Observable(T.IPV4, "192.0.2.1"), Observable(T.IPV6, "2001:db8::1"), Observable(T.CIDR, "192.0.2.0/24"),
    Observable(T.CIDR, "2001:db8::/32"), Observable(T.DOMAIN, "a.example"), Observable(T.URL, "http://a.example/'\\x"),
    Observable(T.EMAIL, "a@b.example"), Observable(T.MD5, MD5), Observable(T.SHA1, "a" * 40),
    Observable(T.SHA256, "a" * 64), Observable(T.CERTIFICATE, "a" * 40), Observable(T.CERTIFICATE, "a" * 64),
    Observable(T.JA3, MD5), Observable(T.JA4, "t13d1516h2_8daaf6152771_b186095e22b6"), Observable(T.HASSH, MD5),
    Observable(T.AS, "4134"), Observable(T.CVE, "CVE-2021-44228"), Observable(T.FILE_NAME, "it's\\a.exe"),
    Observable(T.WALLET, "0x" + "a" * 40),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value.type}-{value.value[:12]}")
def test_the_pattern_of_a_value_looks_for_that_value(value: Observable) -> None:
    """And is a pattern by the grammar."""
    parse(pattern_for(value))
    assert simple_keys(pattern_for(value)) == [value]


def test_every_type_has_a_pattern() -> None:
    """A type without one could not be shared."""
    assert {value.type for value in VALUES} | {T.PATTERN} == set(ObservableType)


@pytest.mark.parametrize(
    "pattern",
    [
        "[domain-name:value = 'a.example'] FOLLOWEDBY [file:name = 'a']", "[domain-name:value LIKE '%.example']",
        "[network-traffic:dst_port = 4444]", "[ipv4-addr:value = '192.0.2.1'] REPEATS 5 TIMES",
    ],
)  # fmt: skip
def test_a_pattern_that_is_no_list_of_values_is_its_own_key(pattern: str) -> None:
    """Held by its text, and found again under it."""
    (key,) = match_keys(f" {pattern} ")
    assert (key.type, key.value) == (T.PATTERN, pattern)
    assert canonical(T.PATTERN, pattern) == key
    assert pattern_for(key) == pattern


def test_what_rows_cannot_hold_is_no_key() -> None:
    """A single test of what no sensor tells, and a pattern too long for a key."""
    assert match_keys("[mutex:name = 'x']") == []
    assert match_keys(f"[domain-name:value LIKE '{'x' * 9_000}']") == []
    assert match_keys("[ipv4-addr:value = '192.0.2.1']") == [Observable(T.IPV4, "192.0.2.1")]
    with pytest.raises(Fault, match="E-VALUE-001"):
        canonical(T.PATTERN, "nothing")


def test_most_patterns_of_a_real_vendor_are_simple() -> None:
    """Of Unit 42's published indicators nearly all become keys."""
    patterns = []
    for path in (realdata.folder("unit42-stix")).glob("*.json"):
        for obj in json.loads(path.read_bytes())["objects"]:
            if obj["type"] == "indicator":
                patterns.append(obj["pattern"])
    found = [simple_keys(pattern) for pattern in patterns]
    assert sum(keys is not None for keys in found) > 0.98 * len(patterns)
    assert all(canonical(key.type, key.value) == key for keys in found for key in keys or [])
