"""Signed questions and answers: TSIG with hmac-sha256 (RFC 8945).

A question counts once its key is known, its MAC is right, its time is within five minutes and it was not seen before.
Who holds the key alone decides nothing: the address and the key of a secondary must both be right (``server``).
"""

from __future__ import annotations

import hmac
import struct
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from seawall.protect.rpz import wire
from seawall.protect.rpz.bounds import FUDGE_SECONDS, MAX_REPLAYS

ALGORITHM = b"\x0bhmac-sha256\x00"
BAD_SIG, BAD_KEY, BAD_TIME = 16, 17, 18
MAC_SIZE = 32


class Verdict(msgspec.Struct, frozen=True):
    """``error`` 0 and the key's name: good; else what a TSIG error answer says."""

    error: int
    key: bytes = b""  # name on the wire
    mac: bytes = b""


class Verifier:
    """Checks questions against the keys. ``keys``: secrets by name on the wire, lower case."""

    def __init__(self, keys: Mapping[bytes, bytes]) -> None:
        self._keys = keys
        self._seen: OrderedDict[bytes, int] = OrderedDict()  # MAC -> when it stops being good

    def check(self, data: bytes, message: wire.Message, seconds: int) -> Verdict:
        """Whether a signed message is what a key's holder sent just now, in the order of RFC 8945 section 5.2."""
        signature = message.signature
        assert signature is not None  # noqa: S101 - the caller asked
        secret = self._keys.get(signature.name)
        if secret is None or signature.algorithm != ALGORITHM:
            return Verdict(BAD_KEY)
        bare = unsigned(data, signature)
        if len(signature.mac) != MAC_SIZE or not hmac.compare_digest(
            _mac(secret, b"", bare, _variables(signature)), signature.mac
        ):
            return Verdict(BAD_SIG)
        fudge = min(signature.fudge, FUDGE_SECONDS)
        if abs(seconds - signature.time) > fudge or self._replayed(signature.mac, signature.time + fudge, seconds):
            return Verdict(BAD_TIME, signature.name, signature.mac)
        return Verdict(0, signature.name, signature.mac)

    def _replayed(self, mac: bytes, good_until: int, seconds: int) -> bool:
        while self._seen and (next(iter(self._seen.values())) < seconds or len(self._seen) >= MAX_REPLAYS):
            self._seen.popitem(last=False)
        if mac in self._seen:
            return True
        self._seen[mac] = good_until
        return False


class Signer:
    """Signs all messages of the answer to one question; each MAC covers the one before (section 5.3.1)."""

    def __init__(self, key: bytes, secret: bytes, request_mac: bytes = b"") -> None:
        self._key, self._secret = key, secret
        self.mac = request_mac  # the last one of the conversation
        self._first = True

    def sign(self, message: bytes, seconds: int) -> bytes:
        """The message with its signature."""
        variables = _all_variables(self._key, seconds, 0, b"") if self._first else _time(seconds)
        self.mac, self._first = _mac(self._secret, self.mac, message, variables), False
        return _with_record(message, self._key, seconds, self.mac, 0, b"")


def refusal(message: bytes, verdict: Verdict, key: bytes, secret: bytes, seconds: int) -> bytes:
    """An answer that says why a signature does not count; only BADTIME is signed itself (section 5.2.3)."""
    if verdict.error != BAD_TIME:
        return _with_record(message, key, seconds, b"", verdict.error, b"")
    other = struct.pack("!HI", seconds >> 32, seconds & 0xFFFFFFFF)
    digest = _mac(secret, verdict.mac, message, _all_variables(key, seconds, BAD_TIME, other))
    return _with_record(message, key, seconds, digest, BAD_TIME, other)


def good_answer(data: bytes, message: wire.Message, secret: bytes, request_mac: bytes) -> bool:
    """Whether the answer to a question of ours is signed by the same key."""
    signature = message.signature
    if signature is None or signature.algorithm != ALGORITHM:
        return False
    return hmac.compare_digest(
        _mac(secret, request_mac, unsigned(data, signature), _variables(signature)), signature.mac
    )


def unsigned(data: bytes, signature: wire.Signature) -> bytes:
    """The message as it was before it was signed (section 4.3.2): the record gone, the count and the id as before."""
    additional = struct.unpack_from("!H", data, 10)[0] - 1
    return (
        struct.pack("!H", signature.original_id)
        + data[2:10]
        + struct.pack("!H", additional)
        + data[12 : signature.starts]
    )


def _mac(secret: bytes, request_mac: bytes, message: bytes, variables: bytes) -> bytes:
    prefix = struct.pack("!H", len(request_mac)) + request_mac if request_mac else b""
    return hmac.digest(secret, prefix + message + variables, "sha256")


def _time(seconds: int, fudge: int = FUDGE_SECONDS) -> bytes:
    return struct.pack("!HIH", seconds >> 32 & 0xFFFF, seconds & 0xFFFFFFFF, fudge)


def _variables(signature: wire.Signature) -> bytes:
    """What section 4.3.3 adds to a digest: name, class ANY, TTL 0, algorithm, time, fudge, error, other."""
    return (
        signature.name
        + struct.pack("!HI", wire.ANY, 0)
        + signature.algorithm
        + _time(signature.time, signature.fudge)
        + struct.pack("!HH", signature.error, len(signature.other))
        + signature.other
    )


def _all_variables(key: bytes, seconds: int, error: int, other: bytes) -> bytes:
    return _variables(wire.Signature(key, ALGORITHM, seconds, FUDGE_SECONDS, b"", 0, error, other, 0))


def _with_record(message: bytes, key: bytes, seconds: int, mac: bytes, error: int, other: bytes) -> bytes:
    data = (
        ALGORITHM + _time(seconds) + struct.pack("!H", len(mac)) + mac
        + message[:2] + struct.pack("!HH", error, len(other)) + other
    )  # fmt: skip
    additional = struct.unpack_from("!H", message, 10)[0] + 1
    signed = message[:10] + struct.pack("!H", additional) + message[12:]
    return signed + wire.record(key, wire.TSIG, data, 0, wire.ANY)
