"""Suricata: alerts of our own rules (feeds ``suricata`` and ``suricata-iprep``) in ``eve.json``.

An alert of somebody else's rule is none of ours: it comes in as telemetry by ``seawall ingest``. An alert about a file
tells its digest only with ``force-hash: [md5, sha256]`` in eve's ``files``; without, nobody can say which value it was.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import tzinfo

import msgspec

from seawall.model import Observable, ObservableType
from seawall.model.unreadable import UNREADABLE
from seawall.protect.bounds import SHORTEST_IPV4_PREFIX, SHORTEST_IPV6_PREFIX
from seawall.protect.feeds.suricata import FIRST_SID
from seawall.protect.hit_logs.interface import HitLog, Met
from seawall.protect.hit_logs.moments import moment_of
from seawall.protect.names import is_name

NAME = "suricata"
FIRST_NETWORK_SID = FIRST_SID + 1_000
IPV4_PREFIXES = range(31, SHORTEST_IPV4_PREFIX - 1, -1)
IPV6_PREFIXES = (127, 126, 125, 124, 120, 112, 96, 80, 64, 60, 56, 52, 48, 44, 40, 36, SHORTEST_IPV6_PREFIX)
"""Lengths of networks that registries and operators give out; an address has too many others to ask for each."""
SIDS = range(FIRST_SID, FIRST_SID + 10_000)  # of all our rules


class _Alert(msgspec.Struct):
    signature_id: int = 0


class _Query(msgspec.Struct):
    rrname: str = ""


class _Dns(msgspec.Struct):
    rrname: str = ""
    query: list[_Query] = []
    queries: list[_Query] = []


class _Tls(msgspec.Struct):
    sni: str = ""


class _Http(msgspec.Struct):
    hostname: str = ""


class _File(msgspec.Struct):
    sha256: str = ""
    md5: str = ""


class _Event(msgspec.Struct):
    event_type: str = ""
    timestamp: str = ""
    src_ip: str = ""
    dest_ip: str = ""
    alert: _Alert | None = None
    dns: _Dns | None = None
    tls: _Tls | None = None
    http: _Http | None = None
    files: list[_File] = []


_DECODER = msgspec.json.Decoder(_Event)


def read(line: str, now: int, zone: tzinfo) -> Met | None:
    """Names, digests and addresses of one alert of ours."""
    if '"alert"' not in line:
        return None
    try:
        event = _DECODER.decode(line)
    except UNREADABLE:
        return None
    if event.event_type != "alert" or event.alert is None or event.alert.signature_id not in SIDS:
        return None
    values = tuple(dict.fromkeys(_values(event)))
    return Met(moment_of(event.timestamp, now, zone), values=values) if values else None


def _values(event: _Event) -> Iterator[Observable]:
    names = []
    if event.dns is not None:
        names += [event.dns.rrname, *(one.rrname for one in (*event.dns.query, *event.dns.queries))]
    names += [event.tls.sni if event.tls else "", event.http.hostname if event.http else ""]
    for name in names:
        if is_name(name := name.lower().rstrip(".")):
            yield Observable(ObservableType.DOMAIN, name)
    for file in event.files:
        if file.sha256:
            yield Observable(ObservableType.SHA256, file.sha256.lower())
        if file.md5:
            yield Observable(ObservableType.MD5, file.md5.lower())
    ends = [end for end in (event.src_ip, event.dest_ip) if end]
    for end in ends:
        yield Observable(ObservableType.IPV6 if ":" in end else ObservableType.IPV4, end)
    if event.alert is not None and event.alert.signature_id >= FIRST_NETWORK_SID:
        for end in ends:
            yield from _networks_of(end)


def _networks_of(address: str) -> Iterator[Observable]:
    """Every network about which a directive may be and in which the address lies, the smallest first."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return
    for length in IPV4_PREFIXES if known.version == 4 else IPV6_PREFIXES:
        yield Observable(ObservableType.CIDR, str(ipaddress.ip_network((known, length), strict=False)))


LOG = HitLog(NAME, read)
