"""Compaction: many small files become few, and the roll-up gets one row a key, in an order that look-ups prune by.

Each step is a commit of its own: a reader keeps the files of its snapshot, others may write between two steps, and a
killed compaction goes on from the last step when it is run again. In order:

1. observations: small files of one day and side into files of at most OBSERVATION_ROWS rows;
2. derived data sets likewise;
3. the roll-up: files of several days are split by day, then each day that has new rows is grouped and sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from seawall.lake.interface import OnWait
from seawall.lake.lake import Lake
from seawall.lake.manifest import DERIVED, OBSERVATIONS, ROLLUP, Manifest, Part
from seawall.lake.merging import day_of, merge_derived, merge_observations, merge_rollup, split_rollup
from seawall.lake.writer import DuckDBWriter

OBSERVATION_ROWS = 500_000  # of one file, as ingest's batches: whoever reads a whole file counts on that
DERIVED_ROWS = 4_000_000
SPLIT_ROWS = 1_000_000  # roll-up rows split at once; some 150 MB
_K = TypeVar("_K", bound=Hashable)


class Size(msgspec.Struct, frozen=True):
    """What a lake holds. ``rows`` of all files, ``bytes`` with what stands beside them."""

    files: int
    rows: int
    bytes: int


class CompactReport(msgspec.Struct, frozen=True):
    """The lake before and after, and how many commits it took."""

    before: Size
    after: Size
    steps: int


def size(lake: Lake) -> Size:
    """What ``lake`` holds by its manifest, which counts as no file."""
    parts = lake.manifest().parts
    return Size(len(parts), sum(part.rows for part in parts), lake.storage.size(parts))


def compact(lake: Lake, on_wait: OnWait | None = None) -> CompactReport:
    """Merge what is small, make the roll-up one row a key, and remove what ended writers and readers left.

    Raises what ``Lake.writing`` does.
    """
    before = size(lake)
    steps = sum(_repeat(lake, step, on_wait) for step in (_observations, _derived, _split, _days))
    lake.tidy(on_wait)
    return CompactReport(before, size(lake), steps)


def split(lake: Lake, on_wait: OnWait | None = None) -> None:
    """Have every roll-up file hold one day only, and say which."""
    _repeat(lake, partial(_split, apart=True), on_wait)


Step = Callable[[Manifest], Callable[[DuckDBWriter], None] | None]
"""Looks at a manifest and gives the next piece of work, if there is any."""


def _repeat(lake: Lake, step: Step, on_wait: OnWait | None) -> int:
    done = 0
    while step(lake.manifest()) is not None:  # a look without the lock first: most of the time nothing is to do
        with lake.merging(on_wait) as writer:
            work = step(lake.manifest())
            if work is None:
                break
            work(writer)
        done += 1
    return done


def _observations(manifest: Manifest) -> Callable[[DuckDBWriter], None] | None:
    groups = _by(manifest.of(OBSERVATIONS), lambda part: (part.day, part.side))
    found = next((bin for group in groups for bin in _bins(group, OBSERVATION_ROWS)), None)
    return None if found is None else partial(merge_observations, parts=found)


def _derived(manifest: Manifest) -> Callable[[DuckDBWriter], None] | None:
    groups = _by((part for part in manifest.parts if part.kind == DERIVED), lambda part: part.name)
    found = next((bin for group in groups for bin in _bins(group, DERIVED_ROWS)), None)
    return None if found is None else partial(merge_derived, parts=found)


def _split(manifest: Manifest, *, apart: bool = False) -> Callable[[DuckDBWriter], None] | None:
    """Files of several days; ``apart``: also those of one day that do not say so."""
    chosen: list[Part] = []
    rows = 0
    for part in manifest.of(ROLLUP):
        if part.day is None and (apart or day_of(part) is None):
            rows += part.rows
            if chosen and rows > SPLIT_ROWS:
                break
            chosen.append(part)
    return partial(split_rollup, parts=chosen) if chosen else None


def _days(manifest: Manifest) -> Callable[[DuckDBWriter], None] | None:
    for parts in _by(manifest.of(ROLLUP), day_of):
        day = day_of(parts[0])
        if day is not None and not all(part.placed for part in parts):
            return partial(merge_rollup, day=day, parts=parts)
    return None


def _by(parts: Iterable[Part], key: Callable[[Part], _K]) -> Iterator[list[Part]]:
    groups: dict[_K, list[Part]] = {}
    for part in parts:
        groups.setdefault(key(part), []).append(part)
    yield from groups.values()


def _bins(parts: Sequence[Part], most: int) -> Iterator[list[Part]]:
    """Neighbouring files that fit into one of at most ``most`` rows. Files of half of that and more are left alone."""
    bin: list[Part] = []
    rows = 0
    for part in parts:
        if part.rows * 2 >= most:
            continue
        if rows + part.rows > most:
            if len(bin) > 1:
                yield bin
            bin, rows = [], 0
        bin.append(part)
        rows += part.rows
    if len(bin) > 1:
        yield bin
