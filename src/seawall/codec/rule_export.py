"""Detection rules written back, byte for byte as they came: Sigma and YARA one file each, network rules one a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import msgspec

ENDINGS = {"sigma": ".yml", "yara": ".yar"}
MAX_STEM = 80  # characters of a file's name, before the part that makes it unique
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


class _Rule(msgspec.Struct):
    type: str
    id: str
    name: str | None = None
    pattern: str = ""
    pattern_type: str = "stix"
    revoked: bool = False


Put = Callable[[str, bytes], object]
Losses = list[tuple[str, str]]


def write_rule_files(kind: str, bodies: Iterable[bytes], put: Put, losses: Losses) -> int:
    """Every rule of one kind as a file of its own; returns how many. Names are made of letters and digits only."""
    count = 0
    for rule in _rules(kind, bodies, losses):
        stem = _UNSAFE.sub("_", rule.name or "")[:MAX_STEM].strip("_").lower() or "rule"
        put(f"{stem}-{rule.id.partition('--')[2][:13]}{ENDINGS[kind]}", rule.pattern.encode())
        count += 1
    return count


def write_rule_lines(kind: str, bodies: Iterable[bytes], target: BinaryIO, losses: Losses) -> int:
    """Every rule of one kind behind the other, as engines load them; returns how many."""
    count = 0
    for rule in _rules(kind, bodies, losses):
        target.write(rule.pattern.encode() + b"\n")
        count += 1
    return count


def _rules(kind: str, bodies: Iterable[bytes], losses: Losses) -> Iterator[_Rule]:
    for body in bodies:
        rule = msgspec.json.decode(body, type=_Rule)
        if rule.type == "indicator" and rule.pattern_type == kind and not rule.revoked:
            yield rule
        else:
            what = f"{rule.pattern_type} indicators" if rule.type == "indicator" else f"{rule.type} objects"
            losses.append((rule.id, f"this form carries {kind} rules only, not {what} like this one"))
