"""Observable values: their canonical spelling, and telling the type of a value that somebody typed.

Canonical spellings, so that equal things are equal bytes everywhere:

- addresses as ``ipaddress`` prints them; an IPv4-mapped IPv6 address is an ``ipv4``;
- ``cidr`` with host bits cleared; a full-length network is an address, and an address type with a length is a ``cidr``;
- ``domain`` in lower case, A-labels (IDNA), no trailing dot;
- ``url``: scheme and host in lower case, default port and fragment dropped, an empty path is ``/`` (RFC 3986 6.2.3),
  path and query as given; without a scheme it is read as ``http``;
- ``email`` in lower case; hashes, JA3, hassh and certificate fingerprints in lower hex without separators;
- ``as`` in decimal digits (``4134``); ``cve`` in upper case; ``file_name`` as given.
"""

from __future__ import annotations

from seawall.codec.addresses import address_halves, cidr_halves, halves_address
from seawall.codec.detection import detect
from seawall.codec.refang import refang
from seawall.codec.spelling import a_labels, canonical_pair
from seawall.model import Fault, Observable, ObservableType

__all__ = [
    "a_labels",
    "address_halves",
    "canonical",
    "canonical_pair",
    "cidr_halves",
    "detect",
    "halves_address",
    "refang",
]


def canonical(type: ObservableType, text: str) -> Observable:
    """The value in its canonical spelling. Defanged text is not accepted here: ``refang`` it first.

    The type may come back narrower: ``ipv6`` ``::ffff:1.2.3.4`` is an ``ipv4``, ``ipv4`` ``1.2.3.0/24`` is a ``cidr``.
    Raises Fault E-VALUE-001 when ``text`` is no value of that type.
    """
    try:
        return Observable(*canonical_pair(type, text))
    except ValueError as error:
        raise Fault(
            "E-VALUE-001",
            "{given} is not a value of type {type}: {reason}.",
            given=repr(text[:80]),
            type=str(type),
            reason=error,
        ) from None
