"""Configurations of real resolvers that follow our primary: what docs/how-to/rpz.md says, on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seawall.protect.rpz.zones import followed, zone_names

KEY = "seawall-rpz"


def bind(
    folder: Path, port: int, primary: int, upstream: int, key_file: Path | None = None, *, parts: bool = False
) -> list[str]:
    """The command of a BIND whose configuration this writes."""
    names = [zone_names("rpz.seawall")[zone] for zone in followed(parts=parts)]
    policy = "\n".join(
        f'    zone "{name}" min-update-interval 0{" policy disabled" if name.startswith("watch") else ""};'
        for name in names
    )
    key = f'key "{KEY}"' if key_file else ""
    zones = "".join(
        f'zone "{name}" {{ type secondary; file "{name}.db"; min-refresh-time 1; min-retry-time 1;'
        f" primaries {{ 127.0.0.1 port {primary} {key}; }}; allow-query {{ none; }}; allow-transfer {{ none; }}; }};\n"
        for name in names
    )
    (folder / "named.conf").write_text(
        (f'include "{key_file}";\n' if key_file else "")
        + f"""
options {{
  directory "{folder}"; pid-file none; session-keyfile none; lock-file none;
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion yes; notify no;
  dnssec-validation no; forwarders {{ 127.0.0.1 port {upstream}; }}; forward only;
  response-policy {{
{policy}
  }} qname-wait-recurse no break-dnssec yes;
}};
logging {{
  channel rpz {{ file "{folder}/rpz.log"; severity info; print-time iso8601-utc; print-category yes; }};
  channel said {{ file "{folder}/said"; severity info; }};
  category default {{ said; }}; category rpz {{ rpz; }}; category rpz-passthru {{ rpz; }};
}};
controls {{ }};
{zones}"""
    )
    return ["/usr/sbin/named", "-f", "-n", "2", "-c", str(folder / "named.conf")]


def unbound(
    folder: Path, port: int, primary: int, upstream: int, key_file: Path | None = None, *, parts: bool = False
) -> list[str]:
    """The command of an Unbound whose configuration this writes; it knows no TSIG."""
    zones = "".join(
        f'rpz:\n  name: "{name}"\n  primary: 127.0.0.1@{primary}\n  allow-notify: 127.0.0.1\n'
        f'  zonefile: "{folder}/{name}.zone"\n  rpz-log: yes\n  rpz-log-name: "{name}"\n'
        + ("  rpz-action-override: disabled\n" if name.startswith("watch") else "")
        for name in (zone_names("rpz.seawall")[zone] for zone in followed(parts=parts))
    )
    (folder / "unbound.conf").write_text(
        f"""server:
  interface: 127.0.0.1
  port: {port}
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "{folder}/rpz.log"
  verbosity: 1
  module-config: "respip iterator"
  do-not-query-localhost: no
{zones}forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
remote-control:
  control-enable: yes
  control-interface: "{folder}/control"
  control-use-cert: no
"""
    )
    return ["/usr/sbin/unbound", "-d", "-c", str(folder / "unbound.conf")]


def pdns(folder: Path, port: int, primary: int, upstream: int, key_file: Path | None = None) -> list[str]:
    """The command of a PowerDNS recursor whose configuration this writes."""
    secret = f', tsigname="{KEY}", tsigalgo="hmac-sha256", tsigsecret="{secret_of(key_file)}"' if key_file else ""
    (folder / "rpz.lua").write_text(
        "".join(
            f'rpzPrimary({{"127.0.0.1:{primary}"}}, "{zone}.rpz.seawall", '
            f'{{refresh=1, policyName="{zone}.rpz.seawall"{secret}}})\n'
            for zone in ("block", "watch")
        )
    )
    (folder / "hits.lua").write_text(
        """function policyEventFilter(event)
  local policy = event.appliedPolicy
  pdnslog("seawall-rpz " .. policy.policyName .. " " .. policy.policyTrigger:toString(), pdns.loglevels.Warning)
  return policy.policyName:sub(1, 6) == "watch."
end
"""
    )
    (folder / "recursor.conf").write_text(
        f"""local-address=127.0.0.1
local-port={port}
socket-dir={folder}
lua-config-file={folder}/rpz.lua
lua-dns-script={folder}/hits.lua
forward-zones-recurse=.=127.0.0.1:{upstream}
allow-notify-from=127.0.0.1
allow-notify-for=block.rpz.seawall,watch.rpz.seawall
dnssec=off
disable-syslog=yes
loglevel=5
quiet=yes
threads=1
daemon=no
dont-query=
disable-packetcache=yes
"""
    )
    return ["/usr/sbin/pdns_recursor", f"--config-dir={folder}"]


def knot(folder: Path, port: int, primary: int, upstream: int, key_file: Path | None = None) -> list[str]:
    """The command of a Knot DNS that fetches both zones and keeps them as files, for a Knot Resolver to read."""
    key = f"key:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {secret_of(key_file)}\n" if key_file else ""
    uses = f"    key: {KEY}\n" if key_file else ""
    zones = "".join(
        f"  - domain: {zone}.rpz.seawall\n    master: primary\n    acl: primary\n    storage: {folder}\n"
        f"    file: {zone}.zone\n    zonefile-sync: 0\n    zonefile-load: none\n    journal-content: all\n"
        for zone in ("block", "watch")
    )
    (folder / "knot.conf").write_text(
        f"""server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
database:
  storage: {folder}
log:
  - target: stderr
    any: info
{key}remote:
  - id: primary
    address: 127.0.0.1@{primary}
{uses}acl:
  - id: primary
    address: 127.0.0.1
    action: notify
{uses}zone:
{zones}"""
    )
    return ["/usr/sbin/knotd", "-c", str(folder / "knot.conf")]


def kresd(folder: Path, port: int, zone_file: Path, upstream: int) -> list[str]:
    """The command of a Knot Resolver that reads the zone's file as a Knot DNS beside it keeps it."""
    (folder / "kresd.conf").write_text(
        f"""net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
trust_anchors.remove('.')
cache.size = 10 * MB
modules.load('policy')
policy.add(policy.rpz(policy.DENY, '{zone_file}', true))
policy.add(policy.all(policy.FORWARD('127.0.0.1@{upstream}')))
"""
    )
    return ["/usr/sbin/kresd", "-n", "-c", str(folder / "kresd.conf"), str(folder)]


def secret_of(key_file: Path) -> str:
    """The base64 of a key file."""
    return key_file.read_text().split('secret "')[1].split('"')[0]


MAKERS: dict[str, Callable[..., list[str]]] = {"bind": bind, "unbound": unbound, "pdns": pdns, "knot": knot}
PROGRAMS = {"bind": "named", "unbound": "unbound", "pdns": "pdns_recursor", "knot": "knotd"}
