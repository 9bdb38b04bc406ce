"""The pattern grammar against the OASIS validator, on its own cases and on damaged ones."""

from __future__ import annotations

import json
import random

import pytest
from stix2patterns.validator import run_validator

import realdata
from seawall.codec.pattern import PatternError, parse


def accepts(pattern: str) -> bool:
    """Whether our parser takes it."""
    try:
        parse(pattern)
    except PatternError:
        return False
    return True


def test_the_published_cases_are_judged_alike() -> None:
    """40 patterns with the verdict of the OASIS validator."""
    lines = (realdata.folder("stix-patterns") / "syntax.jsonl").read_text("utf-8").splitlines()
    wrong = [case["pattern"] for case in map(json.loads, lines) if accepts(case["pattern"]) != case["valid"]]
    assert wrong == []


def oasis_accepts(pattern: str) -> bool:
    """The OASIS validator's answer; it stumbles over negative list indexes and empty text, which it does not accept."""
    try:
        return not run_validator(pattern, "2.1")
    except (AttributeError, UnboundLocalError):
        return False


ODD = [
    "[a:b EXISTS]", "[EXISTS a:b]", "[NOT EXISTS a:b]", "[NOT a:b = 1]", "[a:b NOT = 1]", "[a:b IN ()]", "[a:b = +5]",
    "[a:b = .5]", "[a:b = 05]", "[a:b = 5.]", "[a:b[-1].c = 1]", "[a:'b-c' = 1]", "[a:b-c = 1]", "[a-b:c = 1]",
    "[a:b = 'x\\y']", "[a:b > true]", "[a:b = TRUE]", "[a:b=1] WITHIN 0.5 SECONDS", "[a:b=1] WITHIN -5 SECONDS",
    "([a:b=1] WITHIN 5 SECONDS) WITHIN 5 SECONDS", "[a:b=1]/* c */", "[a:b=1] // foo", "", "[]", "a:b=1", "[a:b=1",
    "[a:b=1] FOLLOWEDBY [c:d=2] OR [e:f=3]", "[(a:b=1)]", "[a:b=h'0']", "[a:b=b'YQ=']", "[a:b=b'']", "[a:b=h'']",
    "[file:hashes.MD5='x']", "[file:hashes.'SHA-256' = 'abc']", "[file:hashes.SSDEEP = 'abc!']", "[a:b[*].'c d'=1]",
    "[IN:b=1]", "[a:b:c=1]", '[a:b="x"]', "[a:b='x'AND c:d='y']", "[a:b=1ANDc:d=2]", "[a:b = t'2016-06-01T00:00:60Z']",
    "[a:b=1] START '2016-06-01T00:00:00Z' STOP '2016-06-01T00:00:00Z'", "[foo:bar=1] REPEATS 2.5 TIMES",
]  # fmt: skip


def damaged() -> list[str]:
    """Odd patterns and real ones with a character lost or added, the same at every run."""
    lines = (realdata.folder("stix-patterns") / "match-cases.jsonl").read_text("utf-8").splitlines()
    patterns = [*ODD, *(json.loads(line)["pattern"] for line in lines[:80])]
    chance = random.Random(7)
    for pattern in list(patterns):
        place = chance.randrange(len(pattern) + 1)
        extra = chance.choice("[]()'=<>:.,*0 1aA-_\\/t")
        patterns.append(pattern[:place] + extra + pattern[place:])
        patterns.append(pattern[:place] + pattern[place + 1 :])
    return patterns


def test_damaged_patterns_are_judged_alike() -> None:
    """What the OASIS validator takes we take, what it refuses we refuse."""
    differing = [pattern for pattern in damaged() if accepts(pattern) != oasis_accepts(pattern)]
    assert differing == []


def test_a_pattern_cannot_exhaust_the_stack() -> None:
    """Nesting has a bound."""
    with pytest.raises(PatternError, match="nested deeper"):
        parse("(" * 5000 + "[a:b=1]" + ")" * 5000)
    with pytest.raises(PatternError, match="longer than"):
        parse("[a:b='" + "x" * 1_000_001 + "']")


@pytest.mark.parametrize(
    "pattern",
    ["[a:b = 1] REPEATS {} TIMES", "[a:b = 1] WITHIN {} SECONDS", "[a:b = {}]", "[a:b IN (-{})]", "[a:b[{}] = 1]",
     "[a:b = {}.5]"],
)  # fmt: skip
def test_a_number_of_thousands_of_digits_is_refused(pattern: str) -> None:
    """Neither what Python will not read, nor what would be infinite."""
    for digits in (301, 5_000):
        with pytest.raises(PatternError, match="a number is longer than 300"):
            parse(pattern.format("1" * digits))


def test_the_message_says_where() -> None:
    """An analyst must find the mistake."""
    with pytest.raises(PatternError, match=r"at character 6: expected a comparison operator, found '~'|no part"):
        parse("[a:b ~ 1]")
