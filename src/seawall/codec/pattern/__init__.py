"""STIX patterns. Comes in: pattern text. Goes out: match keys, a tree, or what is wrong with it.

Never here: matching (``match`` and its engines), stored indicators.

>>> from seawall.codec.pattern import simple_keys
>>> [key.value for key in simple_keys("[domain-name:value IN ('a.example', 'b.example')]")]
['a.example', 'b.example']
"""

from __future__ import annotations

from seawall.codec.pattern.check import comparisons, is_ordinary, problem_of
from seawall.codec.pattern.grammar import parse
from seawall.codec.pattern.lexer import PatternError
from seawall.codec.pattern.simple import match_keys, pattern_for, simple_keys
from seawall.codec.pattern.tree import Both, Comparison, Node, Observation, Path, Qualified, Timestamp

__all__ = [
    "Both",
    "Comparison",
    "Node",
    "Observation",
    "Path",
    "PatternError",
    "Qualified",
    "Timestamp",
    "comparisons",
    "is_ordinary",
    "match_keys",
    "parse",
    "pattern_for",
    "problem_of",
    "simple_keys",
]
