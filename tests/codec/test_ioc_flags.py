"""What reports mention by mistake is flagged with its reason."""

from __future__ import annotations

from collections import Counter

import pytest

import realdata
from seawall.codec.html_text import without_tags
from seawall.codec.ioc_text import Mention, extract, read_text
from seawall.model import Observable


def mentions(text: str) -> dict[str, str | None]:
    """Value -> flag."""
    return {found.value: found.flagged for found in extract(text.splitlines(keepends=True))}


@pytest.mark.parametrize(
    ("text", "value", "flag"),
    [
        ("They came from 203.0.113.7 at night.", "203.0.113.7", None),
        ("The tool, version 4.2.0.17, is old.", "4.2.0.17", "version-number"),
        ("It runs Chrome 91.0.44.124 on it.", "91.0.44.124", "version-number"),
        ("the router at 192.168.1.1 was", "192.168.1.1", "private-address"),
        ("the range 10.0.0.0/8 was used", "10.0.0.0/8", "private-address"),
        ("and fe80::1 on the link here", "fe80::1", "private-address"),
        ("see http://127.0.0.1:8080/x for it", "http://127.0.0.1:8080/x", "private-address"),
        ("as https://attack.mitre.org/T1 says", "https://attack.mitre.org/T1", "well-known-site"),
        ("they wrote on twitter.com about it", "twitter.com", "well-known-site"),
        ("it calls System.Net and others then", "system.net", "file-name"),
        ("compiled from main.rs with love now", "main.rs", "file-name"),
        ("MD5 d41d8cd98f00b204e9800998ecf8427e of it", "d41d8cd98f00b204e9800998ecf8427e", "empty-file-hash"),
        (f"SHA-1 {'0' * 40} in the header", "0" * 40, "placeholder"),
        ("C2 evil[.]com and www.eset.com said so", "www.eset.com", "well-known-site"),
        ("C2 evil[.]com and author.org said so", "author.org", "not-defanged"),
        ("C2 evil[.]com and author.org said so", "evil.com", None),
        ("payload on hxxps://raw.githubusercontent[.]com/x/y.ps1", "https://raw.githubusercontent.com/x/y.ps1", None),
        ("version 4[.]2[.]0[.]17 of it they say", "4.2.0.17", None),
    ],
)
def test_a_mention_has_its_flag(text: str, value: str, flag: str | None) -> None:
    """What is defanged is meant; what is not is judged by itself and the words before it."""
    assert mentions(text)[value] == flag


def test_a_node_adds_what_only_it_knows() -> None:
    """Its own ranges and warninglists are asked last, for lists and reports alike."""
    asked: list[str] = []

    def screen(found: Observable) -> str | None:
        asked.append(found.value)
        return "own-asset" if found.value == "203.0.113.7" else None

    report = "They met 203.0.113.7 and 10.1.1.1 there.\n"
    assert {found.value: found.flagged for found in extract([report], screen)} == {
        "203.0.113.7": "own-asset", "10.1.1.1": "private-address",
    }  # fmt: skip
    assert asked == ["203.0.113.7"]
    assert [found.flagged for found in extract(["203.0.113.7\n"], screen)] == ["own-asset"]


def test_an_import_leaves_flagged_values_out_and_tells_them() -> None:
    """Only from reports: a list means what it says."""
    told: list[Mention] = []
    rows = list(read_text(["Seen: 203.0.113.7 and 10.1.1.1 there.\n"], on_flagged=told.append))
    assert [getattr(row, "value", None) for row in rows] == ["203.0.113.7"]
    assert [(found.value, found.line, found.flagged) for found in told] == [("10.1.1.1", 1, "private-address")]
    assert len(list(read_text(["10.1.1.1\n", "10.1.1.2\n"], on_flagged=told.append))) == 2


def test_web_pages_lose_their_tags_and_keep_their_lines() -> None:
    """Scripts, styles, comments and attributes are no text; values with tags inside stay whole."""
    page = (
        "<!DOCTYPE html>\n<html><head><style>a{b:url(http://203.0.113.1/)}</style>\n"
        "<script>if (a<b) { x('203.0.113.2') }</script></head>\n<body><!-- 203.0.113.3\n 203.0.113.4 -->\n"
        '<a href="http://203.0.113.5/">evil<wbr>[.]com</a><td>203.0.113[.]6</td><td>bad[&#46;]org</td>\n'
    )
    assert [(found.value, found.line) for found in extract(page.splitlines(keepends=True))] == [
        ("evil.com", 6), ("203.0.113.6", 6), ("bad.org", 6),
    ]  # fmt: skip
    assert "".join(without_tags(["1 < 2 &amp; 3 &gt; 2 <b>x</b>\n"])) == "1 < 2 & 3 > 2 x\n"


@pytest.mark.parametrize(
    "text",
    [
        "a" + ")" * 1_000_000 + "x",
        "<" * 1_000_000,
        "<html>" + "<a " * 300_000,
        "<html>" + "<!--" * 200_000,
        "&" * 1_000_000,
        "[.]" * 300_000,
        "hxxp" * 250_000,
        "1." * 500_000,
        "\x1b[31mevil[.]com\x1b[0m\0 =cmd|' /C calc'!A0 @x\n",
    ],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """Marks without end, tags without end, half-defanged text: nothing is made up, and nothing hangs."""
    assert all(one.value in text for one in extract([text]))


def test_real_reports() -> None:
    """ESET's reports: nearly everything they defang counts, and their own links are flagged."""
    kinds: Counter[str] = Counter()
    for path in realdata.folder("iocs-eset").rglob("*.adoc"):
        for found in extract(path.read_text("utf-8", "replace").splitlines(keepends=True)):
            kinds[f"{found.defanged} {found.flagged}"] += 1
    assert kinds["True None"] > 100
    assert sum(count for kind, count in kinds.items() if kind.startswith("True") and kind != "True None") <= 3
    assert kinds["False not-defanged"] + kinds["False well-known-site"] > 20
