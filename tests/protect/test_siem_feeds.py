"""What a SIEM loads: look-ups, documents, rules and queries, whatever attackers put into the values."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sigma.collection import SigmaCollection
from sigma.plugins import InstalledSigmaPlugins
from sigma.types import SpecialChars
from sigma.validation import SigmaValidator

from protect.scenes import AT, HOSTILE_NAMES, T, entry, exported, home_gate, page
from seawall.codec.sigma import read_sigma
from seawall.model import Fault, ObservableType
from seawall.protect import Action, Page, export
from seawall.protect.feeds.sigma_queries import LANGUAGES
from seawall.protect.feeds.splunk import HEADERS

FORMULAS = ("=cmd|' /C calc'!A0", "+1", "-1.exe", "@SUM(A1)", "\t=1", "%0")
NASTY = ('a,"b".exe', "a\nb.exe", "$(rm -rf ~).exe", "`id`.exe", "a'b;c.exe", "x" * 9_000, "\ufffe.exe", "報告.exe")
ECS_TYPES: dict[str, type] = {
    # ECS 8.17, "threat.indicator" and "event": every field that a document may hold besides our own.
    "@timestamp": str, "ecs.version": str, "event.kind": str, "event.category": list, "event.type": list,
    "event.module": str, "event.dataset": str, "event.id": str, "threat.feed.name": str,
    **{f"threat.indicator.{name}": str for name in (
        "type", "name", "provider", "description", "modified_at", "ip", "url.domain", "url.full", "url.original",
        "email.address", "file.name", "file.hash.md5", "file.hash.sha1", "file.hash.sha256",
    )},
}  # fmt: skip
ECS_INDICATORS = {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "file"}


def values() -> list[Page]:
    """Values of every type, good and hostile, to block and to watch."""
    entries = [
        entry(T.IPV4, "203.0.113.77", description="=HYPERLINK(1)"),
        entry(T.IPV6, "2001:db8:bbbb::1"),
        entry(T.CIDR, "198.51.100.0/26"),
        entry(T.DOMAIN, "evil.example.net", description='said "so",\r\nthen left'),
        entry(T.DOMAIN, "xn--fiqs8s.example"),
        entry(T.URL, 'http://evil.example.net/a,b?c="d"'),
        entry(T.URL, "http://evil.example.net/*"),
        entry(T.EMAIL, "boss@evil.example.net"),
        entry(T.MD5, "cd" * 16),
        entry(T.SHA1, "ef" * 20),
        entry(T.SHA256, "ab" * 32),
        entry(T.FILE_NAME, "in?oi*ce\\.exe"),
    ]
    entries += [entry(T.FILE_NAME, name, description=name) for name in (*FORMULAS, *NASTY)]
    entries += [entry(kind, name) for kind in (T.DOMAIN, T.IPV4, T.SHA256) for name in HOSTILE_NAMES]
    return [page(entries), page([entry(T.DOMAIN, "watch.example.net")], Action.WATCH)]


def flat(document: dict[str, object], before: str = "") -> dict[str, object]:
    """Dotted names of all leaves."""
    found: dict[str, object] = {}
    for name, value in document.items():
        found |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def test_splunk_look_ups_have_the_documented_headers(tmp_path: Path) -> None:
    """Each file has exactly the header that Splunk's manual names; each value stands unchanged in its own column."""
    report = export(values(), "splunk", gate=home_gate(), target=tmp_path / "s", at=AT, include_watch=True)
    rows = {}
    for name, header in HEADERS.items():
        text = (tmp_path / "s" / name).read_text("utf-8")
        assert text.splitlines()[0] == ",".join(header)
        rows[name] = list(csv.DictReader(text.splitlines(keepends=True)))
    assert sum(map(len, rows.values())) == report.written
    assert rows["domain_intel.csv"][0]["domain"] == "evil.example.net"
    assert 'said "so",  then left' in rows["domain_intel.csv"][0]["description"]
    assert [row["weight"] for row in rows["domain_intel.csv"] if row["domain"] == "watch.example.net"] == ["30"]
    assert {row["url"] for row in rows["http_intel.csv"]} == {'http://evil.example.net/a,b?c="d"'}
    assert {row["ip"] for row in rows["ip_intel.csv"]} >= {"203.0.113.77", "2001:db8:bbbb::1", "198.51.100.0/26"}
    assert re.fullmatch(r"Seawall block until 2026-\S+ undo [0-9a-f]{16}: .*", rows["ip_intel.csv"][0]["description"])


def test_a_look_up_leaves_out_what_it_would_have_to_alter(tmp_path: Path) -> None:
    """A formula, a wildcard that would match everything, a line break and an overlong value are left out by rule."""
    bad = [*FORMULAS, "*", "inv*.exe", "a\nb", "x" * 9_000]
    pages = page([entry(T.FILE_NAME, name) for name in bad])
    report = export([pages], "splunk", gate=home_gate(), target=tmp_path / "s", at=AT)
    assert report.written == 0
    assert report.left_out_by_rule == {"format": 5, "formula": 5}
    assert len((tmp_path / "s" / "file_intel.csv").read_text().splitlines()) == 1


def test_elastic_documents_hold_ecs_fields_and_our_own_only() -> None:
    """Every line is one document; every field is one of ECS 8.17 with its type, or stands under seawall."""
    text, report = exported("elastic", *values(), include_watch=True)
    lines = text.decode("utf-8").splitlines()
    assert len(lines) == report.written
    for document in map(json.loads, lines):
        for name, value in flat(document).items():
            if not name.startswith("seawall."):
                assert isinstance(value, ECS_TYPES[name]), name
                assert not isinstance(value, str) or len(value) <= 1_024
        assert document["threat"]["indicator"]["type"] in ECS_INDICATORS
        assert (document["event"]["kind"], document["event"]["type"]) == ("enrichment", ["indicator"])
        assert document["seawall"]["expires_at"] > document["@timestamp"]
    assert report.left_out_by_rule["type"] == 1  # ECS has no field for a network
    assert {json.loads(line)["threat"]["indicator"].get("file", {}).get("name") for line in lines} >= {
        'a,"b".exe', "報告.exe", "$(rm -rf ~).exe", "=cmd|' /C calc'!A0",
    }  # fmt: skip


def test_sigma_rules_are_read_by_pysigma_and_by_us() -> None:
    """pySigma finds no error and its validators no issue of weight; we can import our own rules again."""
    text, report = exported("sigma", *values(), include_watch=True)
    rules: Any = SigmaCollection.from_yaml(text.decode())
    assert not rules.errors
    validators: Any = InstalledSigmaPlugins.autodiscover().validators
    wanted = ("identifier_existence", "identifier_uniqueness", "identifier_collision", "dangling_detection",
              "invalid_modifier_combinations", "control_character", "statusexistence", "dateexistence")  # fmt: skip
    issues = SigmaValidator([validators[name] for name in wanted if name in validators]).validate_rules(rules)
    assert issues == []
    found = read_sigma(text)
    assert (len(found.objects), found.rejected) == (len(rules.rules), [])
    assert report.left_out_by_rule["type"] == 1  # no rule for an address of mail
    assert text.decode().count(" undo ") >= report.written
    assert "\ufffe" not in text.decode()


def test_a_sigma_value_is_no_wildcard() -> None:
    """Stars, question marks and backslashes of a value are looked for as themselves, in every language."""
    pages = page([entry(T.FILE_NAME, "in?oi*ce\\.exe")])
    text, _ = exported("sigma", pages)
    rule: Any = SigmaCollection.from_yaml(text.decode()).rules[0]
    [item] = rule.detection.detections["file"].detection_items
    assert list(item.value[0].s) == [SpecialChars.WILDCARD_MULTI, "\\in?oi*ce\\.exe"]
    lucene, _ = exported("sigma-lucene", pages)
    assert rb"\\in\?oi\*ce" in lucene


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_queries_name_every_value_once_a_field(language: str) -> None:
    """Each back-end makes one line a query, under a heading that says what it asks; hostile values break none."""
    text, report = exported(language, *values(), include_watch=True)
    lines = [line for line in text.decode("utf-8").splitlines() if line]
    headings = [line for line in lines if line.startswith("# ")]
    assert len(lines) == 2 * len(headings) - 1  # the first heading is the file's own
    assert sum("evil.example.net" in line for line in lines) >= 3
    assert report.written > 10


def test_spl_expands_no_macro_of_an_attacker() -> None:
    """No backtick stands in a Splunk query."""
    text, report = exported("sigma-splunk", page([entry(T.FILE_NAME, "`delete_all`.exe"), entry(T.FILE_NAME, "a.exe")]))
    assert b"`" not in text
    assert (report.written, report.left_out_by_rule) == (1, {"format": 1})


def test_kql_asks_nothing_that_never_matches() -> None:
    """A field is never a text constant, and an IPv6 network is left out, for the back-end asks it as one of IPv4."""
    networks = [entry(T.CIDR, "2001:db8:cccc::/48"), entry(T.CIDR, "198.51.100.0/26")]
    text, report = exported("sigma-kusto", page([*networks, entry(T.URL, "http://evil.example.net/a")]))
    assert b'c_uri =~ "http://evil.example.net/a"' in text
    assert b"2001:db8" not in text
    assert report.left_out_by_rule == {"format": 1}


def test_without_pysigma_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The export names the extra and leaves nothing behind; every other export works."""
    monkeypatch.setitem(sys.modules, "sigma.backends.splunk", None)
    with pytest.raises(Fault, match=r"E-PROTECT-130.*seawall\[sigma\]"):
        export(values(), "sigma-splunk", gate=home_gate(), target=tmp_path / "q.txt", at=AT)
    assert list(tmp_path.iterdir()) == []
    exported("sigma", *values())


def test_long_lists_fill_several_rules() -> None:
    """A rule holds five hundred values; ids are the same in the next export, so that it replaces these rules."""
    many = page([entry(T.DOMAIN, f"h{number}.evil.example.net", number=number) for number in range(1_001)])
    text, _ = exported("sigma", many)
    ids = re.findall(r'^id: "(.*)"$', text.decode(), re.MULTILINE)
    assert (len(ids), len(set(ids))) == (6, 6)
    again, _ = exported("sigma", many)
    assert again == text


@pytest.mark.parametrize("kind", [T.DOMAIN, T.IPV4, T.IPV6, T.CIDR, T.SHA256, T.URL, T.EMAIL])
@pytest.mark.parametrize("to", ["nginx", "unbound", "yara", "elastic", "sigma"])
def test_hostile_values_add_no_line(to: str, kind: ObservableType) -> None:
    """No hostile value adds more to a one-file export than one that was written."""
    clean, _ = exported(to)
    dirty, report = exported(to, page([entry(kind, name) for name in HOSTILE_NAMES if "rpz" not in name]))
    if report.written == 0:
        assert len(dirty.splitlines()) == len(clean.splitlines())
    assert kind is T.URL or kind is T.EMAIL or report.written == 0
