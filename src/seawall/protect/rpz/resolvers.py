"""What a resolver's configuration must say so that it follows our zones: as text, for a person to put in its place.

Each tool is asked for what was measured with it (docs/how-to/rpz.md): BIND not to wait a minute with a change, Unbound
to name its log lines by zone, PowerDNS to ask every second. Nothing here reads settings or writes files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from seawall.model import Fault
from seawall.protect.names import is_name
from seawall.protect.rpz.settings import MAX_ZONE, is_address
from seawall.protect.rpz.zones import BLOCK, followed, kind_of, zone_names

SECRET = "BASE64 OF THE KEY"  # noqa: S105 - a person puts it there; we never print a secret


class Follow(msgspec.Struct, frozen=True):
    """Whom a resolver follows. ``key``: its name, empty without one; ``key_file``: as BIND includes it."""

    address: str = "127.0.0.1"
    port: int = 8753
    zone: str = "rpz.seawall"
    parts: bool = False
    key: str = "seawall-rpz"
    key_file: str = "/etc/seawall-agent/rpz.key"

    def zones(self) -> Iterator[tuple[str, bool]]:
        """Each zone's name, and whether it blocks, in the order in which they are asked."""
        names = zone_names(self.zone)
        return ((names[zone], kind_of(zone) == BLOCK) for zone in followed(parts=self.parts))


def configuration(tool: str, follow: Follow) -> str:
    """The lines for one tool.

    Raises Fault E-PROTECT-100 (zone), -112 (unknown tool), -113 (parts with PowerDNS), -114 (address or key).
    """
    if not is_name(follow.zone) or len(follow.zone) > MAX_ZONE:
        raise Fault("E-PROTECT-100", "{name} cannot be the name of a policy zone.", name=follow.zone)
    for given, good in (
        (follow.address, is_address(follow.address)),
        (follow.key, not follow.key or is_name(follow.key)),
    ):
        if not good:  # it would stand in another program's configuration as it is
            raise Fault(
                "E-PROTECT-114", "{given} is neither an address nor the plain name of a key.", given=repr(given[:60])
            )
    if tool not in MAKERS:
        raise Fault(
            "E-PROTECT-112", "There are no lines for the resolver {given}; use some of {known}.",
            given=repr(tool[:40]), known=", ".join(sorted(MAKERS)),
        )  # fmt: skip
    if tool == "powerdns" and follow.parts:
        raise Fault(
            "E-PROTECT-113",
            "PowerDNS asks for each zone every second and is quick with a large one: let it follow the whole zone.",
        )
    return MAKERS[tool](follow)


def _bind(follow: Follow) -> str:
    key = f' key "{follow.key}"' if follow.key else ""
    lines = [f'include "{follow.key_file}";', ""] if follow.key else []
    lines += ["options {", "    response-policy {"]
    for name, blocks in follow.zones():
        # who watches in so many names that parts are worth while waits a minute for them
        wait = 60 if follow.parts and not blocks else 0
        lines.append(f'        zone "{name}" min-update-interval {wait}{"" if blocks else " policy disabled"};')
    lines += ["    } qname-wait-recurse no break-dnssec yes;", "};", ""]
    for name, _ in follow.zones():
        lines += [
            f'zone "{name}" {{',
            "    type secondary;",
            f'    file "{name}.db";',
            f"    primaries {{ {follow.address} port {follow.port}{key}; }};",
            "    min-refresh-time 30;",
            "    min-retry-time 10;",
            "    allow-query { none; };",
            "    allow-transfer { none; };",
            "};",
            "",
        ]
    return "\n".join((*lines, _BIND_LOG))


def _unbound(follow: Follow) -> str:
    parts = [_UNBOUND_SERVER]
    for name, blocks in follow.zones():
        lines = [
            "rpz:",
            f'    name: "{name}"',
            f"    primary: {follow.address}@{follow.port}",
            f"    allow-notify: {follow.address}",
            f'    zonefile: "/var/lib/unbound/{name}"',
            *([] if blocks else ["    rpz-action-override: disabled"]),
            "    rpz-log: yes",
            f'    rpz-log-name: "{name}"',
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _powerdns(follow: Follow) -> str:
    signed = f'tsigname="{follow.key}", tsigalgo="hmac-sha256", tsigsecret="{SECRET}"'
    rows = []
    for name, _ in follow.zones():
        row = f'rpzPrimary({{"{follow.address}:{follow.port}"}}, "{name}", {{refresh=1, policyName="{name}"'
        rows.append(f"{row},\n    {signed}}})" if follow.key else f"{row}}})")
    return "\n".join(rows) + "\n"


def _knot(follow: Follow) -> str:
    key = f"    key: {follow.key}\n" if follow.key else ""
    text = f"key:\n  - id: {follow.key}\n    algorithm: hmac-sha256\n    secret: {SECRET}\n" if follow.key else ""
    text += f"remote:\n  - id: seawall\n    address: {follow.address}@{follow.port}\n{key}"
    text += f"acl:\n  - id: seawall\n    address: {follow.address}\n    action: notify\n{key}zone:\n"
    for name, blocks in follow.zones():
        if blocks:  # what is watched would be for nothing: Knot Resolver tells no hits
            text += (
                f"  - domain: {name}\n    master: seawall\n    acl: seawall\n    storage: /var/lib/knot\n"
                f"    file: {name}.zone\n    zonefile-sync: 0\n    zonefile-load: none\n    journal-content: all\n"
            )
    return text


def _kresd(follow: Follow) -> str:
    names = (name for name, blocks in follow.zones() if blocks)
    return "".join(f"policy.add(policy.rpz(policy.DENY, '/var/lib/knot/{name}.zone', true))\n" for name in names)


_BIND_LOG = """logging {
    channel rpz {
        file "/var/log/named/rpz.log" versions 3 size 50m;
        severity info;
        print-time iso8601-utc;
        print-category yes;
    };
    category rpz { rpz; };
    category rpz-passthru { rpz; };
};
"""
_UNBOUND_SERVER = """server:
    module-config: "respip validator iterator"
    logfile: "/var/log/unbound/unbound.log"
    use-syslog: no
"""
MAKERS: dict[str, Callable[[Follow], str]] = {
    "bind": _bind,
    "unbound": _unbound,
    "powerdns": _powerdns,
    "knot": _knot,
    "knot-resolver": _kresd,
}
