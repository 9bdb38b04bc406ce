"""A book and scalars that live as long as the process: for tests, benches and trials."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from seawall.model.psi import PsiSession, SentPart, TakenPart


class MemoryBook:
    """Fulfils ``PsiBook``."""

    def __init__(self) -> None:
        self._sessions: dict[int, PsiSession] = {}
        self._sent: dict[tuple[int, int], SentPart] = {}
        self._taken: dict[tuple[int, int], TakenPart] = {}
        self._questions: dict[str, tuple[bytes, bytes]] = {}

    def session(self) -> PsiSession | None:
        """The newest session."""
        return self._sessions[max(self._sessions)] if self._sessions else None

    def save(self, session: PsiSession) -> None:
        """Add or replace a session."""
        self._sessions[session.number] = session

    def put_sent(self, session: int, part: SentPart) -> None:
        """Add or replace a part of our list."""
        self._sent[session, part.index] = part

    def sent_part(self, session: int, index: int) -> SentPart | None:
        """One part of our list."""
        return self._sent.get((session, index))

    def sent(self, session: int) -> Iterator[SentPart]:
        """The parts of our list of one session."""
        return (part for (number, _), part in sorted(self._sent.items(), key=_key) if number == session)

    def drop_sent(self, session: int) -> None:
        """Forget our list of one session."""
        self._sent = {key: part for key, part in self._sent.items() if key[0] != session}

    def answered(self, session: int, index: int, tokens: bytes, digest: bytes) -> None:
        """The tokens of a part came back."""
        part = self._sent[session, index]
        self._sent[session, index] = structs.replace(part, points=b"", checks=b"", tokens=tokens, answer=digest)

    def put_taken(self, session: int, part: TakenPart) -> None:
        """Keep a part of the other side's list."""
        self._taken[session, part.index] = part

    def taken(self, session: int) -> Iterator[TakenPart]:
        """The parts of the other side's list of one session."""
        return (part for (number, _), part in sorted(self._taken.items(), key=_key) if number == session)

    def sent_parts(self) -> Iterator[tuple[int, SentPart]]:
        """All answered parts of ours."""
        return ((key[0], part) for key, part in sorted(self._sent.items(), key=_key) if part.tokens is not None)

    def taken_parts(self) -> Iterator[tuple[int, TakenPart]]:
        """All parts of theirs."""
        return ((key[0], part) for key, part in sorted(self._taken.items(), key=_key))

    def put_question(self, key: str, value: bytes, blind: bytes, at: int) -> None:
        """Keep a question."""
        self._questions[key] = (value, blind)

    def question(self, key: str) -> tuple[bytes, bytes] | None:
        """(value, blind) of a question."""
        return self._questions.get(key)

    def drop_question(self, key: str) -> None:
        """Forget a question."""
        self._questions.pop(key, None)

    def forget(self) -> None:
        """Drop everything."""
        self._sessions.clear()
        self._sent.clear()
        self._taken.clear()
        self._questions.clear()


class MemoryScalars:
    """Fulfils ``Scalars``."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The scalar kept under a name."""
        return self._held.get(name)

    def put(self, name: str, scalar: bytes) -> bytes:
        """Keep it unless there is one; the one that is kept."""
        return self._held.setdefault(name, scalar)

    def wipe(self, name: str) -> None:
        """Forget it."""
        self._held.pop(name, None)


def _key(entry: tuple[tuple[int, int], object]) -> tuple[int, int]:
    return entry[0]
