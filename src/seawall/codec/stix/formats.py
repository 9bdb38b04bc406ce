"""Text formats of STIX 2.1 part 2: each function says what is wrong with a string, or None."""

from __future__ import annotations

import calendar
import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

from seawall.codec.stix.registries import THREE_LETTER_SYNONYMS, TWO_LETTER_LANGUAGES, registry
from seawall.model.stix.countries import COUNTRIES

Complaint = str | None

MAX_REMEMBERED = 160  # characters of an identifier kept in memory; real ones have under 80

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
IDENTIFIER = re.compile(rf"([a-z][a-z0-9-]+[a-z0-9])--{_UUID}")
EXTENSION_ID = re.compile(rf"extension-definition--{_UUID}")
_TIMESTAMP = re.compile(
    r"(\d{4})-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d+))?Z", re.ASCII
)
UUID_TEXT = _UUID
HEX_TEXT = r"(?:[a-fA-F0-9]{2})+"
_HEX = re.compile(HEX_TEXT)
_DAY = (  # every day but 29 February
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
TIMESTAMP_TEXT = rf"{_DAY}{_TIME}(?:\.[0-9]+)?Z"
MOMENT_TEXT = rf"{_DAY}{_TIME}\.[0-9]{{3,}}Z"
"""What surely is a timestamp, for the quick way; ``timestamp`` and ``moment`` decide about the others."""
_BINARY = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)")
_SELECTOR = re.compile(r"(?:[a-z0-9_-]{3,249}(?:\.(?:\[\d+\]|[a-z0-9_-]{1,250}))*|id)")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}(?:/(?:3[0-2]|[12]?\d))?", re.ASCII)
_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(
    rf"""(?:{_ATOM}(?:\.{_ATOM})*|"(?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\[\x20-\x7e])*")"""
    r"@(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f:.]+\])"
)
_LABEL = re.compile(r"[^\W](?:[\w-]{0,61}[^\W])?|_[\w-]{0,62}")
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-[A-Z][a-z]{3})?(?:-([A-Z]{2}|\d{3}))?(?:-[a-z0-9]{5,8})*", re.ASCII)
_PRIVATE_LANGUAGE = re.compile(r"q[a-t][a-z]")
_OTHER_REGIONS = frozenset({"CB", "XK"})  # the Caribbean of the OASIS validator's list; Kosovo
_RELATIONSHIP_TYPE = re.compile(r"[a-z0-9-]+")
_ABBREVIATED_HIVE = re.compile(r"(?:HKLM|HKCC|HKCR|HKCU|HKU)(?![A-Z_])", re.IGNORECASE)

_PCHAR = r"[A-Za-z0-9\-._~!$&'()*+,;=:@]"
_PERCENT = r"%[0-9A-Fa-f]{2}"
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"(?://(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]++|%[0-9A-Fa-f]{2})*+@)?"
    r"(?:\[[0-9A-Fa-fv.:]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]++|%[0-9A-Fa-f]{2})*+)(?::\d*)?(?=[/?#]|$))?"
    rf"(?:[{_PCHAR[1:-1]}/]++|{_PERCENT})*+"
    rf"(?:\?(?:[{_PCHAR[1:-1]}/?]++|{_PERCENT})*+)?(?:#(?:[{_PCHAR[1:-1]}/?]++|{_PERCENT})*+)?"
)
_CPE_PART = r"(?:(?:\?*|\*?)(?:[a-zA-Z0-9\-._]|\\[\\*?!\"#$%&'()+,/:;<=>@\[\]^`{|}~])+(?:\?*|\*?)|[*-])"
_CPE = re.compile(
    rf"cpe:2\.3:[aho*-](?::{_CPE_PART}){{5}}:(?:[a-zA-Z]{{2,3}}(?:-(?:[a-zA-Z]{{2}}|\d{{3}}))?|[*-])(?::{_CPE_PART}){{4}}"
)


def timestamp(text: str) -> Complaint:
    """2.13: RFC 3339, UTC, a real day."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return "is not a timestamp of the form YYYY-MM-DDTHH:mm:ss[.s+]Z"
    if match[1] == "0000":
        return "is a year that does not exist"
    if int(match[3]) > 28 and int(match[3]) > calendar.monthrange(int(match[1]), int(match[2]))[1]:
        return "is a day that does not exist"
    return None


def moment(text: str) -> Complaint:
    """3.2: ``created`` and ``modified`` are precise to the millisecond at least."""
    if (complaint := timestamp(text)) is not None:
        return complaint
    return None if len(text) >= 24 else "must be precise to the millisecond (YYYY-MM-DDTHH:mm:ss.sssZ)"


def whole_seconds(text: str) -> Complaint:
    """6.7.6: a time without fraction."""
    return timestamp(text) or (None if len(text) == 20 else "must not have a fraction of a second")


def identifier(text: str) -> Complaint:
    """2.9: object type, two hyphens, UUID."""
    return None if IDENTIFIER.fullmatch(text) else "is not an identifier of the form object-type--UUID"


_remembered_identifier = lru_cache(maxsize=8192)(identifier)


def known_identifier(text: str) -> Complaint:
    """``identifier``, remembered: the same creators and markings stand on object after object."""
    return _remembered_identifier(text) if len(text) <= MAX_REMEMBERED else identifier(text)


def observed_ref(text: str) -> Complaint:
    """4.14: what observed-data refers to is an SCO or a relationship, never a domain or meta object."""
    match = IDENTIFIER.fullmatch(text)
    if match is None:
        return "is not an identifier of the form object-type--UUID"
    return f"must not refer to a {match[1]}" if match[1] in NEVER_OBSERVED else None


_NEVER_OBSERVED = (
    "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set "
    "language-content location malware malware-analysis marking-definition note observed-data opinion report "
    "threat-actor tool vulnerability bundle extension-definition"
)
NEVER_OBSERVED = frozenset(_NEVER_OBSERVED.split())


def _by(shape: re.Pattern[str], complaint: str) -> Callable[[str], Complaint]:
    fullmatch = shape.fullmatch
    return lambda text: None if fullmatch(text) else complaint


def _registered(name: str, complaint: str) -> Callable[[str], Complaint]:
    return lambda text: None if text in registry(name) else complaint


def ipv6(text: str) -> Complaint:
    """6.9: an IPv6 address or network."""
    address, slash, length = text.partition("/")
    if slash and not (_PREFIX_LENGTH.fullmatch(length) and int(length) <= 128):
        return "is not an IPv6 address or network in CIDR notation"
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return "is not an IPv6 address or network in CIDR notation"
    return None


def domain_name(text: str) -> Complaint:
    """6.4: labels of RFC 1034 or RFC 5890; leading underscores are in wide use."""
    labels = text.removesuffix(".").split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "is not a domain name"
    return None


def registry_key(text: str) -> Complaint:
    """6.17: the hive is spelled in full."""
    return "must not abbreviate the hive" if _ABBREVIATED_HIVE.match(text) else None


def language(text: str) -> Complaint:
    """7.1, RFC 5646: a registered language, perhaps a script, a region, variants."""
    match = _LANGUAGE.fullmatch(text)
    if match is None:
        return "is not an RFC 5646 language code"
    name, region = match[1], match[2]
    if name not in TWO_LETTER_LANGUAGES if len(name) == 2 else name in THREE_LETTER_SYNONYMS:
        return "is not a registered RFC 5646 language code"
    if region is not None and region.isalpha() and region not in COUNTRIES and region not in _OTHER_REGIONS:
        return "is not an RFC 5646 language code of a registered region"
    return None


def software_language(text: str) -> Complaint:
    """6.14: three letters of ISO 639-2, qaa to qtz for local use."""
    known = text in registry("languages-639-2") or _PRIVATE_LANGUAGE.fullmatch(text)
    return None if known else "is not an ISO 639-2 language code"


def anything(_text: str) -> Complaint:
    """Any text will do."""
    return None


FORMATS: dict[str, Callable[[str], Complaint]] = {
    "timestamp": timestamp,
    "moment": moment,
    "whole-seconds": whole_seconds,
    "own-identifier": identifier,
    "identifier": known_identifier,
    "observed-ref": observed_ref,
    "observable-ref": anything,
    "hex": _by(_HEX, "is not an even number of hexadecimal digits"),
    "binary": _by(_BINARY, "is not base64"),
    "url": _by(_URL, "is not a URL (RFC 3986)"),
    "selector": _by(_SELECTOR, "is not a selector"),
    "ipv4": _by(_IPV4, "is not an IPv4 address or network in CIDR notation"),
    "ipv6": ipv6,
    "mac": _by(_MAC, "is not a MAC address in lower case with colons"),
    "email": _by(_EMAIL, "is not an e-mail address"),
    "domain-name": domain_name,
    "registry-key": registry_key,
    "cpe": _by(_CPE, "is not a CPE 2.3 name"),
    "language": language,
    "software-language": software_language,
    "relationship-type": _by(_RELATIONSHIP_TYPE, "may contain only a-z, 0-9 and hyphens"),
    "strict-media-type": _registered("media-types", "is not an IANA media type"),
    "character-set": _registered("character-sets", "is not the preferred name of an IANA character set"),
    "media-type": anything,
    "protocol": anything,
    "account-type": anything,
    "vocabulary": anything,
    "spec-version": lambda text: None if text == "2.1" else "is not 2.1",
}

WISHES: dict[str, Callable[[str], Complaint]] = {  # what the specification only recommends
    "media-type": _registered("media-types", "should be an IANA media type"),
    "protocol": _registered("services", "should be an IANA service name"),
}
