"""Two sides of one epoch, and the way between them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from seawall.exchange import psi
from seawall.exchange.psi import listing, parts, sessions
from seawall.model import ObservableType

ONE, OTHER = "node--1", "node--2"
BEGIN, END = 1_000_000, 2_000_000
NOW = 1_500_000


class Budget:
    """Counts what is spent, each key once, as the durable one does."""

    def __init__(self, limit: int | None = None) -> None:
        self.spent: dict[str, int] = {}
        self.limit = limit

    def __call__(self, count: int, key: str) -> None:
        after = self.total + (0 if key in self.spent else count)
        if self.limit is not None and after > self.limit:
            raise PermissionError("over the budget")
        self.spent[key] = count

    @property
    def total(self) -> int:
        """All guesses spent."""
        return sum(self.spent.values())


def terms_of(**given: object) -> psi.EpochTerms:
    """Terms of an epoch between both sides."""
    usual = {"type": ObservableType.IPV4, "number": 1, "nodes": (ONE, OTHER), "most_points": 100_000}
    return psi.EpochTerms(**{**usual, "starts": BEGIN, "ends": END, **given})  # type: ignore[arg-type]


def pair(terms: psi.EpochTerms | None = None, *books: psi.PsiBook) -> tuple[psi.Channel, psi.Channel]:
    """Both sides of a new epoch, each with its own book and scalars."""
    terms = terms or terms_of()
    scalars = psi.MemoryScalars(), psi.MemoryScalars()
    offers = [psi.offer(terms, own, held, os.urandom) for own, held in zip(terms.nodes, scalars, strict=True)]
    kept = books or (psi.MemoryBook(), psi.MemoryBook())
    made = []
    for place, own in enumerate(terms.nodes):
        epoch = psi.agree(terms, offers[place], offers[1 - place], own)
        made.append(channel(epoch, own, kept[place], scalars[place]))
    return made[0], made[1]


def channel(epoch: psi.Epoch, own: str, book: psi.PsiBook, scalars: psi.Scalars) -> psi.Channel:
    """One side."""
    return psi.Channel(
        epoch=epoch,
        own=own,
        book=book,
        scalars=scalars,
        clock=lambda: NOW,
        multiplier=psi.Here(),
        randomness=os.urandom,
    )


def run(first: psi.Channel, second: psi.Channel, session: int, ours: Iterable[bytes], theirs: Iterable[bytes]) -> int:
    """One whole session; returns the bytes that travelled."""
    budget, there = Budget(), psi.start(first, session, ours)
    travelled, here = 0, list[bytes]()
    while there or here:
        receiver, waiting, other = (second, there, here) if there else (first, here, there)
        body = waiting.pop(0)
        travelled += len(body)
        other += psi.receive(receiver, body, lambda: theirs, budget).replies
    return travelled


def values(channel_: psi.Channel) -> set[bytes]:
    """What a side knows that both hold."""
    return {one.value for one in psi.overlap(channel_).common}


def changed(body: bytes, **fields: object) -> bytes:
    """A part with other fields."""
    from msgspec import structs

    return parts.encode(structs.replace(parts.decode(body), **fields))


@contextmanager
def small_parts(points: int = 32) -> Iterator[None]:
    """Lists travel in parts of so few points that even a short one has several."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (listing, parts, sessions):
            patch.setattr(module, "PART_POINTS", points)
        yield


def with_key(channel_: psi.Channel, scalar: bytes) -> psi.Channel:
    """The same side, multiplying with another scalar than the one it committed to."""
    scalars = psi.MemoryScalars()
    scalars.put(psi.name_of(channel_.epoch.terms), scalar)
    return replace(channel_, scalars=scalars)
