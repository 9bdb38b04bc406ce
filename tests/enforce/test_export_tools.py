"""Every further export is taken by its real tool's own checker, hostile values and all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from enforce.crowdsec import crowdsec
from enforce.proxies import free_port
from enforce.test_real_tools import hostile_mixture, run
from protect.scenes import AT, HOSTILE_NAMES, T, entry, home_gate, page
from realdata import folder
from seawall.model import ObservableType
from seawall.protect import Action, ExportReport, Page, export

SAID = (
    '"',
    "\\",
    '\\" condition: true } rule x {',
    "a\nb\r\nc",
    "*/ // {{ }}",
    "=cmd",
    "\x00\x1b[2J",
    "釣魚 피싱",
    "\udc80",
)


def mixture() -> list[Page]:
    """The hostile mixture with URLs, addresses of mail and digests on top, good and hostile."""
    entries = [
        entry(T.URL, "http://evil.example.net/a/b.bin"),
        entry(T.URL, "https://evil.example.net/a?b=c"),
        entry(T.URL, 'http://evil.example.net/";}/x'),
        entry(T.EMAIL, "boss@evil.example.net"),
        entry(T.EMAIL, '"a b"@evil.example.net'),
        entry(T.EMAIL, "#c@evil.example.net"),
        entry(T.SHA1, "ef" * 20),
    ]
    entries += [entry(kind, name, description=name) for kind in (T.URL, T.EMAIL, T.SHA1) for name in HOSTILE_NAMES]
    entries += [entry(T.DOMAIN, f"said{number}.evil.example.net", description=text) for number, text in enumerate(SAID)]
    return [*hostile_mixture(), page(entries), page([entry(T.URL, "http://watch.example.net/")], Action.WATCH)]


def exported(to: str, target: Path) -> ExportReport:
    """The mixture, written for one tool."""
    return export(mixture(), to, gate=home_gate(), target=target, at=AT, include_watch=True, sinkhole=("192.0.2.200",))


def checked(done: subprocess.CompletedProcess[str]) -> str:
    """What a checker said that found nothing wrong."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.tool("haproxy")
def test_haproxy_takes_the_pattern_files(tmp_path: Path) -> None:
    """haproxy -c loads every pattern file; of URLs only those without a query are carried."""
    report = exported("haproxy", tmp_path / "acl")
    acls = tmp_path / "acl"
    parents = ["var(txn.name)", *(f"var(txn.name),field(-1,.,{count})" for count in (2, 3))]
    rules = "".join(
        f"    acl ip src -f {acls}/{verb}-ip.acl\n    acl url base -m str -f {acls}/{verb}-url.acl\n"
        + "".join(f"    acl host {name} -m str -f {acls}/{verb}-host.acl\n" for name in parents)
        for verb in ("block", "rate-limit", "alert", "watch")
    )
    assert (acls / "rate-limit-ip.acl").read_text().split() == ["203.0.113.81", "192.0.2.64/26"]
    (tmp_path / "haproxy.cfg").write_text(
        "defaults\n    mode http\n    timeout client 1s\n    timeout server 1s\n    timeout connect 1s\n"
        f"frontend f\n    bind 127.0.0.1:18081\n"
        f"    http-request set-var(txn.name) req.hdr(host),lower,field(1,:),rtrim(.)\n{rules}"
        f"    http-request deny if ip or host or url\n"
    )
    said = checked(run("haproxy", "-c", "-f", tmp_path / "haproxy.cfg"))
    assert "WARNING" not in said, said
    assert (acls / "block-url.acl").read_text().split() == ["evil.example.net/a;b", "evil.example.net/a/b.bin"]
    assert report.by_type["url"] == 3


@pytest.mark.tool("squid")
def test_squid_takes_the_lists(tmp_path: Path) -> None:
    """squid -k parse reads every list without an error; a name stands for all below it."""
    exported("squid", tmp_path / "lists")
    rules = "".join(
        f'acl {verb}_{kind} {kind} "{tmp_path}/lists/{verb}-{kind}.acl"\nhttp_access deny {verb}_{kind}\n'
        for verb in ("block", "watch")
        for kind in ("dstdomain", "dst")
    )
    (tmp_path / "squid.conf").write_text(
        f"http_port 127.0.0.1:3128\n{rules}pid_filename none\ncache_log {tmp_path}/cache.log\naccess_log none\n"
    )
    said = checked(run("squid", "-k", "parse", "-f", tmp_path / "squid.conf"))
    assert "ERROR" not in said and "FATAL" not in said, said
    assert ".evil.example.net\n" in (tmp_path / "lists" / "block-dstdomain.acl").read_text()


@pytest.mark.tool("nginx")
def test_nginx_takes_the_block(tmp_path: Path) -> None:
    """nginx -t loads the geo block, with a server that refuses by it."""
    exported("nginx", tmp_path / "geo.conf")
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n  include {tmp_path}/geo.conf;\n"
        f"  access_log off;\n  server {{ listen 127.0.0.1:18080; if ($seawall = block) {{ return 403; }}\n"
        f"    limit_req zone=seawall burst=20 nodelay; limit_req_status 429; }}\n}}\n"
    )
    said = checked(run("nginx", "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"))
    assert "successful" in said
    assert "duplicate" not in said


@pytest.mark.tool("postmap")
def test_postfix_looks_up_the_tables(tmp_path: Path) -> None:
    """postmap -q finds an address, one inside a network, a name and a sender; what was never listed it does not."""
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    exported("postfix", tmp_path / "maps")
    client, sender = f"cidr:{tmp_path}/maps/client.cidr", f"texthash:{tmp_path}/maps/sender.map"

    def asked(table: str, key: str) -> str:
        done = run("postmap", "-c", tmp_path, "-q", key, table)
        assert done.stderr == ""
        return done.stdout.strip()

    assert asked(client, "203.0.113.77").startswith("REJECT Seawall directive ")
    assert asked(client, "198.51.100.70").startswith("REJECT")
    assert asked(client, "2001:db8:cccc::9").startswith("REJECT")
    assert asked(client, "203.0.113.79").startswith("WARN")
    assert asked(client, "203.0.113.90") == ""
    assert asked(sender, "evil.example.net").startswith("REJECT")
    assert asked(sender, "boss@evil.example.net").startswith("REJECT")
    assert asked(sender, "#c@evil.example.net") == ""


@pytest.mark.tool("unbound-checkconf")
def test_unbound_takes_the_local_zones(tmp_path: Path) -> None:
    """unbound-checkconf accepts the zones: to block, and to log only."""
    exported("unbound", tmp_path / "zones")
    (tmp_path / "unbound.conf").write_text(
        f'server:\n  chroot: ""\n  directory: "{tmp_path}"\n  username: ""\ninclude: "{tmp_path}/zones"\n'
    )
    assert "no errors" in checked(run("unbound-checkconf", tmp_path / "unbound.conf"))
    zones = (tmp_path / "zones").read_text()
    assert (
        'local-zone: "watch.example.net." inform' in zones and 'local-zone: "alert.evil.example.net." inform' in zones
    )
    assert 'local-data: "led.example.net. A 192.0.2.200"' in zones


@pytest.mark.tool("suricata")
def test_suricata_takes_the_reputation_list(tmp_path: Path) -> None:
    """suricata -T loads rules, categories and the list with addresses and networks, without one error."""
    exported("suricata-iprep", tmp_path / "s")
    said = checked(by_reputation(tmp_path, "-T"))
    assert "Error" not in said and "E: " not in said and "bad" not in said.lower(), said
    assert "198.51.100.0/26,1,127\n" in (tmp_path / "s" / "reputation.list").read_text()


@pytest.mark.tool("suricata")
@pytest.mark.parametrize(
    ("kind", "value", "raised"),
    [(T.IPV4, "188.40.238.250", True), (T.CIDR, "188.40.238.0/24", True), (T.IPV4, "188.40.238.251", False)],
)
def test_suricata_finds_an_address_by_its_reputation(
    tmp_path: Path, kind: ObservableType, value: str, raised: bool
) -> None:
    """On a real capture a listed address and one in a listed network raise our rule; another does not."""
    export([page([entry(kind, value)])], "suricata-iprep", gate=home_gate(), target=tmp_path / "s", at=AT)
    checked(by_reputation(tmp_path, "-r", folder("suricata-verify") / "output-eve-fileinfo" / "input.pcap"))
    said = (tmp_path / "log" / "eve.json").read_text()
    assert ('"signature_id":1779001' in said) is raised


def by_reputation(tmp_path: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """Suricata over the exported reputation list."""
    (tmp_path / "log").mkdir(exist_ok=True)
    made = tmp_path / "s"
    return run(
        "suricata", *options, "-v", "-c", "/etc/suricata/suricata.yaml", "-S", made / "seawall-iprep.rules",
        "-l", tmp_path / "log", "-k", "none",
        "--set", f"classification-file={made / 'classification.config'}",
        "--set", f"reputation-categories-file={made / 'categories.txt'}",
        "--set", f"default-reputation-path={made}", "--set", "reputation-files.0=reputation.list",
    )  # fmt: skip


@pytest.mark.tool("crowdsec")
def test_crowdsec_imports_the_decisions(tmp_path: Path) -> None:
    """cscli imports every decision and lists them as bans of an address or a range; what only watches is left out."""
    report = exported("crowdsec", tmp_path / "decisions")
    assert (report.watches, report.left_out_by_rule["watch-only"]) == (0, 4)
    (tmp_path / "crowdsec").mkdir()
    place = crowdsec(tmp_path / "crowdsec", free_port())
    with place.serving():
        place.cscli("decisions", "import", "-i", str(tmp_path / "decisions" / "addresses.json"))
        place.cscli("decisions", "import", "-i", str(tmp_path / "decisions" / "ranges.json"), "--scope", "Range")
        listed = json.loads(place.cscli("decisions", "list", "-a", "-o", "json"))
    decisions = [one for alert in listed for one in alert["decisions"]]
    assert len(decisions) == report.blocks == 10
    scopes = {one["value"]: (one["scope"].lower(), one["type"]) for one in decisions}
    assert scopes["203.0.113.77"] == ("ip", "ban")
    assert scopes["198.51.100.0/26"] == ("range", "ban")
    assert (scopes["203.0.113.80"], scopes["203.0.113.81"]) == (("ip", "ban"), ("ip", "throttle"))


@pytest.mark.tool("yara")
def test_yara_compiles_the_rules_and_finds_what_they_name(tmp_path: Path) -> None:
    """Every rule compiles; a file that mentions a listed name is found, also as UTF-16, and another is not."""
    report = exported("yara", tmp_path / "rules.yar")
    (tmp_path / "mail.txt").write_text("Please see http://evil.example.net/a/b.bin today")
    (tmp_path / "wide.bin").write_bytes("x evil.example.net y".encode("utf-16-le"))
    (tmp_path / "clean.txt").write_text("notevil.example.network")
    found = {file.name: checked(run("yara", tmp_path / "rules.yar", file)) for file in tmp_path.iterdir()}
    assert found["mail.txt"].count("seawall_block_") >= 1
    assert "seawall_block_" in found["wide.bin"]
    assert found["clean.txt"] == ""
    assert {"md5", "sha1", "sha256"} <= set(report.by_type)
