"""Fifty poisonous indicators, as a hostile peer would write them, and the objects that carry them."""

from __future__ import annotations

import json
import uuid

import msgspec

from seawall.flow.node import Node
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

DAY = 86_400_000_000
_PATHS = {"ip4": "ipv4-addr:value", "ip6": "ipv6-addr:value", "name": "domain-name:value", "url": "url:value",
          "mail": "email-addr:value"}  # fmt: skip


class Poison(msgspec.Struct, frozen=True):
    """One value, what is wrong with it, and the rules of which one has to keep it from acting."""

    kind: str  # ip4 | ip6 | name | url | mail
    value: str
    wrong: str
    rules: frozenset[str]
    confidence: int | None = 90
    days: int = 30  # of its validity; negative: it has ended
    revoked: bool = False
    labels: tuple[str, ...] = ()


def _p(kind: str, value: str, wrong: str, *rules: str, **more: object) -> Poison:
    return Poison(kind, value, wrong, frozenset(rules), **more)  # type: ignore[arg-type]


FIFTY = (
    _p("ip4", "192.0.2.10", "our own address", "own"),
    _p("ip4", "192.0.2.0/24", "our own range", "own"),
    _p("ip4", "192.0.0.0/20", "a network around ours", "own", "bogon"),
    _p("name", "ours.example.org", "our own name", "own"),
    _p("name", "mail.ours.example.org", "below our own name", "own"),
    _p("name", "example.org", "above our own name", "own"),
    _p("url", "https://portal.ours.example.org/login", "our own portal", "own"),
    _p("url", "http://192.0.2.10/", "our own server", "own"),
    _p("ip4", "10.0.0.5", "a private address", "bogon", "own"),
    _p("ip4", "127.0.0.1", "loopback", "bogon", "own"),
    _p("ip4", "169.254.169.254", "link-local, a cloud's own service", "bogon", "own"),
    _p("ip4", "224.0.0.251", "multicast", "bogon"),
    _p("ip4", "255.255.255.255", "broadcast", "bogon"),
    _p("ip6", "::1", "loopback", "bogon", "own"),
    _p("ip6", "fe80::1", "link-local", "bogon", "own"),
    _p("ip6", "ff02::1", "multicast", "bogon"),
    _p("ip6", "2002:c000:20a::1", "our own address in 6to4 clothes", "bogon"),
    _p("ip4", "0.0.0.0/0", "everybody", "huge-network", "no-indicator"),
    _p("ip4", "0.0.0.0/1", "half of everybody", "huge-network"),
    _p("ip4", "128.0.0.0/1", "the other half", "huge-network"),
    _p("ip6", "::/0", "everybody on IPv6", "huge-network", "no-indicator"),
    _p("ip6", "2000::/3", "the global unicast space", "huge-network"),
    _p("ip6", "::ffff:0:0/96", "all of IPv4 as IPv6", "huge-network", "ipv4-mapped", "bogon", "no-indicator"),
    _p("ip4", "45.0.0.0/8", "a registry's whole block", "huge-network"),
    _p("ip6", "::ffff:192.0.2.10", "our own address as IPv6", "own", "ipv4-mapped", "no-indicator"),
    _p("ip4", "45.61.7.9/24", "host bits set", "host-bits", "wide", "not-single", "no-indicator"),
    _p("name", "hub.partner.example.net", "what a partner is reached by", "partner"),
    _p("ip4", "198.51.100.80", "a partner's address", "partner"),
    _p("name", "pay.bank.example.net", "on the never-block list", "never-block"),
    _p("ip4", "198.51.100.90", "an address on the never-block list", "never-block"),
    _p("name", "a.root-servers.net", "a root server", "dns-infrastructure"),
    _p("ip4", "198.41.0.4", "a root server's address", "dns-infrastructure"),
    _p("name", "com", "a top-level name", "top-level", "no-indicator"),
    _p("name", "com.tw", "a public suffix", "public-suffix"),
    _p("name", "github.io", "a public suffix of a platform", "public-suffix"),
    _p("name", "localhost", "one label", "top-level", "warninglist", "no-indicator"),
    _p("name", ".".join(["a" * 59] * 5), "300 characters", "too-long", "no-indicator", "declined"),
    _p("name", "www.president.gov.tw", "a government", "government"),
    _p("name", "www.ncsc.go.kr", "a government", "government"),
    _p("name", "www.google.com", "what everybody uses", "popular"),
    _p("name", "fe2.update.microsoft.com", "updates", "updates-time"),
    _p("name", "pool.ntp.org", "the time", "updates-time"),
    _p("ip4", "8.8.8.8", "a public resolver", "warninglist"),
    _p("ip4", "104.16.1.1", "a delivery network's edge", "cdn-cloud"),
    _p("name", "xn--80ak6aa92e.com", "looks like another name", "idn-look-alike"),
    _p("ip4", "45.61.16.0/20", "wide", "wide"),
    _p("ip4", "45.61.99.7", "what our own people use all day", "blast-radius"),
    _p("name", "crm.vendor.example.net", "a service of our own people", "blast-radius"),
    _p("ip4", "45.61.99.8", "its validity has ended", "expired", "declined", days=-1),
    _p("ip4", "45.61.99.9", "a mere guess", "confidence", confidence=5),
)


SPELT = (
    _p("ip4", "3221225994", "our own address as one number", "no-indicator", "declined"),
    _p("ip4", "0300.0.2.012", "our own address in octal", "no-indicator", "declined"),
    _p("ip4", "0xC0.0.2.10", "our own address in hexadecimal", "no-indicator", "declined"),
    _p("ip4", "192.0.2.10/32", "our own address as a network", "own"),
    _p("ip6", "0:0:0:0:0:FFFF:C000:020A", "our own address mapped, written out", "own", "ipv4-mapped", "declined"),
    _p("ip6", "64:ff9b::c000:20a", "our own address behind NAT64", "bogon"),
    _p("name", "PoRtAl.OuRs.Example.ORG.", "our own name in mixed case with its dot", "own"),
    _p("name", "ours\u3002example\uff0eorg", "our own name with other dots", "own"),
    _p("name", "*.ours.example.org", "all our names", "own"),
    _p("name", "ours.example.org\x00.evil.example", "a NUL in the name", "no-indicator", "declined"),
    _p("name", "evil.example\r\nRCPT TO:<x@ours.example.org>", "lines of SMTP in the name", "no-indicator", "declined"),
    _p("name", "evil.example; nft flush ruleset", "a command in the name", "no-indicator", "declined"),
    _p("url", "http://0xC000020A/login", "our own server in hexadecimal", "malformed"),
    _p("url", "http://3221225994/login", "our own server as one number", "no-indicator", "declined"),
    _p("url", "https://portal%2eours.example.org/", "our own portal, percent-encoded", "no-indicator", "declined"),
    _p("url", "https://user:pw@PORTAL.ours.example.org.:8443/", "our own portal with a password", "own"),
    _p("url", "http://[::ffff:192.0.2.10]/", "our own server as IPv6", "own", "ipv4-mapped"),
    _p("mail", "Admin@OURS.example.org.", "our own mailbox", "own"),
    _p("name", "red.attacker.example", "marked PAP:RED", "watch-only", labels=("PAP:RED",)),
    _p("name", "recalled.attacker.example", "recalled by its sender", "no-indicator", revoked=True),
)
"""The same in other spellings, what would speak to a tool instead of naming something, and what was never to act."""


def stix(sender: Node, poison: Poison) -> bytes:
    """The indicator as the peer sends it, whatever its own node would have said of that."""
    now = sender.clock()
    quoted = poison.value.replace("\\", "\\\\").replace("'", "\\'")
    body: dict[str, object] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, poison.kind + poison.value)}",
        "created_by_ref": sender.keys.identity_id,
        "created": timestamp(now),
        "modified": timestamp(now),
        "name": poison.wrong,
        "indicator_types": ["malicious-activity"],
        "pattern": f"[{_PATHS[poison.kind]} = '{quoted}']",
        "pattern_type": "stix",
        "valid_from": timestamp(now - 40 * DAY),
        "valid_until": timestamp(now + poison.days * DAY),
        "object_marking_refs": [TLP2_IDS[Tlp.GREEN]],
    }
    if poison.confidence is not None:
        body["confidence"] = poison.confidence
    if poison.labels:
        body["labels"] = list(poison.labels)
    if poison.revoked:
        body["revoked"] = True
    return json.dumps(body).encode()
