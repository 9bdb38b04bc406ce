"""Why a value in a report is probably no indicator: told by the value itself and the words around it.

What only a node knows (its own ranges, its warninglists) is asked through a ``Screen``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum

from seawall.model import Observable, ObservableType


class Flag(StrEnum):
    """Stable reasons, as ``seawall intel extract`` shows them and imports count them."""

    NOT_DEFANGED = "not-defanged"  # the report defangs its indicators, and this one not: a link of its author
    PRIVATE = "private-address"
    VERSION = "version-number"
    FILE_NAME = "file-name"
    WELL_KNOWN = "well-known-site"
    EMPTY_FILE = "empty-file-hash"
    PLACEHOLDER = "placeholder"
    OWN = "own-asset"
    LISTED = "warninglist"


Screen = Callable[[Observable], str | None]
"""A node's own knowledge: ``own-asset``, ``warninglist:NAME``, or None."""

EMPTY_FILE = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)
_CITED = (
    "virustotal.com github.com githubusercontent.com gitlab.com twitter.com x.com facebook.com linkedin.com "
    "youtube.com google.com googleapis.com gstatic.com microsoft.com windows.com windowsupdate.com live.com office.com "
    "apple.com mozilla.org wikipedia.org mitre.org nist.gov cisa.gov first.org oasis-open.org w3.org ietf.org "
    "adobe.com oracle.com apache.org python.org medium.com bleepingcomputer.com thehackernews.com securelist.com "
    "welivesecurity.com eset.com kaspersky.com mandiant.com crowdstrike.com paloaltonetworks.com trendmicro.com "
    "symantec.com cisco.com talosintelligence.com proofpoint.com sentinelone.com sophos.com volexity.com ahnlab.com "
    "teamt5.org abuse.ch any.run hybrid-analysis.com shodan.io urlscan.io cloudflare.com amazon.com amazonaws.com"
)
WELL_KNOWN = frozenset(_CITED.split())
"""Sites that reports cite. Counted only when the name itself stands there and is not defanged."""
_FILE_TLDS = frozenset(
    {"app", "bar", "cab", "cc", "java", "md", "mov", "pl", "pm", "ps", "py", "rs", "sh", "so", "zip"}
)
_FILE_STEMS = frozenset(
    {
        "app", "backup", "build", "client", "config", "data", "index", "install", "lib", "loader", "main", "mod",
        "payload", "readme", "run", "script", "server", "setup", "start", "test", "update", "util", "utils",
    }
)  # fmt: skip
_NAMESPACES = re.compile(
    r"(?:System|Microsoft|Windows|java|javax|org|com|net|android|os|sys|self|this|Net|IO)\.[A-Z]\w*(?:\.\w+)*"
)
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|vers|version|versions|release|build|firmware|update|patch|edition|rev|revision|oid)\.?[\s:=]*"
    r"|(?:firefox|chrome|chromium|safari|opera|nginx|openssl|openssh|php|jdk|jre|acrobat|flash|player)[\s/]+"
    r"|[A-Za-z]/|版本|버전)\s*$",
    re.IGNORECASE,
)
_MAX_BEFORE = 40  # characters in front of a value that are looked at
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip


def flag(found: Observable, word: str, before: str, *, defanged: bool) -> str | None:
    """The first reason to doubt ``found``, read from ``word`` behind ``before`` in its line; None without one."""
    match found.type:
        case ObservableType.IPV4 | ObservableType.IPV6 | ObservableType.CIDR:
            return _address(found, before, defanged=defanged)
        case ObservableType.MD5 | ObservableType.SHA1 | ObservableType.SHA256:
            if found.value in EMPTY_FILE:
                return Flag.EMPTY_FILE
            return Flag.PLACEHOLDER if set(found.value) in ({"0"}, {"f"}) else None
        case ObservableType.DOMAIN if not defanged:
            return _name(found.value, word)
        case ObservableType.URL:
            return _link(found.value, defanged=defanged)
    return None


def _address(found: Observable, before: str, *, defanged: bool) -> str | None:
    try:
        network = ipaddress.ip_network(found.value, strict=False)
    except ValueError:
        return None
    if any(network.version == other.version and network.subnet_of(other) for other in _PRIVATE):  # type: ignore[arg-type]
        return Flag.PRIVATE
    if not defanged and found.type is ObservableType.IPV4 and _VERSION_BEFORE.search(before[-_MAX_BEFORE:]):
        return Flag.VERSION
    return None


def _name(name: str, word: str) -> str | None:
    if name.removeprefix("www.") in WELL_KNOWN:
        return Flag.WELL_KNOWN
    if _NAMESPACES.fullmatch(word):
        return Flag.FILE_NAME
    labels = name.split(".")
    filed = len(labels) == 2 and labels[0] in _FILE_STEMS and labels[1] in _FILE_TLDS
    return Flag.FILE_NAME if filed else None


def _link(url: str, *, defanged: bool) -> str | None:
    host = url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = host.removeprefix("www.").split(".")
        above = {".".join(labels[start:]) for start in range(len(labels))}
        return Flag.WELL_KNOWN if not defanged and not above.isdisjoint(WELL_KNOWN) else None
    private = any(address.version == other.version and address in other for other in _PRIVATE)
    return Flag.PRIVATE if private else None
