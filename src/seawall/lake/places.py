"""Places: 63 bits that put equal values of the roll-up side by side, and what a range or a domain covers in one run.

A compacted roll-up file is sorted by place, and its places stand beside it as plain 64-bit integers. So whatever may
meet an indicator is found by two binary searches. A place only narrows: rows found are compared in full afterwards.

    bit  62..58   57.......................................0
         type     ipv4     32 bits of the address
                  ipv6     its upper 58 bits
                  domain   24 bits of the last two labels' digest, 24 of the last three's (many names share two
                           under co.kr and com.tw), 10 of the last four's
                  others   58 bits of the value's digest

The digest is the lower half of MD5: every engine has it, and somebody who makes two values meet gains a comparison.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from seawall.codec.values import address_halves, cidr_halves

TYPES = (
    "ipv4", "ipv6", "domain", "url", "email", "md5", "sha1", "sha256", "certificate", "ja3", "ja4", "hassh", "cve",
    "file_name", "as", "wallet",
)  # fmt: skip
"""In the order of their tags, which stand in files: append only."""

TAG_SHIFT = 58
_MASK = (1 << TAG_SHIFT) - 1
_OTHER = 31
_MAPPED = 0xFFFF  # the lower half's upper bits of an IPv4-mapped address
_NAME_SHIFTS = {2: 34, 3: 10}
"""How many bits of a place a name of so many labels leaves to the names below it; longer names leave none."""


def place_sql() -> str:
    """SQL over the columns of ROLLUP_SCHEMA that gives a row's place."""
    digest = "md5_number_lower({text})"
    last = "array_to_string(string_split(value, '.')[-{labels}:], '.')"
    deep = "(length(value) - length(replace(value, '.', '')))"  # dots
    name = (
        f"(({digest.format(text=last.format(labels=2))} >> 40)::BIGINT << 34)"
        f" | CASE WHEN {deep} >= 2 THEN ({digest.format(text=last.format(labels=3))} >> 40)::BIGINT << 10 ELSE 0 END"
        f" | CASE WHEN {deep} >= 3 THEN ({digest.format(text=last.format(labels=4))} >> 54)::BIGINT ELSE 0 END"
    )
    tags = " ".join(f"WHEN '{kind}' THEN {place << TAG_SHIFT}" for place, kind in enumerate(TYPES))
    return (
        f"((CASE type {tags} ELSE {_OTHER << TAG_SHIFT} END)::BIGINT | (CASE type "
        f"WHEN 'ipv4' THEN coalesce(low & {0xFFFF_FFFF}, 0) WHEN 'ipv6' THEN coalesce((high >> 6) & {_MASK}, 0) "
        f"WHEN 'domain' THEN {name} "
        f"ELSE coalesce(({digest.format(text='value')} >> 6)::BIGINT, 0) END)::BIGINT)"
    )


def spans(keys: Iterable[tuple[str, str]]) -> np.ndarray:
    """Of indicator keys (type, canonical value): the places (first, last) that may hold rows meeting one of them.

    Sorted and disjoint, shape (n, 2). Raises Fault when an address or range cannot be read.
    """
    found = np.array(sorted({_span(kind, value) for kind, value in keys}), dtype=np.int64).reshape(-1, 2)
    if not len(found):
        return found
    reach = np.maximum.accumulate(found[:, 1])
    starts = np.flatnonzero(np.concatenate(([True], found[1:, 0] > reach[:-1])))
    ends = np.concatenate((starts[1:], [len(found)])) - 1
    return np.stack([found[starts, 0], reach[ends]], axis=1)


def _span(kind: str, value: str) -> tuple[int, int]:
    match kind:
        case "ipv4" | "ipv6":
            high, low = address_halves(value)
            return _of_network(high, low, 128)
        case "cidr":
            return _of_network(*cidr_halves(value))
        case "domain":
            return _of_name(value)
        case _:
            tag = TYPES.index(kind) if kind in TYPES else _OTHER
            place = tag << TAG_SHIFT | _digest(value) >> 6
            return place, place


def _of_network(high: int, low: int, length: int) -> tuple[int, int]:
    if high == 0 and (low >> 32) == _MAPPED and length >= 96:
        return low & 0xFFFF_FFFF, low & 0xFFFF_FFFF | (1 << (128 - length)) - 1
    first = TYPES.index("ipv6") << TAG_SHIFT | (high >> 6) & _MASK
    free = max(0, TAG_SHIFT - length)
    return first, first | (1 << free) - 1


def _of_name(name: str) -> tuple[int, int]:
    labels = name.split(".")
    place = TYPES.index("domain") << TAG_SHIFT | _digest(".".join(labels[-2:])) >> 40 << 34
    if len(labels) >= 3:
        place |= _digest(".".join(labels[-3:])) >> 40 << 10
    if len(labels) >= 4:
        place |= _digest(".".join(labels[-4:])) >> 54
    free = _NAME_SHIFTS.get(max(len(labels), 2), 0)
    return place, place | (1 << free) - 1


def _digest(text: str) -> int:
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")
