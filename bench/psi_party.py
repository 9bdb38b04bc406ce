"""One side of ``bench/psi.py``: a process with a node's store and key folder, told by a pipe what to do."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from seawall.exchange import psi
from seawall.exchange.psi import accelerator, group
from seawall.exchange.psi.workers import PIECE
from seawall.store import Store, sqlite_url

NODES = ("node--bench-1", "node--bench-2")
TRIED = (1_000, 20_000)  # least and most multiplications by which their cost is taken
SHARED = 10  # one value in ten is held by both


def items(place: int, begin: int, end: int) -> list[bytes]:
    """Different addresses as text, by number; one in ten of them is the other side's too."""
    # numbers of both: multiples of ten; of one side alone: odd for the one, even for the other, from the upper half on
    numbers = (n if n % SHARED == 0 else (1 << 31) + 2 * n + place for n in range(begin, end))
    return [b"%d.%d.%d.%d" % (n >> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255) for n in numbers]


def party(pipe: Connection, place: int, folder: str, way: str) -> None:
    """Do what the pipe says until it says nothing more. ``way``: accelerated or libsodium."""
    side = _Side(place, Path(folder), accelerated=way == "accelerated")
    while order := pipe.recv():
        pipe.send(getattr(side, order[0])(*order[1:]))
    side.close()


class _Side:
    def __init__(self, place: int, folder: Path, *, accelerated: bool) -> None:
        self._place = place
        self._accelerated = accelerated
        self._workers = psi.Workers(accelerated=accelerated)
        self._store = Store.open(sqlite_url(folder))
        self._scalars = psi.FileScalars(folder / psi.FOLDER)
        self._items: list[bytes] = []
        self._used = 0.0

    def offer(self, terms: psi.EpochTerms) -> psi.Commitment:
        """Our key."""
        self._terms = terms
        self._ours = psi.offer(terms, NODES[self._place], self._scalars, os.urandom)
        return self._ours

    def agree(self, theirs: psi.Commitment) -> str:
        """The epoch's id."""
        epoch = psi.agree(self._terms, self._ours, theirs, NODES[self._place])
        self._channel = psi.Channel(
            epoch=epoch,
            own=NODES[self._place],
            book=self._store.psi.book(NODES[1 - self._place], epoch.id),
            scalars=self._scalars,
            clock=lambda: self._terms.starts,
            multiplier=self._workers,
            randomness=os.urandom,
        )
        return epoch.id

    def hold(self, size: int) -> int:
        """Hold so many values; what was held before is among them."""
        self._items += items(self._place, len(self._items), size)
        return len(set(self._items))

    def begin(self) -> None:
        """Count CPU-seconds from here; what loading the program costs is not counted, of the peer neither."""
        _ = psi.start, psi.receive, psi.overlap  # loaded when first named
        self._used = _cpu()

    def start(self, session: int) -> list[bytes]:
        """Message 1."""
        return psi.start(self._channel, session, self._items)

    def receive(self, body: bytes) -> tuple[bytes, ...]:
        """The replies to one part. Budgets are not what is measured here: nothing is spent."""
        return psi.receive(self._channel, body, lambda: self._items, _unspent).replies

    def finish(self, session: int) -> tuple[int, str]:
        """How many values became common in a session, and a digest of them."""
        common = psi.overlap(self._channel, since=session).common
        return len(common), hashlib.sha256(b"\n".join(one.value for one in common)).hexdigest()

    def used(self) -> tuple[float, int]:
        """CPU-seconds since ``begin``, workers with it; the most memory this process held, in bytes."""
        self._workers.close()  # the system counts children when they have ended
        return _cpu() - self._used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def operations(self, size: int) -> tuple[float, float, float, float]:
        """CPU-seconds of one multiplication and of one hash to the group, by libsodium and hashlib alone, then both in
        the way of this side."""
        sodium = group.library()
        scalar, point = sodium.crypto_core_ristretto255_scalar_random(), sodium.crypto_core_ristretto255_random()
        times = min(max(size, TRIED[0]), TRIED[1])
        multiply = _timed(lambda: sodium.crypto_scalarmult_ristretto255(scalar, point), times)
        hashed = _timed(lambda: group.hash_to_group(b"192.0.2.1", self._channel.epoch.dst), times)
        kernel = accelerator.usable() if self._accelerated else None
        if kernel is None:
            return multiply, hashed, multiply, hashed
        uniform = group.expand_all(self._channel.epoch.dst, items(self._place, 0, PIECE))
        points = kernel.times(scalar, uniform, uniform=True)
        rounds = -(-times // PIECE)
        half = kernel.package.times  # without the products that are tried: those are no operations
        own = _timed(lambda: half(scalar, points, kernel=kernel.kernel), rounds) / PIECE
        expanded = _timed(lambda: group.expand_all(self._channel.epoch.dst, items(self._place, 0, PIECE)), rounds)
        mapped = _timed(lambda: half(scalar, uniform, uniform=True, kernel=kernel.kernel), rounds) / PIECE
        return multiply, hashed, own, expanded / PIECE + mapped - own

    def close(self) -> None:
        """End the workers, close the store."""
        self._workers.close()
        self._store.close()


def _unspent(count: int, key: str) -> None:
    """What a node would take off its budget."""


def _timed(work: Callable[[], Any], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begun) / times


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
