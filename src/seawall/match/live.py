"""Indicators as look-up tables for single values: what a line meets the moment it is read.

The same rules as ``match.hits``: addresses exactly and by every prefix length, a name and each of its parents of two
labels or more, everything else by equality; an indicator meets events before its expiry. Answers for texts are
remembered, because few hosts make most of the traffic.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from seawall.codec.values import address_halves, cidr_halves
from seawall.match.keys import TEXT_COLUMNS
from seawall.model import Fault, Pap, Tlp

CACHED = 200_000  # texts remembered for addresses, and as many for names
IPV4_MAPPED = 0xFFFF
MASK = (1 << 64) - 1
Numbers = tuple[int, ...]
_Key = TypeVar("_Key", int, str)
NONE: Numbers = ()


class KeyFacts(msgspec.Struct, frozen=True):
    """What a sighting takes over from its indicator."""

    number: int
    type: str
    value: str
    indicator_id: str | None
    campaign: str | None
    tlp: Tlp
    pap: Pap
    origin: str | None


class LiveKeys:
    """All indicators of the node, for look-ups. Keys are the store's numbers."""

    def __init__(self, keys: pa.Table) -> None:
        """``keys``: the store's key table, ordered by number. Raises Fault E-MATCH-002 for an unreadable value."""
        self._base = keys.combine_chunks()
        self._numbers = np.asarray(self._base["number"])
        self._later: dict[int, KeyFacts] = {}
        self._added = 0
        self._facts: dict[int, KeyFacts] = {}
        self._until: dict[int, int] = {}
        self._ipv4: dict[str, int | Numbers] = {}  # by canonical text
        self._ipv6: dict[int, int | Numbers] = {}
        self._begins: set[str] = set()  # first two octets of IPv4 addresses that some range holds
        self._arrays: dict[int, np.ndarray] | None = None
        self._ranges: dict[int, dict[int, Numbers]] = {}  # prefix length -> first bits -> keys
        self._texts: dict[str, dict[str, int | Numbers]] = {}
        self._met_addresses: dict[str, Numbers] = {}
        self._met_names: dict[str, Numbers] = {}
        self._load(self._base)
        self._lengths = tuple(sorted(self._ranges))

    def __len__(self) -> int:
        return len(self._numbers) + self._added

    @property
    def columns(self) -> list[str]:
        """Text columns of observations that some indicator is compared with."""
        return [name for name in ("domain", *TEXT_COLUMNS, "cve") if name in self._texts]

    @property
    def has_cves(self) -> bool:
        """Whether some indicator is a CVE."""
        return "cve" in self._texts

    def update(self, changed: pa.Table) -> None:
        """Take over keys that are new or have changed. Keys that were withdrawn go only with a new table."""
        self._load(changed)
        for row in changed.to_pylist():
            number = row["number"]
            self._added += not (number in self._later or self._is_based(number))
            self._facts.pop(number, None)
            self._later[number] = _facts(row)
            if row["valid_until"] is None:
                self._until.pop(number, None)
        self._lengths = tuple(sorted(self._ranges))
        self._arrays = None
        self._met_addresses.clear()
        self._met_names.clear()

    def facts(self, number: int) -> KeyFacts | None:
        """What is known of a key; None for one that was withdrawn."""
        found = self._later.get(number) or self._facts.get(number)
        if found is None and self._is_based(number):
            self.fetch([number])
            found = self._facts.get(number)
        return found

    def fetch(self, numbers: Iterable[int]) -> None:
        """Get the facts of many keys at once, before they are asked for one by one."""
        wanted = [
            number
            for number in numbers
            if number not in self._later and number not in self._facts and self._is_based(number)
        ]
        if not wanted:
            return
        rows = self._base.take(pa.array(np.searchsorted(self._numbers, wanted)))
        names = [name for name in KeyFacts.__struct_fields__ if name in rows.column_names]
        fresh = [
            _facts(dict(zip(names, values, strict=True)))
            for values in zip(*(rows[name].to_pylist() for name in names), strict=True)
        ]
        if len(self._facts) + len(fresh) > CACHED:
            self._facts = {}
        self._facts.update((facts.number, facts) for facts in fresh)

    def standing(self, numbers: Numbers, time: int) -> Numbers:
        """Of these keys, those that had not expired at ``time``."""
        if not self._until:
            return numbers
        return tuple(number for number in numbers if time < self._until.get(number, time + 1))

    def meet(
        self, src: str | None, dst: str | None, domain: str | None, url: str | None, others: Iterable[tuple[str, str]]
    ) -> Numbers:
        """The keys that one line meets, each once. Addresses in any spelling, the rest canonical."""
        found = self._address_text(src) if src is not None else NONE
        if dst is not None and (more := self._address_text(dst)):
            found = _joined(found, more) if found else more
        if domain is not None and (more := self._met_names.get(domain) or self._name(domain)):
            found = found + more
        if url is not None and (one := self._text("url", url)):
            found = found + one
        for kind, value in others:
            if one := self._text(kind, value):
                found = found + one
        return found

    def address(self, high: int, low: int) -> Numbers:
        """The keys that an address meets, given as signed 64-bit halves."""
        number = ((high & MASK) << 64) | (low & MASK)
        mapped = number >> 32 == IPV4_MAPPED
        held = self._ipv4.get(socket.inet_ntoa((number & 0xFFFF_FFFF).to_bytes(4, "big"))) if mapped else None
        found = _tuple(held if mapped else self._ipv6.get(number))
        for length in self._lengths:
            # a range as wide as this would also hold the IPv4-mapped addresses, which are not IPv6 on any wire
            if mapped and length < 96:
                continue
            if more := self._ranges[length].get(number >> (128 - length)):
                found += more
        return found

    def may_meet(self, high: np.ndarray, low: np.ndarray) -> np.ndarray:
        """Which addresses of a column can meet a key: all that do, and every IPv6 address."""
        arrays = self._low_halves()
        found = stands_in(low, arrays[128])
        for length, first_bits in arrays.items():
            if length != 128:
                found |= stands_in(low >> (128 - length), first_bits)
        answer: np.ndarray = found | (high != 0) | (low >> 32 != IPV4_MAPPED)
        return answer

    def _low_halves(self) -> dict[int, np.ndarray]:
        """Sorted low halves of IPv4 keys, and first bits of IPv4 ranges by length."""
        if self._arrays is None:
            texts = list(self._ipv4)
            octets = np.frombuffer(b"".join(map(socket.inet_aton, texts)), dtype=">u4").astype(np.int64)
            self._arrays = {128: np.sort(octets | (IPV4_MAPPED << 32))}
            for length in self._lengths:
                if length >= 96:
                    bits = [first for first in list(self._ranges[length]) if first >> (length - 96) == IPV4_MAPPED]
                    self._arrays[length] = np.array(sorted(bits), dtype=np.int64)
        return self._arrays

    def name(self, name: str) -> Numbers:
        """The keys that a name and its parents meet."""
        names = self._texts.get("domain")
        if not names:
            return NONE
        found = _tuple(names.get(name))
        at = name.find(".")
        while at >= 0:
            parent = name[at + 1 :]
            at = name.find(".", at + 1)
            if at < 0:
                break
            found += _tuple(names.get(parent))
        return found

    def text(self, kind: str, value: str) -> Numbers:
        """The keys of one type that are equal to ``value``."""
        return self._text(kind, value)

    def _text(self, kind: str, value: str) -> Numbers:
        values = self._texts.get(kind)
        return _tuple(values.get(value)) if values else NONE

    def _address_text(self, text: str) -> Numbers:
        """An address as it stands in a log. Most have neither a key nor a range that begins like them."""
        if ":" in text or (self._begins and text[: text.find(".", text.find(".") + 1)] in self._begins):
            return self._slow_address(text)
        held = self._ipv4.get(text)
        return NONE if held is None else _tuple(held)

    def _slow_address(self, text: str) -> Numbers:
        if (met := self._met_addresses.get(text)) is not None:
            return met
        halves = _halves(text)
        return _remembered(self._met_addresses, text, self.address(*halves) if halves is not None else NONE)

    def _name(self, name: str) -> Numbers:
        if name in self._met_names:
            return NONE
        return _remembered(self._met_names, name, self.name(name))

    def _load_range(self, value: str, number: int) -> None:
        first, length = _range_number(value)
        bits = self._ranges.setdefault(length, {})
        if number not in bits.get(first, NONE):
            bits[first] = (*bits.get(first, NONE), number)
        if length >= 96 and first >> (length - 96) == IPV4_MAPPED:
            low = (first << (128 - length)) & 0xFFFF_FFFF
            last = low + (1 << (128 - length)) - 1
            self._begins.update(f"{begin >> 8}.{begin & 255}" for begin in range(low >> 16, (last >> 16) + 1))

    def _is_based(self, number: int) -> bool:
        place = int(np.searchsorted(self._numbers, number))
        return place < len(self._numbers) and int(self._numbers[place]) == number

    def _load(self, keys: pa.Table) -> None:
        columns = (keys[name].to_pylist() for name in ("number", "type", "value", "valid_until"))
        for number, kind, value, until in zip(*columns, strict=True):
            if until is not None:
                self._until[number] = until
            if kind == "ipv4":
                _put(self._ipv4, _canonical_ipv4(value), number)
            elif kind == "ipv6":
                _put(self._ipv6, _address_number(value), number)
            elif kind == "cidr":
                self._load_range(value, number)
            else:
                _put(self._texts.setdefault(kind, {}), value, number)


def stands_in(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which of ``values`` stand in ``ordered``."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(ordered, values)
    return np.asarray(ordered[np.minimum(at, len(ordered) - 1)] == values)


def _put(table: dict[_Key, int | Numbers], key: _Key, number: int) -> None:
    held: Numbers = _tuple(table.get(key))
    if number not in held:
        table[key] = (*held, number) if held else number


def _tuple(held: int | Numbers | None) -> Numbers:
    if held is None:
        return NONE
    return (held,) if isinstance(held, int) else held


def _joined(first: Numbers, second: Numbers) -> Numbers:
    return first + tuple(number for number in second if number not in first)


def _remembered(cache: dict[str, Numbers], text: str, found: Numbers) -> Numbers:
    if len(cache) >= CACHED:
        cache.clear()
    cache[text] = found
    return found


def _halves(text: str) -> tuple[int, int] | None:
    """Signed halves of an address as it stands in a log; None when it is none."""
    try:
        return 0, (IPV4_MAPPED << 32) | int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except (OSError, ValueError):
        pass
    try:
        packed = socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return None
    return int.from_bytes(packed[:8], "big", signed=True), int.from_bytes(packed[8:], "big", signed=True)


def _canonical_ipv4(value: str) -> str:
    try:
        return socket.inet_ntoa(socket.inet_pton(socket.AF_INET, value))
    except (OSError, ValueError) as error:
        raise _unreadable(value) from error


def _address_number(value: str) -> int:
    try:
        high, low = address_halves(value)
    except Fault as fault:
        raise _unreadable(value) from fault
    return ((high & MASK) << 64) | (low & MASK)


def _range_number(value: str) -> tuple[int, int]:
    try:
        high, low, length = cidr_halves(value)
    except Fault as fault:
        raise _unreadable(value) from fault
    return (((high & MASK) << 64) | (low & MASK)) >> (128 - length), length


def _unreadable(value: str) -> Fault:
    return Fault(
        "E-MATCH-002",
        "The indicator value {given} cannot be read as an address or network; remove it or import it again.",
        given=repr(value[:80]),
    )


def _facts(row: dict[str, Any]) -> KeyFacts:
    return KeyFacts(
        number=row["number"],
        type=row["type"],
        value=row["value"],
        indicator_id=row.get("indicator_id"),
        campaign=row.get("campaign"),
        tlp=Tlp.AMBER if row.get("tlp") is None else Tlp(row["tlp"]),
        pap=Pap.AMBER if row.get("pap") is None else Pap(row["pap"]),
        origin=row.get("origin"),
    )
