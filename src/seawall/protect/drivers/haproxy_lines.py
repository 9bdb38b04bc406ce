"""The lines that HAProxy's configuration needs: look-ups in our maps, the refusal, and a table of what was met."""

from __future__ import annotations

from pathlib import Path

from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.protect.actions import Rate

MET = "seawall_met"
KINDS = {Action.WATCH: "watch", Action.ALERT: "alert", Action.RATE_LIMIT: "limit", Action.BLOCK: "block"}
WINDOW_SECONDS = 10  # over which requests are counted for a rate limit
_WHAT = {
    ObservableType.IPV4: "addresses",
    ObservableType.IPV6: "addresses",
    ObservableType.CIDR: "networks",
    ObservableType.DOMAIN: "names",
}
MAPS = tuple(f"{kind}-{what}.map" for kind in KINDS.values() for what in ("addresses", "networks", "names"))
PARENTS = range(2, 8)  # labels of the parent names looked up besides the whole name
MOST_MET = 65_535  # values in the table of what was met, as in the packet filter's set
LONGEST = 255  # octets of a name (RFC 1035, section 2.3.4)


def map_name(kind: str, type: ObservableType) -> str:
    """The file name of the map in which values of ``type`` stand."""
    return f"{kind}-{_WHAT[type]}.map"


def table_lines() -> str:
    """A backend that only holds the table; a file of its own, loaded by a further ``-f``."""
    store = f"http_req_cnt,http_req_rate({WINDOW_SECONDS}s)"
    table = f"stick-table type string len {LONGEST} size {MOST_MET} expire 2h store {store}"
    return f"backend {MET}\n    {table}\n"


def frontend_lines(folder: Path, rate: Rate) -> str:
    """For each HTTP frontend that shall obey, before its other rules. They use the counter ``sc2``.

    A rate limit counts the requests of an address, or for a name of everybody; what comes over is answered with 429.
    """
    lines = [
        "http-request set-var(txn.seawall_now) date",
        r"http-request set-var(txn.seawall_name) req.hdr(host),lower,field(1,:),rtrim(.)",
    ]
    for kind in KINDS.values():
        for what in ("addresses", "networks"):
            lines.append(f"acl seawall_{kind}_end src,map_ip_int({folder}/{kind}-{what}.map,0),{_LATER}")
        file = f"{folder}/{kind}-names.map"
        lines.append(f"acl seawall_{kind}_name var(txn.seawall_name),map_str_int({file},0),{_LATER}")
        for count in PARENTS:
            parent = f"var(txn.seawall_name),field(-1,.,{count})"
            lines.append(f"acl seawall_{kind}_name {parent},map_str_int({file},0),{_LATER}")
    ends, names = (
        " or ".join(f"seawall_{kind}_{what}" for kind in reversed(KINDS.values())) for what in ("end", "name")
    )
    most = rate.per_second * WINDOW_SECONDS + rate.burst
    lines += [
        f"http-request track-sc2 src table {MET} if {ends}",
        f"http-request track-sc2 var(txn.seawall_name) table {MET} if {names}",
        "http-request deny deny_status 403 if seawall_block_end or seawall_block_name",
        f"acl seawall_over sc2_http_req_rate({MET}) gt {most}",
        "http-request deny deny_status 429 if seawall_limit_end seawall_over or seawall_limit_name seawall_over",
        "http-request set-log-level alert if seawall_alert_end or seawall_alert_name",
    ]
    return "".join(f"    {line}\n" for line in lines)


_LATER = "sub(txn.seawall_now) gt 0"  # its end lies ahead of HAProxy's clock
