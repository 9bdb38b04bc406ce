"""Telling what a file is: by its content first, by its name only where content is silent."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import islice
from pathlib import Path

from seawall.codec.atlas import is_atlas
from seawall.codec.csv_header import looks_like_csv
from seawall.codec.ids_rules import is_rules
from seawall.codec.sigma import is_sigma
from seawall.codec.yara import is_yara

SNIFFED_LINES = 20
_YAML = frozenset({".sigma", ".yml", ".yaml"})
_BUNDLE = re.compile(rb'"type"\s*:\s*"bundle"|"spec_version"\s*:|"id"\s*:\s*"[a-z0-9-]+--[0-9a-fA-F-]{36}"')
_MISP = re.compile(rb'"(?:Event|Attribute|Orgc|SharingGroup|response)"\s*:')
_WARNINGLIST = re.compile(rb'"matching_attributes"\s*:|"list"\s*:\s*\[')
_OBJECTS = re.compile(rb'"objects"\s*:\s*\[')
_ADVISORIES = (
    ("csaf", re.compile(rb'"csaf_version"\s*:')),
    ("openvex", re.compile(rb'"@context"\s*:\s*"https?://openvex\.dev')),
    ("cyclonedx", re.compile(rb'"bomFormat"\s*:\s*"CycloneDX"')),
)
_GALAXY = re.compile(rb'"(?:authors|category|source)"\s*:')
_CLUSTERS = re.compile(rb'"values"\s*:\s*\[')
_TAXONOMY = re.compile(rb'"namespace"\s*:\s*"')
_PREDICATES = re.compile(rb'"predicates"\s*:\s*\[|"predicate"\s*:\s*"')
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Format(StrEnum):
    """What can be imported, and what cannot."""

    STIX = "stix"
    MISP = "misp"
    WARNINGLIST = "warninglist"
    CSV = "csv"
    TEXT = "text"
    SIGMA = "sigma"
    YARA = "yara"
    RULES = "rules"
    CSAF = "csaf"
    OPENVEX = "openvex"
    CYCLONEDX = "cyclonedx"
    ATLAS = "atlas"
    GALAXY = "galaxy"
    TAXONOMY = "taxonomy"
    YAML = "yaml"
    BINARY = "binary"
    EMPTY = "empty"


def format_of(head: bytes, path: Path) -> Format:
    """The format of a file that begins with ``head``. Order matters: a MISP event may hold anything else inside."""
    if not head.strip():
        return Format.EMPTY
    if head.startswith(_UTF16):
        return _text_format(head.decode("utf-16", "replace"), path)
    if b"\0" in head:
        return Format.BINARY
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"[") and (found := _json_format(start)) is not None:
        return found
    return _text_format(head.decode("utf-8", "replace"), path)


def _json_format(start: bytes) -> Format | None:
    for name, sign in _ADVISORIES:
        if sign.search(start):
            return Format(name)
    if start[:1] == b"{" and _PREDICATES.search(start) and _TAXONOMY.search(start):
        return Format.TAXONOMY
    if _BUNDLE.search(start) and not _MISP.search(start[:4096]):
        return Format.STIX
    if _MISP.search(start):
        return Format.MISP
    clusters = _CLUSTERS.search(start)
    if start[:1] == b"{" and clusters is not None and _GALAXY.search(start, 0, clusters.start()):
        return Format.GALAXY
    if _WARNINGLIST.search(start):
        return Format.WARNINGLIST
    if _OBJECTS.search(start) or re.match(rb'[\[{]\s*(?:[\]}{"]|$)', start):
        return Format.STIX  # some other JSON: the STIX reader says what it lacks
    return None


def _text_format(text: str, path: Path) -> Format:
    suffixes = {suffix.lower() for suffix in path.suffixes[-2:]}
    if (found := _rules(text, suffixes)) is not None:
        return found
    lines = [line for line in islice(text.splitlines(keepends=True), SNIFFED_LINES * 2) if _counts(line)]
    if ".csv" in suffixes or ".tsv" in suffixes or looks_like_csv(lines[:SNIFFED_LINES]):
        return Format.CSV
    return Format.TEXT


def _rules(text: str, suffixes: set[str]) -> Format | None:
    """Detection rules and frameworks: by name, or by how they read."""
    if suffixes & {".yar", ".yara"}:
        return Format.YARA
    if ".rules" in suffixes:
        return Format.RULES
    if is_atlas(text):
        return Format.ATLAS
    if is_sigma(text):
        return Format.SIGMA
    if suffixes & _YAML:
        return Format.YAML
    if is_yara(text):
        return Format.YARA
    return Format.RULES if is_rules(text) else None


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")
