"""Sigma rules become questions to the lake, or stay open where the lake has no answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.warn.hunt_sigma import read_sigma_rule
from seawall.warn.hunt_sql import certain, possible
from seawall.warn.hunts import All, Any, BadHunt, Not, Op, Part, Unknown, band_of, check, read_query, write_query
from seawall.warn.hunts import Test as Asked


def question(detection: str) -> Part:
    """The question of a rule with this detection, in flow style."""
    return read_sigma_rule(f"title: t\ndetection: {detection}\n").question


@pytest.mark.parametrize(
    ("detection", "meant"),
    [
        ("{a: {query: evil.example}, condition: a}", Asked("domain", Op.EQUALS, ("evil.example",))),
        ("{a: {query: '*.evil.example'}, condition: a}", Asked("domain", Op.ENDS, (".evil.example",))),
        ("{a: {query|contains: evil}, condition: a}", Asked("domain", Op.CONTAINS, ("evil",))),
        ("{a: {query: 'a*b?c.d'}, condition: a}",
         Asked("domain", Op.MATCHES, ("(?i)^a(?s:.*)b(?s:.)c\\.d$",))),
        ("{a: {c-uri: 'a\\*b\\\\c'}, condition: a}", Asked("uri", Op.EQUALS, ("a*b\\c",))),
        ("{a: {query: [x, y]}, condition: a}", Asked("domain", Op.EQUALS, ("x", "y"))),
        ("{a: {query|contains|all: [x, y]}, condition: a}",
         All((Asked("domain", Op.CONTAINS, ("x",)), Asked("domain", Op.CONTAINS, ("y",))))),
        ("{a: {dst_port: 443, proto: tcp}, condition: a}",
         All((Asked("dst_port", Op.EQUALS, ("443",)), Asked("protocol", Op.EQUALS, ("tcp",))))),
        ("{a: {dst_port|gte: 1024}, condition: a}", Asked("dst_port", Op.AT_LEAST, ("1024",))),
        ("{a: {dst_ip: '203.0.113.*'}, condition: a}", Asked("dst", Op.IN_NETWORK, ("203.0.113.0/24",))),
        ("{a: {src_ip|cidr: '203.0.113.0/24'}, condition: a}", Asked("src", Op.IN_NETWORK, ("203.0.113.0/24",))),
        ("{a: {Hashes|contains: 'MD5=D41D8CD98F00B204E9800998ECF8427E'}, condition: a}",
         Asked("md5", Op.EQUALS, ("d41d8cd98f00b204e9800998ecf8427e",))),
        ("{a: {query: null}, condition: a}", Not(Asked("domain", Op.EXISTS))),
        ("{a: {query|re: 'a.*b', }, condition: a}", Asked("domain", Op.MATCHES, ("a.*b",))),
        ("{a: {query|re|i: 'a'}, condition: a}", Asked("domain", Op.MATCHES, ("(?i)a",))),
        ("{a: [{query: x}, {md5: y}], condition: a}",
         Any((Asked("domain", Op.EQUALS, ("x",)), Asked("md5", Op.EQUALS, ("y",))))),
        ("{a: {query: x}, b: {query: y}, c: {query: z}, condition: a or b and not c}",
         Any((Asked("domain", Op.EQUALS, ("x",)),
              All((Asked("domain", Op.EQUALS, ("y",)), Not(Asked("domain", Op.EQUALS, ("z",)))))))),
        ("{sel1: {query: x}, sel2: {query: y}, _h: {query: z}, condition: all of sel*}",
         All((Asked("domain", Op.EQUALS, ("x",)), Asked("domain", Op.EQUALS, ("y",))))),
        ("{sel1: {query: x}, sel2: {query: y}, _h: {query: z}, condition: 1 of them}",
         Any((Asked("domain", Op.EQUALS, ("x",)), Asked("domain", Op.EQUALS, ("y",))))),
    ],
)  # fmt: skip
def test_a_rule_means_what_sigma_says_it_means(detection: str, meant: Part) -> None:
    """Wildcards, modifiers, lists and conditions come out as tests over the lake's own fields."""
    assert question(detection) == meant


@pytest.mark.parametrize(
    "detection",
    [
        "{a: {Image|endswith: cmd.exe}, condition: a}",
        "{a: {c-useragent: curl}, condition: a}",
        "{a: {query|base64offset|contains: x}, condition: a}",
        "{a: [word], condition: a}",
        "{a: {imphash: x}, condition: a}",
        "{a: {dst_port|contains: 4}, condition: a}",
        "{a: {dst_ip: '20*'}, condition: a}",
        "{a: {Hashes: 'IMPHASH=x'}, condition: a}",
    ],
)
def test_what_the_lake_does_not_hold_stays_open_and_is_told(detection: str) -> None:
    """Such a part is neither dropped nor taken for met: it stands in the losses."""
    read = read_sigma_rule(f"title: t\ndetection: {detection}\n")
    assert isinstance(read.question, Unknown)
    assert any(loss.startswith("cannot be asked: ") for loss in read.losses)
    assert (certain(read.question).sql, possible(read.question).sql) == ("FALSE", "TRUE")


def test_an_open_part_below_not_is_taken_the_other_way_round() -> None:
    """What certainly meets "not X" is nothing where X is open; what may meet it is everything."""
    part = Not(Unknown("x"))
    assert (certain(part).sql, possible(part).sql) == ("(NOT TRUE)", "(NOT FALSE)")


@pytest.mark.parametrize(
    "text",
    [
        "", "title: x", "title: x\ndetection: {a: {query: x}}", "title: x\ndetection: {condition: a}",
        "title: x\ndetection: {a: {query: x}, condition: a and}", "title: x\ndetection: {a: {query: x}, condition: (a}",
        "title: x\ndetection: {a: {query: x}, condition: a b}", "- a\n- b",
        "title: x\ndetection: {a: {query: x}, condition: a}\n---\ntitle: y\ndetection: {a: {query: x}, condition: a}",
        "title: x\ndetection:\n" + "".join(f"  a{n}: {{query: [x, y]}}\n" for n in range(400)) + "  condition: "
        + " or ".join(["1 of a*"] * 200),
    ],
)  # fmt: skip
def test_what_is_no_single_rule_within_bounds_is_refused(text: str) -> None:
    """One clause says why; nothing is spelled out beyond the bounds."""
    with pytest.raises(BadHunt):
        read_sigma_rule(text)


@given(st.text(alphabet="ab*?.\\()|:{}[]\n -&!'\"andornot1of", max_size=200))
def test_any_text_is_a_rule_or_a_clause(text: str) -> None:
    """Nothing but BadHunt comes out of whatever a peer writes as a condition or detection."""
    for rule in (
        text,
        f"title: x\ndetection: {{a: {{query: x}}, condition: {text!r}}}",
        f"title: x\ndetection:\n {text}",
    ):
        try:
            read = read_sigma_rule(rule)
        except BadHunt:
            continue
        certain(read.question)


def test_conditions_travel_as_a_query_and_come_back_as_the_same() -> None:
    """Every operator has its sign; alternatives are parted by a bar."""
    text = write_query(
        ["domain = a.example | b.example", "path^=/x", "dst_port>=1024", "ip@=203.0.113.0/24", "ja3*=ab"]
    )
    assert read_query(text) == All(
        (
            Asked("domain", Op.EQUALS, ("a.example", "b.example")), Asked("path", Op.STARTS, ("/x",)),
            Asked("dst_port", Op.AT_LEAST, ("1024",)), Asked("ip", Op.IN_NETWORK, ("203.0.113.0/24",)),
            Asked("ja3", Op.CONTAINS, ("ab",)),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    ["", "domain", "nothing=1", "email=a@b.example", "username=root", "dst_port=x", "ip=banana", "domain=", "ip*=1",
     "cve*=2026", "dst_port=1234567890123456789012", "ip@=300.0.0.0/8"],
)  # fmt: skip
def test_conditions_outside_the_fields_are_refused(condition: str) -> None:
    """Persons are no fields; numbers, addresses and operators have to fit."""
    with pytest.raises(BadHunt):
        write_query([condition])


def test_bands_cover_every_count_once() -> None:
    """From nothing to open end."""
    assert [band_of(count) for count in (0, 1, 9, 10, 99_999, 10**9)] == [
        (0, 0), (1, 9), (1, 9), (10, 99), (10_000, 99_999), (100_000, None),
    ]  # fmt: skip


def test_a_tree_that_is_too_deep_is_refused() -> None:
    """Depth is counted without recursion."""
    part: Part = Asked("domain", Op.EQUALS, ("x",))
    for _ in range(100):
        part = Not(part)
    with pytest.raises(BadHunt, match="nested"):
        check(part)
