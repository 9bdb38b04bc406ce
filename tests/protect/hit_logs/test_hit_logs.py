"""Lines of real tools, as what was met; hostile lines as nothing."""

from __future__ import annotations

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from seawall.model import Observable, ObservableType
from seawall.protect.hit_logs import HIT_LOGS, Met

NOW = 1_795_370_400_000_000  # 2026-11-22T18:00:00Z
HOUR = 3_600_000_000
T = ObservableType
BIND = (
    "22-Nov-2026 17:00:00.000 rpz: info: client @0x7f4c5c0168 192.0.2.7#40000 (a.bad.example.net): "
    "rpz QNAME NXDOMAIN rewrite a.bad.example.net/A/IN via *.bad.example.net.rpz.seawall"
)
UNBOUND = (
    "[1795366800] unbound[123:0] info: rpz: applied [seawall] *.bad.example.net. rpz-nxdomain "
    "192.0.2.7@40000 a.bad.example.net. A IN"
)
POSTFIX = (
    "Nov 22 17:00:00 mx postfix/smtpd[99]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 554 5.7.1 <a@bad.example.net>: "
    "Sender address rejected: Seawall directive 0f3a6c1e9b2d4f58 until 2026-12-01T00:00:00.000000Z; from=<a@b>"
)


def read(kind: str, line: str, zone: str = "UTC") -> Met | None:
    """What the reader says."""
    return HIT_LOGS[kind].read(line, NOW, UTC if zone == "UTC" else ZoneInfo(zone))


@pytest.mark.parametrize("line", [BIND, UNBOUND])
def test_a_resolvers_line_names_the_zones_entry(line: str) -> None:
    """The trigger is the name; the zone behind it need not be known; the one who asked is nowhere."""
    met = read("rpz", line)
    assert met is not None
    assert met.at == NOW - HOUR
    assert Observable(T.DOMAIN, "bad.example.net") in met.values
    assert not any("192.0.2.7" in value.value for value in met.values)


def test_times_without_a_zone_are_the_nodes() -> None:
    """BIND and classic syslog write local time; a syslog date that lies ahead is last year's."""
    assert read("rpz", BIND, "Asia/Taipei") == Met(NOW - 9 * HOUR, values=read("rpz", BIND).values)  # type: ignore[union-attr]
    named = read("named", POSTFIX)
    assert named == Met(NOW - HOUR, undo_id="0f3a6c1e9b2d4f58")
    late = read("named", POSTFIX.replace("Nov 22", "Dec 31"))
    assert late is not None and late.at is not None and late.at < NOW - 300 * 24 * HOUR


def test_suricata_tells_our_own_alerts_only() -> None:
    """Names, digests and addresses of an alert of ours; another's rule, another event and broken lines are nothing."""
    event = {
        "timestamp": "2026-11-22T17:00:00.000000+0000", "event_type": "alert", "src_ip": "10.0.0.5",
        "dest_ip": "203.0.113.7", "alert": {"signature_id": 1_770_000, "action": "blocked"},
        "dns": {"query": [{"rrname": "Bad.Example.net"}]}, "files": [{"sha256": "AB" * 32}],
    }  # fmt: skip
    met = read("suricata", json.dumps(event))
    assert met is not None
    assert met.at == NOW - HOUR
    assert {value.value for value in met.values} == {"bad.example.net", "ab" * 32, "10.0.0.5", "203.0.113.7"}
    assert read("suricata", json.dumps(event | {"alert": {"signature_id": 2_000_001}})) is None
    assert read("suricata", json.dumps(event | {"event_type": "dns", "note": "alert"})) is None
    assert read("suricata", json.dumps(event)[:-9]) is None
    assert read("suricata", json.dumps(event | {"dns": "alert"})) is None


@pytest.mark.parametrize("kind", list(HIT_LOGS))
@pytest.mark.parametrize(
    "line",
    ["", "\x00" * 100, "[" * 9_000, '{"alert":' * 5_000, "rpz: applied", "via via via", "seawall 0f3a", "\udc80 alert",
     "[99999999999] seawall_block_" + "f" * 17, "99-Foo-2026 99:99:99.999 x", "seawall_block_" + "g" * 16],
)  # fmt: skip
def test_hostile_lines_are_nothing(kind: str, line: str) -> None:
    """No line makes a reader raise."""
    assert read(kind, line) is None
