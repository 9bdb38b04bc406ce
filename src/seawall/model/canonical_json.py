"""RFC 8785, the JSON Canonicalization Scheme: one spelling for equal JSON values, so that digests agree."""

from __future__ import annotations

import math
from typing import Any

import msgspec

_encode_text = msgspec.json.Encoder().encode  # escapes exactly as RFC 8785 3.2.2.2 asks: only what must be escaped
_LARGEST_EXACT = 1 << 53


def canonical_json(value: Any) -> bytes:
    """The canonical UTF-8 bytes of a JSON value (dict, list, str, int, float, bool, None).

    Raises ValueError for what RFC 8785 cannot write: NaN, infinities, integers that a double cannot hold exactly.
    """
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Any, parts: list[bytes]) -> None:
    if isinstance(value, str):
        parts.append(_encode_text(value))
    elif value is None or isinstance(value, bool):
        parts.append(b"null" if value is None else b"true" if value else b"false")
    elif isinstance(value, int):
        if abs(value) > _LARGEST_EXACT:
            raise ValueError("an integer beyond 2^53 has no canonical form")
        parts.append(b"%d" % value)
    elif isinstance(value, float):
        parts.append(_number(value).encode())
    elif isinstance(value, dict):
        parts.append(b"{")
        for index, key in enumerate(sorted(value, key=_utf16)):
            parts.append(b"," if index else b"")
            parts.append(_encode_text(key))
            parts.append(b":")
            _write(value[key], parts)
        parts.append(b"}")
    elif isinstance(value, (list, tuple)):
        parts.append(b"[")
        for index, item in enumerate(value):
            parts.append(b"," if index else b"")
            _write(item, parts)
        parts.append(b"]")
    else:
        raise ValueError(f"{type(value).__name__} is not a JSON value")


def _utf16(key: str) -> bytes:
    """RFC 8785 3.2.3 sorts property names by their UTF-16 code units."""
    return key.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 6.1.6.1.20): shortest digits, exponent from 1e21 and below 1e-6."""
    if not math.isfinite(value):
        raise ValueError("NaN and infinity have no canonical form")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))  # digits before the decimal point
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + (digits if count == 1 else f"{digits[0]}.{digits[1:]}") + power
