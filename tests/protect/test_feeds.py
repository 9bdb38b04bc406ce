"""The feeds as text: what stands in each file, whatever attackers put into the values."""

from __future__ import annotations

import base64
import csv
import io
import re
from pathlib import Path

import pytest

from protect.scenes import AT, DAY, HOSTILE_NAMES, T, entry, exported, home_gate, page
from seawall.model import Fault
from seawall.protect import Action, export
from seawall.protect.feeds.suricata import FILES


def test_rpz_lists_the_name_and_all_below() -> None:
    """A blocked name gets a record for itself and one for every name below; the serial is the moment in seconds."""
    text, report = exported("rpz", page([entry(T.DOMAIN, "evil.example.net")]))
    lines = text.decode("ascii").splitlines()
    assert f" {AT // 1_000_000} " in lines[2]
    assert any(line.startswith("evil.example.net CNAME . ; until 2026-04-13T00:00:00.000000Z undo ") for line in lines)
    assert "*.evil.example.net CNAME ." in lines
    assert report.blocks == 1
    assert report.first_expiry == AT + 30 * DAY


def test_rpz_names_only_the_topmost() -> None:
    """Below a blocked name stands nothing, whichever came first: a longer one would open a hole in the block."""
    names = ["deep.mid.evil.example.net", "evil.example.net", "other.example.net", "mid.evil.example.net"]
    text, report = exported("rpz", page([entry(T.DOMAIN, name) for name in names]))
    assert [line.split()[0] for line in text.decode("ascii").splitlines()[4:]] == [
        "evil.example.net", "*.evil.example.net", "other.example.net", "*.other.example.net",
    ]  # fmt: skip
    assert report.left_out_by_rule == {"covered": 2}


def test_rpz_leaves_out_what_would_mean_something_else() -> None:
    """A name that a policy zone reads as a trigger, and one too long with the zone's name, are left out by rule."""
    long_name = ".".join(["a" * 60] * 4)
    _, report = exported(
        "rpz", page([entry(T.DOMAIN, "32.1.0.0.127.rpz-ip"), entry(T.DOMAIN, long_name), entry(T.IPV4, "203.0.113.77")])
    )
    assert report.left_out_by_rule == {"reserved": 1, "too-long": 1, "type": 1}
    assert report.written == 0


def test_watch_entries_stay_out_unless_asked_for() -> None:
    """Watch entries are left out with a reason; with include_watch RPZ passes them through, nftables has a comment."""
    watched = page([entry(T.DOMAIN, "evil.example.net")], Action.WATCH)
    text, report = exported("rpz", watched)
    assert b"evil" not in text
    assert report.left_out_by_rule == {"watch-only": 1}
    text, report = exported("rpz", watched, include_watch=True)
    assert b"\nevil.example.net CNAME rpz-passthru. ; until" in text
    assert b"CNAME .\n" not in text
    assert (report.blocks, report.watches) == (0, 1)
    text, _ = exported("nftables", page([entry(T.IPV4, "203.0.113.77")], Action.WATCH), include_watch=True)
    assert b"# watch 203.0.113.77 until" in text
    assert b"add element" not in text


def test_nftables_gives_each_element_its_own_timeout() -> None:
    """IPv4, IPv6 and networks go to their own sets with seconds to live; a network inside another is named."""
    text, report = exported(
        "nftables",
        page(
            [
                entry(T.IPV4, "203.0.113.77", valid_until=AT + 3_600_000_000),
                entry(T.IPV6, "2001:db8:bbbb::1"),
                entry(T.CIDR, "198.51.100.16/28"),
                entry(T.CIDR, "198.51.100.0/26"),
                entry(T.CIDR, "2001:db8:cccc::/48"),
            ]
        ),
    )
    lines = text.decode("ascii").splitlines()
    assert "add element inet seawall block4 { 203.0.113.77 timeout 3600s }" in lines
    assert "add element inet seawall block6 { 2001:db8:bbbb::1 timeout 604800s }" in lines
    assert "add element inet seawall net4 { 198.51.100.0/26 timeout 259200s }" in lines
    assert report.left_out_by_rule == {"covered": 1}
    assert report.left_out[0].detail == "198.51.100.0/26"
    assert report.by_type == {"cidr": 2, "ipv4": 1, "ipv6": 1}


def test_suricata_names_travel_as_base64(tmp_path: Path) -> None:
    """Names stand in the dataset in base64, never inside a rule; every rule has its own number for ever."""
    pages = [
        page([entry(T.DOMAIN, "evil.example.net"), entry(T.SHA256, "AB" * 32), entry(T.CIDR, "198.51.100.0/26")]),
        page([entry(T.IPV6, "2001:db8:bbbb::1")], Action.WATCH),
    ]
    export(pages, "suricata", gate=home_gate(), target=tmp_path / "s", at=AT, include_watch=True)
    assert {path.name for path in (tmp_path / "s").iterdir()} == set(FILES)
    assert base64.b64decode((tmp_path / "s" / "block-domain.lst").read_bytes()) == b"evil.example.net"
    assert (tmp_path / "s" / "block-sha256.lst").read_text() == "ab" * 32 + "\n"
    assert (tmp_path / "s" / "watch-ip.lst").read_text() == "2001:db8:bbbb::1\n"
    rules = (tmp_path / "s" / "seawall.rules").read_text()
    assert "evil" not in rules
    assert "drop ip [198.51.100.0/26] any <> any any" in rules
    sids = re.findall(r"sid:(\d+)", rules)
    assert len(sids) == len(set(sids))


@pytest.mark.parametrize(
    "value", ["=HYPERLINK('x')", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=cmd|' /C calc'!A0", "|calc", "%0"]
)
def test_csv_holds_no_formula(value: str) -> None:
    """A value or description that a spreadsheet would run gets an apostrophe in front, and stays on one line."""
    text, _ = exported("csv", page([entry(T.FILE_NAME, value, description=value)]))
    assert text.count(b"\r\n") == 2
    (row,) = csv.DictReader(io.StringIO(text.decode("utf-8"), newline=""))
    assert row["value"].startswith("'")
    assert row["reason"].startswith("'")


def test_csv_keeps_ordinary_values_as_they_are() -> None:
    """Values, times and the undo name can be read back by a machine."""
    text, _ = exported("csv", page([entry(T.URL, 'http://evil.example.net/a,b?c="d"', description="스피어피싱 釣魚")]))
    (row,) = csv.DictReader(io.StringIO(text.decode("utf-8"), newline=""))
    assert row["value"] == 'http://evil.example.net/a,b?c="d"'
    assert row["reason"] == "스피어피싱 釣魚"
    assert row["expires_at"] == "2026-03-28T00:00:00.000000Z"
    assert re.fullmatch(r"[0-9a-f]{16}", row["undo"])


@pytest.mark.parametrize("to", ["rpz", "nftables", "csv"])
def test_hostile_names_add_no_line(to: str) -> None:
    """No hostile name adds a line, a statement or a record to a one-file export."""
    clean, _ = exported(to)
    entries = [entry(T.DOMAIN, name, number=number) for number, name in enumerate(HOSTILE_NAMES)]
    entries += [entry(T.IPV4, name, number=100 + number) for number, name in enumerate(HOSTILE_NAMES)]
    dirty, report = exported(to, page(entries), page(entries, Action.WATCH), include_watch=True)
    assert dirty.count(b"\n") - clean.count(b"\n") == report.written
    assert report.written == (2 if to == "csv" else 0)  # the CSV carries the name that only RPZ must refuse


def test_unknown_export_and_standard_output_for_a_folder() -> None:
    """An unknown --to names the known ones; a folder export to a stream says what to do."""
    with pytest.raises(Fault, match=r"E-PROTECT-005.*csv, elastic, .*nftables, .*rpz, "):
        exported("iptables")
    with pytest.raises(Fault, match="E-PROTECT-003"):
        exported("suricata")


def test_a_zone_name_cannot_smuggle_records() -> None:
    """The zone's name is checked before anything is written."""
    with pytest.raises(Fault, match="E-PROTECT-006"):
        export([], "rpz", gate=home_gate(), target=io.BytesIO(), at=AT, zone="x\n$INCLUDE /etc/passwd")
