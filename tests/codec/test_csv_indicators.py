"""Indicator CSV: our own header, vendors' headers, no header, and damage."""

from __future__ import annotations

import csv
import io

import pytest

import realdata
from seawall.codec.csv_indicators import read_csv
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.losses import LossCounter
from seawall.model import ObservableType, Tlp


def rows(text: str) -> tuple[list[IndicatorRow], list[Rejected], LossCounter]:
    """What a CSV yields."""
    losses = LossCounter()
    found = list(read_csv(io.StringIO(text, newline=""), losses))
    good = [row for row in found if isinstance(row, IndicatorRow)]
    return good, [row for row in found if isinstance(row, Rejected)], losses


def pairs(good: list[IndicatorRow]) -> list[tuple[str, str]]:
    """Type and value only."""
    return [(row.type.value, row.value) for row in good]


def test_all_columns_of_our_own_header_are_read() -> None:
    """In any order of columns, with a byte order mark and a semicolon."""
    good, bad, losses = rows(
        "\ufefftype;value;id;campaign;description;confidence;tlp;valid_from;valid_until;source\r\n"
        "domain;Evil[.]example;77;Green Wave;C2;85;TLP:GREEN;2026-03-01;2026-04-01T00:00:00Z;vendor-x\r\n"
    )
    assert (bad, losses.report()) == ([], [])
    (row,) = good
    assert row == IndicatorRow(
        ObservableType.DOMAIN, "evil.example", 2, "77", "Green Wave", "C2", 85, Tlp.GREEN,
        1_772_323_200_000_000, 1_775_001_600_000_000, "vendor-x",
    )  # fmt: skip


def test_a_bad_row_costs_only_itself() -> None:
    """Wrong value, wrong marking, missing column: each is rejected with its line."""
    good, bad, losses = rows(
        "type,value,tlp,confidence\nipv4,192.0.2.1,,\nipv4,nonsense,,\nipv4,192.0.2.2,purple,\nipv4\n"
        "ipv4,192.0.2.3,,very\nradar,beam,,\n,hxxp://a[.]example/,,\n"
    )
    assert [row.value for row in good] == ["192.0.2.1", "192.0.2.3", "http://a.example/"]
    assert [row.index for row in bad] == [3, 4, 5, 7]
    assert "no TLP level" in bad[1].reason
    assert [loss.kind for loss in losses.report()] == ["csv:confidence"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("value,entity_type\n1.2.3[.]4,ipaddress\n", [("ipv4", "1.2.3.4")]),
        (f'value,type,notes\n"{"a" * 32},{"b" * 40}",file,x\n', [("md5", "a" * 32), ("sha1", "b" * 40)]),
        (f"md5, sha1\n{'a' * 32}, {'b' * 40}\n", [("md5", "a" * 32), ("sha1", "b" * 40)]),
        ("Indicator\tType\nevil.example\tHostname\n", [("domain", "evil.example")]),
        ("evil.com,first seen\n192.0.2.1,x\n", [("domain", "evil.com"), ("ipv4", "192.0.2.1")]),
        ("# a comment\ntype,value\nmd5," + "c" * 32 + "\n", [("md5", "c" * 32)]),
    ],
)
def test_other_headers_are_understood(text: str, found: list[tuple[str, str]]) -> None:
    """Vendors' columns where recognisable, else each cell."""
    good, _, _ = rows(text)
    assert pairs(good) == found


def test_real_vendor_files_are_read() -> None:
    """29 files of eight years: all but two rows, which are really broken."""
    good = bad = 0
    for path in sorted(realdata.folder("iocs-volexity").glob("*.csv")):
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            for row in read_csv(lines, LossCounter()):
                good += isinstance(row, IndicatorRow)
                bad += isinstance(row, Rejected)
    assert (good, bad) == (902, 2)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "#only a comment\n", "\0\0\0", 'type,value\n"ipv4', "type,value\n" + "x" * 2_000_000 + ",y\n"]
)
def test_hostile_text_never_raises(text: str) -> None:
    """Nothing, NUL bytes, an open quote, an endless cell."""
    good, _, _ = rows(text)
    assert good == []


def test_a_cell_too_long_is_rejected_and_the_rest_is_read() -> None:
    """The csv module's own bound is met without losing the file."""
    good, bad, _ = rows("type,value\nurl," + "x" * (1 << 21) + "\nipv4,192.0.2.1\n")
    assert (len(good), len(bad)) == (1, 1)


def test_a_formula_stays_text() -> None:
    """Spreadsheet formulas are data here."""
    out = io.StringIO()
    csv.writer(out).writerow(["=cmd|' /C calc'!A0", "file_name"])
    good, _, _ = rows("value,type\n" + out.getvalue())
    assert pairs(good) == [("file_name", "=cmd|' /C calc'!A0")]
