"""A folder for Suricata 7: datasets for names, hashes and addresses, and the few rules that look them up.

Load it with ``suricata -S FOLDER/seawall.rules --set default-rule-path=FOLDER``. ``drop`` acts only inline;
elsewhere Suricata writes an alert for it. Datasets compare whole names: a name below a listed one is not found here
(RPZ does that). Values never stand inside a rule except networks, which are re-printed from their numbers.

Traps met with 7.0.10: ``hashsize`` above 262144 is refused; ``filesha256`` must not follow ``file.data``, hence the
transformation ``to_sha256``; an unknown classification is only a warning, hence our own file of it.
"""

from __future__ import annotations

import base64
import ipaddress
from typing import BinaryIO

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.actions import CAN, Rate, done_by
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.names import is_name
from seawall.protect.networks import address_number
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "suricata"
TYPES = frozenset(
    {
        ObservableType.IPV4,
        ObservableType.IPV6,
        ObservableType.CIDR,
        ObservableType.DOMAIN,
        ObservableType.MD5,
        ObservableType.SHA256,
    }
)
RULES, CLASSES, EXPIRIES = "seawall.rules", "classification.config", "expiry.csv"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LISTS = ("domain", "md5", "sha256", "ip")
ACTIONS = tuple(action for action in Action if action in CAN[NAME])
FILES = (RULES, CLASSES, EXPIRIES, *(f"{action}-{name}.lst" for action in ACTIONS for name in _LISTS))

FIRST_SID = 1_770_000  # local range is 1,000,000-1,999,999; each rule keeps its number for ever
HASHSIZE = 262_144  # the greatest that default limits accept
MEMCAP_MB = 512  # room for the stated million values
MAX_COUNT = 2_000_000_000  # below 2^31, which Suricata's counters hold
NETWORKS_PER_RULE = 100  # keeps a rule under the 8,192 characters that Suricata reads
_HEX_LENGTHS = {ObservableType.MD5: 32, ObservableType.SHA256: 64}

# (offset of the sid, protocol, buffer, list, dataset type, what it says); offsets are never reused
_LOOKUPS = (
    (0, "dns", "dns.query", "domain", "string", "name asked for"),
    (1, "tls", "tls.sni", "domain", "string", "TLS server name"),
    (2, "http", "http.host", "domain", "string", "HTTP host"),
    (3, "http", "file.data; to_sha256", "sha256", "sha256", "file by SHA-256"),
    (4, "smtp", "file.data; to_sha256", "sha256", "sha256", "attachment by SHA-256"),
    (5, "smb", "file.data; to_sha256", "sha256", "sha256", "shared file by SHA-256"),
    (6, "http", "file.data; to_md5", "md5", "md5", "file by MD5"),
    (7, "smtp", "file.data; to_md5", "md5", "md5", "attachment by MD5"),
    (8, "smb", "file.data; to_md5", "md5", "md5", "shared file by MD5"),
    (9, "ip", "ip.src", "ip", "ip", "source address"),
    (10, "ip", "ip.dst", "ip", "ip", "destination address"),
)
_ACTION_OFFSET = {Action.BLOCK: 0, Action.WATCH: 100, Action.RATE_LIMIT: 200, Action.ALERT: 300}
_NETWORK_OFFSET = {Action.BLOCK: 1_000, Action.WATCH: 2_000, Action.RATE_LIMIT: 3_000, Action.ALERT: 4_000}
SIDS = range(FIRST_SID, FIRST_SID + 5_000)
_VERB = {Action.BLOCK: "drop", Action.RATE_LIMIT: "drop", Action.ALERT: "alert", Action.WATCH: "alert"}
_FEW = 16_384  # hash buckets of lists that hold few values: each bucket is memory from the start
_PRIORITY = {Action.BLOCK: 1, Action.RATE_LIMIT: 1, Action.ALERT: 1, Action.WATCH: 2}
_DONE = {Action.BLOCK: "Blocked", Action.RATE_LIMIT: "Slowed down", Action.ALERT: "Met", Action.WATCH: "Watched"}
WINDOW_SECONDS = 10  # of a rate limit: what comes in it over the rate is dropped, with the rest of its flow


class SuricataWriter:
    """The files of one folder; lists are written as values come, rules at the end."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._made_at = heading.made_at
        self._files: dict[str, BinaryIO] = {name: sink(name) for name in FILES}
        self._networks: dict[Action, list[Network]] = {a: [] for a in ACTIONS}
        self._rate = heading.rate
        self._files[EXPIRIES].write(b"type,value,action,expires_at,undo\r\n")

    def add(self, directive: Directive) -> Objection | None:
        """Append to the list of its type; networks wait for the rules."""
        kind, value = directive.observable.type, directive.observable.value
        if (action := done_by(NAME, directive.action)) is None:
            return objections.PASSIVE
        try:
            if kind is ObservableType.CIDR:
                self._networks[action].append(ipaddress.ip_network(value))
                line, name = b"", ""
            elif kind is ObservableType.DOMAIN:
                if not is_name(value):
                    return objections.MALFORMED
                line, name = base64.b64encode(value.encode("ascii")), "domain"
            elif kind in _HEX_LENGTHS:
                if len(value) != _HEX_LENGTHS[kind] or not value.isascii():
                    return objections.MALFORMED
                line, name = bytes.fromhex(value).hex().encode("ascii"), kind.value
            else:
                address_number(value)
                line, name = value.encode("ascii"), "ip"
        except (ValueError, OSError):
            return objections.MALFORMED
        if name:
            self._files[f"{action}-{name}.lst"].write(line + b"\n")
        self._files[EXPIRIES].write(
            f"{kind},{value},{action},{moment_text(directive.expires_at)},{directive.undo_id}\r\n".encode()
        )
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write the rules and their classification."""
        made = moment_text(self._made_at)
        rules = [f"# Seawall, made {made}. When each value ends stands in {EXPIRIES}.\n"]
        for action in ACTIONS:
            over = _over(self._rate) if action is Action.RATE_LIMIT else ""
            rules += [_lookup(action, over, *lookup) for lookup in _LOOKUPS]
            rules += _network_rules(action, over, self._networks[action])
        self._files[RULES].write("".join(rules).encode("ascii"))
        classes = [
            f"config classification: seawall-{action},{_DONE[action]} by a Seawall directive,{_PRIORITY[action]}\n"
            for action in ACTIONS
        ]
        self._files[CLASSES].write("".join(classes).encode("ascii"))
        for file in self._files.values():
            file.flush()
        return []


def _over(rate: Rate) -> str:
    """The rule speaks only of what comes over the rate. Suricata counts each source by itself."""
    count = min(rate.per_second * WINDOW_SECONDS + rate.burst, MAX_COUNT)
    return f"detection_filter:track by_src, count {count}, seconds {WINDOW_SECONDS}; "


def _lookup(action: Action, over: str, offset: int, protocol: str, buffer: str, name: str, kind: str, what: str) -> str:
    sid = FIRST_SID + _ACTION_OFFSET[action] + offset
    dataset = f"{action}-{name}"
    size = HASHSIZE if action in (Action.BLOCK, Action.WATCH) else _FEW
    return (
        f'{_VERB[action]} {protocol} any any -> any any (msg:"SEAWALL {action} {what}"; {buffer}; '
        f"dataset:isset,seawall-{dataset},type {kind},load {dataset}.lst,memcap {MEMCAP_MB}mb,hashsize {size}; {over}"
        f"classtype:seawall-{action}; sid:{sid}; rev:1;)\n"
    )


def _network_rules(action: Action, over: str, networks: list[Network]) -> list[str]:
    texts = sorted(str(network) for network in networks)
    rules = []
    for number, start in enumerate(range(0, len(texts), NETWORKS_PER_RULE)):
        group = ",".join(texts[start : start + NETWORKS_PER_RULE])
        rules.append(
            f'{_VERB[action]} ip [{group}] any <> any any (msg:"SEAWALL {action} network"; '
            f"{over}classtype:seawall-{action}; sid:{FIRST_SID + _NETWORK_OFFSET[action] + number}; rev:1;)\n"
        )
    return rules


FEED = Feed(NAME, TYPES, FILES, folder=True, open=SuricataWriter)
