"""What a relay says no to, in one table that both ends read: HTTP status, kind of fault, code, sentence.

A relay answers ``{"code": ..., "values": {...}}`` where all values are whole numbers; the client makes the fault anew
from this table, so not one word that a relay wrote is ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seawall.model import Fault, NotFound, Refused, Unavailable

MAX_VALUE = 2**53


class RelayBusy(Unavailable):
    """Asked too often, or too many at once; ``seconds`` says when to come again."""

    @property
    def seconds(self) -> int:
        """When it is worth asking again."""
        return int(str(self.values.get("seconds", 60)))


class MailboxFull(RelayBusy):
    """The mailbox holds as much as it may."""


class SignedElsewhere(Refused):
    """A witness signed another size last than the proof begins with; ``size`` is what it signed."""

    @property
    def size(self) -> int:
        """Leaves that were signed last."""
        return int(str(self.values["size"]))


class Forked(Refused):
    """A checkpoint does not continue what was signed before; ``held`` is the signed note that contradicts it."""

    held: str = ""


class Kind(msgspec.Struct, frozen=True):
    """One row of the table; calling it makes the fault."""

    status: int
    fault: type[Fault]
    code: str
    text: str
    places: tuple[str, ...] = ()

    def __call__(self, **values: int) -> Fault:
        """The fault with its places filled."""
        return self.fault(self.code, self.text, **values)

    def read(self, values: Mapping[str, object]) -> Fault | None:
        """The fault as another process told it; None when a place is missing or is no plausible number."""
        found = {name: values.get(name) for name in self.places}
        fits = all(type(value) is int and 0 <= value <= MAX_VALUE for value in found.values())
        return self.fault(self.code, self.text, **found) if fits else None


NOT_HERE = Kind(404, NotFound, "E-EXCHANGE-774", "The relay has nothing there that this token opens.")
FULL = Kind(
    507,
    MailboxFull,
    "E-EXCHANGE-775",
    "The mailbox at the relay is full until its owner fetches; try again in {seconds} seconds.",
    ("seconds",),
)
BUSY = Kind(
    429,
    RelayBusy,
    "E-EXCHANGE-776",
    "The relay is asked too often or by too many at once; try again in {seconds} seconds.",
    ("seconds",),
)
NO_CLASS = Kind(
    422,
    Refused,
    "E-EXCHANGE-777",
    "A relay takes messages of padded sizes (Padme) only: not {size} bytes, but {padded}.",
    ("size", "padded"),
)
TOO_LARGE = Kind(
    413, Refused, "E-EXCHANGE-778", "The relay takes at most {most} bytes there; send smaller parts.", ("most",)
)
TOO_SOON = Kind(
    400, Refused, "E-EXCHANGE-779", "A message at the relay must be good for {least} seconds at least.", ("least",)
)
UNREADABLE = Kind(400, Refused, "E-EXCHANGE-780", "The relay cannot read this request.")
ROUND_OVER = Kind(
    409,
    Refused,
    "E-EXCHANGE-781",
    "This round of counting is over, or this side gave other tags before; begin another round.",
)
COUNT_SIZE = Kind(
    422,
    Refused,
    "E-EXCHANGE-782",
    "The relay counts {least} to {most} tags a side, not {size}.",
    ("least", "most", "size"),
)
COUNTS_SPENT = Kind(
    403,
    Refused,
    "E-EXCHANGE-783",
    "This pair has had its {most} counts of 90 days; the next is possible in {days} days.",
    ("most", "days"),
)
COUNT_FORM = Kind(
    422,
    Refused,
    "E-EXCHANGE-784",
    "Tags for counting are 16 bytes each, sorted, none stands twice, and their number is a padded class.",
)
ELSEWHERE = Kind(
    409,
    SignedElsewhere,
    "E-EXCHANGE-786",
    "The witness signed {size} leaves of this ledger last; ask again with a proof that begins there.",
    ("size",),
)
FORKED = Kind(
    422,
    Forked,
    "E-EXCHANGE-787",
    "The witness does not sign: this checkpoint does not continue what it signed before. Keep both and ask who changed "
    "the ledger.",
)

KINDS = {
    kind.code: kind
    for kind in (
        NOT_HERE, FULL, BUSY, NO_CLASS, TOO_LARGE, TOO_SOON, UNREADABLE, ROUND_OVER, COUNT_SIZE, COUNTS_SPENT,
        COUNT_FORM, ELSEWHERE, FORKED,
    )
}  # fmt: skip
