"""Who gets what: every question of the primary is decided here, without any input or output.

The steps, in their order: it can be read; it is no answer; its signature counts, if it has one; it is a plain question;
its address and key are those of one secondary; the zone is ours; the type is SOA, AXFR or IXFR. A stranger hears
REFUSED whatever the question is, so it learns no zone's name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping

import msgspec

from seawall.protect.rpz import tsig, wire
from seawall.protect.rpz.records import Records
from seawall.protect.rpz.settings import Secondary
from seawall.protect.rpz.triggers import wire_name


class Granted(msgspec.Struct, frozen=True):
    """A transfer that may begin. ``follower``: address and key, as status shows them."""

    asked: wire.Message
    zone: int
    signer: tsig.Signer | None
    follower: tuple[str, str]


class Door:
    """Decides questions. ``versions``: the zones' versions now; ``seconds``: the time now."""

    def __init__(
        self,
        secondaries: tuple[Secondary, ...],
        secrets: Mapping[str, bytes],
        records: Records,
        versions: Callable[[int], int],
        seconds: Callable[[], int],
    ) -> None:
        self._allowed = {(_plain(one.address), wire_name(_key_name(one.key))) for one in secondaries}
        self._secrets = {wire_name(name): secret for name, secret in secrets.items()}
        self._verifier = tsig.Verifier(self._secrets)
        self._records, self._versions, self._seconds = records, versions, seconds

    def decide(self, data: bytes, address: str, *, over_tcp: bool) -> bytes | Granted | None:
        """An answer, a transfer, or nothing at all."""
        try:
            asked = wire.read(data)
        except wire.Malformed:
            return wire.failure(data, wire.FORMAT_ERROR)
        if asked.flags & wire.RESPONSE:
            return None
        signer, key = None, b"\0"
        if asked.signature is not None:
            verdict = self._verifier.check(data, asked, self._seconds())
            key = asked.signature.name
            secret = self._secrets.get(key, b"")
            if verdict.error:
                bare = wire.answer(asked, wire.NOT_AUTH)
                return tsig.refusal(bare, verdict, key, secret, self._seconds())
            signer = tsig.Signer(key, secret, verdict.mac)
        if asked.opcode != wire.QUERY:
            return self._signed(wire.answer(asked, wire.NOT_IMPLEMENTED), signer)
        if (_plain(address), key) not in self._allowed or asked.class_ != wire.IN:
            return self._signed(wire.answer(asked, wire.REFUSED), signer)
        return self._granted(asked, signer, (_plain(address), _text(key)), over_tcp)

    def _granted(
        self, asked: wire.Message, signer: tsig.Signer | None, follower: tuple[str, str], over_tcp: bool
    ) -> bytes | Granted:
        if asked.name not in self._records.names:
            return self._signed(wire.answer(asked, wire.REFUSED), signer)
        zone = self._records.names.index(asked.name)
        soa = self._records.soa(self._versions(zone))
        if asked.type == wire.SOA or (asked.type == wire.IXFR and not over_tcp):
            # RFC 1995 section 2: what does not fit into a datagram is the SOA alone, and the client comes by TCP.
            return self._signed(wire.answer(asked, wire.NO_ERROR, (soa,)), signer)
        if asked.type in (wire.AXFR, wire.IXFR) and over_tcp:
            return Granted(asked, zone, signer, follower)
        return self._signed(wire.answer(asked, wire.REFUSED), signer)

    def _signed(self, answer: bytes, signer: tsig.Signer | None) -> bytes:
        return answer if signer is None else signer.sign(answer, self._seconds())


def _plain(address: str) -> str:
    """An address in its one spelling; IPv4 that came through an IPv6 socket is IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _key_name(name: str) -> str:
    return name.lower().rstrip(".")


def _text(key: bytes) -> str:
    """A key's name as people write it; ours are plain names."""
    parts, at = [], 0
    while length := key[at]:
        parts.append(key[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += length + 1
    return ".".join(parts)
