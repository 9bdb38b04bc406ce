"""Who takes part in a synchronisation with a MISP: the MISP, our events, what we know of it, and what may go there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from seawall.exchange.misp.documents import Doc
from seawall.ledger import LedgerEvent
from seawall.model import Recorded, Release


class Remote(Protocol):
    """The MISP: ``MispClient`` in the product."""

    def index(self, since: int | None) -> dict[str, int]:
        """UUID and time (seconds) of events, all or changed since."""

    def events(self, uuids: Sequence[str]) -> list[Doc]:
        """Events whole, as far as it shows them."""

    def add(self, recorded: Recorded[Release], event: Doc) -> Doc:
        """Add the event of this release, said as ``event``; the answer is the event as kept."""

    def edit(self, recorded: Recorded[Release], event: Doc) -> Doc:
        """Edit it by these parts of it; the answer is the event as kept."""

    def delete(self, recorded: Recorded[LedgerEvent]) -> None:
        """Delete the event of this recall."""

    def sight(self, recorded: Recorded[Release], sighted: Sighted) -> bool:
        """Add a sighting of this release to all that hold its values; False when nothing there does."""

    def attach(self, recorded: Recorded[Release], uuid: str, tag: str) -> None:
        """Attach a tag to the event of this release or to an attribute in it."""

    def remove(self, recorded: Recorded[Release], uuid: str, tag: str) -> None:
        """Take a tag away from the event of this release or from an attribute in it."""


class Sighted(msgspec.Struct, frozen=True):
    """That values were seen."""

    id: str  # of the STIX sighting
    values: tuple[str, ...]
    at: int  # seconds
    source: str  # what stands with it there


class Taken(msgspec.Struct, frozen=True):
    """What became of an event as the MISP holds it."""

    changed: bool = False
    rejected: int = 0  # parts that cannot be used
    not_theirs: bool = False  # the event is ours: what a MISP of others makes of it changes nothing here


class Book(Protocol):
    """Our events."""

    def deleted(self, uuids: Sequence[str]) -> frozenset[str]:
        """Of these events, those that we deleted."""

    def take(self, uuid: str, join: Callable[[Doc | None], Doc | None]) -> Taken:
        """Replace our event by what ``join`` makes of it (None: leave it), where this MISP has a say in it."""

    def delete(self, uuid: str) -> bool:
        """Delete ours; False: it is not held, or this MISP has no say in it."""


class Memory(Protocol):
    """What this MISP is known to hold, and how far we are."""

    def known(self, uuid: str) -> Doc | None:
        """The event as it holds it."""

    def know(self, uuid: str, timestamp: int, doc: Doc) -> None:
        """Remember that."""

    def times(self, uuids: Sequence[str] | None) -> dict[str, int]:
        """The times last told for events."""

    def forget(self, uuid: str) -> None:
        """It holds this one no more."""

    def cursor(self) -> Cursor:
        """How far we are."""

    def keep(self, cursor: Cursor) -> None:
        """Remember how far."""

    def refused(self) -> list[Refusal]:
        """What it did not take, to be offered again."""

    def keep_refused(self, refused: Sequence[Refusal]) -> None:
        """Remember that; on disk when this returns."""


class Offer(msgspec.Struct, frozen=True):
    """An event that changed on our side; ``doc``: what this MISP may hold of it, None when we deleted it."""

    uuid: str
    change: int
    doc: Doc | None
    withheld: int = 0  # parts above what it may know
    between_us: bool = True  # it began here or there: nobody else's deletion is ours to pass on
    place: str = ""  # where the desk finds it again


class Refusal(msgspec.Struct, frozen=True):
    """An offer that the MISP did not take, or not whole."""

    uuid: str
    place: str
    tries: int
    due: int  # seconds: not before


class Desk(Protocol):
    """What of ours may go there."""

    def offers(self, after: int) -> Iterator[Offer]:
        """Our events changed behind a change number, in that order."""

    def again(self, uuid: str, place: str) -> Iterator[Offer]:
        """What was offered for an event from this place, as it is now; nothing when there is nothing any more."""

    def record(self, uuid: str, doc: Doc) -> Recorded[Release]:
        """Put the release on record; its first object's body is what may leave."""

    def sightings(self) -> Iterator[tuple[Recorded[Release], list[Sighted]]]:
        """Sightings that it may know and was not told yet, a release at a time; the next one says that it was told."""

    def recall(self, uuid: str) -> Recorded[LedgerEvent]:
        """Put on record that the event is taken back from there."""


class Cursor(msgspec.Struct, frozen=True):
    """Where the next run begins."""

    since: int | None = None  # seconds, by the MISP's own times
    full_at: int = 0  # seconds: when the whole index was last seen
    change: int = 0  # of ours
