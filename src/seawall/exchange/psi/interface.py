"""What the protocol needs from whoever drives it: a book, a place for scalars, and callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from seawall.model import Clock
from seawall.model.psi import PsiSession, SentPart, TakenPart

if TYPE_CHECKING:
    from seawall.exchange.psi.epoch import Epoch

BeforeAnswering = Callable[[int, str], None]
"""``(count, key)``: called before a single one of ``count`` points of the other side is evaluated.

It must spend the guess budget durably and raise (``Refused``) when that is too small: nothing is then evaluated or
kept. ``key`` names the part (epoch, session, index), so that a repetition after a kill is spent once.
"""

Items = Callable[[], Iterable[bytes]]
"""Our values (canonical, UTF-8) that may enter; asked once, when our own list is made. What was sent before in this
epoch is left out by itself, so all of them or the new ones may be given."""

Progress = Callable[[int, int], None]
"""``(done, total)`` points."""

Randomness = Callable[[int], bytes]
"""So many random bytes; ``os.urandom`` outside of tests."""


class PsiBook(Protocol):
    """What is kept of one epoch with one peer; ``store.psi.book(...)`` and ``MemoryBook`` fulfil it.

    Every method that changes something is durable when it returns, and all of it or nothing.
    """

    def session(self) -> PsiSession | None:
        """The newest session, whatever its state."""
        ...

    def save(self, session: PsiSession) -> None:
        """Add or replace the session of this number."""
        ...

    def put_sent(self, session: int, part: SentPart) -> None:
        """Add or replace one part of our list."""
        ...

    def sent_part(self, session: int, index: int) -> SentPart | None:
        """One part of our list; None when there is none."""
        ...

    def sent(self, session: int) -> Iterator[SentPart]:
        """The parts of our list of one session, in order."""
        ...

    def drop_sent(self, session: int) -> None:
        """Forget our list of one session: it was not whole when its making was interrupted."""
        ...

    def answered(self, session: int, index: int, tokens: bytes, digest: bytes) -> None:
        """The tokens of a part came back; its points are forgotten. ``digest``: of the answer as it came."""
        ...

    def put_taken(self, session: int, part: TakenPart) -> None:
        """Keep one part of the other side's list."""
        ...

    def taken(self, session: int) -> Iterator[TakenPart]:
        """The parts of the other side's list that came in this session, in order."""
        ...

    def sent_parts(self) -> Iterator[tuple[int, SentPart]]:
        """(session, part) of all of ours that were answered, over the whole epoch."""
        ...

    def taken_parts(self) -> Iterator[tuple[int, TakenPart]]:
        """(session, part) of all of theirs, over the whole epoch."""
        ...

    def put_question(self, key: str, value: bytes, blind: bytes, at: int) -> None:
        """Keep a question that was asked, until its answer came."""
        ...

    def question(self, key: str) -> tuple[bytes, bytes] | None:
        """(value, blind) of an unanswered question."""
        ...

    def drop_question(self, key: str) -> None:
        """Forget a question."""
        ...

    def forget(self) -> None:
        """Drop everything that is kept of this epoch."""
        ...


class Scalars(Protocol):
    """The secret scalars, apart from everything that is backed up; ``FileScalars`` and ``MemoryScalars`` fulfil it."""

    def get(self, name: str) -> bytes | None:
        """The 32 bytes kept under a name; None when there are none."""
        ...

    def put(self, name: str, scalar: bytes) -> bytes:
        """Keep it durably and return it; when there is one already, that one stays and is returned."""
        ...

    def wipe(self, name: str) -> None:
        """Overwrite and remove it; unknown names are wiped already."""
        ...


class Multiplier(Protocol):
    """Does the many multiplications; ``Here`` in this process, ``Workers`` in two others."""

    def blind(self, scalar: bytes, dst: bytes, values: Sequence[bytes]) -> bytes:
        """32 bytes for each value: its hash to the group, times the scalar."""
        ...

    def evaluate(self, scalar: bytes, points: bytes, *, keep: int = 16) -> bytes:
        """The first ``keep`` bytes of each point times the scalar. Raises Refused E-EXCHANGE-702 for a bad point."""
        ...


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One epoch with one peer, as one side holds it; given to every step of the protocol."""

    epoch: Epoch
    own: str  # our node id: one of ``epoch.terms.nodes``
    book: PsiBook
    scalars: Scalars
    clock: Clock
    multiplier: Multiplier  # does the multiplications, here or in two worker processes
    randomness: Randomness
    progress: Progress | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one part."""

    session: int
    replies: tuple[bytes, ...] = ()  # parts to send to the other side, in this order
    done: bool = False  # our side of the session is complete: ``overlap`` says what both hold


class Common(msgspec.Struct, frozen=True):
    """A value that both hold, and the sessions in which either side brought it."""

    value: bytes
    our_session: int
    their_session: int


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides hold by now, over the whole epoch."""

    common: tuple[Common, ...]  # sorted by value
    ours: int  # values that we brought and that were answered
    theirs: int  # points that the other side brought, its padding and check points with them


class Heading(msgspec.Struct, frozen=True):
    """What a part says of itself, for whoever looks up its channel; nothing is checked yet."""

    epoch: str  # lower hex, ``Epoch.id``
    purpose: str  # overlap, count, ask
    session: int


class Answered(msgspec.Struct, frozen=True):
    """The answer to a question that was asked; ``book.drop_question(key)`` forgets it once it is recorded."""

    key: str
    value: bytes
    known: bool  # the other side brought it into this epoch
