"""Sigma rules (sigma-specification 2.0 and before) as indicators carried whole.

A file may hold several documents, each of which becomes one indicator with its own text, byte for byte. Only where
documents belong together (``action: global`` of old collections) is the whole file one indicator.
"""

from __future__ import annotations

import re
from typing import Any

from seawall.codec.converted import Converted, day, plain, references
from seawall.codec.rule_indicator import MAX_RULE, RuleSaid, rule_indicator
from seawall.codec.safe_yaml import BadYamlError, load_documents

MAX_FILE = 16 << 20  # bytes: the whole public rule set as one file has 9 MB
MAX_RULES = 20_000  # of one file
_BOUNDARY = re.compile(r"^---(?:[ \t].*)?(?:\r?\n|$)|^\.\.\.[ \t]*(?:\r?\n|$)", re.MULTILINE)
_LOW = frozenset({"informational", "low"})
_BODIES = ("detection", "correlation", "filter")


def is_sigma(text: str) -> bool:
    """Whether a text reads like a Sigma rule: a title, and a detection, correlation or filter, as top-level keys."""
    return bool(
        re.search(r"^title:", text, re.MULTILINE)
        and re.search(r"^(?:detection|correlation|filter):", text, re.MULTILINE)
    )


def read_sigma(data: bytes) -> Converted:
    """The rules of one file. Never raises for what the file holds: what cannot be used is rejected with its reason."""
    found = Converted()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        found.reject(1, None, "it is not UTF-8")
        return found
    if len(data) > MAX_FILE:
        found.reject(1, None, f"it has more than {MAX_FILE} bytes")
        return found
    segments = _segments(text)
    if any(re.search(r"^action:", segment, re.MULTILINE) for _, segment in segments):
        _collection(text, found)
        return found
    for line, segment in segments[:MAX_RULES]:
        _one(line, segment, found)
    if len(segments) > MAX_RULES:
        found.reject(segments[MAX_RULES][0], None, f"one file may hold {MAX_RULES} rules")
    return found


def _segments(text: str) -> list[tuple[int, str]]:
    """(line, text) of each document. A marker in the first column always ends a document (YAML 1.2.2, 9.1)."""
    pieces: list[tuple[int, str]] = []
    start, line = 0, 1
    for mark in _BOUNDARY.finditer(text):
        pieces.append((line, text[start : mark.start()]))
        line += text.count("\n", start, mark.end())
        start = mark.end()
    pieces.append((line, text[start:]))
    return [(line, piece) for line, piece in pieces if any(_says(part) for part in piece.splitlines())]


def _says(line: str) -> bool:
    bare = line.lstrip("\ufeff").strip()
    return bool(bare) and not bare.startswith(("#", "%"))


def _one(line: int, text: str, found: Converted) -> None:
    if len(text.encode()) > MAX_RULE:
        found.reject(line, None, f"a rule may have {MAX_RULE} bytes")
        return
    try:
        documents = load_documents(text, MAX_RULE)
    except BadYamlError as error:
        found.reject(line, None, str(error))
        return
    rule = documents[0] if len(documents) == 1 else None
    if not isinstance(rule, dict) or not any(isinstance(rule.get(part), dict) for part in _BODIES):
        found.reject(line, None, "it is no Sigma rule: a detection is missing")
        return
    _keep(rule, text, found)


def _collection(text: str, found: Converted) -> None:
    """Documents that complete each other: kept together, named by the first that has a title."""
    if len(text.encode()) > MAX_RULE:
        found.reject(1, None, f"a rule may have {MAX_RULE} bytes")
        return
    try:
        rules = [rule for rule in load_documents(text, MAX_RULE) if isinstance(rule, dict)]
    except BadYamlError as error:
        found.reject(1, None, str(error))
        return
    if not any("detection" in rule for rule in rules):
        found.reject(1, None, "it is no Sigma rule: a detection is missing")
        return
    merged: dict[str, Any] = {}
    for rule in reversed(rules):
        merged |= rule
    found.losses.add(
        "sigma:collection", f"{str(merged.get('title'))[:80]}: several documents are kept as one indicator"
    )
    _keep(merged, text, found)


def _keep(rule: dict[str, Any], text: str, found: Converted) -> None:
    title = plain(rule.get("title"), 1_000) or "Sigma rule without a title"
    labels = [f"sigma:{name}:{value}" for name in ("level", "status") if (value := plain(rule.get(name), 40))]
    given = rule.get("references")
    found.objects.append(
        rule_indicator(
            RuleSaid(
                kind="sigma",
                id=plain(rule.get("id"), 100),
                key=(title, str(rule.get("logsource"))),
                name=title,
                text=text,
                description=plain(rule.get("description")),
                created=day(rule.get("date")),
                modified=day(rule.get("modified")),
                references=references(given if isinstance(given, list) else [given] if given else []),
                tags=[tag for tag in _listed(rule.get("tags")) if len(tag) <= 200],
                labels=labels,
                harmless=plain(rule.get("level")) in _LOW,
            )
        )
    )


def _listed(value: object) -> list[str]:
    return [str(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
