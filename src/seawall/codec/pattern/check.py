"""``problem_of``: what is wrong with a pattern, quickly for the forms that feeds are made of."""

from __future__ import annotations

import re

from seawall.codec.pattern.grammar import parse
from seawall.codec.pattern.lexer import PatternError
from seawall.codec.pattern.tree import Both, Comparison, Node, Observation

_TEXT = r"'[^'\\]*+'"
_VALUE = rf"(?:ipv4-addr|ipv6-addr|domain-name|url|email-addr|mac-addr|mutex|file):(?:value|name) = {_TEXT}"
_DIGEST = (
    r"file:hashes\.(?:(?:'MD5'|MD5) = '[0-9A-Fa-f]{32}'|'SHA-1' = '[0-9A-Fa-f]{40}'|'SHA-256' = '[0-9A-Fa-f]{64}'"
    r"|'SHA-512' = '[0-9A-Fa-f]{128}')"
)
_TEST = rf"(?:{_VALUE}|{_DIGEST})"
_OBSERVATION = rf"\[{_TEST}(?: OR {_TEST})*+\]"
_ORDINARY = re.compile(rf"{_OBSERVATION}(?: OR {_OBSERVATION})*+")
MAX_ORDINARY = 100_000  # characters; longer ones are for the parser and its bounds


def is_ordinary(pattern: str) -> bool:
    """Whether a pattern is one of the usual forms, all of which are right: values and digests joined by OR."""
    return len(pattern) <= MAX_ORDINARY and _ORDINARY.fullmatch(pattern) is not None


def problem_of(pattern: str) -> str | None:
    """What is wrong with a pattern as a sentence; None for a good one."""
    if is_ordinary(pattern):
        return None
    try:
        parse(pattern)
    except PatternError as error:
        return str(error)
    return None


def comparisons(node: Node) -> list[Comparison]:
    """Every comparison of a pattern, from left to right."""
    if isinstance(node, Comparison):
        return [node]
    if isinstance(node, Both):
        return [comparison for part in node.parts for comparison in comparisons(part)]
    return comparisons(node.test if isinstance(node, Observation) else node.inner)
