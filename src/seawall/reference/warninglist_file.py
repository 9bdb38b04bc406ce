"""One warninglist in the MISP format: read, checked, and said to which types of values it applies."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.model import Fault, ObservableType
from seawall.model.unreadable import UNREADABLE
from seawall.reference.networks import parse_network
from seawall.reference.tables import decode, read_bytes

FALSE_POSITIVE, KNOWN = "false_positive", "known"  # MISP's categories; lists without one are of false positives
TYPES = ("string", "hostname", "cidr", "substring", "regex")
MAX_ENTRIES = 2_000_000  # the longest MISP list has one million
MAX_PATTERN_CHARACTERS = 512  # of a regular expression
MAX_SLOW_ENTRIES = 2_000  # substrings and expressions are tried one by one

_ADDRESS = ("ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "domain|ip")
ATTRIBUTES = {  # MISP attribute types that mean one of our observable types
    ObservableType.IPV4: _ADDRESS,
    ObservableType.IPV6: _ADDRESS,
    ObservableType.CIDR: _ADDRESS,
    ObservableType.DOMAIN: ("domain", "hostname", "domain|ip", "hostname|port"),
    ObservableType.URL: ("url", "uri", "link"),
    ObservableType.EMAIL: (
        "email",
        "email-src",
        "email-dst",
        "email-reply-to",
        "target-email",
        "whois-registrant-email",
    ),
    ObservableType.MD5: ("md5", "filename|md5"),
    ObservableType.SHA1: ("sha1", "filename|sha1"),
    ObservableType.SHA256: ("sha256", "filename|sha256"),
    ObservableType.CERTIFICATE: ("x509-fingerprint-sha1", "x509-fingerprint-sha256", "x509-fingerprint-md5"),
    ObservableType.JA3: ("ja3-fingerprint-md5",),
    ObservableType.JA4: ("ja4", "ja4-plus"),
    ObservableType.HASSH: ("hassh-md5", "hasshserver-md5"),
    ObservableType.AS: ("AS",),
    ObservableType.CVE: ("vulnerability",),
    ObservableType.FILE_NAME: ("filename", "filename|md5", "filename|sha1", "filename|sha256"),
    ObservableType.WALLET: ("btc", "xmr", "dash"),
}


class Warninglist(msgspec.Struct, frozen=True):
    """One list; entries are in lower case, expressions without their delimiters."""

    name: str
    description: str
    type: str
    category: str
    version: int
    applies_to: frozenset[ObservableType]
    entries: tuple[str, ...]
    skipped: int  # entries that could not be used: empty, no network, no expression


class _File(msgspec.Struct):
    name: str
    type: str
    entries: list[str] = msgspec.field(name="list")
    description: str = ""
    version: int = 0
    matching_attributes: list[str] = []
    category: str = FALSE_POSITIVE


def read_list(path: Path) -> Warninglist:
    """Read a MISP warninglist file (``list.json``).

    Entries that cannot be used are left out and counted in ``skipped``. Raises Fault E-REFERENCE-001 when the file
    cannot be read, E-REFERENCE-030 when it is no warninglist.
    """
    try:
        file = msgspec.json.decode(decode(path, read_bytes(path)), type=_File)
    except UNREADABLE:
        raise _no_list(path, "it is not in the MISP format") from None
    if file.type not in TYPES:
        raise _no_list(path, f"its type is none of {', '.join(TYPES)}")
    if not file.name.strip():
        raise _no_list(path, "it has no name")
    most = MAX_SLOW_ENTRIES if file.type in ("substring", "regex") else MAX_ENTRIES
    if len(file.entries) > most:
        raise _no_list(path, f"it has more than {most} entries")
    read = [_entry(file.type, text) for text in file.entries]
    return Warninglist(
        name=file.name.strip(),
        description=file.description,
        type=file.type,
        category=KNOWN if file.category == KNOWN else FALSE_POSITIVE,
        version=file.version,
        applies_to=_applies_to(file.matching_attributes),
        entries=tuple(dict.fromkeys(entry for entry in read if entry is not None)),
        skipped=read.count(None),
    )


def file_name(name: str) -> str:
    """Under which a list is kept: no character of its name becomes part of a path."""
    return f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _applies_to(attributes: list[str]) -> frozenset[ObservableType]:
    """The types that a list speaks of; all of them when it does not say."""
    named = set(attributes)
    if not named or "All" in named:
        return frozenset(ObservableType)
    return frozenset(type for type, known in ATTRIBUTES.items() if named & set(known))


def _entry(type: str, text: str) -> str | None:
    text = text.strip()
    if not text:
        return None
    if type == "cidr":
        network = parse_network(text)
        return None if network is None else str(network)
    if type == "regex":
        return _expression(text)
    # real lists hold names with the root's dot, and names cut short with dots
    return text.lower() if type == "substring" else text.lower().rstrip(".") or None


def _expression(text: str) -> str | None:
    """``/^abc$/i`` as an expression of RE2 on lower-case text; None when RE2 does not know it."""
    delimited = re.fullmatch(r"([/#~@])(.*)\1([a-zA-Z]*)", text, re.DOTALL)
    pattern = f"(?i){delimited[2] if delimited else text}"
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return None
    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except pa.ArrowInvalid:
        return None
    return pattern


def _no_list(path: Path, reason: str) -> Fault:
    return Fault("E-REFERENCE-030", "{path} is no warninglist: {reason}.", path=path.name, reason=reason)
