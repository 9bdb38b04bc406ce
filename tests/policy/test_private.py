"""Own-asset and victim values do not leave, in whatever disguise people write them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy.scenes import TAIPEI, asking, body, circle, is_own, knowing, stored
from seawall.model import Release, Withheld
from seawall.policy import PrivateValues, Rule, decide, redact
from seawall.policy.private import STRUCK, strike

PRIVATE = PrivateValues(is_own, frozenset({"Wanhua Hospital", "萬華醫院"}))


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.9",
        "beacon from 203.0.113.9.",
        "(203.0.113.9)",
        "203.0.113.9:8443",
        "203[.]0[.]113[.]9",
        "hxxp://203.0.113[.]9/login",
        "https://www.own.example/a?b=c",
        "https://user@www.own.example:8443/",
        "mail to ops@own.example,",
        "203.0.113.0/25",
        "203.0.113.1-203.0.113.9",
        "https://evil.example/203.0.113.9/x",
        "https://evil.example/?victim=203.0.113.9",
        "srv1.corp.internal",
        "SRV1.Corp.Internal",
        "['203.0.113.9']",
        "LIKE '%.own.example%'",
        "203.0.113.9%2Fadmin",
        "seen at wanhua hospital",
        "攻擊萬華醫院的伺服器",
        "seen at WANHUA-HOSPITAL",
        "ｗａｎｈｕａ　ｈｏｓｐｉｔａｌ",
        "攻擊萬 華 醫 院的伺服器",
    ],
)
def test_a_private_value_is_struck_from_text(text: str) -> None:
    """Addresses, ports, ranges, networks, names, URLs, e-mail addresses, defanged spellings, victims' names."""
    struck = strike(body("note", abstract=text), PRIVATE)
    assert STRUCK in struck.body["abstract"]
    for secret in ("203.0.113", "own.example", "203[.]0", "corp", "Corp", "anhua", "萬華"):
        assert secret not in struck.body["abstract"]
    assert struck.places == ("abstract",)


@pytest.mark.parametrize(
    "text",
    [
        "203.0.114.9",
        "www.known.example",
        "evil.example/own",
        "owner.example",
        "version 203.0.11",
        "2026-03-14T00:00:00Z",
    ],
)
def test_other_values_stay(text: str) -> None:
    """What merely looks alike is left alone, to the letter."""
    assert strike(body("note", abstract=text), PRIVATE).body["abstract"] == text


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("indicator", {"pattern": "[ipv4-addr:value = '203.0.113.9']"}),
        ("indicator", {"pattern": "[ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value = '203.0.113.9']"}),
        ("indicator", {"pattern": "[url:value = 'https://www.own.example/login']"}),
        ("ipv4-addr", {"value": "203.0.113.9"}),
        ("domain-name", {"value": "own.example"}),
        ("url", {"value": "http://evil.example/203.0.113.9"}),
        ("email-addr", {"value": "ceo@own.example"}),
        ("identity", {"name": "Wanhua Hospital"}),
    ],
)
def test_an_object_about_a_private_value_stays(kind: str, more: dict[str, Any]) -> None:
    """Where the private value is the object, the whole object is withheld."""
    answer = decide(asking(stored(body(kind, **more))), circle(), knowing())
    assert isinstance(answer, Withheld)
    assert answer.rule == Rule.PRIVATE
    assert "203.0.113.9" not in answer.reason


def test_a_note_about_a_private_value_leaves_without_it() -> None:
    """Text is redacted and the rest leaves."""
    made = body("indicator", description="First seen at Wanhua Hospital from 203.0.113.9", name="evil.example")
    answer = decide(asking(stored(made)), circle(), knowing())
    assert isinstance(answer, Release)
    assert msgspec.json.decode(answer.objects[0].body)["description"] == f"First seen at {STRUCK} from {STRUCK}"


def test_a_circle_may_strike_further_properties() -> None:
    """Named properties go at any depth."""
    made = body("tool", x_internal="a", extensions={"e": {"x_internal": 1, "kept": 2}})
    struck = strike(made, PRIVATE, frozenset({"x_internal"}))
    assert "x_internal" not in struck.body
    assert struck.body["extensions"] == {"e": {"kept": 2}}
    assert struck.places == ("x_internal", "extensions.e.x_internal")


def test_redacting_bytes_keeps_them_json() -> None:
    """``redact`` gives the same object without its private values, and leaves identifiers alone."""
    made = body("note", content="203.0.113.9", object_refs=["tool--00000000-0000-4000-8000-000000000000"])
    fresh = msgspec.json.decode(redact(msgspec.json.encode(made), PRIVATE))
    assert fresh == made | {"content": STRUCK}


def test_names_of_properties_hide_nothing_deep_within() -> None:
    """Only the object's own id and moments are beyond suspicion; below, no property's name shields a value."""
    inner = {
        "id": "srv1.corp.internal",
        "type": "203.0.113.9",
        "owner_ref": "www.own.example",
        "x_refs": ["203.0.113.7"],
    }
    answer = decide(
        asking(stored(body("tool", name="t", x_asset=inner, x_list=[inner]))),
        circle(types=frozenset({"tool"})),
        knowing(),
    )
    assert isinstance(answer, Release)
    for secret in (b"corp.internal", b"203.0.113", b"own.example"):
        assert secret not in answer.objects[0].body


def test_an_object_that_is_nothing_without_our_name_stays() -> None:
    """A relationship whose one end is our identity, where we are not named: withheld, not sent in halves."""
    made = body("relationship", relationship_type="targets", source_ref="tool--1", target_ref=TAIPEI)
    answer = decide(asking(stored(made)), circle(attribution=False), knowing())
    assert isinstance(answer, Withheld)
    assert answer.rule == Rule.UNNAMED
    assert "target_ref" in answer.reason
