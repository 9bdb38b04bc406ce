"""The quick look at usual patterns never takes one that the parser refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.codec.pattern import PatternError, is_ordinary, parse, problem_of

PIECES = [
    "[", "]",
    " OR ", " AND ", "'", "\\", " ", "=", " = ", "ipv4-addr:value = '198.51.100.1'", "file:name = 'a'",
    "file:hashes.'SHA-1' = '", "0" * 40, "file:hashes.MD5 = 'x'",
    "url:value = 'http://a.example/\n'", "mutex:name = ''",
    "[domain-name:value = 'a.example']",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_what_looks_ordinary_parses(text: str) -> None:
    """Whatever is put together, the two never differ."""
    try:
        parse(text)
        right = True
    except PatternError:
        right = False
    assert right or not is_ordinary(text)
    assert (problem_of(text) is None) == right


@pytest.mark.parametrize("sign", ["'", "\\", "x"])
def test_a_long_pattern_costs_no_time(sign: str) -> None:
    """A hundred thousand alternatives, broken at the end."""
    pattern = " OR ".join(["[ipv4-addr:value = '198.51.100.1']"] * 2_500) + sign
    assert problem_of(pattern) is not None
