"""Real objects, damaged in one to three places: what a checker must judge as the OASIS validator does."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

ODD: list[Any] = [
    None, "", " ", [], {}, 0, -1, 1, 1.0, 1.5, 65536, 10**12, True, False, "x", "Foo Bar", "a" * 300, ["a"], [1],
    [None],
    [""], [[]], [{}], {"a": 1}, {"a": None}, {"A": "b"}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z",
    "2026-02-30T00:00:00.000Z", "2026-01-01T00:00:00.000+00:00", "2026-01-01 00:00:00.000Z",
    "2026-01-01T24:00:00.000Z",
    "2026-01-01T00:00:60.000Z", "2026-01-01T00:00:00.123456789Z", "1799-12-31T00:00:00.000Z",
    "0000-01-01T00:00:00.000Z",
    "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "identity--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F",
    "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "ipv4-addr--8e2e2d2b-17d4-5cbf-938f-98ee46b3cd3f",
    "relationship--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "identity--8e2e2d2b-17d4-0cbf-938f-98ee46b3cd3f",
    "identity--8e2e2d2b17d44cbf938f98ee46b3cd3f", "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "identity--",
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "x-thing--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", ["identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"],
    "http://example.com/a?b=c", "not a url", "198.51.100.1", "198.51.100.1/33", "198.51.100.1/24", "198.51.100.256",
    "2001:db8::1", "2001:db8::1/129", "example.com", "-bad-.com", "a..b", "user@example.com", "@", "en", "zh-Hant",
    "xx-",
    "application/pdf", "text", "utf-8", "deadbeef", "deadbee", "ZGF0YQ==", "ZGF0YQ=", "low", "high",
    "malicious-activity",
    "[ipv4-addr:value = '198.51.100.1']", "[ipv4-addr:value = ]", "[file:hashes.MD5 = 'abc']", "[x:y = 1",
    "[a:b = 1] WITHIN 5 SECONDS", "stix", "sigma", "2.0", "2.1", {"MD5": "d41d8cd98f00b204e9800998ecf8427e"},
    {"MD5": "d41d8cd98f00b204e9800998ecf8427"}, {"SHA-256": "x"}, {"x_own": "abc"}, {"sha256": "a" * 64},
    {"SHA-1": 5},
    [{"source_name": "cve", "external_id": "CVE-2021-44228"}], [{"source_name": "cve", "external_id": "CVE-1"}],
    [{"source_name": "x"}], [{"source_name": "x", "url": "nope"}], [{"source_name": "x",
    "url": "https://a.example/"}],
    [{"kill_chain_name": "a", "phase_name": "b"}], [{"kill_chain_name": "a"}],
    [{"selectors": ["type"], "marking_ref": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"}],
    [{"selectors": ["nothing.[5]"], "marking_ref": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"}],
    [{"selectors": ["type"]}], [{"selectors": ["type"], "lang": "en"}],
    {"extension-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f": {"extension_type": "property-extension",
    "rank": 5}},
    {"extension-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f": {"extension_type": "toplevel-property-extension"}},
    {"extension-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f": {"rank": 5}}, {"x-own-ext": {"rank": 5}},
    {"own": {}},
    {"ntfs-ext": {"sid": "1"}}, {"pdf-ext": {"version": 1}}, {"tcp-ext": {"src_flags_hex": "zz"}},
]  # fmt: skip
NAMES = [
    "x_own", "own", "Own", "ab", "a", "own-name", "severity", "extensions", "granular_markings",
    "object_marking_refs",
    "lang", "labels", "confidence", "revoked", "defanged", "external_references", "kill_chain_phases", "hashes",
    "created",
    "modified", "created_by_ref", "description", "name", "aliases", "first_seen", "last_seen", "own_hex", "own_bin",
    "spec_version", "valid_until", "stop_time", "start_time", "number_observed", "objects", "object_refs",
    "is_family",
    "latitude", "longitude", "precision", "country", "body", "body_multipart", "is_active", "end", "start", "url",
    "payload_bin", "src_port", "protocols", "count", "x" * 251,
]  # fmt: skip


def damaged(obj: Json, chance: random.Random) -> Json:
    """A copy of ``obj`` with one to three changes, some of them harmless."""
    fresh: Json = copy.deepcopy(obj)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        _change(fresh, chance)
    return fresh


def _change(obj: Json, chance: random.Random) -> None:
    places = list(_places(obj))
    if not places:
        return
    holder, key = chance.choice(places)
    what = chance.randrange(8)
    if what == 0:
        del holder[key]
    elif what == 1:
        obj[chance.choice(NAMES)] = copy.deepcopy(chance.choice(ODD))
    elif what == 2 and isinstance(holder, dict):
        holder[chance.choice(NAMES)] = copy.deepcopy(chance.choice(ODD))
    elif what == 3 and isinstance(holder[key], str) and holder[key]:
        holder[key] = _spoilt(holder[key], chance)
    elif what == 4 and isinstance(holder[key], list) and holder[key]:
        holder[key].append(copy.deepcopy(chance.choice([*holder[key], *ODD])))
    elif what == 5 and isinstance(holder[key], (str, int, float)):
        holder[key] = [holder[key]]
    else:
        holder[key] = copy.deepcopy(chance.choice(ODD))


def _spoilt(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return chance.choice(
        (text[:at] + text[at + 1 :], text[:at] + chance.choice(" .-'A0z\u00e9\\\"\n") + text[at:], text.upper(),
         text[:at], text + text, text[:at] + chance.choice("0aZ-") + text[at + 1 :], text + "\n", f"{text}\n{text}")
    )  # fmt: skip


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a value."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield value, key
            yield from _places(part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield value, index
            yield from _places(part)
