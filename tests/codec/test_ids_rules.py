"""Snort and Suricata rules as indicators carried whole."""

from __future__ import annotations

from collections import Counter

import pytest

import realdata
from seawall.codec.ids_rules import is_rules, read_rules
from seawall.codec.stix import check

SURICATA = (
    'alert http $HOME_NET any -> [203.0.113.0/24, !203.0.113.7] $HTTP_PORTS (msg:"ET MALWARE \\"X\\" Checkin; GET"; '
    'flow:established,to_server; http.uri; content:"/a|3b|b"; reference:url,example.org/x; reference:cve,2021-44228; '
    "classtype:trojan-activity; sid:2019401; rev:3; metadata:created_at 2019_02_03, updated_at 2020_01_02, "
    "signature_severity Major, mitre_technique_id T1071;)"
)
SNORT = (
    'alert tcp any any -> any 80 (msg:"SNORT"; content:"x"; metadata:policy balanced-ips drop, service http; sid:1;)'
)


def test_a_rule_is_carried_whole() -> None:
    """Name, number, dates, links, class and ATT&CK number; the text byte for byte."""
    (body,) = read_rules(SURICATA.encode() + b"\n", "et").objects
    assert check(body).errors == ()
    assert (body["pattern"], body["pattern_type"]) == (SURICATA, "suricata")
    assert body["name"] == 'ET MALWARE "X" Checkin; GET'
    assert (body["created"], body["modified"]) == ("2019-02-03T00:00:00.000Z", "2020-01-02T00:00:00.000Z")
    assert body["labels"] == ["rule:suricata:1:2019401", "rule:rev:3", "classtype:trojan-activity", "severity:Major"]
    assert {part.get("url") or part.get("external_id") for part in body["external_references"]} == {
        "https://example.org/x", "CVE-2021-44228", "T1071",
    }  # fmt: skip


def test_the_engine_is_told_by_keywords() -> None:
    """Snort's own metadata and heads without addresses; sticky buffers are Suricata's."""
    text = f'{SNORT}\n{SURICATA}\nalert http (msg:"s3"; http_uri; content:"x"; sid:7;)\n'
    assert [body["pattern_type"] for body in read_rules(text.encode(), "s").objects] == ["snort", "suricata", "snort"]


def test_continued_lines_are_one_rule() -> None:
    """A backslash at the end of a line, with either kind of line end."""
    for end in ("\n", "\r\n"):
        text = f'alert tcp any any -> any any \\{end}  (msg:"two"; \\{end}  sid:5;){end}{SNORT}{end}'
        names = [body["name"] for body in read_rules(text.encode(), "s").objects]
        assert names == ["two", "SNORT"]


def test_switched_off_rules_are_counted_and_comments_are_not() -> None:
    """They stay out, and the loss report says how many."""
    found = read_rules(f"# about\n#{SNORT}\n# {SURICATA}\n{SNORT}\n".encode(), "s")
    assert len(found.objects) == 1
    assert [(loss.kind, loss.count) for loss in found.losses.report()] == [("rules:switched-off", 2)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('alert tcp any any -> any any (msg:"no number";)', "no rule number"),
        ("alert tcp any any any any (sid:1;)", "it is no rule"),
        ("hello world", "it is no rule"),
        ('alert tcp any any -> any any (msg:"\0"; sid:1;)', "NUL"),
        ("alert tcp any any -> any any (" + "x" * 70_000 + "; sid:1;)", "characters"),
    ],
)
def test_what_is_no_rule_is_rejected_with_its_line(line: str, reason: str) -> None:
    """The others land."""
    found = read_rules(f"{SNORT}\n{line}\n".encode(), "s")
    assert len(found.objects) == 1
    assert [(part.index, reason in part.reason) for part in found.rejected] == [(2, True)]


@pytest.mark.parametrize(
    "text", ['alert tcp any any -> any any (msg:"' + "\\" * 60_000 + ")\n", "alert " + "-> " * 20_000 + "(sid:1;)\n",
             "#alert tcp " + "a " * 30_000 + "\n", ("alert tcp any any -> any any (" + ";" * 60_000 + ")\n") * 5]
)  # fmt: skip
def test_hostile_lines_take_linear_time(text: str) -> None:
    """Whatever they repeat: no rule, and no hang, within the time of a test."""
    found = read_rules(text.encode() * 10, "s")
    assert found.objects == []


def test_real_rules_are_read() -> None:
    """Suricata's own test rules and ESET's Snort rules: everything that has a number."""
    kinds: Counter[str] = Counter()
    rejected = 0
    files = [
        *realdata.folder("suricata-verify").glob("*/test.rules"),
        realdata.folder("iocs-eset") / "ta410" / "ta410.rules",
    ]
    for path in files:
        found = read_rules(path.read_bytes(), path.name)
        kinds.update(body["pattern_type"] for body in found.objects)
        assert all(check(body).valid for body in found.objects)
        rejected += len(found.rejected)
    assert (kinds["suricata"] > 200, kinds["snort"], rejected) == (True, 5, 0)


def test_rules_are_told_by_how_they_read() -> None:
    """One full rule is enough."""
    assert is_rules(f"# x\n{SURICATA}\n")
    assert not is_rules("alert the team -> now (please)\nno rule here\n")
