"""What the records of the zones look like: everything that is the same for all names is packed once."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence

from seawall.protect.rpz import wire
from seawall.protect.rpz.settings import RpzSettings
from seawall.protect.rpz.snapshot import MODULUS
from seawall.protect.rpz.triggers import is_ipv6, labels, wire_name
from seawall.protect.rpz.zones import BLOCK, IP_TRIGGER, LED, WATCH, kind_of

SINKHOLE = -1  # no zone: other answers in those that block
NEGATIVE_SECONDS = 10  # what resolvers make of "does not exist" in the zone itself
NXDOMAIN = (wire.CNAME, b"\0")  # CNAME . (draft-vixie-dnsop-dns-rpz-00 section 3.1)
PASSTHRU = (wire.CNAME, wire_name("rpz-passthru"))  # section 3.4: leave the answer as it is (and log it)
LOCALHOST = labels("localhost") + b"\0"


class Records:
    """The records of all zones under one set of settings."""

    def __init__(self, settings: RpzSettings) -> None:
        self.names = tuple(wire_name(zone) for zone in settings.zones)
        self._settings = settings
        self._tails = {BLOCK: self._tail([NXDOMAIN]), WATCH: self._tail([PASSTHRU])}
        if settings.sinkhole:
            self._tails[SINKHOLE] = self._tail(_led(settings))
        self._of_addresses = {kind: self._fitting(tails) for kind, tails in self._tails.items()}
        self._nameserver = wire.record(wire.TO_ZONE, wire.NS, LOCALHOST, settings.ttl_seconds)

    @property
    def terms(self) -> str:
        """Changes when the same names would make other records, so that no journal leads from those to these."""
        parts = (b"widest", *self.names[:2], *(tail for tails in self._tails.values() for tail in tails))
        return hashlib.sha256(b"|".join(parts)).hexdigest()

    def soa(self, version: int) -> bytes:
        """The zone's SOA; its owner is the question's name."""
        given = self._settings
        times = (given.refresh_seconds, given.retry_seconds, given.expire_seconds, NEGATIVE_SECONDS)
        data = wire.soa_data(LOCALHOST + labels("hostmaster") + LOCALHOST, version % MODULUS, times)
        return wire.record(wire.TO_ZONE, wire.SOA, data, given.ttl_seconds)

    def nameserver(self) -> bytes:
        """The NS record that every zone has; nobody follows it."""
        return self._nameserver

    def pack(self, zone: int, owners: Sequence[bytes]) -> tuple[bytes, int]:
        """All records of these owners, each name's own and those of everything below it, and how many they are."""
        parts: list[bytes] = []
        count = 0
        plain = kind_of(zone)
        for kept in owners:
            owner = kept.removeprefix(LED)
            kind = SINKHOLE if len(kept) > len(owner) and SINKHOLE in self._tails else plain
            names = self._tails[kind]
            if owner.endswith(IP_TRIGGER):
                tails = self._of_addresses[kind][is_ipv6(owner)]
                parts += [piece for tail in tails for piece in (owner, tail)]
                count += len(tails)
            else:
                for tail in names:
                    parts += (owner, tail, b"\x01*", owner, tail)
                count += 2 * len(names)
        return b"".join(parts), count

    def most_bytes(self, zone: int) -> int:
        """What one owner takes at most."""
        kinds = (BLOCK, SINKHOLE) if kind_of(zone) == BLOCK and SINKHOLE in self._tails else (kind_of(zone),)
        return max(sum(2 * (wire.MAX_NAME + len(tail)) for tail in self._tails[kind]) for kind in kinds)

    def _fitting(self, tails: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """For IPv4 and IPv6 triggers: an answer's addresses are of the family that is replaced, or there is none."""
        nothing = self._tail([NXDOMAIN])
        kinds = [int.from_bytes(tail[2:4]) for tail in tails]
        fitting = [
            [tail for tail, kind in zip(tails, kinds, strict=True) if kind in (wire.CNAME, wanted)]
            for wanted in (wire.A, wire.AAAA)
        ]
        return fitting[0] or nothing, fitting[1] or nothing

    def _tail(self, answers: list[tuple[int, bytes]]) -> list[bytes]:
        return [wire.record(wire.TO_ZONE, kind, data, self._settings.ttl_seconds) for kind, data in answers]


def _led(settings: RpzSettings) -> list[tuple[int, bytes]]:
    """What a name is answered with that leads to the sinkhole."""
    answers = []
    for target in settings.sinkhole:
        try:
            address = ipaddress.ip_address(target)
        except ValueError:
            return [(wire.CNAME, wire_name(target))]
        answers.append((wire.A if address.version == 4 else wire.AAAA, address.packed))
    return answers
