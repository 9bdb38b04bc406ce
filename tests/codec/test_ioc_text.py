"""Values out of lists and reports."""

from __future__ import annotations

from collections import Counter

import pytest

import realdata
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.ioc_text import read_text


def found(text: str) -> list[str]:
    """The values of a text."""
    return [row.value for row in read_text(text.splitlines(keepends=True)) if isinstance(row, IndicatorRow)]


def test_a_list_has_one_value_a_line() -> None:
    """Comments, blanks and hosts-file form allowed; a line without a value is rejected."""
    lines = "# C2\n192.0.2.1 # seen in May\n\nevil.com\n0.0.0.0 bad.com\n???\nhxxp://a[.]example/x\n".splitlines(True)
    rows = list(read_text(lines))
    assert [row.value for row in rows if isinstance(row, IndicatorRow)] == [
        "192.0.2.1", "evil.com", "bad.com", "http://a.example/x",
    ]  # fmt: skip
    assert [(row.index, row.id) for row in rows if isinstance(row, Rejected)] == [(6, "???")]


def test_a_report_gives_what_it_defangs_and_every_hash() -> None:
    """Links to the authors' own pages are not indicators."""
    report = (
        "Our blog https://www.example.com/post tells how the group (see example.org) used\n"
        "`evil[.]com`, +hxxps://bad[.]com/a.php+ and | 192.0.2[.]7 | besides 10.0.0.1;\n"
        f"SHA-1 `{'A' * 40}`. It exploits CVE-2021-44228 and drops setup.exe.\n"
    )
    assert found(report) == ["evil.com", "https://bad.com/a.php", "192.0.2.7", "a" * 40]


def test_a_report_without_defanging_gives_plain_values() -> None:
    """Then there is nothing else to go by."""
    assert found("The server 192.0.2.7 answered for\nevil.com and so on, they say.\n") == ["192.0.2.7", "evil.com"]


def test_prose_gives_nothing() -> None:
    """And no reject either."""
    assert list(read_text(["The quick brown fox.\n", "e.g. version 1.2, see below.\n"])) == []


def test_real_reports_and_lists() -> None:
    """ESET's ten groups: all hashes of the lists, and what the reports defang."""
    kinds: Counter[str] = Counter()
    for path in realdata.folder("iocs-eset").rglob("*"):
        if path.is_file() and path.suffix in (".sha256", ".adoc"):
            rows = list(read_text(path.read_text("utf-8", "replace").splitlines(keepends=True)))
            assert not [row for row in rows if isinstance(row, Rejected)]
            kinds.update(row.type.value for row in rows if isinstance(row, IndicatorRow))
    assert kinds["sha256"] > 807
    assert kinds["domain"] > 50
    assert kinds["ipv4"] > 40


@pytest.mark.parametrize(
    "name", ["lotusblossom_c2_domains.txt", "lotusblossom_c2_ips.txt", "lotusblossom_elise_hashes.txt"]
)
def test_real_plain_lists_lose_nothing(name: str) -> None:
    """Every line is a value."""
    lines = (realdata.folder("iocs-unit42") / name).read_text("utf-8").splitlines(keepends=True)
    rows = list(read_text(lines))
    assert len(rows) == sum(bool(line.strip()) for line in lines)
    assert all(isinstance(row, IndicatorRow) for row in rows)
