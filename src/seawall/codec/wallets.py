"""Shapes of digital-currency addresses, and the checksum that tells a real base58 address from noise."""

from __future__ import annotations

import hashlib
import re

_BASE58 = {letter: index for index, letter in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_BASE58_SHAPE = re.compile(r"[1-9A-HJ-NP-Za-km-z]{26,36}")
_BECH32 = re.compile(r"(?:bc1|tb1|ltc1)[02-9ac-hj-np-z]{11,71}")
_HEX = re.compile(r"0x[0-9a-fA-F]{40}")
_ANY = re.compile(r"[0-9A-Za-z:_-]{20,128}")
_VERSIONS = frozenset({0x00, 0x05, 0x1E, 0x30, 0x32, 0x41, 0x4C, 0x10, 0x6F})  # BTC, DOGE, LTC, TRON, DASH, testnet


def canonical_wallet(text: str) -> str | None:
    """``0x`` and bech32 addresses in lower case (both ignore case), others as given; None when it cannot be one."""
    if _HEX.fullmatch(text):
        return text.lower()
    lower = text.lower()
    if _BECH32.fullmatch(lower) and text in (lower, text.upper()):
        return lower
    return text if _ANY.fullmatch(text) else None


def looks_like_wallet(text: str) -> bool:
    """True when the shape, and for base58 the checksum, says that this is an address of a known currency."""
    return bool(_HEX.fullmatch(text) or _BECH32.fullmatch(text) or _base58check(text))


def _base58check(text: str) -> bool:
    """Version byte, payload, and the first four bytes of SHA-256(SHA-256(version, payload)) agree."""
    if not _BASE58_SHAPE.fullmatch(text):
        return False
    number = 0
    for letter in text:
        number = number * 58 + _BASE58[letter]
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return raw[0] in _VERSIONS and hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]
