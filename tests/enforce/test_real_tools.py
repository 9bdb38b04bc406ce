"""Every export is taken by the tool it is for, hostile values and all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from protect.scenes import AT, HOSTILE_NAMES, T, entry, home_gate, page
from realdata import folder
from seawall.model import ObservableType
from seawall.model.indicator import IndicatorEntry
from seawall.protect import Action, ExportReport, Page, export

SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """The finished command, output captured, without a shell."""
    return subprocess.run([str(part) for part in command], env={"PATH": SBIN}, capture_output=True, text=True)


def hostile_mixture() -> list[Page]:
    """Good values of every type among hostile ones, to block and to watch, and a few for each other action."""
    entries: list[IndicatorEntry] = [
        entry(T.DOMAIN, "evil.example.net"),
        entry(T.DOMAIN, "xn--fiqs8s.example"),
        entry(T.DOMAIN, "_dmarc.evil-2.example.net"),
        entry(T.IPV4, "203.0.113.77"),
        entry(T.IPV4, "203.0.113.78"),
        entry(T.IPV6, "2001:db8:bbbb::1"),
        entry(T.CIDR, "198.51.100.0/26"),
        entry(T.CIDR, "198.51.100.16/28"),
        entry(T.CIDR, "198.51.100.64/26"),
        entry(T.CIDR, "2001:db8:cccc::/48"),
        entry(T.SHA256, "ab" * 32),
        entry(T.MD5, "cd" * 16),
        entry(T.URL, "http://evil.example.net/a;b"),
    ]
    for kind in (T.DOMAIN, T.IPV4, T.IPV6, T.CIDR, T.SHA256, T.MD5):
        entries += [entry(kind, name, description=name) for name in HOSTILE_NAMES]
    watched = [entry(T.DOMAIN, "watch.example.net"), entry(T.IPV4, "203.0.113.79"), entry(T.CIDR, "192.0.2.128/25")]
    led = [entry(T.DOMAIN, "led.example.net"), entry(T.IPV4, "203.0.113.80")]
    slowed = [entry(T.DOMAIN, "slow.example.net"), entry(T.IPV4, "203.0.113.81"), entry(T.CIDR, "192.0.2.64/26")]
    alerted = [
        entry(T.DOMAIN, "alert.evil.example.net"),
        entry(T.IPV4, "203.0.113.82"),
        entry(T.CIDR, "203.0.113.128/26"),
    ]
    return [
        page(entries),
        page(watched, Action.WATCH),
        page(led, Action.SINKHOLE),
        page(slowed, Action.RATE_LIMIT),
        page(alerted, Action.ALERT),
    ]


def mixed_export(to: str, target: Path) -> ExportReport:
    """The hostile mixture, written for one tool."""
    sinkhole = ("192.0.2.200", "2001:db8::200")
    return export(hostile_mixture(), to, gate=home_gate(), target=target, at=AT, include_watch=True, sinkhole=sinkhole)


@pytest.mark.tool("named-checkzone")
def test_bind_takes_the_zone(tmp_path: Path) -> None:
    """named-checkzone loads the zone, with the serial of the export's moment."""
    report = mixed_export("rpz", tmp_path / "zone")
    done = run("named-checkzone", "-i", "local", "rpz.seawall", tmp_path / "zone")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"loaded serial {AT // 1_000_000}" in done.stdout
    assert "OK" in done.stdout
    assert (report.blocks, report.watches, report.by_action) == (
        4,
        2,
        {"block": 3, "sinkhole": 1, "alert": 1, "watch": 1},
    )
    assert report.left_out_by_rule["covered"] == 1  # an alert below a blocked name would open a hole


@pytest.mark.tool("named-checkzone")
def test_bind_keeps_every_name(tmp_path: Path) -> None:
    """What BIND read is exactly the names we meant, each with the names below it."""
    mixed_export("rpz", tmp_path / "zone")
    done = run("named-checkzone", "-i", "local", "-D", "-o", tmp_path / "out", "rpz.seawall", tmp_path / "zone")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "out").read_text().splitlines()
    owners = {line.split()[0] for line in lines if line.endswith("CNAME\t.")}
    assert {line.split()[0] for line in lines if line.endswith(("\t192.0.2.200", "\t2001:db8::200"))} == {
        "led.example.net.rpz.seawall.",
        "*.led.example.net.rpz.seawall.",
    }
    assert {line.split()[0] for line in lines if line.endswith("rpz-passthru.")} == {
        f"{prefix}{name}.example.net.rpz.seawall." for name in ("slow", "watch") for prefix in ("", "*.")
    }
    names = ("evil.example.net", "xn--fiqs8s.example", "_dmarc.evil-2.example.net")
    assert owners == {f"{prefix}{name}.rpz.seawall." for name in names for prefix in ("", "*.")}


@pytest.mark.tool("nft")
def test_nftables_takes_the_file(tmp_path: Path) -> None:
    """nft -c accepts the whole transaction."""
    report = mixed_export("nftables", tmp_path / "file.nft")
    done = run("nft", "-c", "-f", tmp_path / "file.nft")
    assert done.returncode == 0, done.stderr
    assert report.left_out_by_rule["covered"] == 1
    assert report.by_action == {"block": 7, "rate-limit": 2, "alert": 2, "watch": 2}


@pytest.mark.tool("nft")
@pytest.mark.tool("unshare")
def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    """In a network namespace of its own, a second load leaves the same sets, each element with its time to live."""
    file = tmp_path / "file.nft"
    mixed_export("nftables", file)
    script = f"nft -f {file} && nft -s list ruleset && echo ---- && nft -f {file} && nft -s list ruleset"
    done = run("unshare", "--user", "--map-root-user", "--net", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split("----\n")
    assert first == second
    assert "203.0.113.77 timeout 7d" in first
    assert "2001:db8:cccc::/48 timeout 3d" in first
    assert "limit rate over 10/second burst 20 packets" in first and 'log prefix "seawall-alert: "' in first


@pytest.mark.tool("suricata")
def test_suricata_takes_the_folder(tmp_path: Path) -> None:
    """suricata -T loads every rule and dataset without one error or warning of ours."""
    report = mixed_export("suricata", tmp_path / "s")
    done = suricata(tmp_path, "-T")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "Error" not in said and "E: " not in said, said
    assert "unknown classtype" not in said
    assert report.by_type["sha256"] == 1


@pytest.mark.tool("suricata")
@pytest.mark.parametrize(
    ("case", "kind", "value", "sid"),
    [
        ("bug-2158", T.DOMAIN, "softupdates.info", 1_770_000),
        ("bug-7264-tcp-3whs-ack-data-tls-01", T.DOMAIN, "raw.githubusercontent.com", 1_770_001),
        ("output-eve-fileinfo", T.DOMAIN, "www.eicar.org", 1_770_002),
        ("bug-6207-2", T.SHA256, "73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049", 1_770_004),
        ("output-eve-fileinfo", T.IPV4, "188.40.238.250", 1_770_009),
        ("output-eve-fileinfo", T.CIDR, "188.40.238.0/24", 1_771_000),
    ],
)
def test_suricata_finds_what_was_exported(
    tmp_path: Path, case: str, kind: ObservableType, value: str, sid: int
) -> None:
    """On a real capture, the listed value raises our rule, and a list without it raises nothing."""
    capture = folder("suricata-verify") / case / "input.pcap"
    assert sid in sids_raised(tmp_path / "listed", kind, value, capture)
    assert sids_raised(tmp_path / "unlisted", T.DOMAIN, "absent.example.net", capture) == set()


def sids_raised(tmp_path: Path, kind: ObservableType, value: str, capture: Path) -> set[int]:
    """The numbers of the rules that Suricata raised on ``capture`` with only this value exported."""
    tmp_path.mkdir()
    export([page([entry(kind, value)])], "suricata", gate=home_gate(), target=tmp_path / "s", at=AT)
    done = suricata(tmp_path, "-r", str(capture))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (tmp_path / "log" / "eve.json").read_text().splitlines()]
    return {event["alert"]["signature_id"] for event in events if event["event_type"] == "alert"}


def suricata(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Suricata over the exported folder, its log in a folder of its own."""
    (tmp_path / "log").mkdir(exist_ok=True)
    folder = tmp_path / "s"
    return run(
        "suricata", *options, "-v", "-c", "/etc/suricata/suricata.yaml", "-S", folder / "seawall.rules",
        "-l", tmp_path / "log", "-k", "none",
        "--set", f"default-rule-path={folder}", "--set", f"classification-file={folder / 'classification.config'}",
    )  # fmt: skip
