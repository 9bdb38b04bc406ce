"""The inbound desk: what a peer sent is looked into, checked, put before inbound policy, kept, and acknowledged.

Steps for each batch: (1) id, type and version are read from each object; (2) ``check`` judges it as STIX; (3)
``admit`` (inbound policy) decides and turns it into a ``StoredObject`` with its origin and markings; (4) all
admitted objects are kept in one transaction; (5) receipts are written. A bad object never spoils the good ones
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from seawall.exchange.discipline import Misdeed
from seawall.exchange.interface import Outcome
from seawall.model import Clock
from seawall.model.stored import PutCounts, StoredObject
from seawall.model.unreadable import UNREADABLE

UNNAMED = "unnamed"
UNREADABLE_LEAST = 10  # unreadable objects of one delivery, at least half of it, before they count against the sender
MAX_ID = 200  # characters of a STIX id; the longest type name plus a UUID has about 80


class ReceivedObject(msgspec.Struct, frozen=True):
    """One object as a peer sent it. ``version`` is STIX ``modified``, else ``created``, else empty."""

    id: str
    type: str
    version: str
    body: bytes
    peer: str  # code name
    circle: str
    received_at: int  # microseconds UTC


class TakenIn(msgspec.Struct, frozen=True):
    """What became of one batch."""

    counts: PutCounts
    outcomes: tuple[Outcome, ...]  # one per body, in order

    @property
    def rejected(self) -> int:
        """How many objects were not accepted."""
        return sum(outcome.problem is not None for outcome in self.outcomes)


Check = Callable[[bytes], str | None]
"""A STIX check of one object: None, or one sentence for the sender (``codec.stix.check``)."""


class Declined(msgspec.Struct, frozen=True):
    """Why an object stays outside: one sentence for the sender; ``forged``: it speaks for somebody else."""

    sentence: str
    forged: bool = False


Admit = Callable[[ReceivedObject], StoredObject | Declined | str]
"""Inbound policy: what to keep, or one sentence for the sender."""

Misbehaved = Callable[[str, Misdeed, str], None]
"""This peer did something wrong, in one sentence for our own people. May raise Refused when it has become too much."""

Keep = Callable[[Sequence[StoredObject]], PutCounts]
"""Stores all or nothing (``store.objects.put`` and ``store.indicators.put`` in one transaction)."""

Receipt = Callable[[str, str, Sequence[Outcome]], None]
"""Writes down, for peer and circle, what came in and what became of it."""


class _Head(msgspec.Struct):
    id: str
    type: str
    created: str = ""
    modified: str = ""


class InboundDesk:
    """The only way in for objects from peers, whether we fetched them or they were posted to us."""

    def __init__(
        self,
        *,
        check: Check,
        admit: Admit,
        keep: Keep,
        receipt: Receipt,
        clock: Clock,
        misbehaved: Misbehaved | None = None,
    ) -> None:
        """``misbehaved`` hears at most once a batch of forged and of unreadable objects, after the rest is kept."""
        self._misbehaved = misbehaved
        self._check = check
        self._admit = admit
        self._keep = keep
        self._receipt = receipt
        self._clock = clock

    def take(self, peer: str, circle: str, bodies: Sequence[bytes]) -> TakenIn:
        """Take in one batch; raises only what ``keep`` and ``receipt`` raise, and then nothing of the batch counts."""
        at = self._clock()
        outcomes: list[Outcome] = []
        admitted: list[StoredObject] = []
        for body in bodies:
            received = _look(body, peer, circle, at)
            decided = self._decide(received)
            if isinstance(decided, StoredObject):
                admitted.append(decided)
                outcomes.append(Outcome(decided.id, decided.version))
            else:
                id, version = (received.id, received.version) if received else (UNNAMED, "")
                outcomes.append(Outcome(id, version, decided.sentence, decided.misdeed))
        counts = self._keep(admitted) if admitted else PutCounts()
        if outcomes:
            self._receipt(peer, circle, outcomes)
        if self._misbehaved is not None and (found := _worst(outcomes)) is not None:
            self._misbehaved(peer, *found)
        return TakenIn(counts, tuple(outcomes))

    def _decide(self, received: ReceivedObject | None) -> StoredObject | _KeptOut:
        if received is None:
            return _KeptOut("This is not an object with a type and an id.", Misdeed.MALFORMED)
        if (problem := self._check(received.body)) is not None:
            return _KeptOut(problem, Misdeed.MALFORMED)
        decided = self._admit(received)
        if isinstance(decided, str):
            return _KeptOut(decided)
        if isinstance(decided, Declined):
            return _KeptOut(decided.sentence, Misdeed.FORGED if decided.forged else None)
        if decided.origin != received.peer:
            return _KeptOut("This object cannot be attributed to its sender.")
        return decided


class _KeptOut(msgspec.Struct, frozen=True):
    sentence: str
    misdeed: Misdeed | None = None


def _worst(outcomes: Sequence[Outcome]) -> tuple[Misdeed, str] | None:
    """What the batch says about its sender: a forged origin, or hardly anything that can be read."""
    forged = [outcome for outcome in outcomes if outcome.misdeed is Misdeed.FORGED]
    if forged:
        return Misdeed.FORGED, f"{len(forged)} objects of one delivery: {forged[0].problem}"
    unreadable = [outcome for outcome in outcomes if outcome.misdeed is Misdeed.MALFORMED]
    if len(unreadable) >= max(UNREADABLE_LEAST, len(outcomes) // 2):
        return Misdeed.MALFORMED, f"{len(unreadable)} of {len(outcomes)} objects: {unreadable[0].problem}"
    return None


def _look(body: bytes, peer: str, circle: str, at: int) -> ReceivedObject | None:
    try:
        head = msgspec.json.decode(body, type=_Head)
    except UNREADABLE:
        return None
    if not head.id.startswith(f"{head.type}--") or len(head.id) > MAX_ID:
        return None
    return ReceivedObject(head.id, head.type, head.modified or head.created, body, peer, circle, at)
