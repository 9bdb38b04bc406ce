"""Version ranges in every spelling that advisories use."""

from __future__ import annotations

import pytest

from seawall.codec.version_ranges import read_ranges


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("<1.2.3", ["<1.2.3"]),
        (">=1.0, <2.0", [">=1.0 <2.0"]),
        ("1.2 and earlier", ["<=1.2"]),
        ("7.2.0 before 7.2.5", [">=7.2.0 <7.2.5"]),
        ("prior to 3.1", ["<3.1"]),
        ("1.0 - 1.5", [">=1.0 <=1.5"]),
        ("1.0 to 1.5 (inclusive)", [">=1.0 <=1.5"]),
        ("vers:pypi/>=1.0|<2.0|3.1", [">=1.0 <2.0", "3.1"]),
        ("vers:all/*", ["all versions"]),
        ("1.2.x", [">=1.2 <1.3"]),
        ("from 1.0 up to 2.0", [">=1.0 <=2.0"]),
        ("up to but not including 2.0", ["<2.0"]),
        ("1.0 || 2.0", ["1.0", "2.0"]),
        ("7.4.3 or later", [">=7.4.3"]),
        ("<=9.16(4)57", ["<=9.16(4)57"]),
        ("-", [""]),
    ],
)
def test_a_range_is_read_as_it_is_meant(text: str, meant: list[str]) -> None:
    """Each spelling gives the ranges that a person would read in it, and none of them as a mere text."""
    found = read_ranges(text)
    assert [str(one) for one in found] == meant
    assert not any(one.text for one in found)


@pytest.mark.parametrize(
    "text", ["banana", "vers:npm/!=1.2", ">1 >2", "see advisory", "1.0 2.0 3.0", "<1.2.x", "x" * 9_999]
)
def test_what_cannot_be_read_stays_a_text(text: str) -> None:
    """Nothing is guessed: such a range answers neither yes nor no."""
    (found,) = read_ranges(text)
    assert found.text
    assert not (found.start or found.end)
