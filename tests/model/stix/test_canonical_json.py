"""RFC 8785: the numbers of its appendix B and the order of its section 3.2.3."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model.canonical_json import canonical_json


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_numbers_are_written_as_the_rfc_lists_them(bits: str, text: str) -> None:
    """IEEE 754 doubles and their one spelling."""
    assert canonical_json(struct.unpack(">d", bytes.fromhex(bits))[0]).decode() == text


def test_names_sort_by_utf16_code_units() -> None:
    """An emoji (a surrogate pair) sorts before U+FB33."""
    written = canonical_json({"\ufb33": 1, "\U0001f600": 2, "\r": 3, "1": 4}).decode()
    assert list(json.loads(written)) == ["\r", "1", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1 << 60, {1, 2}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """NaN, infinity, integers beyond a double's, and things that are not JSON."""
    with pytest.raises(ValueError, match=r"canonical|JSON"):
        canonical_json(value)


@given(st.recursive(st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(), st.lists))
def test_canonical_json_reads_back(value: object) -> None:
    """What was written is what is read."""
    assert json.loads(canonical_json(value)) == value
