"""YARA rules as indicators carried whole."""

from __future__ import annotations

import pytest

from seawall.codec.stix import check
from seawall.codec.yara import is_yara, read_yara
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS

FILE = r"""
// rule commented { condition: true }
import "pe"
import "math"
/* rule also_commented {
   condition: true } */
private rule Base : helper {
    strings:
        $text = "a brace } and a quote \" and // no comment"
        $hex = { 9C 50 [2-4] (A1 | ?2) ~00 /* } */ } // }
        $regex = /re[}\/]{2,3}"\d+/is
    condition:
        any of them
}

rule Main_Rule : APT KR
{
    meta:
        author = "Somebody"
        description = "Says \"hello\"\x21"
        date = "2023-05-06"
        reference = "https://example.org/a"
        reference2 = "CVE-2021-44228"
        tlp = "amber"
        score = 75
        mitre = "T1059.003"
    strings:
        $fake = "rule fake { condition: true }"
    condition:
        Base and for any i in (0..pe.number_of_sections - 1) : (pe.sections[i].raw_data_size > 0x3)
        and #fake < 10 and filesize < 2MB
}
rule Plain { condition: math.entropy(0, filesize) > 7 }
"""


def test_a_file_is_split_into_rules_that_stand_alone() -> None:
    """Each takes the imports it uses and the private rules it names; private ones do not come alone."""
    found = read_yara(FILE.encode(), "feed")
    assert found.rejected == []
    main, plain = found.objects
    assert check(main).errors == check(plain).errors == ()
    text = main["pattern"]
    assert text.startswith('import "pe"\n\nprivate rule Base : helper {')
    assert "\n\nrule Main_Rule : APT KR\n{" in text
    assert FILE[FILE.index("private rule") : FILE.index("\n\nrule Main")] in text
    assert plain["pattern"] == 'import "math"\n\nrule Plain { condition: math.entropy(0, filesize) > 7 }'


def test_what_a_rule_says_of_itself_is_read() -> None:
    """Description, dates, links, marking, tags and ATT&CK numbers, escapes resolved."""
    main = read_yara(FILE.encode(), "feed").objects[0]
    assert main["description"] == 'Says "hello"!'
    assert main["created"] == "2023-05-06T00:00:00.000Z"
    assert main["object_marking_refs"] == [TLP2_IDS[Tlp.AMBER]]
    assert {part.get("url") or part.get("external_id") for part in main["external_references"]} == {
        "https://example.org/a", "CVE-2021-44228", "T1059.003",
    }  # fmt: skip
    assert main["labels"] == ["yara:score:75", "APT", "KR"]


def test_a_file_with_one_rule_stays_as_it_is() -> None:
    """Licence, comments and line ends included."""
    text = "/* (c) Somebody */\r\nrule One { condition: true }\r\n"
    assert read_yara(text.encode(), "feed").objects[0]["pattern"] == text


def test_global_rules_go_with_every_other() -> None:
    """They hold for the whole file."""
    text = "global rule Small { condition: filesize < 1MB }\nrule A { condition: true }\nrule B { condition: A }\n"
    patterns = [body["pattern"] for body in read_yara(text.encode(), "feed").objects]
    assert all("global rule Small" in pattern for pattern in patterns)
    assert "rule A {" in patterns[2]


def test_ids_are_stable_and_tell_sources_apart() -> None:
    """The same rule from the same source is the same indicator, edited or not; a UUID of its own goes before."""
    first = read_yara(b"rule A { condition: true }", "one").objects[0]["id"]
    assert read_yara(b"rule A { condition: false }", "one").objects[0]["id"] == first
    assert read_yara(b"rule A { condition: true }", "two").objects[0]["id"] != first
    own = b'rule A { meta: id = "5013198F-1d0f-4a1f-9c39-9a1bd1f3d7aa" condition: true }'
    assert read_yara(own, "one").objects[0]["id"] == "indicator--5013198f-1d0f-4a1f-9c39-9a1bd1f3d7aa"


def test_a_broken_file_keeps_the_rules_before_the_break() -> None:
    """The reject names the line and the reason."""
    found = read_yara(b"rule A { condition: true }\n\nrule B {\n condition: true\n", "feed")
    assert [body["name"] for body in found.objects] == ["A"]
    assert [(part.index, part.reason) for part in found.rejected] == [(3, "rule B has no end")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rule { condition: true }", "without a name"),
        ("rule A ( condition )", "not as YARA writes it"),
        ('rule A { strings: $a = "open\n condition: true }', "has no end"),
        ("rule A { strings: $a = /open\n condition: true }", "has no end"),
        ("/* open rule A { condition: true }", "has no end"),
        ("hello", "other than a rule"),
        ("import pe\nrule A { condition: true }", "names nothing"),
        ("rule A { condition: true }\0", "NUL"),
        ("rule A { " + "x " * 300_000 + "}", "bytes"),
    ],
)
def test_what_is_no_rule_is_rejected(text: str, reason: str) -> None:
    """One reason, no traceback."""
    found = read_yara(text.encode(), "feed")
    assert reason in found.rejected[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "/\\" * 500_000,
        "rule A { strings: $h = { " + "9" * 1_000_000 + "G } condition: true }",
        "rule A { strings: $a = " + "/" * 1_000_000,
        "".join(f"global rule G{n} {{ condition: true }}\n" for n in range(2_000)),
        "rule R0 { condition: true }\n" + "".join(f"rule R{n} {{ condition: R{n - 1} }}\n" for n in range(1, 3_000)),
        '"' * 1_000_000,
        "{" * 1_000_000,
    ],
    ids=["slashes", "digits", "comment", "globals", "chain", "quotes", "braces"],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """Tokens that never end, rules that need all others: an answer or a reason, within the time of a test."""
    found = read_yara(text.encode(), "feed")
    assert found.objects or found.rejected


def test_yara_is_told_by_how_it_reads() -> None:
    """A rule head and a condition."""
    assert is_yara(FILE)
    assert not is_yara("The rule of thumb { is } no condition\n")
