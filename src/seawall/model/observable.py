"""Observables: the values that sensors see and indicators name."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ObservableType(StrEnum):
    """Every type of value Seawall compares, as the command line spells it."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    CIDR = "cidr"
    DOMAIN = "domain"
    URL = "url"
    EMAIL = "email"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    CERTIFICATE = "certificate"
    JA3 = "ja3"
    JA4 = "ja4"
    HASSH = "hassh"
    AS = "as"
    CVE = "cve"
    FILE_NAME = "file_name"
    WALLET = "wallet"
    PATTERN = "pattern"  # a STIX pattern that is more than a list of values: only an indicator's, no sensor's


class Observable(msgspec.Struct, frozen=True, order=True):
    """One value in its canonical spelling (``codec.values.canonical`` makes it)."""

    type: ObservableType
    value: str
