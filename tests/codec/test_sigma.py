"""Sigma rules as indicators carried whole."""

from __future__ import annotations

import pytest

from seawall.codec.sigma import is_sigma, read_sigma
from seawall.codec.stix import check
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS

RULE = """\
title: Encoded PowerShell
id: 5013198f-1d0f-4a1f-9c39-9a1bd1f3d7aa
status: test
description: A command line that hides itself
references:
    - https://example.org/report
    - CVE-2021-44228
author: Somebody
date: 2021/01/02
modified: 2022-03-04
tags:
    - attack.execution
    - attack.defense_evasion
    - attack.t1059.001
    - attack.g0032
    - cve.2021.44228
    - tlp.green
    - detection.dfir
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image|endswith: '\\powershell.exe'
        CommandLine|re: '-e[nc]{1,2} [A-Za-z0-9+/=]{20,}'
    condition: selection
level: high
"""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
MINIMAL = "title: t\nlogsource: {product: x}\ndetection: {condition: y}\n"


def test_a_rule_is_carried_whole() -> None:
    """Text byte for byte, its own id and dates, ATT&CK and CVE numbers, tactics, level and marking."""
    found = read_sigma(RULE.encode())
    assert found.rejected == []
    (body,) = found.objects
    assert check(body).errors == ()
    assert body["pattern"] == RULE
    assert (body["pattern_type"], body["id"]) == ("sigma", "indicator--5013198f-1d0f-4a1f-9c39-9a1bd1f3d7aa")
    assert (body["created"], body["modified"]) == ("2021-01-02T00:00:00.000Z", "2022-03-04T00:00:00.000Z")
    numbers = {part.get("external_id") for part in body["external_references"]}
    assert numbers == {None, "CVE-2021-44228", "T1059.001", "G0032"}
    assert [phase["phase_name"] for phase in body["kill_chain_phases"]] == ["execution", "defense-evasion"]
    assert body["labels"] == ["sigma:level:high", "sigma:status:test", "detection.dfir"]
    assert body["object_marking_refs"] == [TLP2_IDS[Tlp.GREEN]]


def test_documents_of_one_file_are_rules_of_their_own() -> None:
    """Each with its own text; Windows line ends and a byte-order mark stay as they are."""
    first, second = "\ufeff" + RULE.replace("\n", "\r\n"), MINIMAL
    found = read_sigma(f"{first}---\r\n{second}...\n# the end\n".encode())
    assert [body["pattern"] for body in found.objects] == [first, second]
    assert found.rejected == []


def test_an_id_without_a_proper_uuid_is_derived_and_stable() -> None:
    """The same title and log source give the same id; another title another."""
    text = MINIMAL.replace("title: t", "title: t\nid: my-rule-7")
    ids = [
        read_sigma(given.encode()).objects[0]["id"]
        for given in (text, text + "level: low\n", MINIMAL, "id: no\n" + MINIMAL)
    ]
    assert len(set(ids)) == 1
    assert read_sigma(MINIMAL.replace("title: t", "title: u").encode()).objects[0]["id"] != ids[0]


def test_correlations_and_filters_are_rules_too() -> None:
    """Sigma 2 knows three kinds of documents."""
    text = "title: many\ncorrelation: {type: event_count, rules: [a]}\n---\ntitle: not these\nfilter: {rules: [a]}\n"
    assert [body["name"] for body in read_sigma(text.encode()).objects] == ["many", "not these"]


def test_an_old_collection_stays_one() -> None:
    """With ``action: global`` the documents mean something only together."""
    text = "action: global\ntitle: both\ndetection: {condition: a}\n---\nlogsource: {a: x}\n---\nlogsource: {a: y}\n"
    found = read_sigma(text.encode())
    assert [body["pattern"] for body in found.objects] == [text]
    assert [loss.kind for loss in found.losses.report()] == ["sigma:collection"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB.encode() + MINIMAL.encode(), "aliases"),
        (b"detection: " + b"[" * 5_000 + b"]" * 5_000, "nested deeper"),
        (b"detection: {a: b\n", "no YAML"),
        (b"title: \xff\xfe\n", "UTF-8"),
        (b"title: only\n", "detection is missing"),
        (b"detection: 7\n", "detection is missing"),
        (b'title: x\ndetection: {a: "' + b"y" * 600_000 + b'"}\n', "bytes"),
        (b"title: x\ndetection: {a: !!python/object/apply:os.system [id], condition: \0}\n", "no YAML"),
        (b"? [a, b]\n: c\n", "no YAML"),
    ],
    ids=["alias bomb", "deep", "cut", "not utf-8", "no detection", "number", "huge", "nul", "odd key"],
)
def test_what_is_no_rule_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    """Nothing raises, nothing hangs, nothing is built."""
    found = read_sigma(data)
    assert found.objects == []
    assert any(reason in part.reason for part in found.rejected), found.rejected


def test_a_python_tag_builds_nothing() -> None:
    """Tags are ignored: everything is text."""
    data = b"title: x\ndetection:\n  a: !!python/object/apply:os.system [exit 1]\n  condition: a\n"
    (body,) = read_sigma(data).objects
    assert body["name"] == "x"


def test_a_bad_document_does_not_cost_the_good_ones() -> None:
    """The reject names its line."""
    found = read_sigma(f"{MINIMAL}---\ntitle: bad\n---\n{MINIMAL.replace('title: t', 'title: u')}".encode())
    assert [body["name"] for body in found.objects] == ["t", "u"]
    assert [part.index for part in found.rejected] == [5]


def test_a_level_nobody_can_read_is_the_strictest() -> None:
    """A marking is never guessed downwards."""
    text = MINIMAL + "tags: [tlp.purple]\n"
    assert read_sigma(text.encode()).objects[0]["object_marking_refs"] == [TLP2_IDS[Tlp.RED]]
    text = MINIMAL + "tags: [tlp.amber_strict]\n"
    assert read_sigma(text.encode()).objects[0]["object_marking_refs"] == [TLP2_IDS[Tlp.AMBER_STRICT]]


def test_sigma_is_told_by_how_it_reads() -> None:
    """A title and a detection as keys of the document."""
    assert is_sigma(RULE)
    assert not is_sigma("title: a report\nHere is our detection: none\n")
