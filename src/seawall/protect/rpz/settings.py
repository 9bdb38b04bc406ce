"""What a hidden primary is told: where it listens, who may have its zones, and what a blocked name is answered with."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from typing import Annotated

import msgspec

from seawall.model import Fault
from seawall.protect.names import is_name
from seawall.protect.rpz.bounds import MAX_SECONDARIES
from seawall.protect.rpz.zones import zone_names

LEAST_SECRET = 16
"""Bytes of a key (RFC 8945 section 8: as long as the digest is best, 32; shorter than 16 is no secret)."""

MAX_SINKHOLE = 16
"""Addresses of a walled garden: each is in every answer."""

MAX_ZONE = 60
"""Characters of the zones' common name: it stands behind every blocked name, which has 253 in all."""

_BIND_KEY = re.compile(r'secret\s+"([A-Za-z0-9+/=\s]+)"')


class TsigKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key shared with a resolver, hmac-sha256. ``secret_file``: base64, or what BIND's ``tsig-keygen`` prints."""

    name: str
    secret_file: str


class Secondary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resolver that may have the zones. ``port``: where it hears NOTIFY; 0: it is not told and asks by itself."""

    address: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 53
    key: str = ""  # name of a key; empty: unsigned, only on this machine unless ``unsigned_over_the_network``
    unsigned_over_the_network: bool = False  # whoever can forge that address reads what we block
    parts: bool = False  # it follows block-0.ZONE .. block-f.ZONE instead of block.ZONE, and is told of those


class RpzSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hidden primary: ``block.ZONE``, the same in parts ``block-0.ZONE`` to ``-f``, and ``watch.ZONE``."""

    folder: str  # where the zones and their journal are kept
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8753  # 0: any free one
    zone: str = "rpz.seawall"
    secondaries: tuple[Secondary, ...] = ()
    keys: tuple[TsigKey, ...] = ()
    sinkhole: tuple[str, ...] = ()  # addresses, or one name, that names to sinkhole lead to; empty: blocked
    alert_only: bool = False  # points in zones ``ot`` and ``safety``: everything is watched, nothing blocked
    ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 30  # how long clients remember a blocked answer
    refresh_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 30  # how often secondaries ask unasked
    retry_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 10
    expire_seconds: Annotated[int, msgspec.Meta(ge=2, le=604_800)] = 21_600  # blocks end when we are gone for so long
    logs: tuple[str, ...] = ()  # files into which resolvers beside us write what they rewrote

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones' names by their numbers (``zones``): what blocks, what watches, and the parts of what blocks."""
        return zone_names(self.zone)


def checked(settings: RpzSettings) -> dict[str, bytes]:
    """The secrets by key name, after everything was checked that can be before the first packet.

    Raises Fault E-PROTECT-100 (zone), -101 and -102 (key file), -103 (unknown key), -104 (unsigned), -105 (sinkhole),
    -106 (address), -107 (too many secondaries).
    """
    if not is_name(settings.zone) or len(settings.zone) > MAX_ZONE:
        raise Fault("E-PROTECT-100", "{name} cannot be the name of a policy zone.", name=settings.zone)
    _check_sinkhole(settings.sinkhole)
    secrets = {key.name.lower().rstrip("."): _secret(key) for key in settings.keys}
    if len(settings.secondaries) > MAX_SECONDARIES:
        raise Fault("E-PROTECT-107", "At most {most} resolvers can be told of changes.", most=MAX_SECONDARIES)
    for secondary in settings.secondaries:
        _check_secondary(secondary, secrets)
    return secrets


def new_key(name: str, secret: bytes) -> str:
    """The file of a key as BIND includes it and ``TsigKey`` reads it. ``secret``: 32 random bytes."""
    text = base64.b64encode(secret).decode()
    return f'key "{name}" {{\n\talgorithm hmac-sha256;\n\tsecret "{text}";\n}};\n'


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    return _address(text) is not None


def _check_sinkhole(targets: tuple[str, ...]) -> None:
    if len(targets) > MAX_SINKHOLE:
        raise Fault("E-PROTECT-109", "A sinkhole has at most {most} addresses.", most=MAX_SINKHOLE)
    numbers = [target for target in targets if _address(target) is not None]
    if len(numbers) != len(targets) and not (len(targets) == 1 and is_name(targets[0])):
        raise Fault(
            "E-PROTECT-105", "A sinkhole is one name, or one address and more: {given}.", given=", ".join(targets)
        )


def _check_secondary(secondary: Secondary, secrets: dict[str, bytes]) -> None:
    address = _address(secondary.address)
    if address is None:
        raise Fault("E-PROTECT-106", "{address} is not the address of a resolver.", address=secondary.address)
    if secondary.key and secondary.key.lower().rstrip(".") not in secrets:
        raise Fault("E-PROTECT-103", "No key named {name} is configured.", name=secondary.key)
    if not secondary.key and not address.is_loopback and not secondary.unsigned_over_the_network:
        raise Fault(
            "E-PROTECT-104",
            "The resolver {address} is not on this machine: give it a key, for anybody can send from its address.",
            address=secondary.address,
        )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _secret(key: TsigKey) -> bytes:
    try:
        text = Path(key.secret_file).read_text("ascii")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Fault(
            "E-PROTECT-101", "Cannot read the key file {file}: {reason}.", file=key.secret_file, reason=reason
        ) from None
    found = _BIND_KEY.search(text)
    try:
        secret = base64.b64decode("".join((found.group(1) if found else text).split()), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) < LEAST_SECRET or not is_name(key.name.lower().rstrip(".")):
        raise Fault(
            "E-PROTECT-102",
            "{file} holds no key for {name}: base64 of {least} bytes or more is needed.",
            file=key.secret_file, name=key.name, least=LEAST_SECRET,
        )  # fmt: skip
    return secret
