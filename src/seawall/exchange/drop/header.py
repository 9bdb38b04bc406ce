"""What a drop says about itself. Signed as a whole; nothing behind it is read before the signature held."""

from __future__ import annotations

import hashlib

import msgspec

from seawall.exchange.drop.bounds import DropBounds
from seawall.exchange.notices.interface import Standing
from seawall.model import Fault, Refused
from seawall.model.unreadable import UNREADABLE

DROP_TYPE = "application/vnd.seawall.drop.v1+json"
DROP_FORMAT = "seawall-drop-1"
NOTICES = ""  # in place of a circle's name, which is never empty: the lines of this part are signed notices
MAX_NUMBER = 1 << 53  # of drops, and microseconds of a moment: what every JSON reader holds exactly


class Part(msgspec.Struct, frozen=True):
    """The objects of one circle, or notices: lines, bytes with their line ends, and the SHA-256 over them."""

    circle: str
    objects: int
    bytes: int
    sha256: str


class Acknowledged(msgspec.Struct, frozen=True):
    """What the maker of this drop has taken in of the other side's: all up to ``number``, and what never came."""

    epoch: int
    number: int
    missing: tuple[int, ...] = ()
    rejected: int = 0  # objects of drop ``number`` that were not accepted


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """One drop in its chain. ``previous`` is the link of the drop before; the first has none.

    ``replaces`` is the link of a lost drop that this one stands in for: it then counts as that link, so that the drops
    behind it still fit. Moments are microseconds UTC.
    """

    format: str = DROP_FORMAT
    sender: str  # node id
    recipient: str  # node id
    epoch: int  # when this chain began; a higher one ends the chains before it
    number: int  # 1, 2, 3 ...
    previous: str
    replaces: str | None = None
    made_at: int
    acknowledged: Acknowledged | None = None
    heard: Standing | None = None  # how far the maker has come in the other side's notices
    last_notice: int = 0  # the number of the last notice in it; 0: none
    parts: tuple[Part, ...] = ()

    @property
    def objects(self) -> int:
        """Objects in all parts."""
        return sum(part.objects for part in self.parts if part.circle != NOTICES)


def encoded(header: Header) -> bytes:
    """The payload that is signed."""
    return msgspec.json.encode(header, order="sorted")


def link_of(header: Header, payload: bytes) -> str:
    """What the next drop names as ``previous``: SHA-256 of the signed payload, or the link that it replaces."""
    return header.replaces or hashlib.sha256(payload).hexdigest()


def read_header(payload: bytes, bounds: DropBounds) -> Header:
    """The header in a payload whose signature held. Raises Fault E-EXCHANGE-201, Refused E-EXCHANGE-203."""
    try:
        header = msgspec.json.decode(payload, type=Header)
    except UNREADABLE:
        raise not_a_drop() from None
    if header.format != DROP_FORMAT or not (0 < header.number <= MAX_NUMBER and 0 < header.epoch <= MAX_NUMBER):
        raise not_a_drop()
    sizes = [(part.objects, part.bytes) for part in header.parts]
    if (
        len(sizes) > bounds.circles
        or any(objects < 0 or size < 0 for objects, size in sizes)
        or sum(objects for objects, _ in sizes) > bounds.objects
        or sum(size for _, size in sizes) > bounds.plain_bytes
    ):
        raise too_large()
    return header


def not_a_drop() -> Fault:
    """The one answer to a file that is something else."""
    return Fault("E-EXCHANGE-201", "This is no drop that this version can read; ask for a fresh one.")


def too_large() -> Fault:
    """The file, or what it says of itself, passes the bounds."""
    return Refused("E-EXCHANGE-203", "The drop is larger than one drop may be; it was not read.")
